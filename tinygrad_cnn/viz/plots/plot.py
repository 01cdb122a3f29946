"""`Plot`: a finished picture, which a notebook shows and `save` writes; and what all pictures share.

Drawn with matplotlib's own objects, without the global state of pyplot, so that plotting in one place of a
program never changes figures in another, and no display is needed. Settings of the machine do not matter
either: the same numbers give the same bytes, in fonts that matplotlib brings along.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import DTypeError, OptionalDependencyError, ShapeError
from tinygrad_cnn.viz.render import format_of, write
from tinygrad_cnn.viz.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

FORMATS = ("png", "svg", "pdf")
SANS, MONO = "DejaVu Sans", "DejaVu Sans Mono"
SMALL, NORMAL = 9, 10  # points; 9 are 12 pixels on a page
WIDEST = 9.6  # inches: as wide as the text of a notebook
_PIXELS_PER_INCH = 200
_PAGE_PIXELS_PER_INCH = 100  # half as many, for screens with two pixels a CSS pixel
_SETTINGS: dict[Any, Any] = {
    "font.family": [SANS],
    "font.size": NORMAL,
    "axes.titlesize": 11,
    "text.color": LIGHT.ink,
    "axes.labelcolor": LIGHT.ink,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "tinygrad_cnn",  # names inside an SVG are made of its content and of this
}
_NOBODY_AND_NEVER = {  # no program, no date: the same picture is the same file
    "png": {"Software": None},
    "svg": {"Creator": None, "Date": None, "Format": None, "Type": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


class Plot:
    """A picture that shows itself in a notebook and that `save` writes into a file.

    The functions `viz.plot_...` make these.

    Args:
        what: what there is to see, in a few words.
        size: width and height in inches, 100 pixels of a page each.
        draw: puts everything onto an empty figure.
        fitted: let matplotlib move axes so that their labels have room.
        photographs: keep every shade of every colour in a PNG; a drawing is lighter without.

    Attributes:
        figure: the matplotlib `Figure`, for people who want to add something.

    Raises:
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> plot = viz.plot_arrays({"x": [[1, 2], [3, 4]]})
    >>> plot
    <Plot of x (2, 2)>
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plot.save(f"{folder}/x.svg").name
    'x.svg'
    """

    def __init__(
        self,
        what: str,
        size: tuple[float, float],
        draw: Callable[[Figure], None],
        *,
        fitted: bool = True,
        photographs: bool = False,
    ) -> None:
        self._what = what
        self._photographs = photographs
        with _our_settings():
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure

            self.figure = Figure(figsize=size, dpi=_PIXELS_PER_INCH, layout="constrained" if fitted else None)
            FigureCanvasAgg(self.figure)
            if fitted:
                self.figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)  # type: ignore[union-attr,call-arg]
            draw(self.figure)
            if fitted:  # once, as a second round might move things by a hair
                self.figure.draw_without_rendering()
                self.figure.set_layout_engine("none")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture, whole or not at all.

        Args:
            path: a file that ends in .png, .svg or .pdf.

        Returns:
            The path.

        Raises:
            ArgumentError: another ending, or a path that cannot be written.
        """
        target = Path(path)
        write(target, self._drawn(format_of(target, FORMATS)))
        return target

    def _drawn(self, format: str) -> bytes:
        picture = io.BytesIO()
        with _our_settings():
            self.figure.savefig(picture, format=format, metadata=_NOBODY_AND_NEVER[format])
        return _light(picture) if format == "png" and not self._photographs else picture.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """What a notebook shows, and how large: smaller than it has pixels, so that it is sharp."""
        width, height = (round(side * _PAGE_PIXELS_PER_INCH) for side in self.figure.get_size_inches())
        return self._drawn("png"), {"width": width, "height": height}

    def __repr__(self) -> str:
        return f"<Plot of {self._what}>"


def _light(picture: io.BytesIO) -> bytes:
    """A PNG with 256 colours, as many as a drawing needs: a notebook full of them is a third as large."""
    from PIL import Image  # matplotlib needs it, too

    with Image.open(picture) as image, io.BytesIO() as light:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(light, "png")
        return light.getvalue()


@contextmanager
def _our_settings() -> Iterator[None]:
    """The settings that matplotlib comes with, and ours; afterwards the user's are back."""
    _require_matplotlib()
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def _require_matplotlib() -> None:
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise OptionalDependencyError(
            "plots need matplotlib", hint="pip install 'tinygrad-cnn[viz]'"
        ) from error


# --- parts that several pictures have -------------------------------------------------------------


def frame(axes: Axes) -> None:
    """Space before lines: a quiet grid, no box."""
    axes.grid(color=LIGHT.scope_line, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(LIGHT.muted)
    axes.tick_params(colors=LIGHT.muted, length=0)


def sheet(figure: Figure) -> Axes:
    """The whole figure as paper: places are given in inches, from the upper left corner."""
    axes = figure.add_axes((0, 0, 1, 1))
    width, height = figure.get_size_inches()
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    return axes


@cache
def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How many inches a line of text takes; of several lines the longest."""
    _require_matplotlib()
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=SANS, size=size, weight="bold" if bold else "normal")
    lines = text.split("\n")
    return max(text_to_path.get_text_width_height_descent(line, font, False)[0] for line in lines) / 72


def number_text(value: float) -> str:
    """A number as plots show it: whole, or with at most three significant digits.

    >>> number_text(-2.0), number_text(0.74422819), number_text(1234.5), number_text(-0.00012)
    ('−2', '0.744', '1234', '−1.2e−4')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size < 1e6 and (size >= 100 or value == round(value)):
        text = f"{value + 0.0:.0f}"
    elif 1e-3 <= size < 100:
        text = f"{value:.3g}"
    else:
        digits, _, power = f"{value:.1e}".partition("e")
        text = f"{digits.removesuffix('.0')}e{int(power)}"
    return text.replace("-", "−")


def to_array(value: Any, argument: str) -> Array:
    """Numbers of a tensor, an array or nested lists, as float64.

    Raises:
        ShapeError: rows of different lengths.
        DTypeError: something else than real numbers.
    """
    try:
        array = np.asarray(value)
        # Numbers that remember how they were computed; and a dtype that is no float to NumPy.
        if array.dtype.kind == "O" or array.dtype.name == "bfloat16":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(
            "this is no array of numbers",
            argument=argument,
            expected="a tensor, an array or lists, with rows of the same length",
            got=str(error),
        ) from error
    if array.dtype.kind not in "biuf":
        raise DTypeError("this cannot be drawn", argument=argument, expected="real numbers", got=array.dtype)
    return array.astype(np.float64)


def to_plane(value: Any, argument: str) -> Array:
    """An array of at most two dimensions, once leading ones of size 1 (one image, one channel) are dropped.

    Raises:
        ShapeError: an array that is empty or has more dimensions.
        DTypeError: something else than real numbers.
    """
    array = to_array(value, argument)
    plane = array.reshape(array.shape[-2:]) if math.prod(array.shape[:-2]) == 1 else array
    if plane.ndim > 2 or not plane.size:
        raise ShapeError(
            "cells are drawn in rows and columns",
            argument=argument,
            expected="an array (H, W) or (W,), not empty; in front of that only dimensions of size 1",
            got=array.shape,
            hint="draw one image, one channel of it: x[0, 0]" if plane.ndim > 2 else None,
        )
    return plane
