"""A picture as a LaTeX document, drawn with TikZ: for papers, slides and exercise sheets.

Graphviz says where everything goes; here it is drawn with lines, ellipses and text alone, so that plain TikZ
is enough, with any of pdfLaTeX, LuaLaTeX and XeLaTeX.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinygrad_cnn.viz._tex import tex
from tinygrad_cnn.viz.layout import Layout
from tinygrad_cnn.viz.picture import SIGNS, Arrow, Block, Box, Cells, Picture, Shape, boxes
from tinygrad_cnn.viz.render import Curve, Placement, Rectangle
from tinygrad_cnn.viz.theme import Theme, form, shade, title_lines

_SIZES = {14: r"\large", 20: r"\LARGE"}  # for those of the other formats; Computer Modern is wide
_BREAK = r"\\ "
_PIXEL = 7  # the side of a cell of an image, as in DOT

_MARGIN = 8  # around the picture, in points
_PREAMBLE = r"""\documentclass{article}
\usepackage{amssymb, tikz}
\usepackage[paperwidth=WIDTHbp, paperheight=HEIGHTbp, margin=0bp]{geometry}
\pagestyle{empty}
\setlength{\parindent}{0bp}
\setlength{\fboxsep}{1.5bp}
\setlength{\topskip}{0bp}
\begin{document}
\sffamily
\begin{tikzpicture}[x=1bp, y=1bp, line width=0.8bp, every node/.style={inner sep=0, align=center}]"""
_END = r"""\end{tikzpicture}
\end{document}
"""


def to_tikz(picture: Picture, theme: Theme, placement: Placement) -> str:
    """The picture as a LaTeX document.

    Args:
        placement: where Graphviz put everything.
    """
    width, height = (f"{size + 2 * _MARGIN + 1:g}" for size in placement.size)
    preamble = _PREAMBLE.replace("WIDTH", width).replace("HEIGHT", height)
    return "\n".join([preamble, *_Writer(picture, theme, placement).lines(), _END])


class _Writer:
    """One picture on its way into TikZ."""

    def __init__(self, picture: Picture, theme: Theme, placement: Placement) -> None:
        self.picture = picture
        self.theme = theme
        self.placement = placement
        self.layout = Layout(picture)

    def lines(self) -> Iterator[str]:
        width, height = self.placement.size
        paper = self.theme.background
        page = f"({-_MARGIN},{-_MARGIN}) rectangle ({width + _MARGIN:g},{height + _MARGIN:g})"
        yield rf"\useasboundingbox[{_color('fill', paper)}] {page};"
        yield from self._boxes(boxes(self.picture.shapes), 0)
        for arrow in self.picture.arrows:
            yield from self._arrow(arrow, self.placement.curves[arrow.key])
        shapes = {shape.key: shape for shape in self.picture.shapes}
        for name, place in self.placement.shapes.items():
            if name.partition("_")[0] in shapes:  # a copy is called after what it is a copy of
                yield from self._shape(shapes[name.partition("_")[0]], place)
        if self.picture.caption:
            caption, color = tex(self.picture.caption), _color("text", self.theme.muted)
            yield rf"\node[{color}] at ({width / 2:g},6) {{\footnotesize {caption}}};"

    def _boxes(self, box: Box, level: int) -> Iterator[str]:
        for inner in box.boxes:
            place = self.placement.boxes.get(inner.key)
            if place is not None:
                left, bottom, right, top = place
                fill = _color("fill", self.theme.scope_fills[level % 2])
                line = _color("draw", self.theme.scope_line)
                name = _lines(inner.name)
                corners = f"({left:g},{bottom:g}) rectangle ({right:g},{top:g})"
                yield rf"\draw[{fill}, {line}, rounded corners=6bp] {corners};"
                color = _color("text", self.theme.muted)
                at = f"({left + 8:g},{top - 6:g})"
                yield rf"\node[anchor=north west, {color}] at {at} {{\footnotesize {name}}};"
            yield from self._boxes(inner, level + 1)

    def _shape(self, shape: Shape, place: Rectangle) -> Iterator[str]:
        look = form(shape, self.theme)
        x, y, width, height = place
        line = f"{_color('draw', look.line)}, line width={look.width:g}bp" if look.width else "draw=none"
        dots = ", densely dotted" if look.dotted else ""
        corners = ", rounded corners=5bp" if look.rounded else ""
        for inset in (0, 3) if look.double else (0,):
            w, h = width / 2 - inset, height / 2 - inset
            if look.ellipse:
                outline = f"({x:g},{y:g}) ellipse [x radius={w:g}, y radius={h:g}]"
            else:
                outline = f"({x - w:g},{y - h:g}) rectangle ({x + w:g},{y + h:g})"
            yield rf"\draw[{_color('fill', look.fill)}, {line}{dots}{corners}] {outline};"
        title = _SIZES[look.title_size] + " " + _lines(shape.title)
        if shape.role == "fold":
            title = rf"\large \ensuremath{{\boxplus}} {_lines(shape.title)}"
        if shape.mark in SIGNS:
            title = rf"\textbf{{{tex(SIGNS[shape.mark])}}} {title}"
        if shape.subtitle:
            title += (" " if shape.role == "fold" else _BREAK) + _lines(shape.subtitle)
        ink = look.ink if look.fill != self.theme.background else None
        text = _BREAK.join([title, *(self._block(block, ink) for block in shape.blocks)])
        weight = r"\bfseries" if look.bold else ""
        yield rf"\node[{_color('text', look.ink)}] at ({x:g},{y:g}) {{{weight}{_table(text)}}};"

    def _arrow(self, arrow: Arrow, curve: Curve) -> Iterator[str]:
        is_compared = arrow.mark in SIGNS
        color = self.theme.marks[arrow.mark] if is_compared else self.theme.flows[arrow.flow]
        width = 2.4 if is_compared else 0.8
        path = " .. ".join(_path(curve))
        if arrow.mark == "path":
            yield rf"\draw[{_color('draw', self.theme.halo)}, line width=5bp] {path};"
        dots = ", densely dotted" if arrow.flow == "saved" else ""
        tip = "latex-" if curve.reversed else "-latex"
        yield rf"\draw[{tip}, {_color('draw', color)}, line width={width:g}bp{dots}] {path};"
        words = [self._block(block) for block in self.layout.room_for(arrow)]
        if is_compared:
            words.insert(0, rf"\textcolor[HTML]{{{color[1:]}}}{{\textbf{{{tex(SIGNS[arrow.mark])}}}}}")
        if words and curve.label is not None:
            x, y = curve.label
            yield rf"\node at ({x:g},{y:g}) {{{_table(_BREAK.join(words))}}};"

    def _block(self, block: Block, ink: str | None = None) -> str:
        if isinstance(block, Cells):
            return self._cells(block)
        color = ink or self.theme.tones[block.tone]
        return rf"\textcolor[HTML]{{{color[1:]}}}{{\ttfamily {tex(block.text)}}}"

    def _cells(self, cells: Cells) -> str:
        rows = []
        for texts, strengths in zip(cells.texts, cells.shades, strict=True):
            row = []
            for text, strength in zip(texts, strengths, strict=True):
                fill, ink = (color[1:] for color in shade(strength, cells.diverging, self.theme))
                if text:
                    inside = rf"\ttfamily\textcolor[HTML]{{{ink}}}{{\strut {tex(text)}}}"
                    row.append(rf"\colorbox[HTML]{{{fill}}}{{{inside}}}")
                else:
                    row.append(rf"\textcolor[HTML]{{{fill}}}{{\rule{{{_PIXEL}bp}}{{{_PIXEL}bp}}}}")
            rows.append(" & ".join(row))
        table = _table(_BREAK.join(rows), columns="@{}r" * len(cells.texts[0]) + "@{}")
        return table if any(map(any, cells.texts)) else rf"{{\renewcommand{{\arraystretch}}{{0}}{table}}}"


def _path(curve: Curve) -> Iterator[str]:
    """A chain of Bézier curves, as TikZ writes it."""
    first, *rest = (f"({x:g},{y:g})" for x, y in curve.points)
    yield first
    for place in range(0, len(rest) - 2, 3):
        yield f"controls {rest[place]} and {rest[place + 1]}"
        yield rest[place + 2]


def _color(what: str, color: str) -> str:
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"{what}={{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _lines(text: str) -> str:
    return _table(_BREAK.join(map(tex, title_lines(text)))) if "\n" in text else tex(*title_lines(text))


def _table(rows: str, columns: str = "@{}c@{}") -> str:
    return rf"\begin{{tabular}}{{{columns}}}{rows}\end{{tabular}}"
