"""Pooling as a loop over the few cells of a window instead of the many windows.

A 2×2 pooling of a 28×28 image has 196 windows, but every window has only 4 cells. The upper left cells of
all windows together are one strided slice, `x[:, 0::2, 0::2]`; the upper right ones are `x[:, 0::2, 1::2]`,
and so on. The readable kernel reduces a view of all windows, which makes NumPy's innermost loop two numbers
long; here four slices are combined, and the innermost loop runs over the whole batch (see `memory.py`).

`cells` lists those slices, for any number of spatial dimensions. Where a cell hangs over the edge, the
windows concerned are left out of its slices: the padding is never written anywhere and cannot win a maximum.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tinygrad_cnn.windows import window_output_size

from .elementwise import kept
from .memory import Array, Ints, Padding, batch_first, batch_last


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


# --- maximum --------------------------------------------------------------------------------------


def max_pool(
    B: object, x: Array, *, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints, ceil_mode: bool
) -> tuple[Array, Array]:
    """The maximum of every window of x (N, C, *S) -> (N, C, *S'), and the number of the cell that won.

    The first maximum wins, and a NaN wins over every number.
    """
    output_size = _output_size(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    window = cells(x.shape[2:], output_size, kernel_size, stride, padding, dilation)
    x = batch_last(x)
    out = np.full((x.shape[0], *output_size, x.shape[-1]), -np.inf, x.dtype)
    winner = np.zeros(out.shape, np.uint8 if math.prod(kernel_size) <= 256 else np.int32)
    for number, windows, _ in reversed(window):
        winner[:, *windows] = number  # in the end, the first cell that lies on the input
    for _, windows, pixels in window[:1]:
        out[:, *windows] = x[:, *pixels]
    for number, windows, pixels in window[1:]:
        best, candidate = out[:, *windows], x[:, *pixels]
        wins = (candidate > best).view(np.uint8)
        np.maximum(candidate, best, out=best)  # of 0 and −0 the one that came first stays
        # Later cells have higher numbers, so "the number of whoever won last" is a maximum, too.
        won = np.multiply(wins, number, dtype=winner.dtype)
        np.maximum(winner[:, *windows], won, out=winner[:, *windows])
    if np.isnan(out).any():  # no comparison with a NaN is true, so it has not been counted as a winner
        for number, windows, pixels in reversed(window):
            np.copyto(winner[:, *windows], number, where=np.isnan(x[:, *pixels]), casting="unsafe")
    return batch_first(out), batch_first(winner)


def max_pool_scatter(
    B: object,
    g: Array,
    winner: Array,
    *,
    size: Ints,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
) -> Array:
    """Add every number of g (N, C, *S') to its winner's place in zeros of (N, C, *size)."""
    g, winner = batch_last(g), batch_last(winner)
    dx = np.zeros((g.shape[0], *size, g.shape[-1]), g.dtype)
    overlapping = any(d * (k - 1) >= s for k, s, d in zip(kernel_size, stride, dilation, strict=True))
    for number, windows, pixels in cells(size, g.shape[1:-1], kernel_size, stride, padding, dilation):
        won = kept(winner[:, *windows] == number, g[:, *windows])
        if overlapping:
            dx[:, *pixels] += won
        else:  # every pixel is met only once; not reading it first saves a third of the time
            dx[:, *pixels] = won
    return batch_first(dx)


def max_pool_gather(
    B: object, x: Array, winner: Array, *, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints
) -> Array:
    """Read x (N, C, *S) at the winners -> (N, C, *S'): the adjoint of `max_pool_scatter`."""
    x, winner = batch_last(x), batch_last(winner)
    out = np.zeros(winner.shape, x.dtype)
    for number, windows, pixels in cells(
        x.shape[1:-1], winner.shape[1:-1], kernel_size, stride, padding, dilation
    ):
        out[:, *windows] += kept(winner[:, *windows] == number, x[:, *pixels])
    return batch_first(out)


# --- sum ------------------------------------------------------------------------------------------


def sum_pool(
    B: object, x: Array, *, kernel_size: Ints, stride: Ints, padding: Padding, ceil_mode: bool
) -> Array:
    """The sum of every window of x (N, C, *S) -> (N, C, *S'); padding counts as zeros."""
    dense = (1,) * len(kernel_size)
    output_size = _output_size(x.shape[2:], kernel_size, stride, padding, dense, ceil_mode)
    x = batch_last(x)
    out = np.zeros((x.shape[0], *output_size, x.shape[-1]), x.dtype)
    for _, windows, pixels in cells(x.shape[1:-1], output_size, kernel_size, stride, padding, dense):
        out[:, *windows] += x[:, *pixels]
    return batch_first(out)


def sum_pool_input_grad(
    B: object, g: Array, *, size: Ints, kernel_size: Ints, stride: Ints, padding: Padding, ceil_mode: bool
) -> Array:
    """The adjoint of `sum_pool`: add every g (N, C, *S') to all pixels of its window, (N, C, *size).

    With `ceil_mode` the last windows hang over the edge; how many there are, the shape of g says.
    """
    g = batch_last(g)
    dx = np.zeros((g.shape[0], *size, g.shape[-1]), g.dtype)
    dense = (1,) * len(kernel_size)
    for _, windows, pixels in cells(size, g.shape[1:-1], kernel_size, stride, padding, dense):
        dx[:, *pixels] += g[:, *windows]
    return batch_first(dx)


def _output_size(
    size: Ints, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints, ceil_mode: bool
) -> Ints:
    dimensions = zip(size, kernel_size, stride, padding, dilation, strict=True)
    return tuple(window_output_size(*dimension, ceil_mode) for dimension in dimensions)
