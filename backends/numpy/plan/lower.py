"""Lowering: steps become tasks.

What can be cut (`cut.py`) is done by every thread with its part of the batch, and the rest once. Where a step
wants a whole value of which there are parts, a task that puts them together comes first. Operations that
only look at memory in another way become views and need no task; what is computed only to be assigned is
computed where it belongs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from tinygrad_cnn._program import Kind, Value
from tinygrad_cnn._steps import Links, Step
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import Shape, as_dtype

from ..kernels import PREPARE
from ..kernels.memory import Array
from .cells import Cell
from .cut import MAKES_IMAGES, SUM, Cut, Place, cut_of
from .tasks import Job, Read, Task

# Operations that only look at memory in another way. (`within` also checks it, so it has to be run.)
VIEWS = frozenset({"alias", "expand", "flip", "permute", "reshape", "slice_view"})
# Prepared kernels that may write where they read: they look at every number before they overwrite it. (Those
# that are not prepared may as well: what they return is copied in the end.)
WRITES_IN_PLACE = frozenset({"adam_step", "amsgrad_step", "gradient_descent", "momentum_descent", "relu"})


@dataclass(eq=False)
class Lowering:
    """Turns steps into tasks.

    Args:
        backend: whose readable kernels make the views.
        values: of the program.
        steps: in order.
        bounds: where the batch is cut: part k goes from bounds[k] to bounds[k + 1].
        arguments: numbers of the values that the caller brings.
        kept: numbers of the values that somebody will look at when all is done.
        in_phases: kernels between whose phases the parts have to meet, and what makes tasks of them.

    Attributes:
        tasks: what has been made of the steps so far.
        cells: by value and part (None for the whole), where it is.
        places: by value, how it is cut.
        exact: by value, where it is in float64, if it is a statistic.
    """

    backend: Backend
    values: Sequence[Value]
    steps: Sequence[Step]
    bounds: Sequence[int]
    arguments: Sequence[int]
    kept: Sequence[int]
    in_phases: Mapping[str, Callable[[Lowering, Step], None]]
    tasks: list[Task] = field(default_factory=list)
    cells: dict[tuple[int, int | None], Cell] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    exact: dict[int, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.links = Links(self.steps, self.kept)
        self.in_place = dict(_in_place(self.steps, self.links, self.values))
        for number in self.arguments:
            shape = self.values[number].shape
            if shape and shape[0] == self.bounds[-1]:
                self._new_parts(number, 0)
            else:
                self.new(number, None, shape)

    @property
    def parts(self) -> range:
        """The numbers of the parts."""
        return range(len(self.bounds) - 1)

    def lower(self) -> None:
        """Make tasks of all steps."""
        for step in self.steps:
            if step.op.mutates:
                self._assign(step)
            elif step.name in self.in_phases and self.places.get(step.inputs[0]) == 0:
                self.in_phases[step.name](self, step)
            else:
                self._lower(step)

    def _lower(self, step: Step) -> None:
        shapes = [self.values[number].shape for number in step.inputs]
        made = [self.values[number].shape for number in step.outputs]
        places = [self.places.get(number) for number in step.inputs]
        cut = cut_of(step, shapes, made, places)
        if cut is None:
            self.once(step, [Read(self.whole(number)) for number in step.inputs], step.outputs)
        else:
            self._in_parts(step, cut)

    def _in_parts(self, step: Step, cut: Cut) -> None:
        reads = [
            [self.read(number, dim, part) for number, dim in zip(step.inputs, cut.inputs, strict=True)]
            for part in self.parts
        ]
        params = [
            {**step.params, **({} if cut.params is None else cut.params(self.size(part)))}
            for part in self.parts
        ]
        for number, place in zip(step.outputs, cut.outputs, strict=True):
            self.places[number] = place
        if step.name in VIEWS and all(
            self._new_view(step, reads[part][0], part, params[part]) for part in self.parts
        ):
            return
        jobs = []
        for part in self.parts:
            writes = [self.new_part(number, part) for number in step.outputs]
            jobs.append(Job(step.name, reads[part], writes, params[part]))
        self.tasks.append(Task(title(step), jobs, once=False, calls=step.calls))

    def once(self, step: Step, reads: list[Read], outputs: Sequence[int]) -> None:
        """A step on whole values."""
        for number in outputs:
            self.places[number] = None
        if step.name in VIEWS and self._new_view(step, reads[0], None, step.params):
            return
        writes = [self.new(number, None, self.values[number].shape) for number in outputs]
        self.tasks.append(
            Task(title(step), [Job(step.name, reads, writes, step.params)], once=True, calls=step.calls)
        )

    def _assign(self, step: Step) -> None:
        target, number = step.inputs
        value = self.whole(number)
        goal = self.whole(target)
        if value is not goal:
            self.tasks.append(
                Task("assign", [Job("assign", [Read(value)], [goal], {})], once=True, calls=step.calls)
            )

    # --- values

    def whole(self, number: int) -> Cell:
        """All of a value; put together first if there are parts of it."""
        cell = self.cells.get((number, None))
        if cell is not None:
            return cell
        value, place = self.values[number], self.places.get(number)
        if value.array is not None:
            cell = self._fixed(value)
        else:
            parts = [Read(self.cells[number, part]) for part in self.parts]
            cell = self.new(number, None, value.shape)
            if place is SUM:
                job, title = Job("sum of parts", parts, [cell], {}), "sum of the parts"
            else:
                job, title = Job("join parts", parts, [cell], {"dim": place}), "the parts put together"
            self.tasks.append(Task(title, [job], once=True))
        return cell

    def read(self, number: int, dim: int | None, part: int) -> Read:
        """The part of a value that a job needs; all of it if `dim` is None."""
        if dim is None:
            return Read(self.whole(number))
        if self.places.get(number) == dim:
            return Read(self.cells[number, part])
        cut = slice(self.bounds[part], self.bounds[part + 1])
        return Read(self.whole(number), (*(slice(None),) * dim, cut))

    def size(self, part: int) -> int:
        """How many of the batch a part has."""
        return self.bounds[part + 1] - self.bounds[part]

    def is_read(self, number: int, besides: str) -> bool:
        """Whether anybody but steps of that name wants a value."""
        return number in self.kept or any(step.name != besides for step in self.links.readers[number])

    def temporary(
        self,
        shape: Shape,
        dtype: np.dtype[Any],
        name: str,
        part: int | None = None,
        *,
        order: int | None = None,
    ) -> Cell:
        """Memory for something that the program does not know of; `order=0` puts the batch last."""
        value = Value(-1, Kind.RESULT, shape, as_dtype(dtype), name=name)
        dims = tuple(range(len(shape)))
        return Cell(value, part, shape, dtype, (*dims[1:], 0) if order == 0 else dims)

    def _new_parts(self, number: int, place: Place) -> None:
        self.places[number] = place
        for part in self.parts:
            self.new_part(number, part)

    def new_part(self, number: int, part: int) -> Cell:
        """Memory for a part of a value."""
        place, shape = self.places[number], self.values[number].shape
        if isinstance(place, int):
            shape = (*shape[:place], self.size(part), *shape[place + 1 :])
        return self.new(number, part, shape)

    def new(self, number: int, part: int | None, shape: Shape) -> Cell:
        """Memory for a value or a part of one; what is only computed to be assigned goes where it belongs."""
        if part is None and number in self.in_place:
            cell = self.whole(self.in_place[number])
        else:
            value = self.values[number]
            cell = Cell(value, part, shape, np.dtype(value.dtype.name), self._order(number, len(shape)))
        self.cells[number, part] = cell
        return cell

    def _order(self, number: int, ndim: int) -> tuple[int, ...]:
        """Images lie with the batch last; what is only read transposed, so that it is contiguous then."""
        maker = self.links.maker.get(number)
        if self.places.get(number) == 0 or (maker is not None and maker.name in MAKES_IMAGES):
            return (*range(1, ndim), 0)
        reader = self.links.only_reader(number)
        if reader is not None and reader.name == "permute":
            return tuple(dim % ndim for dim in reader.params["dims"])
        return tuple(range(ndim))

    def _new_view(self, step: Step, base: Read, part: int | None, params: Mapping[str, Any]) -> bool:
        """A view instead of a task, if the memory lies so that it can be one."""
        view = partial(_viewed, step.op.kernel, self.backend, base.index, params)
        prototype = base.cell.prototype()
        seen = view(prototype)
        if not prototype.size or not np.may_share_memory(seen, prototype):
            return False
        value = self.values[step.outputs[0]]
        order = tuple(range(seen.ndim))
        self.cells[value.number, part] = Cell(value, part, seen.shape, seen.dtype, order, base.cell, view)
        return True

    def _fixed(self, value: Value) -> Cell:
        assert value.array is not None
        array: Array = value.array
        cell = Cell(value, None, value.shape, array.dtype, tuple(range(array.ndim)), array=array)
        self.cells[value.number, None] = cell
        return cell


def _viewed(kernel: Any, backend: Backend, index: Any, params: Mapping[str, Any], array: Array) -> Array:
    view: Array = kernel(backend, array[index] if index else array, **params)
    return view


def title(step: Step) -> str:
    """The operations that a step stands for: "conv + add + relu"."""
    names = [call.op.name for call in step.calls]
    return " + ".join(dict.fromkeys(names))


def _in_place_is_safe(maker: Step) -> bool:
    return maker.name not in PREPARE or maker.name in WRITES_IN_PLACE


def _in_place(steps: Sequence[Step], links: Links, values: Sequence[Value]) -> Iterator[tuple[int, int]]:
    """Values that need no memory, because they are computed only to be assigned: (value, target).

    Between the step that computes the value and the assignment nobody may read the target, or a view of it.
    """
    root: dict[int, int] = {}
    for step in steps:
        if step.op.view:
            root[step.outputs[0]] = root.get(step.inputs[0], step.inputs[0])
    for place, step in enumerate(steps):
        if not step.op.mutates:
            continue
        target, number = step.inputs
        maker = links.maker.get(number)
        if maker is None or maker.op.view or links.only_reader(number) is not step:
            continue
        if (values[target].shape, values[target].dtype) != (values[number].shape, values[number].dtype):
            continue
        between = steps[links.place[maker] + 1 : place]
        touched = {root.get(one, one) for other in between for one in other.inputs}
        seen = {one for one in maker.inputs if root.get(one, one) == target}
        # A view of the target shows other elements than the one that is being written.
        if target not in touched and (not seen or (seen == {target} and _in_place_is_safe(maker))):
            yield number, target
