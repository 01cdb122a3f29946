"""The backward walk, watched: its events as data, and the operations it was made with as a graph.

Gradient rules are written with operations. Here the walk is recorded, so that each event knows which
operations computed it, and each of those which forward node it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_cnn import _context
from tinygrad_cnn._formula import names_in, rule_for, with_numbers
from tinygrad_cnn._graph_data import GraphEdge, GraphEvent, GraphNode
from tinygrad_cnn._graph_describe import Description
from tinygrad_cnn._node import Edge, Node
from tinygrad_cnn._saved import recall
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn._walk import Contribution, Event, Visit, walk
from tinygrad_cnn.autodiff import seeds

PREFIX = "∂/"  # of the names of a backward pass's operations


class Watched(NamedTuple):
    """What a backward walk did, and with what."""

    events: list[GraphEvent]
    nodes: list[GraphNode]
    edges: list[GraphEdge]


def watch(
    description: Description,
    graph_nodes: Sequence[GraphNode],
    edges: Sequence[GraphEdge],
    outputs: Sequence[Tensor],
    gradient: Tensor | None,
    recording: list[Node],
) -> Watched:
    """Walk backward from the outputs of a described graph; nothing is released, no `.grad` is touched.

    Args:
        recording: takes in every operation that the walk makes; empty.
    """
    forward = set(description.ids)
    happened: list[tuple[Event, list[Node], str]] = []
    origins: dict[Node, int] = {}
    gradients: dict[Node, Tensor] = {}  # of each Node visited, complete
    known = 0
    token = _context.enter(_context.current()._replace(recording=recording))
    try:
        for event in walk(outputs, seeds(outputs, gradient), retain_graph=True):
            made, known = recording[known:], len(recording)
            owner = event.edge.consumer if isinstance(event, Contribution) else event.node
            origins.update(dict.fromkeys(made, description.ids[owner]))
            numbers = ""
            if isinstance(event, Visit):
                gradients[event.node] = event.cotangent
            elif isinstance(event, Contribution):
                inputs = [graph_nodes[description.ids[p]].values[index] for p, index in owner.inputs]
                numbers = _numbers(event.edge, inputs, gradients[owner], event.value)
            happened.append((event, made, numbers))
    finally:
        _context.leave(token)

    results = [_value(event).node for event, _, _ in happened]
    leaves = {parent for node in recording for parent, _ in node.inputs} | set(results)
    nodes = sorted({*recording, *leaves} - forward, key=lambda node: node.serial)
    described = description.nodes(nodes, {}, origins=origins, prefix=PREFIX)
    places = {(edge.target, edge.position): place for place, edge in enumerate(edges)}
    events = [
        _as_data(event, made, numbers, description.ids, places, edges) for event, made, numbers in happened
    ]
    return Watched(events, described, description.edges(nodes))


def _value(event: Event) -> Tensor:
    return event.cotangent if isinstance(event, Visit) else event.value


def _as_data(
    event: Event,
    made: Sequence[Node],
    numbers: str,
    ids: dict[Node, int],
    places: dict[tuple[int, int], int],
    edges: Sequence[GraphEdge],
) -> GraphEvent:
    value = _value(event)
    result, nodes = ids[value.node], tuple(ids[node] for node in made)
    if not isinstance(event, Contribution):
        return GraphEvent(
            kind="visit" if isinstance(event, Visit) else "sum",
            node=ids[event.node],
            value=value,
            nodes=nodes,
            result=result,
            output=value._index,
        )
    place = places[ids[event.edge.consumer], event.edge.position]
    return GraphEvent(
        kind="contribution",
        node=edges[place].source,
        value=value,
        edge=place,
        formula=_formula(event.edge),
        numbers=numbers,
        nodes=nodes,
        result=result,
        output=value._index,
    )


def _formula(edge: Edge) -> str:
    assert edge.consumer.op is not None
    return rule_for(edge.consumer.op.rules[edge.argument].formula, edge.argument)


def _numbers(edge: Edge, inputs: Sequence[Tensor | None], cotangent: Tensor, contribution: Tensor) -> str:
    """The rule with this step's numbers, where all of them are single ones."""
    consumer = edge.consumer
    assert consumer.op is not None
    saved = {name: recall(consumer, name) for name in consumer.op.rules[edge.argument].saves}
    named = {consumer.argument(position): value for position, value in enumerate(inputs)}
    tensors = {**{name: value for name, value in named.items() if value is not None}, **saved}
    everything = [cotangent, contribution, *tensors.values()]
    if any(not isinstance(value, Tensor) or value.shape for value in everything):
        return ""
    if names_in(_formula(edge)) & (named.keys() - tensors.keys()):
        return ""  # not all values were kept
    values = {name: float(value.item()) for name, value in {"g": cotangent, **tensors}.items()}
    options = {name: value for name, value in consumer.params.items() if type(value) in (int, float)}
    return with_numbers(_formula(edge), {**options, **values}, float(contribution.item()))
