"""What a graph consists of, as plain data: nodes, edges, events, and the boxes around nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tinygrad_cnn.dtypes import Spec

Kind = Literal["input", "parameter", "constant", "op", "output"]


@dataclass(frozen=True)
class Saved:
    """A value that an operation keeps for its gradient rules.

    Attributes:
        name: of the input or output, in the operation's declaration.
        source: id of the node it is a result of: the operation's own for outputs.
        bytes: how much memory it keeps alive.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0], requires_grad=True)
    >>> tc.Graph.of(x.exp()).nodes[-1].saved
    (Saved(name='out', source=1, bytes=8),)
    """

    name: str
    source: int
    bytes: int


@dataclass(frozen=True)
class GraphNode:
    """One leaf or one operation.

    Attributes:
        id: its place in `Graph.nodes` (and then `Graph.backward_nodes`); a node's parents have lower ones.
        kind: "input" (data), "parameter" (a leaf that gets a gradient), "constant" (a number, a layer's
            buffer), "op", or "output" (an operation whose result the graph was made for).
        name: unique in the graph, scope first: "conv1/weight", "conv1/conv", "relu_1".
        label: the name that a person gave the tensor (known of leaves and outputs), or empty.
        op: the operation's name, empty for a leaf.
        symbol: what drawings write into an operation's node ("+", "cast → float16"), empty for a leaf.
        scope: the name scope it is drawn in: "LeNet5/conv1", empty at the top.
        outputs: shape and dtype of every result.
        params: the operation's parameters, such as stride.
        source: the user's line that computed it, "train.py:12: y = x @ w"; empty when unknown.
        requires_grad: whether a gradient is computed for its first result.
        saved: what it keeps for its gradient rules.
        origin: of an operation of a backward pass, the id of the forward node whose rule it belongs to;
            −1 when that is not in this graph.
        values: the results, where they were kept: of everything inside `tc.record()`; otherwise of leaves
            that are still alive, and of what some operation saved. None for the others.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> node = tc.Graph.of(a + a).nodes[-1]
    >>> node.name, node.kind, node.symbol
    ('add', 'output', '+')
    """

    id: int
    kind: Kind
    name: str
    label: str
    op: str
    symbol: str
    scope: str
    outputs: tuple[Spec, ...]
    params: Mapping[str, Any]
    source: str
    requires_grad: bool
    saved: tuple[Saved, ...]
    origin: int | None
    values: tuple[Any, ...]

    @property
    def value(self) -> Any:
        """The first result, or None where it was not kept."""
        return self.values[0]

    @property
    def is_leaf(self) -> bool:
        return not self.op


@dataclass(frozen=True)
class GraphEdge:
    """One result flowing into one operation.

    Attributes:
        source: id of the node it comes from; `output` says which of its results.
        target: id of the operation it goes to; `position` says which of its inputs.
        argument: the name of that input in the operation's declaration.
        spec: shape and dtype of what flows.
        derivative: between single numbers, how fast the target changes when the source does; where known.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor([1.0, 2.0], requires_grad=True)
    >>> edge = tc.Graph.of(a * 3).edges[0]
    >>> edge.source, edge.target, edge.argument, edge.spec.shape
    (0, 2, 'x', (2,))
    """

    source: int
    output: int
    target: int
    position: int
    argument: str
    spec: Spec
    derivative: float | None = None


@dataclass(frozen=True)
class Scope:
    """A box around nodes that belong together: a layer, a block, a network.

    Attributes:
        path: "LeNet5/conv1"; empty for the whole graph.
        nodes: ids of the nodes directly in it.
        children: the boxes inside, in the order of their first nodes.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True)
    >>> with tc.name_scope("block"):
    ...     b = a + a
    >>> [scope.name for scope in tc.Graph.of(b).scopes.children]
    ['block']
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
        numbers: the formula with the numbers of this step in it, where they are single ones: "2 · 5 = 10".
        nodes: ids of the operations in `Graph.backward_nodes` that computed it.
        result: id of the node that `value` is the result of; `output` says which of its results.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True)
    >>> event = tc.Graph.of(a * 5).backward()[1]
    >>> event.kind, event.value, event.formula
    ('contribution', tensor(5.), '∂L/∂x = g · y')
    """

    kind: Literal["visit", "contribution", "sum"]
    node: int
    value: Any
    edge: int | None = None
    formula: str = ""
    numbers: str = ""
    nodes: tuple[int, ...] = ()
    result: int | None = None
    output: int = 0


def scope_tree(nodes: Iterable[GraphNode]) -> Scope:
    """The boxes around the nodes; the root is the whole graph."""
    root = Scope("")
    known = {"": root}
    for node in nodes:
        _scope(node.scope, known).nodes.append(node.id)
    return root


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
