"""The visual language, once: which colour and which form mean what, in every picture.

A person who has read one picture can read them all. The colours are those of Okabe and Ito ("Color
Universal Design", 2008), which colour-blind readers can tell apart; a form always says the same as the
colour, so a black-and-white print keeps its meaning.

    input, data     grey box                op        ellipse with the operation's symbol
    parameter       blue rounded box, bold  output    orange, double outline
    constant        thin grey box           scope     box around what belongs together
    folded scope    pale box with ⊞         saved     green, dotted
    gradient        vermillion, with its name ∂L/∂x; its form is that of what it is the gradient of
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from tinygrad_cnn._formula import number as number  # numbers look alike everywhere
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.viz.picture import Flow, Mark, Shape, Tone

SANS = "Helvetica,Arial,sans-serif"
MONO = "Menlo,Consolas,DejaVu Sans Mono,monospace"

# Colours by the names that Okabe and Ito gave them.
BLUE, SKY_BLUE, ORANGE, VERMILLION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
GREEN, YELLOW, PURPLE = "#009E73", "#F0E442", "#CC79A7"


@dataclass(frozen=True)
class Theme:
    """The colours of one background.

    Attributes:
        background, ink: paper, and what is written on it.
        muted: shapes on edges, scope names, grid lines: present but not first.
        input_fill, parameter_fill, op_fill, output_fill: the inside of a node of that kind.
        on_parameter, on_output: what is written on those two.
        scope_fills: a box, a box inside it, and so on in turn.
        scope_line: the outline of boxes.
        fold_fills: of folded scopes, one for each family of equal contents.
        flows: arrows, by what flows along them.
        tones: small text, by what kind of fact it is.
        marks: what a comparison says of a shape or an arrow.
        halo: around what is looked at now.
        zero: the middle of the diverging map.
    """

    name: str
    background: str
    ink: str
    muted: str
    input_fill: str
    parameter_fill: str
    on_parameter: str
    op_fill: str
    output_fill: str
    on_output: str
    scope_fills: tuple[str, str]
    scope_line: str
    fold_fills: tuple[str, ...]
    flows: Mapping[Flow, str]
    tones: Mapping[Tone, str]
    marks: Mapping[Mark, str]
    halo: str
    zero: str


LIGHT = Theme(
    name="light",
    background="#FFFFFF",
    ink="#1A1A1A",
    muted="#595959",
    input_fill="#B3B3B3",
    parameter_fill=BLUE,
    on_parameter="#FFFFFF",
    op_fill="#FFFFFF",
    output_fill=ORANGE,
    on_output="#1A1A1A",
    scope_fills=("#F5F6F8", "#EAEDF1"),
    scope_line="#C3C9D1",
    fold_fills=("#DCEAF5", "#DDF0E8", "#FBEFD5", "#F4E4EE", "#FAF7D6", "#E6E6F4"),
    flows={"value": "#1A1A1A", "gradient": VERMILLION, "saved": GREEN},
    # Small text needs more contrast than a line does.
    tones={
        "ink": "#1A1A1A",
        "muted": "#595959",
        "gradient": "#AD4A00",
        "saved": "#007355",
        "alarm": "#9C3F74",
    },
    marks={"added": "#007355", "removed": "#9C3F74", "changed": "#8A6100", "path": "#1A1A1A"},
    halo=YELLOW,
    zero="#FFFFFF",
)

DARK = Theme(
    name="dark",
    background="#14171C",
    ink="#ECECEC",
    muted="#A9AFB8",
    input_fill="#5C5C5C",
    parameter_fill=SKY_BLUE,
    on_parameter="#14171C",
    op_fill="#14171C",
    output_fill=ORANGE,
    on_output="#14171C",
    scope_fills=("#1D2229", "#272E37"),
    scope_line="#454E5A",
    fold_fills=("#1D3A50", "#17402F", "#4A3A17", "#47293B", "#43411A", "#2F2F52"),
    flows={"value": "#ECECEC", "gradient": VERMILLION, "saved": GREEN},
    tones={
        "ink": "#ECECEC",
        "muted": "#A9AFB8",
        "gradient": "#FF8A3D",
        "saved": "#2CC79B",
        "alarm": "#E59BC6",
    },
    marks={"added": "#2CC79B", "removed": "#E59BC6", "changed": "#F0C04A", "path": "#ECECEC"},
    halo=YELLOW,
    zero="#000000",
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def get_theme(name: str) -> Theme:
    """The theme of that name.

    >>> get_theme("dark").name
    'dark'
    """
    if name not in THEMES:
        raise UnknownName.among(name, THEMES, kind="theme", argument="theme")
    return THEMES[name]


# --- shapes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """How one shape looks; what is not said is a thin box with square corners."""

    fill: str
    line: str
    ink: str
    width: float = 1.0
    ellipse: bool = False
    rounded: bool = False
    dotted: bool = False
    double: bool = False
    bold: bool = False
    title_size: int = 14


_LONGEST_LABEL = 32


def form(shape: Shape, theme: Theme) -> Look:
    """The form and colours of a shape."""
    look = _marked(shape, theme)
    width, line = 1.0, theme.ink
    if shape.mark == "path":
        width, line = 4.0, theme.halo
    elif shape.mark:
        width, line = 3.0, theme.marks[shape.mark]
    return look if not shape.mark else Look(**{**look.__dict__, "width": width, "line": line})


def _marked(shape: Shape, theme: Theme) -> Look:
    if shape.gradient:
        return _gradient(shape, theme)
    if shape.role == "input":
        return Look(theme.input_fill, theme.input_fill, theme.ink, width=0)
    if shape.role == "parameter":
        fill = theme.parameter_fill
        return Look(fill, fill, theme.on_parameter, width=0, rounded=True, bold=True)
    if shape.role == "constant":
        return Look(theme.background, theme.muted, theme.ink, width=0.6)
    if shape.role == "saved":
        green = theme.tones["saved"]
        return Look(theme.background, theme.flows["saved"], green, width=1.6, rounded=True, dotted=True)
    if shape.role == "fold":
        line = theme.output_fill if shape.final else theme.scope_line
        fill = _family_fill(shape, theme)
        return Look(fill, line, theme.ink, width=1.4 if shape.final else 1, rounded=True, double=shape.final)
    if shape.role == "output":
        size = _title_size(shape.title)
        return Look(theme.output_fill, theme.ink, theme.on_output, ellipse=True, double=True, title_size=size)
    return Look(theme.op_fill, theme.ink, theme.ink, ellipse=True, title_size=_title_size(shape.title))


def _gradient(shape: Shape, theme: Theme) -> Look:
    """What belongs to the backward pass: the same forms, drawn in vermillion."""
    return Look(
        fill=theme.background,
        line=theme.flows["gradient"],
        ink=theme.tones["gradient"],
        width=0.8 if shape.role == "constant" else 1.4,
        ellipse=shape.role in ("op", "output"),
        rounded=shape.role in ("parameter", "fold"),
        double=shape.role == "output" or shape.final,
        bold=shape.role == "parameter",
        title_size=_title_size(shape.title) if shape.role in ("op", "output") else 14,
    )


def _title_size(symbol: str) -> int:
    """Words are written small, signs large."""
    is_word = len(symbol) > 2 or (len(symbol) == 2 and symbol.isascii())
    return 14 if is_word else 20


def _family_fill(shape: Shape, theme: Theme) -> str:
    """Folded scopes with the same operations inside have the same colour."""
    return theme.fold_fills[zlib.crc32(str(shape.structure).encode()) % len(theme.fold_fills)]


def title_lines(text: str) -> list[str]:
    r"""A title as it is written: not too long (hovering shows the rest), line by line, never empty.

    >>> title_lines("two\nlines"), title_lines("")
    (['two', 'lines'], [' '])
    """
    if len(text) > _LONGEST_LABEL:
        text = f"{text[: _LONGEST_LABEL - 1]}…"
    return text.splitlines() or [" "]


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as it is written on an edge.

    >>> shape_text((64, 6, 28, 28)), shape_text((3,)), shape_text(())
    ('(64, 6, 28, 28)', '(3,)', 'scalar')
    """
    return str(shape) if shape else "scalar"


# --- arrays as images -----------------------------------------------------------------------------

# Gradients and weights: zero is white, so the sign is a hue and the size a saturation.
DIVERGING = (BLUE, "#FFFFFF", VERMILLION)
# Counts: more is bluer.
SEQUENTIAL = ("#FFFFFF", "#CFE3F1", BLUE, "#00314D")
# Data: from dark grey to yellow.
_DARK_GREY = "#4A4A4A"


def shade(strength: float, diverging: bool, theme: Theme) -> tuple[str, str]:
    """The colour of a cell, and that of what is written on it.

    >>> shade(0.0, True, LIGHT), shade(-1.0, True, LIGHT), shade(1.0, False, LIGHT)
    (('#FFFFFF', '#1A1A1A'), ('#0072B2', '#FFFFFF'), ('#F0E442', '#1A1A1A'))
    """
    if diverging:
        fill = _mixed(theme.zero, VERMILLION if strength > 0 else BLUE, abs(strength))
    else:
        fill = _mixed(_DARK_GREY, YELLOW, strength)
    is_light = _luminance(fill) > 0.179  # where black and white ink are equally far
    return fill, LIGHT.ink if is_light else "#FFFFFF"


def _mixed(first: str, second: str, share: float) -> str:
    share = min(1.0, max(0.0, share))
    parts = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * share):02X}" for one, other in parts)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    """How light a colour is, by the definition of WCAG 2.2."""
    linear = [
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in (value / 255 for value in _channels(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
