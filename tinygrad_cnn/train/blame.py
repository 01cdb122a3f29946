"""Which operation made the NaN.

Checking every result of every operation would slow training down, so only the loss and the gradients are
looked at. When one of them is not finite, the step is run again exactly as it was: same weights, same batch,
same random numbers, this time under `tc.detect_anomaly()`, which looks at every result and raises at the
first bad one. For that, what a forward pass changes is set back: the random counter and the buffers (running
statistics of batch normalization). The parameters have not been touched yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from tinygrad_cnn._context import detect_anomaly
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.errors import NonFiniteError
from tinygrad_cnn.nn import Module
from tinygrad_cnn.ops.random import host_random_state, random_state


class Before:
    """What a forward pass is about to change: copies to set it back to."""

    def __init__(self, model: Module, backend: Backend) -> None:
        changing = [random_state(backend), host_random_state(), *model.buffers()]
        self._copies = [(value, value.clone().detach()) for value in changing]

    def restore(self) -> None:
        for value, copy in self._copies:
            value.assign(copy)


def raise_non_finite(
    place: str, before: Before, again: Callable[[], Tensor], checkpoint: Path | None
) -> NoReturn:
    """Run the failed step again under anomaly detection, and raise an error that names the operation.

    Args:
        place: where in the run it happened: "epoch 3, step 17".
        before: the state before the step, restored here also for whoever catches the error.
        again: runs forward and backward once more, and returns the loss.
        checkpoint: the last good one, if there is any.
    """
    before.restore()
    loss = again().item()  # it may be finite when a gradient is not
    before.restore()
    try:
        with detect_anomaly():
            again()
        found = NonFiniteError("the operation could not be found: running the step again went well")
    except NonFiniteError as error:
        found = error
    finally:
        before.restore()
    hint = found.hint or "look at the batch itself: infinite pixels, a division by a variance of 0?"
    if checkpoint is not None:
        hint += f"; the last good state is in {checkpoint}"
    what = (
        f"a gradient is not finite (the loss is {loss:g})" if math.isfinite(loss) else f"the loss is {loss:g}"
    )
    blamed = NonFiniteError(
        f"{what} in {place}, so the weights were not changed; it began here: {found.problem}",
        expected=found.expected,
        got=found.got,
        hint=hint,
    )
    blamed.op, blamed.where = found.op, found.where
    raise blamed
