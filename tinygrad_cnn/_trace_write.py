"""A graph in a file: one JSON object that every viewer reads, so that a trace can be handed out without code.

    {
      "format": "tinygrad_cnn.trace", "version": 1,
      "nodes":  [{"id", "kind", "name", "label", "op", "symbol", "scope", "outputs": [{"shape", "dtype"}],
                  "params", "source", "requires_grad", "saved": [{"name", "source", "bytes"}], "origin",
                  "values": [VALUE or null, one for each output]}, ...],
      "edges":  [{"source", "output", "target", "position", "argument", "shape", "dtype",
                  "derivative"}, ...],
      "events": [{"kind", "node", "value": VALUE, "edge", "formula", "numbers", "nodes", "result",
                  "output"}, ...],
      "backward_nodes": [as nodes], "backward_edges": [as edges]
    }

The fields mean what the attributes of `GraphNode`, `GraphEdge` and `GraphEvent` mean. A VALUE is

    {"shape", "dtype", "data": [numbers, row by row]}              for a small tensor, or for a large one
    {"shape", "dtype", "minimum", "mean", "maximum", "zeros", "nan", "infinite",
     "counts": [16 numbers], "image": [[numbers]]}                 which is a `Digest`

Numbers that JSON cannot write are the strings "NaN", "Infinity" and "-Infinity". The text holds no "<", so
it can stand inside a script element of a page as it is.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_cnn._digest import Digest, digest
from tinygrad_cnn._files import atomic_write
from tinygrad_cnn._graph_data import GraphEdge, GraphEvent, GraphNode
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.graph import Graph

FORMAT, VERSION = "tinygrad_cnn.trace", 1
MOST_ELEMENTS = 4096  # of a tensor that is written whole

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(graph: Graph, *, most_elements: int = MOST_ELEMENTS) -> str:
    """The graph as the text of a trace file; after `graph.backward()` with its events.

    Args:
        most_elements: tensors with more are summed up instead of written out.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(2.0, requires_grad=True, name="a")
    >>> graph = tc.Graph.of(a * a)
    >>> _ = graph.backward()
    >>> import json
    >>> trace = json.loads(graph.to_json())
    >>> trace["version"], [event["kind"] for event in trace["events"]]
    (1, ['visit', 'contribution', 'contribution', 'sum', 'visit'])
    """
    trace = {
        "format": FORMAT,
        "version": VERSION,
        "nodes": [_node_out(node, most_elements) for node in graph.nodes],
        "edges": [_edge_out(edge) for edge in graph.edges],
        "events": [_event_out(event, most_elements) for event in graph.events],
        "backward_nodes": [_node_out(node, most_elements) for node in graph.backward_nodes],
        "backward_edges": [_edge_out(edge) for edge in graph.backward_edges],
    }
    text = json.dumps(trace, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<\u2028\u2029":  # none of them has a meaning outside of JSON's strings
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def save(graph: Graph, path: str | os.PathLike[str], *, most_elements: int = MOST_ELEMENTS) -> Path:
    """Write the graph, and the events of its last `backward()`, to a trace file.

    Args:
        path: the file; it appears whole or not at all.
        most_elements: tensors with more are summed up instead of written out.

    Raises:
        OSError: the file cannot be written, with Python's own message.

    >>> import tempfile, tinygrad_cnn as tc
    >>> a = tc.tensor(2.0, requires_grad=True, name="a")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = tc.Graph.of(a * a).save(f"{folder}/square.json")
    ...     tc.Graph.load(path)
    <Graph of 2 nodes, 2 edges>
    """
    with atomic_write(path) as file:
        file.write(to_json(graph, most_elements=most_elements).encode())
    return Path(path)


def _node_out(node: GraphNode, most: int) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "name": _text(node.name),
        "label": _text(node.label),
        "op": node.op,
        "symbol": node.symbol,
        "scope": _text(node.scope),
        "outputs": [_spec_out(spec) for spec in node.outputs],
        "params": {name: _parameter(value) for name, value in node.params.items()},
        "source": _text(node.source),
        "requires_grad": node.requires_grad,
        "saved": [{"name": s.name, "source": s.source, "bytes": s.bytes} for s in node.saved],
        "origin": node.origin,
        "values": [_value_out(value, most) for value in node.values],
    }


def _edge_out(edge: GraphEdge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "output": edge.output,
        "target": edge.target,
        "position": edge.position,
        "argument": edge.argument,
        **_spec_out(edge.spec),
        "derivative": None if edge.derivative is None else _number(edge.derivative),
    }


def _event_out(event: GraphEvent, most: int) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "node": event.node,
        "value": _value_out(event.value, most),
        "edge": event.edge,
        "formula": event.formula,
        "numbers": event.numbers,
        "nodes": list(event.nodes),
        "result": event.result,
        "output": event.output,
    }


def _spec_out(spec: Spec) -> dict[str, Any]:
    return {"shape": list(spec.shape), "dtype": spec.dtype.name}


def _value_out(value: Tensor | Digest | None, most: int) -> dict[str, Any] | None:
    if value is None or (isinstance(value, Tensor) and not value.backend.executes):
        return None
    if isinstance(value, Tensor):
        if value.numel() <= most:
            data = [_number(element) for element in np.ravel(value.numpy()).tolist()]
            return {**_spec_out(Spec(value.shape, value.dtype)), "data": data}
        value = digest(value)
    return {
        **_spec_out(Spec(value.shape, value.dtype)),
        "minimum": _number(value.minimum),
        "mean": _number(value.mean),
        "maximum": _number(value.maximum),
        "zeros": value.zeros,
        "nan": value.nan,
        "infinite": value.infinite,
        "counts": list(value.counts),
        "image": [[_number(float(f"{element:.5g}")) for element in row] for row in value.image],
    }


def _number(value: float) -> float | str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _text(text: str) -> str:
    """Any text as one that UTF-8 can hold."""
    return text.encode(errors="replace").decode()


def _parameter(value: Any) -> Any:
    """An operation's parameter in JSON's words; what has none is written as Python shows it."""
    if isinstance(value, (tuple, list)):
        return [_parameter(item) for item in value]
    if isinstance(value, float):
        return _number(value)
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
