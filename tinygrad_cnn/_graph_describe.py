"""How the engine's Nodes become the data of a graph.

A Node knows its parents and what its gradient rules need. A reader of a picture wants names, kinds, boxes,
values and the line of the program; here they are worked out, once, for every viewer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from tinygrad_cnn._graph_data import GraphEdge, GraphNode, Kind, Saved
from tinygrad_cnn._node import Node
from tinygrad_cnn._saved import kept
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import count as count_elements
from tinygrad_cnn.errors import ReleasedGraphError


def ancestors(roots: Iterable[Node]) -> list[Node]:
    """The roots and everything they were computed from, parents before consumers."""
    reached = set(roots)
    stack = list(reached)
    while stack:
        node = stack.pop()
        if node.released:
            raise released_error(node)
        for parent, _ in node.inputs:
            if parent not in reached:
                reached.add(parent)
                stack.append(parent)
    return sorted(reached, key=lambda node: node.serial)


def released_error(node: Node) -> ReleasedGraphError:
    error = ReleasedGraphError(
        "this graph was released by a backward walk",
        expected="a graph with its edges and saved values",
        got=f"{node!r} of a released graph",
        hint="compute inside `with tc.record():`, which keeps everything; or backward(retain_graph=True)",
    )
    error.at(node.name, node.source)
    return error


class Description:
    """Nodes and edges of a graph, in the making: each engine Node gets an id and a name of its own.

    Attributes:
        ids: of the Nodes described so far.
    """

    def __init__(self) -> None:
        self.ids: dict[Node, int] = {}
        self._names: dict[str, int] = {}
        self._lines: dict[tuple[object, int], str] = {}

    def nodes(
        self,
        nodes: Sequence[Node],
        outputs: Mapping[Node, str],
        *,
        origins: Mapping[Node, int] | None = None,
        prefix: str = "",
    ) -> list[GraphNode]:
        """Describe further Nodes, parents first.

        Args:
            outputs: the Nodes that the graph was made for, and what their tensors are called.
            origins: of a backward pass: the forward node that each of its Nodes belongs to.
            prefix: what the names of these nodes begin with.
        """
        self.ids.update(zip(nodes, count(len(self.ids)), strict=False))
        homes = _homes(nodes)
        values = _values(nodes)
        return [
            self._described(
                node, homes[node], values[node], outputs, self._origin(node, origins or {}), prefix
            )
            for node in nodes
        ]

    def edges(self, nodes: Sequence[Node]) -> list[GraphEdge]:
        """The edges into these Nodes, in their order."""
        return [
            GraphEdge(
                self.ids[parent],
                index,
                self.ids[node],
                position,
                node.argument(position),
                parent.outputs[index],
            )
            for node in nodes
            for position, (parent, index) in enumerate(node.inputs)
        ]

    def _described(
        self,
        node: Node,
        scope: str,
        values: tuple[Tensor | None, ...],
        outputs: Mapping[Node, str],
        origin: int | None,
        prefix: str,
    ) -> GraphNode:
        kind = _kind(node, outputs)
        label = outputs.get(node) or (node.name if node.is_leaf else node.label) or ""
        own = label or node.name or kind
        return GraphNode(
            id=self.ids[node],
            kind=kind,
            name=self._unique(prefix + (f"{scope}/{own}" if scope else own)),
            label=label,
            op="" if node.op is None else node.op.name,
            symbol=_symbol(node),
            scope=scope,
            outputs=node.outputs,
            params=dict(node.params),
            source=self._source(node),
            requires_grad=node.requires_grad,
            saved=tuple(self._saved(node)),
            origin=origin,
            values=values,
        )

    def _origin(self, node: Node, origins: Mapping[Node, int]) -> int | None:
        """The forward node whose gradient rule made it; a graph of gradients has such nodes as well."""
        if node in origins or node.origin is None:
            return origins.get(node)
        return self.ids.get(node.origin.consumer, -1)

    def _saved(self, node: Node) -> Iterator[Saved]:
        for name, parent, index, _ in kept(node):
            spec = parent.outputs[index]
            yield Saved(name, self.ids[parent], count_elements(spec.shape) * spec.dtype.itemsize)

    def _source(self, node: Node) -> str:
        """The user's line; a line in a loop made many nodes, but is looked up once."""
        place = (node._code, node._offset)
        if place not in self._lines:
            self._lines[place] = "" if node.source is None else str(node.source)
        return self._lines[place]

    def _unique(self, name: str) -> str:
        """`conv`, then `conv_1`, `conv_2`, as TensorFlow counts."""
        candidate = name
        while candidate in self._names:
            self._names[name] += 1
            candidate = f"{name}_{self._names[name]}"
        self._names[candidate] = 0
        return candidate


def _symbol(node: Node) -> str:
    """What drawings write into it: of a cast also the dtype, which is all there is to say about it."""
    if node.op is None:
        return ""
    return f"{node.op.symbol} → {node.params['dtype']}" if node.op.name == "cast" else node.op.symbol


def _kind(node: Node, outputs: Mapping[Node, str]) -> Kind:
    if not node.is_leaf:
        return "output" if node in outputs else "op"
    if node.requires_grad:
        return "parameter"
    return "input" if node.outputs[0].shape and not node.is_state else "constant"


def _values(nodes: Sequence[Node]) -> dict[Node, tuple[Tensor | None, ...]]:
    """What was kept of each Node's results.

    Of recorded ones everything; a leaf's snapshot only for who recorded it, for everybody else its value
    now; and what some operation saved for its rules.
    """
    recorded = {parent for node in nodes if node.values is not None for parent, _ in node.inputs}
    values: dict[Node, list[Tensor | None]] = {}
    for node in nodes:
        own: Sequence[Tensor | None] = (None,) * len(node.outputs)
        if node.values is not None and (node in recorded or not node.is_leaf):
            own = node.values
        elif node.tensor is not None and node.is_leaf:
            own = (node.tensor.detach(),)
        values[node] = list(own)
    for node in nodes:
        for _, parent, index, value in kept(node):
            if parent in values and values[parent][index] is None:
                values[parent][index] = value
    return {node: tuple(own) for node, own in values.items()}


def _homes(nodes: Sequence[Node]) -> dict[Node, str]:
    """The scope each node is drawn in.

    An operation belongs where it was recorded. A leaf was made elsewhere, so it goes to the innermost
    scope that holds all its consumers: a weight into its layer. Data comes from outside and stays there.
    """
    homes = {node: node.scope for node in nodes if not node.is_leaf}
    for node in nodes:
        for parent, _ in node.inputs:
            if parent.is_leaf:
                data = not (parent.requires_grad or parent.is_state) and parent.outputs[0].shape
                home = "" if data else node.scope
                homes[parent] = _common_scope(homes[parent], home) if parent in homes else home
    # A leaf may be all there is: the gradient that a walk begins with, when every rule hands it on as it is.
    return {node: homes.get(node, "") for node in nodes}


def _common_scope(first: str, second: str) -> str:
    common = []
    for one, other in zip(first.split("/"), second.split("/"), strict=False):
        if one != other:
            break
        common.append(one)
    return "/".join(common)
