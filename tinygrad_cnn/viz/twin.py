"""The twin view: each forward node beside its gradient.

Values flow one way, gradients come back beside them, and green dotted arrows carry across what the forward
pass saved for the backward pass, with its bytes: the memory that training needs and inference does not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tinygrad_cnn.graph import Graph, GraphNode, Saved
from tinygrad_cnn.viz.backward import walked
from tinygrad_cnn.viz.forward import (
    Annotations,
    contributions,
    forward,
    gradients,
    result_name,
    short_name,
    single_numbers,
)
from tinygrad_cnn.viz.picture import Arrow, Block, Line, Picture, Shape, byte_text
from tinygrad_cnn.viz.theme import shape_text
from tinygrad_cnn.viz.values import Scales, Value, can_be_shown, described, single_text


def twin(graph: Graph, notes: Annotations) -> Picture:
    """The picture of a graph beside its backward pass."""
    found = gradients(walked(graph))
    picture = forward(graph, replace(notes, gradients=False))
    scales = Scales()
    if notes.values:
        for value in found.values():
            if can_be_shown(value) and value.shape:
                scales.include(value, "gradients")
    twins = []
    for node in graph.nodes:
        if node.id in found:
            shown: tuple[Block, ...] = ()
            if can_be_shown(found[node.id]) and (notes.values or not found[node.id].shape):
                shown = described(found[node.id], "gradients", scales)
            twins.append(_twin(graph, node, picture.shapes[node.id], shown))
    caption = "   ·   ".join(text for text in (picture.caption, scales.caption()) if text)
    shapes, arrows = _quieter(picture)
    return Picture(
        shapes=(*shapes, *twins),
        arrows=(*arrows, *_contributions(graph, found), *_saved(graph, found)),
        twins=tuple((f"n{node}", f"g{node}") for node in sorted(found)),
        caption=caption,
    )


def _quieter(picture: Picture) -> tuple[list[Shape], list[Arrow]]:
    """Shapes and arrows of the forward pass; a parameter carries its shape itself, its arrow is bare."""
    bare = {shape.key for shape in picture.shapes if shape.role == "parameter" and shape.result != "scalar"}
    shapes = [
        replace(shape, subtitle=shape.result) if shape.key in bare else shape for shape in picture.shapes
    ]
    arrows = [replace(arrow, blocks=()) if arrow.start in bare else arrow for arrow in picture.arrows]
    return shapes, arrows


def _twin(graph: Graph, node: GraphNode, shape: Shape, blocks: tuple[Block, ...]) -> Shape:
    name = f"∂{result_name(graph)}/∂{short_name(node)}"
    return replace(
        shape,
        key=f"g{node.id}",
        title=name,
        subtitle="",
        blocks=blocks,
        facts=(f"{name}: the gradient of {node.name}", shape_text(node.outputs[0].shape)),
        parameters=0,
        gradient=True,
    )


def _contributions(graph: Graph, found: Mapping[int, Value]) -> Iterator[Arrow]:
    """What each operation sends back to what it was computed from, where that has a gradient in the picture.

    What flows into a part of a graph has none there: more may arrive from elsewhere.
    """
    is_single = single_numbers(graph)
    events = {event.edge: event for event in graph.events if event.edge is not None}
    for place, value in contributions(graph).items():
        edge, event = graph.edges[place], events[place]
        if edge.source not in found:
            continue
        shown = (Line(single_text(value), "gradient"),) if is_single and can_be_shown(value) else ()
        yield Arrow(
            key=f"c{place}",
            start=f"g{edge.target}",
            end=f"g{edge.source}",
            flow="gradient",
            blocks=shown,
            facts=tuple(fact for fact in (event.formula, event.numbers) if fact),
            against=True,
        )


def _saved(graph: Graph, found: Mapping[int, Value]) -> Iterator[Arrow]:
    """What a gradient rule takes from the forward pass, one arrow for all results of a node."""
    for node in graph.nodes:
        by_source: dict[int, list[Saved]] = defaultdict(list)
        for saved in node.saved if node.id in found else ():
            by_source[saved.source].append(saved)
        for source, several in by_source.items():
            total = sum(saved.bytes for saved in several)
            names = ", ".join(saved.name for saved in several)
            yield Arrow(
                key=f"s{node.id}-{source}",
                start=f"n{source}",
                end=f"g{node.id}",
                flow="saved",
                blocks=(Line(byte_text(total), "saved"),),
                facts=(f"{names} of {node.name}, saved for its gradient rules",),
                kept=total,
            )
