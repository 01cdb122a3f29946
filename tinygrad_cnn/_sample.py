"""Examples that an operation declares of itself.

They stand beside the kernel and say which shapes and parameters the operation is for; the generated tests
run every one of them on every backend. Only descriptions are here: `tinygrad_cnn.testing` draws the numbers.
"""

from __future__ import annotations

from typing import Any


class Draw:
    """How to draw one input of a sample: its shape and what its numbers look like."""

    def __init__(self, kind: str, shape: tuple[int, ...], low: float, high: float) -> None:
        self.kind = kind
        self.shape = shape
        self.low = low
        self.high = high


class Sample:
    """One example of calling an operation: what it is tried on by the generated tests.

    Args:
        inputs: one `Draw` (see the helpers below) for each input.
        params: the operation's parameters.
    """

    def __init__(self, *inputs: Draw, **params: Any) -> None:
        self.inputs = inputs
        self.params = params

    def __repr__(self) -> str:
        shown = [str(draw.shape) for draw in self.inputs]
        return ", ".join([*shown, *(f"{name}={value!r}" for name, value in self.params.items())])


def reals(*shape: int, low: float = -2.0, high: float = 2.0) -> Draw:
    """Floating-point numbers between low and high, no two alike and none near zero (kinks sit there)."""
    return Draw("reals", shape, low, high)


def integers(*shape: int, low: int = 0, high: int) -> Draw:
    """Integers low .. high−1."""
    return Draw("integers", shape, low, high)


def booleans(*shape: int) -> Draw:
    """A mask, about half of it True."""
    return Draw("booleans", shape, 0, 1)
