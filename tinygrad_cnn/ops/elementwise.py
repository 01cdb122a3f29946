"""Operations on single elements: arithmetic, functions, comparisons, `where`.

Each works on every element by itself, so its gradient rule is the derivative from school times the
incoming gradient g = ∂L/∂out. Operands of different shapes are stretched to a common one; the driver sums
their gradients back, so no rule here speaks of broadcasting.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import attach, attach_operator, function, op
from tinygrad_cnn._sample import Sample, booleans, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTYPES, DTypeLike, HasSpec, Spec, as_dtype, bool_, broadcast
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, GradientError
from tinygrad_cnn.ops._infer import (
    BINARY,
    COMPARED,
    LOGICAL,
    POSITIVE,
    UNARY,
    arithmetic,
    binary,
    comparison,
    unary,
)

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


@op(symbol="tanh", infer=unary, promotes="floating", method=True, samples=UNARY)
def tanh(B, x):
    """The hyperbolic tangent, an S between −1 and 1."""
    return B.xp.tanh(x)


@tanh.gradient("x", "∂L/∂x = g · (1 − tanh²x)")
def _(g, node, out):
    return mul(g, sub(1, square(out)))


@op(symbol="erf", infer=unary, promotes="floating", method=True, samples=UNARY)
def erf(B, x):
    """The error function 2/√π ∫₀ˣ e^(−t²) dt."""
    return B.erf(x)


@erf.gradient("x", "∂L/∂x = g · 2/√π · e^(−x²)")
def _(g, node, x):
    return mul(mul(g, 2 / math.sqrt(math.pi)), exp(neg(square(x))))


# --- activations ----------------------------------------------------------------------------------


@op(symbol="σ", infer=unary, promotes="floating", method=True, samples=UNARY)
def sigmoid(B, x):
    """1 / (1 + e⁻ˣ), an S between 0 and 1."""
    xp = B.xp
    small = xp.exp(-xp.abs(x))  # never overflows: the exponent is at most 0
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


@sigmoid.gradient("x", "∂L/∂x = g · σ(x) · (1 − σ(x))")
def _(g, node, out):
    return mul(g, mul(out, sub(1, out)))


@op(symbol="softplus", infer=unary, promotes="floating", samples=UNARY)
def softplus(B, x):
    """ln(1 + eˣ), a smooth ReLU."""
    xp = B.xp
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@softplus.gradient("x", "∂L/∂x = g · σ(x)")
def _(g, node, x):
    return mul(g, sigmoid(x))


@function()
def logsigmoid(x: Tensor) -> Tensor:
    """ln σ(x) = −softplus(−x), without overflow."""
    return neg(softplus(neg(x)))


@op(symbol="ReLU", infer=unary, method=True, samples=UNARY)
def relu(B, x):
    """max(x, 0); its slope at 0 is taken as 0."""
    return B.xp.maximum(x, 0)


@relu.gradient("x", "∂L/∂x = g where x > 0, else 0")
def _(g, node, out):
    return where(gt(out, 0), g, 0)


@op(
    symbol="LeakyReLU",
    infer=lambda x, *, negative_slope: Spec(x.shape, x.dtype),
    promotes="floating",
    samples=[*UNARY, Sample(reals(3), negative_slope=0.3)],
)
def leaky_relu(B, x, *, negative_slope=0.01):
    """x where x > 0, negative_slope · x elsewhere."""
    return B.xp.where(x > 0, x, x * negative_slope)


@leaky_relu.gradient("x", "∂L/∂x = g where x > 0, else negative_slope · g")
def _(g, node, x, *, negative_slope):
    return where(gt(x, 0), g, mul(g, negative_slope))


def _clamp_shape(x: HasSpec, *, min: float | None, max: float | None) -> Spec:
    if min is None and max is None:
        raise ArgumentError("clamp needs a bound", argument="min", expected="min, max or both", got="neither")
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and not isinstance(bound, (int, float)):
            raise ArgumentTypeError(
                "a bound is a number", argument=name, expected="a number", got=repr(bound)
            )
    return Spec(x.shape, x.dtype)


@op(
    symbol="clamp",
    infer=_clamp_shape,
    method=True,
    samples=[Sample(reals(2, 3), min=-1.0, max=1.0), Sample(reals(3), min=0.1), Sample(reals(3), max=0.1)],
)
def clamp(B, x, *, min=None, max=None):
    """x held between min and max; the bounds themselves pass the gradient."""
    if min is not None:
        x = B.xp.maximum(x, B.xp.asarray(min, dtype=x.dtype))
    return x if max is None else B.xp.minimum(x, B.xp.asarray(max, dtype=x.dtype))


@clamp.gradient("x", "∂L/∂x = g where min ≤ x ≤ max, else 0")
def _(g, node, x, *, min, max):
    if min is not None:
        g = where(ge(x, min), g, 0)
    return g if max is None else where(le(x, max), g, 0)


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


# --- comparisons and logic: bools, without a gradient ---------------------------------------------


@op(symbol="=", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def eq(B, x, y):
    """x = y."""
    return B.xp.equal(x, y)


@op(symbol="≠", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def ne(B, x, y):
    """x ≠ y."""
    return B.xp.not_equal(x, y)


@op(symbol="<", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def lt(B, x, y):
    """x < y."""
    return B.xp.less(x, y)


@op(symbol="≤", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def le(B, x, y):
    """x ≤ y."""
    return B.xp.less_equal(x, y)


@op(symbol=">", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def gt(B, x, y):
    """x > y."""
    return B.xp.greater(x, y)


@op(symbol="≥", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def ge(B, x, y):
    """x ≥ y."""
    return B.xp.greater_equal(x, y)


@op(symbol="∧", infer=comparison, method=True, samples=LOGICAL)
def logical_and(B, x, y):
    """True where both are non-zero."""
    return B.xp.logical_and(x != 0, y != 0)


@op(symbol="∨", infer=comparison, method=True, samples=LOGICAL)
def logical_or(B, x, y):
    """True where at least one is non-zero."""
    return B.xp.logical_or(x != 0, y != 0)


@op(symbol="⊻", infer=comparison, method=True, samples=LOGICAL)
def logical_xor(B, x, y):
    """True where exactly one is non-zero."""
    return B.xp.logical_xor(x != 0, y != 0)


@op(symbol="¬", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def logical_not(B, x):
    """True where x is zero."""
    return x == 0


@op(symbol="NaN?", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def isnan(B, x):
    """True where x is not a number."""
    return x != x  # NaN is the one number that differs from itself


@op(symbol="∞?", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def isinf(B, x):
    """True where x is plus or minus infinity."""
    return B.xp.abs(x) == math.inf


@op(symbol="finite?", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def isfinite(B, x):
    """True where x is neither infinite nor NaN."""
    return B.xp.isfinite(x)


def _where_shape(condition: HasSpec, x: HasSpec, y: HasSpec) -> Spec:
    if condition.dtype is not bool_:
        raise DTypeError(
            "a condition is made of bools",
            argument="condition",
            expected="bool",
            got=condition.dtype,
            hint="compare first: tc.where(t > 0, ...)",
        )
    return Spec(broadcast(condition.shape, x.shape, y.shape, names=("condition", "x", "y")), x.dtype)


@op(
    symbol="where",
    infer=_where_shape,
    promotes="kind",
    broadcasts=True,
    nondifferentiable=("condition",),
    samples=[
        Sample(booleans(2, 3), reals(2, 3), reals(2, 3)),
        Sample(booleans(3), reals(2, 1), reals()),
    ],
)
def where(B, condition, x, y):
    """x where the condition holds, y elsewhere.

    Both branches are computed, and a NaN in the one not taken still poisons the gradient, because
    0 · ∞ is NaN. Guard the argument as well as the result (the double where):

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([0.0, 4.0], requires_grad=True)
    >>> safe = tc.where(x > 0, x, 1.0)
    >>> tc.where(x > 0, tc.sqrt(safe), x).sum().backward()
    >>> x.grad
    tensor([1.  , 0.25])
    """
    return B.xp.where(condition, x, y)


@where.gradient("x", "∂L/∂x = g where the condition holds, else 0")
def _(g, node, condition):
    return where(condition, g, 0)


@where.gradient("y", "∂L/∂y = 0 where the condition holds, else g")
def _(g, node, condition):
    return where(condition, 0, g)


# --- dtype ----------------------------------------------------------------------------------------


@op(
    symbol="cast",
    infer=lambda x, *, dtype: Spec(x.shape, dtype),
    public=False,
    samples=[Sample(reals(2, 3), dtype=DTYPES["float64"]), Sample(reals(2), dtype=DTYPES["int64"])],
)
def cast(B, x, *, dtype):
    """The same numbers in another dtype; towards zero when they become integers."""
    return B.xp.astype(x, getattr(B.xp, dtype.name), copy=True)


@cast.gradient("x", "∂L/∂x = g, in the dtype of x")
def _(g, node):
    return cast(g, dtype=node.spec("x").dtype)


@attach
def to(self: Tensor, target: DTypeLike | Backend) -> Tensor:
    """Another dtype (`t.to("float64")`, `t.to(tc.int64)`) or another backend (`t.to("cupy")`).

    A change of dtype is differentiable. Only leaves move between backends: a moved parameter is a new leaf.
    """
    if isinstance(target, Backend) or (isinstance(target, str) and target not in DTYPES):
        return _to_backend(self, target)
    dtype = as_dtype(target)
    if dtype is self.dtype:
        return self
    result = cast(self, dtype=dtype)
    return result if dtype.is_floating else result.detach()


def _to_backend(self: Tensor, name: str | Backend) -> Tensor:
    target = get_backend(name)
    if target is self.backend:
        return self
    if not self.is_leaf and self.requires_grad:
        raise GradientError(
            "only leaves move between backends",
            got=f"the result of {self.node.name}",
            hint="t.detach().to(...)",
        )
    if target.executes:  # a tensor without values says so here
        array = target.asarray(self.numpy(), self.dtype)
    else:
        array = target.full(self.shape, 0, self.dtype)
    moved = Tensor(array, self.shape, self.dtype, target)
    moved.name = self.name
    return moved.requires_grad_(self.requires_grad)


# --- Python's operators ---------------------------------------------------------------------------


for _name, _operation in {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": div,
    "pow": pow,
    "floordiv": floor_divide,
    "mod": remainder,
    "and": logical_and,
    "or": logical_or,
    "xor": logical_xor,
}.items():
    attach_operator(_name, _operation)
for _name, _operation in {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}.items():
    attach_operator(_name, _operation, reflects=False)  # Python turns a < b around by itself
for _name, _operation in {"neg": neg, "abs": abs, "invert": logical_not}.items():
    attach_operator(_name, _operation, reflects=False)
