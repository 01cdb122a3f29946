"""A Graph in the DOT language, which Graphviz lays out and draws.

Leaves and operations become nodes in the forms of the visual language, scopes become boxes inside boxes,
and the shape of what flows is written on each edge. Hovering a node in an SVG shows the rest: its full
name, dtypes, parameters, value and the user's line.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.graph import Graph, GraphEdge, GraphNode, Scope
from tinygrad_cnn.viz.layout import Layout, dot_name
from tinygrad_cnn.viz.theme import MONO, SANS, Theme, get_theme, number, shape_text

if TYPE_CHECKING:
    from graphviz import Digraph

MOST_NODES = 20_000  # beyond, layout takes minutes and nobody can read the result
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


class _Drawing:
    """One graph on its way into DOT."""

    def __init__(self, graph: Graph, theme: Theme) -> None:
        self.graph = graph
        self.theme = theme
        self.layout = Layout(graph)
        self.copies: dict[int, list[GraphEdge]] = defaultdict(list)  # by the id of their consumer
        for edge in graph.edges:
            if edge.source in self.layout.copied:
                self.copies[edge.target].append(edge)

    def whole(self) -> Digraph:
        from graphviz import Digraph  # not needed before somebody draws

        ink, muted = self.theme.ink, self.theme.muted
        drawing = Digraph(
            graph_attr={
                "rankdir": "TB" if self.layout.deep else "LR",
                "bgcolor": self.theme.background,
                "pad": "0.3",
                "nodesep": "0.3",
                "ranksep": "0.45",
            },
            node_attr={
                "fontname": SANS,
                "fontsize": "14",
                "fontcolor": ink,
                "color": ink,
                "margin": "0.14,0.07",
            },
            edge_attr={
                "fontname": MONO,
                "fontsize": "12",
                "fontcolor": muted,
                "color": ink,
                "arrowsize": "0.7",
            },
        )
        self._scope(drawing, self.graph.scopes, 0)
        for edge in self.graph.edges:
            self._edge(drawing, edge)
        return drawing

    def _scope(self, drawing: Digraph, scope: Scope, level: int) -> None:
        for place in scope.nodes:
            self._node(drawing, self.graph.nodes[place])
        for left, right in self.layout.rows[scope.path]:
            _same_row(drawing, left, right)
        for child in scope.children:
            with drawing.subgraph(name=_plain(f"cluster_{child.path}")) as box:
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

    def _node(self, drawing: Digraph, node: GraphNode) -> None:
        attributes = _node_attributes(node, self.theme)
        if self.layout.in_stream(node.id):
            attributes["group"] = "stream"  # of one group: kept in line
        if node.id not in self.layout.copied:
            drawing.node(dot_name(node.id), **attributes)
        for edge in self.copies[node.id]:
            copied = self.graph.nodes[edge.source]
            drawing.node(self.layout.start(edge), **_node_attributes(copied, self.theme))
        if node.id in self.layout.titles:
            # Nothing, as wide as the title of the box, to the left of where an arrow comes in.
            room, width = f"room{node.id}", f"{len(self.layout.titles[node.id]) * _LETTER:.2f}"
            drawing.node(room, label="", style="invis", shape="box", width=width, height="0", margin="0")
            drawing.edge(room, dot_name(node.id), style="invis")
            _same_row(drawing, room, dot_name(node.id))

    def _edge(self, drawing: Digraph, edge: GraphEdge) -> None:
        attributes = _edge_attributes(edge)
        attributes["weight"] = _STRAIGHT if self.layout.in_stream(edge.source) else _BENT
        if edge in self.layout.reversed:
            drawing.edge(dot_name(edge.target), self.layout.start(edge), dir="back", **attributes)
        else:
            drawing.edge(self.layout.start(edge), dot_name(edge.target), **attributes)


def _same_row(drawing: Digraph, left: str, right: str) -> None:
    with drawing.subgraph() as row:
        row.attr(rank="same")
        row.node(left)
        row.node(right)


# --- nodes and edges ------------------------------------------------------------------------------


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
        return _html(number(node.value.item()))
    if node.kind == "constant" and node.label.lstrip("-")[:1].isdigit():
        return _html(node.label.replace("-", "−"))  # a number that the program writes out
    if node.is_leaf:
        name = _markup(node.label or node.kind)
        return f"<<B>{name}</B>>" if node.kind == "parameter" else f"<{name}>"
    is_word = len(node.symbol) > 2 or (len(node.symbol) == 2 and node.symbol.isascii())
    size = 14 if is_word else 20
    symbol = f'<FONT POINT-SIZE="{size}">{_markup(node.symbol)}</FONT>'
    return f"<{symbol}<BR/>{_markup(node.label)}>" if node.label else f"<{symbol}>"


def _has_number(node: GraphNode) -> bool:
    return node.value is not None and node.value.backend.executes and not node.value.shape


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
        yield f"value {number(node.value.item())}"
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
    """Any text as an HTML-like label."""
    return f"<{_markup(text)}>"


def _markup(text: str) -> str:
    if len(text) > _LONGEST_LABEL:
        text = f"{text[: _LONGEST_LABEL - 1]}…"
    lines = _UNWRITABLE.sub("\ufffd", text).splitlines() or [" "]
    # Graphviz reads \N and the like even here, so a backslash is doubled.
    return "<BR/>".join(html.escape(line).replace("\\", "\\\\") or " " for line in lines)
