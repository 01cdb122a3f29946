"""A plan as plain data (`tinygrad_cnn._plan_data`): what is printed and drawn of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tinygrad_cnn._plan_data import (
    CellData,
    Kind,
    Phase,
    PlanData,
    PoolData,
    ResultData,
    TaskData,
    names,
    phases,
)
from tinygrad_cnn._program import Call
from tinygrad_cnn._program import Kind as ValueKind

from .cells import Cell, Pool
from .tasks import Task

if TYPE_CHECKING:
    from .plan import NumpyPlan


def plan_data(plan: NumpyPlan) -> PlanData:
    """All that can be said of a plan."""
    return _Description(plan).data


class _Description:
    """What the tasks and the cells of a plan are called, and what they are for."""

    def __init__(self, plan: NumpyPlan) -> None:
        program = plan.program
        self.results = frozenset(program.results)
        self.names = names(program)
        self.calls = {id(call): place for place, call in enumerate(program.calls)}
        self.phase_of_call = phases(program)
        self.phase_of_value: dict[int, Phase] = {
            number: phase
            for call, phase in zip(program.calls, self.phase_of_call, strict=True)
            if not call.op.mutates
            for number in call.outputs
        }
        self.scope_of_value = _scopes(program.calls)
        self.phases = [self.phase(task) for task in plan.tasks]
        self.readers = _readers(plan.tasks)
        pools = [*(plan.pools[part] for part in plan.parts), plan.pools[None]]
        self.places = {
            cell: (pool, place) for pool, one in enumerate(pools) for place, cell in enumerate(one.cells)
        }
        parts = [*plan.parts, None]
        self.data = PlanData(
            operations=[call.op.name for call in program.calls],
            tasks=[self.task(task, phase) for task, phase in zip(plan.tasks, self.phases, strict=True)],
            parts=[[*plan.bounds[part : part + 2]] for part in plan.parts],
            pools=[self.pool(part, pool, plan.tasks) for part, pool in zip(parts, pools, strict=True)],
            scratch=[arena.nbytes for arena in plan.arenas],
        )

    def phase(self, task: Task) -> Phase:
        """What a task is for; one without a call puts parts together, for the same as they were made for."""
        if task.calls:
            return self.phase_of_call[self.calls[id(task.calls[-1])]]
        return self.phase_of_value.get(task.jobs[0].writes[0].value.number, "update")

    def scope(self, task: Task) -> str:
        """The innermost scope among its calls: a ReLU in a convolution belongs to the convolution's layer.

        Parts are put together for whoever made them; state is updated for the layer that reads it.
        """
        scopes = [call.scope for call in task.calls if call.scope]
        if scopes:
            return max(scopes, key=lambda scope: scope.count("/"))
        return self.scope_of_value.get(task.jobs[0].writes[0].value.number, "")

    def task(self, task: Task, phase: Phase) -> TaskData:
        return TaskData(
            title=task.title,
            each=not task.once,
            phase=phase,
            scope=self.scope(task),
            calls=[self.calls[id(call)] for call in task.calls],
            writes=[self.result(cell) for cell in task.jobs[0].writes],
        )

    def result(self, cell: Cell) -> ResultData:
        pool, place = self.places.get(cell.root, (None, None))
        own = cell.nbytes if pool is not None else 0
        return ResultData(value=self.name(cell), shape=[*cell.shape], bytes=own, pool=pool, cell=place)

    def pool(self, part: int | None, pool: Pool, tasks: Sequence[Task]) -> PoolData:
        return PoolData(
            part=part,
            bytes=pool.nbytes,
            bytes_unshared=pool.nbytes_unshared,
            cells=[self.cell(cell, tasks) for cell in pool.cells],
        )

    def cell(self, cell: Cell, tasks: Sequence[Task]) -> CellData:
        maker = tasks[cell.first] if cell.first >= 0 else None
        return CellData(
            value=self.name(cell),
            shape=[*cell.shape],
            dtype=cell.dtype.name,
            kind=self.kind(cell),
            title="" if maker is None else maker.title,
            scope="" if maker is None else self.scope(maker),
            offset=cell.offset,
            bytes=cell.nbytes,
            first=cell.first,
            last=cell.last,
        )

    def kind(self, cell: Cell) -> Kind:
        """What a cell is for, and so its colour."""
        if cell.value.number in self.results:
            return "result"
        if cell.value.kind is ValueKind.ARGUMENT:
            return "argument"
        made = self.phases[cell.first]
        if made == "backward":
            return "gradient"
        read = {self.phases[place] for place in self.readers.get(cell, ())}
        return "saved" if made == "forward" and "backward" in read else "temporary"

    def name(self, cell: Cell) -> str:
        """What the cell's value is called; what the program does not know of has a name of its own."""
        return self.names.get(cell.value.number, str(cell.value))


def _readers(tasks: Sequence[Task]) -> Mapping[Cell, Sequence[int]]:
    """For each cell, the places of the tasks that read it."""
    readers: dict[Cell, list[int]] = {}
    for place, task in enumerate(tasks):
        for job in task.jobs:
            for read in job.reads:
                readers.setdefault(read.cell.root, []).append(place)
    return readers


def _scopes(calls: Sequence[Call]) -> Mapping[int, str]:
    """By the number of a value: the scope of the call that makes it; of state, of the first that reads it."""
    scopes: dict[int, str] = {}
    for call in calls:
        for number in (*call.inputs, *call.outputs):
            scopes.setdefault(number, call.scope)
    return scopes
