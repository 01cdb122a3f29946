"""Two elementwise operations for which NumPy's obvious function is far slower than it need be.

Both lie on the path of every ReLU, one forward and one backward. With the obvious functions they
would take as long as the convolutions of LeNet-5.
"""

from __future__ import annotations

import numpy as np

from .memory import Array


def relu(B: object, x: Array) -> Array:
    """max(x, 0), written as the maximum of two arrays.

    NumPy compares two arrays with vector instructions, eight numbers at a time, but an array and a single
    number one by one.
    """
    return np.maximum(x, np.zeros_like(x))


def where(B: object, condition: Array, x: Array, y: Array) -> Array:
    """Choose x where the condition holds, y elsewhere; on bits: ((x ^ y) if it holds, else 0) ^ y."""
    if x.dtype != y.dtype or x.dtype.kind not in "fiu":
        return np.where(condition, x, y)
    bits = _bits(x)
    if y.ndim == 0 and y.view(bits) == 0:  # the gradient of a ReLU: one step instead of three
        return kept(condition, x)
    difference = x.view(bits) ^ y.view(bits)
    return (kept(condition, difference) ^ y.view(bits)).view(x.dtype)


def kept(condition: Array, x: Array) -> Array:
    """Keep x where the condition holds, put 0 elsewhere, without a branch.

    `np.where` decides for every number anew. A processor works ahead and has to guess the decision; with a
    condition that has no pattern it guesses wrong half of the time and starts over. Here the condition is
    spread over all bits of a number (True becomes −1, which is all ones) and "and"-ed with it: there is
    nothing to guess. A product with 0 and 1 would not do, because ∞ · 0 is NaN.
    """
    select = condition.astype(_bits(x))
    np.negative(select, out=select)
    return (x.view(select.dtype) & select).view(x.dtype)


def _bits(x: Array) -> np.dtype[np.signedinteger]:
    """The integers as wide as the numbers of x."""
    return np.dtype(f"i{x.itemsize}")
