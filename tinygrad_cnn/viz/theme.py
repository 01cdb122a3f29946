"""The visual language, once: which colour and which form mean what, in every picture.

A person who has read one picture can read them all. The colours are those of Okabe and Ito ("Color
Universal Design", 2008), which colour-blind readers can tell apart; a form always says the same as the
colour, so a black-and-white print keeps its meaning.

    input, data     grey box                op        ellipse with the operation's symbol
    parameter       blue rounded box, bold  output    orange, double outline
    constant        thin grey box           scope     box around what belongs together
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygrad_cnn._formula import number as number  # numbers look alike everywhere
from tinygrad_cnn.errors import UnknownName

SANS = "Helvetica,Arial,sans-serif"
MONO = "Menlo,Consolas,DejaVu Sans Mono,monospace"

# Colours by the names that Okabe and Ito gave them.
BLUE, SKY_BLUE, ORANGE, VERMILLION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"


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


# Arrays as images. Gradients and weights: zero is white, so the sign is a hue and the size a saturation.
DIVERGING = (BLUE, "#FFFFFF", VERMILLION)
# Counts: more is bluer.
SEQUENTIAL = ("#FFFFFF", "#CFE3F1", BLUE, "#00314D")


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as it is written on an edge.

    >>> shape_text((64, 6, 28, 28)), shape_text((3,)), shape_text(())
    ('(64, 6, 28, 28)', '(3,)', 'scalar')
    """
    return str(shape) if shape else "scalar"
