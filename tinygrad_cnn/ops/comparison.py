"""Comparisons, logic, and `where`, which chooses by them.

A comparison is a step function: its results are bools and have no gradient. `where` passes the gradient to
the branch that was chosen.

Shapes broadcast and dtypes may differ; shapes that do not fit are a ShapeError. Nothing equals NaN.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import attach_operator, op
from tinygrad_cnn._sample import Sample, booleans, reals
from tinygrad_cnn.dtypes import HasSpec, Spec, bool_, broadcast
from tinygrad_cnn.errors import DTypeError
from tinygrad_cnn.ops._infer import COMPARED, LOGICAL, UNARY, comparison


@op(symbol="=", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def eq(B, x, y):
    """x = y.

    >>> import tinygrad_cnn as tc
    >>> tc.eq(tc.tensor([1, 2, 3]), 2)
    tensor([False,  True, False])
    """
    return B.xp.equal(x, y)


@op(symbol="≠", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def ne(B, x, y):
    """x ≠ y.

    >>> import tinygrad_cnn as tc
    >>> tc.ne(tc.tensor([1, 2, 3]), 2)
    tensor([ True, False,  True])
    """
    return B.xp.not_equal(x, y)


@op(symbol="<", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def lt(B, x, y):
    """x < y.

    >>> import tinygrad_cnn as tc
    >>> tc.lt(tc.tensor([1, 2, 3]), 2)
    tensor([ True, False, False])
    """
    return B.xp.less(x, y)


@op(symbol="≤", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def le(B, x, y):
    """x ≤ y.

    >>> import tinygrad_cnn as tc
    >>> tc.le(tc.tensor([1, 2, 3]), 2)
    tensor([ True,  True, False])
    """
    return B.xp.less_equal(x, y)


@op(symbol=">", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def gt(B, x, y):
    """x > y.

    >>> import tinygrad_cnn as tc
    >>> tc.gt(tc.tensor([1, 2, 3]), 2)
    tensor([False, False,  True])
    """
    return B.xp.greater(x, y)


@op(symbol="≥", infer=comparison, promotes="kind", method=True, samples=COMPARED)
def ge(B, x, y):
    """x ≥ y.

    >>> import tinygrad_cnn as tc
    >>> tc.ge(tc.tensor([1, 2, 3]), 2)
    tensor([False,  True,  True])
    """
    return B.xp.greater_equal(x, y)


@op(symbol="∧", infer=comparison, method=True, samples=LOGICAL)
def logical_and(B, x, y):
    """True where both are non-zero.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1, 5, 9])
    >>> tc.logical_and(x > 2, x < 8)
    tensor([False,  True, False])
    """
    return B.xp.logical_and(x != 0, y != 0)


@op(symbol="∨", infer=comparison, method=True, samples=LOGICAL)
def logical_or(B, x, y):
    """True where at least one is non-zero.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1, 5, 9])
    >>> tc.logical_or(x < 2, x > 8)
    tensor([ True, False,  True])
    """
    return B.xp.logical_or(x != 0, y != 0)


@op(symbol="⊻", infer=comparison, method=True, samples=LOGICAL)
def logical_xor(B, x, y):
    """True where exactly one is non-zero.

    >>> import tinygrad_cnn as tc
    >>> tc.logical_xor(tc.tensor([True, True]), tc.tensor([True, False]))
    tensor([False,  True])
    """
    return B.xp.logical_xor(x != 0, y != 0)


@op(symbol="¬", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def logical_not(B, x):
    """True where x is zero.

    >>> import tinygrad_cnn as tc
    >>> tc.logical_not(tc.tensor([0, 1, 2]))
    tensor([ True, False, False])
    """
    return x == 0


@op(symbol="NaN?", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def isnan(B, x):
    """True where x is not a number.

    >>> import tinygrad_cnn as tc
    >>> tc.isnan(tc.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return x != x  # NaN is the one number that differs from itself


@op(symbol="∞?", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def isinf(B, x):
    """True where x is plus or minus infinity.

    >>> import tinygrad_cnn as tc
    >>> tc.isinf(tc.tensor([1.0, float("-inf"), float("nan")]))
    tensor([False,  True, False])
    """
    return B.xp.abs(x) == math.inf


@op(symbol="finite?", infer=lambda x: Spec(x.shape, bool_), method=True, samples=UNARY)
def isfinite(B, x):
    """True where x is neither infinite nor NaN.

    >>> import tinygrad_cnn as tc
    >>> tc.isfinite(tc.tensor([1.0, float("-inf"), float("nan")]))
    tensor([ True, False, False])
    """
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


# --- Python's operators ---------------------------------------------------------------------------

for _name, _operation in {"eq": eq, "ne": ne, "lt": lt, "le": le, "gt": gt, "ge": ge}.items():
    attach_operator(_name, _operation, reflects=False)  # Python turns a < b around by itself
