"""Products of vectors, matrices and stacks, put the way that cuBLAS takes them.

cuBLAS multiplies matrices whose rows, or whose columns, are runs of neighbouring numbers, any distance apart.
So a transposed matrix needs no copy, which matters: of the two products going back through a linear layer,
each has one. A stack is multiplied in one go if its matrices are equally far apart; a distance of 0 means the
same matrix every time. Whatever lies otherwise is copied first.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tinygrad_cnn.backend import Array
from tinygrad_cnn.dtypes import Shape

from .cublas import PRECISIONS, Cublas, Operand
from .kernels.layout import strides_of


def suits(x: Array, y: Array) -> bool:
    """Whether cuBLAS multiplies these: floats of one dtype, of shapes that fit together."""
    if x.dtype != y.dtype or x.dtype.name not in PRECISIONS or not x.ndim or not y.ndim:
        return False
    return bool(x.shape[-1] == y.shape[-2 if y.ndim > 1 else 0])


def matmul(xp: Any, cublas: Cublas, x: Array, y: Array) -> Array:
    """x @ y, as NumPy means it, of arrays that `suits` accepts; the result lies row by row."""
    if y.ndim == 1:  # a column
        return matmul(xp, cublas, x, y[:, None])[..., 0]
    if x.ndim == 1:  # a row
        return matmul(xp, cublas, x[None, :], y)[..., 0, :]
    if x.ndim > 2 and y.ndim == 2 and x.flags.c_contiguous:  # one tall matrix instead of many that share y
        rows = xp.reshape(x, (prod(x.shape[:-1]), x.shape[-1]))
        return xp.reshape(matmul(xp, cublas, rows, y), (*x.shape[:-1], y.shape[-1]))
    stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    shape = (*stack, x.shape[-2], y.shape[-1])
    if 0 in (*shape, x.shape[-1]):  # nothing to compute, or sums of nothing
        return xp.zeros(shape, dtype=x.dtype)
    out = xp.empty(shape, dtype=x.dtype)
    cublas.multiply(operand(xp, x, stack), operand(xp, y, stack), out, prod(stack))
    return out


def operand(xp: Any, array: Array, stack: Shape) -> Operand:
    """The matrices of an array, as many as there are in `stack`; copied if cuBLAS cannot read them there."""
    matrix = array.shape[-2:]
    lies = order(matrix, strides_of(array)[-2:])
    if lies is None:
        return operand(xp, array.copy(order="C"), stack)
    stacked = xp.broadcast_to(array, (*stack, *matrix))
    step = one_step(stack, strides_of(stacked)[:-2])
    if step is None:
        return operand(xp, stacked.copy(order="C"), stack)
    return Operand(stacked, *lies, step)


def order(shape: Shape, steps: Shape) -> tuple[bool, int] | None:
    """Whether a matrix lies in columns instead of rows, and how far apart these are; None if in neither.

    >>> order((2, 3), (3, 1)), order((3, 2), (1, 3))  # a matrix, and its transpose
    ((False, 3), (True, 3))
    >>> order((2, 3), (6, 2))  # every second number of a row
    """
    (rows, columns), (down, right) = shape, steps
    if columns == 1 or right == 1:
        leading = down if rows > 1 else columns
        if leading >= columns:
            return False, leading
    if rows == 1 or down == 1:
        leading = right if columns > 1 else rows
        if leading >= rows:
            return True, leading
    return None


def one_step(sizes: Shape, steps: Shape) -> int | None:
    """How many elements apart neighbours are, if several dimensions can be counted through as one.

    >>> one_step((4, 5), (500, 100)), one_step((4, 5), (0, 0))
    (100, 0)
    >>> one_step((4, 5), (0, 100))  # back to the first after every fifth
    """
    dimensions = [(size, step) for size, step in zip(sizes, steps, strict=True) if size > 1]
    if not dimensions:
        return 0
    first = expected = dimensions[-1][1]
    for size, step in reversed(dimensions):
        if step != expected or step < 0:
            return None
        expected *= size
    return first
