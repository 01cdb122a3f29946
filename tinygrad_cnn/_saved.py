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
    op = node.op
    assert op is not None
    saved: dict[str, Saved] = {}
    for name in names:
        position = op.positions.get(name)
        if position is not None:
            value = inputs[position]
            saved[name] = (value, value.storage, value.storage.version)
        elif name in op.input_names:
            for key, value in op.named_inputs(name, inputs):
                saved[key] = (value, value.storage, value.storage.version)
        else:  # of an output the array, not the Tensor: a Node that owned its own Tensor would be a cycle
            value = outputs[op.outputs.index(name)]
            saved[name] = ((value.array, value.backend), value.storage, value.storage.version)
    return saved


def recall(node: Node, name: str) -> Any:
    """A value saved for the rules (of a variadic input, all of them as a tuple)."""
    saved = node.saved.get(name)
    if saved is not None:
        value, storage, version = saved
        if storage.version == version and isinstance(value, Tensor):  # an input as it was: the commonest case
            return value
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


def kept(node: Node) -> Iterator[tuple[str, Node, int, Tensor | None]]:
    """Everything saved: under which name, of which Node which result, and its value (None if overwritten)."""
    op = node.op
    if op is None:
        return
    for name in op.input_names:
        for key, (parent, index) in op.named_inputs(name, node.inputs):
            if key in node.saved:
                yield key, parent, index, _unchanged(node, key)
    for index, name in enumerate(op.outputs):
        if name in node.saved:
            yield name, node, index, _unchanged(node, name)


def _unchanged(node: Node, key: str) -> Tensor | None:
    _, storage, version = node.saved[key]
    return _recalled(node, key).detach() if storage.version == version else None
