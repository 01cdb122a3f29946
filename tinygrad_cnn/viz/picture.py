"""What a drawing shows, before anybody decides how it is written down.

A view (forward, backward, twin, a comparison) turns a graph into a `Picture`: shapes in boxes, joined by
arrows, with the words that stand in and on them. Folding turns a picture into a smaller one. A format (DOT,
Mermaid, TikZ) only ever sees a picture, so every view can be written in every format.

    Graph ── forward, backward, twin, diff ──→ Picture ── fold ──→ Picture ── dot, mermaid, tikz ──→ text
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from tinygrad_cnn._plan_text import byte_text as byte_text  # sizes look alike everywhere

Role = Literal["input", "parameter", "constant", "op", "output", "fold", "saved"]
Flow = Literal["value", "gradient", "saved"]
Tone = Literal["ink", "muted", "gradient", "saved", "alarm"]
Mark = Literal["", "path", "added", "removed", "changed"]
Direction = Literal["right", "down"]
DIRECTIONS: tuple[Direction, ...] = ("right", "down")

SIGNS: dict[Mark, str] = {"added": "+", "removed": "−", "changed": "~"}


@dataclass(frozen=True)
class Line:
    """A line of text; its tone says what kind of fact it is, and so its colour."""

    text: str
    tone: Tone = "ink"


@dataclass(frozen=True)
class Cells:
    """A small array as a table of coloured cells.

    Attributes:
        texts: what is written in each cell; empty strings for an image.
        shades: how strong each cell's colour is: −1 .. 1 diverging, 0 .. 1 sequential.
        diverging: blue, white, red around zero (weights, gradients); otherwise grey to yellow.
    """

    texts: tuple[tuple[str, ...], ...]
    shades: tuple[tuple[float, ...], ...]
    diverging: bool


Block = Line | Cells


@dataclass(frozen=True)
class Shape:
    """One leaf, one operation, or one folded scope.

    Attributes:
        key: its name in DOT, and with the picture's prefix its id in SVG: "n12" for node 12.
        role: which form it has and, unless it belongs to the gradients, which colour.
        title: a name, or an operation's symbol.
        scope: the box it stands in.
        subtitle: under an operation's symbol, what people call its result.
        blocks: values and gradients under that.
        facts: what is shown on hovering, a line each.
        result: the shape of what flows out of it, as text.
        parameters: how many numbers it learns.
        kept: how many bytes it keeps for the backward pass.
        structure: two parts of a picture whose shapes have equal ones look alike inside.
        gradient: it belongs to the backward pass.
        final: a folded scope with an output in it.
        mark: on a highlighted path, or what a comparison says of it.
    """

    key: str
    role: Role
    title: str
    scope: str = ""
    subtitle: str = ""
    blocks: tuple[Block, ...] = ()
    facts: tuple[str, ...] = ()
    result: str = ""
    parameters: int = 0
    kept: int = 0
    structure: Hashable = None
    gradient: bool = False
    final: bool = False
    mark: Mark = ""

    @property
    def is_leaf(self) -> bool:
        return self.role in ("input", "parameter", "constant", "saved")


@dataclass(frozen=True)
class Arrow:
    """What flows from one shape to another.

    Attributes:
        key: with the picture's prefix its id in SVG: "e5" for edge 5.
        flow: a value, a gradient, or a value saved for the backward pass.
        blocks: what is written on it.
        kept: bytes, of a saved value.
        against: it runs against the reading direction, beside an arrow that runs with it.
    """

    key: str
    start: str
    end: str
    flow: Flow = "value"
    blocks: tuple[Block, ...] = ()
    facts: tuple[str, ...] = ()
    kept: int = 0
    against: bool = False
    mark: Mark = ""


@dataclass(frozen=True)
class Picture:
    """Shapes and arrows, ready to be written down.

    Attributes:
        mirrored: it reads from right to left, as backward passes do; or upwards instead of downwards.
        direction: of reading, "right" or "down"; where none is given, deep networks run down.
        twins: keys of shapes that stand side by side, the forward one first.
        caption: a line under the picture: what its colours mean.
    """

    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]
    mirrored: bool = False
    direction: Direction | None = None
    twins: tuple[tuple[str, str], ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Box:
    """The shapes of a scope, and the boxes in it.

    Attributes:
        key: with the picture's prefix its id in SVG: "box1".
    """

    key: str
    path: str
    shapes: list[Shape] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def boxes(shapes: Iterable[Shape]) -> Box:
    """The boxes around the shapes; the outermost is the whole picture."""
    known = {"": Box("box0", "")}
    for shape in shapes:
        parent = known[""]
        for path in ancestry(shape.scope):
            if path not in known:
                known[path] = Box(f"box{len(known)}", path)
                parent.boxes.append(known[path])
            parent = known[path]
        parent.shapes.append(shape)
    return known[""]


def ancestry(scope: str) -> list[str]:
    """A scope's path and those of the scopes around it, the outermost first.

    >>> ancestry("net/block/conv")
    ['net', 'net/block', 'net/block/conv']
    """
    parts = scope.split("/") if scope else []
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]


def in_words(block: Block) -> tuple[str, ...]:
    """A block as plain lines of text, for formats without tables; an image has none."""
    if isinstance(block, Line):
        return (block.text,)
    return tuple("  ".join(row) for row in block.texts if any(row))
