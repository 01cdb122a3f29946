"""Tape: listens while a step runs, and writes a Program.

`apply` tells it every operation. A tape is made twice for the same step, and the second listens with the
first in hand: whatever differs between the two cannot be replayed, and is refused on the spot, with the line
of the user's code that did it.

What a value is follows from where its array was met:

    argument    the step was called with it
    result      an operation of this step made it
    state       from outside, and the same memory both times
    constant    from outside, in other memory, with the same numbers
    otherwise   an error: the step reads something that changes from call to call
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tinygrad_cnn import _context
from tinygrad_cnn._program import Call, Kind, Program, Value
from tinygrad_cnn._source import user_line
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import CaptureError

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op
    from tinygrad_cnn._tensor import Tensor

Fact = Callable[[], object]


class Tape:
    """What one run of a step does.

    Args:
        backend: where the step runs.
        arguments: the tensors it is called with.
        before: the program of the run before, which this one must repeat.

    Attributes:
        program: what has been heard so far.
        outside: leaves that were there before the step: arguments, parameters, other state.
        written: tensors that `assign` wrote into.
        facts: what Python decided by: functions to ask again, with what they answered.
    """

    def __init__(self, backend: Backend, arguments: Sequence[Tensor], before: Program | None = None) -> None:
        self.program = Program(backend)
        self.before = before
        self.outside: dict[int, Tensor] = {}
        self.written: dict[int, Tensor] = {}
        self.facts: list[tuple[Fact, object]] = []
        self._overwritten: dict[int, tuple[Array, Array]] = {}
        # By id of the array, and forgotten with it: a step must not need more memory because it is heard.
        self._numbers: dict[int, int] = {}
        self._references: dict[int, weakref.ref[Any]] = {}
        self.program.arguments = tuple(self._argument(value) for value in arguments)

    # --- what is told

    def add(
        self,
        op: Op,
        params: Mapping[str, Any],
        inputs: Sequence[Tensor],
        outputs: Sequence[Array],
        specs: Sequence[Spec],
    ) -> None:
        """An operation has been run."""
        read = tuple([self._read(value, op, position) for position, value in enumerate(inputs)])
        if op.mutates:
            made: tuple[int, ...] = read[:1]
            self._written(inputs[0], read[0], op)
        else:
            made = tuple([self._made(array, spec) for array, spec in zip(outputs, specs, strict=True)])
        call = Call(op, params, read, made, user_line(3), _context.current().scope)
        if self.before is not None:
            self._compare(call)
        self.program.calls.append(call)

    def remember(self, target: Tensor) -> None:
        """A tensor is about to be written into: keep what is there now."""
        key = id(target.array)
        if key not in self._overwritten:
            copy = self.program.backend.asarray(target.array, target.dtype)
            self._overwritten[key] = (target.array, copy)

    def undo(self) -> None:
        """Put back everything that the step has overwritten."""
        for array, copy in self._overwritten.values():
            self.program.backend.assign(array, copy)

    def depends_on(self, fact: Fact) -> None:
        """What is done depends on this: when it answers something else, the recording is of no use."""
        self.facts.append((fact, fact()))

    def still_holds(self) -> bool:
        """Whether Python would decide now as it did while the step ran."""
        return all(fact() == answer for fact, answer in self.facts)

    def number_of(self, value: Tensor) -> int | None:
        """The number of a tensor's array, if this step has met it."""
        return self._numbers.get(id(value.array))

    def end(self) -> None:
        """The step is over; the one before must not have had more to do."""
        if self.before is not None and len(self.program.calls) < len(self.before.calls):
            missing = self.before.calls[len(self.program.calls)]
            raise CaptureError(
                "the step does less than the time before",
                expected=f"{missing.op.name} ({missing.where})",
                got="the end of the step",
            )

    # --- values

    def _argument(self, tensor: Tensor) -> int:
        number = self._number(tensor.array, Kind.ARGUMENT, Spec(tensor.shape, tensor.dtype), tensor.name)
        self._watch(tensor, number)
        return number

    def _made(self, array: Array, spec: Spec) -> int:
        return self._number(array, Kind.RESULT, spec, None)

    def _number(self, array: Array, kind: Kind, spec: Spec, name: str | None) -> int:
        number = len(self.program.values)
        # Also when the array has been met: an operation may hand back what it was given.
        key = id(array)
        self._numbers[key] = number
        self._references[key] = weakref.ref(array, partial(_forgotten, self._numbers, key))
        self.program.values.append(Value(number, kind, *spec, name=name))
        return number

    def _read(self, tensor: Tensor, op: Op, position: int) -> int:
        number = self._numbers.get(id(tensor.array))
        if number is None:
            number = self._number(tensor.array, Kind.STATE, Spec(tensor.shape, tensor.dtype), tensor.name)
            self.program.values[number].array = tensor.array
            if self.before is not None:
                self._compare_outside(number, tensor, op, position)
        self._watch(tensor, number)
        return number

    def _watch(self, tensor: Tensor, number: int) -> None:
        """Gradients arrive at leaves, and somebody may freeze or thaw one."""
        is_leaf = tensor._node is None or tensor._node.op is None
        if is_leaf and self.program.values[number].kind is not Kind.RESULT:
            self.outside.setdefault(id(tensor), tensor)

    def _written(self, target: Tensor, number: int, op: Op) -> None:
        kind = self.program.values[number].kind
        if kind in (Kind.RESULT, Kind.ARGUMENT):
            raise CaptureError(
                "a captured step can only assign to state, which lives longer than the step",
                argument="target",
                expected="a tensor made before the step, and not passed to it",
                got="an argument" if kind is Kind.ARGUMENT else "a tensor that the step itself made",
            ).at(op.name)
        self.written[id(target)] = target

    # --- the second time

    def _compare_outside(self, number: int, tensor: Tensor, op: Op, position: int) -> None:
        """Something from outside: the memory of the first time, or at least its numbers."""
        assert self.before is not None
        values = self.before.values
        old = values[number] if number < len(values) else None
        if old is None or old.kind not in (Kind.STATE, Kind.CONSTANT) or old.array is None:
            return  # the calls themselves differ, which is about to be noticed
        if old.array is tensor.array:
            return
        if (old.shape, old.dtype) == (tensor.shape, tensor.dtype):
            backend = self.program.backend
            first, second = backend.to_numpy(old.array), backend.to_numpy(tensor.array)
            if first.tobytes() == second.tobytes():
                old.kind = self.program.values[number].kind = Kind.CONSTANT
                return
        self._refuse_piling(tensor, op)
        what = f"{tensor.name!r}" if tensor.name else f"a tensor of shape {tensor.shape}"
        raise CaptureError(
            f"the step reads {what} from outside, and it is another one in every call",
            argument=op.input_name(position),
            expected="the same tensor, or the same number, each time",
            got="something made anew: a changing number, random numbers, the result of a step before",
            hint="pass it as an argument of the step; keep state in a tensor and change it by assign "
            "(a learning rate: call scheduler.step() outside; gradients: zero_grad() inside)",
        ).at(op.name)

    def _refuse_piling(self, tensor: Tensor, op: Op) -> None:
        """The likeliest thing from outside: the gradient of the step before, to which this one would add."""
        for leaf in self.outside.values():
            if leaf._grad is not None and leaf._grad.array is tensor.array:
                raise CaptureError(
                    f"the gradient of {leaf.name or 'a tensor'!r} piles up on that of the step before",
                    expected="a step that begins with optimizer.zero_grad()",
                    got="a gradient that was there when the step began",
                    hint="zero_grad() inside of the step; to add up several batches, pass them to one step",
                ).at(op.name)

    def _compare(self, call: Call) -> None:
        """The call must be the one that stood here the first time."""
        assert self.before is not None
        place, calls = len(self.program.calls), self.before.calls
        old = calls[place] if place < len(calls) else None
        if old is None or old.op is not call.op:
            raise CaptureError(
                "the step does something else than the time before",
                expected="nothing more" if old is None else f"{old.op.name} ({old.where})",
                got=call.op.name,
                hint="what Python decides by changing numbers (if, for, a counter) cannot be replayed: use "
                "tc.where, or capture only the part without it",
            ).at(call.op.name, call.where, call.scope)
        changed = [name for name, value in call.params.items() if not _same(value, old.params.get(name))]
        if changed:
            name = changed[0]
            raise CaptureError(
                "a number that is constant in a captured step has changed",
                argument=name,
                expected=f"{old.params[name]!r}, as before",
                got=repr(call.params[name]),
                hint="make it a tensor and pass it as an argument of the step",
            ).at(call.op.name, call.where, call.scope)
        specs = [
            [self.program.values[n].shape for n in call.outputs],
            [self.before.values[n].shape for n in old.outputs],
        ]
        if specs[0] != specs[1] or call.inputs != old.inputs:
            raise CaptureError(
                "the step computes with other tensors than the time before",
                expected=f"shapes {specs[1]}",
                got=f"shapes {specs[0]}",
                hint="shapes that depend on values (masks, nonzero) cannot be replayed",
            ).at(call.op.name, call.where, call.scope)


def _forgotten(numbers: dict[int, int], key: int, _: object) -> None:
    """An array is gone; another one may soon have its id."""
    numbers.pop(key, None)


def _same(a: object, b: object) -> bool:
    """Equal parameters; NaN is equal to itself, and True is not 1."""
    return repr(a) == repr(b)


def tape() -> Tape | None:
    """The tape that listens now, if any."""
    return _context.current().tape


def refuse_reading(what: str) -> None:
    """The value of a tensor is wanted on the host, which a captured step cannot give."""
    if _context.current().tape is not None:
        raise CaptureError(
            f"{what} reads a value, which would be the same number in every replay of a captured step",
            expected="computing with tensors only",
            got=what,
            hint="return the tensor from the step and read it outside; choose with tc.where instead of if",
        )
