"""Batch normalisation in two phases, each a few channels at a time.

Every statistic is one number a channel, so the readable kernel walks over all the numbers again and again:
for the mean, the differences, their squares, the result. Here all steps are taken for a few channels while
they are in the cache (see `blocks.py`). With the batch last (see `memory.py`) a channel is one contiguous
run. Sums are written as products with a vector of ones: BLAS adds several times as fast as `np.sum`.

Where the batch is cut into parts, one for each thread, a part cannot normalise before all parts are counted:

    every part   prepare_batch_norm_statistics(B, arena, x, mean, squares)
    one thread   prepare_combine_statistics(B, arena, means, squares, mean, var, *, counts)
    every part   prepare_batch_norm_apply(B, arena, x, weight, bias, mean, var, out, *, eps, relu, residual)

    every part   prepare_batch_norm_grad_sums(B, arena, g, x, mean, sums, *, relu_out, kept_g)
    one thread   prepare_batch_norm_parameter_grads(B, arena, var, sums, dweight, dbias, *, eps)
    every part   prepare_batch_norm_grad_apply(B, arena, g, x, weight, mean, var, sums, dx, *, count, eps)

x, g, out, dx are (N, C, *S); the statistics and sums are float64, because they are few: mean, var and squares
(C,), of several parts (parts, C), and sums (2, C). The sums of the parts are simply added.

Usually the mean is about as large as the standard deviation, and then it does no harm to fold it into the
shift, x·scale + (bias − mean·scale), and to take the variance as the mean square minus the squared mean. For
numbers such as 10000 ± 0.01 that would leave nothing of the variance in float32. So a block in which a mean
is FAR from 0 takes the careful way: the mean, rounded, is subtracted from the numbers first, which is exact
where it matters, and what rounding took off the mean is added in the end.

Source: T. Chan, G. Golub, R. LeVeque, "Algorithms for Computing the Sample Variance", The American
Statistician 37, 1983: the corrected two-pass algorithm (the careful way) and the formula that combines parts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from .blocks import Call, Staged, blocks, by_channel, channels_at_a_time, channels_first, replay, zeros
from .elementwise import Keeping
from .memory import Arena, Array, Work, empty_batch_last, local_arena

FAR = 2  # standard deviations between the mean and 0; up to here rounding costs two bits of the variance

# --- forward --------------------------------------------------------------------------------------


def prepare_batch_norm_statistics(B: object, arena: Arena, x: Array, mean: Array, squares: Array) -> Work:
    """Of one part: the mean of every channel, and Σ (x − mean)²."""
    step = channels_at_a_time(channels_first(x))
    staged, count = Staged(arena, x, step), _count(x)
    total, square = (arena.take((step,), x.dtype) for _ in range(2))
    ones = np.ones(count, x.dtype)
    calls: list[Call] = []
    for block in blocks(x.shape[1], step):
        part, load = staged[block]
        rows, k = by_channel(part), part.shape[0]
        calls += [
            *load,
            partial(np.matmul, rows, ones, total[:k]),
            partial(np.vecdot, rows, rows, square[:k]),
            partial(_statistics, rows, ones, total[:k], square[:k], mean[block], squares[block]),
        ]
    return replay(calls)


def _statistics(rows: Array, ones: Array, total: Array, square: Array, mean: Array, squares: Array) -> None:
    """From Σ x and Σ x², or with care: Σ (x − mean)² = Σ (x − rough)² − count · (mean − rough)²."""
    count = max(1, ones.size)
    np.divide(total, count, out=mean, dtype=np.float64)
    np.subtract(square, count * mean * mean, out=squares)
    if _far(mean, squares / count).any():
        rough = mean.astype(rows.dtype)
        centred = rows - rough[:, None]
        rest = (centred @ ones).astype(np.float64) / count
        np.add(rough, rest, out=mean)
        np.maximum(np.vecdot(centred, centred) - count * rest * rest, 0, out=squares)


def _far(mean: Array, var: Array) -> Array:
    """Of which channels the mean is too far from 0 to be folded into other numbers, or squares overflowed."""
    return ~(mean * mean <= FAR**2 * var) | np.isinf(var)


def prepare_combine_statistics(
    B: object, arena: Arena, means: Array, squares: Array, mean: Array, var: Array, *, counts: Sequence[int]
) -> Work:
    """Of all parts (parts, C), how many numbers a channel each had in `counts`: the mean and biased variance.

    Σ (x − mean)² is what it was about each part's own mean, and the distance of the means.
    """
    weights = np.array(counts, np.float64)[:, None]
    total = max(1, sum(counts))

    def work() -> None:
        np.divide((weights * means).sum(axis=0), total, out=mean)
        np.divide((squares + weights * (means - mean) ** 2).sum(axis=0), total, out=var)

    return work


def prepare_batch_norm_apply(
    B: object,
    arena: Arena,
    x: Array,
    weight: Array,
    bias: Array,
    mean: Array,
    var: Array,
    out: Array,
    *,
    eps: float,
    relu: bool = False,
    residual: Array | None = None,
) -> Work:
    """out = (x − mean) / √(var + eps) · weight + bias [+ residual] [and max(that, 0)]; out may be x."""
    step = channels_at_a_time(channels_first(x))
    staged = Staged(arena, x, step)
    centre, scale, shift = (arena.take((x.shape[1], 1), x.dtype) for _ in range(3))

    def factors() -> None:
        centre[:, 0] = np.where(_far(mean, var), mean, 0)
        exact = weight / np.sqrt(var + eps)
        scale[:, 0] = exact
        shift[:, 0] = bias - (mean - centre[:, 0]) * exact

    calls: list[Call] = [factors]
    for block in blocks(x.shape[1], step):
        part, load = staged[block]
        result = channels_first(out)[block]
        rows = by_channel(result)
        calls += [
            *load,
            partial(_scale, by_channel(part), centre[block], scale[block], rows),
            partial(np.add, rows, shift[block], rows),
        ]
        if residual is not None:
            calls.append(partial(np.add, result, channels_first(residual)[block], result))
        if relu:
            flat = rows.reshape(-1)
            calls.append(partial(np.maximum, flat, zeros(flat.size, flat.dtype), out=flat))
    return replay(calls)


def _scale(x: Array, centre: Array, scale: Array, out: Array) -> None:
    """out = (x − centre) · scale, in one step where the centre is 0."""
    if centre.any():
        x = np.subtract(x, centre, out)
    np.multiply(x, scale, out)


def batch_norm(B: object, x: Array, weight: Array, bias: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Normalise every channel of x (N, C, *S) over N and *S -> (out, mean (C,), biased variance (C,))."""
    means, squares = np.empty((2, 1, x.shape[1]))
    mean, var = np.empty((2, x.shape[1]))
    out = empty_batch_last(x.shape, x.dtype)
    prepare_batch_norm_statistics(B, local_arena(), x, means[0], squares[0])()
    prepare_combine_statistics(B, local_arena(), means, squares, mean, var, counts=[_count(x)])()
    prepare_batch_norm_apply(B, local_arena(), x, weight, bias, mean, var, out, eps=eps)()
    return out, mean.astype(x.dtype), var.astype(x.dtype)


# --- backward -------------------------------------------------------------------------------------


def prepare_batch_norm_grad_sums(
    B: object,
    arena: Arena,
    g: Array,
    x: Array,
    mean: Array,
    sums: Array,
    *,
    relu_out: Array | None = None,
    kept_g: Array | None = None,
) -> Work:
    """Of one part: Σ g and Σ g · (x − mean) of every channel, into sums[0] and sums[1].

    If a ReLU followed and gave `relu_out`, g counts only where that is not 0. What counts, and 0 elsewhere,
    is written to `kept_g` (which may be g itself), to be the g of the second phase.
    """
    step = channels_at_a_time(channels_first(x))
    staged_g, staged_x, count = Staged(arena, g, step), Staged(arena, x, step), _count(x)
    sum_g, sum_gx, square = (arena.take((step,), x.dtype) for _ in range(3))
    ones = np.ones(count, x.dtype)
    keep = Keeping(arena, step * count if relu_out is not None else 0, x.dtype)
    calls: list[Call] = []
    for block in blocks(x.shape[1], step):
        part_g, load_g = staged_g[block]
        part_x, load_x = staged_x[block]
        calls += [*load_g, *load_x]
        if relu_out is not None and kept_g is not None:
            counted = channels_first(kept_g)[block]
            calls += keep.where_not_zero(part_g, channels_first(relu_out)[block], counted)
            part_g = counted
        rows_g, rows_x, k = by_channel(part_g), by_channel(part_x), part_x.shape[0]
        calls += [
            partial(np.matmul, rows_g, ones, sum_g[:k]),
            partial(np.vecdot, rows_g, rows_x, sum_gx[:k]),
            partial(np.vecdot, rows_x, rows_x, square[:k]),
            partial(_sums, rows_g, rows_x, sum_g[:k], sum_gx[:k], square[:k], mean[block], sums[:, block]),
        ]
    return replay(calls)


def _sums(g: Array, x: Array, sum_g: Array, sum_gx: Array, square: Array, mean: Array, sums: Array) -> None:
    """From Σ g and Σ g·x, or with care: Σ g · (x − mean) = Σ g · (x − centre) − Σ g · (mean − centre)."""
    sums[0], centre = sum_g, np.zeros_like(sum_g)
    if _far(mean, square / max(1, x.shape[1]) - mean * mean).any():
        centre[...] = mean
        sum_gx = np.vecdot(g, x - centre[:, None])
    np.subtract(sum_gx, (mean - centre) * sums[0], out=sums[1])


def prepare_batch_norm_parameter_grads(
    B: object, arena: Arena, var: Array, sums: Array, dweight: Array, dbias: Array, *, eps: float
) -> Work:
    """∂L/∂weight = Σ g·x̂ and ∂L/∂bias = Σ g, from the sums of all parts."""

    def work() -> None:
        dbias[...] = sums[0]
        dweight[...] = sums[1] / np.sqrt(var + eps)

    return work


def prepare_batch_norm_grad_apply(
    B: object,
    arena: Arena,
    g: Array,
    x: Array,
    weight: Array,
    mean: Array,
    var: Array,
    sums: Array,
    dx: Array,
    *,
    count: int,
    eps: float,
) -> Work:
    """∂L/∂x, from the sums of all parts, which had `count` numbers a channel; dx may be g.

    With x̂ = (x − mean) / √(var + eps):  ∂L/∂x = weight / √(var + eps) · (g − Σ g / M − x̂ · Σ(g·x̂) / M)
    """
    step = channels_at_a_time(channels_first(x))
    staged_g, staged_x = Staged(arena, g, step), Staged(arena, x, step)
    tilted = arena.take((step, _count(x)), x.dtype)
    centre, scale, slope, offset = (arena.take((x.shape[1], 1), x.dtype) for _ in range(4))

    def factors() -> None:
        centre[:, 0] = np.where(_far(mean, var), mean, 0)
        exact = weight / np.sqrt(var + eps)
        tilt = -exact / (var + eps) * sums[1] / max(1, count)
        scale[:, 0], slope[:, 0] = exact, tilt
        offset[:, 0] = -exact * sums[0] / max(1, count) - tilt * (mean - centre[:, 0])

    calls: list[Call] = [factors]
    for block in blocks(x.shape[1], step):
        part_g, load_g = staged_g[block]
        part_x, load_x = staged_x[block]
        rows = by_channel(channels_first(dx)[block])
        about = tilted[: part_x.shape[0]]
        calls += [
            *load_g,
            *load_x,
            partial(_scale, by_channel(part_x), centre[block], slope[block], about),
            partial(np.add, about, offset[block], about),
            partial(np.multiply, by_channel(part_g), scale[block], rows),
            partial(np.add, rows, about, rows),
        ]
    return replay(calls)


def batch_norm_grad(
    B: object, g: Array, x: Array, weight: Array, mean: Array, var: Array, *, eps: float
) -> tuple[Array, Array, Array]:
    """∂L/∂x, ∂L/∂weight and ∂L/∂bias, from g = ∂L/∂out (N, C, *S) and what the forward pass saw."""
    exact_mean, exact_var = _unrounded(x, mean, var), var.astype(np.float64)
    sums = np.empty((2, *weight.shape))
    dx, dweight, dbias = empty_batch_last(x.shape, x.dtype), np.empty_like(weight), np.empty_like(weight)
    prepare_batch_norm_grad_sums(B, local_arena(), g, x, exact_mean, sums)()
    prepare_batch_norm_parameter_grads(B, local_arena(), exact_var, sums, dweight, dbias, eps=eps)()
    arrays = g, x, weight, exact_mean, exact_var, sums, dx
    prepare_batch_norm_grad_apply(B, local_arena(), *arrays, count=_count(x), eps=eps)()
    return dx, dweight, dbias


def _unrounded(x: Array, mean: Array, var: Array) -> Array:
    """The mean in float64. What rounding has taken off one far from 0 is still in the differences."""
    exact = mean.astype(np.float64)
    for channel in np.flatnonzero(_far(mean, var)):
        exact[channel] += np.mean(x[:, channel] - mean[channel], dtype=np.float64)
    return exact


def _count(x: Array) -> int:
    """How many numbers x (N, C, *S) has a channel."""
    count: int = math.prod((len(x), *x.shape[2:]))
    return count
