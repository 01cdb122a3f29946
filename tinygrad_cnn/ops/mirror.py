"""Elements in another order along a dimension: mirrored, or rolled like a drum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, as_index, normalize_dim, normalize_dims
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.movement import listed, reshape_op

# --- mirrored -------------------------------------------------------------------------------------


def _flipped(x: HasSpec, *, dims: Any) -> Spec:
    normalize_dims(dims, len(x.shape), argument="dims")
    return Spec(x.shape, x.dtype)


@op(
    name="flip",
    symbol="flip",
    infer=_flipped,
    view=True,
    public=False,
    samples=[Sample(reals(2, 3), dims=(0, 1)), Sample(reals(3), dims=0)],
)
def flip_op(B, x, *, dims):
    """The order of elements reversed along some dimensions."""
    return B.xp.flip(x, axis=normalize_dims(dims, x.ndim))


@flip_op.gradient("x", "∂L/∂x = g, flipped back")
def _(g, node, *, dims):
    return flip_op(g, dims=dims)


@function(method=True)
def flip(x: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The order of elements reversed along the dimensions named: `flip(x, 0, 1)` or `flip(x, dims=(0, 1))`.

    >>> import tinygrad_cnn as tc
    >>> tc.flip(tc.tensor([[1, 2], [3, 4]]), 1)
    tensor([[2, 1],
            [4, 3]])
    """
    return flip_op(x, dims=listed(order, dims))


@function(method=True)
def fliplr(x: Tensor) -> Tensor:
    """Left and right exchanged: dimension 1 reversed.

    >>> import tinygrad_cnn as tc
    >>> tc.fliplr(tc.tensor([[1, 2], [3, 4]])).tolist()
    [[2, 1], [4, 3]]
    """
    if x.ndim < 2:
        raise ShapeError(
            "left and right need two dimensions", argument="x", expected="2 or more", got=x.shape
        )
    return flip_op(x, dims=1)


@function(method=True)
def flipud(x: Tensor) -> Tensor:
    """Up and down exchanged: dimension 0 reversed.

    >>> import tinygrad_cnn as tc
    >>> tc.flipud(tc.tensor([[1, 2], [3, 4]])).tolist()
    [[3, 4], [1, 2]]
    """
    if x.ndim < 1:
        raise ShapeError("up and down need a dimension", argument="x", expected="1 or more", got=x.shape)
    return flip_op(x, dims=0)


# --- rolled ---------------------------------------------------------------------------------------


@function(method=True)
def roll(x: Tensor, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved along `dims`; what leaves at the end comes in at the front.

    Without `dims` the flattened tensor is rolled. A dimension named twice is rolled twice.

    >>> import tinygrad_cnn as tc
    >>> tc.roll(tc.tensor([[1, 2, 3], [4, 5, 6]]), shifts=1, dims=1)
    tensor([[3, 1, 2],
            [6, 4, 5]])
    """
    steps = [as_index(one, argument="shifts") for one in listed((shifts,), None)]
    if dims is None:
        if len(steps) != 1:
            raise ArgumentError(
                "the flattened tensor rolls by one number",
                argument="dims",
                expected="a dimension for each shift",
            )
        return reshape_op(roll(reshape_op(x, shape=(x.numel(),)), steps[0], 0), shape=x.shape)
    axes = listed((dims,), None)
    if len(axes) != len(steps):
        raise ArgumentError(
            "every dimension needs its shift",
            argument="shifts",
            expected=f"{len(axes)} numbers",
            got=shifts,
        )
    for step, dim in zip(steps, axes, strict=True):
        x = _rolled(x, step, normalize_dim(dim, x.ndim, argument="dims"))
    return x


def _rolled(x: Tensor, step: int, axis: int) -> Tensor:
    cut = -step % x.shape[axis] if x.numel() and x.ndim else 0
    if not cut:
        return x.clone()
    front = (slice(None),) * axis
    return cat([x[(*front, slice(cut, None))], x[(*front, slice(None, cut))]], axis)
