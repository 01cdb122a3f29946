"""What every reference is written with: loops over indices, and reading one element at a time."""

from __future__ import annotations

import itertools
import math

import numpy as np


def places(shape):
    """Every index of a shape, in row-major order."""
    return itertools.product(*[range(size) for size in shape])


def table(shape, entry):
    """An array whose element at `index` is entry(index)."""
    result = np.empty(shape, dtype=object)
    for index in places(shape):
        result[index] = entry(index)
    return result


def number(x, index=()):
    """One element, as a Python number."""
    return x[index].item()


def stretched(shape, index):
    """The index in an operand of `shape` that stands at `index` of the broadcast result."""
    own = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else place for size, place in zip(shape, own, strict=True))


def common_shape(*shapes):
    ndim = max(len(shape) for shape in shapes)
    padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    return tuple(0 if 0 in sizes else max(sizes) for sizes in zip(*padded, strict=True))


def read(x, index, outside=0.0):
    """An element, or `outside` where the index leaves the array."""
    inside = not [i for i, size in zip(index, x.shape, strict=True) if not 0 <= i < size]
    return number(x, tuple(index)) if inside else outside


def axes_of(dim, ndim):
    if dim is None:
        return set(range(ndim))
    return {one % ndim for one in (dim if isinstance(dim, tuple) else (dim,))} if ndim else set()


def line_through(x, index, dim):
    """The elements of x along `dim` through one place."""
    return [number(x, (*index[:dim], i, *index[dim + 1 :])) for i in range(x.shape[dim])]


def flat_position(shape, index):
    position = 0
    for size, place in zip(shape, index, strict=True):
        position = position * size + place
    return position


def total(values):
    result = 0
    for value in values:
        result += value
    return result


def product(values):
    result = 1
    for value in values:
        result *= value
    return result


def mean(values):
    return total(values) / len(values) if values else math.nan


def var(values, *, correction):
    centre = mean(values)
    return total([(value - centre) ** 2 for value in values]) / (len(values) - correction)


def largest(values):
    best = values[0]
    for value in values:
        best = value if value > best else best
    return best


def smallest(values):
    return -largest([-value for value in values])
