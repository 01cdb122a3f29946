"""Tensors in tuples, lists and dicts: what goes into a captured step, and what comes out of it.

flattened        the tensors among the arguments, and what must be equal for a recording to be of use
template         a result with places where its tensors were
filled           a template with other tensors in these places
without_graph    a result as values, without roads to gradients
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_cnn._context import Context
from tinygrad_cnn._program import Kind
from tinygrad_cnn._tape import Tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import CaptureError


class _Place:
    """Where a tensor of the result goes."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __repr__(self) -> str:
        return f"<tensor {self.index}>"


def flattened(arguments: Any, context: Context) -> tuple[list[Tensor], object]:
    """The tensors among the arguments, and what has to be equal for a recording to be of use."""
    tensors: list[Tensor] = []

    def look(value: Any) -> object:
        if isinstance(value, Tensor):
            tensors.append(value)
            return value.shape, value.dtype, value.backend, value._requires_grad
        if isinstance(value, (tuple, list)):
            return type(value), tuple(map(look, value))
        if isinstance(value, dict):
            return tuple((name, look(one)) for name, one in value.items())
        try:
            hash(value)
        except TypeError:
            raise CaptureError(
                "a captured step takes tensors and constants",
                argument="arguments",
                expected="tensors; numbers, strings, ... that seldom change",
                got=type(value).__name__,
                hint="tc.tensor(array) makes a tensor of an array",
            ) from None
        return type(value), value

    signature = look(arguments)
    return tensors, (signature, context.grad, context.backend, context.autocast)


def template(result: Any, tape: Tape) -> tuple[Any, tuple[int, ...]]:
    """The result with places instead of tensors, and the numbers of what belongs there."""
    numbers: list[int] = []

    def look(value: Any) -> Any:
        if isinstance(value, Tensor):
            number = tape.number_of(value)
            if number is None or tape.program.values[number].kind is Kind.STATE:
                return value  # a parameter is returned as itself
            numbers.append(number)
            return _Place(len(numbers) - 1)
        return _mapped(look, value)

    return look(result), tuple(numbers)


def filled(shape: Any, values: Sequence[Tensor]) -> Any:
    """The template with these tensors in its places."""
    if isinstance(shape, _Place):
        return values[shape.index]
    return _mapped(lambda part: filled(part, values), shape)


def without_graph(result: Any) -> Any:
    """What a replay would return: values, not roads to gradients."""
    if isinstance(result, Tensor):
        return result if result.is_leaf else result.detach()
    return _mapped(without_graph, result)


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """A tuple, list or dict with the function applied to its parts; anything else as it is."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(function, value))
    if isinstance(value, (tuple, list)):
        return type(value)(map(function, value))
    if isinstance(value, dict):
        return {name: function(one) for name, one in value.items()}
    return value
