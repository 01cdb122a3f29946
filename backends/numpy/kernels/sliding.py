"""A window that slides over images: where it looks, and how the work is cut into blocks.

Shapes in the comments of all files on convolution: G groups of C channels and O filters each; kernel (*K),
image (*S), output (*S'), N images. Images lie batch-last, (G, C, *S, N), see `memory.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, TypeAlias

from .memory import Ints

Block: TypeAlias = tuple[slice, ...]  # a part of (*S', N), or of (*S, N)


class Sliding(NamedTuple):
    """How a window moves over an image; one number a spatial dimension."""

    size: Ints
    output_size: Ints
    kernel_size: Ints
    stride: Ints
    dilation: Ints
    start: Ints  # the pixel under the first cell of the first window: −padding

    @property
    def cells(self) -> int:
        """How many numbers a window sees in one channel."""
        return math.prod(self.kernel_size)

    @property
    def places(self) -> int:
        """How many windows there are."""
        return math.prod(self.output_size)

    @property
    def is_pointwise(self) -> bool:
        """Whether every window is one pixel, and every pixel one window, in the same order."""
        one = set(self.kernel_size) | set(self.stride)
        return one == {1} and self.size == self.output_size and not any(self.start)

    def pixels(self, block: Block) -> Block:
        """The pixels over which the windows of a block reach; some may lie outside of the image.

        >>> line = Sliding((28,), (28,), kernel_size=(5,), stride=(1,), dilation=(1,), start=(-2,))
        >>> line.pixels((slice(0, 14), slice(0, 64)))
        (slice(-2, 16, None), slice(0, 64, None))
        """
        *places, images = block
        pixels = []
        for place, k, s, d, start in zip(
            places, self.kernel_size, self.stride, self.dilation, self.start, strict=True
        ):
            first, last = place.start * s + start, (place.stop - 1) * s + start
            pixels.append(slice(first, last + d * (k - 1) + 1))
        return (*pixels, images)

    def meetings(self, block: Block) -> Iterator[tuple[Ints, Block, Block]]:
        """For each cell of the window: which windows of a block have it on the image, and on which pixels.

        The windows are counted within the block.

        >>> line = Sliding((28,), (28,), kernel_size=(5,), stride=(1,), dilation=(1,), start=(-2,))
        >>> next(line.meetings((slice(0, 14), slice(0, 64))))
        ((0,), (slice(2, 14, None), slice(None, None, None)), (slice(0, 12, 1), slice(0, 64, None)))
        """
        *spatial, images = block
        axes = [
            [_meeting(place, size, s, start + cell * d) for cell in range(k)]
            for place, size, k, s, d, start in zip(
                spatial, self.size, self.kernel_size, self.stride, self.dilation, self.start, strict=True
            )
        ]
        for cell in product(*map(range, self.kernel_size)):
            met = [axis[k] for axis, k in zip(axes, cell, strict=True)]
            yield (
                cell,
                (*(places for places, _ in met), slice(None)),
                (*(pixels for _, pixels in met), images),
            )

    def backwards(self) -> Sliding:
        """For a stride of 1: the windows of ∂L/∂x, which slide over the gradient of the output."""
        reach = (d * (k - 1) for k, d in zip(self.kernel_size, self.dilation, strict=True))
        start = tuple(-r - a for r, a in zip(reach, self.start, strict=True))
        return self._replace(size=self.output_size, output_size=self.size, start=start)


def _meeting(places: slice, size: int, stride: int, offset: int) -> tuple[slice, slice]:
    """Along one dimension, for a cell that lies on pixel o·stride + offset in window o."""
    first = min(max(places.start, -(offset // stride)), places.stop)
    stop = max(first, min(places.stop, (size - 1 - offset) // stride + 1))
    pixel = max(0, first * stride + offset)
    return (
        slice(first - places.start, stop - places.start),
        slice(pixel, pixel + (stop - first) * stride, stride),
    )


def length(part: slice) -> int:
    """How many there are in start .. stop."""
    count: int = part.stop - part.start
    return count


def numbers(block: Block) -> int:
    """How many there are in a block."""
    return math.prod(map(length, block))


def blocks_of(shape: Ints, most: int) -> Iterator[Block]:
    """Cut an array into blocks of `most` numbers or less, each of them one run in memory; the largest first.

    >>> for block in blocks_of((2, 6), most=4): print(block)
    (slice(0, 1, None), slice(0, 3, None))
    (slice(0, 1, None), slice(3, 6, None))
    (slice(1, 2, None), slice(0, 3, None))
    (slice(1, 2, None), slice(3, 6, None))
    """
    axes: list[list[slice]] = []
    for size in reversed(shape):
        parts = max(1, -(-size // max(1, most)))
        step = max(1, -(-size // parts))
        axes.insert(0, [slice(a, min(a + step, size)) for a in range(0, size, step)])
        most = most // max(1, size) if parts == 1 else 1
    return product(*axes)


def run(block: Block, shape: Ints) -> slice:
    """Where one of the blocks lies in the flattened array.

    >>> run((slice(1, 2), slice(3, 6)), (2, 6))
    slice(9, 12, None)
    """
    start = 0
    for part, size in zip(block, shape, strict=True):
        start = start * size + part.start
    return slice(start, start + numbers(block))
