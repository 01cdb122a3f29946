"""Checks: operations that look at values and stop the program when something is wrong with them.

They are operations, and not `if`s in Python, so that they are also made when a captured step is replayed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.dtypes import HasSpec, Spec, bool_, require_floating
from tinygrad_cnn.errors import NonFiniteError


def _one_answer(*values: HasSpec) -> Spec:
    for number, value in enumerate(values):
        require_floating(value, f"values[{number}]")
    return Spec((), bool_)


@op(
    symbol="finite?",
    infer=_one_answer,
    nondifferentiable=("values",),
    public=False,
    samples=[Sample(reals(2, 3)), Sample(reals(2, 3), reals(0), reals(4))],
)
def all_finite(B, *values):
    """True, once it is known that there is no NaN and no infinity anywhere; an error otherwise."""
    for number, value in enumerate(values):
        B.check(partial(_not_finite, B, value), partial(not_finite_error, B, number))
    return B.xp.ones((), dtype=B.xp.bool)


@op(
    symbol="∞?",
    infer=_one_answer,
    nondifferentiable=("values",),
    public=False,
    samples=[Sample(reals(2, 3)), Sample(reals(2, 3), reals(0), reals(4))],
)
def any_non_finite(B, *values):
    """Whether there is a NaN or an infinity anywhere; not a check, but an answer to compute with."""
    xp = B.xp
    found = xp.zeros((), dtype=xp.bool)
    for value in values:
        found = xp.logical_or(found, ~xp.all(xp.isfinite(value)))
    return found


def _not_finite(B: Any, value: Any) -> Any:
    return ~B.xp.isfinite(value)


def not_finite_error(B: Any, number: int, mask: Any) -> NonFiniteError:
    """The error about one of the values; the mask says which of its elements are not finite."""
    return NonFiniteError(
        "a value is not finite",
        argument=f"values[{number}]",
        expected="finite numbers",
        got=f"{int(B.xp.sum(mask))} of {mask.size} elements are not finite",
    )
