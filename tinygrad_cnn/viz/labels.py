"""What is written in and on things, in the markup that Graphviz understands inside a label.

Any text survives: what has a meaning in markup is escaped, what XML cannot hold is replaced.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from tinygrad_cnn.viz.picture import SIGNS, Arrow, Block, Cells, Line, Mark, Shape
from tinygrad_cnn.viz.theme import MONO, Theme, form, shade, title_lines

_PIXEL = 7  # points: the side of a cell of an image


class Html(str):
    """A label with markup in it."""


def node_label(shape: Shape, theme: Theme) -> Html:
    """What is written in a shape: its title, its subtitle, and its blocks below."""
    look = form(shape, theme)
    title = _markup(title_lines(shape.title))
    if look.bold:
        title = f"<B>{title}</B>"
    if look.title_size != 14:
        title = f'<FONT POINT-SIZE="{look.title_size}">{title}</FONT>'
    if shape.role == "fold":
        title = f"<B>⊞</B> {title}"
    title = _sign(shape.mark, theme) + title
    if shape.subtitle:
        beside = " " if shape.role == "fold" else "<BR/>"  # "× 3" stands beside the name of the block
        title += beside + _markup(title_lines(shape.subtitle))
    if not shape.blocks:
        return Html(title)
    if shape.role in ("input", "parameter") and not shape.gradient:  # colours need a quiet ground
        plate = _table([_block(block, theme) for block in shape.blocks])
        return Html(_table([title, plate], ground=theme.background))
    ink = look.ink if shape.role == "output" else None
    return Html(_table([title, *(_block(block, theme, ink) for block in shape.blocks)]))


def arrow_label(arrow: Arrow, theme: Theme) -> Html:
    """What is written on an arrow, with some air around it; empty when there is nothing to say."""
    sign = _sign(arrow.mark, theme)
    if len(arrow.blocks) == 1 and isinstance(arrow.blocks[0], Line):
        return Html(_aired(sign + _block(arrow.blocks[0], theme)))
    blocks = [(block, _block(block, theme)) for block in arrow.blocks]
    rows = [_aired(text) if isinstance(block, Line) else text for block, text in blocks]
    rows = [sign, *rows] if sign else rows
    return Html(_table(rows) if rows else "")


def _aired(text: str) -> str:
    return f"&#160;{text}&#160;"


def _block(block: Block, theme: Theme, ink: str | None = None) -> str:
    """A line in the colour of its tone, or in one ink on coloured ground; or a table of cells."""
    if isinstance(block, Cells):
        return _cells(block, theme)
    color = ink or theme.tones[block.tone]
    return f'<FONT FACE="{MONO}" POINT-SIZE="12" COLOR="{color}">{_markup_line(block.text)}</FONT>'


def _table(rows: Sequence[str], *, ground: str | None = None) -> str:
    """Rows one below the other, those after the first on a ground of that colour."""
    plain, coloured = "<TD>", f'<TD BGCOLOR="{ground}">' if ground else "<TD>"
    cells = "".join(f"<TR>{coloured if place else plain}{row}</TD></TR>" for place, row in enumerate(rows))
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>'


def _cells(cells: Cells, theme: Theme) -> str:
    has_texts = any(map(any, cells.texts))
    size = "" if has_texts else f' WIDTH="{_PIXEL}" HEIGHT="{_PIXEL}" FIXEDSIZE="TRUE"'
    rows = []
    for texts, shades in zip(cells.texts, cells.shades, strict=True):
        row = []
        for text, strength in zip(texts, shades, strict=True):
            fill, ink = shade(strength, cells.diverging, theme)
            inside = f'<FONT FACE="{MONO}" POINT-SIZE="12" COLOR="{ink}">{_markup_line(text)}</FONT>'
            row.append(f'<TD ALIGN="RIGHT" BGCOLOR="{fill}"{size}>{inside if text else ""}</TD>')
        rows.append(f"<TR>{''.join(row)}</TR>")
    spaces = 'CELLSPACING="1" CELLPADDING="3"'
    if not has_texts:  # an image keeps its proportions, however wide the lines under it are
        width, height = _PIXEL * len(cells.texts[0]), _PIXEL * len(cells.texts)
        spaces = f'CELLSPACING="0" CELLPADDING="0" FIXEDSIZE="TRUE" WIDTH="{width}" HEIGHT="{height}"'
        spaces += f' COLOR="{theme.scope_line}"'
    border = 0 if has_texts else 1
    return f'<TABLE BORDER="{border}" CELLBORDER="0" {spaces}>{"".join(rows)}</TABLE>'


def _sign(mark: Mark, theme: Theme) -> str:
    """What a comparison says of a shape or an arrow, in front of everything else."""
    if mark not in SIGNS:
        return ""
    return f'<FONT COLOR="{theme.marks[mark]}" POINT-SIZE="16"><B>{SIGNS[mark]}</B></FONT> '


def title(text: str) -> Html:
    """A short text, such as the name of a box."""
    return Html(_markup(title_lines(text)))


def line(text: str) -> Html:
    """A text of any length in one line."""
    return Html(_markup_line(text))


# --- text that survives ---------------------------------------------------------------------------

# XML has no way to write these, not even escaped.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def quoted(value: str) -> str:
    """A value as DOT writes it: markup in angle brackets, any other text in quotes, all of it literal."""
    if isinstance(value, Html):
        return f"<{value}>"
    text = _UNWRITABLE.sub("\ufffd", value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{text}"'


def _markup(lines: Iterable[str]) -> str:
    return "<BR/>".join(_markup_line(line) for line in lines)


def _markup_line(text: str) -> str:
    # Graphviz reads \N and the like even here, so a backslash is doubled.
    escaped = html.escape(_UNWRITABLE.sub("\ufffd", text)).replace("\\", "\\\\")
    return escaped.replace("  ", "&#160;&#160;") or " "
