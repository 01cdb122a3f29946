"""Sine, cosine and their kin: circular, hyperbolic, and the inverses of both.

The circle and the hyperbola differ by a sign, x² + y² = 1 and x² − y² = 1, and so do their functions'
derivatives. Angles are radians. Any shape; integers and bools become float32.
"""

from __future__ import annotations

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.ops._infer import BINARY, UNARY, binary, unary
from tinygrad_cnn.ops.arithmetic import add, div, mul, neg, sub
from tinygrad_cnn.ops.comparison import eq, where
from tinygrad_cnn.ops.elementwise import rsqrt, square

_FRACTIONS = (Sample(reals(2, 3, low=-0.9, high=0.9)), Sample(reals(low=0.2, high=0.8)))
_ABOVE_ONE = (Sample(reals(2, 3, low=1.2, high=3.0)), Sample(reals(low=1.5, high=2.5)))


# --- the circle -----------------------------------------------------------------------------------


@op(symbol="sin", infer=unary, promotes="floating", method=True, samples=UNARY)
def sin(B, x):
    """The sine of x radians.

    >>> import math
    >>> import tinygrad_cnn as tc
    >>> tc.sin(tc.tensor([0.0, math.pi / 2]))
    tensor([0., 1.])
    """
    return B.xp.sin(x)


@sin.gradient("x", "∂L/∂x = g · cos x")
def _(g, node, x):
    return mul(g, cos(x))


@op(symbol="cos", infer=unary, promotes="floating", method=True, samples=UNARY)
def cos(B, x):
    """The cosine of x radians.

    >>> import math
    >>> import tinygrad_cnn as tc
    >>> tc.cos(tc.tensor([0.0, math.pi]))
    tensor([ 1., -1.])
    """
    return B.xp.cos(x)


@cos.gradient("x", "∂L/∂x = −g · sin x")
def _(g, node, x):
    return neg(mul(g, sin(x)))


@op(symbol="tan", infer=unary, promotes="floating", autocast="float32", method=True, samples=_FRACTIONS)
def tan(B, x):
    """The tangent of x radians, sin x / cos x.

    >>> import math
    >>> import tinygrad_cnn as tc
    >>> tc.tan(tc.tensor([0.0, math.pi / 4]))
    tensor([0., 1.])
    """
    return B.xp.tan(x)


@tan.gradient("x", "∂L/∂x = g · (1 + tan²x)")
def _(g, node, out):
    return mul(g, add(square(out), 1))


@op(symbol="asin", infer=unary, promotes="floating", autocast="float32", method=True, samples=_FRACTIONS)
def asin(B, x):
    """The angle in −π/2 .. π/2 whose sine is x; NaN outside −1 .. 1.

    >>> import tinygrad_cnn as tc
    >>> tc.asin(tc.tensor([0.0, 1.0]))
    tensor([0.    , 1.5708])
    """
    return B.xp.asin(x)


@asin.gradient("x", "∂L/∂x = g / √(1 − x²)")
def _(g, node, x):
    return mul(g, rsqrt(sub(1, square(x))))


@op(symbol="acos", infer=unary, promotes="floating", autocast="float32", method=True, samples=_FRACTIONS)
def acos(B, x):
    """The angle in 0 .. π whose cosine is x; NaN outside −1 .. 1.

    >>> import tinygrad_cnn as tc
    >>> tc.acos(tc.tensor([1.0, 0.0]))
    tensor([0.    , 1.5708])
    """
    return B.xp.acos(x)


@acos.gradient("x", "∂L/∂x = −g / √(1 − x²)")
def _(g, node, x):
    return neg(mul(g, rsqrt(sub(1, square(x)))))


@op(symbol="atan", infer=unary, promotes="floating", method=True, samples=UNARY)
def atan(B, x):
    """The angle in −π/2 .. π/2 whose tangent is x.

    >>> import tinygrad_cnn as tc
    >>> tc.atan(tc.tensor([0.0, 1.0, float("inf")]))
    tensor([0.    , 0.7854, 1.5708])
    """
    return B.xp.atan(x)


@atan.gradient("x", "∂L/∂x = g / (1 + x²)")
def _(g, node, x):
    return div(g, add(square(x), 1))


@op(symbol="atan2", infer=binary, promotes="floating", broadcasts=True, method=True, samples=BINARY)
def atan2(B, y, x):
    """The direction of the point (x, y), as an angle in −π .. π; y comes first.

    >>> import tinygrad_cnn as tc
    >>> tc.atan2(tc.tensor([0.0, 1.0, 0.0]), tc.tensor([1.0, 0.0, -1.0]))
    tensor([0.    , 1.5708, 3.1416])
    """
    return B.xp.atan2(y, x)


def _per_squared_radius(g, x, y):
    """g / (x² + y²); the origin lies in no direction, and gets no gradient."""
    radius = add(square(x), square(y))
    nowhere = eq(radius, 0)
    return where(nowhere, 0, div(g, where(nowhere, 1, radius)))


@atan2.gradient("y", "∂L/∂y = g · x / (x² + y²)")
def _(g, node, y, x):
    return mul(_per_squared_radius(g, x, y), x)


@atan2.gradient("x", "∂L/∂x = −g · y / (x² + y²)")
def _(g, node, y, x):
    return neg(mul(_per_squared_radius(g, x, y), y))


# --- the hyperbola --------------------------------------------------------------------------------


@op(symbol="sinh", infer=unary, promotes="floating", autocast="float32", method=True, samples=UNARY)
def sinh(B, x):
    """The hyperbolic sine, (eˣ − e⁻ˣ) / 2.

    >>> import tinygrad_cnn as tc
    >>> tc.sinh(tc.tensor([0.0, 1.0]))
    tensor([0.    , 1.1752])
    """
    return B.xp.sinh(x)


@sinh.gradient("x", "∂L/∂x = g · cosh x")
def _(g, node, x):
    return mul(g, cosh(x))


@op(symbol="cosh", infer=unary, promotes="floating", autocast="float32", method=True, samples=UNARY)
def cosh(B, x):
    """The hyperbolic cosine, (eˣ + e⁻ˣ) / 2: how a chain hangs.

    >>> import tinygrad_cnn as tc
    >>> tc.cosh(tc.tensor([0.0, 1.0]))
    tensor([1.    , 1.5431])
    """
    return B.xp.cosh(x)


@cosh.gradient("x", "∂L/∂x = g · sinh x")
def _(g, node, x):
    return mul(g, sinh(x))


@op(symbol="asinh", infer=unary, promotes="floating", method=True, samples=UNARY)
def asinh(B, x):
    """The number whose hyperbolic sine is x: ln(x + √(x² + 1)).

    >>> import tinygrad_cnn as tc
    >>> tc.asinh(tc.tensor([0.0, 1.0]))
    tensor([0.    , 0.8814])
    """
    return B.xp.asinh(x)


@asinh.gradient("x", "∂L/∂x = g / √(x² + 1)")
def _(g, node, x):
    return mul(g, rsqrt(add(square(x), 1)))


@op(symbol="acosh", infer=unary, promotes="floating", method=True, samples=_ABOVE_ONE)
def acosh(B, x):
    """The number ≥ 0 whose hyperbolic cosine is x: ln(x + √(x² − 1)); NaN below 1.

    >>> import tinygrad_cnn as tc
    >>> tc.acosh(tc.tensor([1.0, 2.0]))
    tensor([0.   , 1.317])
    """
    return B.xp.acosh(x)


@acosh.gradient("x", "∂L/∂x = g / √(x² − 1)")
def _(g, node, x):
    return mul(g, rsqrt(sub(square(x), 1)))


@op(symbol="atanh", infer=unary, promotes="floating", method=True, samples=_FRACTIONS)
def atanh(B, x):
    """The number whose hyperbolic tangent is x; ±∞ at ±1, NaN beyond.

    >>> import tinygrad_cnn as tc
    >>> tc.atanh(tc.tensor([0.0, 0.5]))
    tensor([0.    , 0.5493])
    """
    return B.xp.atanh(x)


@atanh.gradient("x", "∂L/∂x = g / (1 − x²)")
def _(g, node, x):
    return div(g, sub(1, square(x)))
