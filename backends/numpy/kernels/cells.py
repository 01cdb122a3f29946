"""The cells of a window: a loop over the few cells instead of over the many windows.

A 2×2 pooling of a 28×28 image has 196 windows, but every window has only 4 cells. The upper left cells of
all windows together are one strided slice, `x[:, 0::2, 0::2]`; the upper right ones are `x[:, 0::2, 1::2]`,
and so on. The readable kernels of pooling reduce a view of all windows, which makes NumPy's innermost loop
two numbers long; here four slices are combined, and the innermost loop runs over the whole batch (see
`memory.py`).

`cells` lists those slices, for any number of spatial dimensions. Where a cell hangs over the edge, the
windows concerned are left out of its slices: the padding is never written anywhere and cannot win a maximum.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

from tinygrad_cnn.windows import window_output_size

from .memory import Ints, Padding


class Cell(NamedTuple):
    """One cell of the window, and all windows in which it lies on the input rather than on the padding."""

    number: int  # 0, 1, 2, ... in row-major order within the window
    windows: tuple[slice, ...]  # which windows, as slices of the output's spatial dimensions
    pixels: tuple[slice, ...]  # the pixel each of them sees there, as slices of the input's


@lru_cache(maxsize=256)  # the sizes are the same in every step
def cells(
    size: Ints, output_size: Ints, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints
) -> tuple[Cell, ...]:
    """The cells of a window in row-major order; those that only ever meet padding are left out.

    The second cell of a window of 2 that moves over 5 pixels in steps of 2 meets the pixels 1 and 3:

    >>> cells((5,), (2,), (2,), (2,), ((0, 0),), (1,))[1]
    Cell(number=1, windows=(slice(0, 2, None),), pixels=(slice(1, 4, 2),))
    """
    axes = [
        [_meetings(pixels, windows, step, offset=k * d - before) for k in range(kernel)]
        for pixels, windows, kernel, step, (before, _), d in zip(
            size, output_size, kernel_size, stride, padding, dilation, strict=True
        )
    ]
    return tuple(
        Cell(number, tuple(windows for windows, _ in meetings), tuple(pixels for _, pixels in meetings))
        for number, meetings in enumerate(itertools.product(*axes))
        if all(windows.start < windows.stop for windows, _ in meetings)
    )


def _meetings(pixels: int, windows: int, stride: int, *, offset: int) -> tuple[slice, slice]:
    """Along one dimension: the windows whose cell lies on the input, and the pixels it lies on.

    Window o has this cell at pixel o·stride + offset; that is on the input for 0 <= pixel < pixels.
    """
    first = max(0, -(offset // stride))  # the smallest o with o·stride + offset >= 0
    stop = max(first, min(windows, (pixels - 1 - offset) // stride + 1))
    start = first * stride + offset
    return slice(first, stop), slice(start, start + (stop - first - 1) * stride + 1, stride)


def is_complete(cell: Cell, output_size: Ints) -> bool:
    """Whether this cell lies on the input in all windows."""
    return all(
        (windows.start, windows.stop) == (0, count)
        for windows, count in zip(cell.windows, output_size, strict=True)
    )


def are_overlapping(kernel_size: Ints, stride: Ints, dilation: Ints) -> bool:
    """Whether a pixel can lie in several windows."""
    return any(d * (k - 1) >= s for k, s, d in zip(kernel_size, stride, dilation, strict=True))


def are_covering(window: tuple[Cell, ...], size: Ints) -> bool:
    """Whether windows that do not overlap leave out no pixel."""
    met = sum(math.prod(len(range(n)[p]) for n, p in zip(size, cell.pixels, strict=True)) for cell in window)
    return met == math.prod(size)


def output_size(
    size: Ints, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints, ceil_mode: bool
) -> Ints:
    """How many windows there are along each dimension."""
    dimensions = zip(size, kernel_size, stride, padding, dilation, strict=True)
    return tuple(window_output_size(*dimension, ceil_mode) for dimension in dimensions)
