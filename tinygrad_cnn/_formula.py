"""Formulas with the numbers of a step in them: "g · y" becomes "2 · 5 = 10"."""

from __future__ import annotations

import re
from collections.abc import Mapping

# In "xʸ⁻¹" the exponent is not of these letters, so x is a name there; the x of "max" is none.
_NAME = re.compile(r"(?<![A-Za-z_])[A-Za-z_][A-Za-z_0-9]*")


def number(value: float) -> str:
    """At most six significant digits, with a real minus sign; whole numbers without a point.

    >>> number(-0.0374), number(12.0), number(1 / 3), number(-0.0)
    ('−0.0374', '12', '0.333333', '0')
    """
    return f"{value + 0.0:.6g}".replace("-", "−")  # −0 + 0 is 0


def rule_for(formula: str, argument: str) -> str:
    """The part of a formula that speaks of one argument, where a rule serves several.

    >>> rule_for("∂L/∂w = Σ g·x; ∂L/∂b = Σ g", "b")
    '∂L/∂b = Σ g'
    """
    for part in formula.split("; "):
        if part.startswith(f"∂L/∂{argument} "):
            return part
    return formula


def spelled_out(formula: str) -> str:
    """A formula whose small raised letters are written as names, so that something can be put for them.

    >>> spelled_out("∂L/∂x = g · eˣ"), spelled_out("∂L/∂x = g · y · xʸ⁻¹")
    ('∂L/∂x = g · exp(x)', '∂L/∂x = g · y · x^(y − 1)')
    """
    return formula.replace("eˣ", "exp(x)").replace("xʸ⁻¹", "x^(y − 1)").replace("xʸ", "x^y")


def names_in(formula: str) -> set[str]:
    """The names on the right side of a formula.

    >>> sorted(names_in("∂L/∂x = g · y"))
    ['g', 'y']
    """
    return set(_NAME.findall(spelled_out(formula).partition(" = ")[2]))


def with_numbers(formula: str, values: Mapping[str, float], result: float) -> str:
    """The right side of a formula with numbers for its names, and what comes out.

    >>> with_numbers("∂L/∂x = g · y", {"g": 2.0, "y": -5.0}, -10.0)
    '2 · (−5) = −10'
    >>> with_numbers("∂L/∂x = g · (1 − tanh²x)", {"g": 2.0, "x": 0.5}, 1.572895)
    '2 · (1 − tanh²(0.5)) = 1.57289'
    """
    right = spelled_out(formula).partition(" = ")[2]

    def filled(match: re.Match[str]) -> str:
        if match[0] not in values:
            return match[0]
        shown = number(values[match[0]])
        before, after = right[: match.start()][-1:], right[match.end() :][:1]
        stands_alone = before in ("", " ", "(") and after in ("", " ", ")", ",")
        first = not right[: match.start()].strip("( ") or before + after == "()"
        return shown if stands_alone and (shown[0] != "−" or first) else f"({shown})"

    left = _NAME.sub(filled, right)
    return left if left == number(result) else f"{left} = {number(result)}"
