"""What was recorded, as data: nodes, edges and scopes that every drawing and every player reads.

The engine remembers a computation as `Node`s that point to their parents, because that is what a backward
walk needs. People need something else: names, shapes, who feeds whom, and values that stay. `Graph` is
that: plain data with no way back into the engine's memory, except for the backward walk.

    graph = tc.Graph.of(loss)      what `loss` was computed from
    graph.nodes, graph.edges       leaves and operations; who feeds whom, under which argument's name
    graph.backward()               the same walk that `loss.backward()` makes, kept as a list of events

An engine Node keeps only what its gradient rules need. Inside `tc.record()` everything is kept, so that
pictures can show every value, also after `backward()`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_cnn import _context
from tinygrad_cnn._graph_data import (
    GraphEdge,
    GraphEvent,
    GraphNode,
    Scope,
    ancestors,
    describe,
    scope_tree,
)
from tinygrad_cnn._node import Node
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.autodiff import Contribution, Visit, seeds, walk
from tinygrad_cnn.errors import ArgumentTypeError, GradientError, UnknownName

__all__ = ["Graph", "GraphEdge", "GraphEvent", "GraphNode", "Recording", "Scope", "record"]


class Graph:
    """A recorded computation: what was computed, from what, where, and by which line.

    Attributes:
        nodes: leaves and operations, parents before consumers.
        edges: in the order of their targets.
        events: what the last `backward()` did, empty before.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> b = a + a
    >>> graph = tc.Graph.of(b + b)
    >>> [(node.name, node.kind) for node in graph.nodes]
    [('a', 'parameter'), ('add', 'op'), ('add_1', 'output')]
    >>> [(edge.source, edge.target, edge.argument) for edge in graph.edges]
    [(0, 1, 'x'), (0, 1, 'y'), (1, 2, 'x'), (1, 2, 'y')]
    """

    def __init__(self, nodes: Sequence[Node], outputs: Sequence[Tensor]) -> None:
        """Make the data from engine Nodes, parents first; see `Graph.of` and `tc.record`."""
        self._outputs = tuple(outputs)
        self._ids = {node: number for number, node in enumerate(nodes)}
        self.nodes = describe(nodes, {output.node: output.name or "" for output in outputs})
        self.edges = [
            GraphEdge(
                self._ids[parent], index, target, position, node.argument(position), parent.outputs[index]
            )
            for target, node in enumerate(nodes)
            for position, (parent, index) in enumerate(node.inputs)
        ]
        self.events: list[GraphEvent] = []

    @classmethod
    def of(cls, outputs: Tensor | Sequence[Tensor]) -> Graph:
        """The graph of everything that `outputs` (one tensor or several) were computed from.

        Raises:
            GradientError: a tensor without a history: a leaf, or computed where nothing was recorded.
            ReleasedGraphError: a backward walk has already released it.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor([1.0, 2.0], requires_grad=True)
        >>> tc.Graph.of((x * x).sum())
        <Graph of 3 nodes, 3 edges>
        """
        tensors = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
        if not tensors or not all(isinstance(value, Tensor) for value in tensors):
            raise ArgumentTypeError(
                "a graph is made of tensors and what they were computed from",
                argument="outputs",
                expected="a Tensor or a non-empty sequence of them",
                got=repr(outputs)[:80],
            )
        for value in tensors:
            if value.node.is_leaf:
                raise GradientError(
                    "this tensor has no history: no recorded operation made it",
                    argument="outputs",
                    expected="the result of operations on a tensor with requires_grad=True",
                    got=repr(value.name or f"a tensor of shape {value.shape}"),
                    hint="compute inside `with tc.record():`, which records everything",
                )
        return cls(ancestors([value.node for value in tensors]), tensors)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Ids of the nodes that the graph was made for."""
        return tuple(node.id for node in self.nodes if node.kind == "output")

    @property
    def scopes(self) -> Scope:
        """The tree of name scopes; its root is the whole graph.

        >>> import tinygrad_cnn as tc
        >>> a = tc.tensor(1.0, requires_grad=True)
        >>> with tc.name_scope("block"):
        ...     b = a + a
        >>> tc.Graph.of(b).scopes.children[0].name
        'block'
        """
        return scope_tree(self.nodes)

    def node(self, name: str) -> GraphNode:
        """The node of that name.

        Raises:
            UnknownName: there is none; names the nearest.

        >>> import tinygrad_cnn as tc
        >>> a = tc.tensor(1.0, requires_grad=True, name="a")
        >>> tc.Graph.of(a + a).node("add").kind
        'output'
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise UnknownName.among(name, [node.name for node in self.nodes], kind="node", argument="name")

    def backward(self, gradient: Tensor | None = None) -> list[GraphEvent]:
        """Walk backward from the outputs and keep every event; no `.grad` is touched, nothing released.

        Args:
            gradient: where to start, in the shape of the outputs; scalars start from 1.

        Returns:
            The events in order, also kept as `graph.events`.

        Raises:
            GradientError: an output that requires no gradient, or is no scalar and got none to start from.
            ReleasedGraphError: another backward walk has released the graph since.

        >>> import tinygrad_cnn as tc
        >>> a = tc.tensor(3.0, requires_grad=True, name="a")
        >>> graph = tc.Graph.of(a * a)
        >>> for event in graph.backward():
        ...     print(event.kind, graph.nodes[event.node].name, event.value.item())
        visit mul 1.0
        contribution a 3.0
        contribution a 3.0
        sum a 6.0
        visit a 6.0
        >>> graph.events[1].formula
        '∂L/∂x = g · y'
        """
        places = {(edge.target, edge.position): place for place, edge in enumerate(self.edges)}
        self.events = []
        for event in walk(self._outputs, seeds(self._outputs, gradient), retain_graph=True):
            if isinstance(event, Contribution):
                consumer, position = event.edge
                assert consumer.op is not None
                place = places[self._ids[consumer], position]
                rule = consumer.op.rules[event.edge.argument]
                receiver = self.edges[place].source
                self.events.append(GraphEvent("contribution", receiver, event.value, place, rule.formula))
            elif isinstance(event, Visit):
                self.events.append(GraphEvent("visit", self._ids[event.node], event.cotangent))
            else:
                self.events.append(GraphEvent("sum", self._ids[event.node], event.value))
        return self.events

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes, {len(self.edges)} edges>"

    if TYPE_CHECKING:  # attached when tinygrad_cnn.viz is imported, as operations are to Tensor

        def to_dot(self, *, theme: str = "light") -> str: ...
        def render(self, path: str | Path, *, theme: str = "light") -> Path: ...
        def _repr_svg_(self) -> str: ...


# --- recording ------------------------------------------------------------------------------------


class Recording(list[Node]):
    """Every operation of a `with tc.record():` block, in order, with all its values.

    >>> import tinygrad_cnn as tc
    >>> with tc.record() as recording:
    ...     y = tc.tensor([1.0, 2.0]) + 1
    >>> [node.name for node in recording], recording.graph()
    (['add'], <Graph of 3 nodes, 2 edges>)
    """

    def __init__(self, outer: list[Node] | None = None) -> None:
        super().__init__()
        self._outer = outer
        self._leaves: dict[Node, Tensor] = {}

    def append(self, node: Node) -> None:
        """Take in a Node that was just made, while the tensors it was computed from are alive."""
        for parent, _ in node.inputs:
            if parent.is_leaf and parent.tensor is not None and parent not in self._leaves:
                self._leaves[parent] = parent.tensor
                parent.values = (_snapshot(parent.tensor),)
        if node.op is not None and node.op.view and node.values is not None:
            node.values = tuple(_snapshot(value) for value in node.values)
        super().append(node)
        if self._outer is not None:
            self._outer.append(node)

    def graph(self) -> Graph:
        """The graph of everything recorded; what nothing else consumes is an output.

        Raises:
            GradientError: nothing was recorded.
        """
        nodes = ancestors(self)
        consumed = {parent for node in nodes for parent, _ in node.inputs}
        outputs = [_result(node) for node in self if node not in consumed and node.values]
        if not outputs:
            raise GradientError(
                "nothing was recorded", expected="operations on tensors inside `with tc.record():`"
            )
        return Graph(nodes, outputs)


def _result(node: Node) -> Tensor:
    """The Tensor that an operation returned, from its recorded value."""
    assert node.values is not None
    tensor = node.values[0].detach()
    tensor._node, tensor._requires_grad = node, node.requires_grad
    return tensor


def _snapshot(value: Tensor) -> Tensor:
    """A copy that a later `assign` to the same memory does not change."""
    copy = value.backend.asarray(value.array, value.dtype)
    return Tensor(copy, value.shape, value.dtype, value.backend)


@contextmanager
def record() -> Iterator[Recording]:
    """Keep everything computed in this block: every value, every edge, also without gradients.

    A backward pass inside the block releases nothing, so pictures and players can be made afterwards.

    >>> import tinygrad_cnn as tc
    >>> with tc.record() as recording:
    ...     y = tc.tensor(2.0, name="x") * 3
    >>> graph = recording.graph()
    >>> [node.values[0].item() for node in graph.nodes]
    [2.0, 3.0, 6.0]
    """
    recording = Recording(_context.current().recording)
    with _context.changed(recording=recording):
        yield recording
