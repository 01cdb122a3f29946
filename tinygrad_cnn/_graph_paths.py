"""The chain rule as a sum over paths.

From a leaf to the result a change travels on every path there is. Along one path the local derivatives
multiply, and what arrives on all paths adds up:

    ∂L/∂b = Σ over all paths from b to L  of  Π of ∂(end)/∂(start) over the path's steps

There may be very many paths, though: each layer multiplies their number. They are counted before any is
written down; where they are too many, those that leave the leaf by the same step are taken together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinygrad_cnn._formula import number
from tinygrad_cnn._graph_data import GraphEdge, GraphNode
from tinygrad_cnn.errors import GradientError

MOST_PATHS = 1000


@dataclass(frozen=True)
class Path:
    """One way from a leaf to the result, or, where there are too many, all that begin with the same step.

    Attributes:
        edges: places in `Graph.edges`, from the leaf on; of a group only the first.
        factors: for each step how it is written, "∂z/∂b", and its value.
        value: the product of the factors; of a group the sum over its paths.
        count: how many paths this stands for.
    """

    edges: tuple[int, ...]
    factors: tuple[tuple[str, float], ...]
    value: float
    count: int = 1


@dataclass(frozen=True)
class Paths:
    """All paths from one node to another, and the chain rule over them.

    Attributes:
        source, target: ids of the two nodes.
        count: how many paths there are.
        paths: one entry a path, or a group of them each when there are more than 1,000.
        total: the derivative of the target with respect to the source.
        name: the derivative as it is written, "∂L/∂b".

    >>> import tinygrad_cnn as tc
    >>> b = tc.tensor(3.0, requires_grad=True, name="b")
    >>> z = b * b
    >>> z.name = "z"
    >>> L = z + b
    >>> L.name = "L"
    >>> print(tc.Graph.of(L).paths("b"))
    ∂L/∂b over 3 paths
      ∂z/∂b · ∂L/∂z = 3 · 1 = 3
      ∂z/∂b · ∂L/∂z = 3 · 1 = 3
      ∂L/∂b = 1
    sum = 7
    """

    source: int
    target: int
    count: int
    paths: tuple[Path, ...]
    total: float
    name: str

    @property
    def edges(self) -> frozenset[int]:
        """Every edge on some path written down: what a drawing highlights."""
        return frozenset(place for path in self.paths for place in path.edges)

    def __str__(self) -> str:
        several = f"{self.count:,} path{'s' if self.count != 1 else ''}"
        if self.count > len(self.paths):
            several += ", too many to write down: grouped by their first step"
        lines = [f"{self.name} over {several}"]
        for path in self.paths:
            symbols = " · ".join(symbol for symbol, _ in path.factors)
            numbers = " · ".join(_factor(value) for _, value in path.factors)
            if path.count > 1:
                lines.append(f"  {symbols} · (the rest of {path.count:,} paths) = {number(path.value)}")
            elif len(path.factors) == 1:
                lines.append(f"  {symbols} = {numbers}")
            else:
                lines.append(f"  {symbols} = {numbers} = {number(path.value)}")
        return "\n".join([*lines, f"sum = {number(self.total)}"])

    __repr__ = __str__  # what a notebook and a terminal show


def _factor(value: float) -> str:
    return f"({number(value)})" if value < 0 else number(value)


def find_paths(
    nodes: Sequence[GraphNode],
    edges: Sequence[GraphEdge],
    derivatives: dict[int, float],
    source: int,
    target: int,
) -> Paths:
    """All paths between two nodes of a graph of single numbers.

    Args:
        derivatives: the local derivative along an edge, by its place; others carry no gradient.
    """
    leaving: dict[int, list[int]] = {}
    counts = {target: 1}  # from each node to the target
    sums = {target: 1.0}  # the derivative of the target with respect to each node
    # Edges come in the order of their targets, so backwards a node is complete before it is used.
    for place in reversed(range(len(edges))):
        edge = edges[place]
        if edge.target in counts and place in derivatives:
            leaving.setdefault(edge.source, []).insert(0, place)
            counts[edge.source] = counts.get(edge.source, 0) + counts[edge.target]
            sums[edge.source] = sums.get(edge.source, 0.0) + derivatives[place] * sums[edge.target]
    if source not in counts:
        raise GradientError(
            f"no path leads from {nodes[source].name} to {nodes[target].name}",
            argument="source",
            expected="a node that the target was computed from",
            got=nodes[source].name,
        )
    names = _Names(nodes)

    def factor(place: int) -> tuple[str, float]:
        return names.derivative(edges[place].target, edges[place].source), derivatives[place]

    if counts[source] > MOST_PATHS:
        found = [
            Path(
                (place,),
                (factor(place),),
                derivatives[place] * sums[edges[place].target],
                counts[edges[place].target],
            )
            for place in leaving[source]
        ]
    else:
        found = []
        stack: list[tuple[int, tuple[int, ...]]] = [(source, ())]
        while stack:
            here, way = stack.pop()
            if here == target and way:
                factors = tuple(factor(place) for place in way)
                value = 1.0
                for _, derivative in factors:
                    value *= derivative
                found.append(Path(way, factors, value))
            else:
                stack += [(edges[place].target, (*way, place)) for place in reversed(leaving.get(here, []))]
    return Paths(source, target, counts[source], tuple(found), sums[source], names.derivative(target, source))


class _Names:
    """Short names for derivatives: what people called a number, or the operation and its id."""

    def __init__(self, nodes: Sequence[GraphNode]) -> None:
        self.nodes = nodes

    def derivative(self, of: int, by: int) -> str:
        return f"∂{self._short(of)}/∂{self._short(by)}"

    def _short(self, place: int) -> str:
        node = self.nodes[place]
        return node.label or f"n{node.id}"
