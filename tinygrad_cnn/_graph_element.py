"""Zoom to scalars: the graph of the single numbers that one element of a tensor is computed from.

The operations of a graph are run again, from the same source, on the scalar backend, whose numbers remember
how they were computed. What one element of the result remembers is the picture: for a convolution the
products under one window and their sum, for a loss the whole way from the weights. The numbers are float64,
whatever the graph was computed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._formula import number, rule_for, with_numbers
from tinygrad_cnn._graph_data import GraphEdge, GraphEvent, GraphNode, Kind
from tinygrad_cnn._node import Node
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import Shape, Spec, float64
from tinygrad_cnn.errors import ArgumentError, GradientError, IndexingError

# What a single number of the scalar backend is: its attributes are value, parents, symbol, history().
Number = Any

_SPEC = Spec((), float64)


def element(
    engine_nodes: Sequence[Node],
    nodes: Sequence[GraphNode],
    target: int,
    index: tuple[int, ...],
    depth: int | None,
    most_nodes: int,
) -> tuple[list[GraphNode], list[GraphEdge], list[GraphEvent]]:
    """The scalar graph behind one element of node `target`, with its backward walk.

    Args:
        depth: how many tensor operations to look into; what those start from is taken as it is.
        most_nodes: more numbers than that are an error.
    """
    _check_index(index, nodes[target].outputs[0].shape)
    replay = _Replay(engine_nodes, nodes)
    numbers = replay.array(target, depth)[index].history()
    if len(numbers) > most_nodes:
        raise ArgumentError(
            f"this element is computed from {len(numbers):,} numbers",
            argument="index",
            expected=f"at most {most_nodes:,} in one picture",
            hint="look into fewer operations: depth=1 is the last one alone",
        )
    return _as_graph(numbers, replay, f"{nodes[target].label or nodes[target].name}{_place(index)}")


def _check_index(index: tuple[int, ...], shape: Shape) -> None:
    if len(index) != len(shape):
        raise IndexingError(
            "one element needs an index for every dimension",
            argument="index",
            expected=f"{len(shape)} numbers for shape {shape}",
            got=index,
        )
    for dim, (place, size) in enumerate(zip(index, shape, strict=True)):
        if not -size <= place < size:
            raise IndexingError.outside(place, size, dim)


def _place(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


# --- running the operations again -----------------------------------------------------------------


class _Replay:
    """Computes nodes of a graph on the scalar backend.

    Attributes:
        names: of the numbers that the replay starts from, such as "W[0, 1]".
    """

    def __init__(self, engine_nodes: Sequence[Node], nodes: Sequence[GraphNode]) -> None:
        self.engine_nodes = engine_nodes
        self.nodes = nodes
        self.ids = {node: place for place, node in enumerate(engine_nodes)}
        self.backend: Backend = get_backend("scalar")
        self.results: dict[int, tuple[Any, ...]] = {}
        self.names: dict[Number, str] = {}
        self.kinds: dict[Number, Kind] = {}  # and what they are

    def array(self, target: int, depth: int | None) -> Any:
        """The first result of a node, as an array of numbers that remember."""
        wanted = self._wanted(target, depth)
        for place in sorted(wanted):
            node = self.engine_nodes[place]
            if node.op is None or wanted[place] == 0:
                self.results[place] = tuple(self._start(place, output) for output in range(len(node.outputs)))
                continue
            inputs = [self.results[self.ids[parent]][output] for parent, output in node.inputs]
            assert self.backend.run is not None
            result = self.backend.run(node.op.kernel, inputs, node.params)
            several = (result,) if node.op.single else result
            self.results[place] = tuple(self.backend.xp.asarray(array) for array in several)
            if self.nodes[place].label:
                self._name(place, self.results[place][0])
        return self.results[target][0]

    def _wanted(self, target: int, depth: int | None) -> dict[int, int | None]:
        """The nodes to compute, and how many operations may still be looked into behind each."""
        wanted: dict[int, int | None] = {}
        stack = [(target, depth)]
        while stack:
            place, left = stack.pop()
            if place in wanted and (wanted[place] is None or (left is not None and left <= wanted[place])):  # type: ignore[operator]
                continue
            wanted[place] = left
            if left != 0:
                rest = None if left is None else left - 1
                stack += [(self.ids[parent], rest) for parent, _ in self.engine_nodes[place].inputs]
        return wanted

    def _start(self, place: int, output: int) -> Any:
        node, value = self.nodes[place], self.nodes[place].values[output]
        if not isinstance(value, Tensor):
            if output:  # of a node that is taken as it is, only what somebody kept
                return None
            raise GradientError(
                f"the value of {node.name} was not kept, so its numbers cannot be looked into",
                expected="a graph with its values",
                got=node.name,
                hint="compute inside `with tc.record():`, which keeps everything",
            )
        array = self.backend.asarray(value.numpy(), value.dtype)
        if output == 0:
            self._name(place, array)
        return array

    def _name(self, place: int, array: Any) -> None:
        """Call the numbers of a node's result after it, those that have no name yet."""
        node = self.nodes[place]
        if node.outputs[0].dtype.is_floating:
            for index in _indices(node.outputs[0].shape):
                self.names.setdefault(array[index], (node.label or node.name) + _place(index))
                self.kinds.setdefault(array[index], node.kind if node.is_leaf else "input")


def _indices(shape: Shape) -> list[tuple[int, ...]]:
    places: list[tuple[int, ...]] = [()]
    for size in shape:
        places = [(*place, i) for place in places for i in range(size)]
    return places


# --- numbers as nodes -----------------------------------------------------------------------------


def _as_graph(
    numbers: Sequence[Number], replay: _Replay, title: str
) -> tuple[list[GraphNode], list[GraphEdge], list[GraphEvent]]:
    ids = {each: place for place, each in enumerate(numbers)}
    names, last = replay.names, numbers[-1]
    nodes = [
        GraphNode(
            id=place,
            kind="output" if each is last else "op" if each.parents else replay.kinds.get(each, "constant"),
            name=title if each is last else names.get(each, f"n{place}"),
            label=title if each is last else names.get(each, "" if each.parents else number(each.value)),
            op=_operation(each),
            symbol=each.symbol,
            scope="",
            outputs=(_SPEC,),
            params={},
            source="",
            requires_grad=True,
            saved=(),
            origin=None,
            values=(_tensor(each.value),),
        )
        for place, each in enumerate(numbers)
    ]
    edges = [
        GraphEdge(ids[parent], 0, place, position, _argument(each, position), _SPEC, derivative)
        for place, each in enumerate(numbers)
        for position, (parent, derivative) in enumerate(each.parents)
    ]
    return nodes, edges, list(_walk(nodes, edges))


# The scalar engine draws its operations with the symbols that ours have.
_BY_SYMBOL = {(op.symbol, len(op.input_names)): op for op in reversed(list(REGISTRY.values()))}


def _operation(each: Number) -> str:
    op = _BY_SYMBOL.get((each.symbol, len(each.parents)))
    return op.name if op is not None else each.symbol


def _argument(each: Number, position: int) -> str:
    op = _BY_SYMBOL.get((each.symbol, len(each.parents)))
    return op.input_names[position] if op is not None else f"x{position + 1}"


def _tensor(value: float) -> Tensor:
    host = get_backend("numpy")
    return Tensor(host.asarray(value, float64), (), float64, host)


def _walk(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> list[GraphEvent]:
    """The backward walk over single numbers, from 1 at the last: what arrives is g times the derivative."""
    incoming: list[list[int]] = [[] for _ in nodes]
    for place, edge in enumerate(edges):
        incoming[edge.target].append(place)
    gradients: dict[int, float] = {nodes[-1].id: 1.0}
    events: list[GraphEvent] = []
    for node in reversed(nodes):
        if node.id not in gradients:
            continue
        g = gradients[node.id]
        events.append(GraphEvent("visit", node.id, _tensor(g)))
        values = {
            edges[place].argument: nodes[edges[place].source].value.item() for place in incoming[node.id]
        }
        for place in incoming[node.id]:
            edge = edges[place]
            assert edge.derivative is not None
            sent = g * edge.derivative
            formula = _formula(node, edge.argument)
            shown = with_numbers(formula, {**values, "g": g, "out": node.value.item()}, sent)
            events.append(GraphEvent("contribution", edge.source, _tensor(sent), place, formula, shown))
            if edge.source in gradients:
                gradients[edge.source] += sent
                events.append(GraphEvent("sum", edge.source, _tensor(gradients[edge.source])))
            else:
                gradients[edge.source] = sent
    return events


def _formula(node: GraphNode, argument: str) -> str:
    op = REGISTRY.get(node.op)
    if op is None or argument not in op.rules:
        return f"∂L/∂{argument} = g / (number of equals)"  # of a maximum that several numbers share
    return rule_for(op.rules[argument].formula, argument)
