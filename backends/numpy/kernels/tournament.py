"""Max pooling over 2×2 windows that lie side by side: a tournament in two rounds.

First the two pixels of each row of a window play, then the two winners. NumPy would compare the left
pixels, `x[:, :, 0::2]`, with the right ones, `x[:, :, 1::2]`; but those are runs of N numbers with gaps, and
starting on a run costs as much as comparing a hundred numbers. It is faster to let *every* pixel play against
its right neighbour, without gaps, and to forget every other match in the end:

    pixels              a  b  c  d  e  f
    first round        ab bc cd de ef         of which ab, cd and ef count
    second round       each with the one a row below
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .blocks import Call
from .memory import Arena, Array, Ints, Padding


def is_two_by_two(
    output_size: Ints, size: Ints, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints
) -> bool:
    """Whether there are windows and all are of this kind; none may hang over the edge either."""
    return (
        kernel_size == stride == (2, 2)
        and padding == ((0, 0), (0, 0))
        and dilation == (1, 1)
        and all(0 < 2 * windows <= pixels for windows, pixels in zip(output_size, size, strict=True))
    )


class Tournament:
    """The calls that find maxima and winners, with scratch memory for blocks of at most this shape."""

    def __init__(self, arena: Arena, shape: Ints, dtype: np.dtype[Any]) -> None:
        pixels = math.prod(shape)
        self._better = arena.take((pixels,), dtype)
        self._right = arena.take((pixels,), np.uint8)
        self._lower = arena.take((pixels // 2,), np.uint8)

    def calls(self, x: Array, out: Array, winner: Array) -> list[Call]:
        """From x (k, H, W, N) the maxima and winners (k, H // 2, W // 2, N)."""
        k, height, width, batch = x.shape
        rows, columns = out.shape[1:3]
        better, right = self._better[: x.size], self._right[: x.size]
        lower = self._lower[: k * rows * width * batch]
        # All that is needed of a row; what is beyond has no neighbour or is no first pixel of a window.
        row = slice(0, (2 * columns - 1) * batch)
        upper_row, lower_row = slice(0, 2 * rows, 2), slice(1, 2 * rows, 2)
        lines = (k, height, width * batch)
        better_above, better_below = (better.reshape(lines)[:, r, row] for r in (upper_row, lower_row))
        right_above, right_below = (right.reshape(lines)[:, r, row] for r in (upper_row, lower_row))
        below = lower.reshape(k, rows, width * batch)[:, :, row]

        images, pairs = better.reshape(x.shape), slice(0, 2 * columns, 2)
        line, neighbours = x.reshape(-1), x.size - batch
        return [
            partial(np.maximum, line[batch:], line[:neighbours], out=better[:neighbours]),
            partial(np.greater, line[batch:], line[:neighbours], right[:neighbours].view(np.bool_)),
            partial(np.maximum, images[:, lower_row, pairs], images[:, upper_row, pairs], out=out),
            partial(np.greater, better_below, better_above, below.view(np.bool_)),
            # The cell's number is 2 + right_below if the lower row won, else right_above.
            partial(np.add, right_below, 2, right_below),
            partial(np.multiply, right_below, below, below),
            partial(np.maximum, right_above, below, out=below),
            partial(np.copyto, winner, lower.reshape(k, rows, width, batch)[:, :, pairs]),
        ]
