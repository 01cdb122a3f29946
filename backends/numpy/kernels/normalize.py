"""Batch normalisation, a few channels at a time.

Every statistic is one number a channel, so the readable kernel walks over all the numbers again and again:
for the mean, the differences, their squares, the result. When the array is larger than the cache, each walk
fetches it from main memory. With the batch last (see `memory.py`) a channel is one contiguous run; here all
steps are taken for a few channels while they are in the cache, then for the next few. Sums are written as
products with a vector of ones: BLAS adds several times as fast as `np.sum`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .memory import Array, batch_first, batch_last

BLOCK_NUMBERS = 1 << 18  # 1 MB in float32, so that three such blocks find room in the cache


def batch_norm(B: object, x: Array, weight: Array, bias: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Normalise every channel of x (N, C, *S) over N and *S -> (out, mean (C,), biased variance (C,)).

    The mean is taken twice: whatever rounding left of it in the differences is measured and taken
    off again. So the variance of 10000 ± 0.01 is right in float32, though the first sum is not (the corrected
    two-pass algorithm of T. Chan, G. Golub and R. LeVeque, "Algorithms for Computing the Sample Variance",
    The American Statistician 37, 1983).
    """
    x = batch_last(x)
    channels, count = _by_channel(x), max(1, math.prod(x.shape[1:]))
    ones = np.ones(channels.shape[1], x.dtype)
    out, mean, var = np.empty_like(channels), np.empty_like(weight), np.empty_like(weight)
    for block in _blocks(channels):
        rough_mean = channels[block] @ ones / count
        centred = channels[block] - rough_mean[:, None]
        rest = centred @ ones / count
        mean[block] = rough_mean + rest
        var[block] = np.maximum(np.vecdot(centred, centred) / count - rest * rest, 0)
        scale = weight[block] / np.sqrt(var[block] + eps)
        np.multiply(centred, scale[:, None], out=out[block])
        out[block] += (bias[block] - rest * scale)[:, None]
    return batch_first(out.reshape(x.shape)), mean, var


def batch_norm_grad(
    B: object, g: Array, x: Array, weight: Array, mean: Array, var: Array, *, eps: float
) -> tuple[Array, Array, Array]:
    """∂L/∂x, ∂L/∂weight and ∂L/∂bias, from g = ∂L/∂out (N, C, *S) and what the forward pass saw.

    With x̂ = (x − mean) / √(var + eps) and M numbers a channel,

        ∂L/∂weight = Σ(g·x̂)        ∂L/∂bias = Σg
        ∂L/∂x = weight / √(var + eps) · (g − Σg / M − x̂ · Σ(g·x̂) / M)
    """
    g, x = batch_last(g), batch_last(x)
    g_channels, x_channels, count = _by_channel(g), _by_channel(x), max(1, math.prod(x.shape[1:]))
    ones = np.ones(x_channels.shape[1], x.dtype)
    dx, dweight, dbias = np.empty_like(x_channels), np.empty_like(weight), np.empty_like(weight)
    for block in _blocks(x_channels):
        inverse_std = 1 / np.sqrt(var[block] + eps)
        centred = x_channels[block] - mean[block][:, None]
        rest = centred @ ones / count  # the mean itself has been rounded
        dbias[block] = g_channels[block] @ ones
        dweight[block] = (np.vecdot(g_channels[block], centred) - rest * dbias[block]) * inverse_std

        scale = weight[block] * inverse_std
        slope = -scale * inverse_std * dweight[block] / count
        offset = -scale * dbias[block] / count - slope * rest
        np.multiply(g_channels[block], scale[:, None], out=dx[block])
        centred *= slope[:, None]
        centred += offset[:, None]
        dx[block] += centred
    return batch_first(dx.reshape(x.shape)), dweight, dbias


def _by_channel(x: Array) -> Array:
    """(C, *S, N) -> (C, everything else), a view."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


def _blocks(channels: Array) -> Iterator[slice]:
    """The channels in blocks of BLOCK_NUMBERS at most, or one by one where a channel has more."""
    step = max(1, BLOCK_NUMBERS // max(1, channels.shape[1]))
    return (slice(start, start + step) for start in range(0, channels.shape[0], step))
