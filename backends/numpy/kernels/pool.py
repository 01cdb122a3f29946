"""Max pooling, and the two ways along its winners: back to the image, and from the image.

All windows are treated at once, cell by cell (see `cells.py`), a few channels at a time, so that the cells
of a window are fetched from memory only once (see `blocks.py`). Which cell won is one byte a window.

The usual 2×2 windows have a file of their own, `tournament.py`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from .blocks import Call, Staged, blocks, channels_at_a_time, channels_first, replay, zeros
from .cells import Cell, are_covering, are_overlapping, cells, is_complete, output_size
from .elementwise import Keeping
from .memory import Arena, Array, Ints, Padding, Work, empty_batch_last, local_arena
from .tournament import Tournament, is_two_by_two

# --- maximum --------------------------------------------------------------------------------------


def prepare_max_pool(
    B: object,
    arena: Arena,
    x: Array,
    out: Array,
    winner: Array,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    ceil_mode: bool,
    relu: bool = False,
) -> Work:
    """The maximum of every window of x (N, C, *S) -> (N, C, *S'), and the number of the cell that won.

    The first maximum wins, and a NaN wins over every number. With `relu` out is max(maximum, 0); the winner
    is the same. (A ReLU before the pooling gives the same out: the larger of two numbers stays the larger.)
    """
    size, step = x.shape[2:], channels_at_a_time(channels_first(x))
    window = cells(size, out.shape[2:], kernel_size, stride, padding, dilation)
    staged = Staged(arena, x, step)
    method: Tournament | _Rounds
    if is_two_by_two(out.shape[2:], size, kernel_size, stride, padding, dilation):
        method = Tournament(arena, (step, *size, x.shape[0]), x.dtype)
    else:
        method = _Rounds(arena, window, (step, *out.shape[2:], x.shape[0]), winner.dtype)
    calls: list[Call] = []
    for block in blocks(x.shape[1], step):
        part, load = staged[block]
        maxima, winners = channels_first(out)[block], channels_first(winner)[block]
        line = maxima.reshape(-1)
        calls += [*load, *method.calls(part, maxima, winners)]
        if relu:
            calls.append(partial(np.maximum, line, zeros(line.size, line.dtype), out=line))
        calls.append(partial(_let_nan_win, part, line, winners, window))
    return replay(calls)


class _Rounds:
    """Every cell of the window challenges the best so far."""

    def __init__(self, arena: Arena, window: tuple[Cell, ...], shape: Ints, winner: np.dtype[Any]) -> None:
        self._window = window
        self._wins = arena.take((math.prod(shape),), np.bool_)
        # One byte that is 1 or 0 becomes one that is the number of the cell or 0, in the same place.
        narrow = winner == np.uint8
        self._won = self._wins.view(np.uint8) if narrow else arena.take(self._wins.shape, winner)

    def calls(self, x: Array, out: Array, winner: Array) -> list[Call]:
        """From x (k, *S, N) the maxima and winners (k, *S', N)."""
        window, size = self._window, out.shape[1:-1]
        first = window[:1]
        steps: list[Call] = []
        if not first or not is_complete(first[0], size):
            steps.append(partial(np.copyto, out, -np.inf))
            steps.append(partial(np.copyto, winner, 0))
        beginning = first if first and is_complete(first[0], size) else tuple(reversed(window))
        # In the end, the number of the first cell that lies on the input.
        steps += [partial(np.copyto, winner[:, *cell.windows], cell.number) for cell in beginning]
        steps += [partial(np.copyto, out[:, *cell.windows], x[:, *cell.pixels]) for cell in first]
        for number, windows, pixels in window[1:]:
            best, candidate = out[:, *windows], x[:, *pixels]
            wins = self._wins[: best.size].reshape(best.shape)
            won = self._won[: best.size].reshape(best.shape)
            steps += [
                partial(np.greater, candidate, best, wins),
                partial(np.maximum, candidate, best, out=best),  # of 0 and −0 the one that came first stays
                # Later cells have higher numbers, so "the number of whoever won last" is a maximum, too.
                partial(np.multiply, wins.view(np.uint8), won.dtype.type(number), won),
                partial(np.maximum, winner[:, *windows], won, out=winner[:, *windows]),
            ]
        return steps


def _let_nan_win(x: Array, line: Array, winner: Array, window: tuple[Cell, ...]) -> None:
    """No comparison with a NaN is true, so it has not been counted as a winner, but it is a maximum.

    A sum of squares is NaN if and only if one of the maxima is, and the quickest way to ask.
    """
    if math.isnan(np.dot(line, line)):
        for number, windows, pixels in reversed(window):
            np.copyto(winner[:, *windows], number, where=np.isnan(x[:, *pixels]), casting="unsafe")


def max_pool(
    B: object, x: Array, *, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints, ceil_mode: bool
) -> tuple[Array, Array]:
    """The maximum of every window of x (N, C, *S) -> (N, C, *S'), and the number of the cell that won."""
    size = output_size(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    out = empty_batch_last((*x.shape[:2], *size), x.dtype)
    winner = empty_batch_last(out.shape, np.uint8 if math.prod(kernel_size) <= 256 else np.int32)
    prepare_max_pool(
        B,
        local_arena(),
        x,
        out,
        winner,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )()
    return out, winner


# --- along the winners ----------------------------------------------------------------------------


def prepare_max_pool_scatter(
    B: object,
    arena: Arena,
    g: Array,
    winner: Array,
    dx: Array,
    *,
    size: Ints,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
) -> Work:
    """Add every number of g (N, C, *S') to its winner's place in zeros of (N, C, *size)."""
    step = channels_at_a_time(channels_first(dx))
    staged_g, staged_winner = Staged(arena, g, step), Staged(arena, winner, step)
    window = cells(size, g.shape[2:], kernel_size, stride, padding, dilation)
    overlapping = are_overlapping(kernel_size, stride, dilation)
    most = step * math.prod(g.shape[2:]) * g.shape[0]
    keep, scratch = Keeping(arena, most, g.dtype), arena.take((most,), g.dtype)
    calls: list[Call] = []
    for block in blocks(g.shape[1], step):
        part_g, load_g = staged_g[block]
        part_winner, load_winner = staged_winner[block]
        image = channels_first(dx)[block]
        calls += [*load_g, *load_winner]
        if overlapping or not are_covering(window, size):
            calls.append(partial(np.copyto, image, 0))
        for number, windows, pixels in window:
            part, seen = part_g[:, *windows], image[:, *pixels]
            won = scratch[: part.size].reshape(part.shape)
            calls += keep.where_equal(part, part_winner[:, *windows], number, won)
            # A pixel that is met only once need not be read first.
            calls.append(partial(np.add, seen, won, seen) if overlapping else partial(np.copyto, seen, won))
    return replay(calls)


def max_pool_scatter(
    B: object,
    g: Array,
    winner: Array,
    *,
    size: Ints,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
) -> Array:
    """Add every number of g (N, C, *S') to its winner's place in zeros of (N, C, *size)."""
    dx = empty_batch_last((*g.shape[:2], *size), g.dtype)
    prepare_max_pool_scatter(
        B,
        local_arena(),
        g,
        winner,
        dx,
        size=size,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )()
    return dx


def prepare_max_pool_gather(
    B: object,
    arena: Arena,
    x: Array,
    winner: Array,
    out: Array,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
) -> Work:
    """Read x (N, C, *S) at the winners -> (N, C, *S'): the adjoint of `max_pool_scatter`."""
    step = channels_at_a_time(channels_first(x))
    staged_x, staged_winner = Staged(arena, x, step), Staged(arena, winner, step)
    window = cells(x.shape[2:], winner.shape[2:], kernel_size, stride, padding, dilation)
    most = step * math.prod(winner.shape[2:]) * winner.shape[0]
    keep, scratch = Keeping(arena, most, x.dtype), arena.take((most,), x.dtype)
    calls: list[Call] = []
    for block in blocks(x.shape[1], step):
        part_x, load_x = staged_x[block]
        part_winner, load_winner = staged_winner[block]
        chosen = channels_first(out)[block]
        calls += [*load_x, *load_winner, partial(np.copyto, chosen, 0)]
        for number, windows, pixels in window:
            part = part_x[:, *pixels]
            won = scratch[: part.size].reshape(part.shape)
            calls += keep.where_equal(part, part_winner[:, *windows], number, won)
            calls.append(partial(np.add, chosen[:, *windows], won, chosen[:, *windows]))
    return replay(calls)


def max_pool_gather(
    B: object, x: Array, winner: Array, *, kernel_size: Ints, stride: Ints, padding: Padding, dilation: Ints
) -> Array:
    """Read x (N, C, *S) at the winners -> (N, C, *S'): the adjoint of `max_pool_scatter`."""
    out = empty_batch_last(winner.shape, x.dtype)
    prepare_max_pool_gather(
        B,
        local_arena(),
        x,
        winner,
        out,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )()
    return out
