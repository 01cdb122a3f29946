"""A Graph in the DOT language, which Graphviz lays out and draws.

Leaves and operations become nodes in the forms of the visual language, scopes become boxes inside boxes,
and the shape of what flows is written on each edge. Hovering a node in an SVG shows the rest: its full
name, dtypes, parameters, value and the user's line.

Data runs in a straight line, from left to right or, in deep networks, from top to bottom; there parameters
stand beside the operation that they join, not above it.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.graph import Graph, GraphEdge, GraphNode, Scope
from tinygrad_cnn.viz.theme import MONO, SANS, Theme, get_theme, number, shape_text

if TYPE_CHECKING:
    from graphviz import Digraph

MOST_NODES = 20_000  # beyond, layout takes minutes and nobody can read the result
DEEP = 12  # a longer chain of operations runs from top to bottom
_LONGEST_LABEL = 32
_STRAIGHT, _BENT = "100", "1"  # how much an edge insists on being a straight line
_LETTER = 0.1  # inches: a generous width of a letter in the title of a box


def to_dot(graph: Graph, *, theme: str = "light") -> str:
    """The graph in the DOT language, ready for any Graphviz tool.

    Args:
        theme: "light" or "dark", the background it will be seen on.

    Raises:
        ArgumentError: more nodes than can be drawn; says how many.
        UnknownName: no such theme.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> print(tc.Graph.of(a + a).to_dot().splitlines()[0])
    digraph {
    """
    if len(graph.nodes) > MOST_NODES:
        raise ArgumentError(
            f"this graph has {len(graph.nodes):,} nodes",
            argument="graph",
            expected=f"at most {MOST_NODES:,} nodes in one drawing",
            hint="draw a part of it: tc.Graph.of(an intermediate result)",
        )
    return str(_Drawing(graph, get_theme(theme)).whole().source)


def depth(graph: Graph) -> int:
    """The number of operations on the longest way through the graph."""
    depths = [0] * len(graph.nodes)
    for edge in graph.edges:  # edges come in the order of their targets, and parents before consumers
        depths[edge.target] = max(depths[edge.target], depths[edge.source] + 1)
    return max(depths, default=0)


class _Drawing:
    """One graph on its way into DOT."""

    def __init__(self, graph: Graph, theme: Theme) -> None:
        self.graph = graph
        self.theme = theme
        self.deep = depth(graph) > DEEP
        self.side = _side_branches(graph)
        self.rows: dict[str, list[tuple[str, str]]] = defaultdict(list)  # by scope: left, right
        self.reversed: set[GraphEdge] = set()  # edges whose source stands to the right of their target
        self.titles: dict[int, str] = {}  # the title to keep clear of, by the node that is entered
        if self.deep:
            self._align()

    def _align(self) -> None:
        """Put parameters into the row of the operation they join, the first to its left, the next right."""
        joined: dict[int, int] = defaultdict(int)
        for edge in self.graph.edges:
            source, target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
            if source.id in self.side and source.scope == target.scope and joined[target.id] < 2:
                pair = (_dot_id(source.id), _dot_id(target.id))
                if joined[target.id]:
                    self.reversed.add(edge)
                    pair = (pair[1], pair[0])
                self.rows[target.scope].append(pair)
                joined[target.id] += 1
        for edge in self.graph.edges:
            source, target = self.graph.nodes[edge.source], self.graph.nodes[edge.target]
            entered = _scopes_entered(source.scope, target.scope)
            if entered and edge.source not in self.side and not joined[target.id]:
                self.titles[target.id] = max(entered, key=len)

    def whole(self) -> Digraph:
        from graphviz import Digraph  # not needed before somebody draws

        theme = self.theme
        drawing = Digraph(
            graph_attr={
                "rankdir": "TB" if self.deep else "LR",
                "bgcolor": theme.background,
                "pad": "0.3",
                "nodesep": "0.3",
                "ranksep": "0.45",
            },
            node_attr={
                "fontname": SANS,
                "fontsize": "14",
                "fontcolor": theme.ink,
                "color": theme.ink,
                "margin": "0.14,0.07",
            },
            edge_attr={
                "fontname": MONO,
                "fontsize": "12",
                "fontcolor": theme.muted,
                "color": theme.ink,
                "arrowsize": "0.7",
            },
        )
        self._scope(drawing, self.graph.scopes, 0)
        for edge in self.graph.edges:
            ends = (_dot_id(edge.source), _dot_id(edge.target))
            attributes = _edge_attributes(edge) | {"weight": _BENT if edge.source in self.side else _STRAIGHT}
            if edge in self.reversed:
                drawing.edge(ends[1], ends[0], dir="back", **attributes)
            else:
                drawing.edge(*ends, **attributes)
        return drawing

    def _scope(self, drawing: Digraph, scope: Scope, level: int) -> None:
        for node in scope.nodes:
            group = "" if node in self.side else "stream"  # of one group: kept in line
            drawing.node(_dot_id(node), group=group, **_node_attributes(self.graph.nodes[node], self.theme))
            if node in self.titles:
                self._keep_clear(drawing, node)
        for left, right in self.rows[scope.path]:
            _same_row(drawing, left, right)
        for child in scope.children:
            with drawing.subgraph(name=f"cluster_{child.path}") as box:
                box.attr(
                    label=_html(child.name),
                    tooltip=_plain(child.path),
                    fontname=SANS,
                    fontsize="12",
                    fontcolor=self.theme.muted,
                    style="rounded,filled",
                    fillcolor=self.theme.scope_fills[level % 2],
                    color=self.theme.scope_line,
                    labeljust="l",
                    margin="14",
                )
                self._scope(box, child, level + 1)

    def _keep_clear(self, drawing: Digraph, node: int) -> None:
        """Nothing, as wide as the title of the box, to the left of where an arrow comes in."""
        room = f"room{node}"
        width = f"{len(self.titles[node]) * _LETTER:.2f}"
        drawing.node(room, label="", style="invis", shape="box", width=width, height="0", margin="0")
        drawing.edge(room, _dot_id(node), style="invis")
        _same_row(drawing, room, _dot_id(node))


def _same_row(drawing: Digraph, left: str, right: str) -> None:
    with drawing.subgraph() as row:
        row.attr(rank="same")
        row.node(left)
        row.node(right)


def _side_branches(graph: Graph) -> set[int]:
    """Ids of parameters, constants, and operations on nothing else, that join the stream of data."""
    stream = {node.id for node in graph.nodes if node.kind == "input"}
    consumers: dict[int, int] = defaultdict(int)
    for edge in graph.edges:
        consumers[edge.source] += 1
        if edge.source in stream:
            stream.add(edge.target)
    if not stream:  # a formula of parameters alone: every one of them is the subject
        return set()
    return {node.id for node in graph.nodes if node.id not in stream and consumers[node.id] == 1}


def _scopes_entered(source: str, target: str) -> list[str]:
    """The names of the boxes around the target that are not around the source."""
    outside, inside = source.split("/"), target.split("/") if target else []
    shared = 0
    while shared < min(len(outside), len(inside)) and outside[shared] == inside[shared]:
        shared += 1
    return inside[shared:]


# --- nodes and edges ------------------------------------------------------------------------------


def _dot_id(node: int) -> str:
    return f"n{node}"


def _node_attributes(node: GraphNode, theme: Theme) -> dict[str, str]:
    attributes = {"label": _node_label(node), "tooltip": _plain("\n".join(_facts(node)))}
    if node.kind == "input":
        return attributes | {
            "shape": "box",
            "style": "filled",
            "fillcolor": theme.input_fill,
            "penwidth": "0",
        }
    if node.kind == "parameter":
        return attributes | {
            "shape": "box",
            "style": "rounded,filled",
            "fillcolor": theme.parameter_fill,
            "fontcolor": theme.on_parameter,
            "penwidth": "0",
        }
    if node.kind == "constant":
        return attributes | {"shape": "box", "color": theme.muted, "penwidth": "0.6"}
    if node.kind == "output":
        return attributes | {
            "shape": "ellipse",
            "style": "filled",
            "fillcolor": theme.output_fill,
            "fontcolor": theme.on_output,
            "peripheries": "2",
        }
    return attributes | {"shape": "ellipse", "style": "filled", "fillcolor": theme.op_fill}


def _node_label(node: GraphNode) -> str:
    """What is written in a node: the name of a leaf, a constant's number, an operation's symbol."""
    if node.kind == "constant" and not node.label and _has_number(node):
        return _html(number(node.values[0].item()))
    if node.is_leaf:
        name = _markup(node.label or node.kind)
        return f"<<B>{name}</B>>" if node.kind == "parameter" else f"<{name}>"
    size = 20 if len(node.symbol) <= 2 else 14
    symbol = f'<FONT POINT-SIZE="{size}">{_markup(node.symbol)}</FONT>'
    return f"<{symbol}<BR/>{_markup(node.label)}>" if node.label else f"<{symbol}>"


def _has_number(node: GraphNode) -> bool:
    return bool(node.values) and node.values[0].backend.executes and not node.values[0].shape


def _edge_attributes(edge: GraphEdge) -> dict[str, str]:
    shape = shape_text(edge.spec.shape)
    fact = _plain(f"{edge.argument}: {shape}, {edge.spec.dtype}")
    return {"label": f" {shape} ", "tooltip": fact, "labeltooltip": fact}


def _facts(node: GraphNode) -> Iterator[str]:
    """Everything known about a node, a line each."""
    yield node.name
    if node.op:
        yield node.op + (f"({_listed(node.params)})" if node.params else "")
    for spec in node.outputs:
        yield f"{shape_text(spec.shape)}, {spec.dtype}"
    if _has_number(node):
        yield f"value {number(node.values[0].item())}"
    if node.source:
        yield node.source


def _listed(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in params.items())


# --- text that survives ---------------------------------------------------------------------------

# XML has no way to write these, not even escaped.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _plain(text: str) -> str:
    """Any text as a quoted DOT string: escaped, and without what XML cannot hold."""
    from graphviz import escape

    return str(escape(_UNWRITABLE.sub("\ufffd", text)))


def _html(text: str) -> str:
    """Any text as an HTML-like label, which unlike a quoted one has no escape sequences to stumble over."""
    return f"<{_markup(text)}>"


def _markup(text: str) -> str:
    if len(text) > _LONGEST_LABEL:
        text = f"{text[: _LONGEST_LABEL - 1]}…"
    lines = _UNWRITABLE.sub("\ufffd", text).splitlines() or [" "]
    return "<BR/>".join(html.escape(line) or " " for line in lines)
