"""The step player: a page on which a computation and its gradient are watched, one step at a time.

    tc.step(loss)                        in a notebook, shows the page
    tc.step(loss, "step.html")           writes it to a file, for a browser
    tc.step(loss, exercise=True)         asks for each gradient before it shows it

    story       what a teacher would say at each step
    mistakes    the wrong answers that typical mistakes lead to
    drawing     the graph as a picture that the page can mark
    page        all of it in one file

The page itself is written by hand, without a framework:

    page.html                           its parts; player.css, graph.css and panels.css their looks
    values.js, trace.js                 numbers and arrays as text and images; what is known at a step
    drawing.js                          marks in the graph
    panels.js                           what is shown of a step
    window.js, window_panel.js          the sliding window of a convolution
    exercise.js                         questions, answers, results
    player.js                           the controls
"""

from __future__ import annotations

import os
import tempfile
import webbrowser
from pathlib import Path

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.player.page import Player, to_html

__all__ = ["Player", "step", "to_html"]


def step(
    result: Tensor | Graph,
    path: str | os.PathLike[str] | None = None,
    *,
    exercise: bool = False,
    open: bool = False,
) -> Player:
    """A page that steps through a computation and then backward, with the numbers of each step.

    Args:
        result: the tensor to start backward from, usually a loss; or a graph, which is walked backward
            first unless it has been. What was computed inside `tc.record()` shows all its values.
        path: a file to write the page to.
        exercise: begin in exercise mode, which asks for each gradient before it shows it.
        open: show it in the web browser.

    Returns:
        The player; a notebook shows it.

    Raises:
        GradientError: a tensor without a history, or no scalar.
        OptionalDependencyError: no Graphviz found to draw the graph with.
        OSError: the file cannot be written, with Python's own message.

    >>> import tinygrad_cnn as tc
    >>> with tc.record():
    ...     a = tc.tensor(1.0, requires_grad=True, name="a")
    ...     b = a + a
    >>> tc.viz.step(b).events[-1].value
    tensor(2.)
    """
    graph = result if isinstance(result, Graph) else Graph.of(result)
    if not graph.events and any(graph.nodes[place].requires_grad for place in graph.outputs):
        graph.backward()
    player = Player(graph, to_html(graph, path, exercise=exercise))
    if open:
        shown = Path(path) if path else player.save(Path(tempfile.mkdtemp()) / "step.html")
        webbrowser.open(shown.resolve().as_uri())
    return player
