"""What several families of operations share: shape rules, samples to be tested on, zeros to scatter into."""

from __future__ import annotations

from tinygrad_cnn._sample import Sample, booleans, integers, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    Dims,
    DType,
    HasSpec,
    Shape,
    Spec,
    bool_,
    broadcast,
    reduced_shape,
    require_floating,
)
from tinygrad_cnn.errors import DTypeError


def unary(x: HasSpec) -> Spec:
    """One result for each element."""
    return Spec(x.shape, x.dtype)


def binary(x: HasSpec, y: HasSpec) -> Spec:
    """One result for each pair of elements, broadcasting."""
    if x.shape == y.shape or not y.shape:  # equal shapes and scalars need no look at the sizes
        return Spec(x.shape, x.dtype)
    return Spec(broadcast(x.shape, y.shape, names=("x", "y")), x.dtype)


def arithmetic(x: HasSpec, y: HasSpec) -> Spec:
    """Like `binary`, for operations that make no sense between bools."""
    if x.dtype is bool_:
        raise DTypeError(
            "bools are no numbers to compute with",
            argument="x",
            expected="numbers",
            got="bool",
            hint="x.to('int64'), or tc.logical_xor / tc.logical_not",
        )
    return binary(x, y)


def numeric(x: HasSpec) -> Spec:
    """Like `unary`, for operations that make no sense of a bool."""
    return arithmetic(x, x)


def comparison(x: HasSpec, y: HasSpec) -> Spec:
    """One bool for each pair of elements."""
    return Spec(binary(x, y).shape, bool_)


def reduced(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    """One result for all elements along `dim`."""
    return Spec(reduced_shape(x.shape, dim, keepdim), x.dtype)


def reduced_floating(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    """Like `reduced`, for averages and what is made of them."""
    require_floating(x, "x")
    return reduced(x, dim=dim, keepdim=keepdim)


def zeros_for(shape: Shape, dtype: DType, like: Tensor) -> Tensor:
    """A constant of zeros where `like` lives (gradient rules scatter into it)."""
    return Tensor(like.backend.full(shape, 0, dtype), shape, dtype, like.backend)


UNARY = (Sample(reals(2, 3)), Sample(reals()), Sample(reals(0, 3)))
POSITIVE = (Sample(reals(2, 3, low=0.2, high=3.0)), Sample(reals(low=0.5, high=1.0)))
BINARY = (
    Sample(reals(2, 3), reals(2, 3)),
    Sample(reals(3, 1), reals(4)),
    Sample(reals(), reals(2, 2)),
    Sample(reals(0, 2), reals(2)),
)
COMPARED = (*BINARY, Sample(integers(3, 3, high=3), integers(3, 3, high=3)))
LOGICAL = (Sample(booleans(2, 3), booleans(3)), Sample(reals(2, 2), booleans(2, 2)))


ALONG = (
    Sample(reals(2, 3, 4)),
    Sample(reals(2, 3, 4), dim=1),
    Sample(reals(2, 3, 4), dim=(0, -1), keepdim=True),
    Sample(reals()),
)
ONE_DIM = (Sample(reals(2, 3, 4), dim=1), Sample(reals(3, 2), dim=-1, keepdim=True))
