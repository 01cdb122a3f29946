"""Blocks: doing all steps on a few numbers before looking at the next few.

Between a processor and its memory lie caches: 32 KB that answer at once, some hundred KB that answer soon,
and behind them memory, which delivers a number in the time of a dozen additions. NumPy takes one step at a
time over a whole array. If the array is larger than the cache, each step fetches it anew, and the processor
waits. Taken block by block, the first step fetches and the others find the numbers there.

Blocks must not be too small either: a call into NumPy costs about as much as working on a thousand numbers.

Which views of which arrays belong to a block depends on shapes only, so the calls are written down once, as
a list of `partial(np.add, x, y, out)`. `replay` makes of the list the work that a prepared kernel hands back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np

from .memory import Arena, Array, Work

Call: TypeAlias = Callable[[], object]

BLOCK_BYTES = 1 << 20  # of the largest array that a block of channels reads
FLAT_NUMBERS = 1 << 16  # in a block of elementwise steps


def replay(calls: Sequence[Call]) -> Work:
    """The work of making these calls, one after the other.

    >>> x = np.arange(3.0)
    >>> odd = replay([partial(np.multiply, x, 2, x), partial(np.add, x, 1, x)])
    >>> odd(); x
    array([1., 3., 5.])
    """
    calls = tuple(calls)

    def work() -> None:
        for call in calls:
            call()

    return work


def blocks(count: int, step: int) -> list[slice]:
    """0 ... count in slices of `step`.

    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


def channels_at_a_time(x: Array) -> int:
    """How many channels of x (C, *S, N) make a block."""
    channel: int = x.itemsize * math.prod(x.shape[1:])
    return max(1, min(len(x), BLOCK_BYTES // max(1, channel)))


class Staged:
    """An input (N, C, *S) handed out in blocks (k, *S, N) that are contiguous in memory.

    If the input lies so, a block is a view; if not, each is first copied into the arena.
    """

    def __init__(self, arena: Arena, x: Array, step: int) -> None:
        self._source = channels_first(x)
        self._copy = None
        if not self._source.flags.c_contiguous:
            self._copy = arena.take((step, *self._source.shape[1:]), x.dtype)

    def __getitem__(self, block: slice) -> tuple[Array, list[Call]]:
        """The block, and the calls that bring it there."""
        source = self._source[block]
        if self._copy is None:
            return source, []
        copy = self._copy[: source.shape[0]]
        return copy, [partial(np.copyto, copy, source)]


def channels_first(x: Array) -> Array:
    """(N, C, *S) -> (C, *S, N), a view."""
    return x.transpose(*range(1, x.ndim), 0)


def by_channel(x: Array) -> Array:
    """(k, *S, N) -> (k, everything else), a view of contiguous memory."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


def elementwise_blocks(*arrays: Array) -> list[tuple[Array, ...]]:
    """Arrays of one shape, cut alike into blocks for elementwise steps.

    Arrays that lie alike in memory, without gaps, are cut as the lines of numbers that they are; others along
    their first dimension.
    """
    flat = _flat(arrays)
    if flat:
        return [tuple(x[block] for x in flat) for block in blocks(flat[0].size, FLAT_NUMBERS)]
    rows = max(1, FLAT_NUMBERS // max(1, math.prod(arrays[0].shape[1:])))
    return [tuple(x[block] for x in arrays) for block in blocks(arrays[0].shape[0], rows)]


def _flat(arrays: tuple[Array, ...]) -> list[Array]:
    """Views of one dimension in which all arrays have their elements in the same order, if there are such."""
    axes = sorted(range(arrays[0].ndim), key=lambda axis: -arrays[0].strides[axis])
    ordered = [x.transpose(axes) for x in arrays]
    return [x.reshape(-1) for x in ordered] if all(x.flags.c_contiguous for x in ordered) else []


@lru_cache(maxsize=8)
def zeros(size: int, dtype: np.dtype[Any]) -> Array:
    """Zeros to compare with: NumPy compares two arrays several numbers at a time, but a number one by one."""
    x = np.zeros(size, dtype)
    x.flags.writeable = False
    return x
