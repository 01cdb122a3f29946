"""The memory of a plan over time: which values lie where, from when to when.

    step = tc.capture(train_step)
    step(x, y)
    step.plan.draw()                        in a notebook
    step.plan.draw(theme="dark").render("memory.svg")

From left to right runs the step, task by task; upwards runs the memory. Each value is a rectangle, from the
task that makes it to the last one that reads it. Rectangles never overlap; one that stands to the right of
another, at the same height, uses its memory again. The line is how much is in use at a time: where it reaches
the top, nothing is wasted. The typical picture of training is a hill: the forward pass piles up what the
backward pass will need, and the backward pass takes it down again.
"""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from tinygrad_cnn._plan_data import PlanData, PoolData
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.viz import render
from tinygrad_cnn.viz.memory_dot import to_dot
from tinygrad_cnn.viz.picture import byte_text
from tinygrad_cnn.viz.theme import get_theme

FORMATS = ("svg", "png", "pdf", "dot")

_shown = count(1)


class MemoryDrawing:
    """A picture of one piece of memory over time; `plan.draw()` makes it.

    Args:
        data: the plan.
        part: whose memory: the number of a part of the batch; None for what belongs to no part.
        theme: "light" or "dark".

    >>> import tinygrad_cnn as tc
    >>> step = tc.capture(lambda x: (x * 2).exp().sum())
    >>> y = step(tc.ones(8, 4))
    >>> step.plan.draw()
    <drawing of 3 values in 256 B>
    """

    def __init__(self, data: PlanData, part: int | None, theme: str = "light") -> None:
        self.data = data
        self.pool = _pool(data, part)
        self.theme = get_theme(theme)

    def __repr__(self) -> str:
        values = len(self.pool["cells"])
        return f"<drawing of {values} value{'s' * (values != 1)} in {byte_text(self.pool['bytes'])}>"

    def to_dot(self, prefix: str = "memory") -> str:
        """The drawing in the DOT language, with a place for everything: `neato -n2` draws it.

        Args:
            prefix: what all ids in it begin with.
        """
        return to_dot(self.data, self.pool, self.theme, prefix)

    def to_svg(self, prefix: str = "memory") -> str:
        """The drawing as SVG; hovering a rectangle says what it is.

        Args:
            prefix: what all ids in it begin with, so that several can live on one page.

        Raises:
            OptionalDependencyError: no Graphviz found.
        """
        return render.draw(self.to_dot(prefix), "svg", engine="nop2").decode()

    def render(self, path: str | os.PathLike[str]) -> Path:
        """Write the drawing into a file: .svg .png .pdf .dot.

        Raises:
            ArgumentError: another extension, or a place that cannot be written.
            OptionalDependencyError: no Graphviz found.
        """
        target = Path(path)
        format = render.format_of(target, FORMATS)
        if format == "dot":
            content = self.to_dot().encode()
        elif format == "svg":
            content = self.to_svg().encode()
        else:
            content = render.draw(self.to_dot(), format, engine="nop2")
        render.write(target, content)
        return target

    def _repr_svg_(self) -> str:
        """What a notebook shows."""
        return self.to_svg(f"memory{next(_shown)}{os.urandom(2).hex()}")


def _pool(data: PlanData, part: int | None) -> PoolData:
    for pool in data["pools"]:
        if pool["part"] == part:
            return pool
    if not data["pools"]:
        raise ArgumentError(
            "this plan takes fresh memory for every value, so there is no memory to draw",
            expected="a plan that shares memory: that of the NumPy backend",
            got="a plan that calls one kernel after the other",
        )
    raise ArgumentError(
        "no such part of the batch",
        argument="part",
        expected=f"one of {', '.join(str(pool['part']) for pool in data['pools'])}",
        got=part,
        hint="draw().render('plan.png') writes a file" if isinstance(part, str) else None,
    )
