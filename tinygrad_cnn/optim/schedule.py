"""Learning-rate schedules: large steps while there is far to go, small ones to settle down.

    scheduler = optim.OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * len(loader))
    for images, labels in batches:
        ...
        optimizer.step()
        scheduler.step()           # after every step, not after every epoch

A schedule is a function of the number of steps taken, `lr_at(step, group)`, so it can be drawn before it is
used and continued after a pause.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, StateDictError
from tinygrad_cnn.optim.optimizer import Optimizer, not_negative

__all__ = ["LRScheduler", "OneCycleLR"]


class LRScheduler(ABC):
    """Sets the learning rate of every group from the number of steps taken; subclasses say how.

    Args:
        optimizer: its learning rates are set at once to those of step 0.

    Attributes:
        last_step: how many steps were taken.

    >>> import tinygrad_cnn as tc
    >>> class Halving(tc.optim.LRScheduler):
    ...     def lr_at(self, step, group=0):
    ...         return 0.8 / 2**step
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> scheduler = Halving(optimizer)
    >>> scheduler.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.2]
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.last_step = 0
        self._set()

    @abstractmethod
    def lr_at(self, step: int, group: int = 0) -> float:
        """The learning rate of a group after that many steps."""

    def step(self) -> None:
        """Count one step and set the learning rates for the next."""
        self.last_step += 1
        self._set()

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _set(self) -> None:
        for number, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self.lr_at(self.last_step, number)

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue: the number of steps taken (the rest is given anew)."""
        return {"last_step": self.last_step}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            StateDictError: it holds something else.
        """
        if set(state_dict) != {"last_step"}:
            raise StateDictError(
                "this is not the state of a schedule",
                argument="state_dict",
                expected="last_step",
                got=", ".join(map(str, state_dict)) or "nothing",
            )
        self.last_step = as_index(state_dict["last_step"], argument="last_step")
        self._set()


class OneCycleLR(LRScheduler):
    """Warm up to the largest learning rate, then cool down to almost nothing, along two half cosines.

    From max_lr/div_factor up to max_lr in the first `pct_start` of the steps, then down to
    max_lr/(div_factor · final_div_factor) at the last one. Formula, names and defaults are PyTorch's, with
    cosines and without cycling the momentum (its cycle_momentum=False).

    Args:
        optimizer: whose learning rates are set.
        max_lr: the largest, one for all groups or one each.
        total_steps: how many optimizer steps the whole training takes.
        pct_start: the share of them that warms up, 0 ... 1.
        div_factor: how many times smaller than max_lr the first learning rate is.
        final_div_factor: how many times smaller than the first the last one is.

    Raises:
        ArgumentError: an option out of range, or more steps than total_steps.

    Source: Smith and Topin, "Super-Convergence", arXiv:1708.07120.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> schedule = tc.optim.OneCycleLR(tc.optim.SGD([w], lr=0.1), max_lr=1.0, total_steps=101)
    >>> [round(schedule.lr_at(step), 4) for step in (0, 15, 30, 65, 100)]
    [0.04, 0.538, 0.9998, 0.4922, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        groups = len(optimizer.param_groups)
        rates = list(max_lr) if isinstance(max_lr, (list, tuple)) else [max_lr] * groups
        self.max_lrs = [not_negative("max_lr", rate) for rate in rates]
        self.total_steps = as_index(total_steps, argument="total_steps")
        self.pct_start, self.div_factor, self.final_div_factor = pct_start, div_factor, final_div_factor
        for name, is_right, expected in (
            ("max_lr", len(rates) == groups, f"one number, or {groups}"),
            ("total_steps", self.total_steps >= 1, ">= 1"),
            ("pct_start", 0 <= pct_start <= 1, "0 <= pct_start <= 1"),
            ("div_factor", div_factor > 0, "> 0"),
            ("final_div_factor", final_div_factor > 0, "> 0"),
        ):
            if not is_right:
                raise ArgumentError(
                    f"{name} makes no cycle", argument=name, expected=expected, got=locals()[name]
                )
        super().__init__(optimizer)

    def lr_at(self, step: int, group: int = 0) -> float:
        if step > self.total_steps:
            raise ArgumentError(
                "the cycle is over", argument="step", expected=f"at most {self.total_steps} steps", got=step
            )
        top = self.max_lrs[group]
        first = top / self.div_factor
        peak, last = self.pct_start * self.total_steps - 1, self.total_steps - 1
        step = min(step, last)  # after the last step the last rate stays
        if step <= peak:
            return _between(first, top, step / peak if peak else 1.0)
        return _between(top, first / self.final_div_factor, (step - peak) / (last - peak))


def _between(start: float, end: float, share: float) -> float:
    """From start (share 0) to end (share 1) along half a cosine: slow, fast, slow."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))
