"""Elementwise operations for which NumPy's obvious function is far slower than it need be.

All lie on the path of every ReLU, forward or backward. With the obvious functions they would take as long as
the convolutions of LeNet-5.

`np.where` decides for every number anew. A processor works ahead and has to guess the decision; with a
condition that has no pattern it guesses wrong half of the time and starts over. Here the condition becomes a
whole number, 1 or 0, and multiplies the bits of the number, read as a whole number too: there is nothing to
guess. A product of floating-point numbers would not do, because ∞ · 0 is NaN.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tinygrad_cnn._op import REGISTRY

from .blocks import Call, elementwise_blocks, replay, zeros
from .memory import Arena, Array, Work


def prepare_relu(B: object, arena: Arena, x: Array, out: Array) -> Work:
    """max(x, 0), written as the maximum of two arrays; out may be x."""
    pieces = elementwise_blocks(x, out)
    most = max((target.size for _, target in pieces), default=0)
    return replay(
        [
            partial(np.maximum, source, zeros(most, x.dtype)[: source.size].reshape(source.shape), out=target)
            for source, target in pieces
        ]
    )


def relu(B: object, x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, np.zeros_like(x))


def prepare_relu_grad(B: object, arena: Arena, g: Array, out: Array, dx: Array) -> Work:
    """dx = g where `out`, the result of a ReLU, is not 0, and 0 elsewhere; dx may be g."""
    pieces = elementwise_blocks(g, out, dx)
    keep = Keeping(arena, max((target.size for *_, target in pieces), default=0), g.dtype)
    return replay([call for piece in pieces for call in keep.where_not_zero(*piece)])


class Keeping:
    """Calls that keep some numbers of a block and replace the others by 0, with scratch memory for them."""

    def __init__(self, arena: Arena, most: int, dtype: np.dtype[Any]) -> None:
        self._mask = arena.take((most,), np.bool_)
        self._select = arena.take((most,), bits(dtype))

    def where_not_zero(self, x: Array, condition: Array, out: Array) -> list[Call]:
        """Keep x where the condition, a number, is not 0; out may be x."""
        mask = self._mask[: x.size].reshape(x.shape)
        return [partial(np.not_equal, condition, 0, mask), *self.where(x, mask, out)]

    def where_equal(self, x: Array, condition: Array, number: int, out: Array) -> list[Call]:
        """Keep x where the condition is that number; out may be x."""
        mask = self._mask[: x.size].reshape(x.shape)
        return [partial(np.equal, condition, number, mask), *self.where(x, mask, out)]

    def where(self, x: Array, mask: Array, out: Array) -> list[Call]:
        """Keep x where the mask is true; out may be x."""
        select = self._select[: x.size].reshape(x.shape)
        return [
            partial(np.copyto, select, mask),
            partial(np.multiply, x.view(select.dtype), select, out.view(select.dtype)),
        ]


def where(B: object, condition: Array, x: Array, y: Array) -> Array:
    """Choose x where the condition holds, y elsewhere; on bits: ((x ^ y) if it holds, else 0) ^ y."""
    if x.dtype != y.dtype or x.dtype.kind not in "fiu":
        return np.where(condition, x, y)
    as_bits = bits(x.dtype)
    if y.ndim == 0 and y.view(as_bits) == 0:  # the gradient of a ReLU: one step instead of three
        return kept(condition, x)
    difference = x.view(as_bits) ^ y.view(as_bits)
    return (kept(condition, difference) ^ y.view(as_bits)).view(x.dtype)


def kept(condition: Array, x: Array) -> Array:
    """Keep x where the condition holds, put 0 elsewhere."""
    as_bits = bits(x.dtype)
    return (condition.astype(as_bits) * x.view(as_bits)).view(x.dtype)


def bits(dtype: np.dtype[Any]) -> np.dtype[np.unsignedinteger]:
    """The whole numbers as wide as that."""
    return np.dtype(f"u{dtype.itemsize}")


# --- looking for what is not finite ---------------------------------------------------------------


def all_finite(B: Any, *values: Array) -> Array:
    """True, or the readable kernel's error.

    A sum with a NaN or an infinity in it is not finite either, and NumPy adds faster than it looks at every
    number. The other way round it need not be so: a sum may overflow. Then every number is looked at.
    """
    for value in values:
        if not np.isfinite(np.add.reduce(value, axis=None)):
            result: Array = REGISTRY["all_finite"].kernel(B, *values)
            return result
    return np.ones((), np.bool)
