"""`plot_filters`: the kernels of a layer, each as a small image with its numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.viz.plots.cells import CELL, GAP, NUMBERS_UP_TO, Panel, include, lay_out, room_for
from tinygrad_cnn.viz.plots.cells import numbers as in_words
from tinygrad_cnn.viz.plots.plot import WIDEST, Plot, to_array
from tinygrad_cnn.viz.values import Scales

_MOST_KERNELS = 400
_MOST_NUMBERED = 32
_SIDE = 1.0  # inches, of a kernel without numbers


def plot_filters(
    weights: Any, titles: Sequence[str] | None = None, *, columns: int | None = None, numbers: bool = True
) -> Plot:
    """The kernels of a convolution: blue cells subtract, red ones add, white ones do not look.

    All kernels share one scale, printed underneath; those of several channels are shown channel by channel.

    Args:
        weights: (O, C, H, W), a tensor or array.
        titles: one for each kernel, O · C of them; by default they are numbered.
        columns: kernels in a row; by default the picture is about as wide as high.
        numbers: whether the cells of up to 32 kernels no larger than 8 × 8 show their numbers, with two
            decimals.

    Raises:
        ShapeError: weights of other than four dimensions, or another number of titles.
        ArgumentError: more kernels than can be told apart, or no column.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_filters(np.ones((6, 1, 5, 5)))
    <Plot of 6 filters of (1, 5, 5)>
    """
    kernels = to_array(weights, "weights")
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
    if titles is not None and len(titles) != filters * channels:
        raise ShapeError(
            "every kernel has a title, or none has",
            argument="titles",
            expected=f"{filters * channels} titles",
            got=f"{len(titles)} titles",
        )
    if columns is not None and columns < 1:
        raise ArgumentError("a row has at least one column", argument="columns", expected=">= 1", got=columns)
    scales = include(Scales(), kernels, "weights")
    texts, cell = None, (_SIDE / max(size),) * 2
    if numbers and max(size) <= NUMBERS_UP_TO and filters * channels <= _MOST_NUMBERED:
        texts = in_words(kernels.round(2))
        cell = (room_for(texts.flat), CELL)
    panels = [
        Panel(
            name=_title(filter, channel) if titles is None else titles[filter * channels + channel],
            table=kernels[filter, channel],
            kind="weights",
            scales=scales,
            texts=None if texts is None else texts[filter, channel],
            cell=cell,
        )
        for filter, channel in np.ndindex(filters, channels)
    ]
    across = columns or channels * _filters_in_a_row(filters, channels, channels * (panels[0].width + GAP))
    rows = [panels[first : first + across] for first in range(0, len(panels), across)]
    count = f"{filters} filter{'s' if filters != 1 else ''}"
    return lay_out(f"{count} of {kernels.shape[1:]}", rows, scales.caption())


def _title(filter: int, channel: int) -> str:
    return f"channel {channel}" if channel else f"filter {filter}"


def _filters_in_a_row(filters: int, channels: int, inches: float) -> int:
    """About as wide as high, not wider than a page; without a gap in the last row where that can be had."""
    most = max(1, int(WIDEST / inches))
    square = min(most, math.ceil(math.sqrt(filters / channels)))
    widths = range(square, min(2 * square, most + 1))
    return next((width for width in widths if filters % width == 0), square)
