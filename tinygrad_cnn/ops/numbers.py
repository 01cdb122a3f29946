"""Small functions of numbers, put together from others: between two numbers, what is left over, how close.

All work element by element; operands broadcast, and dtypes meet as in arithmetic.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import function, op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops._infer import BINARY, binary
from tinygrad_cnn.ops.activation import clamp, sigmoid
from tinygrad_cnn.ops.arithmetic import abs as absolute
from tinygrad_cnn.ops.arithmetic import add, mul, neg, remainder, sub
from tinygrad_cnn.ops.comparison import eq, isfinite, isinf, isnan, le, logical_and, logical_or, lt, where
from tinygrad_cnn.ops.elementwise import pow as power
from tinygrad_cnn.ops.reduce import all as all_over

# --- parts of numbers -----------------------------------------------------------------------------


@function(method=True)
def fmod(x: Tensor, y: Tensor | float) -> Tensor:
    """x − y · trunc(x / y): what division leaves over, with the sign of x (`remainder` has that of y).

    >>> import tinygrad_cnn as tc
    >>> tc.fmod(tc.tensor([7, -7]), 3), tc.remainder(tc.tensor([7, -7]), 3)
    (tensor([ 1, -1]), tensor([1, 2]))
    """
    divisor = abs(y)
    return where(lt(x, 0), neg(remainder(neg(x), divisor)), remainder(x, divisor))


@function(method=True)
def clamp_min(x: Tensor, min: float) -> Tensor:
    """x, but nowhere below min.

    >>> import tinygrad_cnn as tc
    >>> tc.clamp_min(tc.tensor([-3.0, 0.5]), 0)
    tensor([0. , 0.5])
    """
    return clamp(x, min=min)


@function(method=True)
def clamp_max(x: Tensor, max: float) -> Tensor:
    """x, but nowhere above max.

    >>> import tinygrad_cnn as tc
    >>> tc.clamp_max(tc.tensor([0.5, 3.0]), 1)
    tensor([0.5, 1. ])
    """
    return clamp(x, max=max)


@function(method=True)
def nan_to_num(
    x: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """x with numbers in the place of NaN and of the infinities, by default 0 and the largest of the dtype.

    What was replaced gets no gradient.

    >>> import tinygrad_cnn as tc
    >>> tc.nan_to_num(tc.tensor([1.0, float("nan"), float("inf")]), posinf=99.0)
    tensor([ 1.,  0., 99.])
    """
    if not x.dtype.is_floating:
        return x.clone()
    largest = {2: 65504.0, 4: (2 - 2**-23) * 2.0**127, 8: (2 - 2**-52) * 2.0**1023}[x.dtype.itemsize]
    x = where(isnan(x), nan, x)
    x = where(eq(x, math.inf), largest if posinf is None else posinf, x)
    return where(eq(x, -math.inf), -largest if neginf is None else neginf, x)


# --- between and beyond ---------------------------------------------------------------------------


@function(method=True)
def lerp(x: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """x + weight · (end − x): on the straight way from x to end.

    >>> import tinygrad_cnn as tc
    >>> tc.lerp(tc.tensor([0.0, 10.0]), tc.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5, 15. ])
    """
    return add(x, mul(weight, sub(end, x)))


@function(method=True)
def exp2(x: Tensor) -> Tensor:
    """2ˣ.

    >>> import tinygrad_cnn as tc
    >>> tc.exp2(tc.tensor([0.0, 3.0, -1.0]))
    tensor([1. , 8. , 0.5])
    """
    return power(2.0, x)


@op(
    symbol="ln(eˣ+eʸ)",
    infer=binary,
    promotes="floating",
    broadcasts=True,
    autocast="float32",
    method=True,
    samples=BINARY,
)
def logaddexp(B, x, y):
    """ln(eˣ + eʸ) without overflow: how probabilities are added when only their logarithms are at hand.

    >>> import tinygrad_cnn as tc
    >>> tc.logaddexp(tc.tensor([0.0, 10.0]), tc.tensor([0.0, 10.0]))
    tensor([ 0.6931, 10.6931])
    """
    xp = B.xp
    larger = xp.where(x < y, y, x)
    smaller = xp.where(x < y, x, y)
    same_infinity = (x == y) & (xp.abs(x) == math.inf)  # no gap lies between them, but ∞ − ∞ is NaN
    gap = xp.where(same_infinity, 0, smaller) - xp.where(same_infinity, 0, larger)
    return larger + xp.log1p(xp.exp(gap))


def _softmax_of_two(x: Tensor, y: Tensor) -> Tensor:
    """eˣ / (eˣ + eʸ) = σ(x − y); two equal infinities share evenly."""
    same_infinity = logical_and(eq(x, y), isinf(x))
    return sigmoid(sub(where(same_infinity, 0, x), where(same_infinity, 0, y)))


@logaddexp.gradient("x", "∂L/∂x = g · σ(x − y)")
def _(g, node, x, y):
    return mul(g, _softmax_of_two(x, y))


@logaddexp.gradient("y", "∂L/∂y = g · σ(y − x)")
def _(g, node, x, y):
    return mul(g, _softmax_of_two(y, x))


# --- how close ------------------------------------------------------------------------------------


@function(method=True)
def isclose(x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """True where |x − y| ≤ atol + rtol · |y|; infinities are close to themselves, NaN only if `equal_nan`.

    >>> import tinygrad_cnn as tc
    >>> tc.isclose(tc.tensor([1.0, 2.0]), tc.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance < 0:
            raise ArgumentError(
                "a tolerance cannot be negative", argument=name, expected=">= 0", got=tolerance
            )
    close = eq(x, y)
    if equal_nan:
        close = logical_or(close, logical_and(isnan(x), isnan(y)))
    finite = logical_and(isfinite(x), isfinite(y))
    x, y = where(finite, x, 0).to(float64), where(finite, y, 0).to(float64)
    near = le(absolute(sub(x, y)), add(mul(absolute(y), rtol), atol))
    return logical_or(close, logical_and(finite, near))


@function(method=True)
def allclose(x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close, as `isclose` says.

    >>> import tinygrad_cnn as tc
    >>> tc.allclose(tc.tensor([0.1]) * 3, tc.tensor([0.3]))
    True
    """
    return bool(all_over(isclose(x, y, rtol, atol, equal_nan)))


@function(method=True)
def equal(x: Tensor, y: Tensor) -> bool:
    """Whether both have the same shape and the same elements (`x == y` compares element by element).

    >>> import tinygrad_cnn as tc
    >>> tc.equal(tc.tensor([1, 2]), tc.tensor([1, 2])), tc.equal(tc.zeros(2), tc.zeros(2, 1))
    (True, False)
    """
    return x.shape == y.shape and bool(all_over(eq(x, y)))
