"""Stretching: one element in many places, without copying; and the sum that undoes it.

What broadcasting does by itself, `expand` does by name. Forward the same number goes to several places, so
backward what they send back is added up: expand and `sum_to` are each other's gradient.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Shape, Spec, as_shape
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops.movement import listed


def _expanded(x: HasSpec, *, shape: Shape) -> Spec:
    padded = (1,) * (len(shape) - len(x.shape)) + x.shape
    resolved = tuple(
        old if new == -1 and position >= len(shape) - len(x.shape) else new
        for position, (old, new) in enumerate(zip(padded, shape, strict=False))
    )
    fits = len(padded) == len(shape) and all(
        old in (1, new) for old, new in zip(padded, resolved, strict=True)
    )
    if not fits or any(size < 0 for size in resolved):
        raise ShapeError(
            "only dimensions of size 1 can be stretched",
            argument="shape",
            expected=f"a shape that {x.shape} broadcasts to",
            got=shape,
        )
    return Spec(resolved, x.dtype)


@op(
    name="expand",
    symbol="expand",
    infer=_expanded,
    view=True,
    public=False,
    samples=[
        Sample(reals(3, 1), shape=(2, 3, 4)),
        Sample(reals(), shape=(2,)),
        Sample(reals(2, 1), shape=(-1, 3)),
    ],
)
def expand_op(B, x, *, shape):
    """Dimensions of size 1 repeated, without copying."""
    extra = len(shape) - x.ndim
    resolved = tuple(x.shape[i - extra] if size == -1 else size for i, size in enumerate(shape))
    return B.xp.broadcast_to(x, resolved)


@expand_op.gradient("x", "∂L/∂x = Σ g over what was repeated")
def _(g, node):
    return sum_to(g, shape=node.spec("x").shape)


@op(
    symbol="Σ→",
    infer=lambda x, *, shape: Spec(shape, x.dtype),
    public=False,
    samples=[Sample(reals(2, 3, 4), shape=(3, 1)), Sample(reals(2, 3), shape=())],
)
def sum_to(B, x, *, shape):
    """The sum that undoes a broadcast from `shape`: gradients of stretched operands end up here."""
    extra = x.ndim - len(shape)
    stretched = [axis + extra for axis, size in enumerate(shape) if size == 1 and x.shape[axis + extra] != 1]
    total = B.xp.sum(x, axis=(*range(extra), *stretched), keepdims=True)
    return B.xp.reshape(total, shape)


@sum_to.gradient("x", "∂L/∂x = g, broadcast")
def _(g, node):
    return expand_op(g, shape=node.spec("x").shape)


@function(method=True)
def expand(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Dimensions of size 1 stretched to new sizes without copying; −1 keeps a size.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([[1.0], [2.0]]).expand(-1, 3)
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    return expand_op(x, shape=listed(sizes, shape))


@function(method=True)
def broadcast_to(x: Tensor, shape: Shape) -> Tensor:
    """x stretched to `shape` by NumPy's broadcasting rule.

    Raises:
        ShapeError: x does not broadcast to that shape.

    >>> import tinygrad_cnn as tc
    >>> tc.broadcast_to(tc.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return expand_op(x, shape=as_shape(shape))
