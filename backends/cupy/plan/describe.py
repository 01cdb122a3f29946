"""A plan as plain data (`tinygrad_cnn._plan_data`): what is printed of it."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn._plan_data import Phase, PlanData, ResultData, TaskData, names, phases
from tinygrad_cnn._program import Program
from tinygrad_cnn._steps import Step


def plan_data(program: Program, steps: Sequence[Step]) -> PlanData:
    """One task for each step; values lie in a pool that finds places for them as it goes."""
    called, phase_of = names(program), phases(program)
    places = {id(call): place for place, call in enumerate(program.calls)}
    tasks = [
        _task(program, step, [places[id(call)] for call in step.calls], phase_of, called) for step in steps
    ]
    operations = [call.op.name for call in program.calls]
    return PlanData(operations=operations, tasks=tasks, parts=[], pools=[], scratch=[])


def _task(
    program: Program, step: Step, calls: list[int], phase_of: Sequence[Phase], called: dict[int, str]
) -> TaskData:
    is_new = bool(step.outputs) and not step.op.mutates
    return TaskData(
        title=step.name,
        each=False,
        phase=phase_of[calls[-1]] if calls else "backward",
        scope=_scope({call.scope for call in step.calls}),
        calls=sorted(calls),
        writes=[
            ResultData(
                value=called[number],
                shape=[*program.values[number].shape],
                bytes=program.values[number].nbytes if is_new else 0,
                pool=None,
                cell=None,
            )
            for number in step.outputs or step.inputs[:1]
        ],
    )


def _scope(scopes: set[str]) -> str:
    """The innermost scope, if all others lie around it; a step of many layers belongs to none."""
    innermost = max(scopes, key=len, default="")
    return innermost if all(innermost.startswith(scope) for scope in scopes) else ""
