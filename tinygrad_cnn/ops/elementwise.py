"""Functions of single elements: powers, exponentials, logarithms, roots.

Each works on every element by itself, so its gradient rule is the derivative from school times the incoming
gradient g = ∂L/∂out.

Any shape. Integers and bools become float32, other than in `square` and `pow`, which keep integers.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn._op import attach_operator, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops._infer import POSITIVE, UNARY, arithmetic, numeric, unary
from tinygrad_cnn.ops.arithmetic import add, div, mul, neg, sub
from tinygrad_cnn.ops.comparison import eq, ge, logical_and, where


@op(
    symbol="xʸ",
    infer=arithmetic,
    promotes="kind",
    broadcasts=True,
    autocast="float32",
    method=True,
    samples=[
        Sample(reals(2, 3, low=0.3, high=2.0), reals(3)),
        Sample(reals(2, low=0.3, high=2.0), reals(3, 1)),
    ],
)
def pow(B, x, y):
    """x raised to the power y.

    Raises:
        ArgumentError: an integer to a negative power.
        DTypeError: both are bools.

    >>> import tinygrad_cnn as tc
    >>> tc.pow(tc.tensor([1, 2, 3]), 2)
    tensor([1, 4, 9])
    """
    if B.xp.isdtype(x.dtype, "integral"):
        B.check(lambda: y < 0, _negative_power)
    return B.xp.pow(x, y)


def _negative_power(_: Any) -> ArgumentError:
    return ArgumentError(
        "an integer to a negative power is a fraction",
        argument="y",
        expected="y >= 0",
        hint="x.to('float32') ** y",
    )


@pow.gradient("x", "∂L/∂x = g · y · xʸ⁻¹")
def _(g, node, x, y):
    # x⁰ is constant, also at 0 and ∞ where the formula would read 0 · x⁻¹ = 0 · ∞.
    constant = eq(y, 0)
    slope = mul(y, pow(where(constant, 1, x), sub(y, 1)))
    return where(constant, 0, mul(g, slope))


@pow.gradient("y", "∂L/∂y = g · xʸ · ln x, and 0 where x = 0 ≤ y")
def _(g, node, x, y):
    at_zero = logical_and(eq(x, 0), ge(y, 0))
    return where(at_zero, 0, mul(g, mul(pow(x, y), log(where(at_zero, 1, x)))))


@op(symbol="eˣ", infer=unary, promotes="floating", autocast="float32", method=True, samples=UNARY)
def exp(B, x):
    """eˣ.

    >>> import tinygrad_cnn as tc
    >>> tc.exp(tc.tensor([0.0, 1.0]))
    tensor([1.    , 2.7183])
    """
    return B.xp.exp(x)


@exp.gradient("x", "∂L/∂x = g · eˣ")
def _(g, node, out):
    return mul(g, out)


@op(symbol="eˣ−1", infer=unary, promotes="floating", autocast="float32", method=True, samples=UNARY)
def expm1(B, x):
    """eˣ − 1, accurate near 0.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor(1e-10)
    >>> tc.expm1(x), tc.exp(x) - 1
    (tensor(1.e-10), tensor(0.))
    """
    return B.xp.expm1(x)


@expm1.gradient("x", "∂L/∂x = g · (out + 1)")
def _(g, node, out):
    return mul(g, add(out, 1))


@op(symbol="ln", infer=unary, promotes="floating", autocast="float32", method=True, samples=POSITIVE)
def log(B, x):
    """The natural logarithm.

    >>> import tinygrad_cnn as tc
    >>> import math
    >>> tc.log(tc.tensor([1.0, math.e, math.e**2]))
    tensor([0., 1., 2.])
    """
    return B.xp.log(x)


@log.gradient("x", "∂L/∂x = g / x")
def _(g, node, x):
    return div(g, x)


@op(symbol="ln(1+x)", infer=unary, promotes="floating", autocast="float32", method=True, samples=POSITIVE)
def log1p(B, x):
    """ln(1 + x), accurate near 0.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor(1e-10)
    >>> tc.log1p(x), tc.log(1 + x)
    (tensor(1.e-10), tensor(0.))
    """
    return B.xp.log1p(x)


@log1p.gradient("x", "∂L/∂x = g / (1 + x)")
def _(g, node, x):
    return div(g, add(x, 1))


@op(symbol="log₂", infer=unary, promotes="floating", autocast="float32", method=True, samples=POSITIVE)
def log2(B, x):
    """The logarithm to base 2: entropies in bits.

    >>> import tinygrad_cnn as tc
    >>> tc.log2(tc.tensor([1.0, 2.0, 8.0]))
    tensor([0., 1., 3.])
    """
    return B.xp.log2(x)


@log2.gradient("x", "∂L/∂x = g / (x · ln 2)")
def _(g, node, x):
    return div(g, mul(x, math.log(2)))


@op(symbol="log₁₀", infer=unary, promotes="floating", autocast="float32", method=True, samples=POSITIVE)
def log10(B, x):
    """The logarithm to base 10.

    >>> import tinygrad_cnn as tc
    >>> tc.log10(tc.tensor([1.0, 10.0, 1000.0]))
    tensor([0., 1., 3.])
    """
    return B.xp.log10(x)


@log10.gradient("x", "∂L/∂x = g / (x · ln 10)")
def _(g, node, x):
    return div(g, mul(x, math.log(10)))


@op(symbol="√", infer=unary, promotes="floating", method=True, samples=POSITIVE)
def sqrt(B, x):
    """The square root; its slope at 0 is infinite.

    >>> import tinygrad_cnn as tc
    >>> tc.sqrt(tc.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """
    return B.xp.sqrt(x)


@sqrt.gradient("x", "∂L/∂x = g / (2√x)")
def _(g, node, out):
    return div(g, mul(out, 2))


@op(symbol="1/√x", infer=unary, promotes="floating", autocast="float32", method=True, samples=POSITIVE)
def rsqrt(B, x):
    """1 / √x.

    >>> import tinygrad_cnn as tc
    >>> tc.rsqrt(tc.tensor([4.0, 16.0]))
    tensor([0.5 , 0.25])
    """
    return B.xp.reciprocal(B.xp.sqrt(x))


@rsqrt.gradient("x", "∂L/∂x = −g/2 · out³")
def _(g, node, out):
    return mul(mul(g, -0.5), mul(out, square(out)))


@op(symbol="x²", infer=numeric, method=True, samples=UNARY)
def square(B, x):
    """x².

    >>> import tinygrad_cnn as tc
    >>> tc.square(tc.tensor([3, -4]))
    tensor([ 9, 16])
    """
    return B.xp.square(x)


@square.gradient("x", "∂L/∂x = g · 2x")
def _(g, node, x):
    return mul(g, mul(x, 2))


@op(symbol="1/x", infer=unary, promotes="floating", autocast="float32", method=True, samples=POSITIVE)
def reciprocal(B, x):
    """1 / x.

    >>> import tinygrad_cnn as tc
    >>> tc.reciprocal(tc.tensor([2, 4]))
    tensor([0.5 , 0.25])
    """
    return B.xp.reciprocal(x)


@reciprocal.gradient("x", "∂L/∂x = −g / x²")
def _(g, node, out):
    return neg(mul(g, square(out)))


@op(symbol="erf", infer=unary, promotes="floating", method=True, samples=UNARY)
def erf(B, x):
    """The error function 2/√π ∫₀ˣ e^(−t²) dt.

    >>> import tinygrad_cnn as tc
    >>> tc.erf(tc.tensor([0.0, 1.0, 10.0]))
    tensor([0.    , 0.8427, 1.    ])
    """
    return B.erf(x)


@erf.gradient("x", "∂L/∂x = g · 2/√π · e^(−x²)")
def _(g, node, x):
    return mul(mul(g, 2 / math.sqrt(math.pi)), exp(neg(square(x))))


attach_operator("pow", pow)
