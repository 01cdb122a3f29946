"""Operations that move elements without changing them: clone, reshape, permute.

None of them computes anything, so every gradient rule is the opposite movement: what was reshaped is
reshaped back, what was permuted is permuted back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import attach, function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    HasSpec,
    Shape,
    Spec,
    as_index,
    count,
    normalize_dim,
    normalize_dims,
)
from tinygrad_cnn.errors import DimensionError, ShapeError
from tinygrad_cnn.ops._infer import UNARY, unary

# --- the same numbers, the same places ------------------------------------------------------------


@op(symbol="=", infer=unary, view=True, public=False, samples=UNARY)
def alias(B, x):
    """Another tensor with the same memory and its own place in the graph."""
    return x


@alias.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@op(symbol="copy", infer=unary, method=True, samples=UNARY)
def clone(B, x):
    """A copy in memory of its own; gradients pass through.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0])
    >>> y = x.clone()
    >>> _ = x.assign(tc.zeros(2))
    >>> y
    tensor([1., 2.])
    """
    return B.xp.asarray(x, copy=True)


@clone.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


# --- the same numbers, another shape --------------------------------------------------------------


def _reshaped(x: HasSpec, *, shape: Shape) -> Spec:
    sizes = tuple(
        as_index(size, argument="shape") for size in (shape if isinstance(shape, tuple) else (shape,))
    )
    total = count(x.shape)
    if sizes.count(-1) == 1:
        rest = count(tuple(size for size in sizes if size != -1))
        if rest and total % rest == 0:
            sizes = tuple(total // rest if size == -1 else size for size in sizes)
    if any(size < 0 for size in sizes) or count(sizes) != total:
        raise ShapeError(
            f"{total} elements do not fill that shape",
            argument="shape",
            expected=f"sizes whose product is {total}; one of them may be -1",
            got=f"{shape} from {x.shape}",
        )
    return Spec(sizes, x.dtype)


@op(
    name="reshape",
    symbol="reshape",
    infer=_reshaped,
    view=True,
    public=False,
    samples=[
        Sample(reals(2, 6), shape=(3, 4)),
        Sample(reals(2, 3, 2), shape=(2, -1)),
        Sample(reals(), shape=(1,)),
    ],
)
def reshape_op(B, x, *, shape):
    """The same elements in row-major order under another shape."""
    return B.xp.reshape(x, shape)


@reshape_op.gradient("x", "∂L/∂x = g, in the shape of x")
def _(g, node):
    return reshape_op(g, shape=node.spec("x").shape)


def listed(numbers: tuple[Any, ...], named: Any) -> tuple[Any, ...]:
    """`f(2, 3)`, `f((2, 3))` and `f(shape=(2, 3))` mean the same."""
    if named is not None:
        numbers = (named,)
    if len(numbers) == 1 and isinstance(numbers[0], (tuple, list)):
        return tuple(numbers[0])
    return numbers


@function(method=True)
def reshape(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be −1 ("what is left").

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    return reshape_op(x, shape=listed(sizes, shape))


@attach
def view(self: Tensor, *sizes: Any) -> Tensor:
    """The same as `reshape` (PyTorch's other name for it).

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).view(2, 3)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    return reshape_op(self, shape=listed(sizes, None))


@function(method=True)
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim .. end_dim as one: (N, C, H, W) → (N, C·H·W) with start_dim=1.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    first = normalize_dim(start_dim, x.ndim, argument="start_dim")
    last = normalize_dim(end_dim, x.ndim, argument="end_dim")
    if first > last:
        raise DimensionError(
            "start_dim comes after end_dim", argument="start_dim", expected=f"<= {last}", got=first
        )
    # The size is spelled out: -1 would be ambiguous for an empty batch.
    return reshape_op(x, shape=(*x.shape[:first], count(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@function(method=True)
def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1 (or only those named by `dim`).

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(1, 3, 1).squeeze(0).shape
    (3, 1)
    """
    dims = normalize_dims(dim, x.ndim)
    return reshape_op(
        x, shape=tuple(size for axis, size in enumerate(x.shape) if size != 1 or axis not in dims)
    )


@function(method=True)
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at position `dim`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).unsqueeze(1).shape
    (2, 1, 3)
    """
    axis = normalize_dim(dim, x.ndim + 1)
    return reshape_op(x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))


def _permuted(x: HasSpec, *, dims: Shape) -> Spec:
    ndim = len(x.shape)
    if len(dims) != ndim:
        raise DimensionError(
            "a permutation names every dimension once",
            argument="dims",
            expected=f"{ndim} dimensions",
            got=dims,
        )
    normalize_dims(dims, ndim, argument="dims")
    return Spec(tuple([x.shape[dim] for dim in dims]), x.dtype)


@op(
    name="permute",
    symbol="permute",
    infer=_permuted,
    view=True,
    public=False,
    samples=[
        Sample(reals(2, 3, 4), dims=(2, 0, 1)),
        Sample(reals(2, 2, 2), dims=(2, 0, 1)),
        Sample(reals(2, 3), dims=(-1, 0)),
    ],
)
def permute_op(B, x, *, dims):
    """The dimensions in another order."""
    return B.xp.permute_dims(x, dims)


@permute_op.gradient("x", "∂L/∂x = g, permuted back")
def _(g, node, *, dims):
    order = [dim % len(dims) for dim in dims]
    return permute_op(g, dims=tuple(order.index(axis) for axis in range(len(order))))


@function(method=True)
def permute(x: Tensor, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in another order: `images.permute(0, 2, 3, 1)` turns NCHW into NHWC.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 5).permute(2, 0, 1).shape
    (5, 2, 3)
    """
    return permute_op(x, dims=listed(order, dims))


@function(method=True)
def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 5).transpose(0, -1).shape
    (5, 3, 2)
    """
    order = list(range(x.ndim))
    first = normalize_dim(dim0, x.ndim, argument="dim0")
    second = normalize_dim(dim1, x.ndim, argument="dim1")
    if order:
        order[first], order[second] = second, first
    return permute_op(x, dims=tuple(order))


def transposed(x: Tensor) -> Tensor:
    """A matrix transposed, or each of a stack of them: Aᵀ in the rules of matrix products."""
    rows, columns = x.ndim - 2, x.ndim - 1
    return permute_op(x, dims=(*range(rows), columns, rows))
