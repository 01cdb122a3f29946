"""Chains: elementwise tasks that follow one another, done block by block.

    add(x, bias), relu(·), mul(·, mask)

Done one after the other on large arrays, each of them fetches from main memory what the one before has just
sent there. Done for a block of some thousand numbers at a time, everything in between stays in the cache; and
what only the next in the chain reads needs no memory of its own, only a block of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from ..kernels.blocks import blocks, replay
from ..kernels.elementwise import prepare_relu, prepare_relu_grad
from ..kernels.memory import Arena, Array, Work
from .cells import Cell
from .tasks import Job, Read, Task
from .ufuncs import UFUNCS

BLOCK_NUMBERS = 1 << 14
CHAINABLE = frozenset({*UFUNCS, "cast", "relu", "relu_grad"} - {"matmul"})


def chained(tasks: Sequence[Task], ends: Sequence[Cell]) -> list[Task]:
    """The tasks; elementwise ones that feed each other, in one shape, have become one."""
    readers: dict[Cell, int] = {}
    for task in tasks:
        for job in task.jobs:
            for read in job.reads:
                readers[read.cell.root] = readers.get(read.cell.root, 0) + 1
    needed = {cell.root for cell in ends}
    result: list[Task] = []
    run: list[Task] = []
    for task in tasks:
        if run and _continues(run, task):
            run.append(task)
            continue
        result += _one(run, readers, needed)
        run = [task] if _is_elementwise(task) else []
        if not run:
            result.append(task)
    return result + _one(run, readers, needed)


def _is_elementwise(task: Task) -> bool:
    return all(job.kernel in CHAINABLE and len(job.writes) == 1 and job.writes[0].shape for job in task.jobs)


def _continues(run: Sequence[Task], task: Task) -> bool:
    """Whether the task reads what the run has made, in the same shape and the same order in memory."""
    if not _is_elementwise(task) or task.once is not run[-1].once:
        return False
    links = [one.jobs[0] for one in (*run, task)]
    made = {link.writes[0] for link in links}
    reads = [read.cell for link in links for read in link.reads]
    last, new = links[-2].writes[0], links[-1].writes[0]
    # A view of what a chain writes shows places that it has not come to yet, or has left behind.
    looks_aside = any(cell.base is not None and cell.root in made for cell in reads)
    return (
        (last.shape, last.order) == (new.shape, new.order)
        and any(read.cell in made - {new} for read in links[-1].reads)
        and not looks_aside
    )


def _one(run: Sequence[Task], readers: dict[Cell, int], needed: set[Cell]) -> list[Task]:
    if len(run) < 2:
        return list(run)
    jobs = []
    for part in range(len(run[0].jobs)):
        links = [task.jobs[part] for task in run]
        made = [link.writes[0] for link in links]
        inside: dict[Cell, int] = {}
        for link in links:
            for read in link.reads:
                inside[read.cell] = inside.get(read.cell, 0) + 1
        visible = [
            cell
            for cell in made
            if cell.array is not None or cell in needed or inside.get(cell, 0) < readers.get(cell, 0)
        ]
        visible = visible or made[-1:]
        reads = [read for link in links for read in link.reads if read.cell not in made]
        jobs.append(Job("chain", reads, visible, {"links": links}))
    title = " + ".join(dict.fromkeys(task.title for task in run))
    return [Task(title, jobs, run[0].once, [call for task in run for call in task.calls])]


def prepare_chain(arena: Arena, links: Sequence[Job], visible: Sequence[Cell]) -> Work:
    """The work of a chain: all links for one block, then for the next."""
    out = links[-1].writes[0]
    axis = out.order[0]
    step = max(1, BLOCK_NUMBERS // max(1, math.prod(out.shape) // max(1, out.shape[axis])))
    scratch: dict[Cell, Array] = {}
    for link in links:
        (cell,) = link.writes
        if cell not in visible and cell.array is None:
            shape = [min(step, out.shape[axis]), *(out.shape[dim] for dim in out.order[1:])]
            memory = arena.take(tuple(shape), cell.dtype)
            scratch[cell] = memory.transpose([out.order.index(dim) for dim in range(len(out.shape))])

    def piece(read: Read | Cell, block: slice) -> Array:
        cell = read.cell if isinstance(read, Read) else read
        if cell in scratch:
            return scratch[cell][_along(axis, slice(0, block.stop - block.start))]
        array = read.look()
        own = axis - (len(out.shape) - array.ndim)
        return array[_along(own, block)] if own >= 0 and array.shape[own] != 1 else array

    return replay(
        [
            _work(
                arena, link.kernel, [piece(read, block) for read in link.reads], piece(link.writes[0], block)
            )
            for block in blocks(out.shape[axis], step)
            for link in links
        ]
    )


def _along(axis: int, block: slice) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, block)


def _work(arena: Arena, kernel: str, inputs: Sequence[Array], out: Array) -> Work:
    """One link on one block."""
    match kernel:
        case "relu":
            return prepare_relu(None, arena, inputs[0], out)
        case "relu_grad":
            return prepare_relu_grad(None, arena, inputs[0], inputs[1], out)
        case "cast":
            return partial(np.copyto, out, inputs[0], "unsafe")
    return partial(UFUNCS[kernel], *inputs, out=out)
