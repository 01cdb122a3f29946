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

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tinygrad_cnn import _context
from tinygrad_cnn._tensor import Node, Tensor
from tinygrad_cnn.autodiff import Contribution, Visit, _seeds, walk
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import ArgumentTypeError, GradientError, ReleasedGraphError, UnknownName

Kind = Literal["input", "parameter", "constant", "op", "output"]


@dataclass(frozen=True)
class GraphNode:
    """One leaf or one operation.

    Attributes:
        id: its place in `Graph.nodes`; a node's parents have lower ones.
        kind: "input" (data), "parameter" (a leaf that gets a gradient), "constant" (a number, a layer's
            buffer), "op", or "output" (an operation whose result the graph was made for).
        name: unique in the graph, scope first: "conv1/weight", "conv1/conv", "relu_1".
        op: the operation's name, empty for a leaf.
        symbol: what drawings write into an operation's node, empty for a leaf.
        scope: the name scope it is drawn in: "LeNet5/conv1", empty at the top.
        outputs: shape and dtype of every result.
        params: the operation's parameters, such as stride.
        source: the user's line that computed it, "train.py:12: y = x @ w"; empty when unknown.
        values: the results, where they were kept: of everything inside `tc.record()`, of leaves always
            when they are still alive.
    """

    id: int
    kind: Kind
    name: str
    op: str
    symbol: str
    scope: str
    outputs: tuple[Spec, ...]
    params: Mapping[str, Any]
    source: str
    values: tuple[Tensor, ...]

    @property
    def is_leaf(self) -> bool:
        return not self.op

    @property
    def label(self) -> str:
        """The name without its scope."""
        return self.name.removeprefix(f"{self.scope}/")


@dataclass(frozen=True)
class GraphEdge:
    """One result flowing into one operation.

    Attributes:
        source: id of the node it comes from; `output` says which of its results.
        target: id of the operation it goes to; `position` says which of its inputs.
        argument: the name of that input in the operation's declaration.
        spec: shape and dtype of what flows.
    """

    source: int
    output: int
    target: int
    position: int
    argument: str
    spec: Spec


@dataclass(frozen=True)
class Scope:
    """A box around nodes that belong together: a layer, a block, a network.

    Attributes:
        path: "LeNet5/conv1"; empty for the whole graph.
        nodes: ids of the nodes directly in it.
        children: the boxes inside, in the order of their first nodes.
    """

    path: str
    nodes: list[int] = field(default_factory=list)
    children: list[Scope] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class GraphEvent:
    """One thing that happens in a backward walk.

    Attributes:
        kind: "visit": the gradient of the node's result is complete; "contribution": what it sends along
            one edge; "sum": a further contribution arrived at the node and was added.
        node: id of the node it happens at; of a contribution, the node that receives it.
        value: the gradient, the contribution, or the sum so far.
        edge: of a contribution, the place of the edge in `Graph.edges`.
        formula: of a contribution, the rule as a student reads it: "∂L/∂x = g · y".
    """

    kind: Literal["visit", "contribution", "sum"]
    node: int
    value: Tensor
    edge: int | None = None
    formula: str = ""


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
        self.nodes = _describe(nodes, {output.node for output in outputs})
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
        tensors = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        if not tensors or not all(isinstance(value, Tensor) for value in tensors):
            raise ArgumentTypeError(
                "a graph is made of tensors and what they were computed from",
                argument="outputs",
                expected="a Tensor or a non-empty sequence of them",
                got=repr(outputs)[:80],
            )
        for value in tensors:
            if value.is_leaf:
                raise GradientError(
                    "this tensor has no history: no recorded operation made it",
                    argument="outputs",
                    expected="the result of operations on a tensor with requires_grad=True",
                    got=repr(value.name or f"a tensor of shape {value.shape}"),
                    hint="compute inside `with tc.record():`, which records everything",
                )
        return cls(_ancestors([value.node for value in tensors]), tensors)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Ids of the nodes that the graph was made for."""
        return tuple(node.id for node in self.nodes if node.kind == "output")

    @property
    def scopes(self) -> Scope:
        """The tree of name scopes; its root is the whole graph."""
        root = Scope("")
        known = {"": root}
        for node in self.nodes:
            _scope(node.scope, known).nodes.append(node.id)
        return root

    def node(self, name: str) -> GraphNode:
        """The node of that name.

        Raises:
            UnknownName: there is none; names the nearest.
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
        ...     print(event.kind, graph.nodes[event.node].name, event.value.item(), event.formula)
        visit mul 1.0
        contribution a 3.0 ∂L/∂x = g · y
        contribution a 3.0 ∂L/∂y = g · x
        sum a 6.0
        visit a 6.0
        """
        places = {(edge.target, edge.position): place for place, edge in enumerate(self.edges)}
        self.events = []
        for event in walk(self._outputs, _seeds(self._outputs, gradient), retain_graph=True):
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
    """Every operation of a `with tc.record():` block, in order, with all its values."""

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
        nodes = _ancestors(self)
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


# --- from engine Nodes to data --------------------------------------------------------------------


def _ancestors(roots: Iterable[Node]) -> list[Node]:
    """The roots and everything they were computed from, parents before consumers."""
    reached = set(roots)
    stack = list(reached)
    while stack:
        node = stack.pop()
        if node.released:
            raise ReleasedGraphError(
                "this graph was released by a backward walk",
                expected="a graph with its edges",
                got=f"{node!r} of a released graph",
                hint="compute and walk inside `with tc.record():`, or make the graph before backward()",
            ).at(node.name, node.source)
        for parent, _ in node.inputs:
            if parent not in reached:
                reached.add(parent)
                stack.append(parent)
    return sorted(reached, key=lambda node: node.serial)


def _describe(nodes: Sequence[Node], outputs: set[Node]) -> list[GraphNode]:
    homes = _homes(nodes)
    recorded = {parent for node in nodes if node.values is not None for parent, _ in node.inputs}
    taken: dict[str, int] = {}
    described = []
    for number, node in enumerate(nodes):
        kind = _kind(node, outputs)
        scope = homes[node]
        own = node.name or kind
        described.append(
            GraphNode(
                id=number,
                kind=kind,
                name=_unique(f"{scope}/{own}" if scope else own, taken),
                op="" if node.op is None else node.op.name,
                symbol="" if node.op is None else node.op.symbol,
                scope=scope,
                outputs=node.outputs,
                params=dict(node.params),
                source="" if node.source is None else str(node.source),
                values=_values(node, node in recorded or not node.is_leaf),
            )
        )
    return described


def _kind(node: Node, outputs: set[Node]) -> Kind:
    if not node.is_leaf:
        return "output" if node in outputs else "op"
    if node.requires_grad:
        return "parameter"
    return "input" if node.outputs[0].shape else "constant"


def _values(node: Node, recorded: bool) -> tuple[Tensor, ...]:
    """What was kept; a leaf's snapshot only for who recorded it, for everybody else its value now."""
    if recorded and node.values is not None:
        return node.values
    tensor = node.tensor
    return () if tensor is None else (tensor.detach(),)


def _unique(name: str, taken: dict[str, int]) -> str:
    """`conv`, then `conv_1`, `conv_2`, as TensorFlow counts; `taken` remembers the last number of each."""
    candidate = name
    while candidate in taken:
        taken[name] += 1
        candidate = f"{name}_{taken[name]}"
    taken[candidate] = 0
    return candidate


def _homes(nodes: Sequence[Node]) -> dict[Node, str]:
    """The scope each node is drawn in.

    An operation belongs where it was recorded. A leaf was made elsewhere, so it goes to the innermost
    scope that holds all its consumers: a weight into its layer. Data comes from outside and stays there.
    """
    homes = {node: node.scope for node in nodes if not node.is_leaf}
    for node in nodes:
        for parent, _ in node.inputs:
            if parent.is_leaf:
                data = not parent.requires_grad and parent.outputs[0].shape
                home = "" if data else node.scope
                homes[parent] = _common_scope(homes[parent], home) if parent in homes else home
    return homes


def _common_scope(first: str, second: str) -> str:
    common = []
    for one, other in zip(first.split("/"), second.split("/"), strict=False):
        if one != other:
            break
        common.append(one)
    return "/".join(common)


def _scope(path: str, known: dict[str, Scope]) -> Scope:
    """The scope of that path, made together with the boxes around it where they do not exist yet."""
    scope = known[""]
    parts = path.split("/") if path else []
    for depth in range(len(parts)):
        inner = "/".join(parts[: depth + 1])
        if inner not in known:
            known[inner] = Scope(inner)
            scope.children.append(known[inner])
        scope = known[inner]
    return scope
