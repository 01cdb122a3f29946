"""Any text in LaTeX.

LaTeX reads many signs as commands, and pdfLaTeX knows few letters outside of ASCII. Signs of formulas become
commands of mathematics, letters with accents are put together, and what has no equivalent is written as its
number, so that nothing is lost and the document always compiles.
"""

from __future__ import annotations

import unicodedata

_ASCII = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",
    "'": r"{\ttfamily\char39}",
    "`": r"{\ttfamily\char96}",
    "-": r"{-}",  # two of them would become a dash
}

_MATHS = {
    "∂": r"\partial",
    "σ": r"\sigma",
    "μ": r"\mu",
    "ε": r"\varepsilon",
    "λ": r"\lambda",
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "η": r"\eta",
    "θ": r"\theta",
    "π": r"\pi",
    "φ": r"\varphi",
    "ω": r"\omega",
    "Σ": r"\Sigma",
    "Π": r"\Pi",
    "Δ": r"\Delta",
    "−": "-",
    "·": r"\cdot",
    "×": r"\times",
    "⋆": r"\star",
    "√": r"\surd",
    "∞": r"\infty",
    "∈": r"\in",
    "∧": r"\wedge",
    "∨": r"\vee",
    "⊻": r"\veebar",
    "¬": r"\neg",
    "≠": r"\neq",
    "≤": r"\leq",
    "≥": r"\geq",
    "∀": r"\forall",
    "∃": r"\exists",
    "←": r"\leftarrow",
    "→": r"\rightarrow",
    "⌊": r"\lfloor",
    "⌋": r"\rfloor",
    "⌈": r"\lceil",
    "⌉": r"\rceil",
    "‖": r"\Vert",
    "⊞": r"\boxplus",
    "ᵀ": r"^{\mathsf{T}}",
    "ˣ": "^{x}",
    "ʸ": "^{y}",
    "⁻": "^{-}",
    "…": r"\ldots",
    "\u00a0": "~",
}

_ACCENTS = {"\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0308": r"\""}
_ACCENTS |= {"\u0304": r"\=", "\u0307": r"\.", "\u030c": r"\v", "\u0327": r"\c", "\u030a": r"\r"}

_BAR = 0.9  # points: a step of a histogram's bar


def tex(text: str) -> str:
    r"""Any text as LaTeX that shows it.

    >>> print(tex("50 % of {x_1}"))
    50 \% of \{x\_1\}
    >>> print(tex("∂L/∂ŷ"), tex("🙂"))
    \ensuremath{\partial}L/\ensuremath{\partial}\^{y} {\ttfamily[U+1F642]}
    """
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if letter.isascii():
        return _ASCII.get(letter, letter if letter.isprintable() else " ")
    if letter in _MATHS:
        return rf"\ensuremath{{{_MATHS[letter]}}}"
    if "▁" <= letter <= "█":  # bars of a histogram
        return rf"\rule{{3bp}}{{{(ord(letter) - ord('▁') + 1) * _BAR:.2g}bp}}"
    parts = unicodedata.normalize("NFKD", letter)
    if len(parts) == 1 and parts.isascii():  # ² is a 2 that stands high
        command = "^" if "SUPERSCRIPT" in unicodedata.name(letter) else "_"
        return rf"\ensuremath{{{command}{{{parts}}}}}"
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        return rf"{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return rf"{{\ttfamily[U+{ord(letter):04X}]}}"
