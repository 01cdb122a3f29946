"""Schedules in cycles: up to a large learning rate and down again.

    OneCycleLR                   one cycle for the whole training: warm up, cool down
    CyclicLR                     one triangle after the other
    CosineAnnealingWarmRestarts  down along a cosine, and a jump back up

While the learning rate goes up, momentum can go down, and back again after it, so that steps do not become
too long: `cycle_momentum` does that with "momentum", or with the first of "betas" where there are such.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.optim.decay import cosine
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.options import is_finite, not_negative
from tinygrad_cnn.optim.schedule import LRScheduler, per_group, require

__all__ = ["CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR"]


class _Cycle(LRScheduler):
    """Learning rates between two bounds, and momenta between two, the other way round."""

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        cycle_momentum: bool,
        base_momentum: float | Sequence[float],
        max_momentum: float | Sequence[float],
        last_epoch: int,
    ) -> None:
        self.max_lrs = _rates("max_lr", max_lr, optimizer)
        self.base_momenta = _rates("base_momentum", base_momentum, optimizer)
        self.max_momenta = _rates("max_momentum", max_momentum, optimizer)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum and not {"momentum", "betas"} & set(optimizer.defaults):
            raise ArgumentError(
                f"{type(optimizer).__name__} has no momentum that could be cycled",
                argument="cycle_momentum",
                expected="False, or an optimizer with momentum or betas",
                got=cycle_momentum,
            )
        super().__init__(optimizer, last_epoch)

    def momentum_at(self, step: int, group: int = 0) -> float | None:
        if not self.cycle_momentum:
            return None
        return self._cycled_momentum(step, self.base_momenta[group], self.max_momenta[group])

    @abstractmethod
    def _cycled_momentum(self, step: int, base: float, top: float) -> float:
        """The momentum after that many steps."""


class OneCycleLR(_Cycle):
    """Warm up to the largest learning rate, then cool down to almost nothing.

    From max_lr/div_factor up to max_lr in the first `pct_start` of the steps, then down to
    max_lr/(div_factor · final_div_factor) at the last one, where it stays. In three phases it goes back to
    the first learning rate as fast as it came from there, and only then to the last.

    Args:
        optimizer: whose learning rates are set.
        max_lr: the largest, one for all groups or one each.
        total_steps: how many optimizer steps the whole training takes.
        epochs, steps_per_epoch: the same, as a product.
        pct_start: the share of them that warms up, 0 ... 1.
        anneal_strategy: "cos", along half cosines, or "linear".
        cycle_momentum: let momentum go from max_momentum to base_momentum and back.
        base_momentum, max_momentum: its bounds, one for all groups or one each.
        div_factor: how many times smaller than max_lr the first learning rate is.
        final_div_factor: how many times smaller than the first the last one is.
        three_phase: go back to the first learning rate before the end begins.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range, or more steps than total_steps.
        UnknownName: there is no such anneal_strategy.

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
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if anneal_strategy not in _ANNEALING:
            raise UnknownName.among(anneal_strategy, _ANNEALING, kind="annealing", argument="anneal_strategy")
        self._between = _ANNEALING[anneal_strategy]
        require("pct_start", pct_start, "0 <= pct_start <= 1", is_finite(pct_start) and 0 <= pct_start <= 1)
        for name, factor in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            require(name, factor, "> 0", is_finite(factor) and factor > 0)
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        peak, last = pct_start * self.total_steps - 1, self.total_steps - 1
        back = 2 * pct_start * self.total_steps - 2
        self._corners = [0, peak, back, last] if three_phase else [0, peak, last]  # steps
        super().__init__(optimizer, max_lr, cycle_momentum, base_momentum, max_momentum, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        top = self.max_lrs[group]
        first = top / self.div_factor
        last = first / self.final_div_factor
        return self._along(step, [first, top, first, last] if len(self._corners) == 4 else [first, top, last])

    def _cycled_momentum(self, step: int, base: float, top: float) -> float:
        return self._along(step, [top, base, top, top][: len(self._corners)])

    def _along(self, step: int, values: Sequence[float]) -> float:
        """Between the values at the corners of the cycle."""
        if step > self.total_steps:
            raise ArgumentError(
                "the cycle is over", argument="step", expected=f"at most {self.total_steps} steps", got=step
            )
        step = min(step, self.total_steps - 1)  # after the last step the last rate stays
        last = len(values) - 1
        end = next((i for i in range(1, last) if step <= self._corners[i]), last)
        length = self._corners[end] - self._corners[end - 1]
        share = (step - self._corners[end - 1]) / length if length else 1.0
        return self._between(values[end - 1], values[end], share)


class CyclicLR(_Cycle):
    """Triangles: up from base_lr to max_lr and down again, over and over.

    Args:
        optimizer: whose learning rates are set.
        base_lr, max_lr: the bounds, one for all groups or one each.
        step_size_up: how many steps it goes up.
        step_size_down: how many it goes down; as many by default.
        mode: "triangular"; "triangular2", where each triangle is half as high as the last; "exp_range", where
            the height is multiplied by gamma in each step.
        gamma: see there.
        scale_fn: a height of your own, in place of a mode: a function of the number of the cycle, from 1, or
            of the step.
        scale_mode: "cycle" or "iterations": what scale_fn is a function of.
        cycle_momentum: let momentum go from max_momentum to base_momentum and back.
        base_momentum, max_momentum: its bounds, one for all groups or one each.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.
        UnknownName: there is no such mode.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, arXiv:1506.01186.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> schedule = tc.optim.CyclicLR(optimizer, base_lr=0.2, max_lr=0.8, step_size_up=2)
    >>> [round(schedule.lr_at(step), 3) for step in range(6)]
    [0.2, 0.5, 0.8, 0.5, 0.2, 0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[int], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        heights = {
            "triangular": (lambda cycle: 1.0, "cycle"),
            "triangular2": (lambda cycle: 0.5 ** (cycle - 1), "cycle"),
            "exp_range": (lambda step: gamma**step, "iterations"),
        }
        if scale_fn is None:
            if mode not in heights:
                raise UnknownName.among(mode, heights, kind="mode", argument="mode")
            scale_fn, scale_mode = heights[mode]
        if scale_mode not in ("cycle", "iterations"):
            raise UnknownName.among(scale_mode, ("cycle", "iterations"), kind="mode", argument="scale_mode")
        self._height, self._by_cycle = scale_fn, scale_mode == "cycle"
        self.step_size_up = as_index(step_size_up, argument="step_size_up")
        down = step_size_up if step_size_down is None else step_size_down
        self.step_size_down = as_index(down, argument="step_size_down")
        require("step_size_up", step_size_up, ">= 1", self.step_size_up >= 1)
        require("step_size_down", step_size_down, ">= 1", self.step_size_down >= 1)
        self.min_lrs = _rates("base_lr", base_lr, optimizer)
        super().__init__(optimizer, max_lr, cycle_momentum, base_momentum, max_momentum, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        low, high = self.min_lrs[group], self.max_lrs[group]
        return low + (high - low) * self._rise(step)

    def _cycled_momentum(self, step: int, base: float, top: float) -> float:
        return top - (top - base) * self._rise(step)

    def _rise(self, step: int) -> float:
        """How far up it is between the bounds, 0 ... 1."""
        cycle, within = divmod(step, self.step_size_up + self.step_size_down)
        up = within / self.step_size_up
        down = (self.step_size_up + self.step_size_down - within) / self.step_size_down
        return min(up, down) * self._height(cycle + 1 if self._by_cycle else step)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine down to eta_min, then back to the first learning rate at once; each time T_mult as long.

    Args:
        optimizer: whose learning rates are set.
        T_0: how many steps the first cosine takes.
        T_mult: how many times longer than the last each following one is.
        eta_min: the smallest learning rate.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: an option out of range.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
    arXiv:1608.03983, equation 5.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.CosineAnnealingWarmRestarts(optimizer, T_0=2, T_mult=2)
    >>> [round(schedule.lr_at(step), 3) for step in range(7)]
    [0.8, 0.4, 0.8, 0.683, 0.4, 0.117, 0.8]
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0 = as_index(T_0, argument="T_0")
        self.T_mult = as_index(T_mult, argument="T_mult")
        require("T_0", T_0, ">= 1", self.T_0 >= 1)
        require("T_mult", T_mult, ">= 1", self.T_mult >= 1)
        self.eta_min = not_negative("eta_min", eta_min)
        super().__init__(optimizer, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        length = self.T_0
        if self.T_mult == 1:
            step %= length
        while step >= length:
            step -= length
            length *= self.T_mult
        return cosine(self.base_lrs[group], self.eta_min, step / length)


def _line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


_ANNEALING: dict[str, Callable[[float, float, float], float]] = {"cos": cosine, "linear": _line}


def _rates(name: str, value: float | Sequence[float], optimizer: Optimizer) -> list[float]:
    return [not_negative(name, rate) for rate in per_group(name, value, optimizer)]


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps, given as such or as a product."""
    if total_steps is None and (epochs is None or steps_per_epoch is None):
        raise ArgumentError(
            "it must be known how many steps there will be",
            argument="total_steps",
            expected="total_steps, or both epochs and steps_per_epoch",
            got=f"epochs={epochs}, steps_per_epoch={steps_per_epoch}",
        )
    given = {"total_steps": total_steps}
    if total_steps is None:
        given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
    for name, value in given.items():
        require(name, value, ">= 1", as_index(value, argument=name) >= 1)
    return math.prod(as_index(value, argument=name) for name, value in given.items())
