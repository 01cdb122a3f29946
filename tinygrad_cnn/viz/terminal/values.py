"""What the terminal shows of a step: its title, its formula, and its values as numbers, tables and bars.

Made of Rich's texts and tables, which fit both the interactive player and a plain listing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import fill
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tinygrad_cnn._digest import Digest, digest
from tinygrad_cnn._formula import number
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.steps import Step, steps
from tinygrad_cnn.viz.theme import DARK, Theme, shape_text
from tinygrad_cnn.viz.values import bars
from tinygrad_cnn.viz.wording import called, in_words, is_large

Value: TypeAlias = Tensor | Digest

_MOST_ELEMENTS, _MOST_COLUMNS = 64, 8  # of an array whose numbers are shown
_IN_A_ROW = 5  # of a long vector


def title(step: Step, names: dict[int, str]) -> str:
    """A step in a few words.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> graph = tc.Graph.of(a * 5)
    >>> [title(step, called(graph)) for step in steps(graph)]
    ['start at mul', 'mul → a', '∂L/∂a finished']
    """
    if step.consumer is not None:
        return f"{names[step.consumer.id]} → {step.name}"
    if step.event.kind == "sum":
        return f"∂L/∂{step.name} adds up"
    return f"∂L/∂{step.name} finished" if step.number else f"start at {step.name}"


def formula(step: Step) -> str:
    """The rule of a contribution with the names of the graph, and with its numbers where they are single.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> formula(steps(tc.Graph.of(a * 5))[1])
    'g · 5 = 1 · 5 = 5'
    """
    numbers = step.event.numbers
    return f"{step.formula} = {numbers}" if numbers and numbers != step.formula else step.formula


def said(step: Step, theme: Theme) -> Text:
    """The rule on a line of its own, then the sentence."""
    if not step.formula:
        return Text(step.sentence)
    rule = Text(f"∂L/∂{step.name} ← {formula(step)}", style=f"bold {theme.tones['gradient']}")
    return Text("\n").join([rule, Text(step.sentence)])


# --- values ---------------------------------------------------------------------------------------


def in_short(value: Value | None) -> str:
    """A value in the tree, where there is little room: a number, or how far from 0 the elements go.

    >>> import tinygrad_cnn as tc
    >>> in_short(tc.tensor(0.123456)), in_short(tc.tensor([[1.0, -2.0]])), in_short(None)
    ('0.1235', '±2', '')
    """
    if value is None or not is_known(value):
        return ""
    if isinstance(value, Tensor) and not value.shape:
        return _four_digits(float(value.item()))
    short = _summary(value)
    return f"±{_four_digits(max(abs(short.minimum), abs(short.maximum)))}"


def is_known(value: Value) -> bool:
    """Whether there are numbers: on the meta backend there are only shapes."""
    return isinstance(value, Digest) or value.backend.executes


def shown(value: Value | None) -> RenderableType:
    """A value in the panel: a number, a table of a small array, figures and bars of a large one."""
    if value is None:
        return Text("not kept", style="dim")
    if not is_known(value):
        return Text(f"shape {shape_text(value.shape)}")
    if isinstance(value, Tensor):
        if not value.shape:
            return Text(number(float(value.item())))
        is_vector = value.numel() == value.shape[-1]
        if value.numel() <= _MOST_ELEMENTS and (is_vector or value.shape[-1] <= _MOST_COLUMNS):
            return _table(np.asarray(value.numpy()))
    return _figures(_summary(value))


def _summary(value: Value) -> Digest:
    return value if isinstance(value, Digest) else digest(value)


def _table(array: NDArray[Any]) -> RenderableType:
    """A small array with its numbers; the blocks of more than two dimensions stand one under the other."""
    if not array.size:
        return Text(f"empty, {shape_text(array.shape)}")
    columns = array.shape[-1]
    block = array.shape[-2] if array.ndim > 1 else 1
    if columns > _MOST_COLUMNS:  # a vector, in several rows
        columns = block = _IN_A_ROW
    numbers = [_four_digits(float(each)) for each in array.ravel()]
    texts = [_aligned(numbers[start::columns]) for start in range(columns)]
    table = Table.grid(padding=(0, 2))
    for _ in range(columns):
        table.add_column(justify="right", no_wrap=True)
    for place, row in enumerate(zip_longest(*texts, fillvalue="")):
        if place and place % block == 0:
            table.add_row()
        table.add_row(*row)
    return table


def _aligned(column: Sequence[str]) -> list[str]:
    """Numbers with their decimal points under one another.

    >>> _aligned(["1", "−0.25", "12.5"])
    ['1   ', '−0.25', '12.5 ']
    """
    after = [len(text.partition(".")[2]) + ("." in text) for text in column]
    return [text + " " * (max(after) - own) for text, own in zip(column, after, strict=True)]


def _figures(short: Digest) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(no_wrap=True)
    table.add_row("shape", shape_text(short.shape))
    for name, figure in (("min", short.minimum), ("mean", short.mean), ("max", short.maximum)):
        table.add_row(name, number(figure))
    table.add_row("spread", bars(short.counts))
    for name, count in (("zeros", short.zeros), ("NaN", short.nan), ("infinite", short.infinite)):
        if count:
            table.add_row(name, f"{count:,} of {math.prod(short.shape):,}")
    return table


def _four_digits(value: float) -> str:
    return number(float(f"{value:.4g}"))


# --- a step as a panel ----------------------------------------------------------------------------


def panel(step: Step, theme: Theme = DARK) -> RenderableType:
    """The values of a step side by side: what came in, what is sent, what it adds up to."""
    colours = {"∂": theme.tones["gradient"], "g": theme.tones["gradient"]}
    parts = [
        Group(Text(heading, style=f"bold {colours.get(heading[0], theme.ink)}"), shown(value))
        for heading, value in _headed(step)
    ]
    return Columns(parts, padding=(0, 4))


def _headed(step: Step) -> Iterator[tuple[str, Value | None]]:
    gradient = f"∂L/∂{step.name}"
    if step.event.kind == "visit":
        yield gradient, step.total
        yield f"forward, {step.name}", step.node.value
    elif step.consumer is not None:
        yield "g", step.incoming
        yield "contribution", step.event.value
        if len(step.terms) > 1:
            yield f"{gradient} so far", step.total
    else:
        for place, term in enumerate(step.terms, 1):
            yield f"contribution {place}", term
        yield f"{gradient} so far" if step.coming else gradient, step.total


# --- the plain listing ----------------------------------------------------------------------------


def print_steps(graph: Graph, console: Console, theme: Theme = DARK) -> None:
    """Every step of the backward walk, one under the other.

    Args:
        console: where to; a pipe or a file gets no colours.

    Raises:
        GradientError: as for `steps`.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> print_steps(tc.Graph.of(a * 5), Console(width=60))
    1  start at mul
       The walk starts at mul. L is mul itself, so ∂L/∂mul = 1.
    2  mul → a
       ∂L/∂a gets g · 5 = 1 · 5 = 5 from this edge; a has no
       other consumer, so it is finished.
    3  ∂L/∂a finished
       ∂L/∂a = 5 is finished. a is a leaf, so this is the
       gradient that was wanted.
    """
    names = called(graph)
    told = steps(graph)
    width = len(str(len(told)))
    indent = " " * (width + 2)
    for step in told:
        is_visit = step.event.kind == "visit"
        style = f"bold {theme.tones['gradient']}" if is_visit else "bold"
        console.print(Text(f"{step.number + 1:>{width}}  ").append(title(step, names), style=style))
        console.print(
            Text(fill(step.sentence, console.width, initial_indent=indent, subsequent_indent=indent))
        )
        if not is_visit and is_large(in_words(step.event.value)):
            console.print(Padding(shown(step.event.value), (0, 0, 0, width + 4), expand=False))
