"""Steps: the calls of a recorded program, in a form that can be rearranged.

A step begins as one call. Fusing (`_fuse`) replaces several steps by one that does their work at once,
under a name of its own; so a step knows which calls it stands for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op
    from tinygrad_cnn._program import Call, Program


@dataclass(eq=False)
class Step:
    """Some work on values of the program.

    Attributes:
        name: of the kernel: an operation's, or one that only plans know ("relu_grad").
        op: the operation whose readable kernel does the same, if there is one.
        params: the kernel's keyword arguments.
        inputs, outputs: numbers of values.
        calls: what it stands for, first to last.
    """

    name: str
    op: Op
    params: Mapping[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: list[Call] = field(default_factory=list)


def steps_of(program: Program) -> list[Step]:
    """One step a call."""
    return [
        Step(call.op.name, call.op, call.params, call.inputs, call.outputs, [call]) for call in program.calls
    ]


class Links:
    """Who makes a value, and who reads it."""

    def __init__(self, steps: Sequence[Step], kept: Iterable[int]) -> None:
        self.maker: dict[int, Step] = {}
        self.readers: dict[int, list[Step]] = defaultdict(list)
        self.kept = frozenset(kept)
        self.place = {step: place for place, step in enumerate(steps)}
        for step in steps:
            for number in step.inputs:
                self.readers[number].append(step)
            if not step.op.mutates:
                for number in step.outputs:
                    self.maker[number] = step

    def only_reader(self, number: int) -> Step | None:
        """The one step that reads a value, if it is the only one and nobody else will look at it."""
        readers = self.readers[number]
        return readers[0] if len(readers) == 1 and number not in self.kept else None

    def made_only_for(self, number: int, reader: Step) -> Step | None:
        """The step that makes a value, if this is the only step that reads it."""
        return self.maker.get(number) if self.only_reader(number) is reader else None

    def is_there(self, number: int, step: Step) -> bool:
        """Whether a value has been made before a step."""
        maker = self.maker.get(number)
        return maker is None or self.place[maker] < self.place[step]
