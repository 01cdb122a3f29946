"""Hooks of modules: functions that look on when a module computes, or when gradients pass it.

    before      hook(module, inputs)                        before the forward; may replace the inputs
    after       hook(module, inputs, output)                after the forward; may replace the output
    backward    hook(module, grad_input, grad_output)       when both are known; may replace grad_input

Gradients of inputs and outputs are seen by aliases: tensors with the same memory and a place of their own in
the graph, put between a module and the rest.

    x ── alias ── alias ── module ── alias ── alias ── y
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from tinygrad_cnn._node import Hook, HookHandle
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentTypeError, GradientError
from tinygrad_cnn.ops.movement import alias

if TYPE_CHECKING:
    from tinygrad_cnn.nn.module import Module

Gradients: TypeAlias = "tuple[Tensor | None, ...]"
ForwardPreHook: TypeAlias = "Callable[[Module, tuple[Any, ...]], Any]"
ForwardHook: TypeAlias = "Callable[[Module, tuple[Any, ...], Any], Any]"
BackwardHook: TypeAlias = "Callable[[Module, Gradients, Gradients], Gradients | Tensor | None]"


class Hooks:
    """The hooks of one module, in the order they were registered."""

    def __init__(self) -> None:
        self.before: dict[object, ForwardPreHook] = {}
        self.after: dict[object, ForwardHook] = {}
        self.backward: dict[object, BackwardHook] = {}

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.backward)


def register(hooks: dict[object, Any], hook: Callable[..., Any]) -> HookHandle:
    """Add a hook; returns what removes it again."""
    if not callable(hook):
        raise ArgumentTypeError("a hook is a function", argument="hook", got=repr(hook)[:80])
    return HookHandle(hooks, hook)


class BackwardWatch:
    """One call of a module with backward hooks."""

    def __init__(self, module: Module, hooks: Sequence[BackwardHook]) -> None:
        self.module = module
        self.hooks = hooks
        self.input_count = 0
        self.inputs_need_gradients = False
        self.grad_output: Gradients = ()

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, each tensor among them watched."""
        self.input_count = len(args)
        self.inputs_need_gradients = any(_needs_gradient(value) for value in args)
        return tuple(_watched(args, self._call_hooks))

    def outputs(self, output: Any) -> Any:
        """The output, watched."""
        if isinstance(output, Tensor):
            return _watched([output], self._outputs_complete)[0]
        if type(output) in (tuple, list):
            return type(output)(_watched(output, self._outputs_complete))
        raise ArgumentTypeError(
            "a backward hook sees the gradients of tensors",
            argument="output",
            expected=f"{type(self.module).__name__}.forward to return a tensor or a tuple of them",
            got=type(output).__name__,
        )

    def _outputs_complete(self, gradients: Gradients) -> Gradients:
        self.grad_output = gradients
        if not self.inputs_need_gradients:
            self._call_hooks((None,) * self.input_count)
        return gradients

    def _call_hooks(self, grad_input: Gradients) -> Gradients:
        for hook in self.hooks:
            replaced = hook(self.module, grad_input, self.grad_output)
            if replaced is not None:
                grad_input = (replaced,) if isinstance(replaced, Tensor) else tuple(replaced)
                if len(grad_input) != self.input_count:
                    raise GradientError(
                        "a backward hook replaces the gradients of all inputs or of none",
                        argument="hook",
                        expected=f"{self.input_count} gradients",
                        got=len(grad_input),
                    )
        self.grad_output = ()  # the graph holds this object, which must not hold the graph
        return grad_input


def _needs_gradient(value: object) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _watched(values: Sequence[Any], complete: Callable[[Gradients], Gradients]) -> list[Any]:
    """The values, where `complete` sees the gradients of all of them together, and may replace them.

    Each passes two aliases. The walk goes from later Nodes to earlier ones, so it has been at all of the
    second row before it comes to the first of the first row: there everything that will arrive has arrived.
    """
    places = [place for place, value in enumerate(values) if _needs_gradient(value)]
    arrived: dict[int, Tensor] = {}
    leaving: dict[int, Tensor | None] = {}

    def arrive(place: int) -> Hook:
        def hook(gradient: Tensor) -> None:
            arrived[place] = gradient

        return hook

    def leave(place: int) -> Hook:
        def hook(gradient: Tensor) -> Tensor | None:
            if arrived:  # the first one to leave
                gradients = tuple(arrived.get(position) for position in range(len(values)))
                arrived.clear()
                leaving.update(enumerate(complete(gradients)))
            return leaving.pop(place)

        return hook

    watched = list(values)
    for row in (leave, arrive):
        for place in places:
            watched[place] = alias(watched[place])
            watched[place].register_hook(row(place))
    return watched
