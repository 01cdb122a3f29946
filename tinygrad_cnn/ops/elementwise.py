"""Operations on single elements: arithmetic, functions, comparisons, `where`.

Each works on every element by itself, so its gradient rule is the derivative from school times the
incoming gradient g = ∂L/∂out. Operands of different shapes are stretched to a common one; the driver sums
their gradients back, so no rule here speaks of broadcasting.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import attach_operator, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops._infer import (
    BINARY,
    POSITIVE,
    UNARY,
    arithmetic,
    binary,
    unary,
)
from tinygrad_cnn.ops.comparison import eq, gt, lt, where

# --- arithmetic -----------------------------------------------------------------------------------


@op(symbol="+", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def add(B, x, y):
    """x + y."""
    return B.xp.add(x, y)


@add.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@add.gradient("y", "∂L/∂y = g")
def _(g, node):
    return g


@op(symbol="−", infer=arithmetic, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def sub(B, x, y):
    """x − y."""
    return B.xp.subtract(x, y)


@sub.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@sub.gradient("y", "∂L/∂y = −g")
def _(g, node):
    return neg(g)


@op(symbol="·", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def mul(B, x, y):
    """x · y."""
    return B.xp.multiply(x, y)


@mul.gradient("x", "∂L/∂x = g · y")
def _(g, node, y):
    return mul(g, y)


@mul.gradient("y", "∂L/∂y = g · x")
def _(g, node, x):
    return mul(g, x)


@op(
    symbol="/",
    infer=binary,
    promotes="floating",
    broadcasts=True,
    method=True,
    samples=[Sample(reals(2, 3), reals(3, low=0.5)), Sample(reals(2, 2), reals(low=0.5))],
)
def div(B, x, y):
    """x / y, in floating point also for integers."""
    return B.xp.divide(x, y)


@div.gradient("x", "∂L/∂x = g / y")
def _(g, node, y):
    return div(g, y)


@div.gradient("y", "∂L/∂y = −g · out / y")
def _(g, node, y, out):
    return neg(div(mul(g, out), y))


@op(symbol="−x", infer=lambda x: arithmetic(x, x), method=True, samples=UNARY)
def neg(B, x):
    """−x."""
    return B.xp.negative(x)


@neg.gradient("x", "∂L/∂x = −g")
def _(g, node):
    return neg(g)


@op(
    symbol="xʸ",
    infer=binary,
    promotes="kind",
    broadcasts=True,
    method=True,
    samples=[
        Sample(reals(2, 3, low=0.3, high=2.0), reals(3)),
        Sample(reals(2, low=0.3, high=2.0), reals(3, 1)),
    ],
)
def pow(B, x, y):
    """x raised to the power y."""
    if "int" in str(x.dtype) and bool(B.xp.any(y < 0)):
        raise ArgumentError(
            "an integer to a negative power is a fraction",
            argument="y",
            expected="y >= 0",
            hint="x.to('float32') ** y",
        )
    return B.xp.pow(x, y)


@pow.gradient("x", "∂L/∂x = g · y · xʸ⁻¹")
def _(g, node, x, y):
    # x⁰ is constant, also at x = 0 where the formula would read 0 · 0⁻¹.
    exponent = where(eq(y, 0), 1, sub(y, 1))
    return mul(g, mul(y, pow(x, exponent)))


@pow.gradient("y", "∂L/∂y = g · xʸ · ln x, and 0 where x = 0")
def _(g, node, x, y):
    at_zero = eq(x, 0)
    return where(at_zero, 0, mul(g, mul(pow(x, y), log(where(at_zero, 1, x)))))


@op(symbol="⌊x/y⌋", infer=arithmetic, promotes="kind", method=True, samples=[Sample(reals(2, 3), reals(3))])
def floor_divide(B, x, y):
    """The largest integer ≤ x / y (a step function: it has no gradient)."""
    return B.xp.floor_divide(x, y)


@op(
    symbol="mod",
    infer=arithmetic,
    promotes="kind",
    broadcasts=True,
    method=True,
    samples=[Sample(reals(2, 3, low=1, high=5), reals(3, low=0.7, high=1.9))],
)
def remainder(B, x, y):
    """x − y · ⌊x / y⌋, with the sign of y."""
    return B.xp.remainder(x, y)


@remainder.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@remainder.gradient("y", "∂L/∂y = −g · ⌊x / y⌋")
def _(g, node, x, y):
    return neg(mul(g, floor_divide(x, y)))


@op(symbol="max", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def maximum(B, x, y):
    """The larger of each pair; NaN if either is."""
    return B.xp.maximum(x, y)


@op(symbol="min", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def minimum(B, x, y):
    """The smaller of each pair; NaN if either is."""
    return B.xp.minimum(x, y)


def _winner_share(g: Tensor, wins: Tensor, ties: Tensor) -> Tensor:
    """All of g to the winner, half of it at a tie."""
    return where(wins, g, where(ties, mul(g, 0.5), 0))


@maximum.gradient("x", "∂L/∂x = g where x > y, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, gt(x, y), eq(x, y))


@maximum.gradient("y", "∂L/∂y = g where y > x, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, lt(x, y), eq(x, y))


@minimum.gradient("x", "∂L/∂x = g where x < y, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, lt(x, y), eq(x, y))


@minimum.gradient("y", "∂L/∂y = g where y < x, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, gt(x, y), eq(x, y))


# --- functions of one number ----------------------------------------------------------------------


@op(symbol="|x|", infer=unary, method=True, samples=UNARY)
def abs(B, x):
    """The absolute value; its slope at 0 is taken as 0."""
    return B.xp.abs(x)


@abs.gradient("x", "∂L/∂x = g · sign(x)")
def _(g, node, x):
    return mul(g, sign(x))


@op(symbol="sign", infer=unary, method=True, samples=UNARY)
def sign(B, x):
    """−1, 0 or 1."""
    return B.xp.sign(x)


@sign.gradient("x", "∂L/∂x = 0")
def _(g, node):
    return mul(g, 0)


@op(symbol="eˣ", infer=unary, promotes="floating", method=True, samples=UNARY)
def exp(B, x):
    """eˣ."""
    return B.xp.exp(x)


@exp.gradient("x", "∂L/∂x = g · eˣ")
def _(g, node, out):
    return mul(g, out)


@op(symbol="eˣ−1", infer=unary, promotes="floating", method=True, samples=UNARY)
def expm1(B, x):
    """eˣ − 1, accurate near 0."""
    return B.xp.expm1(x)


@expm1.gradient("x", "∂L/∂x = g · (out + 1)")
def _(g, node, out):
    return mul(g, add(out, 1))


@op(symbol="ln", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def log(B, x):
    """The natural logarithm."""
    return B.xp.log(x)


@log.gradient("x", "∂L/∂x = g / x")
def _(g, node, x):
    return div(g, x)


@op(symbol="ln(1+x)", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def log1p(B, x):
    """ln(1 + x), accurate near 0."""
    return B.xp.log1p(x)


@log1p.gradient("x", "∂L/∂x = g / (1 + x)")
def _(g, node, x):
    return div(g, add(x, 1))


@op(symbol="log₂", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def log2(B, x):
    """The logarithm to base 2: entropies in bits."""
    return B.xp.log2(x)


@log2.gradient("x", "∂L/∂x = g / (x · ln 2)")
def _(g, node, x):
    return div(g, mul(x, math.log(2)))


@op(symbol="log₁₀", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def log10(B, x):
    """The logarithm to base 10."""
    return B.xp.log10(x)


@log10.gradient("x", "∂L/∂x = g / (x · ln 10)")
def _(g, node, x):
    return div(g, mul(x, math.log(10)))


@op(symbol="√", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def sqrt(B, x):
    """The square root; its slope at 0 is infinite."""
    return B.xp.sqrt(x)


@sqrt.gradient("x", "∂L/∂x = g / (2√x)")
def _(g, node, out):
    return div(g, mul(out, 2))


@op(symbol="1/√x", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def rsqrt(B, x):
    """1 / √x."""
    return B.xp.reciprocal(B.xp.sqrt(x))


@rsqrt.gradient("x", "∂L/∂x = −g · out / (2x)")
def _(g, node, x, out):
    return neg(div(mul(g, out), mul(x, 2)))


@op(symbol="x²", infer=unary, method=True, samples=UNARY)
def square(B, x):
    """x²."""
    return B.xp.square(x)


@square.gradient("x", "∂L/∂x = g · 2x")
def _(g, node, x):
    return mul(g, mul(x, 2))


@op(symbol="1/x", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def reciprocal(B, x):
    """1 / x."""
    return B.xp.reciprocal(x)


@reciprocal.gradient("x", "∂L/∂x = −g / x²")
def _(g, node, out):
    return neg(mul(g, square(out)))


@op(symbol="sin", infer=unary, promotes="floating", method=True, samples=UNARY)
def sin(B, x):
    """The sine of x radians."""
    return B.xp.sin(x)


@sin.gradient("x", "∂L/∂x = g · cos x")
def _(g, node, x):
    return mul(g, cos(x))


@op(symbol="cos", infer=unary, promotes="floating", method=True, samples=UNARY)
def cos(B, x):
    """The cosine of x radians."""
    return B.xp.cos(x)


@cos.gradient("x", "∂L/∂x = −g · sin x")
def _(g, node, x):
    return neg(mul(g, sin(x)))


@op(symbol="erf", infer=unary, promotes="floating", method=True, samples=UNARY)
def erf(B, x):
    """The error function 2/√π ∫₀ˣ e^(−t²) dt."""
    return B.erf(x)


@erf.gradient("x", "∂L/∂x = g · 2/√π · e^(−x²)")
def _(g, node, x):
    return mul(mul(g, 2 / math.sqrt(math.pi)), exp(neg(square(x))))


# --- rounding: step functions, without a gradient -------------------------------------------------


@op(symbol="⌊x⌋", infer=unary, method=True, samples=UNARY)
def floor(B, x):
    """The largest integer ≤ x."""
    return B.xp.floor(x)


@op(symbol="⌈x⌉", infer=unary, method=True, samples=UNARY)
def ceil(B, x):
    """The smallest integer ≥ x."""
    return B.xp.ceil(x)


@op(symbol="round", infer=unary, method=True, samples=UNARY)
def round(B, x):
    """The nearest integer, halves to the even one."""
    return B.xp.round(x)


@op(symbol="trunc", infer=unary, method=True, samples=UNARY)
def trunc(B, x):
    """The integer part, towards zero."""
    return B.xp.trunc(x)


# --- Python's operators ---------------------------------------------------------------------------


for _name, _operation in {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": div,
    "pow": pow,
    "floordiv": floor_divide,
    "mod": remainder,
}.items():
    attach_operator(_name, _operation)
attach_operator("neg", neg, reflects=False)
attach_operator("abs", abs, reflects=False)
