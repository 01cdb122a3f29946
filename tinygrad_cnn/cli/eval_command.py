"""`tinygrad-cnn eval`: test the weights that a run has left, class by class."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tinygrad_cnn import io
from tinygrad_cnn.backend import use_backend
from tinygrad_cnn.cli.config import RunConfig
from tinygrad_cnn.cli.recipe import backend_of, prepare, resolve
from tinygrad_cnn.errors import ArgumentError

EXAMPLES = {
    "tinygrad-cnn eval runs/lenet5-fashion-mini": "what the run's weights recognise, class by class",
    "tinygrad-cnn eval runs/lenet5-fashion-mini --dataset fashion-mnist": "on 10,000 other images",
}


def evaluate(
    run: Annotated[Path, typer.Argument(help="The folder of a run, such as runs/lenet5-fashion-mini.")],
    dataset: Annotated[
        str | None, typer.Option(help="What to test on.", show_default="the run's own dataset")
    ] = None,
    backend: Annotated[str | None, typer.Option(help="What computes.", show_default="the run's own")] = None,
) -> None:
    """Test the weights that a run has left on images they have never seen."""
    settings = RunConfig.read(run / "config.toml")
    weights = run / "model.safetensors"
    if not weights.is_file():
        raise ArgumentError(
            f"{run}: this run was stopped before its end, so it has no weights to test",
            argument="run",
            expected="a finished run",
            hint=f"tinygrad-cnn train --resume {run}",
        )
    changes: dict[str, Any] = {"dataset": dataset or settings.dataset}
    if backend is not None:  # which may not know the precision of the run's own
        changes |= {"backend": backend, "precision": RunConfig.precision}
    config = resolve(dataclasses.replace(settings, **changes))
    with use_backend(backend_of(config)):
        job = prepare(config)
        job.trainer.model.load_state_dict(io.load(weights))
        measured = job.trainer.evaluate(job.test_loader)
        matrix = job.confusion()
    console = Console(highlight=False, markup=False)
    accuracy, loss = measured["accuracy"], measured["loss"]
    console.print(
        f"{config.model} on {config.dataset}: {accuracy * 100:.1f} % of {len(job.dataset.test):,} test "
        f"images are recognised, loss {loss:.4f}",
        soft_wrap=True,
    )
    console.print(_table(matrix, job.dataset.classes))


def _table(matrix: Any, classes: tuple[str, ...]) -> Table:
    """For each class: how many images, how many are recognised, and what the others are taken for."""
    table = Table(box=None, padding=(0, 2))
    table.add_column("class")
    for heading in ("images", "recognised"):
        table.add_column(heading, justify="right")
    table.add_column("most often taken for")
    for label, row in enumerate(matrix):
        total, right = int(row.sum()), int(row[label])
        wrong = row.copy()
        wrong[label] = 0
        rival = f"{classes[wrong.argmax()]} ({wrong.max()})" if wrong.any() else ""
        table.add_row(classes[label], f"{total:,}", f"{right / total * 100:.1f} %" if total else "", rival)
    return table
