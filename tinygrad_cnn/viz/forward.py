"""The forward view: what was computed from what, as it was recorded.

On demand with values (in the box of a leaf, on the arrow that leaves an operation), with the gradients of a
backward walk under them, and with highlighted paths. In a graph of single numbers each arrow carries its
number, as on a blackboard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tinygrad_cnn._graph_paths import Paths
from tinygrad_cnn.dtypes import count
from tinygrad_cnn.graph import Graph, GraphEdge, GraphNode
from tinygrad_cnn.viz.picture import Arrow, Block, Line, Mark, Picture, Shape
from tinygrad_cnn.viz.theme import number, shape_text
from tinygrad_cnn.viz.values import Family, Scales, Value, can_be_shown, described, single_text


@dataclass(frozen=True)
class Annotations:
    """What is written into a picture beside names and shapes.

    Attributes:
        values, gradients: whether to show them.
        marked: places of highlighted edges.
        derivatives: what is written on an edge of a path, "∂z/∂b = 1", by the place of the edge.
    """

    values: bool = False
    gradients: bool = False
    marked: Collection[int] = ()
    derivatives: Mapping[int, str] = field(default_factory=dict)


def highlighted(highlight: Paths | Collection[int]) -> tuple[Collection[int], dict[int, str]]:
    """The edges to highlight, and the local derivatives to write on them, of paths or of plain edges."""
    if not isinstance(highlight, Paths):
        return frozenset(highlight), {}
    steps = [step for path in highlight.paths for step in zip(path.edges, path.factors, strict=True)]
    return highlight.edges, {place: f"{symbol} = {number(value)}" for place, (symbol, value) in steps}


def forward(graph: Graph, notes: Annotations) -> Picture:
    """The picture of a graph as it was recorded."""
    drawing = _Forward(graph, notes)
    shapes = tuple(drawing.shape(node) for node in graph.nodes)
    arrows = tuple(drawing.arrow(place, edge) for place, edge in enumerate(graph.edges))
    return Picture(shapes, arrows, caption=drawing.scales.caption())


class _Forward:
    """What has to be known of a whole graph to draw its parts."""

    def __init__(self, graph: Graph, notes: Annotations) -> None:
        self.graph = graph
        self.notes = notes
        self.single = single_numbers(graph)
        self.gradients = _shown(gradients(graph)) if notes.gradients else {}
        self.sent = _shown(contributions(graph)) if notes.gradients and self.single else {}
        self.result = result_name(graph)
        self.carriers = _first_arrows(graph)
        self.on_path = {
            end for place in notes.marked for end in (graph.edges[place].source, graph.edges[place].target)
        }
        self.backward = _backward_nodes(graph)
        self.scales = Scales()
        if not self.single:
            self._widen_scales()

    def _widen_scales(self) -> None:
        for node in self.graph.nodes:
            if self.notes.values and can_be_shown(node.value) and node.value.shape:
                self.scales.include(node.value, _family(node))
            if node.id in self.gradients and self.gradients[node.id].shape:
                self.scales.include(self.gradients[node.id], "gradients")

    def shape(self, node: GraphNode) -> Shape:
        blocks: tuple[Block, ...] = ()
        if node.id not in self.carriers or node.is_leaf:  # the others have theirs on an arrow
            blocks = self._node_blocks(node)
        mark: Mark = "path" if node.id in self.on_path else ""
        return shape_of(node, blocks=blocks, mark=mark, gradient=node.id in self.backward)

    def arrow(self, place: int, edge: GraphEdge) -> Arrow:
        source = self.graph.nodes[edge.source]
        return Arrow(
            key=f"e{place}",
            flow="gradient" if edge.source in self.backward else "value",
            start=f"n{edge.source}",
            end=f"n{edge.target}",
            blocks=tuple(self._arrow_blocks(place, edge, source)),
            facts=() if self.single else (_flowing(edge),),
            mark="path" if place in self.notes.marked else "",
        )

    def _node_blocks(self, node: GraphNode) -> tuple[Block, ...]:
        shown: tuple[Block, ...] = ()
        if self._shows_value(node) and not (node.is_leaf and (self.single or is_number(node))):
            shown += described(node.value, _family(node), self.scales)
        if node.id in self.gradients and (node.kind == "parameter" or not self.single):
            shown += self._gradient(node)
        return shown

    def _arrow_blocks(self, place: int, edge: GraphEdge, source: GraphNode) -> Iterator[Block]:
        if self.single:
            if can_be_shown(source.values[edge.output]) and not is_number(source):
                yield Line(single_text(source.values[edge.output]))
        elif not is_number(source):
            yield Line(shape_text(edge.spec.shape), "muted")
            if self.carriers.get(edge.source) == place and not source.is_leaf:
                yield from self._node_blocks(source)
        if place in self.sent:
            yield Line(single_text(self.sent[place]), "gradient")
        if place in self.notes.derivatives:
            yield Line(self.notes.derivatives[place], "gradient")

    def _shows_value(self, node: GraphNode) -> bool:
        return (self.notes.values or self.single) and can_be_shown(node.value)

    def _gradient(self, node: GraphNode) -> tuple[Block, ...]:
        name = f"∂{self.result}/∂{short_name(node)}"
        blocks = described(self.gradients[node.id], "gradients", self.scales)
        if isinstance(blocks[0], Line) and not self.gradients[node.id].shape:
            return (Line(f"{name} = {blocks[0].text}", "gradient"), *blocks[1:])
        return (Line(name, "gradient"), *blocks)


# --- facts that several views share ---------------------------------------------------------------


def shape_of(node: GraphNode, **more: Any) -> Shape:
    """How a node is drawn, before anything is written into it."""
    spec = node.outputs[0]
    return Shape(
        key=f"n{node.id}",
        role=node.kind,
        title=_title(node),
        scope=node.scope,
        subtitle="" if node.is_leaf else node.label,
        facts=tuple(facts(node)),
        result=shape_text(spec.shape),
        parameters=count(spec.shape) if node.kind == "parameter" else 0,
        structure=(node.kind if node.is_leaf else "op", node.op, str(dict(node.params)), node.outputs),
        **more,
    )


def facts(node: GraphNode) -> Iterator[str]:
    """Everything known about a node, a line each."""
    yield node.name
    if node.op:
        params = ", ".join(f"{name}={value}" for name, value in node.params.items())
        yield node.op + (f"({params})" if params else "")
    for spec in node.outputs:
        yield f"{shape_text(spec.shape)}, {spec.dtype}"
    if can_be_shown(node.value) and not node.value.shape:
        yield f"value {single_text(node.value)}"
    if node.source:
        yield node.source


def _flowing(edge: GraphEdge) -> str:
    return f"{edge.argument}: {shape_text(edge.spec.shape)}, {edge.spec.dtype}"


def short_name(node: GraphNode) -> str:
    """What a node is called where there is little room: its label, or the last part of its name."""
    return node.label or node.name.rpartition("/")[2]


def result_name(graph: Graph) -> str:
    """What gradients are gradients of: the label of the only output, or L."""
    labels = [graph.nodes[place].label for place in graph.outputs]
    return labels[0] if len(labels) == 1 and labels[0] else "L"


def single_numbers(graph: Graph) -> bool:
    """Whether every value of the graph is a single number."""
    return all(not spec.shape for node in graph.nodes for spec in node.outputs)


def is_number(node: GraphNode) -> bool:
    """A constant whose name is its number."""
    return node.kind == "constant" and _title(node).lstrip("−")[:1].isdigit()


def gradients(graph: Graph) -> dict[int, Value]:
    """The complete gradient of each node that a backward walk visited."""
    return {event.node: event.value for event in graph.events if event.kind == "visit"}


def contributions(graph: Graph) -> dict[int, Value]:
    """What was sent back along each edge, by the place of the edge."""
    return {event.edge: event.value for event in graph.events if event.edge is not None}


def _shown(values: dict[int, Value]) -> dict[int, Value]:
    return {place: value for place, value in values.items() if can_be_shown(value)}


def _title(node: GraphNode) -> str:
    """What is written largest: the name of a leaf, a constant's number, an operation's symbol."""
    if not node.is_leaf:
        return node.symbol
    if node.kind == "constant" and not node.label and can_be_shown(node.value) and not node.value.shape:
        return single_text(node.value)
    if node.kind == "constant" and node.label.lstrip("-")[:1].isdigit():
        return node.label.replace("-", "−")  # a number that the program writes out
    return node.label or node.kind


def _family(node: GraphNode) -> Family:
    return "weights" if node.kind == "parameter" else "data"


def _backward_nodes(graph: Graph) -> set[int]:
    """Operations of a backward pass that the graph was computed through, as graphs of gradients are."""
    found = {node.id for node in graph.nodes if node.origin is not None}
    for edge in graph.edges:  # where contributions are added up belongs to it, too
        if edge.source in found:
            found.add(edge.target)
    return found


def _first_arrows(graph: Graph) -> dict[int, int]:
    """For each node the place of the first edge that leaves it: the one that carries its value."""
    first: dict[int, int] = {}
    for place, edge in enumerate(graph.edges):
        first.setdefault(edge.source, place)
    return first
