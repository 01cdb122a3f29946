"""Arithmetic on pairs of elements: sums, products, what is left over, the larger of two.

Operands of different shapes are stretched to a common one; the driver sums their gradients back, so no rule
here speaks of broadcasting. g is the incoming gradient ∂L/∂out.

Shapes: any that broadcast. Dtypes meet as `dtypes.promote` says: bool < integer < floating, the wider wins;
only `div` makes floats of integers. Shapes that do not fit are a ShapeError, subtracting bools a DTypeError.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import attach_operator, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops._infer import BINARY, UNARY, arithmetic, binary, numeric, unary
from tinygrad_cnn.ops.comparison import eq, gt, lt, where


@op(symbol="+", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def add(B, x, y):
    """x + y.

    >>> import tinygrad_cnn as tc
    >>> tc.add(tc.tensor([[1.0], [2.0]]), tc.tensor([10.0, 20.0]))
    tensor([[11., 21.],
            [12., 22.]])
    """
    return B.xp.add(x, y)


@add.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@add.gradient("y", "∂L/∂y = g")
def _(g, node):
    return g


@op(symbol="−", infer=arithmetic, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def sub(B, x, y):
    """x − y.

    >>> import tinygrad_cnn as tc
    >>> tc.sub(tc.tensor([5.0, 1.0]), 2)
    tensor([ 3., -1.])
    """
    return B.xp.subtract(x, y)


@sub.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@sub.gradient("y", "∂L/∂y = −g")
def _(g, node):
    return neg(g)


@op(symbol="·", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def mul(B, x, y):
    """x · y.

    >>> import tinygrad_cnn as tc
    >>> tc.mul(tc.tensor([1.0, 2.0, 3.0]), tc.tensor([4.0, 5.0, 6.0]))
    tensor([ 4., 10., 18.])
    """
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
    """x / y, in floating point also for integers.

    >>> import tinygrad_cnn as tc
    >>> tc.div(tc.tensor([1, 2, 3]), 2)
    tensor([0.5, 1. , 1.5])
    """
    return B.xp.divide(x, y)


@div.gradient("x", "∂L/∂x = g / y")
def _(g, node, y):
    return div(g, y)


@div.gradient("y", "∂L/∂y = −g · out / y")
def _(g, node, y, out):
    return neg(div(mul(g, out), y))


@op(symbol="−x", infer=numeric, method=True, samples=UNARY)
def neg(B, x):
    """−x.

    >>> import tinygrad_cnn as tc
    >>> tc.neg(tc.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return B.xp.negative(x)


@neg.gradient("x", "∂L/∂x = −g")
def _(g, node):
    return neg(g)


def _check_divisor(B: Any, y: Any) -> None:
    """Among integers there is no infinity that a division by 0 could give."""
    if B.xp.isdtype(y.dtype, ("integral", "bool")):
        B.check(lambda: y == 0, _divided_by_zero)


def _divided_by_zero(_: Any) -> ArgumentError:
    return ArgumentError(
        "an integer is divided by 0",
        argument="y",
        expected="no zeros among integers",
        hint="x.to('float32') gives infinities and NaN",
    )


@op(symbol="⌊x/y⌋", infer=arithmetic, promotes="kind", method=True, samples=[Sample(reals(2, 3), reals(3))])
def floor_divide(B, x, y):
    """The largest integer ≤ x / y (a step function: it has no gradient).

    Raises:
        ArgumentError: an integer is divided by 0.

    >>> import tinygrad_cnn as tc
    >>> tc.floor_divide(tc.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    _check_divisor(B, y)
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
    """x − y · ⌊x / y⌋, with the sign of y.

    Raises:
        ArgumentError: an integer is divided by 0.

    >>> import tinygrad_cnn as tc
    >>> tc.remainder(tc.tensor([7, -7]), 3)
    tensor([1, 2])
    """
    _check_divisor(B, y)
    return B.xp.remainder(x, y)


@remainder.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@remainder.gradient("y", "∂L/∂y = −g · ⌊x / y⌋")
def _(g, node, x, y):
    return neg(mul(g, floor_divide(x, y)))


@op(symbol="max", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def maximum(B, x, y):
    """The larger of each pair; NaN if either is.

    >>> import tinygrad_cnn as tc
    >>> tc.maximum(tc.tensor([1.0, 5.0]), tc.tensor([3.0, 2.0]))
    tensor([3., 5.])
    """
    return B.xp.maximum(x, y)


@op(symbol="min", infer=binary, promotes="kind", broadcasts=True, method=True, samples=BINARY)
def minimum(B, x, y):
    """The smaller of each pair; NaN if either is.

    >>> import tinygrad_cnn as tc
    >>> tc.minimum(tc.tensor([1.0, 5.0]), tc.tensor([3.0, 2.0]))
    tensor([1., 2.])
    """
    return B.xp.minimum(x, y)


def _winner_share(g: Tensor, loses: Tensor, ties: Tensor) -> Tensor:
    """Nothing to the loser, half of g at a tie, otherwise all of it (also to NaN and what meets it)."""
    return where(loses, 0, where(ties, mul(g, 0.5), g))


@maximum.gradient("x", "∂L/∂x = g where x > y, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, lt(x, y), eq(x, y))


@maximum.gradient("y", "∂L/∂y = g where y > x, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, gt(x, y), eq(x, y))


@minimum.gradient("x", "∂L/∂x = g where x < y, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, gt(x, y), eq(x, y))


@minimum.gradient("y", "∂L/∂y = g where y < x, g/2 where x = y")
def _(g, node, x, y):
    return _winner_share(g, lt(x, y), eq(x, y))


@op(symbol="|x|", infer=unary, method=True, samples=UNARY)
def abs(B, x):
    """The absolute value; its slope at 0 is taken as 0.

    >>> import tinygrad_cnn as tc
    >>> tc.abs(tc.tensor([-3.0, 0.0, 2.0]))
    tensor([3., 0., 2.])
    """
    return B.xp.abs(x)


@abs.gradient("x", "∂L/∂x = g · sign(x)")
def _(g, node, x):
    return mul(g, sign(x))


@op(symbol="sign", infer=numeric, method=True, samples=UNARY)
def sign(B, x):
    """−1, 0 or 1.

    >>> import tinygrad_cnn as tc
    >>> tc.sign(tc.tensor([-3.0, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    return B.xp.sign(x)


@sign.gradient("x", "∂L/∂x = 0")
def _(g, node):
    return mul(g, 0)


# --- Python's operators ---------------------------------------------------------------------------


for _name, _operation in {
    "add": add,
    "sub": sub,
    "mul": mul,
    "truediv": div,
    "floordiv": floor_divide,
    "mod": remainder,
}.items():
    attach_operator(_name, _operation)
attach_operator("neg", neg, reflects=False)
attach_operator("abs", abs, reflects=False)
