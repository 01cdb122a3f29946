"""A drawing of a graph: it shows itself in notebooks and writes itself in every format.

    graph.draw(fold=1)                          in a notebook
    graph.render("net.svg", view="twin")        into a file: .svg .png .pdf .dot .mmd .tex
    graph.to_dot(), .to_mermaid(), .to_tikz()   as text

A very large picture is laid out by our own, simpler rules instead of Graphviz's.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from dataclasses import replace
from pathlib import Path

from tinygrad_cnn.viz import dot, layered, mermaid, render, tikz
from tinygrad_cnn.viz.picture import Picture
from tinygrad_cnn.viz.theme import get_theme

FORMATS = ("svg", "png", "pdf", "dot", "mmd", "tex")
LARGE = 1_200  # shapes; with more Graphviz's own layout takes minutes
_PAGE = 720  # points: what a notebook shows without making it smaller

# Every drawing shown in a notebook gets another number: two of the same graph on one page are two pictures.
_shown = itertools.count(1)


class Drawing:
    """A picture in the colours of a theme.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> drawing = tc.Graph.of(a + a).draw(theme="dark")
    >>> drawing
    <Drawing of 2 nodes, 2 arrows>
    >>> drawing.to_mermaid().splitlines()[1]
    'flowchart LR'
    """

    def __init__(self, picture: Picture, theme: str = "light") -> None:
        self.picture = picture
        self.theme = get_theme(theme)

    def __repr__(self) -> str:
        nodes, arrows = len(self.picture.shapes), len(self.picture.arrows)
        return f"<Drawing of {nodes} nodes, {arrows} arrow{'s' if arrows != 1 else ''}>"

    def to_dot(self) -> str:
        """The drawing in the DOT language, ready for any Graphviz tool; see `Graph.to_dot`."""
        spots = layered.place(self.picture) if self._is_large else None
        return dot.to_dot(self.picture, self.theme, spots)

    def to_svg(self, prefix: str | None = None) -> str:
        """The drawing as SVG.

        Args:
            prefix: what all ids and classes in it begin with, so that several can live on one page: node 12
                has the id "PREFIX-n12", its gradient in the twin view "PREFIX-g12", edge 5 "PREFIX-e5".
                By default one that is made of the content.

        Raises:
            OptionalDependencyError: no Graphviz found.
        """
        source = self.to_dot()
        return self._drawn(source, prefix or _prefix(source))

    def to_mermaid(self) -> str:
        """The drawing in the Mermaid language; see `Graph.to_mermaid`."""
        return mermaid.to_mermaid(self.picture, self.theme)

    def to_tikz(self) -> str:
        """The drawing as a LaTeX document; see `Graph.to_tikz`."""
        return tikz.to_tikz(self.picture, self.theme, render.placed(self.to_dot(), engine=self._engine))

    def render(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing into a file; see `Graph.render`."""
        target = Path(path)
        render.write(target, self._content(render.format_of(target, FORMATS)))
        return target

    def _content(self, format: str) -> bytes:
        texts = {"svg": self.to_svg, "dot": self.to_dot, "mmd": self.to_mermaid, "tex": self.to_tikz}
        if format in texts:
            return texts[format]().encode()
        return render.draw(self.to_dot(), format, engine=self._engine)

    def _repr_svg_(self) -> str:
        """What a notebook shows: a drawing wider than the page runs down instead, or is made smaller."""
        number = next(_shown)
        drawn = self._numbered(number)
        if self.picture.direction is None and _width(drawn) > _PAGE:
            down = Drawing(replace(self.picture, direction="down"), self.theme.name)
            drawn = min(drawn, down._numbered(number), key=_width)
        return _fitted(drawn)

    def _numbered(self, number: int) -> str:
        source = self.to_dot()
        return self._drawn(source, _prefix(source, number))

    def _drawn(self, source: str, prefix: str) -> str:
        return _prefixed(render.draw(source, "svg", engine=self._engine).decode(), prefix)

    @property
    def _is_large(self) -> bool:
        return len(self.picture.shapes) > LARGE

    @property
    def _engine(self) -> str:
        return "nop2" if self._is_large else "dot"  # nop2 leaves shapes where they are


def _prefix(source: str, number: int | str = "") -> str:
    """A prefix for ids, the same for the same content."""
    return f"g{number}{hashlib.blake2s(source.encode()).hexdigest()[:8]}"


_SIZE = re.compile(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"')


def _width(svg: str) -> float:
    """In points."""
    found = _SIZE.search(svg)
    return float(found[1]) if found else 0.0


def _fitted(svg: str) -> str:
    """The picture no wider than the page; it is scaled by its view box."""
    scale = min(1.0, _PAGE / _width(svg)) if _width(svg) else 1.0
    return _SIZE.sub(
        lambda found: f'<svg width="{scale * float(found[1]):g}pt" height="{scale * float(found[2]):g}pt"',
        svg,
    )


def _prefixed(svg: str, prefix: str) -> str:
    """An SVG of Graphviz whose ids and classes begin with a prefix of their own."""

    def replaced(match: re.Match[str]) -> str:
        return f'<g id="{prefix}-{match[1]}"' + (f' class="{prefix}-{match[2]}"' if match[2] else "")

    return re.sub(r'<g id="([^"]*)"(?: class="([^"]*)")?', replaced, svg)
