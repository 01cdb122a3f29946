"""From the DOT language to a picture: SVG, PNG or PDF; or to the places of its parts.

Graphviz does the layout. Where its program `dot` is installed it is run; otherwise pygraphviz, whose wheel
carries the Graphviz library, does the same inside this process, so no system package is needed.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import ArgumentError, OptionalDependencyError

_PIXELS_PER_INCH = 144  # of a PNG: sharp on today's screens
_MOST_PIXELS = 25e6
_POINTS = 72  # in an inch


def renderer() -> str | None:
    """What would draw a graph here: the path of `dot`, "pygraphviz 2.0", or None when nothing can."""
    program = shutil.which("dot")
    if program:
        return program
    try:
        import pygraphviz
    except ImportError:
        return None
    return f"pygraphviz {pygraphviz.__version__}"


def draw(source: str, format: str, *, engine: str = "dot") -> bytes:
    """Lay out and draw a picture described in the DOT language.

    Args:
        format: "svg", "png", "pdf", or another one that Graphviz knows.
        engine: which of Graphviz's layouts: "dot", or "nop2" where every place is given.

    Raises:
        OptionalDependencyError: no Graphviz found.
    """
    if format == "png":
        source = source.replace("{", f"{{\n    dpi={_sharpness(source, engine):.0f}", 1)
    if shutil.which("dot"):
        return _draw_with_program(source, format, engine)
    return _draw_in_process(source, format, engine)


def _sharpness(source: str, engine: str) -> float:
    """Pixels per inch of a PNG: fewer for a very large picture, which would take minutes to open."""
    width, height = placed(source, engine=engine).size
    inches = width * height / _POINTS**2
    return min(_PIXELS_PER_INCH, math.sqrt(_MOST_PIXELS / max(inches, 1)))


def _draw_with_program(source: str, format: str, engine: str) -> bytes:
    import graphviz  # not needed before somebody draws

    # The program knows "nop2" as a setting of another engine: leave everything where it has been put.
    keeps = {"engine": "neato", "neato_no_op": 2} if engine == "nop2" else {"engine": engine}
    try:
        picture: bytes = graphviz.pipe(format=format, data=source.encode(), quiet=True, **keeps)
    except graphviz.CalledProcessError as error:
        reason = (error.stderr or b"").decode(errors="replace").strip()
        raise ArgumentError(f"Graphviz could not draw this: {reason}") from error
    return picture


def _draw_in_process(source: str, format: str, engine: str) -> bytes:
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        raise OptionalDependencyError(
            "drawing a graph needs Graphviz, and none was found",
            expected="the program `dot` on the PATH, or the package pygraphviz",
            hint="pip install 'tinygrad-cnn[viz]'; or write DOT or Mermaid, which need nothing: "
            "graph.render('g.dot')",
        ) from error
    with _silenced_library():
        picture: bytes = AGraph(string=source).draw(format=format, prog=engine)
    return picture


@contextlib.contextmanager
def _silenced_library() -> Iterator[None]:
    """Keep remarks of the C libraries, about font settings of the machine, out of people's terminals.

    They write to file descriptor 2 directly, so that is what is turned away for a moment.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as remarks, contextlib.redirect_stderr(io.StringIO()):
        os.dup2(remarks.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def format_of(path: Path, formats: Sequence[str]) -> str:
    """The format that the extension of a file asks for.

    Raises:
        ArgumentError: none of `formats`.
    """
    format = path.suffix.lower().removeprefix(".")
    if format not in formats:
        raise ArgumentError(
            "the extension of the file says how to draw",
            argument="path",
            expected=f"a name that ends in one of {', '.join(f'.{name}' for name in formats)}",
            got=str(path),
        )
    return format


def write(path: Path, content: bytes) -> None:
    """Write a picture whole or not at all.

    Raises:
        ArgumentError: the file cannot be written.
    """
    try:
        with atomic_write(path) as file:
            file.write(content)
    except OSError as error:
        raise ArgumentError(
            f"the picture cannot be written: {error.strerror}",
            argument="path",
            expected="a file in a folder that exists and can be written to",
            got=str(path),
        ) from error


# --- where Graphviz puts things -------------------------------------------------------------------


class Rectangle(NamedTuple):
    """The middle of a shape and its size, in points; y runs upwards."""

    x: float
    y: float
    width: float
    height: float


class Curve(NamedTuple):
    """An arrow: the points of its Bézier curves, at which end its head is, and where its label stands."""

    points: list[tuple[float, float]]
    reversed: bool
    label: tuple[float, float] | None


class Placement(NamedTuple):
    """Where everything in a picture goes.

    Attributes:
        size: of the whole.
        shapes: by their names in DOT.
        boxes: left, bottom, right, top of each scope's box, by its id.
        curves: by the ids of the arrows.
    """

    size: tuple[float, float]
    shapes: dict[str, Rectangle]
    boxes: dict[str, tuple[float, float, float, float]]
    curves: dict[str, Curve]


def placed(source: str, *, engine: str = "dot") -> Placement:
    """Have a picture in the DOT language laid out.

    Raises:
        OptionalDependencyError: no Graphviz found.
    """
    layout = json.loads(draw(source, "json0", engine=engine))
    shapes, boxes = {}, {}
    for part in layout.get("objects", []):
        if "pos" in part and part.get("style") != "invis":
            x, y = _numbers(part["pos"])
            size = (float(part["width"]) * _POINTS, float(part["height"]) * _POINTS)
            shapes[part["name"]] = Rectangle(x, y, *size)
        elif "bb" in part:  # other subgraphs are rows
            left, bottom, right, top = _numbers(part["bb"])
            boxes[part["id"]] = (left, bottom, right, top)
    curves = {edge["id"]: _curve(edge) for edge in layout.get("edges", []) if "id" in edge}
    _, _, width, height = _numbers(layout["bb"])
    return Placement((width, height), shapes, boxes, curves)


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.rstrip("!").split(",")]


def _curve(edge: dict[str, str]) -> Curve:
    """An edge's position: "e,x,y" or "s,x,y" for the tip of its head, then the points of the curves."""
    tips: dict[str, tuple[float, float]] = {}
    points = []
    for part in edge["pos"].split():
        if part[0] in "es":
            x, y = _numbers(part[2:])
            tips[part[0]] = (x, y)
        else:
            x, y = _numbers(part)
            points.append((x, y))
    # The head is drawn on the last stretch, so the curve goes on to its tip.
    if "e" in tips:
        points[-1] = tips["e"]
    if "s" in tips:
        points[0] = tips["s"]
    label = None
    for name in ("lp", "tail_lp", "head_lp"):
        if name in edge:
            x, y = _numbers(edge[name])
            label = (x, y)
    return Curve(points, "s" in tips, label)
