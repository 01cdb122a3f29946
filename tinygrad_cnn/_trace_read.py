"""A trace file back into a graph: every entry is looked at before anything is believed of it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tinygrad_cnn._create import tensor
from tinygrad_cnn._digest import Digest
from tinygrad_cnn._graph_data import GraphEdge, GraphEvent, GraphNode, Saved
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn._trace_write import FORMAT, NOT_FINITE, VERSION
from tinygrad_cnn.dtypes import DTYPES, Spec
from tinygrad_cnn.errors import FileFormatError
from tinygrad_cnn.graph import Graph


def load(path: str | os.PathLike[str]) -> Graph:
    """Read a trace file: a graph for pictures and players, without the engine behind it.

    Large tensors come back as what was written of them (`Digest`), parameters as JSON holds them.

    Raises:
        FileFormatError: no trace, one of another version, or a damaged one; says which entry.
        OSError: the file cannot be opened, with Python's own message.

    >>> import tempfile, tinygrad_cnn as tc
    >>> a = tc.tensor(2.0, requires_grad=True, name="a")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     graph = tc.Graph.load(tc.Graph.of(a * a).save(f"{folder}/square.json"))
    >>> [(node.name, node.symbol) for node in graph.nodes]
    [('a', ''), ('mul', '·')]
    """
    content = Path(path).read_bytes()
    try:
        trace = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{path}: this is not JSON",
            expected="a trace that graph.save wrote",
            got=f"{len(content)} bytes: {error}",
        ) from error
    return from_json(trace, str(path))


def from_json(trace: Any, what: str = "the trace") -> Graph:
    """A graph from the parsed text of a trace file; errors as for `load`."""
    if not isinstance(trace, dict) or trace.get("format") != FORMAT:
        raise FileFormatError(
            f"{what}: this is not a trace", expected=f'"format": "{FORMAT}"', got=_short(trace)
        )
    if trace.get("version") != VERSION:
        raise FileFormatError(
            f"{what}: this trace has another version",
            expected=f"version {VERSION}",
            got=f"version {trace.get('version')}",
            hint="write it again with this version of tinygrad_cnn, or read it with the one that wrote it",
        )
    return _Reader(what).graph(trace)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


class _Reader:
    """Reads a trace and knows which entry it is at, so that an error can say."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.place = ""

    def graph(self, trace: dict[str, Any]) -> Graph:
        nodes = [self.node(*at) for at in self.placed(trace, "nodes")]
        edges = [self.edge(*at, known=len(nodes)) for at in self.placed(trace, "edges")]
        events = [self.event(*at, nodes=len(nodes), edges=len(edges)) for at in self.placed(trace, "events")]
        backward = [self.node(*at, first=len(nodes)) for at in self.placed(trace, "backward_nodes")]
        known = len(nodes) + len(backward)
        backward_edges = [self.edge(*at, known=known) for at in self.placed(trace, "backward_edges")]
        return Graph.from_data(nodes, edges, events, backward, backward_edges)

    def placed(self, trace: dict[str, Any], name: str) -> list[tuple[int, Any, str]]:
        """Each entry of a list, with its number and what to call it in a message."""
        entries = self.entries(trace, name)
        return [(number, entry, f"{name}[{number}]") for number, entry in enumerate(entries)]

    def node(self, number: int, entry: Any, place: str, *, first: int = 0) -> GraphNode:
        self.place = place
        outputs = tuple(self.spec(spec) for spec in self.entries(entry, "outputs"))
        values = tuple(None if v is None else self.value(v) for v in self.entries(entry, "values"))
        if self.field(entry, "id", int) != first + number or len(values) != len(outputs) or not outputs:
            self.fail("ids count up from 0, and there is a value or null for each output")
        kind = self.field(entry, "kind", str)
        if kind not in ("input", "parameter", "constant", "op", "output"):
            self.fail("an unknown kind of node", got=kind)
        return GraphNode(
            id=first + number,
            kind=kind,
            name=self.field(entry, "name", str),
            label=self.field(entry, "label", str),
            op=self.field(entry, "op", str),
            symbol=self.field(entry, "symbol", str),
            scope=self.field(entry, "scope", str),
            outputs=outputs,
            params={name: _tuples(value) for name, value in self.field(entry, "params", dict).items()},
            source=self.field(entry, "source", str),
            requires_grad=self.field(entry, "requires_grad", bool),
            saved=tuple(
                Saved(self.field(s, "name", str), self.field(s, "source", int), self.field(s, "bytes", int))
                for s in self.entries(entry, "saved")
            ),
            origin=None if entry.get("origin") is None else self.field(entry, "origin", int),
            values=values,
        )

    def edge(self, number: int, entry: Any, place: str, *, known: int) -> GraphEdge:
        self.place = place
        edge = GraphEdge(
            source=self.field(entry, "source", int),
            output=self.field(entry, "output", int),
            target=self.field(entry, "target", int),
            position=self.field(entry, "position", int),
            argument=self.field(entry, "argument", str),
            spec=self.spec(entry),
            derivative=None if entry.get("derivative") is None else self.number(entry["derivative"]),
        )
        if not 0 <= edge.source < edge.target < known:
            self.fail("an edge leads from a node to a later one", got=f"{edge.source} to {edge.target}")
        return edge

    def event(self, number: int, entry: Any, place: str, *, nodes: int, edges: int) -> GraphEvent:
        self.place = place
        kind, node, edge = self.field(entry, "kind", str), self.field(entry, "node", int), entry.get("edge")
        if kind not in ("visit", "contribution", "sum"):
            self.fail("an unknown kind of event", got=kind)
        if not 0 <= node < nodes or (edge is not None and not (type(edge) is int and 0 <= edge < edges)):
            self.fail("an event happens at a node that exists, on an edge that exists")
        return GraphEvent(
            kind=kind,
            node=node,
            value=self.value(self.field(entry, "value", dict)),
            edge=edge,
            formula=self.field(entry, "formula", str),
            numbers=self.field(entry, "numbers", str),
            nodes=tuple(self.entries(entry, "nodes")),
            result=None if entry.get("result") is None else self.field(entry, "result", int),
            output=self.field(entry, "output", int),
        )

    def spec(self, entry: Any) -> Spec:
        shape, name = self.entries(entry, "shape"), self.field(entry, "dtype", str)
        if name not in DTYPES or any(type(size) is not int or size < 0 for size in shape):
            self.fail("a shape is a list of sizes, a dtype one of ours", got=f"{shape}, {name}")
        return Spec(tuple(shape), DTYPES[name])

    def value(self, entry: Any) -> Tensor | Digest:
        shape, dtype = self.spec(entry)
        if "data" in entry:
            numbers = [self.number(element) for element in self.entries(entry, "data")]
            if len(numbers) != math.prod(shape):
                self.fail("as many numbers as the shape holds", got=f"{len(numbers)} for {shape}")
            try:
                array = np.array(numbers, dtype=dtype.name).reshape(shape)
            except (ValueError, OverflowError) as error:
                self.fail(f"these numbers are not {dtype}: {error}")
            return tensor(array, backend="numpy")
        return Digest(
            shape=shape,
            dtype=dtype,
            minimum=self.number(entry.get("minimum")),
            mean=self.number(entry.get("mean")),
            maximum=self.number(entry.get("maximum")),
            zeros=self.field(entry, "zeros", int),
            nan=self.field(entry, "nan", int),
            infinite=self.field(entry, "infinite", int),
            counts=tuple(self.entries(entry, "counts")),
            image=tuple(tuple(map(self.number, row)) for row in self.entries(entry, "image")),
        )

    def number(self, value: Any) -> float:
        if isinstance(value, (bool, int, float)):
            return value
        if not isinstance(value, str) or value not in NOT_FINITE:
            self.fail("a number is missing", got=_short(value))
        return NOT_FINITE[value]

    def entries(self, entry: Any, name: str) -> list[Any]:
        found: list[Any] = self.field(entry, name, list)
        return found

    def field(self, entry: Any, name: str, kind: type) -> Any:
        value = entry.get(name) if isinstance(entry, Mapping) else None
        if type(value) is not kind:
            self.fail(f"`{name}` should be a {kind.__name__}", got=_short(value))
        return value

    def fail(self, problem: str, got: str | None = None) -> NoReturn:
        raise FileFormatError(
            f"{self.what}: the trace is damaged: {problem}",
            argument=self.place or "trace",
            expected="what graph.save wrote",
            got=got,
        )


def _tuples(value: Any) -> Any:
    """A parameter as an operation has it: JSON knows only lists."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
