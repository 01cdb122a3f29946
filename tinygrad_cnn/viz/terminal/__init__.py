"""The step player in the terminal.

play(graph)                     with keys: forward, back, play, jump; works over SSH
print_steps(graph, console)     the same steps one under the other, for a pipe or a small screen

app        the player: what the keys do
widgets    its parts: the list of steps, the tree of the graph, the help
values     values as numbers, tables and bars
"""

from __future__ import annotations

from tinygrad_cnn.errors import OptionalDependencyError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.steps import steps
from tinygrad_cnn.viz.terminal.values import print_steps
from tinygrad_cnn.viz.theme import get_theme

__all__ = ["play", "print_steps"]


def play(graph: Graph, title: str = "", *, theme: str = "dark") -> None:
    """Open the step player in this terminal, until `q` is pressed.

    Args:
        graph: computed here, or loaded from a trace.
        title: what is written at the top, such as the name of the file.
        theme: "dark" or "light", the background.

    Raises:
        GradientError: the graph cannot be walked, or is a trace that was written before its walk.
        OptionalDependencyError: Textual is not installed.
        UnknownName: no such theme.
    """
    try:
        from tinygrad_cnn.viz.terminal.app import StepPlayer
    except ImportError as error:
        raise OptionalDependencyError(
            "the player in the terminal needs Textual",
            hint="pip install 'tinygrad-cnn[viz]'; or list the steps: tinygrad-cnn step --plain",
        ) from error
    StepPlayer(steps(graph), graph, title, theme=get_theme(theme)).run()
