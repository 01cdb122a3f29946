"""A plan in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plan import NumpyPlan


def described(plan: NumpyPlan) -> str:
    """One line a task: who does it, what it writes, where in memory that is."""
    lines = [
        f"{len(plan.program.calls)} operations in {len(plan.tasks)} tasks, "
        f"{len(plan.parts)} part{'s' * (len(plan.parts) > 1)} of the batch at {list(plan.bounds)}, "
        f"{plan.nbytes / 2**20:.1f} MiB"
    ]
    for place, task in enumerate(plan.tasks):
        job = task.jobs[0]
        made = ", ".join(f"{cell.value} {cell.shape}" for cell in job.writes)
        lines.append(f"{place:>4}  {'once' if task.once else 'each'}  {task.title:<40} {made}")
    return "\n".join(lines)
