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
from typing import TYPE_CHECKING, Unpack

from tinygrad_cnn import _context
from tinygrad_cnn._graph_backward import watch
from tinygrad_cnn._graph_data import GraphEdge, GraphEvent, GraphNode, Saved, Scope, scope_tree
from tinygrad_cnn._graph_describe import Description, ancestors, released_error
from tinygrad_cnn._graph_element import element
from tinygrad_cnn._graph_paths import Paths, find_paths
from tinygrad_cnn._node import Node
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn._walk import contributions
from tinygrad_cnn.errors import ArgumentTypeError, GradientError, UnknownName

if TYPE_CHECKING:
    from tinygrad_cnn.viz.diff import Diff
    from tinygrad_cnn.viz.drawing import Drawing
    from tinygrad_cnn.viz.explain import Explanation
    from tinygrad_cnn.viz.views import Options

__all__ = ["Graph", "GraphEdge", "GraphEvent", "GraphNode", "Recording", "Saved", "Scope", "record"]


class Graph:
    """A recorded computation: what was computed, from what, where, and by which line.

    Attributes:
        nodes: leaves and operations, parents before consumers.
        edges: in the order of their targets.
        events: what the last `backward()` did, empty before.
        backward_nodes, backward_edges: the operations that it did it with, and who feeds whom; their ids
            go on where those of `nodes` end, and what was saved flows in from `nodes`.

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
        self._engine_nodes = tuple(nodes)
        description = Description()
        self.nodes = description.nodes(nodes, {output.node: output.name or "" for output in outputs})
        self.edges = description.edges(nodes)
        self.events: list[GraphEvent] = []
        self.backward_nodes: list[GraphNode] = []
        self.backward_edges: list[GraphEdge] = []

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

    @classmethod
    def from_data(
        cls,
        nodes: list[GraphNode],
        edges: list[GraphEdge],
        events: list[GraphEvent],
        backward_nodes: list[GraphNode],
        backward_edges: list[GraphEdge],
    ) -> Graph:
        """A graph of data that was kept in a file: for pictures and players; it cannot be walked again.

        >>> import tinygrad_cnn as tc
        >>> a = tc.tensor(1.0, requires_grad=True)
        >>> graph = tc.Graph.of(a + a)
        >>> tc.Graph.from_data(graph.nodes, graph.edges, [], [], [])
        <Graph of 2 nodes, 2 edges>
        """
        graph = cls([], ())
        graph.nodes, graph.edges, graph.events = nodes, edges, events
        graph.backward_nodes, graph.backward_edges = backward_nodes, backward_edges
        return graph

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

    def node(self, name: str | Tensor) -> GraphNode:
        """The node of that name, or of a tensor that took part.

        Raises:
            UnknownName: there is none; names the nearest.
            GradientError: the result was not computed from that tensor.

        >>> import tinygrad_cnn as tc
        >>> a = tc.tensor(1.0, requires_grad=True, name="a")
        >>> graph = tc.Graph.of(a + a)
        >>> graph.node("add").kind, graph.node(a).kind
        ('output', 'parameter')
        """
        if isinstance(name, Tensor):
            return self._node_of(name)
        for node in self.nodes:
            if node.name == name:
                return node
        raise UnknownName.among(name, [node.name for node in self.nodes], kind="node", argument="name")

    def _node_of(self, tensor: Tensor) -> GraphNode:
        for node, engine_node in zip(self.nodes, self._engine_nodes, strict=False):
            if engine_node is tensor.node:
                return node
        raise GradientError(
            "this tensor took no part in the computation",
            argument="name",
            expected="a tensor that the result was computed from",
            got=repr(tensor.name or f"a tensor of shape {tensor.shape}"),
            hint="was it detached, replaced, or never used? In a graph from a file, say its name instead",
        )

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
        if not self._outputs:  # of data alone: the walk that was kept with it is all there is
            if not self.events:
                raise GradientError(
                    "this graph comes from a file that was written before its backward()",
                    expected="a trace with events",
                    got="a trace without",
                    hint="graph.backward(), then graph.save(...)",
                )
            return self.events
        description = Description()
        description.nodes(self._alive(), {})
        with self._outputs[0].backend.step():
            self.events, self.backward_nodes, self.backward_edges = watch(
                description, self.nodes, self.edges, self._outputs, gradient, Recording()
            )
        return self.events

    def element(
        self,
        index: int | tuple[int, ...] = (),
        *,
        of: str | Tensor | None = None,
        depth: int | None = None,
        most_nodes: int = 10_000,
    ) -> Graph:
        """The graph of single numbers behind one element, with its backward walk.

        Args:
            index: which element, one number a dimension.
            of: the node whose result it is an element of, its name or its tensor; by default the output.
            depth: how many tensor operations to look into: 1 for the last alone. By default all.
            most_nodes: more numbers than that are an error, because nobody could read the picture.

        Returns:
            A graph of single numbers in float64; its leaves are called "w[0, 1]".

        Raises:
            IndexingError: no such element.
            ArgumentError: computed from more than `most_nodes` numbers.
            GradientError: a value that is needed was not kept; names `tc.record()`.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor([1.0, 2.0], name="x")
        >>> w = tc.tensor([3.0, 4.0], requires_grad=True, name="w")
        >>> zoomed = tc.Graph.of(x @ w).element()
        >>> [node.label or node.symbol for node in zoomed.nodes]
        ['x[0]', 'x[1]', 'w[0]', 'w[1]', '·', '·', 'matmul']
        >>> [event.numbers for event in zoomed.backward() if event.numbers][-2:]
        ['1 · 3 = 3', '1 · 1 = 1']
        """
        if not self._outputs:
            raise GradientError(
                "this graph comes from a file, without the operations that could be run again",
                expected="tc.Graph.of(...) of a result computed here",
            )
        target = self.outputs[0] if of is None else self.node(of).id
        place = index if isinstance(index, tuple) else (index,)
        data = element(self._alive(), self.nodes, target, place, depth, most_nodes)
        return Graph.from_data(*data, [], [])

    def paths(self, source: str | Tensor, target: str | Tensor | None = None) -> Paths:
        """All paths from a node to another, and the chain rule as a sum over them.

        Args:
            source: the name of a node, usually a leaf; or its tensor.
            target: the name or the tensor of a node computed from it; by default the output.

        Raises:
            GradientError: no path leads there, or a number on the way is no single one: zoom in first, with
                `graph.element(...)`.
            UnknownName: no such node.

        >>> import tinygrad_cnn as tc
        >>> x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
        >>> zoomed = tc.Graph.of((x * x).sum()).element()
        >>> print(zoomed.paths("x[1]"))
        ∂sum/∂x[1] over 2 paths
          ∂n3/∂x[1] · ∂sum/∂n3 = 2 · 1 = 2
          ∂n3/∂x[1] · ∂sum/∂n3 = 2 · 1 = 2
        sum = 4
        """
        start = self.node(source).id
        end = self.outputs[0] if target is None else self.node(target).id
        return find_paths(self.nodes, self.edges, self._derivatives(end), start, end)

    def _alive(self) -> tuple[Node, ...]:
        """The engine's Nodes, as long as they are whole."""
        for node in self._engine_nodes:
            if node.released:
                raise released_error(node)
        return self._engine_nodes

    def _derivatives(self, target: int) -> dict[int, float]:
        """The local derivative along every edge that leads to a node, by the place of the edge."""
        reached, found = {target}, {}
        for place in reversed(range(len(self.edges))):
            edge = self.edges[place]
            if edge.target in reached and self.nodes[edge.source].requires_grad and not edge.output:
                reached.add(edge.source)
                found[place] = self._derivative(edge)
        return found

    def _derivative(self, edge: GraphEdge) -> float:
        if edge.derivative is not None:
            return edge.derivative
        for place in (edge.source, edge.target):
            if self.nodes[place].outputs[0].shape or not self._outputs:
                raise GradientError(
                    f"{self.nodes[place].name} is no single number, so its derivative is none",
                    expected="a graph of 0-d tensors",
                    got=f"shape {self.nodes[place].outputs[0].shape}",
                    hint="zoom to single numbers first: graph.element(...).paths(...)",
                )
        node = self._alive()[edge.target]
        one = self._outputs[0].backend.full((), 1, node.outputs[0].dtype)
        cotangent = Tensor(one, (), node.outputs[0].dtype, self._outputs[0].backend)
        parents = {parent for parent, _ in node.inputs if parent.requires_grad}
        for sent, value in contributions(node, cotangent, parents, False):
            if sent.position == edge.position:
                return float(value.item())
        return 0.0

    def __repr__(self) -> str:
        return f"<Graph of {len(self.nodes)} nodes, {len(self.edges)} edges>"

    if TYPE_CHECKING:  # attached when tinygrad_cnn.viz is imported, as operations are to Tensor

        def draw(self, **options: Unpack[Options]) -> Drawing: ...
        def to_dot(self, **options: Unpack[Options]) -> str: ...
        def to_mermaid(self, **options: Unpack[Options]) -> str: ...
        def to_tikz(self, **options: Unpack[Options]) -> str: ...
        def render(self, path: str | Path, **options: Unpack[Options]) -> Path: ...
        def zoom(self, scope: str) -> Graph: ...
        def diff(self, other: Graph) -> Diff: ...
        def to_tensorboard(self, logdir: str | Path, *, backward: bool = False) -> Path: ...
        def to_html(
            self,
            path: str | Path | None = None,
            *,
            exercise: bool = False,
            title: str | None = None,
            most_elements: int = 1024,
        ) -> str: ...
        def _repr_svg_(self) -> str: ...
        def to_json(self, *, most_elements: int = 4096) -> str: ...
        def save(self, path: str | Path, *, most_elements: int = 4096) -> Path: ...
        def explain(self, name: str | Tensor) -> Explanation: ...
        @staticmethod
        def load(path: str | Path) -> Graph: ...


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

    What was recorded is never released, whether a backward pass runs inside the block or later: pictures and
    players can be made at any time. It goes when its tensors go.

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
