"""Where the cells of a sliding window stand: the arithmetic that convolution and pooling share.

A window is looked at cell by cell, not place by place: cell number k of *all* windows is one strided slice
of the image, so a loop over the few cells of a kernel does what a loop over thousands of places would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_cnn.dtypes import Shape

Padding = Sequence[tuple[int, int]]


def frame_for(
    spatial: Shape, out: Shape, kernel: Shape, stride: Shape, padding: Padding, dilation: Shape
) -> Padding:
    """How far the windows reach beyond the image: the padding, and what ceil_mode hangs over the end."""
    return tuple(
        (before, max((o - 1) * st + d * (k - 1) + 1 - s - before, after))
        for s, o, k, st, (before, after), d in zip(
            spatial, out, kernel, stride, padding, dilation, strict=True
        )
    )


def framed(size: Shape, frame: Padding) -> Shape:
    """The sizes of an image with its frame."""
    return tuple(s + before + after for s, (before, after) in zip(size, frame, strict=True))


def inside(size: Shape, frame: Padding) -> tuple[Any, ...]:
    """Where the image stands in its frame."""
    return (..., *(slice(before, before + s) for s, (before, _) in zip(size, frame, strict=True)))


def cell_places(k: int, out: Shape, kernel_size: Shape, stride: Shape, dilation: Shape) -> tuple[Any, ...]:
    """Where cell number k (row by row) of every window stands: one strided slice a dimension."""
    slices: list[slice] = []
    for size, kernel, step, spread in reversed(list(zip(out, kernel_size, stride, dilation, strict=True))):
        first = k % kernel * spread
        k //= kernel
        slices.insert(0, slice(first, first + (size - 1) * step + 1, step))
    return (..., *slices)


def add_windows(
    B: Any,
    cells: Any,
    size: Shape,
    kernel_size: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
) -> Any:
    """Put every window back where it was taken from and add up where windows overlap.

    cells (K, *B, *S') holds cell number k of every window in cells[k]; the result is the image (*B, *size).
    """
    out = cells.shape[-len(size) :]
    frame = frame_for(size, out, kernel_size, stride, padding, dilation)
    image = B.xp.zeros((*cells.shape[1 : -len(size)], *framed(size, frame)), dtype=cells.dtype)
    for k in range(math.prod(kernel_size)):
        image[cell_places(k, out, kernel_size, stride, dilation)] += cells[k]
    return image[inside(size, frame)]
