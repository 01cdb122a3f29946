"""`assign`: the only operation that changes memory.

Parameters, running statistics and counters are leaves whose memory an optimizer or a layer overwrites.
Because this too is an operation, a whole training step can be recorded and replayed.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._context import current
from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import attach, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec
from tinygrad_cnn.errors import DTypeError, ShapeError
from tinygrad_cnn.ops.comparison import where


def _assigned(target: HasSpec, value: HasSpec) -> Spec:
    if value.shape != target.shape:
        raise ShapeError(
            "a value of another shape is not stretched or cut to fit",
            argument="value",
            expected=target.shape,
            got=value.shape,
        )
    if value.dtype is not target.dtype:
        raise DTypeError(
            "a value of another dtype is not converted silently",
            argument="value",
            expected=target.dtype,
            got=value.dtype,
            hint=f"value.to({str(target.dtype)!r})",
        )
    return Spec(target.shape, target.dtype)


@op(
    name="assign",
    symbol="←",
    infer=_assigned,
    mutates=True,
    public=False,
    nondifferentiable=("target", "value"),
    samples=[Sample(reals(2, 3), reals(2, 3))],
)
def assign_op(B, target, value):
    """The memory of target, overwritten with value."""
    B.assign(target, value)
    return target


@attach
def assign(self: Tensor, value: Any) -> Tensor:
    """Overwrite the memory of a leaf (and of everything that shares it); returns the leaf.

    Optimizers and running statistics use it. It is not differentiated through, and a backward pass that
    still needs the old value refuses to run.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 2.0])
    >>> w.assign(w * 10)
    tensor([10., 20.])
    """
    if not isinstance(value, Tensor):
        value = tensor(value, dtype=self.dtype, backend=self.backend)
    guard = current().guard
    if guard is not None:  # decided where the values are, so that nobody has to wait for the guard's
        value = where(guard, value, self.detach())
    assign_op(self, value)
    return self
