"""Schedules that multiply the learning rate by a factor: large steps first, small ones to settle down.

    StepLR             γ at every so many steps               MultiStepLR     γ at the steps you name
    ExponentialLR      γ at every step                        PolynomialLR    down to 0 along a power
    ConstantLR         a smaller rate at first                LinearLR        a warm-up along a line
    CosineAnnealingLR  down and up again along a cosine

Factors multiply with what others do to the learning rate: several of these schedules may be stepped one
after the other, and `ReduceLROnPlateau` beside them.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.options import is_finite, not_negative
from tinygrad_cnn.optim.schedule import LRScheduler, require

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "PolynomialLR",
    "StepLR",
]


class _FactorLR(LRScheduler):
    """lr = first lr · factor(step): subclasses say which factor."""

    multiplies = True

    @abstractmethod
    def factor(self, step: int) -> float:
        """What the first learning rate is multiplied by after that many steps."""

    def lr_at(self, step: int, group: int = 0) -> float:
        return self.base_lrs[group] * self.factor(step)


class StepLR(_FactorLR):
    """A staircase: the learning rate is multiplied by gamma at every `step_size` steps.

    Args:
        optimizer: whose learning rates are set.
        step_size: how many steps long a stair is.
        gamma: what the learning rate is multiplied by.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> [schedule.lr_at(step) for step in range(5)]
    [0.8, 0.8, 0.4, 0.4, 0.2]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = as_index(step_size, argument="step_size")
        require("step_size", step_size, ">= 1", self.step_size >= 1)
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        return self.gamma ** (step // self.step_size)


class MultiStepLR(_FactorLR):
    """A staircase with stairs where you want them: times gamma at each milestone.

    Args:
        optimizer: whose learning rates are set.
        milestones: after how many steps; one named twice counts twice.
        gamma: what the learning rate is multiplied by.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: a negative gamma.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.MultiStepLR(optimizer, milestones=[1, 4], gamma=0.5)
    >>> [schedule.lr_at(step) for step in range(5)]
    [0.8, 0.4, 0.4, 0.4, 0.2]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = sorted(as_index(milestone, argument="milestones") for milestone in milestones)
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        return self.gamma ** bisect_right(self.milestones, step)


class ConstantLR(_FactorLR):
    """A smaller learning rate for the first `total_iters` steps.

    Args:
        optimizer: whose learning rates are set.
        factor: what the learning rate is multiplied by at first, 0 ... 1.
        total_iters: for how many steps.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> [schedule.lr_at(step) for step in range(4)]
    [0.4, 0.4, 0.8, 0.8]
    """

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.first_factor = _share("factor", factor)
        self.total_iters = _length(total_iters)
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        return self.first_factor if step < self.total_iters else 1.0


class LinearLR(_FactorLR):
    """A warm-up: along a line from start_factor to end_factor, which it keeps.

    Args:
        optimizer: whose learning rates are set.
        start_factor: what the learning rate is multiplied by at first, above 0 and at most 1.
        end_factor: and what from `total_iters` steps on, 0 ... 1.
        total_iters: how many steps long the line is.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> [round(schedule.lr_at(step), 3) for step in range(4)]
    [0.4, 0.6, 0.8, 0.8]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = _share("start_factor", start_factor)
        require("start_factor", start_factor, "0 < start_factor <= 1", start_factor > 0)
        self.end_factor = _share("end_factor", end_factor)
        self.total_iters = _length(total_iters)
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        if step >= self.total_iters:
            return self.end_factor
        return self.start_factor + (self.end_factor - self.start_factor) * step / self.total_iters


class ExponentialLR(_FactorLR):
    """The learning rate is multiplied by gamma at every step.

    Args:
        optimizer: whose learning rates are set.
        gamma: what it is multiplied by.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: a negative gamma.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.ExponentialLR(optimizer, gamma=0.5)
    >>> [schedule.lr_at(step) for step in range(4)]
    [0.8, 0.4, 0.2, 0.1]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = not_negative("gamma", gamma)
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        return self.gamma**step


class PolynomialLR(_FactorLR):
    """Down to 0 in `total_iters` steps, along (1 − step/total_iters)^power.

    Args:
        optimizer: whose learning rates are set.
        total_iters: after how many steps the learning rate is 0.
        power: 1 is a straight line.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.PolynomialLR(optimizer, total_iters=4)
    >>> [round(schedule.lr_at(step), 3) for step in range(6)]
    [0.8, 0.6, 0.4, 0.2, 0.0, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters = _length(total_iters)
        self.power = not_negative("power", power)
        super().__init__(optimizer, last_epoch)

    def factor(self, step: int) -> float:
        return float((1 - min(step, self.total_iters) / self.total_iters) ** self.power)


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the first learning rate down to eta_min in T_max steps, and up again after it.

    Args:
        optimizer: whose learning rates are set.
        T_max: how many steps it goes down.
        eta_min: the smallest learning rate.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
    arXiv:1608.03983, equation 5, without the restarts.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.CosineAnnealingLR(optimizer, T_max=4)
    >>> [round(schedule.lr_at(step), 3) for step in range(6)]
    [0.8, 0.683, 0.4, 0.117, 0.0, 0.117]
    """

    multiplies = True

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = as_index(T_max, argument="T_max")
        require("T_max", T_max, ">= 1", self.T_max >= 1)
        self.eta_min = not_negative("eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        return cosine(self.base_lrs[group], self.eta_min, step / self.T_max)


def cosine(start: float, end: float, share: float) -> float:
    """From start (share 0) to end (share 1) along half a cosine: slow, fast, slow."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def _share(name: str, value: float) -> float:
    require(name, value, f"0 <= {name} <= 1", is_finite(value) and 0 <= value <= 1)
    return float(value)


def _length(total_iters: int) -> int:
    number = as_index(total_iters, argument="total_iters")
    require("total_iters", total_iters, ">= 1", number >= 1)
    return number
