"""The page of the player: one file that works from a disk, in a notebook and in a course's website.

Everything is inside: the trace as JSON, the drawing, the style and the script. Nothing is fetched, and the
page forbids itself to.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn._trace_write import to_json
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.explain import HUGE
from tinygrad_cnn.viz.methods import draw
from tinygrad_cnn.viz.player.drawing import drawing
from tinygrad_cnn.viz.player.mistakes import TOLERANCE, WORDS, is_asked, typical_mistakes
from tinygrad_cnn.viz.player.story import Scene, tell
from tinygrad_cnn.viz.wording import called

# In the order in which they build on one another.
_STYLES = ("player.css", "graph.css", "panels.css")
_SCRIPTS = (
    "values.js",
    "trace.js",
    "drawing.js",
    "window.js",
    "window_panel.js",
    "panels.js",
    "exercise.js",
    "player.js",
)
MOST_ELEMENTS = 1024  # of a tensor that the page holds whole: 32 × 32
_MOST_WITH_VALUES = 40  # nodes in a still picture that has values and gradients written into it


def to_html(
    graph: Graph,
    path: str | os.PathLike[str] | None = None,
    *,
    exercise: bool = False,
    title: str | None = None,
    most_elements: int = MOST_ELEMENTS,
) -> str:
    """The page that plays a graph step by step, forward and, after `graph.backward()`, backward.

    Args:
        path: a file to write it to; it appears whole or not at all.
        exercise: begin in exercise mode, where gradients are blank until the learner has given them.
        title: of the page; by default the name of the result.
        most_elements: tensors with more are summed up instead of written out.

    Returns:
        The text of the page.

    Raises:
        OptionalDependencyError: no Graphviz found to draw the graph with.
        ArgumentError: more nodes than can be drawn.
        OSError: the file cannot be written, with Python's own message.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> graph = tc.Graph.of(a * a)
    >>> _ = graph.backward()
    >>> graph.to_html().splitlines()[0]
    '<!doctype html>'
    """
    scenes, names = tell(graph), called(graph)
    outputs = " and ".join(names[place] for place in graph.outputs)
    lesson = {
        "exercise": exercise,
        "names": [names[node.id] for node in graph.nodes],
        "huge": HUGE,
        "tolerance": TOLERANCE,
        "words": WORDS,
        "steps": [asdict(scene) for scene in scenes],
        "questions": _questions(graph, scenes),
    }
    page = Template(_part("page.html")).substitute(
        title=html.escape(title or f"How {outputs} is computed"),
        style=_parts(_STYLES),
        drawing=drawing(graph),
        trace=to_json(_without_backward_values(graph), most_elements=most_elements),
        lesson=json.dumps(_finite(lesson), allow_nan=False).replace("<", "\\u003c"),
        script=_parts(_SCRIPTS),
    )
    if path is not None:
        with atomic_write(path) as file:
            file.write(page.encode())
    return page


def _parts(names: Sequence[str]) -> str:
    return "\n".join(map(_part, names))


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _questions(graph: Graph, scenes: Sequence[Scene]) -> dict[int, list[dict[str, Any]]]:
    """By the place of the scene: the typical mistakes of each that a learner is asked for."""
    return {
        place: [asdict(mistake) for mistake in typical_mistakes(graph, scene)]
        for place, scene in enumerate(scenes)
        if is_asked(graph, scene)
    }


def _without_backward_values(graph: Graph) -> Graph:
    """The trace without what the backward pass computed on the way: its events hold all that is shown."""
    backward = [replace(node, values=(None,) * len(node.values)) for node in graph.backward_nodes]
    return Graph.from_data(graph.nodes, graph.edges, graph.events, backward, graph.backward_edges)


def _finite(value: Any) -> Any:
    """Numbers that JSON cannot write as the words that a trace has for them."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    if isinstance(value, float) and value - value != 0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value


class Player:
    """A page that steps through a computation and its backward walk; notebooks show it by themselves.

    Attributes:
        events: what happened in the backward walk.
        html: the page.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> player = tc.viz.step(a * a)
    >>> player
    <Player of 6 steps; .save("step.html") writes the page>
    """

    def __init__(self, graph: Graph, page: str) -> None:
        self._graph = graph
        self.events = graph.events
        self.html = page
        self._steps = sum(not node.is_leaf for node in graph.nodes) + len(graph.events)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, which appears whole or not at all.

        Raises:
            OSError: the file cannot be written, with Python's own message.
        """
        with atomic_write(path) as file:
            file.write(self.html.encode())
        return Path(path)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """The page in a frame of its own, so that many players live in one notebook; and a still picture.

        That one is for programs that show notebooks without running other people's scripts.
        """
        frame = (
            f'<iframe title="step player" srcdoc="{html.escape(self.html)}" '
            'style="width: 100%; height: 860px; border: 0"></iframe>'
        )
        return {"text/plain": repr(self), "text/html": frame, "image/svg+xml": self._still()}

    def _still(self) -> str:
        """The whole walk in one picture, with values and gradients where there is room for them."""
        small = len(self._graph.nodes) <= _MOST_WITH_VALUES
        walked = bool(self._graph.events)  # what needs no gradient only plays forward
        still = draw(self._graph, values=small, gradients=small and walked, fold=None if small else 1)
        return still._repr_svg_()

    def __repr__(self) -> str:
        return f'<Player of {self._steps} steps; .save("step.html") writes the page>'
