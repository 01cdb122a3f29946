"""Copies, running averages and counters of many layers in one launch, by the kernels of `upkeep.cu`.

No operation is computed by these: a plan puts the small steps of many layers together and calls them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.backend import Array
from tinygrad_cnn.dtypes import count

from .launch import THREADS, address, blocks_for, c_type, launch
from .layout import in_rows

MOST_ARRAYS = 64  # in a launch; in upkeep.cu too
MOST_BLOCKS = 128  # for each array
ADDRESSES = (np.uint64, MOST_ARRAYS)


def copy_arrays(sources: Sequence[Array], targets: Sequence[Array]) -> None:
    """Copy arrays of one dtype, in whatever order they lie, to memory by rows."""
    table_type = _struct("from", "to", n=np.int64, b=np.int32, c=np.int32)
    pairs = list(zip(sources, targets, strict=True))
    for some in _in_launches([(_copyable(source), target) for source, target in pairs if source.size]):
        table = np.zeros((), table_type)
        for place, (source, target) in enumerate(some):
            table["from"][place], table["to"][place] = address(source), address(target)
            table["n"][place] = source.size
            table["b"][place], table["c"][place] = _turned(source)
        _launch("copy_arrays", some[0][1], [target.size for _, target in some], table)


class Average(NamedTuple):
    """average ← keep · average + take · (scale · x)."""

    average: Array
    x: Array
    keep: float
    take: float
    scale: float


def update_averages(averages: Sequence[Average]) -> None:
    """Move running averages of one dtype; they lie by rows, and no two of them in the same memory."""
    if not averages:
        return
    number = averages[0].average.dtype
    table_type = _struct("average", "x", keep=number, take=number, scale=number, n=np.int64)
    for some in _in_launches([one for one in averages if one.average.size]):
        rows = [in_rows(one.x) for one in some]
        table = np.zeros((), table_type)
        for place, (one, x) in enumerate(zip(some, rows, strict=True)):
            table["average"][place], table["x"][place] = address(one.average), address(x)
            for name in ("keep", "take", "scale"):
                table[name][place] = getattr(one, name)
            table["n"][place] = x.size
        _launch("update_averages", some[0].average, [x.size for x in rows], table)


def count_up(counters: Sequence[Array], by: Sequence[int], guard: Array | None = None) -> None:
    """Add a number to each of some 0-d int64 arrays, no two of them in the same memory.

    With a guard, a 0-d bool, only where that is True.
    """
    for some in _in_launches(list(zip(counters, by, strict=True))):
        table = np.zeros((), _struct("count", by=np.int64))
        table["count"][: len(some)] = [address(counter) for counter, _ in some]
        table["by"][: len(some)] = [number for _, number in some]
        launch("upkeep.cu", "count_up", (), (1,), (MOST_ARRAYS,), table, len(some), guard)


def _struct(*addresses: str, **numbers: Any) -> np.dtype[Any]:
    """A struct of arrays with a place for each of MOST_ARRAYS: addresses first, then numbers."""
    fields = [(name, *ADDRESSES) for name in addresses]
    return np.dtype([*fields, *((name, kind, MOST_ARRAYS) for name, kind in numbers.items())], align=True)


def _in_launches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(items), MOST_ARRAYS):
        yield items[first : first + MOST_ARRAYS]


def _launch(kernel: str, like: Array, sizes: Sequence[int], table: np.ndarray[Any, Any]) -> None:
    grid = (min(blocks_for(max(sizes))[0], MOST_BLOCKS), len(sizes))
    launch("upkeep.cu", kernel, (c_type(like),), grid, (THREADS,), table)


def _copyable(array: Array) -> Array:
    """The array, or a copy of it if it lies neither by rows nor with its channels last."""
    return array if _turned(array) != (1, 1) else in_rows(array)


def _turned(array: Array) -> tuple[int, int]:
    """Places and channels of a dense array (N, C, *S) whose channels are last; (1, 1) of any other.

    A transposed matrix, as the gradient of a linear layer is, is one image: its rows are the channels.
    """
    if array.ndim < 2 or array.flags.c_contiguous:
        return 1, 1
    if array.ndim == 2:
        array = array[None]
    distance = 1
    for dim in (1, *range(array.ndim - 1, 1, -1), 0):  # from the innermost in memory
        if array.shape[dim] > 1 and array.strides[dim] != distance * array.itemsize:
            return 1, 1
        distance *= array.shape[dim]
    return count(array.shape[2:]), array.shape[1]
