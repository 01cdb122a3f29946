"""The order in which these kernels keep the numbers of an image in memory: the batch last.

A tensor of images has the shape (N, C, *S), but nothing forces its numbers to lie in memory in that order.
These kernels store them as (C, *S, N): the same pixel of all N images side by side. NumPy is fast when its
innermost loop is long and walks through memory without jumps. With the batch last, that loop is at least N
numbers long whatever the window, the stride or the padding, and a copy moves whole runs of numbers.

Nobody else notices: an array is handed back through `batch_first`, a view with the logical shape (N, C, *S),
and NumPy's elementwise functions keep whatever order they find. Only an array that arrives in another order,
such as the images from a file, is copied once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Ints: TypeAlias = tuple[int, ...]
Padding: TypeAlias = tuple[tuple[int, int], ...]


def batch_last(x: Array) -> Array:
    """(N, C, *S) -> (C, *S, N), contiguous; copied only if x does not already lie so in memory.

    >>> batch_last(np.zeros((64, 3, 28, 28))).shape
    (3, 28, 28, 64)
    """
    return np.ascontiguousarray(x.transpose(*range(1, x.ndim), 0))


def batch_first(x: Array) -> Array:
    """(C, *S, N) -> (N, C, *S): the way back, a view."""
    return x.transpose(-1, *range(x.ndim - 1))
