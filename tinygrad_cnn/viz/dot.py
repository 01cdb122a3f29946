"""A picture in the DOT language, which Graphviz lays out and draws.

Shapes and arrows take the forms and colours of the visual language, scopes become boxes inside boxes.
Hovering a node in an SVG shows what there was no room for: its full name, dtypes, parameters and the user's
line.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from tinygrad_cnn.viz.labels import arrow_label, line, node_label, quoted, title
from tinygrad_cnn.viz.layered import Point, Spot, straight
from tinygrad_cnn.viz.layout import Layout
from tinygrad_cnn.viz.picture import Arrow, Box, Picture, Shape, boxes
from tinygrad_cnn.viz.theme import MONO, SANS, Theme, form

_STRAIGHT, _BENT = "100", "1"  # how much an edge insists on being a straight line
_LETTER = 0.1  # inches: a generous width of a letter in the title of a box
_HEAD = 8  # points: the length of an arrow's head


def to_dot(picture: Picture, theme: Theme, spots: Mapping[str, Spot] | None = None) -> str:
    """The picture in the DOT language.

    Args:
        spots: where to put each shape; by default Graphviz decides.
    """
    return _Writer(picture, theme, spots).whole()


class _Writer:
    """One picture on its way into DOT."""

    def __init__(self, picture: Picture, theme: Theme, spots: Mapping[str, Spot] | None) -> None:
        self.picture = picture
        self.theme = theme
        self.spots = spots or {}
        self.layout = Layout(picture)
        self.copies: dict[str, list[Arrow]] = defaultdict(list)  # by the key of their consumer
        for arrow in picture.arrows:
            if arrow.start in self.layout.copied and not self.spots:
                self.copies[arrow.end].append(arrow)
        self.lines: list[str] = []

    def whole(self) -> str:
        theme = self.theme
        direction = "TB" if self.layout.deep else "LR"
        mirror = {"TB": "BT", "LR": "RL"}
        self._write("digraph {")
        self._attributes(
            "graph",
            rankdir=mirror[direction] if self.picture.mirrored else direction,
            bgcolor=theme.background,
            pad="0.3",
            nodesep="0.9" if self.picture.twins and self.layout.deep else "0.3",
            ranksep="0.45",
            **self._caption(),
        )
        self._attributes(
            "node",
            fontname=SANS,
            fontsize="14",
            fontcolor=theme.ink,
            color=theme.ink,
            margin="0.14,0.07",
        )
        self._attributes(
            "edge", fontname=MONO, fontsize="12", fontcolor=theme.muted, color=theme.ink, arrowsize="0.7"
        )
        if self.spots:
            self._placed()
        else:
            self._box(boxes(self.picture.shapes), 0)
            for arrow in self.picture.arrows:
                self._arrow(arrow)
        self._write("}")
        return "\n".join(self.lines) + "\n"

    def _caption(self) -> dict[str, str]:
        if not self.picture.caption:
            return {}
        return {
            "label": line(self.picture.caption),
            "labelloc": "b",
            "fontname": SANS,
            "fontsize": "12",
            "fontcolor": self.theme.muted,
        }

    def _placed(self) -> None:
        """Everything where it was put; boxes are left out, because their shapes need not be together."""
        self._attributes("graph", outputorder="edgesfirst")
        for shape in self.picture.shapes:
            spot = self.spots[shape.key]
            self._node(shape.key, shape, pos=f"{spot.x:.1f},{spot.y:.1f}")
        for arrow in self.picture.arrows:
            start, end = straight(self.spots[arrow.start], self.spots[arrow.end])
            neck = max(0.0, 1 - _HEAD / max(math.dist(start, end), 1))  # where the head begins
            curve = " ".join(_point(_between(start, end, neck * step / 3)) for step in range(4))
            x, y = _between(start, end, 0.5)
            places = {"pos": f"e,{_point(end)} {curve}", "lp": _point((x, y + _HEAD))}
            self._edge(arrow.start, arrow.end, **_edge_attributes(arrow, self.theme), **places)

    # --- boxes, shapes, arrows

    def _box(self, box: Box, level: int) -> None:
        for shape in box.shapes:
            self._shape(shape)
        for left, right in self.layout.rows[box.path]:
            self._same_row(left, right)
        for inner in box.boxes:
            self._write(f"subgraph {quoted(f'cluster_{inner.path}')} {{")
            self._attributes(
                "graph",
                id=inner.key,
                label=title(inner.name),
                tooltip=inner.path,
                fontname=SANS,
                fontsize="12",
                fontcolor=self.theme.muted,
                style="rounded,filled",
                fillcolor=self.theme.scope_fills[level % 2],
                color=self.theme.scope_line,
                penwidth="1",
                labeljust="l",
                labelloc="t",
                margin="14",
            )
            self._box(inner, level + 1)
            self._write("}")

    def _shape(self, shape: Shape) -> None:
        # Those of one group are kept in line.
        group = {"group": "stream"} if self.layout.in_stream(shape.key) else {}
        if shape.key not in self.layout.copied:
            self._node(shape.key, shape, **group)
        for arrow in self.copies[shape.key]:
            copied = self.layout.shapes[arrow.start]
            self._node(self.layout.start(arrow), copied)
        if shape.key in self.layout.titles:
            # Nothing, as wide as the title of the box, to the left of where an arrow comes in.
            room, width = f"room_{shape.key}", f"{len(self.layout.titles[shape.key]) * _LETTER:.2f}"
            invisible = {"label": "", "style": "invis", "shape": "box", "height": "0", "margin": "0"}
            self._attributes(quoted(room), width=width, **invisible)
            self._same_row(room, shape.key)

    def _node(self, name: str, shape: Shape, **more: str) -> None:
        self._attributes(
            quoted(name),
            id=name,
            label=node_label(shape, self.theme),
            tooltip="\n".join(shape.facts),
            **_form_attributes(shape, self.theme),
            **more,
        )

    def _arrow(self, arrow: Arrow) -> None:
        attributes = _edge_attributes(replace(arrow, blocks=self.layout.room_for(arrow)), self.theme)
        start, end = self.layout.start(arrow), arrow.end
        straight = arrow.flow == "value" and self.layout.in_stream(arrow.start)
        attributes["weight"] = _STRAIGHT if straight else _BENT
        if self.layout.is_between(arrow) and "label" in attributes:
            # Near its start: in the line, Graphviz loses some labels between twins, and the lines with them.
            near = "headlabel" if self.layout.runs_back(arrow) else "taillabel"
            attributes |= {near: attributes.pop("label"), "labeldistance": "4", "labelangle": "20"}
        if self.layout.runs_back(arrow):
            self._edge(end, start, dir="back", **attributes)
        else:
            self._edge(start, end, **attributes)

    # --- statements

    def _same_row(self, left: str, right: str) -> None:
        self._write(f"{{ rank=same {quoted(left)} {quoted(right)} }}")
        if not self.layout.is_joined(left, right):  # nothing else says which of them is the left one
            self._edge(left, right, style="invis")

    def _edge(self, start: str, end: str, **attributes: str) -> None:
        self._attributes(f"{quoted(start)} -> {quoted(end)}", **attributes)

    def _attributes(self, of: str, **attributes: str) -> None:
        listed = " ".join(f"{name}={quoted(value)}" for name, value in attributes.items())
        self._write(f"{of} [{listed}]")

    def _write(self, line: str) -> None:
        self.lines.append(line)


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _point(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"


# --- what is written in and on things -------------------------------------------------------------


def _form_attributes(shape: Shape, theme: Theme) -> dict[str, str]:
    look = form(shape, theme)
    styles = [name for name, is_so in (("rounded", look.rounded), ("dotted", look.dotted)) if is_so]
    attributes = {
        "shape": "ellipse" if look.ellipse else "box",
        "style": ",".join(["filled", *styles]),
        "fillcolor": look.fill,
        "color": look.line,
        "penwidth": f"{look.width:g}",
        "fontcolor": look.ink,
    }
    return attributes | ({"peripheries": "2"} if look.double else {})


def _edge_attributes(arrow: Arrow, theme: Theme) -> dict[str, str]:
    fact = "\n".join(arrow.facts)
    color = theme.flows[arrow.flow]
    attributes = {"id": arrow.key, "tooltip": fact, "labeltooltip": fact, "color": color}
    label = arrow_label(arrow, theme)
    if label:
        attributes["label"] = label
    if arrow.flow == "saved":
        attributes |= {"style": "dotted", "penwidth": "1.6"}
    if arrow.mark == "path":  # a line between two yellow ones: a halo
        attributes |= {"color": f"{theme.halo}:{color}:{theme.halo}", "fillcolor": color, "penwidth": "2.4"}
    elif arrow.mark:
        attributes |= {"color": theme.marks[arrow.mark], "penwidth": "2.4"}
    return attributes
