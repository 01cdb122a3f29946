"""Seconds to a test accuracy on Fashion-MNIST: how fast does a network learn?

The clock runs from opening the files to the first evaluation at which the accuracy is reached, with
everything on the way: copying the data set to the GPU, compiling, capturing, an evaluation after each epoch.
Only importing comes before it. Ours is a `DataLoader` and a `Trainer`, as the tutorials have it. PyTorch is
written for speed: the data set on the GPU, a batch by one index, the fused update, eagerly or as one CUDA
graph.

The recipes are the same for everybody: batches of 128, SGD with Nesterov's momentum, weight decay, a learning
rate that rises and falls once; for the second network every other image is mirrored.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import epochs
from peers import Entry
from tables import spread
from workloads import MINI

from gpu_parts import contenders
from gpu_parts.run import Measured, Row, Run, Say, Tables, told

KEY = ("name", "precision", "layout")
ROUNDS = 3


@dataclass(frozen=True)
class Recipe(epochs.Recipe):
    """One training.

    Args:
        network: its name in `networks.py`.
        flip: mirror images at random.
        target: the accuracy on the test images to reach.
    """

    batch_size: int = 128
    test_batch_size: int = 1000
    network: str = "LENET5"
    flip: bool = False
    target: float = 0.9


RECIPES = {
    "LeNet-5": Recipe(epochs=8, learning_rate=0.1),
    "CNN with batch norm": Recipe(
        epochs=15, learning_rate=0.1, network="FASHION_CNN", flip=True, target=0.93
    ),
}


def measure(run: Run, say: Say) -> Measured:
    """A row for each recipe in each precision."""
    for precision in run.precisions:
        entries = _entries(precision, run)
        missing = contenders.missing(entries)
        for name, recipe in RECIPES.items():
            chosen = _short(recipe, run) if run.is_short else replace(recipe, folder=run.data)
            measured = epochs.measure(
                chosen,
                [contender for contender in entries if contender not in missing],
                rounds=1 if run.is_short else min(ROUNDS, run.rounds),
                threads=run.threads,
                say=told(say, f"accuracy of {name} in {precision}"),
                entries=entries,
            )
            measured["left_out"] |= missing
            yield {"name": name, "precision": precision, "layout": run.layout, **measured}


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    titles = _TITLES[found["dry_run"]]
    for row in rows:
        target = row["recipe"]["target"]
        head = [
            "",
            f"s to {target:.0%}",
            "s in all",
            "s per epoch after the first",
            "test accuracy at the end",
        ]
        body = [
            [
                titles[name],
                _reached(runs, target),
                spread([run["seconds"][-1] for run in runs], 2),
                spread([each for run in runs for each in _later(run["seconds"])], 3),
                ", ".join(f"{run['accuracy'][-1]:.2%}" for run in runs),
            ]
            for name, runs in row["contenders"].items()
        ]
        notes = [f"without {titles[name]}: {why}" for name, why in row["left_out"].items()]
        recipe = row["recipe"]
        ending = "" if recipe["epochs"] == 1 else "s"
        training = f"{row['name']} on {recipe['dataset']}, {recipe['epochs']} epoch{ending}"
        yield f"{training}, {contenders.setting(row, dry_run=found['dry_run'])}", [head, *body], notes


def seconds_to(target: float, run: dict[str, Any]) -> float | None:
    """When the accuracy was reached first; None if it never was."""
    pairs = zip(run["seconds"], run["accuracy"], strict=True)
    return next((seconds for seconds, accuracy in pairs if accuracy >= target), None)


# In tables, by whether it was a dry run.
_TITLES = {
    False: {
        "ours": "tinygrad_cnn, Trainer",
        "torch": "PyTorch, data on the GPU",
        "torch-graph": "PyTorch, data on the GPU, CUDA graph",
    },
    True: {
        "ours": "tinygrad_cnn on NumPy, Trainer",
        "torch": "PyTorch on the CPU",
        "torch-graph": "PyTorch on the CPU, eager for a graph",
    },
}


def _entries(precision: str, run: Run) -> dict[str, Entry]:
    options: dict[str, Any] = {"precision": precision, "dry_run": run.dry_run}
    theirs = options | {"layout": run.layout}
    titles = _TITLES[run.dry_run]
    return {
        "ours": Entry(titles["ours"], "tinygrad-cnn", "gpu_ours", "learn", options=options),
        "torch": Entry(titles["torch"], "torch", "gpu_pytorch", "learn", options=theirs | {"graph": False}),
        "torch-graph": Entry(
            titles["torch-graph"], "torch", "gpu_pytorch", "learn", options=theirs | {"graph": True}
        ),
    }


def _short(recipe: Recipe, run: Run) -> Recipe:
    """The images that come with the package, for two epochs; for one in a dry run."""
    return replace(recipe, folder=MINI, dataset="fashion-mini", epochs=1 if run.dry_run else 2)


def _later(seconds: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(seconds)]


def _reached(runs: list[dict[str, Any]], target: float) -> str:
    found = [seconds_to(target, run) for run in runs]
    reached = [seconds for seconds in found if seconds is not None]
    if len(reached) < len(found):
        return f"{len(reached)} of {len(found)} runs" + (
            f": {statistics.median(reached):.2f}" if reached else ""
        )
    return spread(reached, 2)
