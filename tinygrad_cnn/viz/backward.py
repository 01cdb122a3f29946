"""The backward view: the operations of the backward pass itself, which is a graph as well.

It reads from right to left, the mirror image of the forward view, and in the same boxes. What the gradient
rules take from the forward pass comes in green, with the bytes that were kept in memory for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tinygrad_cnn.dtypes import count
from tinygrad_cnn.errors import GradientError
from tinygrad_cnn.graph import Graph, GraphEdge, GraphNode
from tinygrad_cnn.viz.forward import facts, is_number, result_name, shape_of, short_name
from tinygrad_cnn.viz.picture import Arrow, Block, Line, Picture, Role, Shape, byte_text
from tinygrad_cnn.viz.theme import shape_text
from tinygrad_cnn.viz.values import Scales, can_be_shown, described


def walked(graph: Graph) -> Graph:
    """The graph, after a backward walk if it has seen none.

    Raises:
        GradientError: it cannot be walked: nothing requires a gradient, or it comes from a file without.
    """
    if not graph.events:
        graph.backward()
    return graph


def backward(graph: Graph, *, values: bool) -> Picture:
    """The picture of a graph's backward pass."""
    if not walked(graph).backward_nodes:
        raise GradientError(
            "the backward pass of a graph of single numbers has no operations of its own",
            argument="view",
            expected="a graph of tensors",
            hint='view="twin" shows each number beside its gradient',
        )
    return _Backward(graph, values).picture()


class _Backward:
    """One backward pass on its way into a picture."""

    def __init__(self, graph: Graph, values: bool) -> None:
        self.graph = graph
        self.nodes = [*graph.nodes, *graph.backward_nodes]
        self.names = _gradient_names(graph)
        self.leaves = {event.result for event in graph.events if _arrives(graph, event.kind, event.node)}
        self.values = values
        self.scales = Scales()
        if values:
            for node in graph.backward_nodes:
                if can_be_shown(node.value) and node.value.shape:
                    self.scales.include(node.value, "gradients")

    def picture(self) -> Picture:
        shapes = {node.id: self._shape(node) for node in self.graph.backward_nodes}
        saved: dict[tuple[int, str], Shape] = {}  # in each scope that reads it
        read: set[int] = set()
        arrows = []
        for place, edge in enumerate(self.graph.backward_edges):
            start = f"n{edge.source}"
            if edge.source < len(self.graph.nodes):
                home = (edge.source, shapes[edge.target].scope)
                if home not in saved:
                    saved[home] = self._saved(edge, len(saved), home[1], edge.source in read)
                    read.add(edge.source)
                start = saved[home].key
            arrows.append(self._arrow(place, edge, start))
        return Picture(
            tuple(_in_order(shapes, saved, self.graph.backward_edges)),
            tuple(arrows),
            mirrored=True,
            caption=self.scales.caption(),
        )

    def _shape(self, node: GraphNode) -> Shape:
        origin = None if node.origin is None else self.graph.nodes[node.origin]
        names = self.names.get(node.id, [])
        blocks: list[Block] = [Line(name, "gradient") for name in names]
        if self.values and can_be_shown(node.value):
            blocks += described(node.value, "gradients", self.scales)
        shape = shape_of(node, gradient=True, blocks=tuple(blocks))
        if origin is not None:
            rule = f"part of the gradient rule of {origin.name}"
            return replace(shape, scope=origin.scope, facts=(*shape.facts, rule), role=self._role(node))
        return replace(shape, role=self._role(node))

    def _role(self, node: GraphNode) -> Role:
        return "output" if node.id in self.leaves else node.kind

    def _saved(self, edge: GraphEdge, number: int, scope: str, again: bool) -> Shape:
        """A value of the forward pass that a gradient rule reads; read again, it takes no more memory."""
        node = self.nodes[edge.source]
        size = count(edge.spec.shape) * edge.spec.dtype.itemsize
        return Shape(
            key=f"s{number}",
            role="saved",
            title=short_name(node),
            scope=scope,
            facts=(*facts(node), f"kept in memory: {byte_text(size)}"),
            kept=0 if again else size,
            structure=("saved", edge.spec),
        )

    def _arrow(self, place: int, edge: GraphEdge, start: str) -> Arrow:
        is_saved = edge.source < len(self.graph.nodes)
        size = count(edge.spec.shape) * edge.spec.dtype.itemsize
        text = byte_text(size) if is_saved else shape_text(edge.spec.shape)
        is_plain = is_number(self.nodes[edge.source])  # a 0 needs no shape
        return Arrow(
            key=f"b{place}",
            start=start,
            end=f"n{edge.target}",
            flow="saved" if is_saved else "gradient",
            blocks=() if is_plain else (Line(text, "saved" if is_saved else "gradient"),),
            facts=(f"{edge.argument}: {shape_text(edge.spec.shape)}, {edge.spec.dtype}",),
            kept=size if is_saved else 0,
        )


def _in_order(
    shapes: Mapping[int, Shape], saved: Mapping[tuple[int, str], Shape], edges: Iterable[GraphEdge]
) -> Iterator[Shape]:
    """Every shape, what is saved before the first that reads it."""
    before: dict[int, list[Shape]] = defaultdict(list)
    waiting = dict(saved)
    for edge in edges:
        home = (edge.source, shapes[edge.target].scope)
        if home in waiting:
            before[edge.target].append(waiting.pop(home))
    for node, shape in shapes.items():
        yield from before[node]
        yield shape


def _gradient_names(graph: Graph) -> dict[int, list[str]]:
    """For a node of the backward pass, the gradients that its result is: "∂L/∂W"."""
    result = result_name(graph)
    names: dict[int, list[str]] = defaultdict(list)
    for event in graph.events:
        if event.kind == "visit" and event.result is not None:
            names[event.result].append(f"∂{result}/∂{short_name(graph.nodes[event.node])}")
    return names


def _arrives(graph: Graph, kind: str, node: int) -> bool:
    """Whether an event completes the gradient of a leaf."""
    return kind == "visit" and graph.nodes[node].is_leaf
