"""Values in a drawing: a number, a small table with its numbers, or a few figures, bars and an image.

Colours say how large. Weights and gradients are blue below zero and red above it; data runs from grey to
yellow. All arrays of one kind share one scale within a picture, which its caption prints: a layer whose
gradient is pale does have a small gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._digest import Digest, digest
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.viz.explain import HUGE
from tinygrad_cnn.viz.picture import Block, Cells, Line, Tone
from tinygrad_cnn.viz.theme import number

Value = Tensor | Digest
Family = Literal["data", "weights", "gradients"]

_MOST_NUMBERS, _LONGEST_SIDE = 64, 10  # of an array whose numbers are written out
_IMAGE_SIDE = 14  # cells of the image of a larger one
_BARS = "▁▂▃▄▅▆▇█"

Array = NDArray[np.float64]


@dataclass
class Scales:
    """What the strongest colour stands for, for each kind of array in a picture."""

    weights: float = 0.0
    gradients: float = 0.0
    lowest: float = math.inf  # of the data
    highest: float = -math.inf

    def include(self, value: Value, family: Family) -> None:
        """Widen a scale so that this value fits."""
        low, high = _range(value)
        if not low <= high:  # nothing finite in it
            return
        if family == "data":
            self.lowest, self.highest = min(self.lowest, low), max(self.highest, high)
        elif family == "weights":
            self.weights = max(self.weights, abs(low), abs(high))
        else:
            self.gradients = max(self.gradients, abs(low), abs(high))

    def shade(self, element: float, family: Family) -> float:
        """How strong the colour of an element is: −1 .. 1, for data 0 .. 1; what is not finite has none."""
        if not math.isfinite(element):
            return 0.0
        if family == "data":
            width = self.highest - self.lowest
            return (element - self.lowest) / width if width else 0.5
        limit = self.weights if family == "weights" else self.gradients
        return element / limit if limit else 0.0

    def caption(self) -> str:
        """The scales in words; empty where nothing was coloured."""
        parts = []
        if self.lowest <= self.highest:
            parts.append(f"data {number(_short(self.lowest))} grey … {number(_short(self.highest))} yellow")
        for name, limit in (("weights", self.weights), ("gradients", self.gradients)):
            if limit:
                shown = number(_short(limit))
                parts.append(f"{name} −{shown} blue … 0 … {shown} red")
        return "   ·   ".join(parts)


def can_be_shown(value: Any) -> TypeGuard[Value]:
    """Whether a value was kept, by a backend that has values."""
    return isinstance(value, Digest) or (isinstance(value, Tensor) and value.backend.executes)


def described(value: Value, family: Family, scales: Scales) -> tuple[Block, ...]:
    """What is shown of a value.

    >>> import tinygrad_cnn as tc
    >>> described(tc.tensor(-0.5), "data", Scales())
    (Line(text='−0.5', tone='ink'),)
    >>> [block.text for block in described(tc.arange(100.0), "data", Scales())]
    ['0 … 49.5 … 99', '█▇▇▇▇█▇▇▇▇█▇▇▇▇█']
    """
    tone: Tone = "gradient" if family == "gradients" else "ink"
    alarm = (Line(word, "alarm"),) if (word := trouble(value, family)) else ()
    if not value.shape:
        return (Line(_text(_single(value)), tone), *alarm)
    table = _table(value)
    if table is not None:
        return (_cells(table, _aligned(table), family, scales), *alarm)
    summary = value if isinstance(value, Digest) else digest(value)
    figures = " … ".join(_text(figure) for figure in (summary.minimum, summary.mean, summary.maximum))
    image = _image(summary)
    shown: tuple[Block, ...] = (Line(figures, tone), Line(bars(summary.counts), tone))
    if image is not None:
        blank = tuple(("",) * len(row) for row in image)
        shown = (_cells(image, blank, family, scales), *shown)
    return (*shown, *alarm)


def trouble(value: Value, family: Family) -> str:
    """What is wrong with a value, in a word: NaN or infinite; a gradient can also be zero or huge.

    >>> import tinygrad_cnn as tc
    >>> trouble(tc.zeros(3), "gradients"), trouble(tc.tensor([1e9]), "gradients"), trouble(tc.ones(1), "data")
    ('zero', 'huge', '')
    """
    summary = value if isinstance(value, Digest) else digest(value)
    if summary.nan:
        return "NaN"
    if summary.infinite:
        return "infinite"
    if family != "gradients" or not summary.minimum <= summary.maximum:
        return ""
    largest = max(abs(summary.minimum), abs(summary.maximum))
    return "zero" if largest == 0 else "huge" if largest >= HUGE else ""


def _range(value: Value) -> tuple[float, float]:
    summary = value if isinstance(value, Digest) else digest(value)
    return summary.minimum, summary.maximum


def single_text(value: Value) -> str:
    """A single number with all the digits that pictures show.

    >>> import tinygrad_cnn as tc
    >>> single_text(tc.tensor(-1 / 3))
    '−0.333333'
    """
    return number(_single(value) + 0.0)  # there is no −0 for a reader


def _single(value: Value) -> float:
    return value.mean if isinstance(value, Digest) else float(value.item())


def _text(value: float) -> str:
    return number(_short(value)) if math.isfinite(value) else str(value).replace("-", "−")


def _short(value: float) -> float:
    """Four digits are enough to look at, but none before the point is lost; tooltip and player have all.

    >>> _short(3.14159), _short(42447.0), _short(42447.3), _short(1234567.0)
    (3.142, 42447.0, 42447.0, 1235000.0)
    """
    rounded = round(value) if 1e4 <= abs(value) < 1e6 else f"{value:.4g}"
    return float(rounded) + 0.0


def _table(value: Value) -> Array | None:
    """A small array as rows of numbers; None when it is too large to be written out.

    Leading dimensions are stacked: a batch of two 3 × 3 images is a table of six rows.
    """
    if isinstance(value, Digest):
        return None
    array = np.asarray(value.numpy(), dtype=np.float64)
    if array.ndim > 2:  # a bias as (16, 1, 1) is a row like any other
        array = array.reshape([size for size in array.shape if size != 1] or [1])
    columns = array.shape[-1]
    if not array.size or array.size > _MOST_NUMBERS or columns > _LONGEST_SIDE:
        return None
    table = array.reshape(-1, columns)
    return table if len(table) <= _LONGEST_SIDE else None


def _aligned(table: Array) -> tuple[tuple[str, ...], ...]:
    """Numbers as text, those of a column with their points one below the other."""
    columns = []
    for column in table.T:
        parts = [_text(element).partition(".") for element in column]
        before = max(len(whole) for whole, _, _ in parts)
        after = max(len(point + rest) for _, point, rest in parts)
        texts = [f"{whole:>{before}}{point + rest:<{after}}" for whole, point, rest in parts]
        columns.append([text.replace(" ", "\u00a0") for text in texts])
    return tuple(zip(*columns, strict=True))


def _image(summary: Digest) -> Array | None:
    """Of a stack of images or kernels the first, thinned out; a plain matrix looks like noise."""
    if len(summary.shape) < 3 or not summary.image:
        return None
    image = np.array(summary.image)
    channels = summary.shape[-3]
    plane = image[:, : max(1, image.shape[1] // channels)]  # its channels stand side by side
    rows, columns = (-(-size // _IMAGE_SIDE) for size in plane.shape)
    thinned: Array = plane[::rows, ::columns]
    return thinned if min(thinned.shape) > 1 else None


def _cells(
    array: Iterable[Iterable[float]], texts: tuple[tuple[str, ...], ...], family: Family, scales: Scales
) -> Cells:
    shades = tuple(tuple(scales.shade(float(element), family) for element in row) for row in array)
    return Cells(texts, shades, diverging=family != "data")


def bars(counts: Sequence[int]) -> str:
    """A histogram in one line of text; what is there at all can be seen.

    >>> bars([0, 1, 4, 8])
    '▁▂▅█'
    """
    top = max(counts, default=0) or 1
    return "".join(_BARS[math.ceil(count / top * (len(_BARS) - 1))] for count in counts)
