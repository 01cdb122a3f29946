"""Zoom into a scope: the part of a graph inside it, with what flows in and out.

What flows in stands there as a leaf; what flows out is an output. Values, the operations of the backward
pass that belong to the part, and the events of the walk that happened in it come along.
"""

from __future__ import annotations

from dataclasses import replace

from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.graph import Graph, GraphEdge, GraphEvent, GraphNode
from tinygrad_cnn.viz.picture import ancestry


def zoom(graph: Graph, scope: str) -> Graph:
    """The part of the graph inside a scope, as a graph of its own.

    Args:
        scope: a path such as "LeNet5/conv1", or its last name, if only one scope is called so.

    Returns:
        A graph for pictures and players; it cannot be walked again, but keeps the events of a walk that
        happened before.

    Raises:
        UnknownName: there is no such scope, or several; names them.

    >>> import tinygrad_cnn as tc
    >>> graph = tc.Graph.of(tc.models.LeNet5()(tc.zeros(1, 1, 28, 28)))
    >>> [(node.kind, node.name) for node in graph.zoom("fc3").nodes]
    ... # doctest: +NORMALIZE_WHITESPACE
    [('input', 'LeNet5/relu_3'), ('parameter', 'LeNet5/fc3/weight'), ('op', 'LeNet5/fc3/permute'),
     ('op', 'LeNet5/fc3/matmul'), ('parameter', 'LeNet5/fc3/bias'), ('output', 'LeNet5/fc3/add')]
    """
    return _Part(graph, _path(graph, scope)).graph()


def _path(graph: Graph, scope: str) -> str:
    """The full path of a scope that may be called by its last name."""
    paths = list(dict.fromkeys(path for node in graph.nodes for path in ancestry(node.scope)))
    found = [path for path in paths if path == scope or path.endswith(f"/{scope}")]
    if scope in paths:
        return scope
    if not found:
        raise UnknownName.among(scope, paths, kind="scope", argument="scope")
    if len(found) > 1:
        raise UnknownName(
            f"{len(found)} scopes are called {scope!r}",
            argument="scope",
            expected=f"the path of one of them: {', '.join(found)}",
            got=scope,
        )
    return found[0]


class _Part:
    """The inside of one scope on its way into a graph of its own, where everything gets new ids."""

    def __init__(self, whole: Graph, path: str) -> None:
        self.whole = whole
        self.inside = {node.id for node in whole.nodes if path in ancestry(node.scope)}
        self.backward_inside = {node.id for node in whole.backward_nodes if node.origin in self.inside}
        places = [place for place, edge in enumerate(whole.edges) if edge.target in self.inside]
        self.places = {place: new for new, place in enumerate(places)}
        self.backward_edges = [edge for edge in whole.backward_edges if edge.target in self.backward_inside]
        kept = self.inside | self.backward_inside
        kept |= {whole.edges[place].source for place in places}
        kept |= {edge.source for edge in self.backward_edges}
        kept |= {event.result for event in whole.events if self._completes(event)} - {None}  # type: ignore[arg-type]
        self.ids = {old: new for new, old in enumerate(sorted(kept))}
        self.leaving = {edge.source for edge in whole.edges if edge.target not in self.inside}

    def graph(self) -> Graph:
        return Graph.from_data(
            [self._node(node) for node in self.whole.nodes if node.id in self.ids],
            [self._edge(self.whole.edges[place]) for place in self.places],
            [self._event(event) for event in self.whole.events if self._happens_here(event)],
            [self._node(node) for node in self.whole.backward_nodes if node.id in self.ids],
            [self._edge(edge) for edge in self.backward_edges],
        )

    def _node(self, node: GraphNode) -> GraphNode:
        new = self.ids[node.id]
        if node.id not in self.inside and node.id not in self.backward_inside:
            return self._from_outside(node, new)
        kind = "output" if node.id in self.leaving and not node.is_leaf else node.kind
        saved = tuple(replace(each, source=self.ids[each.source]) for each in node.saved)
        origin = None if node.origin is None else self.ids.get(node.origin, -1)
        return replace(node, id=new, kind=kind, saved=saved, origin=origin)

    def _from_outside(self, node: GraphNode, new: int) -> GraphNode:
        """What flows in: a leaf with the name of what it is the result of."""
        return replace(
            node,
            id=new,
            kind=node.kind if node.is_leaf else "input",
            label=node.label or node.name.rpartition("/")[2],
            op="",
            symbol="",
            params={},
            scope="",
            saved=(),
            origin=None,
        )

    def _edge(self, edge: GraphEdge) -> GraphEdge:
        return replace(edge, source=self.ids[edge.source], target=self.ids[edge.target])

    def _completes(self, event: GraphEvent) -> bool:
        return event.kind == "visit" and event.node in self.inside

    def _happens_here(self, event: GraphEvent) -> bool:
        """Whether an event belongs to the part: what flows in is not finished here, so it is not visited."""
        if event.kind == "contribution":
            return event.edge in self.places
        return event.node in self.inside or (event.kind == "sum" and self._only_used_here(event.node))

    def _only_used_here(self, node: int) -> bool:
        return node in self.ids and node not in self.leaving

    def _event(self, event: GraphEvent) -> GraphEvent:
        return replace(
            event,
            node=self.ids[event.node],
            edge=None if event.edge is None else self.places[event.edge],
            nodes=tuple(self.ids[node] for node in event.nodes if node in self.ids),
            result=None if event.result is None else self.ids.get(event.result),
        )
