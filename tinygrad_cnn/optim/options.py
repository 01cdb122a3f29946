"""The options of optimizers: groups of parameters that share them, and which values make sense.

An option means the same in every optimizer that has it:

    lr                        the learning rate: how far a step goes
    weight_decay              how strongly weights are pulled to 0
    decoupled_weight_decay    pull the weight itself, instead of adding the pull to the gradient
    maximize                  go uphill instead of downhill
    momentum                  how much of the last direction is kept
    betas, rho, alpha         how much of a running average is kept
    eps                       added to a divisor, so that no division fails

So what can be asked of a value is written here once. Options that are not in the list belong to somebody's
own optimizer and are taken as they are.
"""

from __future__ import annotations

import math
from collections import UserDict
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError

__all__ = ["ParamGroup"]

# What schedules move from step to step: state, and not constants of a captured step.
MOVING = frozenset({"betas", "lr", "momentum"})
_NO_CONSTANTS = frozenset({"params", "lr", "initial_lr", "betas"})


class ParamGroup(UserDict[str, Any]):
    """Parameters that share their options: `group["params"]`, `group["lr"]`, ...

    Options that schedules move (the learning rate, momentum, betas) read as the numbers they were set to;
    `number` gives them as tensors, which is what steps compute with. Setting `group["lr"]` assigns to it.

    Raises:
        ArgumentError: an option is given a value that makes no sense; the old one stays.

    >>> import tinygrad_cnn as tc
    >>> group = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.5).param_groups[0]
    >>> group["lr"] = 0.25
    >>> group["lr"], group.rate
    (0.25, tensor(0.25, dtype=float64))
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.backend = options["params"][0].backend
        self._numbers: dict[str, Tensor] = {}
        super().__init__(options)

    def __setitem__(self, key: str, value: Any) -> None:
        value = checked(key, value)
        if key in MOVING:
            if key not in self._numbers:
                self._numbers[key] = tensor(value, dtype=float64, backend=self.backend)
            self._numbers[key].assign(value)
        super().__setitem__(key, value)

    def number(self, name: str) -> Tensor:
        """An option that schedules move, as a float64 tensor."""
        return self._numbers[name]

    @property
    def rate(self) -> Tensor:
        """The learning rate."""
        return self._numbers["lr"]

    def constants(self) -> dict[str, Any]:
        """What Python decides by: all options but those that are tensors, and whether there is momentum.

        >>> import tinygrad_cnn as tc
        >>> tc.optim.Adagrad([tc.tensor(1.0, requires_grad=True)]).param_groups[0].constants()["eps"]
        1e-10
        """
        return {
            name: bool(value) if name == "momentum" else value
            for name, value in self.data.items()
            if name not in _NO_CONSTANTS
        }


# --- which values make sense ----------------------------------------------------------------------


def checked(name: str, value: Any) -> Any:
    """The value of an option as the rules take it, if it makes sense.

    Raises:
        ArgumentError: it is out of range.
        ArgumentTypeError: it is neither True nor False where it must be.
    """
    check = _CHECKS.get(name)
    return value if check is None else check(name, value)


def is_finite(value: Any) -> bool:
    """Whether something is a number, neither NaN nor infinite; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def not_negative(name: str, value: Any) -> float:
    """An option that makes no sense below 0, checked."""
    return _number(name, value, "a number, neither negative nor infinite", lambda x: x >= 0)


def _share(name: str, value: Any) -> float:
    return _number(name, value, "a number from 0 to 1", lambda x: 0 <= x <= 1)


def _number(name: str, value: Any, expected: str, fits: Callable[[float], bool]) -> float:
    if not is_finite(value) or not fits(float(value)):
        raise _makes_no_sense(name, value, expected)
    return float(value)


def _pair(name: str, value: Any, expected: str, fits: Callable[[float, float], bool]) -> tuple[float, float]:
    is_pair = isinstance(value, (tuple, list)) and len(value) == 2 and all(map(is_finite, value))
    if not is_pair or not fits(*value):
        raise _makes_no_sense(name, value, expected)
    return float(value[0]), float(value[1])


def _makes_no_sense(name: str, value: Any, expected: str) -> ArgumentError:
    return ArgumentError(f"{name} must be {expected}", argument=name, expected=expected, got=repr(value))


def _betas(name: str, value: Any) -> tuple[float, float]:
    return _pair(name, value, "two numbers, 0 <= beta < 1", lambda a, b: 0 <= a < 1 and 0 <= b < 1)


def _etas(name: str, value: Any) -> tuple[float, float]:
    return _pair(name, value, "two numbers, 0 < shrink < 1 < grow", lambda a, b: 0 < a < 1 < b)


def _step_sizes(name: str, value: Any) -> tuple[float, float]:
    return _pair(name, value, "two numbers, 0 <= smallest <= largest", lambda a, b: 0 <= a <= b)


def switch(name: str, value: Any) -> bool:
    """An option that is True or False, checked."""
    if not isinstance(value, bool):
        raise ArgumentTypeError(
            f"{name} is a switch", argument=name, expected="True or False", got=repr(value)
        )
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(
        (
            "alpha",
            "eps",
            "initial_accumulator_value",
            "lr",
            "lr_decay",
            "momentum",
            "momentum_decay",
            "weight_decay",
        ),
        not_negative,
    ),
    **dict.fromkeys(("amsgrad", "centered", "decoupled_weight_decay", "maximize", "nesterov"), switch),
    "betas": _betas,
    "dampening": lambda name, value: _number(name, value, "a finite number", lambda _: True),
    "etas": _etas,
    "rho": _share,
    "step_sizes": _step_sizes,
}
