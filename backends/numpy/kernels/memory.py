"""Memory: the order in which kernels keep the numbers of an image, and where they put what lies in between.

The order is: the batch last.

A tensor of images has the shape (N, C, *S), but nothing forces its numbers to lie in memory in that order.
These kernels store them as (C, *S, N): the same pixel of all N images side by side. NumPy is fast when its
innermost loop is long and walks through memory without jumps. With the batch last, that loop is at least N
numbers long whatever the window, the stride or the padding, and a copy moves whole runs of numbers.

Nobody else notices: an array is handed back through `batch_first`, a view with the logical shape (N, C, *S),
and NumPy's elementwise functions keep whatever order they find. Only an array that arrives in another order,
such as the images from a file, is copied once.

What a kernel needs only while it works (columns, tiles) it takes from an `Arena`, a piece of memory that is
used over and over. Fresh memory costs twice: the system hands it out page by page and fills it with zeros
first, and the processor's cache has never seen it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = np.ndarray[Any, Any]
Ints: TypeAlias = tuple[int, ...]
Padding: TypeAlias = tuple[tuple[int, int], ...]
Work: TypeAlias = Callable[[], None]  # a prepared kernel: everything is decided, only the numbers are missing

CACHE_LINE = 64  # bytes; an array that begins on such a boundary is read with the fewest accesses


def batch_last(x: Array) -> Array:
    """(N, C, *S) -> (C, *S, N), contiguous; copied only if x does not already lie so in memory.

    >>> batch_last(np.zeros((64, 3, 28, 28))).shape
    (3, 28, 28, 64)
    """
    return np.ascontiguousarray(x.transpose(*range(1, x.ndim), 0))


def batch_first(x: Array) -> Array:
    """(C, *S, N) -> (N, C, *S): the way back, a view."""
    return x.transpose(-1, *range(x.ndim - 1))


def empty_batch_last(shape: Ints, dtype: npt.DTypeLike) -> Array:
    """Memory for (N, C, *S), the batch last.

    >>> empty_batch_last((64, 3, 28, 28), "float32").strides
    (4, 200704, 7168, 256)
    """
    return batch_first(np.empty((*shape[1:], shape[0]), dtype))


class Arena:
    """Scratch memory for one kernel after the other: each begins anew, at the same place.

    >>> arena = Arena()
    >>> arena.begin()
    >>> columns = arena.take((25, 896), np.float32)
    >>> arena.begin()
    >>> np.shares_memory(columns, arena.take((25, 896), np.float32))
    True
    """

    def __init__(self) -> None:
        self._memory = np.empty(0, np.uint8)
        self._taken = 0

    @property
    def nbytes(self) -> int:
        """How much memory the hungriest kernel so far has asked for."""
        return self._memory.size

    def begin(self) -> None:
        """The next kernel may use everything; what was taken before will be overwritten."""
        self._taken = 0

    def take(self, shape: Ints, dtype: npt.DTypeLike) -> Array:
        """Memory of this shape, uninitialized; what one kernel takes does not overlap."""
        dtype = np.dtype(dtype)
        nbytes = math.prod(shape) * dtype.itemsize
        start = -(-self._taken // CACHE_LINE) * CACHE_LINE
        if start + nbytes > self._memory.size:
            # What was taken before keeps its old memory alive.
            self._memory = aligned(max(start + nbytes, 2 * self._memory.size))
        self._taken = start + nbytes
        return self._memory[start : start + nbytes].view(dtype).reshape(shape)


_local = threading.local()


def local_arena() -> Arena:
    """The arena of the thread that asks, begun anew: for a kernel that works at once."""
    arena: Arena | None = getattr(_local, "arena", None)
    if arena is None:
        arena = _local.arena = Arena()
    arena.begin()
    return arena


def aligned(nbytes: int) -> Array:
    """Bytes that begin at the beginning of a cache line."""
    memory = np.empty(nbytes + CACHE_LINE, np.uint8)
    offset = -memory.ctypes.data % CACHE_LINE
    return memory[offset : offset + nbytes]
