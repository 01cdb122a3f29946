"""`tinygrad-cnn step`: walk backward through a computation, one event at a time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tinygrad_cnn.cli import examples
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz import terminal
from tinygrad_cnn.viz.theme import get_theme

EXAMPLES = {
    "tinygrad-cnn step --example fan-out": "b = a + a; c = b + b, where gradients add up",
    "tinygrad-cnn step --example logistic-regression": "a classifier, number by number",
    "tinygrad-cnn step loss.json": "a computation of your own, from graph.save('loss.json')",
    "tinygrad-cnn step --example convolution --html conv.html": "as a page for a browser",
    "tinygrad-cnn step --example lenet5 --plain | less": "every step, as text",
}


def step(
    trace: Annotated[
        Path | None, typer.Argument(help="A file that graph.save(...) wrote.", metavar="TRACE.json")
    ] = None,
    example: Annotated[
        str | None, typer.Option(help=f"Instead of a file one of {', '.join(examples.COMPUTATIONS)}.")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print every step; also done when the output is no terminal.")
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write the player as a page for a browser.")] = None,
    save: Annotated[Path | None, typer.Option("--trace", help="Write the trace, to hand it out.")] = None,
    theme: Annotated[str, typer.Option(help="The background of the player: dark or light.")] = "dark",
) -> None:
    """Walk backward through a computation, one event at a time, with the numbers of each.

    The player in the terminal is steered by keys; ? shows them.
    """
    look = get_theme(theme)
    for path, option in ((save, "--trace"), (html, "--html")):
        _check_folder(path, option)
    graph, title = _opened(trace, example)
    graph.backward()
    if save is not None:
        graph.save(save)
        typer.echo(f"{save}: {len(graph.nodes)} nodes, {len(graph.events)} steps")
    if html is not None:
        graph.to_html(html, title=title)
        typer.echo(f"{html}: open it in a browser")
    if save is not None or html is not None:
        return
    if plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        terminal.print_steps(graph, Console(highlight=False), look)
    else:
        terminal.play(graph, title, theme=theme)


def _check_folder(path: Path | None, option: str) -> None:
    if path is not None and not path.parent.is_dir():
        raise ArgumentError(
            f"there is no folder {str(path.parent)!r}",
            argument=option,
            expected="a file in a folder that exists",
            got=path,
        )


def _opened(trace: Path | None, example: str | None) -> tuple[Graph, str]:
    """The graph that was asked for, and what it is called."""
    if (trace is None) == (example is None):
        raise ArgumentError(
            "there is nothing to step through" if trace is None else "a trace and an example were given",
            expected="a trace file, or --example and a name",
            got=None if trace is None else f"{trace} and --example {example}",
            hint="tinygrad-cnn step --example fan-out",
        )
    if example is not None:
        return examples.graph_of(example), example
    assert trace is not None
    if not trace.is_file():
        named = f"--example {trace}" if str(trace) in examples.COMPUTATIONS else "--example fan-out"
        raise ArgumentError(
            f"there is no file {str(trace)!r}",
            argument="TRACE.json",
            expected="a file that graph.save(...) wrote",
            hint=f"tinygrad-cnn step {named}",
        )
    return Graph.load(trace), trace.name
