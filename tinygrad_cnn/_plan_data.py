"""What a plan consists of, as plain data: numbers, strings, lists and dicts, ready for JSON.

A plan (`_program.Plan`) knows kernels, addresses and threads. Whoever prints or draws it needs none of that:
which operations became which tasks, who does them, and from when to when each value lies where in memory. So
every backend writes its plan down in this form, and one program prints it, another one draws it.

    data["tasks"]            what is done, in order
    data["pools"]            pieces of memory, and the cells in them: a place, and from which task to which
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from tinygrad_cnn._program import Program

Phase = Literal["forward", "backward", "update"]
Kind = Literal["argument", "saved", "gradient", "result", "temporary"]


class ResultData(TypedDict):
    """A value, or a part of one, that a task writes.

    value: its name: "%7", "conv1.weight".
    shape: of what one thread writes.
    bytes: of that; 0 for what already has memory: state, or a part of another value.
    pool, cell: where its memory is: places in `PlanData["pools"]` and in that pool's "cells"; None for state.
    """

    value: str
    shape: list[int]
    bytes: int
    pool: int | None
    cell: int | None


class TaskData(TypedDict):
    """Something that is done without a pause.

    title: in words: "conv + add + relu", "sum of the parts".
    each: whether every thread does it with its part of the batch; otherwise one thread does it, once.
    phase: "forward": the results of the step are computed from it; "backward": its gradients are; "update":
        what comes after that, mostly new state.
    scope: the name scope of what it does, "LeNet5/conv1"; empty where it has none.
    calls: places in `PlanData["operations"]` of what it stands for.
    writes: what it makes, of the first thread.
    """

    title: str
    each: bool
    phase: Phase
    scope: str
    calls: list[int]
    writes: list[ResultData]


class CellData(TypedDict):
    """Memory for a value, or for a part of one.

    value, shape, dtype: what lies there.
    kind: "argument": the caller brings it; "result": the caller gets it; "saved": the forward pass makes it
        and the backward pass reads it; "gradient": the backward pass makes it; "temporary": the rest.
    title, scope: of the task that fills it; empty for an argument.
    offset, bytes: where in the pool it lies.
    first, last: the tasks between which it is needed; an argument is there before the first task (-1), and
        what is needed after the step has the number of tasks as its last.
    """

    value: str
    shape: list[int]
    dtype: str
    kind: Kind
    title: str
    scope: str
    offset: int
    bytes: int
    first: int
    last: int


class PoolData(TypedDict):
    """A piece of memory.

    part: whose it is: the number of a part of the batch; None for what belongs to no part.
    bytes: its size.
    bytes_unshared: the size it would need if no two cells shared memory.
    """

    part: int | None
    bytes: int
    bytes_unshared: int
    cells: list[CellData]


class PlanData(TypedDict):
    """A whole plan.

    operations: names of what the step called, in order.
    tasks: what is done, in order.
    parts: how the batch is cut: the first item of each part, and the one after its last.
    pools: the memory; empty if the plan takes fresh memory for every value.
    scratch: for each thread, bytes of the memory that kernels need while they work.
    """

    operations: list[str]
    tasks: list[TaskData]
    parts: list[list[int]]
    pools: list[PoolData]
    scratch: list[int]


def phases(program: Program) -> list[Phase]:
    """What each call of a program is for.

    Forward is what the results are computed from; backward is what gradients are computed from besides; the
    rest, mostly what changes state, is update. A result that is made of gradients, such as their norm, is no
    reason to call a backward pass forward.
    """
    of_gradients = _leading_from(program, program.kept)
    forward = _leading_to(program, (n for n in program.results if n not in of_gradients))
    backward = _leading_to(program, program.kept)
    found: list[Phase] = []
    for call in program.calls:
        made = set() if call.op.mutates else set(call.outputs)
        found.append("forward" if made & forward else "backward" if made & backward else "update")
    return found


def _leading_to(program: Program, targets: Iterable[int]) -> set[int]:
    """Values that some of these are computed from, themselves included."""
    reached = set(targets)
    for call in reversed(program.calls):
        if not call.op.mutates and not reached.isdisjoint(call.outputs):
            reached.update(call.inputs)
    return reached


def _leading_from(program: Program, sources: Iterable[int]) -> set[int]:
    """Values that are computed from some of these, themselves included."""
    reached = set(sources)
    for call in program.calls:
        if not call.op.mutates and not reached.isdisjoint(call.inputs):
            reached.update(call.outputs)
    return reached


def names(program: Program) -> dict[int, str]:
    """What each value is called: state after the layer that reads it, "conv1.weight"; others "%7"."""
    found = {value.number: str(value) for value in program.values}
    named = {value.number for value in program.values if value.name and value.array is not None}
    for call in program.calls:
        for number in named.intersection(call.inputs):
            if call.scope:
                found[number] = f"{layer(call.scope)}.{found[number]}"
            named.remove(number)
    return found


def layer(scope: str) -> str:
    """The last part of a scope that is a word, with the numbers behind it.

    >>> layer("LeNet5/conv1"), layer("ResNet20/layer2/0/downsample/1")
    ('conv1', 'downsample/1')
    """
    parts = scope.split("/")
    words = [place for place, part in enumerate(parts) if not part.isdigit()]
    return "/".join(parts[words[-1] :]) if words else scope


def without_task(data: PlanData) -> list[str]:
    """Operations that became no task: views of memory that is there, and assignments computed in place."""
    done = {call for task in data["tasks"] for call in task["calls"]}
    return [name for place, name in enumerate(data["operations"]) if place not in done]


def in_use(pool: PoolData, tasks: int) -> list[int]:
    """Bytes that are needed before the first task, during each task, and after the last."""
    changes = [0] * (tasks + 3)
    for cell in pool["cells"]:
        changes[cell["first"] + 1] += cell["bytes"]
        changes[cell["last"] + 2] -= cell["bytes"]
    return list(accumulate(changes))[:-1]


def plain(program: Program) -> PlanData:
    """A plan that makes one call after the other, each with fresh memory for what it makes."""
    called = names(program)
    return PlanData(
        operations=[call.op.name for call in program.calls],
        tasks=[
            TaskData(
                title=call.op.name,
                each=False,
                phase=phase,
                scope=call.scope,
                calls=[place],
                writes=[
                    ResultData(
                        value=called[number],
                        shape=[*program.values[number].shape],
                        bytes=0 if call.op.mutates else program.values[number].nbytes,
                        pool=None,
                        cell=None,
                    )
                    for number in call.outputs
                ],
            )
            for place, (call, phase) in enumerate(zip(program.calls, phases(program), strict=True))
        ],
        parts=[],
        pools=[],
        scratch=[],
    )
