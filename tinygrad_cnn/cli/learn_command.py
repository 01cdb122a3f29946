"""`tinygrad-cnn learn`: the lessons, how far you are, and a notebook to work in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.learn.lessons import Lesson, lesson, lessons
from tinygrad_cnn.learn.notebooks import solved
from tinygrad_cnn.learn.progress import Progress

EXAMPLES = {
    "tinygrad-cnn learn": "the lessons, and how far you are in each",
    "tinygrad-cnn learn 01": "a copy of a lesson to work in, opened in JupyterLab",
    "tinygrad-cnn learn 01 --no-open": "the copy alone, for VS Code or any other editor",
    "tinygrad-cnn learn --solutions teacher": "for teachers: all lessons with their solutions, in a folder",
}


def learn(
    number: Annotated[str | None, typer.Argument(help="A lesson to open, such as 03.", metavar="NN")] = None,
    folder: Annotated[Path, typer.Option(help="Where your copies are kept.")] = Path("lessons"),
    language: Annotated[str, typer.Option(help="The language of the lessons.")] = "en",
    open: Annotated[bool, typer.Option(help="Open the copy in JupyterLab.")] = True,
    solutions: Annotated[
        Path | None,
        typer.Option(help="Write notebooks with solutions there, marked for nbgrader.", metavar="FOLDER"),
    ] = None,
) -> None:
    """List the lessons, or open one: a copy of yours, which stays as you leave it."""
    chosen = lessons(language) if number is None else (lesson(number, language),)
    if solutions is not None:
        _write_solutions(chosen, solutions)
    elif number is None:
        _show(chosen)
    else:
        _open(chosen[0], folder, start=open)


def _show(chosen: Iterable[Lesson]) -> None:
    """The lessons in a table; done is what has been solved on this machine."""
    progress = Progress.load()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", style="bold")
    table.add_column("lesson")
    table.add_column("minutes", justify="right")
    table.add_column("exercises", justify="left")
    for each in chosen:
        done, of = each.solved(progress), len(each.exercises)
        bar = "●" * done + "○" * (of - done)
        table.add_row(each.number, each.title, str(each.minutes), f"{bar}  {done} of {of}")
    console = Console(highlight=False)
    console.print(table)
    console.print("\ntinygrad-cnn learn 00 opens the first one.")


def _open(chosen: Lesson, folder: Path, *, start: bool) -> None:
    """Make the copy, unless there is one, and show it."""
    found = (folder / chosen.name).exists()
    path = chosen.copy(folder)
    if not found and find_spec("nbformat") is not None:
        _trust(path)
    typer.echo(f"{path}: {'your copy, as you left it' if found else 'your copy'}")
    if not start:
        return
    if find_spec("jupyterlab") is None:
        typer.echo("open it in VS Code, or let this command do it: pip install 'tinygrad-cnn[learn]'")
        return
    typer.echo("JupyterLab opens in the browser; Ctrl-C here ends it")
    done = subprocess.run([sys.executable, "-m", "jupyterlab", str(path)], check=False)
    raise typer.Exit(done.returncode)


def _trust(path: Path) -> None:
    """Sign the copy, so that JupyterLab shows the pictures in it before anything is run."""
    from nbformat import read, sign

    sign.NotebookNotary().sign(read(path, as_version=4))


def _write_solutions(chosen: Iterable[Lesson], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in chosen:
        path = folder / each.name
        with atomic_write(path) as file:
            file.write(json.dumps(solved(each.notebook()), indent=1, ensure_ascii=False).encode() + b"\n")
        typer.echo(f"{path}: {len(each.exercises)} solutions")
