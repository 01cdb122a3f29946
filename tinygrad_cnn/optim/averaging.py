"""Averaged weights: the middle of the path that training takes is often better than its end.

    averaged = optim.AveragedModel(model, avg_fn=optim.get_ema_avg_fn(0.99))
    for images, labels in batches:
        ...
        optimizer.step()
        averaged.update_parameters(model)

    averaged.eval()
    logits = averaged(images)

Steps with a constant learning rate go around a minimum; their average lies inside.

Sources: Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992; Izmailov et al.,
"Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018, arXiv:1803.05407. Names and
results are those of torch.optim.swa_utils.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import int64
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.nn import Module
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.creation import zeros
from tinygrad_cnn.optim.options import is_finite

__all__ = ["AveragedModel", "get_ema_avg_fn"]

Average = Callable[[Tensor, Tensor, Tensor], Tensor]


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """An exponential moving average: decay · average + (1 − decay) · new.

    Args:
        decay: how much of the average is kept, 0 ... 1; about 1/(1 − decay) steps count.

    Raises:
        ArgumentError: decay is no share.

    >>> import tinygrad_cnn as tc
    >>> average = tc.optim.get_ema_avg_fn(0.75)
    >>> average(tc.tensor(0.0), tc.tensor(1.0), tc.tensor(5))
    tensor(0.25)
    """
    if not is_finite(decay) or not 0 <= decay <= 1:
        raise ArgumentError(
            "decay is the share that is kept", argument="decay", expected="0 <= decay <= 1", got=decay
        )

    def average(averaged: Tensor, value: Tensor, num_averaged: Tensor) -> Tensor:
        return averaged * decay + value * (1 - decay)

    return average


def _equal(averaged: Tensor, value: Tensor, num_averaged: Tensor) -> Tensor:
    """All count alike: the average of n + 1 numbers from that of n."""
    return averaged + (value - averaged) / (num_averaged + 1).to(averaged.dtype)


class AveragedModel(Module):
    """A copy of a network whose weights are an average over its training.

    Args:
        model: the network; it is copied.
        avg_fn: a function of (average so far, new value, how many it is the average of) that returns the new
            average; by default all count alike.
        use_buffers: average running statistics too; otherwise the newest ones are taken.

    Attributes:
        module: the copy.
        n_averaged: how many times it was updated, a 0-d tensor.

    >>> import tinygrad_cnn as tc
    >>> model = tc.nn.Linear(1, 1, bias=False)
    >>> averaged = tc.optim.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     _ = tc.nn.init.constant_(model.weight, weight)
    ...     averaged.update_parameters(model)
    >>> averaged(tc.ones(1, 1)).item()
    3.0
    """

    n_averaged: Tensor

    def __init__(self, model: Module, *, avg_fn: Average | None = None, use_buffers: bool = False) -> None:
        super().__init__()
        self.module = copy.deepcopy(model)
        backend = next((parameter.backend for parameter in model.parameters()), None)
        self.register_buffer("n_averaged", zeros((), dtype=int64, backend=backend))
        self.avg_fn = _equal if avg_fn is None else avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights as they are now into the average; the first time they are the average.

        Raises:
            ShapeError: this is another network; nothing was changed.
        """
        parameters = _pairs(self.module.parameters(), model.parameters())
        buffers = _pairs(self.module.buffers(), model.buffers())
        with no_grad():
            for averaged, value in parameters:
                averaged.assign(self._average(averaged, value))
            for averaged, value in buffers:
                is_mean = self.use_buffers and value.dtype.is_floating
                averaged.assign(self._average(averaged, value) if is_mean else value)
            self.n_averaged.assign(self.n_averaged + 1)

    def _average(self, averaged: Tensor, value: Tensor) -> Tensor:
        # Not `if` in Python: a recorded step is replayed with another count.
        is_first = self.n_averaged == 0
        average: Tensor = where(is_first, value, self.avg_fn(averaged, value, self.n_averaged))
        return average


def _pairs(averages: Iterable[Tensor], values: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Each average and its new value, if they are those of one network."""
    own, other = list(averages), list(values)
    shapes = [[tensor.shape for tensor in tensors] for tensors in (own, other)]
    if shapes[0] != shapes[1]:
        raise ShapeError(
            "the average is one of another network", argument="model", expected=shapes[0], got=shapes[1]
        )
    return list(zip(own, other, strict=True))
