"""How a training run went: learning curves, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.viz.plots.plot import SMALL, Array, Plot, frame
from tinygrad_cnn.viz.theme import BLUE, LIGHT, SEQUENTIAL, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MEASURED = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
_CURVES = {"train": (BLUE, "-", "o"), "test": (VERMILLION, "--", "s")}  # colour, line, marker


class Columns(Protocol):
    """Anything that gives one number an epoch by the name of what was measured."""

    def __getitem__(self, name: str, /) -> Sequence[float]: ...


def plot_history(history: Columns, *, best: int | None = None) -> Plot:
    """Loss and accuracy of a training run, epoch by epoch.

    The epoch of the lowest test loss is marked: what comes after it, the network learns by heart.

    Args:
        history: `trainer.history`, or a dict of lists: one number an epoch for each of epoch, train_loss,
            train_accuracy, test_loss and test_accuracy (accuracies between 0 and 1).
        best: another epoch to mark, such as that whose weights were kept.

    Raises:
        ArgumentError: no epoch yet, a missing measurement, or a best epoch that is not in the history.
        ShapeError: not one number an epoch.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_history({"epoch": [1, 2], "train_loss": [0.9, 0.6], "train_accuracy": [0.7, 0.8],
    ...                   "test_loss": [0.8, 0.7], "test_accuracy": [0.7, 0.75]})
    <Plot of loss and accuracy of 2 epochs>
    """
    columns = _columns(history)
    epochs = columns["epoch"]
    if best is not None and best not in epochs:
        raise ArgumentError(
            "this epoch is not in the history",
            argument="best",
            expected=f"one of {epochs[0]:.0f} .. {epochs[-1]:.0f}",
            got=best,
        )
    marked, word = best, "best"
    if best is None and len(epochs) > 1 and np.isfinite(columns["test_loss"]).any():
        marked, word = int(epochs[np.nanargmin(columns["test_loss"])]), "lowest test loss"

    def draw(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        for place, (quantity, scale) in enumerate({"loss": 1, "accuracy": 100}.items(), 1):
            axes = figure.add_subplot(1, 2, place)
            for name, (color, line, marker) in _CURVES.items():
                values = scale * columns[f"{name}_{quantity}"]
                axes.plot(
                    epochs, values, color=color, linestyle=line, marker=marker, markersize=4, label=name
                )
            if marked is not None:
                axes.axvline(marked, color=LIGHT.halo, linewidth=6, zorder=0.6)
                axes.axvline(
                    marked, color=LIGHT.ink, linewidth=1, zorder=0.7, label=f"{word}: epoch {marked}"
                )
            axes.set_title("Loss" if quantity == "loss" else "Accuracy (%)", loc="left")
            frame(axes)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no epoch 2.5
            axes.set_xlabel("epoch")
        # One for both, where it covers nothing.
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)

    count = f"{len(epochs)} epoch{'s' if len(epochs) != 1 else ''}"
    return Plot(f"loss and accuracy of {count}", (9, 3.8), draw)


def _columns(history: Columns) -> dict[str, Array]:
    """What is drawn, as one array a measurement."""
    try:
        columns = {name: np.asarray(history[name], dtype=float) for name in _MEASURED}
    except LookupError as error:
        raise ArgumentError(
            "this history lacks a measurement", argument="history", expected=", ".join(_MEASURED)
        ) from error
    epochs = columns["epoch"].shape
    if epochs == (0,):
        raise ArgumentError(
            "there is nothing to draw yet", argument="history", expected="at least one epoch", got="none"
        )
    for name, column in columns.items():
        if column.shape != epochs:
            raise ShapeError(
                "every measurement has one number an epoch",
                argument=f"history[{name!r}]",
                expected=epochs,
                got=column.shape,
            )
    return columns


def plot_confusion(matrix: Any, class_names: Sequence[str]) -> Plot:
    """How often each class was taken for each other one.

    Args:
        matrix: (C, C) counts; row: the true class, column: the predicted one.
        class_names: C names.

    Raises:
        ShapeError: a matrix that is not (C, C) for C names.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_confusion([[9, 1], [0, 8]], ["shirt", "shoe"])
    <Plot of confusions of 2 classes>
    """
    counts = np.asarray(matrix)
    classes = len(class_names)
    if counts.shape != (classes, classes):
        raise ShapeError(
            "a confusion matrix has a row and a column for each class",
            argument="matrix",
            expected=(classes, classes),
            got=counts.shape,
        )

    def draw(figure: Figure) -> None:
        from matplotlib.colors import LinearSegmentedColormap, PowerNorm

        axes = figure.add_subplot()
        # Each row's share, so that a rare class is as readable as a frequent one, and its square root, so
        # that the few mistakes are seen beside the many right answers.
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        colours = LinearSegmentedColormap.from_list("sequential", SEQUENTIAL)
        axes.imshow(shares, cmap=colours, norm=PowerNorm(0.5, vmin=0, vmax=1))
        for row, column in np.argwhere(counts):
            color = "white" if shares[row, column] > 0.35 else LIGHT.ink
            axes.text(
                column, row, f"{counts[row, column]:,}", size=SMALL, color=color, ha="center", va="center"
            )
        axes.set_xticks(range(classes), class_names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(classes), class_names)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        right = np.trace(counts) / max(counts.sum(), 1)
        axes.set_title(f"{right:.1%} of {counts.sum():,} are right", loc="left")
        axes.tick_params(length=0)
        axes.spines[:].set_color(LIGHT.scope_line)

    side = max(4.0, 0.52 * classes + 1.6)
    return Plot(f"confusions of {classes} classes", (side, side), draw)
