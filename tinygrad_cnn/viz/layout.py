"""Where things go in a drawing of a graph, as far as we tell Graphviz.

Left alone, Graphviz puts a parameter above the operation it joins, which pushes the stream of data aside at
every layer: a deep network becomes a staircase. Three rules make it a column that can be read:

    rows      parameters stand beside the operation they join, the first to its left, the second to its right
    titles    where the stream enters a box, room is kept for the title of the box, which an arrow would cross
    copies    a parameter with very many consumers is drawn beside each of them
"""

from __future__ import annotations

from collections import Counter, defaultdict

from tinygrad_cnn.graph import Graph, GraphEdge

DEEP = 12  # a longer chain of operations runs from top to bottom
_MOST_ARROWS = 8  # from one parameter or constant; with more it is drawn several times


class Layout:
    """The decisions for one graph.

    Attributes:
        deep: from top to bottom, with rows; otherwise from left to right.
        copied: ids of the leaves that are drawn beside each of their consumers.
        rows: by scope, pairs of DOT names that stand side by side, the left one first.
        reversed: edges that run from right to left.
        titles: the title to keep clear of, by the id of the node where the stream enters the box.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.deep = depth(graph) > DEEP
        self._consumers = Counter(edge.source for edge in graph.edges)
        self._stream = _reached_by_data(graph)
        self.copied = {
            node.id
            for node in graph.nodes
            if node.kind in ("parameter", "constant") and self._consumers[node.id] > _MOST_ARROWS
        }
        self.rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.reversed: set[GraphEdge] = set()
        self.titles: dict[int, str] = {}
        if self.deep:
            self._align()

    def in_stream(self, node: int) -> bool:
        """Whether data comes through it: such nodes are kept in line."""
        return node in self._stream

    def start(self, edge: GraphEdge) -> str:
        """The DOT name of the node where the edge is drawn to start."""
        if edge.source in self.copied:
            return f"n{edge.source}_{edge.target}_{edge.position}"
        return dot_name(edge.source)

    def _align(self) -> None:
        joined: Counter[int] = Counter()
        for edge in self.graph.edges:
            if self._joins_from_the_side(edge) and joined[edge.target] < 2:
                left, right = self.start(edge), dot_name(edge.target)
                if joined[edge.target]:
                    self.reversed.add(edge)
                    left, right = right, left
                self.rows[self.graph.nodes[edge.target].scope].append((left, right))
                joined[edge.target] += 1
        for edge in self.graph.edges:
            source, target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
            entered = _scopes_entered(source.scope, target.scope)
            if entered and source.id in self._stream and not joined[target.id]:
                self.titles[target.id] = max(entered, key=len)

    def _joins_from_the_side(self, edge: GraphEdge) -> bool:
        source, target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
        if source.id in self.copied:
            return True
        return (
            source.id not in self._stream and self._consumers[source.id] == 1 and source.scope == target.scope
        )


def dot_name(node: int) -> str:
    """What a node is called in DOT."""
    return f"n{node}"


def depth(graph: Graph) -> int:
    """The number of operations on the longest way through the graph."""
    depths = [0] * len(graph.nodes)
    for edge in graph.edges:  # edges come in the order of their targets, and parents before consumers
        depths[edge.target] = max(depths[edge.target], depths[edge.source] + 1)
    return max(depths, default=0)


def _reached_by_data(graph: Graph) -> set[int]:
    """Ids of the inputs and of everything computed from them.

    A formula of parameters alone has no inputs: then everything but the leaves counts.
    """
    reached = {node.id for node in graph.nodes if node.kind == "input"}
    if not reached:
        return {node.id for node in graph.nodes if not node.is_leaf}
    for edge in graph.edges:
        if edge.source in reached:
            reached.add(edge.target)
    return reached


def _scopes_entered(source: str, target: str) -> list[str]:
    """The names of the boxes around the target that are not around the source.

    >>> _scopes_entered("net/conv1", "net/block/conv2")
    ['block', 'conv2']
    """
    outside, inside = source.split("/"), target.split("/") if target else []
    shared = 0
    while shared < min(len(outside), len(inside)) and outside[shared] == inside[shared]:
        shared += 1
    return inside[shared:]
