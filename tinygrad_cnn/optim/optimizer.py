"""What every optimizer shares: groups of parameters, their options and their state.

    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    loss.backward()            # fills .grad of every parameter
    optimizer.step()           # moves every parameter a little against its gradient
    optimizer.zero_grad()      # forgets the gradients

Parameters, their state (momentum, counters) and the learning rate are tensors that only `assign` changes, so
a whole training step can be recorded and replayed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any, TypeAlias

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, StateDictError

__all__ = ["Optimizer", "ParamGroup"]

Parameters: TypeAlias = "Iterable[Tensor] | Iterable[Mapping[str, Any]]"


class ParamGroup(dict[str, Any]):
    """Parameters that share their options: `group["params"]`, `group["lr"]`, ...

    The learning rate reads as the number it was set to; `rate` is the same number as a tensor, which is
    what steps compute with. Setting `group["lr"]` assigns to it.

    >>> import tinygrad_cnn as tc
    >>> group = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.5).param_groups[0]
    >>> group["lr"] = 0.25
    >>> group["lr"], group.rate
    (0.25, tensor(0.25, dtype=float64))
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.rate = tensor(0.0, dtype=float64, backend=options["params"][0].backend)
        self["lr"] = options["lr"]

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "lr":
            self.rate.assign(not_negative("lr", value))
        super().__setitem__(key, value)


class Optimizer(ABC):
    """Subclasses say what state a parameter has (`new_state`) and how it moves (`update`).

    Args:
        params: tensors, such as `model.parameters()`; or dicts with "params" and options of their own.
        defaults: options of groups that do not give their own; "lr" must be among them.

    Attributes:
        param_groups: a list of `ParamGroup`; `optimizer.param_groups[0]["lr"] = 0.01` sets a learning rate.
        state: by parameter, its state: a dict of tensors, made when its first gradient arrives.

    Raises:
        ArgumentError: no parameters, or one given twice.
        ArgumentTypeError: something that is not a tensor, or not a leaf.

    >>> import tinygrad_cnn as tc
    >>> class SignDescent(tc.optim.Optimizer):
    ...     def new_state(self, parameter, group):
    ...         return {}
    ...
    ...     def update(self, parameter, gradient, state, group):
    ...         parameter.assign(parameter - group.rate.to(parameter.dtype) * gradient.sign())
    >>> w = tc.tensor([3.0, -4.0], requires_grad=True)
    >>> optimizer = SignDescent([w], {"lr": 0.5})
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 2.5, -3.5], requires_grad=True)
    """

    def __init__(self, params: Parameters, defaults: Mapping[str, Any]) -> None:
        if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
            raise ArgumentTypeError(
                "an optimizer takes several parameters",
                argument="params",
                expected="an iterable of tensors, or of dicts with 'params'",
                got=type(params).__name__,
                hint="[tensor] for a single one, model.parameters() for a module's",
            )
        self.defaults = dict(defaults)
        self.param_groups: list[ParamGroup] = []
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        given: list[Any] = list(params)
        if not given:
            raise ArgumentError(
                "there is nothing to optimize",
                argument="params",
                expected="at least one parameter",
                got="none",
                hint="model.parameters() can be walked through only once: list(model.parameters())?",
            )
        groups = given if isinstance(given[0], Mapping) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Optimize further parameters, with options of their own: `{"params": [...], "lr": 0.01}`.

        >>> import tinygrad_cnn as tc
        >>> w, b = tc.ones(2, requires_grad=True), tc.zeros(1, requires_grad=True)
        >>> optimizer = tc.optim.SGD([w], lr=0.1)
        >>> optimizer.add_param_group({"params": [b], "lr": 0.01})
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]
        """
        if not isinstance(group, Mapping) or "params" not in group:
            raise ArgumentTypeError(
                "a group of parameters is a dict", argument="params", expected="{'params': [...]}", got=group
            )
        unknown = [name for name in group if name not in self.defaults and name != "params"]
        if unknown:
            raise ArgumentError(
                f"{type(self).__name__} has no option {unknown[0]!r}",
                argument="params",
                expected=f"among {', '.join(self.defaults)}",
                got=", ".join(unknown),
            )
        params = [group["params"]] if isinstance(group["params"], Tensor) else list(group["params"])
        known = {parameter for other in self.param_groups for parameter in other["params"]}
        for number, parameter in enumerate(params):
            _check(parameter, number)
            if parameter in known:
                raise ArgumentError(
                    "a parameter given twice would be moved twice in one step",
                    argument=f"params[{number}]",
                    expected="each parameter once",
                    got=repr(parameter.name or parameter.shape),
                )
            known.add(parameter)
        if not params:
            raise ArgumentError("the group is empty", argument="params", expected="at least one parameter")
        self.param_groups.append(ParamGroup({**self.defaults, **group, "params": params}))

    # --- training

    def step(self) -> None:
        """Move every parameter that has a gradient; the others stay as they are."""
        backend = self.param_groups[0].rate.backend
        with no_grad(), backend.step():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is None:
                        continue
                    if parameter not in self.state:
                        self.state[parameter] = self.new_state(parameter, group)
                    self.update(parameter, parameter.grad, self.state[parameter], group)

    def zero_grad(self) -> None:
        """Forget all gradients: `.grad` becomes None, and the next backward starts afresh."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    @abstractmethod
    def new_state(self, parameter: Tensor, group: ParamGroup) -> dict[str, Tensor]:
        """What is remembered about a parameter, before its first step."""

    @abstractmethod
    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: ParamGroup
    ) -> None:
        """Move one parameter, and its state, by `assign`."""

    # --- saving and loading

    def state_dict(self) -> dict[str, Any]:
        """Options and state as plain dictionaries; parameters are numbered through all groups.

        Returns:
            {"state": {number: {name: tensor}}, "param_groups": [{"lr": ..., "params": [numbers]}]}, where the
            tensors share the optimizer's memory.
        """
        numbers = {parameter: number for number, parameter in enumerate(self._parameters())}
        state = {
            numbers[parameter]: {name: value.detach() for name, value in entries.items()}
            for parameter, entries in self.state.items()
            if entries
        }
        groups = [{**group, "params": [numbers[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned; everything is checked before anything is changed.

        Raises:
            StateDictError: it comes from another optimizer, or from one with other parameters.

        >>> import tinygrad_cnn as tc
        >>> w = tc.ones(2, requires_grad=True)
        >>> optimizer, other = tc.optim.SGD([w], lr=0.1), tc.optim.SGD([w], lr=0.5)
        >>> other.load_state_dict(optimizer.state_dict())
        >>> other.param_groups[0]["lr"]
        0.1
        """
        if not isinstance(state_dict, Mapping) or set(state_dict) != {"state", "param_groups"}:
            raise StateDictError(
                "this is not the state of an optimizer; nothing was loaded",
                argument="state_dict",
                expected="a dict with 'state' and 'param_groups'",
                got=f"{state_dict!r}"[:80],
            )
        groups, saved = state_dict["param_groups"], state_dict["state"]
        self._check_groups(groups)
        parameters = self._parameters()
        loaded = {}
        for group, own in zip(groups, self.param_groups, strict=True):
            options = ParamGroup({**group, "params": own["params"]})
            for number in group["params"]:
                if number in saved:
                    parameter = parameters[number]
                    loaded[parameter] = self._checked_state(parameter, number, saved[number], options)
        for group, own in zip(groups, self.param_groups, strict=True):
            for name in self.defaults:
                own[name] = group[name]
        for parameter, entries in loaded.items():
            current = self.state.setdefault(parameter, entries)
            for name, value in entries.items():
                current[name].assign(value)
        for parameter in [parameter for parameter in self.state if parameter not in loaded]:
            del self.state[parameter]

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def _check_groups(self, groups: Iterable[Mapping[str, Any]]) -> None:
        expected = [(sorted(self.defaults), len(group["params"])) for group in self.param_groups]
        got = [(sorted(name for name in group if name != "params"), len(group["params"])) for group in groups]
        if got != expected:
            raise StateDictError(
                f"this state is not one of this {type(self).__name__}; nothing was loaded",
                argument="state_dict",
                expected=_described(expected),
                got=_described(got),
            )

    def _checked_state(
        self, parameter: Tensor, number: int, saved: Mapping[str, Any], options: ParamGroup
    ) -> dict[str, Tensor]:
        """A copy of one parameter's saved state, if it looks like its own."""
        expected = self.new_state(parameter, options)
        values = {name: tensor(value, backend=parameter.backend) for name, value in saved.items()}
        looks = [
            {name: f"{value.dtype} {value.shape}" for name, value in entries.items()}
            for entries in (expected, values)
        ]
        if looks[0] != looks[1]:
            raise StateDictError(
                "the saved state of a parameter does not fit it; nothing was loaded",
                argument=f"state_dict['state'][{number}]",
                expected=looks[0],
                got=looks[1],
            )
        return values


def _check(parameter: Any, number: int) -> None:
    if not isinstance(parameter, Tensor):
        raise ArgumentTypeError(
            "only tensors can be optimized",
            argument=f"params[{number}]",
            expected="Tensor",
            got=type(parameter).__name__,
        )
    if not parameter.is_leaf:
        raise ArgumentTypeError(
            "only a leaf can be optimized: this one is computed anew from others in every step",
            argument=f"params[{number}]",
            expected="a tensor that no operation made",
            got=f"the result of {parameter.node.name}",
        )


def _described(groups: list[tuple[list[str], int]]) -> str:
    return "; ".join(f"{count} parameters with {', '.join(options)}" for options, count in groups)


def not_negative(name: str, value: Any) -> float:
    """An option that makes no sense below 0, checked."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < math.inf:
        raise ArgumentError(
            f"{name} must be a number, neither negative nor infinite",
            argument=name,
            expected="a finite number >= 0",
            got=repr(value),
        )
    return float(value)
