"""Bit by bit: Python's & | ^ ~ on integers; on bools they are and, or, xor, not.

Floats have no bits to speak of: compare them first, `(x > 0) & (y > 0)`. Integers have no gradient.
"""

from __future__ import annotations

from tinygrad_cnn._op import attach_operator, op
from tinygrad_cnn._sample import Sample, booleans, integers
from tinygrad_cnn.dtypes import HasSpec, Spec
from tinygrad_cnn.errors import DTypeError
from tinygrad_cnn.ops._infer import binary

_PAIRS = (
    Sample(integers(2, 3, high=50), integers(2, 3, high=50)),
    Sample(integers(3, 1, high=50), integers(4, high=50)),
    Sample(booleans(2, 3), booleans(3)),
)


def _of_bits(x: HasSpec, y: HasSpec) -> Spec:
    if x.dtype.is_floating:
        raise DTypeError(
            "only integers and bools have bits to combine",
            argument="x",
            expected="integers or bools",
            got=x.dtype,
            hint="compare first: (x > 0) & (y > 0)",
        )
    return binary(x, y)


@op(symbol="&", infer=_of_bits, promotes="kind", method=True, samples=_PAIRS)
def bitwise_and(B, x, y):
    """The bits that both have, also written x & y; of bools, whether both are True.

    >>> import tinygrad_cnn as tc
    >>> tc.bitwise_and(tc.tensor([5, 6]), 3), tc.tensor([True, True]) & tc.tensor([True, False])
    (tensor([1, 2]), tensor([ True, False]))
    """
    return B.xp.bitwise_and(x, y)


@op(symbol="|", infer=_of_bits, promotes="kind", method=True, samples=_PAIRS)
def bitwise_or(B, x, y):
    """The bits that at least one has, also written x | y.

    >>> import tinygrad_cnn as tc
    >>> tc.bitwise_or(tc.tensor([5, 6]), 3)
    tensor([7, 7])
    """
    return B.xp.bitwise_or(x, y)


@op(symbol="^", infer=_of_bits, promotes="kind", method=True, samples=_PAIRS)
def bitwise_xor(B, x, y):
    """The bits that just one has, also written x ^ y.

    >>> import tinygrad_cnn as tc
    >>> tc.bitwise_xor(tc.tensor([5, 6]), 3)
    tensor([6, 5])
    """
    return B.xp.bitwise_xor(x, y)


@op(
    symbol="~",
    infer=lambda x: _of_bits(x, x),
    method=True,
    samples=[Sample(integers(2, 3, high=50)), Sample(booleans(3))],
)
def bitwise_not(B, x):
    """Every bit turned over, also written ~x: −x − 1; of bools, the opposite.

    >>> import tinygrad_cnn as tc
    >>> tc.bitwise_not(tc.tensor([0, 5])), ~tc.tensor([True, False])
    (tensor([-1, -6]), tensor([False,  True]))
    """
    return B.xp.bitwise_invert(x)


for _name, _operation in {"and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor}.items():
    attach_operator(_name, _operation)
attach_operator("invert", bitwise_not, reflects=False)
