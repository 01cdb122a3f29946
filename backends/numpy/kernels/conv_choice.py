"""Which way to convolve: estimate the time that each would take, and take the shortest.

A choice must not come from a stopwatch. The same call has to give the same bits today and tomorrow, and two
ways round differently. So the time is estimated from shapes alone. The figures below were measured on one
core of an ordinary processor (AVX2; 70 billion float32 operations a second in large products). Elsewhere all
of them differ, but their ratios differ less, and only those matter.
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from . import col2im, im2col, shared_rows, winograd
from .sliding import Sliding, numbers

# Nanoseconds.
MULTIPLY_ADD = 0.03  # in a product of matrices
PACK = 0.12  # for every number of these matrices: BLAS rearranges them before it multiplies
COPY = 0.25  # for every number,
RUN = 6  # and for every run of numbers that follow one another in memory
ADD = 0.7  # for every number that is added to one in memory
CALL = 1000  # of a NumPy function, from Python


class Problem(NamedTuple):
    """A convolution or one of its adjoints, without its numbers."""

    sliding: Sliding
    groups: int
    channels: int  # of the input, in each group
    filters: int  # in each group
    batch: int
    dtype: np.dtype[Any]
    exact: bool  # whether Winograd's rounding errors are unwelcome

    @property
    def lines(self) -> int:
        """How many numbers a filter looks at."""
        return self.channels * self.sliding.cells

    @property
    def columns(self) -> int:
        """How many windows there are in all images."""
        return self.sliding.places * self.batch

    def backwards(self) -> Problem:
        """For a stride of 1: the convolution that gives ∂L/∂x."""
        return self._replace(sliding=self.sliding.backwards(), channels=self.filters, filters=self.channels)


_remembered = lru_cache(maxsize=256)  # the layers are the same in every step


@_remembered
def way_forward(problem: Problem) -> ModuleType:
    """The module whose `forward` takes the least time."""
    return _fastest(_estimates(problem))


@_remembered
def way_to_weight_grad(problem: Problem) -> ModuleType:
    """The module whose `weight_grad` takes the least time: it does what `forward` does, in another order."""
    return _fastest(_estimates(problem))


@_remembered
def way_to_input_grad(problem: Problem) -> ModuleType:
    """The module whose `input_grad` takes the least time."""
    estimates = {col2im: _col2im(problem)}
    if set(problem.sliding.stride) == {1}:
        estimates |= _estimates(problem.backwards())
        if shared_rows in estimates:
            estimates[shared_rows] = _shared_rows_backwards(problem)
    return _fastest(estimates)


def _fastest(estimates: dict[ModuleType, float]) -> ModuleType:
    return min(estimates, key=estimates.__getitem__)


def _estimates(problem: Problem) -> dict[ModuleType, float]:
    estimates = {im2col: _im2col(problem)}
    if shared_rows.suits(problem.sliding, problem.groups * problem.channels, problem.batch):
        estimates[shared_rows] = _shared_rows(problem)
    if winograd.suits(problem.sliding, problem.groups, problem.dtype) and not problem.exact:
        estimates[winograd] = _winograd(problem)
    return estimates


# --- nanoseconds ----------------------------------------------------------------------------------


def _product(m: int, k: int, n: int) -> float:
    """(m × k) @ (k × n)."""
    return m * k * n * MULTIPLY_ADD + (m * k + k * n + m * n) * PACK


def _copies(amount: float, run: int, each: float = COPY) -> float:
    return amount * (each + RUN / run)


def _run(p: Problem) -> int:
    """How many numbers are copied in a run: those of a row of windows, which touch if the stride is 1."""
    return p.batch * (p.sliding.output_size[-1] if p.sliding.stride[-1] == 1 else 1)


def _im2col(p: Problem) -> float:
    written = 0 if p.sliding.is_pointwise else p.groups * p.lines * p.columns
    calls = 3 + 5 * (written // im2col.BLOCK_NUMBERS)
    return _copies(written, _run(p)) + p.groups * _product(p.filters, p.lines, p.columns) + calls * CALL


def _col2im(p: Problem) -> float:
    added = p.groups * p.lines * p.columns
    calls = (2 + p.sliding.cells) * (1 + added // col2im.BLOCK_NUMBERS)
    return _copies(added, _run(p), ADD) + p.groups * _product(p.lines, p.filters, p.columns) + calls * CALL


def _shared_rows(p: Problem) -> float:
    rows, row = p.sliding.output_size[0], shared_rows.unrolled_row(p.sliding, p.groups * p.channels, p.batch)
    parts = 1 + rows * row // shared_rows.BLOCK_NUMBERS
    reach = p.sliding.kernel_size[0] - p.sliding.stride[0]  # rows that neighbouring blocks both unroll
    written = row * (rows + parts * reach / p.sliding.stride[0]) + p.groups * p.filters * p.lines
    products = rows * p.groups * _product(p.filters, p.lines, p.columns // rows)
    return _copies(written, _run(p)) + products + (4 + 5 * parts) * CALL


def _shared_rows_backwards(p: Problem) -> float:
    rows, height = p.sliding.size[0], p.sliding.kernel_size[0]
    row_columns = p.columns // p.sliding.output_size[0]
    row_cells = p.sliding.cells // height
    copied = p.groups * p.filters * rows * row_columns
    added = p.groups * p.channels * row_cells * rows * row_columns
    products = rows * p.groups * _product(p.channels * row_cells, p.filters * height, row_columns)
    parts = 1 + (copied + added) // shared_rows.BLOCK_NUMBERS
    calls = 3 + (4 + row_cells) * parts
    return _copies(copied, row_columns) + _copies(added, _run(p), ADD) + products + calls * CALL


def _winograd(p: Problem) -> float:
    patches, parts = winograd.tiling(p.sliding, p.channels + p.filters, p.batch)
    tiles, area, pixels = patches.places * p.batch, winograd.AREA, winograd.TILE**2
    copies = _copies(2 * (p.channels * area + p.filters * pixels) * tiles, run=p.batch)
    transforms = _product(area, area, p.channels * tiles) + _product(pixels, area, p.filters * tiles)
    kernel = _product(area, p.sliding.cells, p.filters * p.channels)
    products = sum(area * _product(p.filters, p.channels, numbers(block)) for block in parts)
    calls = 4 + 6 * (len(parts) + area * (p.channels + p.filters) * tiles // winograd.CHUNK_NUMBERS)
    return copies + transforms + kernel + products + calls * CALL
