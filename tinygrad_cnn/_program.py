"""Program: what a step does, as data; and Plan: something that does it again.

A step that has been recorded (`_tape`) is a list of calls over numbered values. Nothing of Python is left in
it: no modules, no graph, no gradient rules, only which operation reads which values and what it makes.

    0  argument    (64, 1, 28, 28)                  conv   0, 1 -> 3
    1  state       conv1.weight                     relu   3    -> 4
    2  argument    (64,) labels                     ...

A backend makes a Plan of it. The plan of this file calls one kernel after the other, which any backend can
do; a backend that knows better (fixed memory, fused kernels, threads, a graph on the device) returns its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_cnn._narrow import widened
from tinygrad_cnn._plan_data import PlanData, plain
from tinygrad_cnn._plan_text import described
from tinygrad_cnn._source import SourceLine
from tinygrad_cnn.dtypes import DType, Shape, Spec, count
from tinygrad_cnn.errors import TinygradCNNError

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op
    from tinygrad_cnn.backend import Array, Backend
    from tinygrad_cnn.viz.memory import MemoryDrawing


class Kind(Enum):
    """Where a value comes from."""

    ARGUMENT = "argument"  # other numbers in every call
    STATE = "state"  # memory that lives on: a parameter, a buffer, a learning rate
    CONSTANT = "constant"  # a number that was the same in both recordings
    RESULT = "result"  # some call makes it


@dataclass(eq=False)
class Value:
    """One array of the step.

    Attributes:
        number: its place in `Program.values`.
        kind: where it comes from.
        shape, dtype: as its tensor's.
        array: of state and constants their memory; None for what is not there before the step runs.
        name: the tensor's, if it had one.
    """

    number: int
    kind: Kind
    shape: Shape
    dtype: DType
    array: Array | None = None
    name: str | None = None

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        return Spec(self.shape, self.dtype)

    @property
    def nbytes(self) -> int:
        """Bytes of its elements."""
        return count(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return self.name or f"%{self.number}"


@dataclass(eq=False)
class Call:
    """One operation of the step.

    Attributes:
        op: the operation.
        params: its parameters.
        inputs, outputs: numbers of values; an operation that writes into its first input has that as output.
        where: the line of the user's code.
        scope: the name scope, such as "LeNet5/conv1".
    """

    op: Op
    params: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    where: SourceLine | None = None
    scope: str = ""


@dataclass(eq=False)
class Program:
    """A whole step.

    Attributes:
        backend: where it was recorded, and will run.
        values: every array, numbered.
        calls: in the order in which they were made.
        arguments: numbers of the values that the caller brings.
        results: numbers of the values that the caller gets.
        kept: numbers of the values that can be read after the step, where they are: gradients.
    """

    backend: Backend
    values: list[Value] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    arguments: tuple[int, ...] = ()
    results: tuple[int, ...] = ()
    kept: tuple[int, ...] = ()

    def last_uses(self) -> dict[int, int]:
        """For every value that a call makes or reads: the number of the last such call.

        Views share memory, so a value lives as long as any view of it; what the caller gets lives to the end.
        """
        last: dict[int, int] = {}
        base: dict[int, int] = {}
        for place, call in enumerate(self.calls):
            if call.op.view:
                base[call.outputs[0]] = base.get(call.inputs[0], call.inputs[0])
            for number in (*call.inputs, *call.outputs):
                last[number] = last[base.get(number, number)] = place
        for number in (*self.results, *self.kept):
            last[number] = last[base.get(number, number)] = len(self.calls)
        return last


class Plan:
    """A program made ready to run; this one calls every kernel as if the step ran eagerly.

    >>> import tinygrad_cnn as tc
    >>> with tc.use_backend("numpy", overrides=False):
    ...     w = tc.tensor(2.0, name="w")
    ...     step = tc.capture(lambda x: (w * x).exp())
    ...     y = step(tc.tensor(0.0))
    >>> print(step.plan)
    2 operations in 2 tasks
    <BLANKLINE>
    task  operation  result  bytes
       0  mul        %2 ()     4 B
       1  exp        %3 ()     4 B
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._last_uses = program.last_uses()
        self._arrays: dict[int, Array] = {}

    def run(self, arguments: Sequence[Array]) -> list[Array]:
        """Do the step with these arguments; returns the results in memory of their own."""
        program, backend = self.program, self.program.backend
        arrays = self._arrays = {
            value.number: value.array for value in program.values if value.array is not None
        }
        arrays.update(zip(program.arguments, arguments, strict=True))
        with backend.step():
            self._call_all(arrays)
        dtypes = [program.values[number].dtype for number in program.results]
        results = [
            backend.asarray(arrays[number], dtype)
            for number, dtype in zip(program.results, dtypes, strict=True)
        ]
        self._arrays = {number: arrays[number] for number in program.kept}
        return results

    def _call_all(self, arrays: dict[int, Array]) -> None:
        """Do every call; what is needed no longer is given back."""
        program, backend = self.program, self.program.backend
        for place, call in enumerate(program.calls):
            made = self._made(call, [arrays[number] for number in call.inputs])
            if not call.op.mutates:
                for number, array in zip(call.outputs, (made,) if call.op.single else made, strict=True):
                    shape = program.values[number].shape
                    arrays[number] = array if shape else backend.xp.asarray(array)
            for number in (*call.inputs, *call.outputs):
                if self._last_uses[number] == place:
                    arrays.pop(number, None)

    def _made(self, call: Call, inputs: list[Array]) -> Any:
        """What the kernel returns; an error names the line of the user's code that made the call."""
        backend, values = self.program.backend, self.program.values
        dtype, specs = values[call.inputs[0]].dtype, [values[number].spec for number in call.outputs]
        kernel = backend.kernels.get(call.op.name, call.op.kernel)
        kernel = widened(kernel, backend, call.op, dtype, specs)
        try:
            if backend.run is None:
                return kernel(backend, *inputs, **call.params)
            return backend.run(kernel, inputs, call.params)
        except TinygradCNNError as error:
            raise error.at(call.op.name, call.where, call.scope) from error.__cause__

    def array(self, number: int) -> Array:
        """A kept value, as the last run left it."""
        return self._arrays[number]

    def data(self) -> PlanData:
        """The plan as plain data, ready for JSON: see `_plan_data.PlanData`.

        >>> import tinygrad_cnn as tc
        >>> step = tc.capture(lambda x: (x * x).exp())
        >>> y = step(tc.ones(4))
        >>> data = step.plan.data()
        >>> data["operations"], [task["title"] for task in data["tasks"]]
        (['mul', 'exp'], ['mul + exp'])
        """
        return plain(self.program)

    def describe(self, *, full: bool = False) -> str:
        """The plan in words: threads, memory, fusions, and every task. `print(plan)` shows the same.

        Args:
            full: a line for every task, and nothing shortened; otherwise long plans are folded.

        >>> import tinygrad_cnn as tc
        >>> step = tc.capture(lambda x: (x * x).exp())
        >>> y = step(tc.ones(4))
        >>> step.plan.describe(full=True).splitlines()[0]
        '2 operations in 1 task'
        """
        return described(self.data(), full=full)

    def __str__(self) -> str:
        return self.describe()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.program.calls)} operations>"

    def draw(self, part: int | None = 0, *, theme: str = "light") -> MemoryDrawing:
        """A drawing of the memory over time: which values lie where, from when to when.

        Args:
            part: whose memory: the number of a part of the batch, as each thread has one; None for the
                memory of what belongs to no part.
            theme: "light" or "dark", the background it will be seen on.

        Returns:
            A drawing that a notebook shows; `render("memory.svg")` writes it into a file.

        Raises:
            ArgumentError: no such part, or a plan that takes fresh memory for every value.
            UnknownName: no such theme.

        >>> import tinygrad_cnn as tc
        >>> step = tc.capture(lambda x: (x * x).exp())
        >>> y = step(tc.ones(4, 4))
        >>> step.plan.draw()
        <drawing of 2 values in 128 B>
        """
        memory = import_module("tinygrad_cnn.viz.memory")  # a room above, for whoever asks
        drawing: MemoryDrawing = memory.MemoryDrawing(self.data(), part, theme)
        return drawing
