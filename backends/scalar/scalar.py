"""Scalar: a number that remembers how it was computed. All of backpropagation on one page.

    >>> a = Scalar(1.0)
    >>> b = a + a
    >>> c = b + b
    >>> c.backward()
    >>> a.grad                      # c = 4a
    4.0

Every operation on Scalars gives a new one that knows its parents, and for each parent how fast it changes
when that parent does: the local derivative, a number.

    z = x · y           z.parents  =  ((x, ∂z/∂x = y), (y, ∂z/∂y = x))

`backward` starts with ∂L/∂L = 1 and goes through the graph from the result to the beginnings. Each number
hands its gradient on to its parents, times the local derivative; what arrives from several sides is summed:

    ∂L/∂x = Σ over all z made from x:  ∂L/∂z · ∂z/∂x               (the chain rule)

That is everything a deep-learning framework does; the rest is doing it to whole arrays at once. The idea of
so small an engine is Andrej Karpathy's micrograd (2020).
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from numbers import Real
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from .ieee import cosine, hyperbolic_cosine, hyperbolic_sine, log, power, quiet, ratio, root, sine, total

Parents: TypeAlias = "tuple[tuple[Scalar, float], ...]"

# What is computed later has a higher number, so sorting by it puts parents before children.
_next_serial = itertools.count().__next__


def elementary(
    symbol: str, function: Callable[[float], float], derivative: Callable[[float, float], float]
) -> Callable[[Scalar], Scalar]:
    """A method y = f(x), from f and its derivative written in x and y."""

    def method(self: Scalar) -> Scalar:
        x = self.value
        y = function(x)
        return Scalar(y, ((self, derivative(x, y)),), symbol)

    return method


def comparison(compare: Callable[[float, float], bool]) -> Callable[[Scalar, Any], Any]:
    """A comparison of values. NaN is neither less nor more; asking the processor would raise its alarm."""

    def method(self: Scalar, other: Any) -> Any:
        x, y = self.value, value_of(other)
        if not isinstance(y, Real):
            return NotImplemented
        return not (math.isnan(x) or math.isnan(y)) and compare(x, float(y))

    return method


class Scalar:
    """A number with its history.

    Attributes:
        value: the number.
        parents: the numbers it was computed from, each with the local derivative.
        grad: after `backward`, how fast the result changes when this number does.
        symbol: the operation, for drawings; "" for a number that nothing was computed for.
    """

    __slots__ = ("grad", "parents", "serial", "symbol", "value")

    def __init__(self, value: float, parents: Parents = (), symbol: str = "") -> None:
        self.value = value
        self.parents = parents
        self.grad = 0.0
        self.symbol = symbol
        self.serial = _next_serial()

    def backward(self, seed: float = 1.0) -> None:
        """Fill `grad` of every number that this one was computed from; each call starts afresh."""
        order = self.history()
        for node in order:
            node.grad = 0.0
        self.grad = seed
        for node in reversed(order):
            for parent, derivative in node.parents:
                parent.grad += node.grad * derivative

    def history(self) -> list[Scalar]:
        """All that it was computed from, parents first, and itself (a stack: no depth is too deep)."""
        reached, stack = {self}, [self]
        while stack:
            for parent, _ in stack.pop().parents:
                if parent not in reached:
                    reached.add(parent)
                    stack.append(parent)
        return sorted(reached, key=attrgetter("serial"))

    # --- arithmetic: the value, and the local derivatives

    def __add__(self, other: Any) -> Scalar:
        if type(other) is not Scalar and (other := as_scalar(other)) is None:
            return NotImplemented
        return Scalar(self.value + other.value, ((self, 1.0), (other, 1.0)), "+")

    def __sub__(self, other: Any) -> Scalar:
        if type(other) is not Scalar and (other := as_scalar(other)) is None:
            return NotImplemented
        return Scalar(self.value - other.value, ((self, 1.0), (other, -1.0)), "−")

    def __mul__(self, other: Any) -> Scalar:
        if type(other) is not Scalar and (other := as_scalar(other)) is None:
            return NotImplemented
        return Scalar(self.value * other.value, ((self, other.value), (other, self.value)), "·")

    def __truediv__(self, other: Any) -> Scalar:
        if type(other) is not Scalar and (other := as_scalar(other)) is None:
            return NotImplemented
        value = ratio(self.value, other.value)
        return Scalar(value, ((self, ratio(1.0, other.value)), (other, ratio(-value, other.value))), "/")

    def __pow__(self, other: Any) -> Scalar:
        x = self.value
        if type(other) is not Scalar:
            if not isinstance(other, (int, float)):
                return NotImplemented
            return Scalar(power(x, other), ((self, other * power(x, other - 1) if other else 0.0),), "xʸ")
        y, value = other.value, power(x, other.value)
        by_base = y * power(x, y - 1) if y else 0.0  # x⁰ is constant, also at 0 and ∞
        by_exponent = 0.0 if x == 0 <= y else value * log(x)
        return Scalar(value, ((self, by_base), (other, by_exponent)), "xʸ")

    def __floordiv__(self, other: Any) -> Scalar:
        if type(other) is not Scalar and (other := as_scalar(other)) is None:
            return NotImplemented
        return Scalar(quiet(np.floor_divide, self.value, other.value))

    def __mod__(self, other: Any) -> Scalar:
        if type(other) is not Scalar and (other := as_scalar(other)) is None:
            return NotImplemented
        whole = quiet(np.floor_divide, self.value, other.value)
        remainder = quiet(np.remainder, self.value, other.value)
        return Scalar(remainder, ((self, 1.0), (other, -whole)), "mod")

    def arctan2(self, other: Any) -> Scalar:
        """The angle of the point (other, self)."""
        y, x = self, other if type(other) is Scalar else Scalar(float(other))
        square = x.value * x.value + y.value * y.value
        # The origin lies in no direction.
        by_y, by_x = (ratio(x.value, square), ratio(-y.value, square)) if square else (0.0, 0.0)
        return Scalar(math.atan2(y.value, x.value), ((y, by_y), (x, by_x)), "atan2")

    def __neg__(self) -> Scalar:
        return Scalar(-self.value, ((self, -1.0),), "−x")

    def __abs__(self) -> Scalar:
        x = self.value
        sign = 1.0 if x > 0 else -1.0 if x < 0 else x  # of 0 and NaN it is the number itself
        return Scalar(abs(x), ((self, sign),), "|x|")

    relu = elementary("ReLU", lambda x: x if x > 0 else 0.0, lambda x, y: 1.0 if x > 0 else 0.0)

    def __radd__(self, other: Any) -> Scalar:
        return Scalar(other) + self

    def __rsub__(self, other: Any) -> Scalar:
        return Scalar(other) - self

    def __rmul__(self, other: Any) -> Scalar:
        return Scalar(other) * self

    def __rtruediv__(self, other: Any) -> Scalar:
        return Scalar(other) / self

    def __rpow__(self, other: Any) -> Scalar:
        return Scalar(other) ** self

    # --- elementary functions: y, and its derivative in terms of x and y

    exp = elementary("eˣ", total(math.exp, np.exp), lambda x, y: y)
    expm1 = elementary("eˣ−1", total(math.expm1, np.expm1), lambda x, y: y + 1)
    log = elementary("ln", log, lambda x, y: ratio(1.0, x))
    log1p = elementary("ln(1+x)", total(math.log1p, np.log1p), lambda x, y: ratio(1.0, 1 + x))
    log2 = elementary("log₂", total(math.log2, np.log2), lambda x, y: ratio(1.0, x * math.log(2)))
    log10 = elementary("log₁₀", total(math.log10, np.log10), lambda x, y: ratio(1.0, x * math.log(10)))
    sqrt = elementary("√", root, lambda x, y: ratio(1.0, 2 * y))
    square = elementary("x²", lambda x: x * x, lambda x, y: 2 * x)
    reciprocal = elementary("1/x", lambda x: ratio(1.0, x), lambda x, y: -y * y)
    sin = elementary("sin", sine, lambda x, y: cosine(x))
    cos = elementary("cos", cosine, lambda x, y: -sine(x))
    tan = elementary("tan", total(math.tan, np.tan), lambda x, y: 1 + y * y)
    sinh = elementary("sinh", hyperbolic_sine, lambda x, y: hyperbolic_cosine(x))
    cosh = elementary("cosh", hyperbolic_cosine, lambda x, y: hyperbolic_sine(x))
    tanh = elementary("tanh", math.tanh, lambda x, y: 1 - y * y)
    arcsin = elementary("asin", total(math.asin, np.arcsin), lambda x, y: ratio(1.0, root(1 - x * x)))
    arccos = elementary("acos", total(math.acos, np.arccos), lambda x, y: ratio(-1.0, root(1 - x * x)))
    arctan = elementary("atan", math.atan, lambda x, y: 1 / (1 + x * x))
    arcsinh = elementary("asinh", math.asinh, lambda x, y: 1 / math.sqrt(1 + x * x))
    arccosh = elementary("acosh", total(math.acosh, np.arccosh), lambda x, y: ratio(1.0, root(x * x - 1)))
    arctanh = elementary("atanh", total(math.atanh, np.arctanh), lambda x, y: ratio(1.0, 1 - x * x))
    erf = elementary("erf", math.erf, lambda x, y: 2 / math.sqrt(math.pi) * math.exp(-x * x))

    # --- comparison: of the values; there is nothing to differentiate

    def __eq__(self, other: object) -> bool:
        return bool(self.value == value_of(other))

    __lt__ = comparison(operator.lt)
    __le__ = comparison(operator.le)
    __gt__ = comparison(operator.gt)
    __ge__ = comparison(operator.ge)

    __hash__ = object.__hash__  # of the number in the graph, not of its value

    def __bool__(self) -> bool:
        return self.value != 0

    def __float__(self) -> float:
        return float(self.value)

    def __repr__(self) -> str:
        return f"Scalar({self.value:g})"


def as_scalar(number: Any) -> Scalar | None:
    """A plain number as a constant; None for anything else."""
    return Scalar(float(number)) if isinstance(number, Real) else None


def value_of(number: Any) -> Any:
    """The value of a Scalar; a plain number is its own."""
    return number.value if type(number) is Scalar else number


def shared(name: str, winners: list[Scalar], value: float) -> Scalar:
    """The value that several numbers have alike (a maximum): they share its gradient evenly."""
    return Scalar(value, tuple((winner, 1 / len(winners)) for winner in winners), name)
