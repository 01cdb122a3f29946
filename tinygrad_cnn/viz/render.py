"""From the DOT language to a picture: SVG, PNG or PDF.

Graphviz does the layout. Where its program `dot` is installed it is run; otherwise pygraphviz, whose wheel
carries the Graphviz library, does the same inside this process, so no system package is needed.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import ArgumentError, OptionalDependencyError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.dot import to_dot

FORMATS = ("svg", "png", "pdf", "dot")
_PIXELS_PER_INCH = 144  # of a PNG: sharp on today's screens


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


def render(graph: Graph, path: str | os.PathLike[str], *, theme: str = "light") -> Path:
    """Draw the graph into a file; the extension says the format: .svg, .png, .pdf or .dot.

    Args:
        path: the file; its folder must exist. It appears whole or not at all.
        theme: "light" or "dark", the background it will be seen on.

    Returns:
        The path.

    Raises:
        ArgumentError: an unknown extension, a place that cannot be written, or too many nodes to draw.
        OptionalDependencyError: no Graphviz found (.dot needs none).
        UnknownName: no such theme.

    >>> import tempfile, tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tc.Graph.of(a + a).render(f"{folder}/sum.dot").name
    'sum.dot'
    """
    target = Path(path)
    format = target.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise ArgumentError(
            "the extension of the file says how to draw",
            argument="path",
            expected=f"a name that ends in one of {', '.join(f'.{name}' for name in FORMATS)}",
            got=str(path),
        )
    source = to_dot(graph, theme=theme)
    write(target, source.encode() if format == "dot" else draw(source, format))
    return target


def svg(graph: Graph, *, theme: str = "light") -> str:
    """The graph as the text of an SVG picture; notebooks show it by themselves."""
    return draw(to_dot(graph, theme=theme), "svg").decode()


def draw(source: str, format: str) -> bytes:
    """Lay out and draw a picture described in the DOT language.

    Args:
        format: "svg", "png" or "pdf".

    Raises:
        OptionalDependencyError: no Graphviz found.
    """
    options = [f"-Gdpi={_PIXELS_PER_INCH}"] if format == "png" else []
    program = shutil.which("dot")
    if program:
        return _draw_with_program(program, source, format, options)
    return _draw_in_process(source, format, options)


def _draw_with_program(program: str, source: str, format: str, options: list[str]) -> bytes:
    done = subprocess.run([program, f"-T{format}", *options], input=source.encode(), capture_output=True)
    if done.returncode:
        raise ArgumentError(f"Graphviz could not draw this: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _draw_in_process(source: str, format: str, options: list[str]) -> bytes:
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        raise OptionalDependencyError(
            "drawing a graph needs Graphviz, and none was found",
            expected="the program `dot` on the PATH, or the package pygraphviz",
            hint="pip install 'tinygrad-cnn[viz]'; or write DOT, which needs nothing: graph.render('g.dot')",
        ) from error
    with _silenced_library():
        picture: bytes = AGraph(string=source).draw(format=format, prog="dot", args=" ".join(options))
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
