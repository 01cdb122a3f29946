"""Arrays as cells with their numbers, side by side, with signs between them: X ⋆ F = O.

A `Panel` is one array as it will be seen; `lay_out` puts panels and signs into rows and draws them. Places
and sizes are in inches from the upper left corner.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn.viz.plots.plot import (
    MONO,
    NORMAL,
    SMALL,
    WIDEST,
    Array,
    Plot,
    number_text,
    sheet,
    text_width,
)
from tinygrad_cnn.viz.theme import LIGHT, PURPLE, shade
from tinygrad_cnn.viz.values import Family, Scales

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Kind = Literal["data", "weights", "gradient"]
Mask = NDArray[np.bool_]
Texts = NDArray[np.str_]
Row: TypeAlias = "Sequence[Panel | str]"

FAMILIES: dict[Kind, Family] = {"data": "data", "weights": "weights", "gradient": "gradients"}
NUMBERS_UP_TO = 8  # the longest side of an array whose cells show their numbers
CELL = 0.42  # inches: a side, where the numbers are short
GAP = 0.34  # inches, between two arrays
_MARGIN, _ROW_GAP = 0.14, 0.24
_NAME, _CAPTION = 0.26, 0.23  # the height of a line
_NAME_SIZE, _SIGN_SIZE = 12, 19
_DIGIT = 0.602 / 72  # inches: the width of a character of the monospace font, for each point of its size
_NAME_COLORS: dict[Kind, str] = {
    "data": LIGHT.ink,
    "weights": LIGHT.parameter_fill,
    "gradient": LIGHT.tones["gradient"],
}


@dataclass(kw_only=True)
class Panel:
    """One array as it will be seen.

    Attributes:
        table: (rows, columns).
        cell: width and height of a cell.
        scales: what the strongest colour stands for.
        texts: what stands in each cell, (rows, columns); None for an image without numbers.
        above: smaller, above that: how the number came about.
        mark: the cells to look at.
        padding: cells that were put around the array.
        missing: cells that are not computed yet.
        plain: white cells.
        caption: lines under the array.
    """

    name: str
    table: Array
    cell: tuple[float, float]
    kind: Kind = "data"
    scales: Scales = field(default_factory=Scales)
    texts: Texts | None = None
    above: Texts | None = None
    mark: Mask | None = None
    padding: Mask | None = None
    missing: Mask | None = None
    plain: bool = False
    caption: str = ""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the cells alone."""
        rows, columns = self.table.shape
        return columns * self.cell[0], rows * self.cell[1]

    @property
    def width(self) -> float:
        """Width of the cells, or of what is written above or under them."""
        name = text_width(self.name, _NAME_SIZE, bold=True)
        return max(self.size[0], name, text_width(self.caption, SMALL))

    @property
    def over(self) -> float:
        """How far it reaches above its middle."""
        return self.size[1] / 2 + (_NAME if self.name else 0)

    @property
    def under(self) -> float:
        """How far it reaches below its middle."""
        return self.size[1] / 2 + (_CAPTION * len(self.caption.split("\n")) if self.caption else 0)


def numbers(table: Array) -> Texts:
    """What is written into the cells."""
    return np.array([number_text(value) for value in table.flat]).reshape(table.shape)


def room_for(texts: Iterable[str], size: float = NORMAL) -> float:
    """How wide cells must be for these texts; never narrower than `CELL`."""
    return max(CELL, max(map(len, texts)) * size * _DIGIT + 0.13)


def include(scales: Scales, table: Array, kind: Kind) -> Scales:
    """The scales, widened so that this array fits."""
    scales.include(tensor(table), FAMILIES[kind])
    return scales


# --- rows of panels and signs ---------------------------------------------------------------------


def wrapped(items: Row) -> list[list[Panel | str]]:
    """As many side by side as fit on a page; a sign goes along with the array behind it."""
    rows: list[list[Panel | str]] = [[]]
    signs: list[Panel | str] = []
    for item in items:
        if isinstance(item, str):
            signs = [item]
            continue
        if rows[-1] and _row_width([*rows[-1], *signs, item]) > WIDEST - 2 * _MARGIN:
            rows.append([])
        rows[-1] += [*signs, item]
        signs = []
    return rows


def lay_out(what: str, rows: Sequence[Row], footer: str = "") -> Plot:
    """Put panels and signs into rows, and draw them."""
    heights = [(max(p.over for p in _panels(row)), max(p.under for p in _panels(row))) for row in rows]
    width = 2 * _MARGIN + max(text_width(footer, SMALL), *map(_row_width, rows))
    height = 2 * _MARGIN + sum(map(sum, heights)) + _ROW_GAP * (len(rows) - 1) + (_CAPTION if footer else 0)

    def draw(figure: Figure) -> None:
        axes = sheet(figure)
        top = _MARGIN
        for row, (over, under) in zip(rows, heights, strict=True):
            _draw_row(axes, row, top + over)
            top += over + under + _ROW_GAP
        axes.text(_MARGIN, height - _MARGIN, footer, size=SMALL, color=LIGHT.muted, va="bottom")

    return Plot(what, (width, height), draw, fitted=False)


def _panels(row: Row) -> list[Panel]:
    return [item for item in row if isinstance(item, Panel)]


def _row_width(row: Row) -> float:
    return sum(map(_width, row)) + sum(itertools.starmap(_gap, itertools.pairwise(row)))


def _width(item: Panel | str) -> float:
    return item.width if isinstance(item, Panel) else text_width(item, _sign_size(item))


def _gap(one: Panel | str, other: Panel | str) -> float:
    return GAP if isinstance(one, Panel) and isinstance(other, Panel) else GAP / 2


def _sign_size(sign: str) -> float:
    return _SIGN_SIZE * (1.5 if sign in "⋆·" else 1)  # these are small in their font


def _draw_row(axes: Axes, row: Row, middle: float) -> None:
    left = _MARGIN
    for item, following in zip(row, [*row[1:], ""], strict=True):
        if isinstance(item, Panel):
            _draw_panel(axes, item, left, middle)
        else:
            axes.text(left, middle, item, size=_sign_size(item), va="center_baseline")
        left += _width(item) + _gap(item, following)


# --- one panel ------------------------------------------------------------------------------------


def _draw_panel(axes: Axes, panel: Panel, left: float, middle: float) -> None:
    width, height = panel.size
    center, top = left + panel.width / 2, middle - height / 2
    place = (center - width / 2, top)
    name = axes.text(center, top - 0.08, panel.name, size=_NAME_SIZE, color=_NAME_COLORS[panel.kind])
    name.set(weight="bold" if panel.kind == "weights" else "normal", ha="center", va="baseline")
    caption = axes.text(center, top + height + 0.07, panel.caption, size=SMALL, color=LIGHT.muted)
    caption.set(linespacing=1.3, ha="center", va="top")
    if panel.texts is None:
        _draw_image(axes, panel, place)
    else:
        _draw_cells(axes, panel, panel.texts, place)
    if panel.mark is not None and panel.mark.any():
        _outline(axes, panel.mark, place, panel.cell)


def _draw_cells(axes: Axes, panel: Panel, texts: Texts, place: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    (left, top), (width, height) = place, panel.cell
    line = 0.5 if panel.above is None else 0.68  # how far down in its cell a number stands
    for row, column in np.ndindex(panel.table.shape):
        x, y = left + column * width, top + row * height
        fill, ink, dashed, hatch = _looks(panel, row, column)
        cell = Rectangle((x, y), width, height, facecolor=fill, edgecolor=LIGHT.scope_line, hatch=hatch)
        cell.set(linewidth=0.8, linestyle=(0, (2, 2)) if dashed else "-")
        axes.add_patch(cell)
        _write(axes, (x + width / 2, y + line * height), texts[row, column], NORMAL, ink)
        if panel.above is not None:
            _write(axes, (x + width / 2, y + 0.3 * height), panel.above[row, column], SMALL, LIGHT.muted)


def _write(axes: Axes, place: tuple[float, float], text: object, size: float, color: str) -> None:
    axes.text(*place, str(text), size=size, color=color, family=MONO, ha="center", va="center_baseline")


def _looks(panel: Panel, row: int, column: int) -> tuple[str, str, bool, str]:
    """Of a cell: its colour, that of what is written on it, whether it is dashed, its hatching."""
    value, scales, family = panel.table[row, column], panel.scales, FAMILIES[panel.kind]
    if panel.missing is not None and panel.missing[row, column]:
        return LIGHT.background, LIGHT.muted, True, ""
    if panel.padding is not None and panel.padding[row, column]:
        return LIGHT.scope_fills[0], LIGHT.muted, True, ""
    if not math.isfinite(value):
        return PURPLE, LIGHT.ink, False, "///"
    if panel.plain or (family == "data" and scales.lowest == scales.highest):  # all cells would be the same
        return LIGHT.background, LIGHT.ink, False, ""
    return *shade(scales.shade(value, family), family != "data", LIGHT), False, ""


def _draw_image(axes: Axes, panel: Panel, place: tuple[float, float]) -> None:
    from matplotlib.patches import Rectangle

    family = FAMILIES[panel.kind]
    strengths = np.vectorize(lambda value: panel.scales.shade(value, family), otypes=[float])(panel.table)
    (left, top), (width, height) = place, panel.size
    axes.imshow(
        np.ma.masked_where(~np.isfinite(panel.table), strengths),
        cmap=_color_map(family),
        vmin=0 if family == "data" else -1,
        vmax=1,
        extent=(left, left + width, top + height, top),
        aspect="auto",
        interpolation="nearest",
    )
    axes.add_patch(Rectangle(place, width, height, fill=False, edgecolor=LIGHT.scope_line, linewidth=0.8))


@cache
def _color_map(family: Family) -> Any:
    """The colours of `shade`, as matplotlib wants them."""
    from matplotlib.colors import ListedColormap

    diverging = family != "data"
    steps = np.linspace(-1 if diverging else 0, 1, 255)
    return ListedColormap([shade(step, diverging, LIGHT)[0] for step in steps]).with_extremes(bad=PURPLE)


def _outline(axes: Axes, mask: Mask, place: tuple[float, float], cell: tuple[float, float]) -> None:
    """The halo of what is looked at now: around the marked cells, where they border on others."""
    from matplotlib.collections import LineCollection

    framed = np.pad(mask, 1)
    upright = [[(x, y - 1), (x, y)] for y, x in np.argwhere(framed[:, 1:] != framed[:, :-1])]
    level = [[(x - 1, y), (x, y)] for y, x in np.argwhere(framed[1:] != framed[:-1])]
    borders = np.array(upright + level) * cell + place
    for width, color in ((6.5, LIGHT.halo), (1.8, LIGHT.ink)):
        lines = LineCollection(list(borders), linewidths=width, colors=color, capstyle="round", zorder=2.5)
        axes.add_collection(lines, autolim=False)
