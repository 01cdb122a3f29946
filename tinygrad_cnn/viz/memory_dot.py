"""The memory of a plan over time in the DOT language, with a place for everything.

Graphviz only draws here: rectangles, texts and lines come with their places in points. Upwards runs y, and is
0 where the memory begins; x is 0 where the step does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, groupby, pairwise
from typing import Literal

from tinygrad_cnn._plan_data import CellData, Kind, PlanData, PoolData, in_use, layer
from tinygrad_cnn.viz.labels import quoted
from tinygrad_cnn.viz.picture import byte_text
from tinygrad_cnn.viz.theme import MONO, SANS, Theme, shape_text

KINDS: dict[Kind, str] = {
    "argument": "argument",
    "saved": "saved for the backward pass",
    "gradient": "gradient",
    "temporary": "needed only for a while",
    "result": "result",
}

_HEIGHT, _BAND = 360.0, 13.0  # points: of the memory, of a band below it
_NARROW, _WIDE, _TASK = 560.0, 1000.0, 13.0  # points: of the whole step at least and at most, of a task
_FONT, _LETTER, _LINE = 9.0, 5.0, 11.0  # points: size of letters; about their width; from line to line
_ROOM = 0.7  # of the size of a letter: more than its width
_POINTS = 256  # of a line, at most
_VISIBLE = 0.4  # points: a rectangle that is lower is left out
_SEE_THROUGH = "66"  # of 255: what is under a rectangle, such as a grid line, is still seen


def to_dot(data: PlanData, pool: PoolData, theme: Theme, prefix: str) -> str:
    """One pool of a plan, in the colours of a theme; `prefix` begins all ids."""
    return _Writer(data, pool, theme, prefix).whole()


class _Aligned(str):
    """A quoted text with one of Graphviz's signs for where lines begin or end; it is quoted no more."""


class _Writer:
    """One picture on its way into DOT."""

    def __init__(self, data: PlanData, pool: PoolData, theme: Theme, prefix: str) -> None:
        self.data = data
        self.pool = pool
        self.theme = theme
        self.prefix = prefix
        self.tasks = len(data["tasks"])
        self.width = min(_WIDE, max(_NARROW, self.tasks * _TASK))
        self.lines: list[str] = []
        self._names = count()

    def x(self, task: float) -> float:
        """Where a task begins; the first column is what was there before."""
        return (task + 1) / (self.tasks + 2) * self.width

    def y(self, nbytes: float) -> float:
        """How high a byte lies."""
        return nbytes / max(1, self.pool["bytes"]) * _HEIGHT

    def whole(self) -> str:
        theme = self.theme
        self._write("digraph {")
        self._statement(
            "graph", id=self.prefix, bgcolor=theme.background, pad="0.2", outputorder="nodesfirst"
        )
        self._statement("node", shape="box", fixedsize="true", label="", fontsize=f"{_FONT:g}", fontname=SANS)
        self._statement("edge", arrowhead="none")
        self._axes()
        hidden = [cell for cell in self.pool["cells"] if not self._cell(cell)]
        self._used()
        self._bands()
        self._legend()
        self._captions(len(hidden))
        self._write("}")
        return "\n".join(self.lines) + "\n"

    # --- the memory

    def _cell(self, cell: CellData) -> bool:
        """A rectangle; False if it would be too low to be seen."""
        left, right = self.x(cell["first"]), self.x(cell["last"] + 1)
        bottom, top = self.y(cell["offset"]), self.y(cell["offset"] + cell["bytes"])
        if top - bottom < _VISIBLE:
            return False
        label = _fitting(_labels(cell), right - left, top - bottom)
        self._box(
            left, bottom, right, top, label=label, tooltip=_facts(cell), **_look(cell["kind"], self.theme)
        )
        return True

    def _used(self) -> None:
        """What is in use at a time, as a line of steps."""
        points: list[tuple[float, float]] = []
        for place, nbytes in enumerate(in_use(self.pool, self.tasks)):
            points += [(self.x(place - 1), self.y(nbytes)), (self.x(place), self.y(nbytes))]
        self._line(points, color=self.theme.ink, penwidth="1.6", tooltip="in use")

    def _axes(self) -> None:
        total = self.pool["bytes"]
        power = max(power for power in range(3) if total >= 1024**power or not power)
        unit, step = 1024**power, _round_step(total / 1024**power / 6)
        for tick in range(int(total / unit / step) + 1):
            y = self.y(tick * step * unit)
            self._line([(0, y), (self.width, y)], color=self.theme.scope_line, penwidth="0.5")
            self._text(f"{tick * step:g} {('B', 'KiB', 'MiB')[power]}", -6, y, align="right", font=MONO)
        step = max(1, _round_step(self.tasks / 12))
        for task in range(0, self.tasks, int(step)):
            self._text(str(task), (self.x(task) + self.x(task + 1)) / 2, -13, font=MONO)
        self._text("task", -6, -13, align="right")

    # --- below

    def _bands(self) -> None:
        """What the tasks are for, and who does them."""
        theme, tasks = self.theme, self.data["tasks"]
        passes = {
            "forward": (theme.input_fill, theme.ink),
            "backward": (theme.flows["gradient"], theme.on_output),
            "update": (theme.parameter_fill, theme.on_parameter),
        }
        self._band(-24, "pass", [task["phase"] for task in tasks], passes)
        if len(self.data["parts"]) > 1:
            threads = {
                "each": (theme.scope_fills[1], theme.ink),
                "once": (theme.muted, theme.background),
            }
            who = ["each" if task["each"] else "once" for task in tasks]
            self._band(-24 - _BAND - 4, "threads", who, threads)

    def _band(
        self, top: float, title: str, words: Sequence[str], colors: Mapping[str, tuple[str, str]]
    ) -> None:
        """A row of boxes, one for each run of the same word; a colour is what fills it, and its ink."""
        self._text(title, -6, top - _BAND / 2, align="right")
        start = 0
        for word, run in groupby(words):
            stop = start + len(list(run))
            left, right = self.x(start), self.x(stop)
            fill, ink = colors[word]
            self._box(
                left,
                top - _BAND,
                right,
                top,
                label=_fitting([[word]], right - left, _BAND),
                tooltip=f"{word}: tasks {start} to {stop - 1}",
                fillcolor=fill,
                fontcolor=ink,
                style="filled",
                penwidth="0",
            )
            start = stop

    def _legend(self) -> None:
        kinds = [kind for kind in KINDS if any(cell["kind"] == kind for cell in self.pool["cells"])]
        x, y = 0.0, _HEIGHT + 18
        for kind in kinds:
            self._box(x, y - 5, x + 16, y + 5, tooltip=KINDS[kind], **_look(kind, self.theme))
            self._text(KINDS[kind], x + 21, y, align="left")
            x += 21 + len(KINDS[kind]) * _LETTER * 0.9 + 16
        self._line([(x, y), (x + 16, y)], color=self.theme.ink, penwidth="1.6")
        self._text("in use", x + 21, y, align="left")

    def _captions(self, hidden: int) -> None:
        pool, parts = self.pool, self.data["parts"]
        if pool["part"] is None:
            whose = "Values that belong to no part of the batch"
        elif len(parts) > 1:
            start, stop = parts[pool["part"]]
            whose = f"Part {pool['part']} of the batch, items {start} to {stop - 1}"
        else:
            whose = "The batch"
        shared = f"{byte_text(pool['bytes'])} hold {len(pool['cells'])} values"
        text = f"{whose}: {shared}; without sharing they would need {byte_text(pool['bytes_unshared'])}"
        self._text(text, 0, _HEIGHT + 42, align="left", size=12)
        if hidden:
            self._text(
                f"{hidden} values are too small to be seen",
                self.width,
                _HEIGHT + 18,
                align="right",
                fontcolor=self.theme.muted,
            )

    # --- statements

    def _box(self, left: float, bottom: float, right: float, top: float, **attributes: str) -> None:
        self._node(
            (left + right) / 2,
            (bottom + top) / 2,
            width=f"{(right - left) / 72:.4f}",
            height=f"{(top - bottom) / 72:.4f}",
            **attributes,
        )

    def _text(
        self,
        text: str,
        x: float,
        y: float,
        *,
        align: Literal["left", "center", "right"] = "center",
        font: str = SANS,
        size: float = _FONT,
        fontcolor: str = "",
    ) -> None:
        # A node has its place by its middle; in it, a text stands at the side that its last sign names.
        shift, sign = {"left": (1, r"\l"), "center": (0, ""), "right": (-1, r"\r")}[align]
        width = len(text) * size * _ROOM
        self._node(
            x + shift * width / 2,
            y,
            width=f"{width / 72:.4f}",
            height=f"{size * 1.5 / 72:.4f}",
            margin="0",
            label=_Aligned(f'{quoted(text)[:-1]}{sign}"'),
            shape="plaintext",
            fontname=font,
            fontsize=f"{size:g}",
            fontcolor=fontcolor or self.theme.ink,
        )

    def _line(self, points: Sequence[tuple[float, float]], **attributes: str) -> None:
        """A line of straight pieces; each is a curve whose middle points lie on its ends."""
        for start in range(0, len(points) - 1, _POINTS):  # Graphviz reads texts of at most 16 KiB
            piece = points[start : start + _POINTS + 1]
            spots = [piece[0], *(spot for one, other in pairwise(piece) for spot in (one, other, other))]
            ends = [
                self._node(*end, shape="point", style="invis", width="0") for end in piece[:: len(piece) - 1]
            ]
            pos = " ".join(f"{x:.2f},{y:.2f}" for x, y in spots)
            name = f"{self.prefix}-{ends[0]}-{ends[1]}"
            self._statement(f"{ends[0]} -> {ends[1]}", id=name, pos=pos, **attributes)

    def _node(self, x: float, y: float, **attributes: str) -> str:
        name = f"n{next(self._names)}"
        self._statement(name, id=f"{self.prefix}-{name}", pos=f"{x:.2f},{y:.2f}", **attributes)
        return name

    def _statement(self, of: str, **attributes: str) -> None:
        listed = (
            f"{name}={value if isinstance(value, _Aligned) else quoted(value)}"
            for name, value in attributes.items()
        )
        self._write(f"{of} [{' '.join(listed)}]")

    def _write(self, line: str) -> None:
        self.lines.append(line)


# --- looks and words ------------------------------------------------------------------------------


def _look(kind: Kind, theme: Theme) -> dict[str, str]:
    """The colours of the visual language, each with an outline of its own."""
    green, red = theme.flows["saved"], theme.flows["gradient"]
    fill, line, style, width = {
        "argument": (theme.input_fill, theme.input_fill, "filled", "0.6"),
        "saved": (green + _SEE_THROUGH, green, "filled,dotted", "1"),
        "gradient": (red + _SEE_THROUGH, red, "filled", "0.8"),
        "temporary": (theme.scope_fills[1], theme.muted, "filled,dashed", "0.6"),
        "result": (theme.output_fill, theme.ink, "filled", "1.6"),
    }[kind]
    ink = theme.on_output if kind == "result" else theme.ink
    return {
        "fillcolor": fill,
        "color": line,
        "style": style,
        "penwidth": width,
        "fontcolor": ink,
    }


def _labels(cell: CellData) -> Iterator[list[str]]:
    """What could be written into a rectangle, the most telling first."""
    where = layer(cell["scope"])
    what = f"{where}: {cell['title']}".removeprefix(": ")
    if cell["first"] < 0:
        what = f"argument {cell['value']}"
    size = f"{shape_text(tuple(cell['shape']))}  {byte_text(cell['bytes'])}"
    yield [what, size]
    yield [what]
    yield [cell["title"]]
    yield [where]


def _fitting(labels: Iterable[Sequence[str]], width: float, height: float) -> str:
    """The first label that has room."""
    for lines in labels:
        if max(map(len, lines)) * _LETTER + 4 <= width and len(lines) * _LINE <= height:
            return "\n".join(lines)
    return ""


def _facts(cell: CellData) -> str:
    """What is shown on hovering."""
    from_when = "is there from the beginning" if cell["first"] < 0 else f"made by task {cell['first']}"
    return "\n".join(
        filter(
            None,
            [
                f"{cell['value']} {shape_text(tuple(cell['shape']))} {cell['dtype']}",
                f"{cell['scope']}: {cell['title']}".strip(": "),
                f"{byte_text(cell['bytes'])} at {byte_text(cell['offset'])}",
                f"{from_when}, needed until task {cell['last']}",
                KINDS[cell["kind"]],
            ],
        )
    )


def _round_step(at_least: float) -> float:
    """The smallest step from one tick to the next that is easy to count in.

    >>> _round_step(0.13), _round_step(6.5), _round_step(41)
    (0.2, 10.0, 50.0)
    """
    unit = 10.0 ** math.floor(math.log10(at_least)) if at_least > 0 else 1.0
    return next(digit * unit for digit in (1, 2, 5, 10) if digit * unit >= at_least)
