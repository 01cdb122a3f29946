"""NumpyPlan: a recorded step on fixed memory, in threads that share the batch.

plan = NumpyPlan(program, threads=2)
plan.run(arrays)
print(plan)             which tasks, which fusions, how much memory
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from tinygrad_cnn._fuse import (
    Rule,
    batch_norm_and_relu,
    batch_norm_behind_relu,
    bias_and_relu,
    fused,
    relu_mask,
    relu_through_pool,
)
from tinygrad_cnn._plan_data import PlanData
from tinygrad_cnn._program import Plan, Program
from tinygrad_cnn._steps import steps_of
from tinygrad_cnn.errors import TinygradCNNError

from ..kernels import threads
from ..kernels.memory import Arena, Array, Work
from ..kernels.workers import workers
from .bind import bound
from .chain import chained
from .describe import plan_data
from .lower import Lowering
from .norm import IN_PHASES
from .order import with_few_meetings
from .tasks import Task, lifetimes, pools_of

# A step that makes fewer numbers than this is done before a second thread has woken up.
WORTH_A_THREAD = 1 << 18
RULES: tuple[Rule, ...] = (
    relu_mask,
    relu_through_pool,
    bias_and_relu,
    batch_norm_and_relu,
    batch_norm_behind_relu,
)


class NumpyPlan(Plan):
    """What `tc.capture` runs on this backend.

    Args:
        program: what to do.
        num_threads: at most so many parts of the batch.

    Attributes:
        bounds: where the batch is cut.
        tasks: what is done, in order.
        pools: the memory: one for each part, and under None what is whole.
    """

    def __init__(self, program: Program, num_threads: int) -> None:
        self.program = program
        backend = program.backend
        values = [replace(value) for value in program.values]  # fusing changes some
        kept = (*program.results, *program.kept)
        steps = fused(steps_of(program), values, kept, RULES)
        self.bounds = _bounds(program, num_threads)
        lowering = Lowering(backend, values, steps, self.bounds, program.arguments, kept, IN_PHASES)
        lowering.lower()
        self.tasks = lowering.tasks
        self._results = [_Result(lowering, number) for number in program.results]
        self._arguments = [_Argument(lowering, number) for number in program.arguments]
        ends = [cell for result in self._results for cell in result.cells]
        self._kept = {number: lowering.whole(number) for number in program.kept}
        ends += self._kept.values()
        self.tasks = chained(with_few_meetings(self.tasks), ends)
        lifetimes(self.tasks, ends)
        arrived = [cell for argument in self._arguments for cell in argument.cells]
        for cell in arrived:
            cell.first = -1
        self.pools = pools_of(self.tasks, [*arrived, *ends], len(self.parts))
        for pool in self.pools.values():
            pool.pack()
            pool.allocate()
        self.arenas = [Arena() for _ in self.parts]
        self._stretches = list(self._bound(backend))

    @property
    def parts(self) -> range:
        """The numbers of the parts of the batch; each has a thread."""
        return range(len(self.bounds) - 1)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the plan holds, besides parameters and other state."""
        return sum(pool.nbytes for pool in self.pools.values()) + sum(arena.nbytes for arena in self.arenas)

    # --- running

    def run(self, arguments: Sequence[Array]) -> list[Array]:
        """Do the step with these arguments; returns the results in memory of their own."""
        with self.program.backend.step(), threads.limited_to(1 if len(self.parts) > 1 else None):
            for argument, array in zip(self._arguments, arguments, strict=True):
                argument.array = array
            self._in_threads([self._arrival(part) for part in self.parts])
            for works in self._stretches:
                self._in_threads(works)
        return [result.read() for result in self._results]

    def array(self, number: int) -> Array:
        """A kept value, as the last run left it."""
        return self._kept[number].look()

    def _in_threads(self, works: Sequence[Work]) -> None:
        workers(len(works)).run(works)

    def _arrival(self, part: int) -> Work:
        def work() -> None:
            for argument in self._arguments:
                argument.arrive(part)

        return work

    def _bound(self, backend: Any) -> Any:
        """The works, in stretches that threads do without waiting for each other."""
        for once, stretch in groupby(self.tasks, key=lambda task: task.once):
            tasks = list(stretch)
            workers = [0] if once else self.parts
            yield [
                _in_order(tasks, [bound(task.jobs[part], backend, self.arenas[part]) for task in tasks])
                for part in workers
            ]

    def data(self) -> PlanData:
        """The plan as plain data: tasks, threads, and where in memory everything lies."""
        return plan_data(self)


class _Argument:
    """Copies what the caller brings to where the plan wants it."""

    def __init__(self, lowering: Lowering, number: int) -> None:
        self.array: Array | None = None
        self.is_whole = lowering.places.get(number) is None
        parts = [None] if self.is_whole else lowering.parts
        self.cells = [lowering.cells[number, part] for part in parts]
        self.cuts = [slice(*lowering.bounds[part : part + 2]) for part in lowering.parts]

    def arrive(self, part: int) -> None:
        assert self.array is not None
        if not self.is_whole:
            np.copyto(self.cells[part].look(), self.array[self.cuts[part]])
        elif part == 0:
            np.copyto(self.cells[0].look(), self.array)


class _Result:
    """Copies what the plan has made for the caller."""

    def __init__(self, lowering: Lowering, number: int) -> None:
        place = lowering.places.get(number)
        self.dim = place if isinstance(place, int) and (number, None) not in lowering.cells else None
        if self.dim is None:
            self.cells = [lowering.whole(number)]
        else:
            self.cells = [lowering.cells[number, part] for part in lowering.parts]

    def read(self) -> Array:
        if self.dim is None:
            return np.array(self.cells[0].look(), order="C", copy=True)
        return np.concatenate([cell.look() for cell in self.cells], axis=self.dim)


def _bounds(program: Program, num_threads: int) -> tuple[int, ...]:
    """Where the batch is cut: it is what the arguments have in front."""
    shapes = [program.values[number].shape for number in program.arguments]
    batch = next((shape[0] for shape in shapes if shape), 0)
    made = sum(
        program.values[number].nbytes // program.values[number].dtype.itemsize
        for call in program.calls
        if not call.op.view
        for number in call.outputs
    )
    parts = max(1, min(num_threads, batch)) if made >= WORTH_A_THREAD else 1
    return tuple(batch * part // parts for part in range(parts + 1))


def _in_order(tasks: Sequence[Task], works: Sequence[Work]) -> Work:
    """Works one after the other; an error says which operation it was, and where in the user's code."""

    def work() -> None:
        place = 0
        try:
            for place, one in enumerate(works):  # noqa: B007 - for the error
                one()
        except TinygradCNNError as error:
            for call in tasks[place].calls[-1:]:
                error.at(call.op.name, call.where, call.scope)
            raise

    return work
