"""Rounding: step functions, which have no gradient, and what rounding cuts off, which has one."""

from __future__ import annotations

from tinygrad_cnn._op import function, op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.ops._infer import UNARY, numeric
from tinygrad_cnn.ops.arithmetic import sub


@op(symbol="⌊x⌋", infer=numeric, method=True, samples=UNARY)
def floor(B, x):
    """The largest integer ≤ x.

    >>> import tinygrad_cnn as tc
    >>> tc.floor(tc.tensor([1.5, -1.5]))
    tensor([ 1., -2.])
    """
    return B.xp.floor(x)


@op(symbol="⌈x⌉", infer=numeric, method=True, samples=UNARY)
def ceil(B, x):
    """The smallest integer ≥ x.

    >>> import tinygrad_cnn as tc
    >>> tc.ceil(tc.tensor([1.5, -1.5]))
    tensor([ 2., -1.])
    """
    return B.xp.ceil(x)


@op(symbol="round", infer=numeric, method=True, samples=UNARY)
def round(B, x):
    """The nearest integer, halves to the even one.

    >>> import tinygrad_cnn as tc
    >>> tc.round(tc.tensor([0.5, 1.5, 2.6]))
    tensor([0., 2., 3.])
    """
    return B.xp.round(x)


@op(symbol="trunc", infer=numeric, method=True, samples=UNARY)
def trunc(B, x):
    """The integer part, towards zero.

    >>> import tinygrad_cnn as tc
    >>> tc.trunc(tc.tensor([1.5, -1.5]))
    tensor([ 1., -1.])
    """
    return B.xp.trunc(x)


@function(method=True)
def frac(x: Tensor) -> Tensor:
    """What is left of x without its integer part, with the sign of x.

    >>> import tinygrad_cnn as tc
    >>> tc.frac(tc.tensor([1.25, -1.25]))
    tensor([ 0.25, -0.25])
    """
    return sub(x, trunc(x))
