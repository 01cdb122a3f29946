"""Checks: operations that look at values and stop the program when something is wrong with them.

They are operations, and not `if`s in Python, so that they are also made when a captured step is replayed.
"""

from __future__ import annotations

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
    xp = B.xp
    for number, value in enumerate(values):
        if not bool(xp.all(xp.isfinite(value))):
            raise _not_finite(B, number, value)
    return xp.ones((), dtype=xp.bool)


def _not_finite(B: Any, number: int, value: Any) -> NonFiniteError:
    bad = int(B.xp.sum(~B.xp.isfinite(value)))
    return NonFiniteError(
        "a value is not finite",
        argument=f"values[{number}]",
        expected="finite numbers",
        got=f"{bad} of {value.size} elements are not finite",
    )
