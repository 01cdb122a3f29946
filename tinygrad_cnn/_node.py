"""Node: the memory of one operation.

A graph is made of Nodes that point to their parents, and only to their parents: reference counting frees it
the moment its last Tensor goes away. A Node keeps what its gradient rules asked for and nothing else.

    a ──┐
        ├── mul ── b          b.node.op is mul;  b.node.inputs == ((a.node, 0), (a.node, 0))
    a ──┘
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Mapping
from types import CodeType, MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_cnn._source import SourceLine
from tinygrad_cnn.dtypes import Spec

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op
    from tinygrad_cnn._tensor import Tensor

Hook = Callable[["Tensor"], "Tensor | None"]

# Later things have higher numbers: a Node's parents always have lower ones, so sorting by serial number
# is a topological sort.
_next_serial = itertools.count().__next__


class Storage:
    """The memory that a value lives in: shared by its views, counted up by every `assign`."""

    __slots__ = ("serial", "version")

    def __init__(self) -> None:
        self.serial = _next_serial()
        self.version = 0


class HookHandle:
    """What registering a hook returns, to take the hook away again; `with` does it at the end of a block.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor(2.0, requires_grad=True)
    >>> handle = x.register_hook(lambda gradient: gradient * 10)
    >>> handle.remove()
    >>> (x * 3).backward()
    >>> x.grad
    tensor(3.)
    """

    def __init__(self, hooks: dict[object, Any], hook: Callable[..., Any]) -> None:
        self._hooks = hooks
        hooks[self] = hook  # under the handle, so that a function may be registered twice

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        self._hooks.pop(self, None)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()


class Edge(NamedTuple):
    """One input of one operation: the road a contribution to a gradient travels."""

    consumer: Node
    position: int

    @property
    def parent(self) -> Node:
        return self.consumer.inputs[self.position][0]

    @property
    def argument(self) -> str:
        """The name of that input in the operation's declaration."""
        return self.consumer.argument(self.position)


class Node:
    """One recorded operation, or a leaf (a tensor that no operation made).

    Attributes:
        op: the operation, None for a leaf.
        params: its parameters: stride, dim, ...
        inputs: for every input, the Node it came from and which of that Node's outputs it was.
        outputs: shape and dtype of every output.
        scope: the name scope it was recorded in, such as "LeNet5/conv1".
        origin: for an operation of a backward pass, the forward edge whose gradient it computes.
        serial: a number larger than that of every Node before it.
        values: the outputs themselves, of an operation that was recorded.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(2.0, requires_grad=True, name="a")
    >>> node = (a * 3).node
    >>> node.name, [parent.name for parent, _ in node.inputs]
    ('mul', ['a', '3'])
    """

    # Defaults on the class: a leaf sets three of these, an operation seven, and graphs are made of many.
    params: Mapping[str, Any] = MappingProxyType({})
    inputs: tuple[tuple[Node, int], ...] = ()
    outputs: tuple[Spec, ...]
    requires_grad = False
    scope = ""
    origin: Edge | None = None
    saved: Mapping[str, tuple[Any, Storage, int]] = MappingProxyType({})
    values: tuple[Tensor, ...] | None = None
    hooks: dict[object, Hook] | None = None
    label: str | None = None  # the name of its Tensor, which may be gone by now
    is_state = False  # of a leaf: a module keeps it (a parameter, a buffer); it is no data
    released = False
    retains = False
    _tensor: weakref.ref[Tensor] | None = None
    _code: CodeType | None = None
    _offset = 0

    def __init__(self, outputs: tuple[Spec, ...], requires_grad: bool) -> None:
        self.op: Op | None = None
        self.outputs = outputs
        self.requires_grad = requires_grad
        self.serial = _next_serial()

    @property
    def is_leaf(self) -> bool:
        return self.op is None

    @property
    def tensor(self) -> Tensor | None:
        """The Tensor of a leaf (or one that retains its gradient), while it is alive."""
        return None if self._tensor is None else self._tensor()

    @property
    def source(self) -> SourceLine | None:
        """The line of the user's code that computed it."""
        return None if self._code is None else SourceLine(self._code, self._offset)

    @property
    def name(self) -> str:
        """The operation's name, or the leaf's own (empty when it has none)."""
        if self.op is not None:
            return self.op.name
        tensor = self.tensor
        return (tensor.name if tensor is not None else self.label) or ""

    def argument(self, position: int) -> str:
        """The name of the input at that position in the operation's declaration."""
        assert self.op is not None
        return self.op.input_name(position)

    def spec(self, name: str) -> Spec:
        """Shape and dtype of an input or output by its declared name; always known, also unsaved."""
        assert self.op is not None
        if name in self.op.input_names:
            parent, index = self.inputs[self.op.input_names.index(name)]
            return parent.outputs[index]
        return self.outputs[self.op.outputs.index(name)]

    def release(self) -> None:
        """Drop saved values and edges after the backward walk; a Tensor's own value stays."""
        self.saved = {}
        self.inputs = ()
        self.released = True

    def __repr__(self) -> str:
        kind = f"leaf {self.name}".strip() if self.op is None else self.op.name
        return f"<Node {kind} {self.outputs[0].shape}{' in ' + self.scope if self.scope else ''}>"
