"""`plot_images`: pictures in a grid, in grey or in colour, with titles."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.viz.plots.plot import SMALL, WIDEST, Array, Plot, number_text, sheet, text_width, to_array
from tinygrad_cnn.viz.theme import LIGHT, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Size = tuple[float, float]
Title = tuple[str, str]  # a text and its colour

_MOST_IMAGES = 400
_MARGIN, _GAP, _LINE = 0.12, 0.16, 0.18  # inches; a line of a title
_SMALLEST, _LARGEST = 1.05, 3.2  # inches: a side of a tile, where there is room
_SHRUNK = 0.85  # of that size a tile may be, for more of them in a row
_PIXELS_AN_INCH = 40
_TINY = 1e-6  # an error of float32
_SHARP = 100  # pixels a side, up to which single ones are to be seen


def plot_images(
    images: Any,
    titles: Sequence[str] | None = None,
    *,
    wrong: Sequence[bool] | None = None,
    columns: int | None = None,
    range: tuple[float, float] | None = None,
) -> Plot:
    """Pictures in a grid, each under its title.

    Args:
        images: (N, H, W) or (N, 1, H, W) in grey, (N, 3, H, W) in red, green and blue; or a list of pictures
            (H, W), (1, H, W) or (3, H, W), which may differ in size.
        titles: one a picture.
        wrong: for each picture whether what its title says is wrong (✗, vermillion) or right (✓).
        columns: how many pictures stand in a row; by default as many as suit the page.
        range: the numbers that are black and white. By default 0 and 1 if all numbers are between them;
            otherwise, for grey pictures, the smallest and the largest of them. Printed unless it is 0 and 1.

    Raises:
        ShapeError: something else than pictures.
        ArgumentError: not one title or verdict a picture, colours outside 0 .. 1, an empty range, no picture
            at all, or more than can be looked at.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_images(np.zeros((2, 1, 28, 28)), ["Shirt", "Dress"], wrong=[False, True])
    <Plot of 2 images>
    """
    pictures = _pictures(images)
    low, high = _range(pictures, range)
    tile, columns = _tile(pictures, columns)
    captions = [(_wrapped(text, tile[0]), color) for text, color in _titles(titles, wrong, len(pictures))]
    rows = [captions[first : first + columns] for first in np.arange(0, len(pictures), columns)]
    heads = [_LINE * max(text.count("\n") + 1 if text else 0 for text, _ in row) for row in rows]
    tops = _MARGIN + np.cumsum(heads) + np.arange(len(rows)) * (tile[1] + _GAP)
    note = "" if (low, high) == (0, 1) else f"{number_text(low)} black … {number_text(high)} white"
    width = 2 * _MARGIN + min(columns, len(pictures)) * (tile[0] + _GAP) - _GAP
    height = float(tops[-1]) + tile[1] + _MARGIN

    def draw(figure: Figure) -> None:
        axes = sheet(figure)
        for place, (picture, (text, color)) in enumerate(zip(pictures, captions, strict=True)):
            row, column = divmod(place, columns)
            left, top = _MARGIN + column * (tile[0] + _GAP), tops[row]
            title = axes.text(left + tile[0] / 2, top - 0.07, text, size=SMALL, color=color)
            title.set(ha="center", va="baseline", linespacing=1.15)
            _draw_picture(axes, (picture - low) / (high - low), (left, top), tile, color)
        axes.text(_MARGIN, height + 0.02, note, size=SMALL, color=LIGHT.muted, va="center")

    count = f"{len(pictures)} image{'s' if len(pictures) != 1 else ''}"
    paper = (max(width, text_width(note, SMALL) + 2 * _MARGIN), height + (0.16 if note else 0))
    in_colour = any(picture.ndim == 3 for picture in pictures)
    return Plot(count, paper, draw, fitted=False, photographs=in_colour)


def _draw_picture(axes: Axes, picture: Array, place: tuple[float, float], tile: Size, color: str) -> None:
    """In the middle of its tile, as large as fits; framed, since paper is as white as a white pixel."""
    from matplotlib.patches import Rectangle

    height, width = picture.shape[:2]
    scale = min(tile[0] / width, tile[1] / height)
    across, down = width * scale, height * scale
    left, top = place[0] + (tile[0] - across) / 2, place[1] + (tile[1] - down) / 2
    axes.imshow(
        picture.clip(0, 1),
        cmap="gray",  # of pictures in colour matplotlib ignores it
        vmin=0,
        vmax=1,
        extent=(left, left + across, top + down, top),
        aspect="auto",
        interpolation="nearest" if max(width, height) <= _SHARP else "antialiased",
    )
    line, width_of_line = (VERMILLION, 2.4) if color == VERMILLION else (LIGHT.scope_line, 0.8)
    axes.add_patch(Rectangle((left, top), across, down, fill=False, edgecolor=line, linewidth=width_of_line))


def _tile(pictures: Sequence[Array], columns: int | None) -> tuple[Size, int]:
    """The room for one picture, and how many stand in a row."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    longest = max(height, width)
    side = min(_LARGEST, max(_SMALLEST, longest / _PIXELS_AN_INCH))
    page = WIDEST - 2 * _MARGIN + _GAP
    if columns is None:
        most = max(1, int(page / (_SHRUNK * side * width / longest + _GAP)))
        rows = math.ceil(len(pictures) / most)
        columns = math.ceil(len(pictures) / rows)  # rows of about the same length
    elif columns < 1:
        raise ArgumentError(
            "a row has at least one picture", argument="columns", expected=">= 1", got=columns
        )
    side = min(side, (page / columns - _GAP) * longest / width)
    return (side * width / longest, side * height / longest), columns


def _wrapped(title: str, width: float) -> str:
    """A title, in several lines if it is wider than its picture."""
    needed = text_width(title, SMALL)
    if needed <= width:
        return title
    letters = max(6, int(len(title) * width / needed))
    return textwrap.fill(title, letters, break_long_words=False)


# --- what was asked for ---------------------------------------------------------------------------


def _pictures(images: Any) -> list[Array]:
    """Each as (H, W) or (H, W, 3), as matplotlib wants them."""
    if isinstance(images, (list, tuple)):
        pictures = [_picture(to_array(image, f"images[{place}]")) for place, image in enumerate(images)]
    else:
        batch = to_array(images, "images")
        if batch.ndim not in (3, 4):
            raise _no_picture("images", "(N, H, W), (N, 1, H, W) or (N, 3, H, W)", batch.shape)
        pictures = [_picture(image) for image in batch]
    if not 0 < len(pictures) <= _MOST_IMAGES:
        raise ArgumentError(
            "there is nothing to draw" if not pictures else "these are more than can be looked at",
            argument="images",
            expected=f"1 .. {_MOST_IMAGES} pictures",
            got=f"{len(pictures)}",
            hint="draw some of them: images[:20]" if pictures else None,
        )
    return pictures


def _picture(image: Array) -> Array:
    if image.ndim == 3 and image.shape[0] == 1:
        image = image[0]
    if not image.size or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[0] != 3):
        raise _no_picture("images", "each of (H, W), (1, H, W) or (3, H, W)", image.shape)
    return image if image.ndim == 2 else image.transpose(1, 2, 0)


def _no_picture(argument: str, expected: str, got: tuple[int, ...]) -> ShapeError:
    channels_last = got[-1:] in ((1,), (3,), (4,)) and len(got) > 2
    return ShapeError(
        "these are no pictures",
        argument=argument,
        expected=expected,
        got=got,
        hint="channels come before rows and columns: np.moveaxis(images, -1, -3)" if channels_last else None,
    )


def _range(pictures: Sequence[Array], range: tuple[float, float] | None) -> tuple[float, float]:
    """Which numbers are black and white."""
    if range is not None:
        low, high = range
        if not low < high:
            raise ArgumentError(
                "black is below white", argument="range", expected="(low, high), low < high", got=range
            )
        return float(low), float(high)
    low = min(float(picture.min()) for picture in pictures)
    high = max(float(picture.max()) for picture in pictures)
    if low >= -_TINY and high <= 1 + _TINY:
        return 0.0, 1.0
    if any(picture.ndim == 3 for picture in pictures):
        raise ArgumentError(
            "red, green and blue are between 0 and 1",
            argument="images",
            expected="0 .. 1",
            got=f"{number_text(low)} .. {number_text(high)}",
            hint="images / 255 for bytes; or say what is black and white: range=(low, high)",
        )
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _titles(titles: Sequence[str] | None, wrong: Sequence[bool] | None, count: int) -> list[Title]:
    """What stands above each picture."""
    for argument, given in (("titles", titles), ("wrong", wrong)):
        if given is not None and len(given) != count:
            raise ArgumentError(
                f"there are {count} pictures", argument=argument, expected=f"{count}", got=f"{len(given)}"
            )
    texts = [str(title) for title in titles] if titles is not None else [""] * count
    if wrong is None:
        return [(text, LIGHT.ink) for text in texts]
    return [
        (f"✗ {text}".strip(), VERMILLION) if is_wrong else (f"✓ {text}".strip(), LIGHT.ink)
        for text, is_wrong in zip(texts, wrong, strict=True)
    ]
