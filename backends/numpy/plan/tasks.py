"""Tasks: what each thread does, on memory that is still to be found; and for how long it is needed.

each    every thread does this with its part of the batch
once    one thread does this, when all have arrived
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tinygrad_cnn._program import Call
from tinygrad_cnn.dtypes import Shape

from ..kernels.memory import Array
from .cells import Cell, Pool


@dataclass(eq=False)
class Read:
    """What a task reads: a cell, or a part of one that is whole."""

    cell: Cell
    index: tuple[slice, ...] = ()

    @property
    def shape(self) -> Shape:
        """The shape of what is read."""
        cut = [range(size)[one] for size, one in zip(self.cell.shape, self.index, strict=False)]
        return (*map(len, cut), *self.cell.shape[len(cut) :])

    def look(self) -> Array:
        """The array, when there is memory."""
        return self.cell.look()[self.index] if self.index else self.cell.look()


@dataclass(eq=False)
class Job:
    """One kernel on known cells."""

    kernel: str
    reads: Sequence[Read]
    writes: Sequence[Cell]
    params: Mapping[str, Any]


@dataclass(eq=False)
class Task:
    """A job for each part, or one for all.

    Attributes:
        title: for people: "conv + add", "sum of the parts".
        jobs: one for each part; a single one if it is done once.
        once: whether it is.
        calls: the operations that it stands for.
    """

    title: str
    jobs: list[Job]
    once: bool
    calls: Sequence[Call] = ()


def lifetimes(tasks: Sequence[Task], ends: Sequence[Cell]) -> None:
    """Say of every cell from which task to which it is needed; `ends` are needed to the end.

    Threads do not wait for each other within a stretch of tasks that each does for itself. What they share is
    therefore needed for the whole stretch: one may still read when another has gone on.
    """
    seen: set[Cell] = set()

    def need(cell: Cell, first: int, last: int) -> None:
        root = cell.root
        root.first = min(root.first, first) if root in seen else first
        root.last = max(root.last, last)
        seen.add(root)

    start = 0
    for once, group in groupby(tasks, key=lambda task: task.once):
        stretch = list(group)
        end = start + len(stretch) - 1
        for place, task in enumerate(stretch, start):
            for job in task.jobs:
                for cell in (*(read.cell for read in job.reads), *job.writes):
                    shared = cell.root.part is None and not once
                    need(cell, start if shared else place, end if shared else place)
        start = end + 1
    for cell in ends:
        need(cell, len(tasks), len(tasks))


def pools_of(tasks: Sequence[Task], more: Sequence[Cell], parts: int) -> dict[int | None, Pool]:
    """All cells without memory, in a pool for each part and one for what is whole."""
    pools: dict[int | None, Pool] = {part: Pool() for part in (None, *range(parts))}
    every = [
        cell for task in tasks for job in task.jobs for cell in (*(r.cell for r in job.reads), *job.writes)
    ]
    for cell in dict.fromkeys(one.root for one in (*every, *more)):
        if cell.array is None:
            pools[cell.part].cells.append(cell)
    return pools
