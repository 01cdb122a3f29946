"""Order: as few meetings of the threads as possible.

Between a task that every thread does for itself and one that is done once, the threads have to meet, and the
first to arrive waits. The order in which the program happened to make its calls has many such changes; so
tasks are sorted anew: whatever the threads can do by themselves comes first, then all that can be done once,
and so on. A task still comes after those whose results it reads, and whoever overwrites state comes after
everybody who wants to read what was there before, and after everything that may still refuse the step (a
label that names no class, a loss that is not a number): a step that fails has changed no weight.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from .cells import Cell
from .tasks import Task

# Kernels that look at their numbers, and raise an error about some.
MAY_REFUSE = frozenset({"all_finite", "embedding", "gather", "one_hot", "pow", "remainder", "take", "within"})


def with_few_meetings(tasks: Sequence[Task]) -> list[Task]:
    """The same tasks; those of one kind stand together wherever the data allows it."""
    waiting_for = _dependencies(tasks)
    followers: dict[int, list[int]] = defaultdict(list)
    for place, needed in enumerate(waiting_for):
        for other in needed:
            followers[other].append(place)
    ready = [place for place, needed in enumerate(waiting_for) if not needed]
    ordered: list[Task] = []
    once = False
    while ready:
        now = [place for place in ready if tasks[place].once is once]
        if not now:
            once = not once
            continue
        place = min(now)
        ready.remove(place)
        ordered.append(tasks[place])
        for follower in followers[place]:
            waiting_for[follower].discard(place)
            if not waiting_for[follower]:
                ready.append(follower)
    return ordered


def _dependencies(tasks: Sequence[Task]) -> list[set[int]]:
    """For each task, the places of those that have to come before it."""
    writer: dict[Cell, int] = {}
    readers: dict[Cell, list[int]] = defaultdict(list)
    needed: list[set[int]] = []
    checks: set[int] = set()
    for place, task in enumerate(tasks):
        reads = {read.cell.root for job in task.jobs for read in job.reads}
        writes = {cell.root for job in task.jobs for cell in job.writes}
        before = {writer[cell] for cell in reads | writes if cell in writer}
        before.update(reader for cell in writes for reader in readers[cell])
        if any(cell.array is not None for cell in writes):
            before |= checks
        if any(job.kernel in MAY_REFUSE for job in task.jobs):
            checks.add(place)
        needed.append(before - {place})
        for cell in writes:
            writer[cell] = place
            readers[cell] = []
        for cell in reads:
            readers[cell].append(place)
    return needed
