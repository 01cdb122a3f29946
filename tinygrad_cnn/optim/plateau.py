"""ReduceLROnPlateau: smaller steps when larger ones no longer help.

    scheduler = optim.ReduceLROnPlateau(optimizer, patience=3)
    for epoch in range(90):
        ...
        scheduler.step(test_loss)          # after every epoch

It follows what is measured, not the number of steps, so unlike the other schedules it cannot be drawn in
advance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.options import is_finite, not_negative
from tinygrad_cnn.optim.schedule import check_keys, per_group, require

__all__ = ["ReduceLROnPlateau"]

_STATE = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")


class ReduceLROnPlateau:
    """Multiplies the learning rate by a factor when a measure has not become better for a while.

    Args:
        optimizer: whose learning rates are set.
        mode: "min" for a measure that should fall, such as a loss; "max" for one that should rise.
        factor: what learning rates are multiplied by, below 1.
        patience: how many steps without improvement are borne.
        threshold: by how much a measure must be better than the best so far.
        threshold_mode: "rel": by that share of the best; "abs": by that number.
        cooldown: how many steps after a reduction are not judged.
        min_lr: no learning rate becomes smaller, one for all groups or one each.
        eps: smaller reductions than this are not made.

    Attributes:
        best: the best measure so far.
        num_bad_epochs: how many steps there were without improvement.

    Raises:
        ArgumentError: an option out of range.
        UnknownName: there is no such mode.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> scheduler = tc.optim.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (1.0, 0.9, 0.95, 0.93):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.4]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        for name, value, known in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if value not in known:
                raise UnknownName.among(value, known, kind=name, argument=name)
        require("factor", factor, "0 <= factor < 1", is_finite(factor) and 0 <= factor < 1)
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = float(factor)
        self.patience = as_index(patience, argument="patience")
        self.threshold = not_negative("threshold", threshold)
        self.cooldown = as_index(cooldown, argument="cooldown")
        self.eps = not_negative("eps", eps)
        self.min_lrs = [not_negative("min_lr", rate) for rate in per_group("min_lr", min_lr, optimizer)]
        self.optimizer = optimizer
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0
        self.last_epoch = 0

    def step(self, metrics: Any) -> None:
        """Judge a new measure, a number or a 0-d tensor."""
        measure = float(metrics)
        self.last_epoch += 1
        if self._is_better(measure):
            self.best, self.num_bad_epochs = measure, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def get_last_lr(self) -> list[float]:
        """The learning rate of every group as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def _is_better(self, measure: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        margin = self.threshold
        bound = self.best + sign * margin if self.threshold_mode == "abs" else self.best * (1 + sign * margin)
        return measure < bound if self.mode == "min" else measure > bound

    def _reduce(self) -> None:
        for group, smallest in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            rate = max(group["lr"] * self.factor, smallest)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue; the options are given anew, and learning rates are the optimizer's."""
        return {name: getattr(self, name) for name in _STATE}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            StateDictError: it holds something else.
        """
        check_keys(state_dict, set(_STATE))
        for name in _STATE:
            setattr(self, name, state_dict[name])
