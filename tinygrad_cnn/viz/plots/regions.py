"""`plot_regions`: points of several classes, over the regions into which a classifier cuts the plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._context import no_grad
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.viz.plots.plot import NORMAL, Array, Plot, text_width, to_array
from tinygrad_cnn.viz.theme import BLUE, GREEN, LIGHT, ORANGE, PURPLE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CLASSES = ((BLUE, "o"), (VERMILLION, "^"), (GREEN, "s"), (PURPLE, "D"), (ORANGE, "P"))
_MARGIN = 0.12  # of the points' extent, on every side


def plot_regions(
    classify: Callable[[Any], Any],
    points: Any,
    labels: Any,
    *,
    names: Sequence[str] | None = None,
    resolution: int = 200,
) -> Plot:
    """Points of two to five classes over the regions into which a classifier cuts the plane.

    Args:
        classify: takes (M, 2) points, a float32 array, and returns classes (M,), or scores (M, C), of which
            the largest wins. For a network: `lambda points: model(tc.tensor(points))`.
        points: (N, 2).
        labels: (N,), classes from 0.
        names: of the classes.
        resolution: the regions are found out at as many places along each side.

    Raises:
        ShapeError: points, labels or answers of another shape.
        ArgumentError: labels that are no classes, more than five of them, or not one name a class.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_regions(lambda points: points[:, 0] > 0, [[-1, 0], [1, 0.5]], [0, 1])
    <Plot of 2 points in 2 classes>
    """
    places, classes, count = _checked(points, labels, names)
    names = [f"class {number}" for number in range(count)] if names is None else list(map(str, names))
    low, high = places.min(axis=0), places.max(axis=0)
    border = _MARGIN * np.maximum(high - low, 1e-6)
    sides = [np.linspace(a, b, resolution) for a, b in zip(low - border, high + border, strict=True)]
    grid = np.stack(np.meshgrid(*sides), axis=-1).astype(np.float32)
    scores = _scores(classify, grid)

    def draw(figure: Figure) -> None:
        from matplotlib.colors import ListedColormap

        axes = figure.add_subplot()
        colors = ListedColormap([color for color, _ in _CLASSES])
        axes.imshow(
            scores.argmax(axis=-1),
            cmap=colors,
            vmin=0,
            vmax=len(_CLASSES) - 1,
            alpha=0.22,
            extent=(sides[0][0], sides[0][-1], sides[1][0], sides[1][-1]),
            origin="lower",
            aspect="auto",
        )
        for lead in _leads(scores):
            axes.contour(*sides, lead, levels=[0], colors=LIGHT.ink, linewidths=1.4)
        for number, (color, marker) in enumerate(_CLASSES[:count]):
            x, y = places[classes == number].T
            axes.plot(x, y, marker, color=color, label=names[number], markersize=6, markeredgecolor="white")
        figure.legend(loc="outside right center", frameon=False)
        axes.set_xlabel("x₁")
        axes.set_ylabel("x₂")
        axes.tick_params(colors=LIGHT.muted, length=0)
        axes.spines[:].set_visible(False)

    legend = 0.5 + max(text_width(name, NORMAL) for name in names)
    return Plot(f"{len(places)} points in {count} classes", (5.2 + legend, 4.4), draw)


def _checked(points: Any, labels: Any, names: Sequence[str] | None) -> tuple[Array, Array, int]:
    """The points, their classes, and how many classes there are."""
    places, classes = to_array(points, "points"), to_array(labels, "labels")
    if places.ndim != 2 or places.shape[1] != 2 or not len(places):
        raise ShapeError("points lie in a plane", argument="points", expected="(N, 2)", got=places.shape)
    if classes.shape != (len(places),):
        raise ShapeError(
            "every point has a class", argument="labels", expected=(len(places),), got=classes.shape
        )
    count = len(names) if names is not None else max(2, int(classes.max()) + 1)
    if not 2 <= count <= len(_CLASSES) or not set(classes) <= set(range(count)):
        named = "" if names is None else f" with {count} names"
        raise ArgumentError(
            "these classes cannot be drawn",
            argument="labels",
            expected=f"whole numbers from 0, of two to {len(_CLASSES)} classes, a name for each (if any)",
            got=f"{classes.min():g} .. {classes.max():g}{named}",
        )
    return places, classes, count


def _scores(classify: Callable[[Any], Any], grid: NDArray[np.float32]) -> Array:
    """A score for each class at every place of the grid, (rows, columns, C)."""
    places = grid.reshape(-1, 2)
    with no_grad():
        answers = to_array(classify(places), "classify")
    if answers.ndim == 2 and len(answers) == len(places) and answers.shape[1] > 1:
        return answers.reshape(*grid.shape[:2], -1)
    if answers.shape != (len(places),) or not set(answers) <= set(range(len(_CLASSES))):
        raise ShapeError(
            "every point gets a class, or a score for each class",
            argument="classify",
            expected=f"({len(places)},) classes or ({len(places)}, C) scores for points {places.shape}",
            got=f"{answers.shape}, {answers.min():g} .. {answers.max():g}" if answers.size else answers.shape,
            hint="a single score says class 1 where it is positive: scores.reshape(-1) > 0",
        )
    return _shares(answers.astype(int).reshape(grid.shape[:2]))


def _shares(classes: NDArray[np.int64]) -> Array:
    """How much of the neighbourhood each class has: what would be a staircase becomes a smooth boundary."""
    alone = np.eye(max(2, classes.max() + 1))[classes]
    padded = np.pad(alone, ((2, 2), (2, 2), (0, 0)), mode="edge")
    around: Array = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(0, 1)).mean(axis=(-2, -1))
    return around


def _leads(scores: Array) -> Iterator[Array]:
    """By how much a class is ahead of the best other one, for classes that win in some places, not in all."""
    for number in range(scores.shape[-1]):
        lead = scores[..., number] - np.delete(scores, number, axis=-1).max(axis=-1)
        if lead.min() < 0 < lead.max():
            yield lead
