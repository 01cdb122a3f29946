"""A picture in the Mermaid language, which GitHub, GitLab, Jupyter and many wikis draw by themselves.

Mermaid lays out on its own and knows no tables, so values are written as lines of text and images are left
out; everything else has the forms and colours of the other formats.
"""

from __future__ import annotations

import json
import re

from tinygrad_cnn.viz.layout import runs_down
from tinygrad_cnn.viz.picture import SIGNS, Arrow, Block, Box, Picture, Shape, boxes, in_words
from tinygrad_cnn.viz.theme import Look, Theme, form, title_lines

_ARROWS = {"value": "-->", "gradient": "==>", "saved": "-.->"}


def to_mermaid(picture: Picture, theme: Theme) -> str:
    """The picture in the Mermaid language."""
    direction = "TB" if runs_down(picture) else "LR"
    if picture.mirrored:
        direction = {"TB": "BT", "LR": "RL"}[direction]
    lines = [_settings(theme), f"flowchart {direction}"]
    lines += _box(boxes(picture.shapes), theme, "  ")
    lines += [_arrow(arrow) for arrow in picture.arrows]
    lines += [f"  linkStyle {place} {_line(arrow, theme)}" for place, arrow in enumerate(picture.arrows)]
    if picture.caption:
        lines += [f'  caption["{_text(picture.caption)}"]', "  style caption fill:none,stroke:none"]
    return "\n".join(lines) + "\n"


def _settings(theme: Theme) -> str:
    variables = {
        "background": theme.background,
        "primaryTextColor": theme.ink,
        "lineColor": theme.ink,
        "edgeLabelBackground": theme.background,
        "clusterBkg": theme.scope_fills[0],
        "clusterBorder": theme.scope_line,
        "titleColor": theme.muted,
    }
    settings = {"theme": "base", "fontFamily": "Helvetica, Arial, sans-serif", "themeVariables": variables}
    return f"%%{{init: {json.dumps(settings)}}}%%"


def _box(box: Box, theme: Theme, indent: str) -> list[str]:
    lines = [f"{indent}{line}" for shape in box.shapes for line in _shape(shape, theme)]
    for inner in box.boxes:
        lines.append(f'{indent}subgraph {inner.key}["{_title(inner.name)}"]')
        lines += _box(inner, theme, indent + "  ")
        lines.append(f"{indent}end")
    return lines


def _shape(shape: Shape, theme: Theme) -> list[str]:
    look = form(shape, theme)
    title = _title(shape.title)
    if shape.role == "fold":
        title = f"⊞ {title}"
    if shape.mark in SIGNS:
        title = f"{_text(SIGNS[shape.mark])} {title}"
    if shape.subtitle:
        title += (" " if shape.role == "fold" else "<br/>") + _title(shape.subtitle)
    label = "<br/>".join([title, *_words(shape.blocks)])
    opening, closing = _outline(look, "<br/>" in label)
    dashes = ",stroke-dasharray:2 3" if look.dotted else ""
    style = f"fill:{look.fill},stroke:{look.line},stroke-width:{look.width:g}px,color:{look.ink}{dashes}"
    return [f'{shape.key}{opening}"{label}"{closing}', f"style {shape.key} {style}"]


def _outline(look: Look, is_high: bool) -> tuple[str, str]:
    """Mermaid's nearest form; its ovals only hold one line."""
    if look.ellipse:
        return ("(((", ")))") if look.double else ("((", "))") if is_high else ("([", "])")
    if look.double:
        return "[[", "]]"
    return ("(", ")") if look.rounded else ("[", "]")


def _arrow(arrow: Arrow) -> str:
    words = _words(arrow.blocks)
    if arrow.mark in SIGNS:
        words = [_text(SIGNS[arrow.mark]), *words]
    label = f'|"{"<br/>".join(words)}"|' if words else ""
    return f"  {arrow.start} {_ARROWS[arrow.flow]}{label} {arrow.end}"


def _line(arrow: Arrow, theme: Theme) -> str:
    if arrow.mark == "path":
        return f"stroke:{theme.halo},stroke-width:5px"
    color = theme.marks[arrow.mark] if arrow.mark else theme.flows[arrow.flow]
    return f"stroke:{color},stroke-width:{3 if arrow.mark else 1.5}px"


def _words(blocks: tuple[Block, ...]) -> list[str]:
    return [_text(line) for block in blocks for line in in_words(block)]


def _title(text: str) -> str:
    return "<br/>".join(map(_text, title_lines(text)))


# Signs that mean something to Mermaid, to Markdown or to HTML.
_SPECIAL = re.compile(r"""[\x00-\x1f"#&;<>\\`*_~|{}\[\]$%@]""")


def _text(text: str) -> str:
    """Any text as one that is shown as it is: signs with a meaning become their numbers."""
    whole = text.encode(errors="replace").decode()  # half a surrogate pair is no text
    # Mermaid takes "\\n" for a new line even where it is written in numbers: an invisible joiner prevents it.
    return _SPECIAL.sub(_numbered, whole.replace("\\n", "\\\u2060n")) or " "


def _numbered(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"#{code};" if code >= ord(" ") else "#65533;"
