"""`plot_lines`: curves, and on them points to look at, with their tangents."""

from __future__ import annotations

import itertools
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.viz.plots.plot import NORMAL, WIDEST, Array, Plot, frame, number_text, text_width, to_array
from tinygrad_cnn.viz.theme import BLUE, GREEN, LIGHT, ORANGE, PURPLE, SKY_BLUE, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# How a line is dashed says the same as its colour.
_LOOKS = (
    (BLUE, "solid"),
    (ORANGE, "dashed"),
    (GREEN, "dashdot"),
    (PURPLE, "dotted"),
    (SKY_BLUE, (0, (8, 1.5))),
    (LIGHT.ink, (0, (3, 1, 1, 1, 1, 1))),
)
_UPRIGHT = 2  # letters of a name: so few stand upright beside their axis
_DOTTED_UP_TO = 20  # points of a curve: so few were measured, one by one
_WIDTH, _HEIGHT = 6.4, 3.8  # inches; beside that stand the names of several curves
_TANGENT = 1.1  # inches to either side of its point
_AWAY = 0.14  # inches from a point to its label
# Where a label can stand, as seen from its point, the best place first; y runs upwards.
_DIRECTIONS = ((1, -1), (-1, 1), (1, 1), (-1, -1), (1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Point:
    """A place on a curve to look at, with the tangent there if its slope is given.

    Args:
        x, y: where it is.
        label: what is written beside it; by default the slope, if there is one.
        slope: of the tangent.

    >>> Point(0.5, 4.0, slope=-8.0)
    Point(x=0.5, y=4.0, label='', slope=-8.0)
    """

    x: float
    y: float
    label: str = ""
    slope: float | None = None

    @property
    def place(self) -> tuple[float, float]:
        """Where it is, also if it was given as tensors."""
        return float(self.x), float(self.y)

    @property
    def text(self) -> str:
        """What is written beside it."""
        return self.label or ("" if self.slope is None else f"slope {number_text(float(self.slope))}")


def plot_lines(
    curves: Mapping[str, tuple[Any, Any]],
    *,
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    mark: Point | Iterable[Point] = (),
) -> Plot:
    """Curves: functions, losses, whatever depends on one number.

    Args:
        curves: x (N,) and y (N,) by name. Where y is not finite, the line is interrupted.
        xlabel, ylabel: what runs along the axes.
        title: what there is to see.
        mark: points to look at; one with a slope gets its tangent.

    Raises:
        ShapeError: x and y that are not two rows of numbers of the same length.
        ArgumentError: no curves.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> x = np.linspace(-2, 2)
    >>> viz.plot_lines({"x²": (x, x**2)}, xlabel="x", ylabel="y", mark=viz.Point(1, 1, slope=2))
    <Plot of x²>
    """
    if not curves:
        raise ArgumentError(
            "there is nothing to draw", argument="curves", expected="at least one curve", got="none"
        )
    drawn = {name: _curve(name, curve) for name, curve in curves.items()}
    points = [mark] if isinstance(mark, Point) else list(mark)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        frame(axes)
        for (name, (x, y)), (color, dashes) in zip(drawn.items(), itertools.cycle(_LOOKS), strict=False):
            marker = "o" if len(x) <= _DOTTED_UP_TO else ""
            axes.plot(
                x, y, label=name, color=color, linestyle=dashes, linewidth=2, marker=marker, markersize=4
            )
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        if len(ylabel) <= _UPRIGHT:
            axes.yaxis.labelpad = 12
            axes.yaxis.label.set(rotation=0, va="center")
        axes.set_title(title or "", loc="left")
        if len(drawn) > 1:
            figure.legend(loc="outside right center", frameon=False)
        if points:
            _draw_points(figure, axes, points)

    names = 0.5 + max(text_width(name, NORMAL) for name in drawn) if len(drawn) > 1 else 0
    return Plot(title or ", ".join(drawn), (min(WIDEST, _WIDTH + names), _HEIGHT), draw)


def _curve(name: str, curve: tuple[Any, Any]) -> tuple[Array, Array]:
    argument = f"curves[{name!r}]"
    if not isinstance(curve, (tuple, list)) or len(curve) != 2:
        raise ArgumentTypeError(
            "a curve is a pair", argument=argument, expected="(x, y)", got=reprlib.repr(curve)
        )
    x, y = (to_array(part, argument) for part in curve)
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ShapeError(
            "a curve has a y for every x",
            argument=argument,
            expected="x (N,) and y (N,)",
            got=f"x {x.shape} and y {y.shape}",
        )
    return x, y


# --- points on curves -----------------------------------------------------------------------------


def _draw_points(figure: Figure, axes: Axes, points: Sequence[Point]) -> None:
    for point in points:
        axes.plot(*point.place, "o", markersize=13, color=LIGHT.halo, zorder=3)
        axes.plot(*point.place, "o", markersize=6, color=LIGHT.ink, zorder=3)
    axes.autoscale_view()
    axes.autoscale(False)  # tangents do not make the picture larger
    figure.draw_without_rendering()  # from here on everything has its place
    for point in points:
        if point.slope is not None:
            axes.plot(
                *_tangent(axes, point.place, float(point.slope)), color=VERMILLION, linewidth=2, zorder=2.5
            )
    taken = [_places(line) for line in axes.lines]
    for point in points:
        if point.text:
            taken.append(_write_beside(axes, point, np.concatenate(taken)))


def _tangent(axes: Axes, place: tuple[float, float], slope: float) -> tuple[Array, Array]:
    """Both ends, x and y; on paper it is as long wherever it is."""
    x, y = place
    start, end = axes.transData.transform([(x, y), (x + 1, y + slope)])
    reach = _TANGENT * _dpi(axes) / np.hypot(*(end - start)) * np.array([-1, 1])
    return x + reach, y + slope * reach


def _write_beside(axes: Axes, point: Point, taken: Array) -> Array:
    """Write a label where it covers least of what is taken, and return the places that it takes itself."""
    dpi = _dpi(axes)
    half = np.array([text_width(point.text, NORMAL), 1.2 * NORMAL / 72]) / 2 * dpi
    place = axes.transData.transform(point.place)
    centers = [place + np.array(direction) * (half + _AWAY * dpi) for direction in _DIRECTIONS]
    low, high = axes.bbox.get_points()

    def covered(center: Array) -> int:
        outside = bool(((center - half < low) | (center + half > high)).any())
        return int((np.abs(taken - center) < half).all(axis=1).sum()) + 10_000 * outside

    best = min(centers, key=covered)
    axes.annotate(
        point.text,
        point.place,
        (best - place) * 72 / dpi,
        textcoords="offset points",
        size=NORMAL,
        color=LIGHT.ink if point.slope is None else LIGHT.tones["gradient"],
        ha="center",
        va="center",
    ).set_in_layout(False)
    mesh = np.stack(np.meshgrid(np.linspace(-1, 1, 30), [-1, 0, 1]), axis=-1).reshape(-1, 2)
    return np.asarray(best + half * mesh)


def _places(line: Line2D) -> Array:
    """Where on paper a line runs, close-meshed, in pixels."""
    path = line.get_path()
    close = path.interpolated(max(1, 600 // len(np.asarray(path.vertices))))
    return np.asarray(line.get_transform().transform(close.vertices))


def _dpi(axes: Axes) -> float:
    return float(axes.figure.dpi)
