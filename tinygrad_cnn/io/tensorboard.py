"""A graph for TensorBoard's "Graphs" tab: scopes that open on a double click, shapes on edges, details.

    graph.to_tensorboard("logs")                what was computed
    graph.to_tensorboard("logs", backward=True) and, in a box called "gradients", the backward pass
    $ tensorboard --logdir logs

TensorBoard draws TensorFlow's `GraphDef`, a list of nodes:

    name    "LeNet5/conv1/conv": scope and own name; TensorBoard makes the boxes of what stands before a "/"
    op      "conv", or what TensorFlow calls a leaf: "VariableV2", "Placeholder", "Const"
    input   ["images", "LeNet5/conv1/weight"]: names of other nodes; "max_pool:1" is the second result
    attr    whatever else is known; shown when a node is selected

Names in it are made of the letters A-Z, digits, "_", "." and "-". A person's names may hold anything, so
here they get a name of that kind, each its own.

Sources: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/framework/graph.proto and, for
names, https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/framework/ops.py
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tinygrad_cnn._formula import number
from tinygrad_cnn._graph_backward import PREFIX
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DType
from tinygrad_cnn.graph import Graph, GraphEdge, GraphNode
from tinygrad_cnn.io.event_file import EventFile, tensorboardx

GRADIENTS = "gradients"  # the scope of the backward pass, as TensorFlow calls it

# What TensorFlow calls a leaf. TensorBoard draws a Const as a small dot beside its consumer.
_LEAVES = {"input": "Placeholder", "parameter": "VariableV2", "constant": "Const"}
_TYPES = {
    "bool": "DT_BOOL",
    "uint8": "DT_UINT8",
    "int8": "DT_INT8",
    "int16": "DT_INT16",
    "int32": "DT_INT32",
    "int64": "DT_INT64",
    "bfloat16": "DT_BFLOAT16",
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
}
_ACCENTS = {"\N{COMBINING CIRCUMFLEX ACCENT}": " hat ", "\N{COMBINING MACRON}": " bar "}


def to_tensorboard(graph: Graph, logdir: str | os.PathLike[str], *, backward: bool = False) -> Path:
    """Write the graph to an event file, for the "Graphs" tab of `tensorboard --logdir ...`.

    Selecting a node there shows its shapes, dtype, parameters, the line of the program that computed it, and
    the bytes that it keeps for the backward pass.

    Args:
        logdir: the folder for the file, made if it does not exist. A folder shows one graph, the newest.
        backward: the operations of the backward pass too; `graph.backward()` is called if it was not yet.

    Returns:
        The folder.

    Raises:
        OptionalDependencyError: tensorboardX is not installed.
        GradientError: with `backward=True`, where `graph.backward()` raises it.
        OSError: the file cannot be written, with Python's own message.

    >>> import tempfile
    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     logdir = tc.Graph.of((x * x).sum()).to_tensorboard(f"{folder}/logs")
    ...     len(list(logdir.glob("events.out.tfevents.*")))
    1
    """
    definition = graph_def(graph, backward=backward)
    with closing(EventFile(logdir)) as events:
        events.graph(definition)
    return Path(logdir)


def graph_def(graph: Graph, *, backward: bool = False) -> Any:
    """The graph as TensorFlow's `GraphDef`, a protocol buffer; arguments and errors as of `to_tensorboard`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with tc.name_scope("block"):
    ...     y = (x * 3).sum()
    >>> [(node.name, node.op, list(node.input)) for node in graph_def(tc.Graph.of(y)).node]
    [('block/x', 'VariableV2', []), ('block/3', 'Const', []), ('block/mul', 'mul', ['block/x', 'block/3']), \
('block/sum', 'sum', ['block/mul'])]
    """
    library = tensorboardx()
    if backward and not graph.events:
        graph.backward()
    nodes = [*graph.nodes, *graph.backward_nodes] if backward else graph.nodes
    edges = [*graph.edges, *graph.backward_edges] if backward else graph.edges
    names = node_names(nodes, first_backward=len(graph.nodes))
    inputs = _inputs(edges, names)
    rules = _rules(graph) if backward else {}
    definition = library.proto.graph_pb2.GraphDef()
    definition.versions.producer = 22  # of the days when variables were VariableV2
    for node in nodes:
        written = definition.node.add(name=names[node.id], op=node.op or _LEAVES[node.kind])
        written.input.extend(inputs[node.id])
        for key, value in _facts(node, names, rules.get(node.id, "")).items():
            written.attr[key].CopyFrom(_attribute(library.proto, value))
        for spec in node.outputs:
            shape = written.attr["_output_shapes"].list.shape.add()
            for size in spec.shape:
                shape.dim.add(size=size)
    return definition


def _inputs(edges: Iterable[GraphEdge], names: Mapping[int, str]) -> dict[int, list[str]]:
    """What each node is computed from, in the order of its arguments."""
    inputs: dict[int, list[str]] = defaultdict(list)
    for edge in sorted(edges, key=lambda edge: (edge.target, edge.position)):
        name = names[edge.source]
        inputs[edge.target].append(f"{name}:{edge.output}" if edge.output else name)
    return inputs


def _rules(graph: Graph) -> dict[int, str]:
    """For each operation of the backward pass, the gradient rule that it belongs to."""
    return {node: event.formula for event in graph.events for node in event.nodes if event.formula}


# --- what is known about a node --------------------------------------------------------------------


def _facts(node: GraphNode, names: Mapping[int, str], rule: str) -> dict[str, Any]:
    """What TensorBoard shows when a node is selected. An operation's parameters keep their own names."""
    facts: dict[str, Any] = {"T" if node.op else "dtype": node.outputs[0].dtype}
    if node.label:
        facts["label"] = node.label
    if node.source:
        facts["line"] = node.source
    if isinstance(node.value, Tensor) and not node.value.shape and node.value.backend.executes:
        facts["value"] = number(node.value.item())
    if node.saved:
        facts["saved_bytes"] = sum(saved.bytes for saved in node.saved)
        facts["saved"] = ", ".join(f"{saved.name}: {saved.bytes:,} bytes" for saved in node.saved)
    if node.origin is not None:
        facts["gradient_of"] = names[node.origin]
    if rule:
        facts["rule"] = rule
    # A dtype among the parameters is a word, as it is in a trace file.
    return facts | {k: str(v) if isinstance(v, DType) else v for k, v in node.params.items()}


def _attribute(proto: Any, value: Any) -> Any:
    """The value in the field for its type; for what TensorFlow has no type for, in words."""
    make = proto.attr_value_pb2.AttrValue
    if isinstance(value, DType):
        return make(type=proto.types_pb2.DataType.Value(_TYPES[value.name]))
    if isinstance(value, bool):
        return make(b=value)
    if _is_int64(value):
        return make(i=value)
    if isinstance(value, tuple) and all(map(_is_int64, value)):
        return make(list=make.ListValue(i=value))
    text = str(value).encode(errors="replace")
    # TensorBoard shows the field for words as bytes, "∂" as "\342\210\202", but this other one as it is.
    return make(s=text) if text.isascii() else make(placeholder=text.decode())


def _is_int64(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


# --- names ----------------------------------------------------------------------------------------


def node_names(nodes: Sequence[GraphNode], *, first_backward: int) -> dict[int, str]:
    """The name of every node in TensorFlow's grammar, by its id.

    Scopes stay scopes, each its own. The nodes from `first_backward` on are put under "gradients/".

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="my weight")
    >>> b = tc.tensor(1.0, requires_grad=True, name="my/weight")
    >>> graph = tc.Graph.of(a * b)
    >>> node_names(graph.nodes, first_backward=3)
    {0: 'my_weight', 1: 'my_weight_1', 2: 'mul'}
    """
    scopes, unused = _Scopes(), _Unused()
    names = {}
    for node in nodes:
        is_backward = node.id >= first_backward
        name = node.name.removeprefix(PREFIX) if is_backward else node.name
        own = _cleaned(name.removeprefix(node.scope).removeprefix("/"))
        names[node.id] = unused(_join(scopes.name(is_backward, node.scope), own))
    return names


class _Unused:
    """Gives `name`, then `name_1`, `name_2`, as TensorFlow counts."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        candidate = name
        while candidate in self._taken:
            self._taken[name] += 1
            candidate = f"{name}_{self._taken[name]}"
        self._taken[candidate] = 0
        return candidate


class _Scopes:
    """The names of scopes; two that are not the same never get the same."""

    def __init__(self) -> None:
        self._unused = _Unused()
        self._names = {(False, ""): "", (True, ""): self._unused(GRADIENTS)}

    def name(self, is_backward: bool, path: str) -> str:
        if (is_backward, path) not in self._names:
            outer, _, own = path.rpartition("/")
            name = _join(self.name(is_backward, outer), _cleaned(own))
            self._names[is_backward, path] = self._unused(name)
        return self._names[is_backward, path]


def _join(scope: str, own: str) -> str:
    return f"{scope}/{own}" if scope else own


def _cleaned(text: str) -> str:
    """One part of a name: letters that TensorFlow does not know are spelled, all else becomes "_".

    >>> [_cleaned(text) for text in ("ŷ", "W₁", "w[0, 1]", "Δθ", "−0.5", "🙂")]
    ['y_hat', 'W1', 'w_0_1', 'delta_theta', 'minus_0.5', 'unnamed']
    """
    signed = re.sub(r"^[-−](?=\d)", "minus_", text)  # a constant is called by its value
    spelled = "".join(map(_spelled, unicodedata.normalize("NFKD", signed)))
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", spelled).strip("_-") or "unnamed"


def _spelled(character: str) -> str:
    """A character of decomposed text, where "ŷ" is "y" and an accent after it."""
    greek = re.fullmatch(r"GREEK (?:SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(character, ""))
    if greek:
        return f" {greek[1].lower()} "
    return _ACCENTS.get(character, "" if unicodedata.combining(character) else character)
