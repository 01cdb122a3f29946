"""What a graph consists of, as plain data, and how the engine's Nodes become it.

A Node knows its parents and what its gradient rules need. A reader of a picture wants names, kinds, boxes
and the line of the program; here they are worked out, once, for every viewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tinygrad_cnn._node import Node
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import ReleasedGraphError

Kind = Literal["input", "parameter", "constant", "op", "output"]


@dataclass(frozen=True)
class GraphNode:
    """One leaf or one operation.

    Attributes:
        id: its place in `Graph.nodes`; a node's parents have lower ones.
        kind: "input" (data), "parameter" (a leaf that gets a gradient), "constant" (a number, a layer's
            buffer), "op", or "output" (an operation whose result the graph was made for).
        name: unique in the graph, scope first: "conv1/weight", "conv1/conv", "relu_1".
        label: the name that a person gave the tensor (known of leaves and outputs), or empty.
        op: the operation's name, empty for a leaf.
        symbol: what drawings write into an operation's node, empty for a leaf.
        scope: the name scope it is drawn in: "LeNet5/conv1", empty at the top.
        outputs: shape and dtype of every result.
        params: the operation's parameters, such as stride.
        source: the user's line that computed it, "train.py:12: y = x @ w"; empty when unknown.
        values: the results, where they were kept: of everything inside `tc.record()`, of leaves always
            when they are still alive.

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
    values: tuple[Tensor, ...]

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

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True)
    >>> event = tc.Graph.of(a * 5).backward()[1]
    >>> event.kind, event.value, event.formula
    ('contribution', tensor(5.), '∂L/∂x = g · y')
    """

    kind: Literal["visit", "contribution", "sum"]
    node: int
    value: Tensor
    edge: int | None = None
    formula: str = ""


# --- from engine Nodes to data --------------------------------------------------------------------


def ancestors(roots: Iterable[Node]) -> list[Node]:
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


def describe(nodes: Sequence[Node], outputs: Mapping[Node, str]) -> list[GraphNode]:
    homes = _homes(nodes)
    recorded = {parent for node in nodes if node.values is not None for parent, _ in node.inputs}
    taken: dict[str, int] = {}
    lines: dict[tuple[object, int], str] = {}
    described = []
    for number, node in enumerate(nodes):
        kind = _kind(node, outputs)
        scope = homes[node]
        label = outputs.get(node, node.name if node.is_leaf else "")
        own = label or node.name or kind
        described.append(
            GraphNode(
                id=number,
                kind=kind,
                name=_unique(f"{scope}/{own}" if scope else own, taken),
                label=label,
                op="" if node.op is None else node.op.name,
                symbol="" if node.op is None else node.op.symbol,
                scope=scope,
                outputs=node.outputs,
                params=dict(node.params),
                source=_source(node, lines),
                values=_values(node, node in recorded or not node.is_leaf),
            )
        )
    return described


def _source(node: Node, lines: dict[tuple[object, int], str]) -> str:
    """The user's line; a line in a loop made many nodes, but is looked up once."""
    place = (node._code, node._offset)
    if place not in lines:
        lines[place] = "" if node.source is None else str(node.source)
    return lines[place]


def _kind(node: Node, outputs: Mapping[Node, str]) -> Kind:
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
