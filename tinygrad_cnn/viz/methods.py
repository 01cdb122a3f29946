"""What the drawing room gives to `Graph`: each function here becomes one of its methods.

    graph.draw(view="twin", fold=1)             a picture that a notebook shows
    graph.render("net.svg", values=True)        the same in a file
    graph.to_dot(), .to_mermaid(), .to_tikz()   the same as text

All take the same options, which `draw` describes.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Unpack

from tinygrad_cnn._graph_paths import Paths
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.drawing import Drawing
from tinygrad_cnn.viz.fold import Fold
from tinygrad_cnn.viz.picture import Direction
from tinygrad_cnn.viz.views import Options, View, picture


def draw(
    graph: Graph,
    *,
    view: View = "forward",
    fold: Fold | None = None,
    repeats: bool = True,
    values: bool = False,
    gradients: bool = False,
    highlight: Paths | Collection[int] = (),
    direction: Direction | None = None,
    theme: str = "light",
) -> Drawing:
    """A drawing of the graph; a notebook shows it.

    Args:
        view: "forward", what was computed from what; "backward", the backward pass's own operations;
            "twin", each node beside its gradient. The last two walk backward first if nobody has.
        fold: how many levels of scopes stay open (0 draws each outermost scope as one box), or which ones
            to close: a path such as "LeNet5/conv1", a last name such as "conv1", or a list of them.
        repeats: whether neighbours among the closed scopes that look alike become one box with "× N".
        values: write values into it: small tensors whole, of others minimum, mean and maximum with a
            histogram and, of images and kernels, an image.
        gradients: write gradients under the values, after `graph.backward()`.
        highlight: what `graph.paths(...)` gave, or places in `graph.edges`.
        direction: "right" or "down"; by default deep networks run down, and in a notebook also what would be
            wider than the page.
        theme: "light" or "dark", the background it will be seen on.

    Raises:
        ArgumentError: more nodes than can be drawn (says how many, and which fold would do), or an edge to
            highlight that does not exist.
        GradientError: the view or `gradients` need a backward walk, and the graph cannot be walked.
        UnknownName: no such view, direction, theme or scope; names the nearest.

    >>> import tinygrad_cnn as tc
    >>> model = tc.models.LeNet5()
    >>> graph = tc.Graph.of(model(tc.zeros(1, 1, 28, 28)))
    >>> graph.draw(fold=1), graph.draw(fold=0)
    (<Drawing of 13 nodes, 12 arrows>, <Drawing of 2 nodes, 1 arrow>)
    """
    if gradients and not graph.events:
        graph.backward()
    shown = picture(
        graph,
        view=view,
        fold=fold,
        repeats=repeats,
        values=values,
        gradients=gradients,
        highlight=highlight,
        direction=direction,
    )
    return Drawing(shown, theme)


def to_dot(graph: Graph, **options: Unpack[Options]) -> str:
    """The graph in the DOT language, ready for any Graphviz tool; options as for `draw`.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> print(tc.Graph.of(a + a).to_dot().splitlines()[0])
    digraph {
    """
    return draw(graph, **options).to_dot()


def to_mermaid(graph: Graph, **options: Unpack[Options]) -> str:
    """The graph in the Mermaid language, which Markdown pages draw; options as for `draw`.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> print(tc.Graph.of(a + a).to_mermaid().splitlines()[2].strip())
    n0("a")
    """
    return draw(graph, **options).to_mermaid()


def to_tikz(graph: Graph, **options: Unpack[Options]) -> str:
    r"""The graph as a LaTeX document that needs nothing but TikZ; options as for `draw`.

    To put it into a document of your own, copy what stands between begin and end of `tikzpicture`.

    Raises:
        OptionalDependencyError: no Graphviz found, which says where everything goes.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> print(tc.Graph.of(a + a).to_tikz().splitlines()[0])
    \documentclass{article}
    """
    return draw(graph, **options).to_tikz()


def render(graph: Graph, path: str | os.PathLike[str], **options: Unpack[Options]) -> Path:
    """Draw the graph into a file; the extension says the format: .svg .png .pdf .dot .mmd .tex.

    Args:
        path: the file; its folder must exist. It appears whole or not at all.
        options: as for `draw`.

    Returns:
        The path.

    Raises:
        ArgumentError: an unknown extension, a place that cannot be written, or too many nodes to draw.
        OptionalDependencyError: no Graphviz found (.dot and .mmd need none).
        UnknownName: no such view, theme or scope.

    >>> import tempfile, tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tc.Graph.of(a + a).render(f"{folder}/sum.dot").name
    'sum.dot'
    """
    return draw(graph, **options).render(path)


def svg(graph: Graph) -> str:
    """What a notebook shows of a graph."""
    return draw(graph)._repr_svg_()
