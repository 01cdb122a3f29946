"""What every learning-rate schedule shares, and how several become one.

    scheduler = optim.StepLR(optimizer, step_size=30)
    for epoch in range(90):
        ...
        optimizer.step()
        scheduler.step()           # after the optimizer's: the rate of step 0 was set at the beginning

A schedule is a function of the number of steps taken, `lr_at(step, group)`, so it can be drawn before it is
used and continued after a pause. Whether a step is a batch or an epoch is up to who calls `step`; PyTorch's
word for how many there were is `last_epoch`.
"""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_cnn._signature import Explaining
from tinygrad_cnn._tape import tape
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, CaptureError, StateDictError
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.options import ParamGroup, not_negative

__all__ = ["ChainedScheduler", "LRScheduler", "SequentialLR"]


class LRScheduler(metaclass=Explaining):
    """Sets the learning rate of every group from the number of steps taken; subclasses say how.

    Args:
        optimizer: its learning rates are set at once to those of step 0.
        last_epoch: to continue an earlier run, how many steps it had taken, less one.

    Attributes:
        base_lrs: by group, the learning rate that the optimizer was made with.
        last_epoch: how many steps were taken.

    Raises:
        ArgumentError: an earlier run is to be continued, but its first learning rates are not known.

    >>> import tinygrad_cnn as tc
    >>> class Halving(tc.optim.LRScheduler):
    ...     def lr_at(self, step, group=0):
    ...         return self.base_lrs[group] / 2**step
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> scheduler = Halving(optimizer)
    >>> scheduler.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.2]
    """

    # Whether it is a factor, which leaves to others what they made of the learning rate.
    multiplies = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = _as_optimizer(optimizer)
        self.last_epoch = as_index(last_epoch, argument="last_epoch") + 1
        for number, group in enumerate(optimizer.param_groups):
            if self.last_epoch == 0:
                group.setdefault("initial_lr", group["lr"])  # a second schedule begins there too
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"group {number} does not know the learning rate that it began with",
                    argument="last_epoch",
                    expected="-1 to begin, or an optimizer with the state of the earlier run",
                    got=last_epoch,
                    hint="optimizer.load_state_dict(...) before the schedule is made",
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self._set(self.base_lrs if self.last_epoch == 0 else self._due())

    @abstractmethod
    def lr_at(self, step: int, group: int = 0) -> float:
        """The learning rate of a group after that many steps."""

    def momentum_at(self, step: int, group: int = 0) -> float | None:
        """The momentum of a group after that many steps; None where the schedule leaves it alone."""
        return None

    def step(self) -> None:
        """Count one step and set the learning rates for the next; after `optimizer.step()`.

        Raises:
            CaptureError: inside of a captured step: a schedule counts in Python, which a replay leaves out.
        """
        if tape() is not None:
            raise CaptureError(
                "a schedule counts its steps in Python, which a replay leaves out",
                expected="scheduler.step() outside of the captured step",
                got="scheduler.step() inside",
                hint="call it after the step: what it sets is state, and nothing has to be recorded again",
            )
        before = self._due()
        self.last_epoch += 1
        self._set(before)

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _due(self) -> list[float]:
        return [self.lr_at(self.last_epoch, number) for number in range(len(self.base_lrs))]

    def _set(self, before: Sequence[float]) -> None:
        """Set what is due now, `before` having been due until now.

        Where a factor finds another learning rate than it set, somebody else has had a hand in it: another
        schedule, or you. Their share stays.
        """
        for number, (group, old) in enumerate(zip(self._groups(), before, strict=True)):
            share = group["lr"] / old if self.multiplies and old else 1.0
            group["lr"] = self.lr_at(self.last_epoch, number) * share
            self._set_momentum(number, group)

    def _set_momentum(self, number: int, group: ParamGroup) -> None:
        momentum = self.momentum_at(self.last_epoch, number)
        if momentum is not None and "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        elif momentum is not None:
            group["momentum"] = momentum

    def _groups(self) -> list[ParamGroup]:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.base_lrs):
            raise ArgumentError(
                "the optimizer got another group after the schedule was made",
                argument="optimizer",
                expected=f"{len(self.base_lrs)} groups",
                got=f"{len(groups)} groups",
            )
        return groups

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue; the options are given anew."""
        return {"last_epoch": self.last_epoch, "last_lr": self.get_last_lr()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned; the optimizer gets its learning rates of then.

        Raises:
            StateDictError: it holds something else.
        """
        check_keys(state_dict, {"last_epoch", "last_lr"})
        last_epoch = as_index(state_dict["last_epoch"], argument="last_epoch")
        saved = per_group("last_lr", list(state_dict["last_lr"]), self.optimizer)
        rates = [not_negative("last_lr", rate) for rate in saved]
        self.last_epoch = last_epoch
        for number, (group, rate) in enumerate(zip(self._groups(), rates, strict=True)):
            group["lr"] = rate
            self._set_momentum(number, group)


def per_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """One value for each group: those given, or the same for all."""
    groups = len(_as_optimizer(optimizer).param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * groups
    if len(values) != groups:
        raise ArgumentError(
            f"{name} does not fit the groups of parameters",
            argument=name,
            expected=f"one, or {groups}",
            got=f"{len(values)}",
        )
    return values


def require(name: str, value: Any, expected: str, fits: bool) -> None:
    """Raise if an option of a schedule makes no sense."""
    if not fits:
        raise ArgumentError(f"{name} makes no schedule", argument=name, expected=expected, got=repr(value))


def check_keys(state_dict: Mapping[str, Any], expected: set[str]) -> None:
    """Raise if this is not the state of a schedule."""
    if set(state_dict) != expected:
        raise StateDictError(
            "this is not the state of a schedule",
            argument="state_dict",
            expected=", ".join(sorted(expected)),
            got=", ".join(map(str, state_dict)) or "nothing",
        )


def _as_optimizer(optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(
            "a schedule changes the learning rate of an optimizer",
            argument="optimizer",
            expected="Optimizer",
            got=type(optimizer).__name__,
        )
    return optimizer


# --- several schedules ----------------------------------------------------------------------------


class SequentialLR(LRScheduler):
    """One schedule after the other: the next takes over at each milestone and counts from 0.

    Args:
        optimizer: whose learning rates are set.
        schedulers: schedules of the same optimizer.
        milestones: after how many steps the second, third ... begins.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentError: another optimizer's schedule, or not one milestone between any two.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> warm_up = tc.optim.LinearLR(optimizer, start_factor=0.25, total_iters=3)
    >>> decay = tc.optim.ExponentialLR(optimizer, gamma=0.5)
    >>> both = tc.optim.SequentialLR(optimizer, [warm_up, decay], milestones=[3])
    >>> [round(both.lr_at(step), 3) for step in range(6)]
    [0.2, 0.4, 0.6, 0.8, 0.4, 0.2]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[LRScheduler],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        self.schedulers = _of_one_optimizer(schedulers, optimizer)
        self.milestones = [as_index(milestone, argument="milestones") for milestone in milestones]
        require(
            "milestones",
            milestones,
            f"{len(self.schedulers) - 1} numbers, in order: one between any two schedules",
            len(self.milestones) == len(self.schedulers) - 1 and self.milestones == sorted(self.milestones),
        )
        super().__init__(optimizer, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        scheduler, start = self._in_force(step)
        return scheduler.lr_at(step - start, group)

    def momentum_at(self, step: int, group: int = 0) -> float | None:
        scheduler, start = self._in_force(step)
        return scheduler.momentum_at(step - start, group)

    def _in_force(self, step: int) -> tuple[LRScheduler, int]:
        """The schedule of that step, and when it began."""
        number = bisect_right(self.milestones, step)
        return self.schedulers[number], [0, *self.milestones][number]


class ChainedScheduler(LRScheduler):
    """Several schedules at once: their factors are multiplied.

    Args:
        schedulers: schedules of the same optimizer.
        optimizer: whose learning rates are set; by default the schedules' own.

    Raises:
        ArgumentError: no schedule, or another optimizer's.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> slow_start = tc.optim.ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> decay = tc.optim.ExponentialLR(optimizer, gamma=0.5)
    >>> both = tc.optim.ChainedScheduler([slow_start, decay])
    >>> [both.lr_at(step) for step in range(4)]
    [0.4, 0.2, 0.2, 0.1]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.schedulers = _of_one_optimizer(schedulers, optimizer)
        super().__init__(self.schedulers[0].optimizer)

    def lr_at(self, step: int, group: int = 0) -> float:
        rate = self.base_lrs[group]
        for scheduler in self.schedulers if rate else ():  # no factor makes more of 0
            rate *= scheduler.lr_at(step, group) / scheduler.base_lrs[group]
        return rate

    def momentum_at(self, step: int, group: int = 0) -> float | None:
        momenta = [scheduler.momentum_at(step, group) for scheduler in self.schedulers]
        return next((momentum for momentum in reversed(momenta) if momentum is not None), None)


def _of_one_optimizer(schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> list[LRScheduler]:
    for number, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, LRScheduler):
            raise ArgumentTypeError(
                "only a function of the number of steps can be combined with others",
                argument=f"schedulers[{number}]",
                expected="LRScheduler",
                got=type(scheduler).__name__,
            )
    optimizers = [scheduler.optimizer for scheduler in schedulers]
    is_one = bool(optimizers) and all(own is (optimizer or optimizers[0]) for own in optimizers)
    require("schedulers", schedulers, "at least one, all of the same optimizer", is_one)
    return list(schedulers)
