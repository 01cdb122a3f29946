"""The small steps of many layers become one launch.

    updates     momentum_descent and its assigns, for each parameter    →  one step over their memory
                (also with a guard: where(guard, new, old) before each assign)
    averages    running ← running · a + x · b, for each batch norm      →  one step
    counters    batches ← batches + 1, for each batch norm              →  one step

A network of twenty layers has sixty parameters, each with an update and two or three assignments. A kernel
takes about as long to start as to change a hundred thousand weights, so most of that time would be lost.

State is written over here, and later or earlier than the program said. That is the same only if nobody else
looks at it in between, also under another name: `Memory` knows which state shares memory with which.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn._program import Kind, Program, Value
from tinygrad_cnn._steps import Links, Step
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import count

from ..kernels import upkeep
from ..kernels.launch import address
from ..kernels.optimizer import RULES, WEIGHTS, update_in_place


class Memory:
    """Which state has memory of its own, and which values are no more than views of something else."""

    def __init__(self, program: Program) -> None:
        self.values = program.values
        self._base: dict[int, int] = {}
        for call in program.calls:
            if call.op.view:
                self._base[call.outputs[0]] = self._root(call.inputs[0])
        self._shared = set(_overlapping(self.values))

    def is_own_state(self, number: int, dtypes: Sequence[str]) -> bool:
        """Whether a value is state by rows, of one of these dtypes, that nobody knows by another name."""
        value = self.values[number]
        return (
            value.kind is Kind.STATE
            and value.dtype.name in dtypes
            and number not in self._shared
            and bool(value.array is not None and value.array.flags.c_contiguous)
        )

    def is_made_here(self, number: int) -> bool:
        """Whether a value is the result of an operation, and no view of something that was there before."""
        return self.values[self._root(number)].kind is Kind.RESULT

    def _root(self, number: int) -> int:
        return self._base.get(number, number)


def _overlapping(values: Iterable[Value]) -> Iterator[int]:
    """Numbers of state and constants whose memory overlaps that of others."""
    places = []
    for value in values:
        if value.array is not None and count(value.shape):
            first = address(value.array)
            steps = zip(value.array.strides, value.shape, strict=True)
            last = first + sum(step * (size - 1) for step, size in steps) + value.array.itemsize
            places.append((first, last, value.number))
    end, owner = 0, -1
    for first, last, number in sorted(places):
        if first < end:
            yield from (owner, number)
        if last > end:
            end, owner = last, number


# --- updates --------------------------------------------------------------------------------------


def updates_together(steps: list[Step], memory: Memory, ends: Iterable[int]) -> list[Step]:
    """Updates that follow each other, of one rule with the same options, become one over their memory.

    In a stretch of nothing but updates and their assignments no update reads what another one writes: each
    writes state of its own, and reads besides it a gradient made before the stretch and options.
    """
    links, arranged, place = Links(steps, ends), list[Step](), 0
    while place < len(steps):
        stretch = _stretch(steps, place)
        place += max(len(stretch), 1)
        groups: dict[Hashable, list[_Change]] = defaultdict(list)
        done: set[Step] = set()
        for step in stretch:
            change = _change(step, links, memory, stretch)
            if change is not None:
                groups[_sort_of(change, memory.values)].append(change)
                done.update((step, *change.writes))
        arranged += [step for step in (stretch or steps[place - 1 : place]) if step not in done]
        arranged += [_update(group) for group in groups.values()]
    return arranged


class _Change(NamedTuple):
    """An update of state: the step that computes it, those that write it down, and the guard, if any."""

    step: Step
    writes: Sequence[Step]
    guard: int | None


def _stretch(steps: Sequence[Step], start: int) -> list[Step]:
    """The updates and assignments of what they make, from a place to the first other step."""
    stretch, made = list[Step](), set[int]()
    for step in steps[start:]:
        if step.name in RULES:
            made.update(step.outputs)
        elif step.name not in ("assign", "where") or step.inputs[1] not in made:
            break
        elif step.name == "where":
            made.update(step.outputs)
        stretch.append(step)
    return stretch


def _change(step: Step, links: Links, memory: Memory, stretch: Sequence[Step]) -> _Change | None:
    """The assignments of all that an update makes to what it was made of; None if anything else happens."""
    if step.name not in RULES:
        return None
    w, g, *rest = step.inputs
    replaced = [w, *rest[: len(step.outputs) - 1]]
    writes, guards = list[Step](), set[int | None]()
    for old, new in zip(replaced, step.outputs, strict=True):
        found, guard = _written(old, new, links, memory.values)
        dtypes = WEIGHTS if memory.values[old].shape or old == w else (*WEIGHTS, "int64")
        here = [reader for reader in links.readers[old] if reader in stretch]
        if not found or not memory.is_own_state(old, dtypes) or here != [step, *found]:
            return None
        writes += found
        guards.add(guard)
    is_alike = memory.values[g].dtype is memory.values[w].dtype
    if len(guards) > 1 or not is_alike or not memory.is_made_here(g):
        return None
    return _Change(step, writes, guards.pop())


def _written(old: int, new: int, links: Links, values: Sequence[Value]) -> tuple[list[Step], int | None]:
    """The steps old ← new, or old ← where(guard, new, old), and the guard; no steps where it is neither."""
    first, guard, steps = links.only_reader(new), None, list[Step]()
    if first is not None and first.name == "where":
        guard = first.inputs[0]
        if first.inputs[1:] != (new, old) or values[guard].shape:
            return [], None
        steps, new = [first], first.outputs[0]
    last = links.only_reader(new)
    if last is None or last.name != "assign" or last.inputs != (old, new):
        return [], None
    return [*steps, last], guard


def _sort_of(change: _Change, values: Sequence[Value]) -> Hashable:
    """What updates must have in common: rule, options, dtype, guard and the options that move."""
    step = change.step
    moving = step.inputs[1 + len(step.outputs) :]
    options = repr(sorted(step.params.items()))
    return step.name, options, values[step.inputs[0]].dtype, change.guard, moving


def _update(group: Sequence[_Change]) -> Step:
    first, guard = group[0].step, group[0].guard
    each = 1 + len(first.outputs)
    inputs = [number for change in group for number in change.step.inputs[:each]]
    moving = first.inputs[each:]
    guards = () if guard is None else (guard,)
    params = {"rule": first.name, "each": each, "many": len(group), "guarded": bool(guards), **first.params}
    calls = [call for change in group for call in change.step.calls]
    return Step("updates", first.op, params, (*inputs, *guards, *moving), (), calls)


def _do_updates(
    B: Backend, *arrays: Array, rule: str, each: int, many: int, guarded: bool, **options: Any
) -> tuple[()]:
    parameters = [arrays[first : first + each] for first in range(0, many * each, each)]
    guard, *moving = arrays[many * each :] if guarded else (None, *arrays[many * each :])
    update_in_place(B, rule, parameters, *moving, guard=guard, **options)
    return ()


# --- running averages and counters ----------------------------------------------------------------


class _Found(NamedTuple):
    """An assignment to put together with others: its steps, and what takes their place."""

    steps: Sequence[Step]
    inputs: tuple[int, ...]
    constants: tuple[float, ...]


def averages_together(steps: list[Step], memory: Memory, ends: Iterable[int]) -> list[Step]:
    """Running averages that nobody else reads move at the end of the step, all of one dtype at once."""
    return _moved_to_the_end(steps, memory, ends, "averages", _average)


def counters_together(steps: list[Step], memory: Memory, ends: Iterable[int]) -> list[Step]:
    """And so do counters."""
    return _moved_to_the_end(steps, memory, ends, "counters", _counter)


def _moved_to_the_end(
    steps: list[Step],
    memory: Memory,
    ends: Iterable[int],
    name: str,
    find: Callable[[Step, Links, Memory], _Found | None],
) -> list[Step]:
    links = Links(steps, ends)
    groups: dict[Any, list[_Found]] = defaultdict(list)
    for step in steps:
        found = find(step, links, memory) if step.name == "assign" else None
        if found is not None:
            groups[memory.values[step.inputs[0]].dtype].append(found)
    gone = {step for group in groups.values() for found in group for step in found.steps}
    return [step for step in steps if step not in gone] + [
        Step(
            name,
            REGISTRY["assign"],
            {"constants": tuple(found.constants for found in group)},
            tuple(number for found in group for number in found.inputs),
            (),
            [call for found in group for step in found.steps for call in step.calls],
        )
        for group in groups.values()
    ]


def _average(assign: Step, links: Links, memory: Memory) -> _Found | None:
    """average ← average · keep + x · take, where x may first be scaled by a number."""
    average, new = assign.inputs
    total = links.made_only_for(new, assign)
    if total is None or total.name != "add":
        return None
    old, part = (_product(number, total, links, memory) for number in total.inputs)
    if old is None or part is None or old.array != average or links.readers[average] != [old.step, assign]:
        return None
    scaled = _product(part.array, part.step, links, memory)
    x, scale, before = (part.array, 1.0, []) if scaled is None else (scaled.array, scaled.by, [scaled.step])
    looks = {(memory.values[number].shape, memory.values[number].dtype) for number in (average, x)}
    if len(looks) > 1 or not memory.is_own_state(average, WEIGHTS) or not memory.is_made_here(x):
        return None
    found = [old.step, *before, part.step, total, assign]
    return _Found(found, (average, x), (old.by, part.by, scale))


class _Product(NamedTuple):
    """A step that multiplies an array by a number."""

    step: Step
    array: int
    by: float


def _product(number: int, reader: Step, links: Links, memory: Memory) -> _Product | None:
    step = links.made_only_for(number, reader)
    if step is None or step.name != "mul" or not _is_constant(memory.values[step.inputs[1]]):
        return None
    return _Product(step, step.inputs[0], float(memory.values[step.inputs[1]].array))  # type: ignore[arg-type]


def _counter(assign: Step, links: Links, memory: Memory) -> _Found | None:
    """counter ← counter + a number."""
    counter, new = assign.inputs
    add = links.made_only_for(new, assign)
    if add is None or add.name != "add" or add.inputs[0] != counter:
        return None
    by = memory.values[add.inputs[1]]
    if not _is_constant(by) or memory.values[counter].shape or not memory.is_own_state(counter, ("int64",)):
        return None
    if links.readers[counter] != [add, assign]:
        return None
    return _Found([add, assign], (counter,), (int(by.array),))  # type: ignore[arg-type]


def _is_constant(value: Value) -> bool:
    return value.kind is Kind.CONSTANT and value.shape == ()


def _do_averages(B: Backend, *arrays: Array, constants: Sequence[Sequence[float]]) -> tuple[()]:
    pairs = zip(arrays[::2], arrays[1::2], constants, strict=True)
    upkeep.update_averages([upkeep.Average(average, x, *numbers) for average, x, numbers in pairs])
    return ()


def _do_counters(B: Backend, *counters: Array, constants: Sequence[Sequence[int]]) -> tuple[()]:
    upkeep.count_up(counters, [by for (by,) in constants])
    return ()


KERNELS: Mapping[str, Callable[..., tuple[()]]] = {
    "averages": _do_averages,
    "counters": _do_counters,
    "updates": _do_updates,
}
