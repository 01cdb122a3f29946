"""`tinygrad-cnn train`: train a model, and leave a folder that says what happened."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tinygrad_cnn import data, io, models
from tinygrad_cnn.backend import default_backend, use_backend
from tinygrad_cnn.cli import report
from tinygrad_cnn.cli.config import RunConfig
from tinygrad_cnn.cli.recipe import OPTIMIZERS, PRECISIONS, SCHEDULES, Job, backend_of, prepare, resolve
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.io.event_file import tensorboardx
from tinygrad_cnn.train import Checkpoint, CSVLogger, ProgressBar, TensorBoard

DEFAULTS = RunConfig()
CHECKPOINTS = "checkpoints"

EXAMPLES = {
    "tinygrad-cnn train": "LeNet-5 on 6,000 pictures of clothes",
    "tinygrad-cnn train --dataset fashion-mnist": "on all 60,000 of them",
    "tinygrad-cnn train --optimizer adam --lr 0.001 --seed 1": "another way down the same hill",
    "tinygrad-cnn train --config runs/lenet5-fashion-mini/config.toml": "the same numbers again",
    "tinygrad-cnn train --resume runs/lenet5-fashion-mini": "go on after Ctrl-C",
    "tinygrad-cnn train --tensorboard logs": "watch it learn: tensorboard --logdir logs",
}


def _or(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}"


def train(
    context: typer.Context,
    model: Annotated[
        str, typer.Option(metavar="NAME", help=f"What to train: {_or(models.names())}.")
    ] = DEFAULTS.model,
    dataset: Annotated[
        str, typer.Option(metavar="NAME", help=f"What to learn from: {_or(data.names())}.")
    ] = DEFAULTS.dataset,
    backend: Annotated[
        str, typer.Option(metavar="NAME", help="What computes; see `tinygrad-cnn doctor`.")
    ] = DEFAULTS.backend,
    precision: Annotated[
        str, typer.Option(metavar="NAME", help=f"In which floats: {_or(PRECISIONS)} (tf32 on GPUs only).")
    ] = DEFAULTS.precision,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="How often each image is seen.", show_default="the dataset's usual"
        ),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(metavar="N", min=1, help="Images in one step.")
    ] = DEFAULTS.batch_size,
    optimizer: Annotated[
        str, typer.Option(metavar="NAME", help=f"How weights move: {_or(OPTIMIZERS)}.")
    ] = DEFAULTS.optimizer,
    lr: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="Learning rate, at its highest.", show_default="the optimizer's usual"
        ),
    ] = None,
    weight_decay: Annotated[
        float, typer.Option(metavar="X", min=0, help="How strongly weights are pulled to 0.")
    ] = DEFAULTS.weight_decay,
    schedule: Annotated[
        str, typer.Option(metavar="NAME", help=f"How the learning rate moves: {_or(SCHEDULES)}.")
    ] = DEFAULTS.schedule,
    augment: Annotated[
        bool | None, typer.Option(help="Show mirror images too.", show_default="yes, but not of digits")
    ] = DEFAULTS.augment,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="The same seed gives the same numbers.")
    ] = DEFAULTS.seed,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processor threads.", show_default="one for each core"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A config.toml to take settings from; others given here win."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="An interrupted run to go on with.")
    ] = None,
    run_name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the run's folder.", show_default="MODEL-DATASET"),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the folders of runs are.")] = Path(
        "runs"
    ),
    tensorboard: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to write the run for TensorBoard too."),
    ] = None,
) -> None:
    """Train a model, and leave its weights, its numbers and pictures of both in a folder."""
    given = {
        name: value
        for name, value in context.params.items()
        if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
    }
    if tensorboard is not None:
        tensorboardx()  # what is missing is said before there is a folder
    if resume is not None:
        _go_on(resume, given, tensorboard)
        return
    settings = {name: value for name, value in given.items() if hasattr(DEFAULTS, name)}
    base = RunConfig.read(config) if config else RunConfig(backend=default_backend())
    chosen = resolve(dataclasses.replace(base, **settings))
    with use_backend(backend_of(chosen)):
        job = prepare(chosen)  # before there is a folder: whatever cannot be trained leaves none
        folder = _new_folder(runs_dir, run_name or f"{chosen.model}-{chosen.dataset}")
        chosen.write(folder / "config.toml")
        _fit(job, chosen, folder, tensorboard)


def _go_on(folder: Path, given: dict[str, Any], tensorboard: Path | None) -> None:
    """Take an interrupted run up again, with its own settings."""
    others = sorted(given.keys() - {"resume", "tensorboard"})
    if others:
        raise ArgumentError(
            "a run goes on with the settings it began with",
            argument="--resume",
            expected="no other option but --tensorboard",
            got=", ".join(f"--{name.replace('_', '-')}" for name in others),
            hint=f"tinygrad-cnn train --config {folder / 'config.toml'} starts anew with others",
        )
    config = resolve(RunConfig.read(folder / "config.toml"))
    with use_backend(backend_of(config)):
        job = prepare(config)
        job.trainer.load_checkpoint(folder / CHECKPOINTS / Checkpoint.LAST)
        _fit(job, config, folder, tensorboard)


def _fit(job: Job, config: RunConfig, folder: Path, tensorboard: Path | None) -> None:
    """Train to the end, and fill the folder."""
    console = Console(highlight=False, markup=False)
    watched = [] if tensorboard is None else [TensorBoard(tensorboard / folder.name)]
    job.trainer.callbacks = (
        CSVLogger(folder / "history.csv"),
        Checkpoint(folder / CHECKPOINTS),
        *watched,
        ProgressBar(console),  # last: an epoch that is announced is also saved
    )
    report.announce(console, config, job)
    if tensorboard is not None:
        console.print(f"watch it learn: tensorboard --logdir {tensorboard}", soft_wrap=True)
    try:
        job.trainer.fit(job.train_loader, job.test_loader, epochs=job.epochs)
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"{error}\ntinygrad-cnn train --resume {folder} goes on from there") from None
    io.save(folder / "model.safetensors", job.trainer.model)
    report.write_pictures(console, job, folder)
    report.summarize(console, job, folder)


def _new_folder(runs: Path, name: str) -> Path:
    """A folder that did not exist before: `name`, or `name-2`, `name-3`, ... if that is taken."""
    if Path(name).name != name:
        raise ArgumentError(
            "a run's name is the name of a folder",
            argument="--run-name",
            expected="a name without '/'",
            got=name,
        )
    runs.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        folder = runs / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            continue
        return folder
    raise AssertionError("unreachable")
