"""Running ahead of a device that computes later.

A GPU works off a queue: asking for a step takes the host some microseconds, and only looking at a result
(`loss.item()`) waits until it is there. A loop that looks after every step lets the GPU stand still while the
host prepares the next one. So the Trainer asks for a *window* of many steps and looks at them together:

    host     ask 1 ask 2 ... ask 50   wait           measure 1-50   ask 51 ask 52 ...
    device     step 1    step 2   ...     step 50                     step 51    step 52 ...

What is not looked at cannot stop the run: steps go on after a loss that is NaN. Therefore a window begins
with a snapshot of everything that steps change. When it turns out that a check has failed, the snapshot is
put back and the same batches are gone through once more, now looking at every value, which raises the error
at the line that made it. The weights are then those before the step that failed, as on a backend that
computes at once; there, a window is one step.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tinygrad_cnn._capture import capture
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.nn import Module
from tinygrad_cnn.ops.joining import cat, stack
from tinygrad_cnn.optim import LRScheduler, Optimizer


class Asked(NamedTuple):
    """A step that the backend has been asked for."""

    number: int  # within the epoch, from 1
    x: Tensor
    y: Tensor
    outputs: Tensor
    loss: Tensor
    lr: float = 0.0


class Seen(NamedTuple):
    """A step that has been looked at: what metrics need, on the host."""

    number: int
    x: Tensor | None  # of the last in a window; the others are given back
    lr: float
    outputs: Tensor
    y: Tensor
    loss: float
    time: float  # when, by `time.perf_counter`


Window = list[Asked]
MOST_BYTES = 2**28  # of images in a window


def windows(asked: Iterable[Asked], length: int) -> Iterator[Window]:
    """Steps, so many at a time, and fewer where batches are large, because their images have to be kept.

    >>> import tinygrad_cnn as tc
    >>> x = tc.zeros(2)
    >>> [len(window) for window in windows([Asked(n, x, x, x, x) for n in range(7)], 3)]
    [3, 3, 1]
    """
    window: Window = []
    kept = 0
    for step in asked:
        window.append(step)
        kept += step.x.numel() * step.x.dtype.itemsize
        if len(window) == length or kept >= MOST_BYTES:
            yield window
            window, kept = [], 0
    if window:
        yield window


def on_host(window: Window, *, outputs_too: bool) -> list[Seen]:
    """Results of a window, in as few copies as possible; outputs only if some metric wants them."""
    losses: Sequence[float]
    if len(window) == 1:
        asked, losses = window[0], [window[0].loss.item()]
        outputs, labels = [asked.outputs], [asked.y]
    else:
        losses = stack([asked.loss for asked in window]).tolist()
        outputs = _moved([asked.outputs for asked in window]) if outputs_too else [a.outputs for a in window]
        labels = _moved([asked.y for asked in window]) if outputs_too else [asked.y for asked in window]
    now = time.perf_counter()
    return [
        Seen(asked.number, asked.x if asked is window[-1] else None, asked.lr, output, label, loss, now)
        for asked, output, label, loss in zip(window, outputs, labels, losses, strict=True)
    ]


def _moved(values: list[Tensor]) -> list[Tensor]:
    """Tensors on the host; in one copy if they have the same shape but for the batch."""
    if any(value.ndim == 0 or value.shape[1:] != values[0].shape[1:] for value in values):
        return [value.to("numpy") for value in values]
    together, parts, first = cat(values).numpy(), [], 0
    for value in values:
        parts.append(tensor(together[first : first + len(value)], backend="numpy"))
        first += len(value)
    return parts


class Snapshot:
    """A copy of everything that training steps change.

    Args:
        model, optimizer, scheduler: those of the training.
        others: what else steps change: random counters, the scale of the loss.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        scheduler: LRScheduler | None,
        others: Sequence[Tensor],
    ) -> None:
        state = [value for entries in optimizer.state.values() for value in entries.values()]
        changing = [*model.parameters(), *model.buffers(), *state, *others]
        self._optimizer, self._scheduler = optimizer, scheduler
        self._begun, self._others = set(optimizer.state), others
        copies = [(value.detach(), value.detach().clone()) for value in changing]
        backend = copies[0][0].backend
        self._copies = [pair for pair in copies if pair[0].backend is backend]
        self._on_host = [pair for pair in copies if pair[0].backend is not backend]
        self._options: list[dict[str, Any]] = []
        self._schedule: Mapping[str, Any] | None = None
        self._copy_all = capture(self._copy)  # one launch instead of one for each tensor

    def is_complete(self, others: Sequence[Tensor]) -> bool:
        """Whether there is no more to copy than there was: some state is made in the first step only."""
        return self._begun == self._optimizer.state.keys() and len(self._others) == len(others)

    def save(self) -> None:
        """Remember what is now."""
        self._copy_all()
        for value, copy in self._on_host:
            copy.assign(value)
        self._options = [
            {name: value for name, value in group.items() if name != "params"}
            for group in self._optimizer.param_groups
        ]
        self._schedule = None if self._scheduler is None else self._scheduler.state_dict()

    def restore(self) -> None:
        """Go back to what was saved."""
        for value, copy in (*self._copies, *self._on_host):
            value.assign(copy)
        for parameter in self._optimizer.state.keys() - self._begun:
            del self._optimizer.state[parameter]
        for group, options in zip(self._optimizer.param_groups, self._options, strict=True):
            group.update(options)
        if self._scheduler is not None and self._schedule is not None:
            self._scheduler.load_state_dict(self._schedule)

    def _copy(self) -> None:
        for value, copy in self._copies:
            copy.assign(value)
