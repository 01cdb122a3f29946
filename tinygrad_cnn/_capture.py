"""capture: record a training step once, and replay it without Python.

    @tc.capture
    def train_step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    for x, y in loader:
        loss = train_step(x, y)

Every step of a training run does the same with other numbers. Run eagerly, each builds its graph anew, checks
its shapes, asks for memory and gives it back. A captured step is run twice in its first call, to listen
(`_tape`): both runs must do the same. What they have changed is put back, and the backend makes a plan of
what was heard (`_program`): known memory, fused operations, all threads. This plan does the first call, and
all that follow; so a run that is interrupted and taken up again goes on bit for bit.

A step may depend on its arguments, which are tensors, and on state that `assign` changes: parameters, running
statistics, learning rate, random counter. Whatever Python does besides, it does only while recording. What it
was told then is asked again before every replay: shapes of the arguments, modes and attributes of the
modules, options of the optimizer, the names that the step looks at (`_surroundings`). Where something has
changed, the step is recorded anew.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial, update_wrapper
from threading import Lock
from typing import Any, Generic, ParamSpec, TypeVar

from tinygrad_cnn import _context
from tinygrad_cnn._nested import filled, flattened, template, without_graph
from tinygrad_cnn._program import Kind, Plan, Program
from tinygrad_cnn._surroundings import generators, surroundings
from tinygrad_cnn._tape import Tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.errors import ArgumentTypeError, CaptureError

P = ParamSpec("P")
R = TypeVar("R")

# So many recordings of one signature that no call fits: then something changes all the time.
MOST_RECORDINGS = 8
MANY_PLANS = 16


class CaptureWarning(UserWarning):
    """A captured step runs eagerly: it is right, and as slow as before."""


def capture(step: Callable[P, R]) -> CapturedStep[P, R]:
    """The same function, which records what it does and then replays it; also a decorator.

    Args:
        step: a function of tensors (also in tuples, lists and dicts) and of constants, whose operations are
            the same in every call. It may call `backward()` and `optimizer.step()`.

    Returns:
        A function with the same arguments and results. Results are tensors of their own without a graph;
        `.grad` of parameters is memory of the plan, which the next call overwrites. `plan` is what the last
        call ran, for `print` and pictures.

    Raises:
        CaptureError: the step cannot be replayed, because it reads a value (`.item()`, `if loss > 1`), or a
            number in it changes that is no argument. Nothing has been changed then.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True, name="w")
    >>> optimizer = tc.optim.SGD([w], lr=0.25)
    >>> @tc.capture
    ... def step(x):
    ...     optimizer.zero_grad()
    ...     loss = (w * x) ** 2
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> [step(tc.tensor(1.0)).item() for _ in range(5)]
    [1.0, 0.25, 0.0625, 0.015625, 0.00390625]
    """
    if not callable(step):
        raise ArgumentTypeError(
            "only a function can be captured", argument="step", expected="a function of tensors", got=step
        )
    return CapturedStep(step)


def rehearsed(step: Callable[[Tensor], R], x: Tensor) -> R:
    """What a function returns; everything that it assigned on the way is put back.

    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn._capture import rehearsed
    >>> norm = tc.nn.BatchNorm1d(1)
    >>> _ = rehearsed(norm, tc.tensor([[1.0], [3.0]]))
    >>> norm.running_mean.tolist()
    [0.0]
    """
    tape = Tape(x.backend, (x,))
    try:
        with _context.changed(tape=tape):
            return step(x)
    finally:
        tape.undo()


class CapturedStep(Generic[P, R]):
    """What `capture` returns.

    Attributes:
        step: the function itself; calling it runs it eagerly.
        name: the function's name.
        plan: what the last call ran; None as long as nothing has been replayed.
    """

    def __init__(self, step: Callable[P, R]) -> None:
        update_wrapper(self, step)
        self.step = step
        self.name: str = getattr(step, "__qualname__", repr(step))
        self.plan: Plan | None = None
        self._recordings: dict[object, list[_Recording]] = {}
        self._fruitless = (
            0  # recordings that were of no use, because the step itself changed what it depends on
        )
        self._gave_up = False
        self._around = surroundings(step)
        self._lock = Lock()  # a plan has one set of memory, so it can be in one place at a time

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = self._called(args, kwargs)
        return result

    def _called(self, args: Any, kwargs: Any) -> Any:
        context = _context.current()
        # Whoever watches (a picture, anomaly detection, an outer capture) wants to see operations.
        if context.tape or context.anomaly or context.recording is not None:
            return self.step(*args, **kwargs)
        arguments, signature = flattened((args, kwargs), context)
        backend = arguments[0].backend if arguments else get_backend()
        signature = (signature, backend.plan_settings())
        with self._lock:
            recordings = self._recordings.setdefault(signature, [])
            for recording in recordings:
                if recording.fits():
                    self.plan = recording.plan
                    return recording.replay(arguments)
            if self._gave_up or len(recordings) + self._fruitless >= MOST_RECORDINGS:
                return self._eagerly(recordings, args, kwargs)
            run = partial(self._run, backend, arguments, args, kwargs)
            tape, result = _recorded(run)
            if not tape.still_holds():
                self._fruitless += 1
                return without_graph(result)
            recording = _Recording(tape, result)
            recordings.append(recording)
            self._warn_of_many()
            self.plan = recording.plan
            return recording.replay(arguments)

    @property
    def plans(self) -> list[Plan]:
        """Every plan so far: one for each shape, mode and constant among the arguments."""
        return [recording.plan for many in self._recordings.values() for recording in many]

    def _warn_of_many(self) -> None:
        if len(self.plans) % MANY_PLANS == 0:
            warnings.warn(
                f"{self.name} has been recorded {len(self.plans)} times, for as many shapes and constants "
                "among its arguments; each recording costs time and memory. A number that changes often "
                "should be a tensor: tc.tensor(number).",
                CaptureWarning,
                stacklevel=4,
            )

    def _run(
        self, backend: Backend, arguments: list[Tensor], args: Any, kwargs: Any, before: Program | None
    ) -> tuple[Tape, Any]:
        """Run the step with a tape listening; an error leaves everything as it was."""
        tape = Tape(backend, arguments, before)
        tape.depends_on(self._around)
        drawn = generators()
        try:
            with _context.changed(tape=tape):
                result = self.step(*args, **kwargs)
            tape.end()
            if generators() != drawn:
                raise CaptureError(
                    "the step draws random numbers with Python's or NumPy's generator; a replay does not",
                    expected="random numbers that are tensors: tc.rand, tc.randn, tc.randperm, dropout",
                    got="random.random(), np.random.rand() or the like",
                    hint="or draw them outside, and pass them as tensors",
                )
        except BaseException:
            tape.undo()
            raise
        return tape, result

    def _eagerly(self, recordings: list[_Recording], args: Any, kwargs: Any) -> Any:
        """What it depends on is something else in every call, so no recording is ever used again."""
        if not self._gave_up:
            self._gave_up = True
            what = recordings[-1].difference(recordings[-2]) if len(recordings) > 1 else "its own doing"
            warnings.warn(
                f"{self.name} is not replayed, because what it depends on changes from call to call: "
                f"{what}. It runs eagerly from now on.",
                CaptureWarning,
                stacklevel=3,
            )
        return without_graph(self.step(*args, **kwargs))

    def __repr__(self) -> str:
        count = len(self.plans)
        return f"<captured {self.name}: {count} plan{'s' * (count != 1)}>"


def _recorded(run: Callable[[Program | None], tuple[Tape, Any]]) -> tuple[Tape, Any]:
    """Two runs that agree, both undone; or a run that changed what Python decides by, which counts."""
    before: Program | None = None
    said, may_start_again = "", True
    while True:
        try:
            tape, result = run(before)
        except CaptureError:
            if before is None or not may_start_again:
                raise
            # Perhaps something came into being in the first run, and will be there from now on.
            before, may_start_again = None, False
            continue
        if not tape.still_holds():
            return tape, result
        tape.undo()
        says = _heard(tape, result)
        if before is None:
            before, said = tape.program, says
        elif says == said:
            return tape, result
        else:
            raise CaptureError(
                "the step returns something else than the time before",
                expected=said,
                got=says,
                hint="a captured step returns tensors, and constants that never change",
            )


def _heard(tape: Tape, result: Any) -> str:
    """What a run returns, in words that can be compared."""
    shape, numbers = template(result, tape)
    return f"{shape!r} {numbers}"


class _Recording:
    """A plan, and when it may be used."""

    def __init__(self, tape: Tape, result: Any) -> None:
        self.program = program = tape.program
        self._result, program.results = template(result, tape)
        self._facts = tape.facts
        self._flags = [
            (tensor, tensor._requires_grad)
            for tensor in tape.outside.values()
            if program.values[tape.number_of(tensor) or 0].kind is Kind.STATE
        ]
        self._written = list(tape.written.values())
        self._gradients = list(_gradients(tape))
        program.kept = tuple(number for _, number in self._gradients if number is not None)
        self.plan = program.backend.plan(program)

    def fits(self) -> bool:
        """Whether everything that Python decided by is as it was."""
        for tensor, requires_grad in self._flags:
            if tensor._requires_grad is not requires_grad:
                return False
        return all(fact() == answer for fact, answer in self._facts)

    def difference(self, other: _Recording) -> str:
        """Something that this recording depends on and that was otherwise for another one."""
        for (_, mine), (_, its) in zip(self._facts, other._facts, strict=False):
            if mine != its and isinstance(mine, dict) and isinstance(its, dict):
                changed = [name for name in mine if mine[name] != its.get(name)]
                return (
                    f"{changed[0]} ({its.get(changed[0])!r}, then {mine[changed[0]]!r})"
                    if changed
                    else "a name"
                )
            if mine != its:
                return f"{its!r}, then {mine!r}"
        return "requires_grad"

    def replay(self, arguments: list[Tensor]) -> Any:
        plan, program = self.plan, self.program
        made = plan.run([tensor.array for tensor in arguments])
        for tensor in self._written:
            tensor.storage.version += 1
        for leaf, number in self._gradients:
            if isinstance(leaf, int):  # an argument is another tensor each time, and keeps its gradient
                self._bring(arguments[leaf], number, copied=True)
            else:
                self._bring(leaf, number, copied=False)
        values = [
            Tensor(array, program.values[n].shape, program.values[n].dtype, program.backend)
            for array, n in zip(made, program.results, strict=True)
        ]
        return filled(self._result, values)

    def _bring(self, leaf: Tensor, number: int | None, *, copied: bool) -> None:
        if number is None:
            leaf._grad = None
            return
        array = self.plan.array(number)
        if copied:
            array = leaf.backend.asarray(array, leaf.dtype)
        elif leaf._grad is not None and leaf._grad.array is array:
            leaf._grad.storage.version += 1  # the same memory as after the last call, with other numbers
            return
        leaf._grad = Tensor(array, leaf.shape, leaf.dtype, leaf.backend)


def _gradients(tape: Tape) -> Any:
    """Where gradients are when the step has ended: (leaf, or number of an argument; number of the value)."""
    places = {number: place for place, number in enumerate(tape.program.arguments)}
    for leaf in tape.outside.values():
        if not leaf._requires_grad:
            continue
        number = None if leaf._grad is None else tape.number_of(leaf._grad)
        if leaf._grad is not None and (number is None or tape.program.values[number].kind is not Kind.RESULT):
            continue  # it was there before, and the step has not touched it
        own = tape.number_of(leaf)
        yield (leaf if own is None else places.get(own, leaf)), number
