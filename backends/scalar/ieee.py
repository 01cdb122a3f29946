"""Arithmetic as IEEE 754 defines it, where Python would raise.

    1.0 / 0.0         Python: ZeroDivisionError     IEEE 754: inf
    math.log(0.0)     Python: ValueError            IEEE 754: −inf
    math.exp(1000)    Python: OverflowError         IEEE 754: inf
    (−8.0) ** 0.5     Python: a complex number      IEEE 754: NaN

Every function tries Python's own, which is quick, and asks NumPy only when that has raised.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def quiet(function: Callable[..., Any], *numbers: float) -> float:
    """A NumPy function of numbers, without its warnings."""
    with np.errstate(all="ignore"):
        return float(function(*map(float, numbers)))


def ratio(x: float, y: float) -> float:
    """x / y."""
    try:
        return x / y
    except ZeroDivisionError:
        return quiet(np.divide, x, y)


def power(x: float, y: float) -> float:
    """x to the power y."""
    try:
        return math.pow(x, y)
    except (ValueError, OverflowError):
        return quiet(np.power, x, y)


def total(function: Callable[[float], float], everywhere: Callable[..., Any]) -> Callable[[float], float]:
    """A function of Python's, continued by NumPy's to where Python's raises."""

    def continued(x: float) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return quiet(everywhere, x)

    return continued


def root(x: float) -> float:
    """√x."""
    return math.sqrt(x) if x >= 0 else math.nan


log = total(math.log, np.log)
sine, cosine = total(math.sin, np.sin), total(math.cos, np.cos)
hyperbolic_sine, hyperbolic_cosine = total(math.sinh, np.sinh), total(math.cosh, np.cosh)
