"""What a run tells people: what it is about to do, the pictures it leaves, and where to look next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tinygrad_cnn import viz
from tinygrad_cnn.cli.config import RunConfig
from tinygrad_cnn.cli.recipe import Job
from tinygrad_cnn.errors import OptionalDependencyError
from tinygrad_cnn.graph import Graph, record
from tinygrad_cnn.nn import Conv1d, Conv2d, Conv3d

# What a run's folder holds, in the order in which a person wants to see it.
_FILES = {
    "curves.png": "loss and accuracy, epoch by epoch",
    "confusion.png": "which class is taken for which",
    "filters.png": "what the first layer looks for",
    "graph.svg": "the forward pass of one training step, up to the loss",
    "history.csv": "the numbers of every epoch",
    "model.safetensors": "the weights",
    "config.toml": "the settings",
}


def announce(console: Console, config: RunConfig, job: Job) -> None:
    """Say what is about to learn from what."""
    threads = "" if config.threads is None else f" on {config.threads} threads"
    weights = sum(parameter.numel() for parameter in job.trainer.model.parameters())
    console.print(
        f"{config.model} ({weights:,} weights) learns from {len(job.dataset.train):,} images of "
        f"{config.dataset}; {config.backend} computes in {config.precision}{threads}",
        soft_wrap=True,
    )


def write_pictures(console: Console, job: Job, folder: Path) -> None:
    """Draw the run's curves, confusions, first-layer kernels and graph; say which cannot be drawn here."""
    for name, draw in _PICTURES.items():
        try:
            draw(job, folder / name)
        except OptionalDependencyError as error:
            console.print(f"without {name}: {error.problem} ({error.hint})", soft_wrap=True)


def summarize(console: Console, job: Job, folder: Path) -> None:
    """Say how well it went, and where to look next."""
    accuracy = job.trainer.history["test_accuracy"][-1]
    seconds = sum(job.trainer.history["seconds"])
    console.print(
        f"\n{accuracy * 100:.1f} % of the {len(job.dataset.test):,} test images are recognised "
        f"after {job.trainer.epoch} epochs and {seconds:.0f} s of training",
        style="bold",
        soft_wrap=True,
    )
    console.print(f"\nLook next into {folder}/", soft_wrap=True)
    for name, meaning in _FILES.items():
        if (folder / name).exists():
            console.print(f"  {name:<18} {meaning}", soft_wrap=True)
    console.print("\nand try", f"  tinygrad-cnn eval {folder}", sep="\n", soft_wrap=True)


# --- the pictures ---------------------------------------------------------------------------------


def _draw_curves(job: Job, path: Path) -> None:
    viz.plot_history(job.trainer.history).save(path)


def _draw_confusion(job: Job, path: Path) -> None:
    viz.plot_confusion(job.confusion(), job.dataset.classes).save(path)


def _draw_filters(job: Job, path: Path) -> None:
    """The kernels of the first convolution; a network without one has none to show."""
    for module in job.trainer.model.modules():
        if isinstance(module, (Conv1d, Conv2d, Conv3d)):
            viz.plot_filters(module.weight).save(path)
            return


def _draw_graph(job: Job, path: Path) -> None:
    """The forward graph of one training step, on the first batch."""
    x, y = next(iter(job.train_loader))
    x.name, y.name = "images", "labels"
    trainer = job.trainer
    with record():  # also the labels' way to the loss, which no gradient takes
        loss = trainer.loss(trainer.model(x), y)
    Graph.of(loss).render(path)


_PICTURES: dict[str, Callable[[Job, Path], None]] = {
    "curves.png": _draw_curves,
    "confusion.png": _draw_confusion,
    "filters.png": _draw_filters,
    "graph.svg": _draw_graph,
}
