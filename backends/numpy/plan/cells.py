"""Cells: where in memory the values of a plan are, and how little of it they need together.

Every value, or every part of one, is a cell. A cell is needed from the task that fills it to the last task
that reads it; two cells that are never needed at the same time may share their memory. So all of a plan's
values lie in a few pools (one for each part, so that threads never wait for each other's memory, and one for
what is whole), whose sizes are known before the first number is computed.

How much can be shared is a packing problem: rectangles (lifetime × bytes) have to be stacked without overlap.
The best solution is hard to find; putting the largest first, each as low as it fits, comes close (Y.
Pisarchyk and J. Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020, arXiv:2001.03288:
"greedy by size").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from tinygrad_cnn._program import Value
from tinygrad_cnn.dtypes import Shape

from ..kernels.memory import CACHE_LINE, Array, aligned


@dataclass(eq=False)
class Cell:
    """Memory for a value, or for a part of one.

    Attributes:
        value: what it holds.
        part: which part of the batch; None for the whole value.
        shape: of what it holds.
        dtype: NumPy's.
        order: its dimensions from the outermost to the innermost in memory.
        base, view: of a view: whose memory it looks at, and how.
        array: the memory, as soon as there is some.
        first, last: the tasks between which it is needed.
        offset: where in its pool it lies.
    """

    value: Value
    part: int | None
    shape: Shape
    dtype: np.dtype[Any]
    order: tuple[int, ...]
    base: Cell | None = None
    view: Callable[[Array], Array] | None = None
    array: Array | None = None
    first: int = -1
    last: int = -1
    offset: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes that it needs of its own."""
        return 0 if self.base is not None else math.prod(self.shape) * self.dtype.itemsize

    @property
    def root(self) -> Cell:
        """The cell that owns the memory."""
        return self if self.base is None else self.base.root

    def look(self) -> Array:
        """The array; of a view it is made when first asked for, when memory is there."""
        if self.array is None:
            assert self.base is not None
            assert self.view is not None
            self.array = self.view(self.base.look())
        return self.array

    def prototype(self) -> Array:
        """An array that lies in memory as this cell will, without anything in it."""
        if self.array is not None:
            return self.array
        if self.base is not None and self.view is not None:
            return self.view(self.base.prototype())
        return in_order(np.empty(math.prod(self.shape), self.dtype), self.shape, self.order)

    def row(self, index: int) -> Cell:
        """A view of one row."""
        rest = tuple(range(len(self.shape) - 1))
        return Cell(self.value, None, self.shape[1:], self.dtype, rest, self, itemgetter(index))

    def __str__(self) -> str:
        return str(self.value) if self.part is None else f"{self.value}.{self.part}"


def in_order(memory: Array, shape: Shape, order: tuple[int, ...]) -> Array:
    """Flat memory as an array of this shape whose dimensions lie in that order.

    >>> in_order(np.arange(6), (2, 3), (1, 0))
    array([[0, 2, 4],
           [1, 3, 5]])
    """
    arranged = memory.reshape([shape[dim] for dim in order])
    return arranged.transpose([order.index(dim) for dim in range(len(shape))])


@dataclass(eq=False)
class Pool:
    """Memory that cells share.

    Attributes:
        cells: all of them.
        nbytes: what they need when they share.
    """

    cells: list[Cell] = field(default_factory=list)
    nbytes: int = 0
    memory: Array | None = None

    @property
    def nbytes_unshared(self) -> int:
        """What they would need without sharing."""
        return sum(cell.nbytes for cell in self.cells)

    def pack(self) -> None:
        """Give every cell its place: the largest first, each at the lowest offset that is free for it."""
        placed: list[Cell] = []
        for cell in sorted(self.cells, key=lambda cell: (-cell.nbytes, cell.first)):
            cell.offset = _lowest_gap(cell, placed)
            placed.append(cell)
            self.nbytes = max(self.nbytes, cell.offset + cell.nbytes)

    def allocate(self) -> None:
        """Make the memory, and every cell's array in it."""
        self.memory = aligned(self.nbytes)
        for cell in self.cells:
            flat = self.memory[cell.offset : cell.offset + cell.nbytes].view(cell.dtype)
            cell.array = in_order(flat, cell.shape, cell.order)


def _lowest_gap(cell: Cell, placed: Iterable[Cell]) -> int:
    """The lowest offset at which a cell meets none of those that are needed while it is."""
    offset = 0
    neighbours = [one for one in placed if one.first <= cell.last and cell.first <= one.last and one.nbytes]
    for one in sorted(neighbours, key=lambda one: one.offset):
        if offset + cell.nbytes <= one.offset:
            break
        end = one.offset + one.nbytes
        offset = max(offset, -(-end // CACHE_LINE) * CACHE_LINE)
    return offset
