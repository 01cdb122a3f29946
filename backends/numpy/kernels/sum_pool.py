"""Sum pooling, cell by cell (see `cells.py`), a few channels at a time (see `blocks.py`)."""

from __future__ import annotations

from functools import partial

import numpy as np

from .blocks import Call, Staged, blocks, channels_at_a_time, channels_first, replay
from .cells import are_covering, are_overlapping, cells, output_size
from .memory import Arena, Array, Ints, Padding, Work, empty_batch_last, local_arena


def prepare_sum_pool(
    B: object,
    arena: Arena,
    x: Array,
    out: Array,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    ceil_mode: bool,
) -> Work:
    """The sum of every window of x (N, C, *S) -> (N, C, *S'); padding counts as zeros."""
    step = channels_at_a_time(channels_first(x))
    staged = Staged(arena, x, step)
    window = cells(x.shape[2:], out.shape[2:], kernel_size, stride, padding, _dense(kernel_size))
    calls: list[Call] = []
    for block in blocks(x.shape[1], step):
        part, load = staged[block]
        total = channels_first(out)[block]
        calls += [*load, partial(np.copyto, total, 0)]
        for _, windows, pixels in window:
            calls.append(partial(np.add, total[:, *windows], part[:, *pixels], total[:, *windows]))
    return replay(calls)


def sum_pool(
    B: object, x: Array, *, kernel_size: Ints, stride: Ints, padding: Padding, ceil_mode: bool
) -> Array:
    """The sum of every window of x (N, C, *S) -> (N, C, *S'); padding counts as zeros."""
    size = output_size(x.shape[2:], kernel_size, stride, padding, _dense(kernel_size), ceil_mode)
    out = empty_batch_last((*x.shape[:2], *size), x.dtype)
    window = {"kernel_size": kernel_size, "stride": stride}
    prepare_sum_pool(B, local_arena(), x, out, **window, padding=padding, ceil_mode=ceil_mode)()
    return out


def prepare_sum_pool_input_grad(
    B: object,
    arena: Arena,
    g: Array,
    dx: Array,
    *,
    size: Ints,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    ceil_mode: bool,
) -> Work:
    """The adjoint of `sum_pool`: add every g (N, C, *S') to all pixels of its window, (N, C, *size).

    With `ceil_mode` the last windows hang over the edge; how many there are, the shape of g says.
    """
    step = channels_at_a_time(channels_first(dx))
    staged = Staged(arena, g, step)
    window = cells(size, g.shape[2:], kernel_size, stride, padding, _dense(kernel_size))
    overlapping = are_overlapping(kernel_size, stride, _dense(kernel_size))
    calls: list[Call] = []
    for block in blocks(g.shape[1], step):
        part, load = staged[block]
        image = channels_first(dx)[block]
        calls += load
        if overlapping or not are_covering(window, size):
            calls.append(partial(np.copyto, image, 0))
        for _, windows, pixels in window:
            given, seen = part[:, *windows], image[:, *pixels]
            calls.append(
                partial(np.add, seen, given, seen) if overlapping else partial(np.copyto, seen, given)
            )
    return replay(calls)


def sum_pool_input_grad(
    B: object, g: Array, *, size: Ints, kernel_size: Ints, stride: Ints, padding: Padding, ceil_mode: bool
) -> Array:
    """The adjoint of `sum_pool`: add every g (N, C, *S') to all pixels of its window, (N, C, *size)."""
    dx = empty_batch_last((*g.shape[:2], *size), g.dtype)
    window = {"kernel_size": kernel_size, "stride": stride}
    prepare_sum_pool_input_grad(
        B, local_arena(), g, dx, size=size, **window, padding=padding, ceil_mode=ceil_mode
    )()
    return dx


def _dense(kernel_size: Ints) -> Ints:
    return (1,) * len(kernel_size)
