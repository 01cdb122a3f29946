"""What a Node keeps for its gradient rules, and how the rules get it back.

A value is kept together with the version of its memory. If `assign` has changed that memory by the time a
rule wants the value, the gradient would silently be wrong; so asking for it is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinygrad_cnn._node import Node, Storage
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import StaleValueError

Saved = tuple[Any, Storage, int]


def hold(
    node: Node, names: Sequence[str], inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> dict[str, Saved]:
    """The inputs and outputs of those names, each with the version that its memory has now."""
    return {key: saved for name in names for key, saved in _held(node, name, inputs, outputs)}


def _held(
    node: Node, name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> Iterator[tuple[str, Saved]]:
    op = node.op
    assert op is not None
    if name in op.input_names:
        for key, value in op.named_inputs(name, inputs):
            yield key, (value, value.storage, value.storage.version)
    else:  # of an output the array, not the Tensor: a Node that owned its own Tensor would be a cycle
        value = outputs[op.outputs.index(name)]
        yield name, ((value.array, value.backend), value.storage, value.storage.version)


def recall(node: Node, name: str) -> Any:
    """A value saved for the rules (of a variadic input, all of them as a tuple)."""
    if name in node.saved:
        return _recalled(node, name)
    assert node.op is not None
    return tuple(_recalled(node, key) for key, _ in node.op.named_inputs(name, node.inputs))


def _recalled(node: Node, name: str) -> Tensor:
    """One saved value; refuses one that was changed since."""
    assert node.op is not None
    value, storage, version = node.saved[name]
    if storage.version != version:
        raise StaleValueError(
            f"`{name}` was saved for the backward pass and has been changed by assign since",
            argument=name,
            expected=f"version {version} of its storage",
            got=f"version {storage.version}",
            hint="call backward() before the assign, or compute the result again after it",
        ).at(node.op.name, node.source)
    if isinstance(value, Tensor):
        return value
    index = node.op.outputs.index(name)
    shape, dtype = node.outputs[index]
    array, backend = value
    tensor = Tensor(array, shape, dtype, backend, storage)
    tensor._node, tensor._index, tensor._requires_grad = node, index, index == 0
    return tensor
