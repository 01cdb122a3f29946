"""Steps that all ways to convolve have in common: to cut a part out of an image, to sum up, to finish.

Why block by block, is told in `blocks.py`; which pixels belong to a block, `sliding.py` works out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .blocks import Call, zeros
from .memory import Arena, Array, Ints
from .sliding import Block, Sliding, length, numbers

Steps: TypeAlias = list[Call]

FEW_NUMBERS = 1 << 12  # up to here a call of NumPy costs more than what it does


def contiguous(arena: Arena, steps: Steps, array: Array) -> Array:
    """The array itself if its numbers lie in order, or else memory into which a step copies them."""
    if array.flags.c_contiguous:
        return array
    copy = arena.take(array.shape, array.dtype)
    steps.append(partial(np.copyto, copy, array))
    return copy


def part_of(memory: Array, shape: Ints) -> Array:
    """The beginning of flat memory, as an array of this shape."""
    return memory[: math.prod(shape)].reshape(shape)


def turned(w: Array) -> Array:
    """The kernel of the way back: turned by 180°, outputs for inputs; (G, O, C, *K) -> (G, C, O, *K)."""
    return np.flip(w, tuple(range(3, w.ndim))).swapaxes(1, 2)


# --- from images to windows -----------------------------------------------------------------------


class Cutter:
    """Cuts boxes of pixels out of an image (G, C, *S, N), with zeros where a box reaches over the edge.

    A box inside of the image is a view. The others are copied, all into the same memory. A few channels at a
    time can be cut out, too: as long as the box is the same one, the zeros are written only once.
    """

    def __init__(self, arena: Arena, image: Array, boxes: list[Block]) -> None:
        over_the_edge = [numbers(box) for box in boxes if _inside(image, box) != box]
        most = max(over_the_edge, default=0)
        self._memory = arena.take((math.prod(image.shape[:2]) * most,), image.dtype)
        self._box: Block = ()

    def cut(self, steps: Steps, image: Array, box: Block) -> Array:
        """The pixels of one of the boxes, of an image with as many channels as the one before, or fewer."""
        again = box == self._box
        if not again:
            self._box, self._inside = box, _inside(image, box)
            self._here = tuple(
                slice(i.start - b.start, i.stop - b.start) for i, b in zip(self._inside, box, strict=True)
            )
        if self._inside == box:
            return image[:, :, *box]
        framed = part_of(self._memory, (*image.shape[:2], *map(length, box)))
        if not again:
            frame = [framed] if framed.size <= FEW_NUMBERS else _around(framed, self._here)
            steps += [partial(part.fill, 0) for part in frame]
        steps.append(partial(np.copyto, framed[:, :, *self._here], image[:, :, *self._inside]))
        return framed


def windows(cut: Array, sliding: Sliding, places: Ints) -> Array:
    """All windows in a cut-out with so many places for them, as a view: (G, C, *K, *S', N)."""
    of_group, of_channel, *of_pixel, of_image = cut.strides  # bytes from one to the next
    return as_strided(
        cut,
        (*cut.shape[:2], *sliding.kernel_size, *places, cut.shape[-1]),
        (
            of_group,
            of_channel,
            *(of * d for of, d in zip(of_pixel, sliding.dilation, strict=True)),
            *(of * s for of, s in zip(of_pixel, sliding.stride, strict=True)),
            of_image,
        ),
        writeable=False,
    )


def _inside(image: Array, box: Block) -> Block:
    """The part of a box that lies on the image."""
    starts = [max(b.start, 0) for b in box]
    sizes = image.shape[2:]
    return tuple(
        slice(start, max(start, min(b.stop, size))) for start, b, size in zip(starts, box, sizes, strict=True)
    )


def _around(framed: Array, inside: Block) -> list[Array]:
    """The parts of an array before and after a box in it, one dimension after the other."""
    parts = []
    for axis, box in enumerate(inside, start=framed.ndim - len(inside)):
        ahead = (slice(None),) * axis
        parts += [framed[*ahead, : box.start], framed[*ahead, box.stop :]]
        framed = framed[*ahead, box]
    return [part for part in parts if part.size]


# --- results --------------------------------------------------------------------------------------


class Epilogue(NamedTuple):
    """What happens to the output of a convolution while it is still in the cache."""

    bias: Array | None = None  # (G, O)
    relu: bool = False

    def finish(self, steps: Steps, part: Array, filters: slice = slice(None)) -> None:
        """Finish a part (..., O, places) of the output, of these filters only."""
        if self.bias is not None:
            steps.append(partial(np.add, part, self.bias[:, filters, None], out=part))
        if self.relu:
            steps.append(partial(np.maximum, part, zeros(part.shape[-1], part.dtype), out=part))


def sum_of_products(
    arena: Arena, steps: Steps, pairs: Iterable[tuple[Array, Array]], shape: Ints, dtype: np.dtype[Any]
) -> Array:
    """Σ a @ b, of this shape; the steps that make a and b are added to `steps` when a pair is asked for."""
    total, product = arena.take(shape, dtype), arena.take(shape, dtype)
    goal = total
    for a, b in pairs:
        steps.append(partial(np.matmul, a, b, out=goal))
        if goal is product:
            steps.append(partial(np.add, total, product, out=total))
        goal = product
    return total
