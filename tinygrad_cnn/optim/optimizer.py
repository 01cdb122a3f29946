"""What every optimizer shares: groups of parameters, their options and their state.

    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    loss.backward()            # fills .grad of every parameter
    optimizer.step()           # moves every parameter a little against its gradient
    optimizer.zero_grad()      # forgets the gradients

Parameters, their state (momentum, counters) and the learning rate are tensors that only `assign` changes, so
a whole training step can be recorded and replayed.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._signature import Explaining
from tinygrad_cnn._tape import tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, StateDictError
from tinygrad_cnn.nn.parameter import forget_gradient
from tinygrad_cnn.optim.options import ParamGroup

__all__ = ["Optimizer"]

Parameters: TypeAlias = "Iterable[Tensor] | Iterable[Mapping[str, Any]]"
State: TypeAlias = dict[str, Tensor]  # what is remembered about one parameter, by PyTorch's names

# What a group may hold besides the optimizer's options: where schedules start from.
_NOTES = frozenset({"params", "initial_lr"})
# Options of PyTorch's that say how to compute, not what.
_PYTORCH_ONLY = frozenset({"foreach", "fused", "capturable", "differentiable"})
# State that belongs to no single element; PyTorch keeps it in float32.
_SCALARS = frozenset({"step", "mu_product"})


class Optimizer(metaclass=Explaining):
    """Subclasses say what state a parameter has (`new_state`) and how it moves (`update`).

    Args:
        params: tensors, such as `model.parameters()`; or dicts with "params" and options of their own.
        defaults: options of groups that do not give their own; "lr" must be among them.

    Attributes:
        param_groups: a list of `ParamGroup`; `optimizer.param_groups[0]["lr"] = 0.01` sets a learning rate.
        state: by parameter, its state: a dict of tensors, there after its first step.

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
                hint="model.parameters() for a module's, [tensor] for a single one",
            )
        self.defaults = dict(defaults)
        self.param_groups: list[ParamGroup] = []
        self.state: dict[Tensor, State] = {}
        given: list[Any] = list(params)
        if not given:
            raise ArgumentError(
                "there is nothing to optimize",
                argument="params",
                expected="at least one parameter",
                got="none",
                hint="layers in a plain list? Use nn.ModuleList. parameters() walked through before? It can "
                "be done once: list(model.parameters())",
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
        unknown = [name for name in group if name not in self.defaults and name not in _NOTES]
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

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient; the others stay as they are.

        Args:
            closure: computes the loss and the gradients first, if they are not there yet.

        Returns:
            What the closure returns.
        """
        loss = None if closure is None else closure()
        backend = self.param_groups[0].rate.backend
        listening = tape()
        if listening is not None:
            for group in self.param_groups:
                listening.depends_on(group.constants)
        with no_grad(), backend.step():
            for group in self.param_groups:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._step(parameter, parameter.grad, group)
        return loss

    def _step(self, parameter: Tensor, gradient: Tensor, group: ParamGroup) -> None:
        state = self.state.get(parameter) or self.new_state(parameter, group)
        self.update(parameter, gradient, state, group)
        if state:  # there may be nothing to remember, as in plain gradient descent
            self.state[parameter] = state

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients: `.grad` becomes None (or zeros), and the next backward starts afresh."""
        for parameter in self._parameters():
            forget_gradient(parameter, set_to_none)

    def __repr__(self) -> str:
        groups = [
            ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            for group in self.param_groups
        ]
        name = type(self).__name__
        return f"{name}({groups[0]})" if len(groups) == 1 else "\n  ".join([f"{name} of", *groups])

    @abstractmethod
    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        """What is remembered about a parameter, before its first step."""

    @abstractmethod
    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        """Move one parameter, and its state, by `assign`; in its first step it is not in `self.state` yet."""

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
        """Continue from what `state_dict` returned, here or in PyTorch (its tensors as arrays).

        Everything is checked before anything is changed.

        Raises:
            StateDictError: it comes from another optimizer, or from one with other parameters.
            ArgumentError: an option in it makes no sense.

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
        saved, groups = state_dict["state"], self._checked_groups(state_dict["param_groups"])
        pairs = [(parameter, group) for group in groups for parameter in group["params"]]
        loaded = {
            parameter: self._checked_state(parameter, number, saved[number], group)
            for number, (parameter, group) in enumerate(pairs)
            if saved.get(number)
        }
        for own, group in zip(self.param_groups, groups, strict=True):
            own.update(group)
        for parameter, state in loaded.items():
            for name, value in self.state.setdefault(parameter, state).items():
                value.assign(state[name])
        for parameter in [parameter for parameter in self.state if parameter not in loaded]:
            del self.state[parameter]

    def _parameters(self) -> list[Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    def _checked_groups(self, saved: Iterable[Mapping[str, Any]]) -> list[ParamGroup]:
        """The saved options with our own parameters, if there are as many groups, options and parameters."""
        saved = [
            {name: value for name, value in group.items() if name not in _PYTORCH_ONLY} for group in saved
        ]
        expected, got = [
            [(sorted(set(group) - _NOTES), len(group["params"])) for group in groups]
            for groups in (self.param_groups, saved)
        ]
        if got != expected:
            raise StateDictError(
                f"this state is not one of this {type(self).__name__}; nothing was loaded",
                argument="state_dict",
                expected=_described(expected),
                got=_described(got),
            )
        return [
            ParamGroup({**group, "params": own["params"]})
            for group, own in zip(saved, self.param_groups, strict=True)
        ]

    def _checked_state(
        self, parameter: Tensor, number: int, saved: Mapping[str, Any], group: ParamGroup
    ) -> State:
        """A copy of one parameter's saved state, if it looks like its own."""
        expected = self.new_state(parameter, group)
        values = {
            name: tensor(
                value,
                dtype=expected[name].dtype if name in _SCALARS and name in expected else None,
                backend=parameter.backend,
            )
            for name, value in saved.items()
        }
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
