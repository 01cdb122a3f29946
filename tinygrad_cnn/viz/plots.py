"""Plots of a training run: learning curves, confusion matrix, first-layer filters.

Drawn with matplotlib's own objects, without the global state of pyplot, so that plotting in one place of
a program never changes figures in another, and no display is needed.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tinygrad_cnn.errors import ArgumentError, OptionalDependencyError, ShapeError
from tinygrad_cnn.viz.render import write
from tinygrad_cnn.viz.theme import BLUE, DIVERGING, LIGHT, SEQUENTIAL, VERMILLION, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
_PIXELS_PER_INCH = 144
_NUMBERS_UP_TO = 8  # the longest side of an array whose cells show their numbers
_MOST_KERNELS = 400
_PITCH = (1.12, 1.3)  # from one kernel to the next, in sides of a kernel: across, down (its title included)
_MEASURED = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
_CURVES = {"train": (BLUE, "-", "o"), "test": (VERMILLION, "--", "s")}  # colour, line, marker


class Columns(Protocol):
    """Anything that gives one number an epoch by the name of what was measured."""

    def __getitem__(self, name: str, /) -> Sequence[float]: ...


def plot_history(history: Columns, path: str | os.PathLike[str]) -> Path:
    """Loss and accuracy of a training run, epoch by epoch.

    Args:
        history: `trainer.history`, or a dict of lists: one number an epoch for each of epoch, train_loss,
            train_accuracy, test_loss and test_accuracy (accuracies between 0 and 1).
        path: the picture, .png, .svg or .pdf.

    Raises:
        ArgumentError: no epoch yet, a missing measurement, or a path that cannot be written.
        OptionalDependencyError: matplotlib is not installed.

    >>> import tempfile
    >>> history = {"epoch": [1, 2], "train_loss": [0.9, 0.6], "train_accuracy": [0.7, 0.8],
    ...            "test_loss": [0.8, 0.7], "test_accuracy": [0.7, 0.75]}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_history(history, f"{folder}/curves.png").name
    'curves.png'
    """
    try:
        columns = {name: np.asarray(history[name], dtype=float) for name in _MEASURED}
    except LookupError as error:
        raise ArgumentError(
            "this history lacks a measurement", argument="history", expected=", ".join(_MEASURED)
        ) from error
    if not columns["epoch"].size:
        raise ArgumentError(
            "there is nothing to draw yet", argument="history", expected="at least one epoch", got="none"
        )
    figure = _figure(9, 3.8)
    for place, (quantity, scale) in enumerate({"loss": 1, "accuracy": 100}.items(), 1):
        axes = figure.add_subplot(1, 2, place)
        for name, (color, line, marker) in _CURVES.items():
            values = scale * columns[f"{name}_{quantity}"]
            axes.plot(
                columns["epoch"], values, color=color, linestyle=line, marker=marker, markersize=4, label=name
            )
        axes.set_title("Loss" if quantity == "loss" else "Accuracy (%)", loc="left")
        _frame(axes)
        axes.set_xlabel("epoch")
        axes.legend(framealpha=1, edgecolor="none")
    return _save(figure, path)


def plot_confusion(matrix: Any, class_names: Sequence[str], path: str | os.PathLike[str]) -> Path:
    """How often each class was taken for each other one.

    Args:
        matrix: (C, C) counts; row: the true class, column: the predicted one.
        class_names: C names.
        path: the picture, .png, .svg or .pdf.

    Raises:
        ShapeError: a matrix that is not (C, C) for C names.
        ArgumentError: a path that cannot be written.
        OptionalDependencyError: matplotlib is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_confusion([[9, 1], [0, 8]], ["shirt", "shoe"], f"{folder}/confusion.png").name
    'confusion.png'
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
    side = max(4.0, 0.52 * classes + 1.6)
    figure = _figure(side, side)
    axes = figure.add_subplot()
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    # Each row's share, so that a rare class is as readable as a frequent one, and its square root, so that
    # the few mistakes are seen beside the many right answers.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = LinearSegmentedColormap.from_list("sequential", SEQUENTIAL)
    axes.imshow(shares, cmap=colours, norm=PowerNorm(0.5, vmin=0, vmax=1))
    for row, column in np.argwhere(counts):
        axes.text(
            column,
            row,
            f"{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if shares[row, column] > 0.35 else LIGHT.ink,
        )
    axes.set_xticks(range(classes), class_names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(classes), class_names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    right = np.trace(counts) / max(counts.sum(), 1)
    axes.set_title(f"{right:.1%} of {counts.sum():,} are right", loc="left")
    axes.tick_params(length=0)
    axes.spines[:].set_color(LIGHT.scope_line)
    return _save(figure, path)


def plot_filters(weights: Any, path: str | os.PathLike[str]) -> Path:
    """The kernels of a convolution: blue cells subtract, red ones add, white ones do not look.

    All kernels share one scale, printed beside them; those of several channels are shown channel by channel.
    Cells of up to 32 kernels no larger than 8 × 8 show their numbers.

    Args:
        weights: (O, C, H, W), a tensor or array.
        path: the picture, .png, .svg or .pdf.

    Raises:
        ShapeError: weights of other than four dimensions.
        ArgumentError: more kernels than can be told apart, or a path that cannot be written.
        OptionalDependencyError: matplotlib is not installed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot_filters(np.ones((6, 1, 5, 5)), f"{folder}/filters.png").name
    'filters.png'
    """
    kernels = np.asarray(weights, dtype=np.float64)
    if kernels.ndim != 4 or not kernels.size:
        raise ShapeError(
            "filters are drawn from the weights of a two-dimensional convolution",
            argument="weights",
            expected="(O, C, H, W), none of them 0",
            got=kernels.shape,
        )
    filters, channels, *size = kernels.shape
    if filters * channels > _MOST_KERNELS:
        raise ArgumentError(
            f"{filters * channels:,} kernels cannot be told apart in one picture",
            argument="weights",
            expected=f"at most {_MOST_KERNELS} kernels (filters times channels)",
            got=kernels.shape,
            hint="draw some of them: weights[:8]",
        )
    columns = channels * _filters_in_a_row(filters, channels)
    rows = math.ceil(filters * channels / columns)
    numbered = max(size) <= _NUMBERS_UP_TO and filters * channels <= 32
    tile = max(1.0, 0.4 * max(size)) if numbered else 1.0  # inches
    height = rows * _PITCH[1] * tile + 0.3
    figure = _figure(columns * _PITCH[0] * tile + 1.2, height)
    axes = figure.add_subplot()
    axes.set_axis_off()
    limit = float(np.abs(kernels).max()) or 1.0
    for place, kernel in enumerate(kernels.reshape(-1, *size)):
        row, column = divmod(place, columns)
        left, top = column * _PITCH[0], row * _PITCH[1]
        image = _kernel(axes, kernel, left, top, limit, numbered)
        filter, channel = divmod(place, channels)
        title = f"channel {channel}" if channel else f"filter {filter}"
        axes.text(left + size[1] / max(size) / 2, top - 0.04, title, ha="center", va="bottom", fontsize=9)
    axes.set_xlim(-0.02, columns * _PITCH[0] - 0.1)
    axes.set_ylim(rows * _PITCH[1] - 0.25, -0.25)
    length = min(3.0, 0.8 * height)
    bar = figure.colorbar(
        image, ax=axes, ticks=[-limit, 0, limit], shrink=length / height, aspect=length / 0.15
    )
    bar.ax.set_yticklabels([number(round(tick, 4)) for tick in (-limit, 0.0, limit)])
    bar.outline.set_edgecolor(LIGHT.scope_line)
    return _save(figure, path)


def _filters_in_a_row(filters: int, channels: int) -> int:
    """About as wide as high, and without a gap in the last row where that can be had."""
    square = math.ceil(math.sqrt(filters / channels))
    return next((width for width in range(square, 2 * square) if filters % width == 0), square)


def _kernel(axes: Axes, kernel: Any, left: float, top: float, limit: float, numbered: bool) -> Any:
    """Draw one kernel with its corner there; its longer side is 1."""
    from matplotlib.colors import LinearSegmentedColormap

    cell = 1 / max(kernel.shape)
    if numbered:
        for (row, column), value in np.ndenumerate(kernel):
            text = f"{round(value, 2) + 0.0:.2f}".replace("-", "−")  # + 0.0: no such thing as −0.00
            color = "white" if value < -0.9 * limit else LIGHT.ink
            x, y = left + (column + 0.5) * cell, top + (row + 0.5) * cell
            axes.text(x, y, text, ha="center", va="center", fontsize=8, color=color)
    colours = LinearSegmentedColormap.from_list("diverging", DIVERGING)
    extent = (left, left + kernel.shape[1] * cell, top + kernel.shape[0] * cell, top)
    return axes.imshow(kernel, cmap=colours, vmin=-limit, vmax=limit, extent=extent)


# --- what all plots share -------------------------------------------------------------------------


def _figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise OptionalDependencyError(
            "plots need matplotlib", hint="pip install 'tinygrad-cnn[viz]'"
        ) from error
    figure = Figure(figsize=(width, height), dpi=_PIXELS_PER_INCH, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)  # type: ignore[union-attr,call-arg]
    FigureCanvasAgg(figure)
    return figure


def _frame(axes: Axes) -> None:
    """Space before lines: a quiet grid, no box."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no epoch 2.5
    axes.grid(color=LIGHT.scope_line, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT.muted)
    axes.tick_params(colors=LIGHT.muted, length=0)


def _save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    target = Path(path)
    format = target.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise ArgumentError(
            "the extension of the file says how to draw",
            argument="path",
            expected=f"a name that ends in one of {', '.join(f'.{name}' for name in FORMATS)}",
            got=str(path),
        )
    picture = io.BytesIO()
    figure.savefig(picture, format=format)
    write(target, picture.getvalue())
    return target
