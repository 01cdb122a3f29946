"""CudaPlan: a recorded step as one CUDA graph.

    first run     kernel by kernel, in memory of the plan's own: kernels are compiled, libraries choose how to
                  compute, and the memory becomes as large as it has to be
    second run    the same kernels again, but the driver only writes down what it is asked: the graph
    from then on  the graph

A graph knows addresses. Where a temporary value lay while the graph was recorded, it lies at every replay; so
that memory must never belong to anyone else. Arrays of the plan come from a pool that serves nothing but this
plan and lives as long as the graph. Arguments are copied to a fixed place, results from it.

What a step decides by the numbers of a tensor cannot be written down in this way. Then the plan says so, and
goes on kernel by kernel.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any

from tinygrad_cnn._capture import CaptureWarning
from tinygrad_cnn._plan_data import PlanData
from tinygrad_cnn._plan_text import byte_text
from tinygrad_cnn._program import Kind, Plan, Program
from tinygrad_cnn._source import user_stacklevel
from tinygrad_cnn._steps import Step, steps_of
from tinygrad_cnn.backend import Array
from tinygrad_cnn.errors import TinygradCNNError

from ..convolution import FUSED as FUSED_CONVOLUTIONS
from ..kernels import FUSED as FUSED_KERNELS
from .describe import plan_data
from .fuse import fused_for_gpu
from .gradients import FlatGradients
from .together import KERNELS, Memory, averages_together, counters_together, updates_together

FUSED = {**FUSED_KERNELS, **FUSED_CONVOLUTIONS}


class CudaPlan(Plan):
    """What `tc.capture` runs on this backend.

    Args:
        program: what to do.

    Attributes:
        steps: what is done, in order; each is an operation, or several of them in one kernel.
        graph: what is replayed; None as long as nothing has been recorded.
        refusal: why there will be no graph; None if there is one, or may still be.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        backend: Any = program.backend
        self._cupy = backend.cupy
        self.graph: Any = None
        self.refusal: str | None = None
        kept = tuple(dict.fromkeys(program.kept))
        self._gradients = FlatGradients(backend, [program.values[number] for number in kept])
        self.steps = _arranged(program, kept)
        self._released = _last_uses(self.steps, program)
        # A stream that the default one does not wait for: otherwise whatever another thread asks of the
        # default stream while this one is being recorded would be an error.
        self._stream = self._cupy.cuda.Stream(non_blocking=True)
        self._ordinary = _OrdinaryMemory(self._cupy)
        self._pool = self._cupy.cuda.MemoryPool(self._ordinary)
        self._arguments: Sequence[Array] = ()
        self._is_warm = False
        self._ends: dict[int, Array] = {}
        self._now = self.steps[0] if self.steps else None  # what is being done, for errors

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the plan holds, besides parameters, other state and gradients."""
        return int(self._pool.total_bytes())

    # --- running

    def run(self, arguments: Sequence[Array]) -> list[Array]:
        """Do the step with these arguments; returns the results in memory of their own."""
        backend = self.program.backend
        with backend.step(), backend.ahead():
            if self.graph is None and self.refusal is None:
                self._prepare(arguments)
            if self.graph is not None:
                # On the caller's stream, as any operation: after what was asked before, and before what is
                # asked next. Two replays share their memory and must not meet; on one stream they do not.
                self._receive(self._arguments, arguments)
                self.graph.launch()
            elif self.refusal is not None:
                self._ends = self._done(arguments)
            return self._results()

    def _prepare(self, arguments: Sequence[Array]) -> None:
        """Get a step further on the way to a graph; the first time, by doing what is to be done."""
        if not self._is_warm:
            with self._apart():
                places = [self._cupy.empty(array.shape, dtype=array.dtype) for array in arguments]
                self._receive(places, arguments)
                self._ends = self._done(places)
            self._arguments, self._is_warm = places, True
        else:
            self._ends = {}  # the results of the first run; the graph has its own
            self._record()
            if self.refusal is not None:
                self._pool.free_all_blocks()

    def _receive(self, places: Sequence[Array], arguments: Sequence[Array]) -> None:
        for target, array in zip(places, arguments, strict=True):
            self._cupy.copyto(target, array)

    def _results(self) -> list[Array]:
        """Copies for the caller, in ordinary memory."""
        backend, values = self.program.backend, self.program.values
        results = [backend.asarray(self._ends[n], values[n].dtype) for n in self.program.results]
        if self.graph is None:
            self._ends = {}
        return results

    def array(self, number: int) -> Array:
        """A kept value, as the last run left it."""
        return self._gradients.views[number]

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Inside: the plan's stream and memory, after what the caller has asked for and before the rest."""
        cuda = self._cupy.cuda
        outside = self._ordinary.stream = cuda.get_current_stream()
        self._stream.wait_event(outside.record())
        try:
            with self._stream, cuda.using_allocator(self._pool.malloc):
                yield
        finally:
            outside.wait_event(self._stream.record())

    # --- recording

    def _record(self) -> None:
        """Write down what is asked of the GPU; nothing is computed by it."""
        with self._apart():
            self._stream.begin_capture()
            try:
                self._ends = self._done(self._arguments)
                self.graph = self._stream.end_capture()
            except BaseException as error:
                # Until it is ended, a recording that CUDA has declared void refuses whatever is asked of the
                # stream; ending it raises then, and the stream can be used again.
                with suppress(Exception):
                    self._stream.end_capture()
                self._ends = {}
                if not isinstance(error, Exception):
                    raise
                self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        call = self._now.calls[-1] if self._now is not None and self._now.calls else None
        said = error.problem if isinstance(error, TinygradCNNError) else str(error) or type(error).__name__
        where = "the step" if call is None else call.op.name
        line = f" (at {call.where})" if call is not None and call.where is not None else ""
        self.refusal = f"{where}{line} cannot be recorded: {said}"
        self._arguments = ()
        warnings.warn(
            f"a captured step is no CUDA graph, because {self.refusal}\n"
            "It is right, and runs kernel by kernel, which takes longer. What waits for the GPU, as shapes "
            "that depend on values do, is better left outside of the step.",
            CaptureWarning,
            stacklevel=user_stacklevel(),  # the line that called the captured step
        )

    # --- the steps, one after the other

    def _done(self, arguments: Sequence[Array]) -> dict[int, Array]:
        """Do everything; returns the arrays of the results."""
        program = self.program
        arrays = {value.number: value.array for value in program.values if value.array is not None}
        arrays.update(zip(program.arguments, arguments, strict=True))
        for place, step in enumerate(self.steps):
            self._now = step
            made = self._did(step, [arrays[number] for number in step.inputs])
            arrays.update(zip(step.outputs, made, strict=True))
            for number in self._released[place]:
                arrays.pop(number, None)
        return {number: arrays[number] for number in program.results}

    def _did(self, step: Step, inputs: list[Array]) -> Sequence[Array]:
        """What a step makes."""
        if step.name == "gradients":
            self._gradients.bring(step.outputs, inputs)
            return [self._gradients.views[number] for number in step.outputs]
        kernel = KERNELS.get(step.name) or FUSED.get(step.name)
        if kernel is None:
            (call,) = step.calls
            made = self._made(call, inputs)
            if call.op.mutates:
                return inputs[:1]
            made = (made,) if call.op.single else made
            return [array if array.shape else self.program.backend.xp.asarray(array) for array in made]
        last = step.calls[-1]
        run: Any = self.program.backend.run
        try:
            made = run(kernel, inputs, step.params)
        except TinygradCNNError as error:
            raise error.at(last.op.name, last.where, last.scope) from error.__cause__
        return made if isinstance(made, tuple) else (made,)

    # --- for people

    def data(self) -> PlanData:
        """The plan as plain data; its memory is a pool that finds places as it goes, so none are listed."""
        return plan_data(self.program, self.steps)

    def describe(self, *, full: bool = False) -> str:
        """The plan in words: whether it is a graph, its memory, what became one kernel, and every task.

        Args:
            full: a line for every task, and nothing shortened; otherwise long plans are folded.
        """
        first, _, rest = super().describe(full=full).partition("\n")
        if self.graph is not None:
            state = "one CUDA graph"
        elif self.refusal is not None:
            state = f"none: {self.refusal}"
        else:
            state = "none yet: the next call records it"
        memory = f"{byte_text(self.nbytes)} of the plan's own, besides state and gradients"
        return "\n".join([first, f"graph   {state}", f"memory  {memory}", rest])


class _OrdinaryMemory:
    """What a plan's pool takes from when it lacks something: the pool of all arrays.

    Not from the driver: so memory that nobody uses any more is found, and given back when the plan goes; and
    where there is none left, that pool gives up what it has free, never what a graph refers to. It keeps
    apart what was given back on different streams, hence the caller's stream, on which replays run.
    """

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self.stream = cupy.cuda.get_current_stream()

    def __call__(self, size: int) -> Any:
        with self.stream:
            return self._cupy.get_default_memory_pool().malloc(size)


def _arranged(program: Program, kept: Sequence[int]) -> list[Step]:
    """The steps of a program, as few as possible."""
    steps, ends = steps_of(program), (*program.results, *kept)
    if program.backend.kernels:
        memory = Memory(program)
        steps = averages_together(steps, memory, ends)
        steps = counters_together(steps, memory, ends)
        steps = fused_for_gpu(steps, program.values, ends, FUSED)
        steps = updates_together(steps, memory, ends)
    return _with_gradients(steps, kept)


def _with_gradients(steps: list[Step], kept: Sequence[int]) -> list[Step]:
    """Gradients go to where they can be read as soon as all are there; the optimizer reads them there."""
    makers = [place for place, step in enumerate(steps) if not set(kept).isdisjoint(step.outputs)]
    if not kept:
        return steps
    last = max(makers) + 1
    return [*steps[:last], Step("gradients", steps[last - 1].op, {}, tuple(kept), tuple(kept)), *steps[last:]]


def _last_uses(steps: Sequence[Step], program: Program) -> list[list[int]]:
    """For each step the values that are needed no longer: their memory is free for those to come."""
    last: dict[int, int] = {}
    for place, step in enumerate(steps):
        last.update(dict.fromkeys(chain(step.inputs, step.outputs), place))
    ends: list[list[int]] = [[] for _ in steps]
    for number, place in last.items():
        if number not in program.results and program.values[number].kind is Kind.RESULT:
            ends[place].append(number)
    return ends
