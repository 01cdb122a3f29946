"""Pooling of the NumPy backend against loops that visit one window and one cell at a time."""

from __future__ import annotations

import itertools
import math
from unittest import mock

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import Windows, assert_close, floats, normal, orders, relaid, seeds, windows

from tinygrad_cnn_backends.numpy.kernels import KERNELS, PREPARE, blocks
from tinygrad_cnn_backends.numpy.kernels.memory import empty_batch_last, local_arena

B = None  # the kernels are handed a backend and do not look at it

max_pool, max_pool_scatter, max_pool_gather = (
    KERNELS[name] for name in ("max_pool", "max_pool_scatter", "max_pool_gather")
)
prepare_max_pool = PREPARE["max_pool"]
sum_pool, sum_pool_input_grad = KERNELS["sum_pool"], KERNELS["sum_pool_input_grad"]

block_bytes = st.sampled_from([1, 1000, blocks.BLOCK_BYTES])  # one channel at a time, a few, all


def max_pool_by_loops(x: np.ndarray, sweep: Windows) -> tuple[np.ndarray, np.ndarray]:
    shape = (*x.shape[:2], *sweep.output_size)
    out, winner = np.full(shape, -np.inf), np.zeros(shape, int)
    seen = np.zeros(sweep.output_size, bool)
    for window, cell, pixel in sweep.places():
        if pixel is None:
            continue
        for n, c in itertools.product(range(x.shape[0]), range(x.shape[1])):
            value, best = x[n, c, *pixel], out[n, c, *window]
            if not seen[window] or value > best or (math.isnan(value) and not math.isnan(best)):
                out[n, c, *window], winner[n, c, *window] = value, sweep.number(cell)
        seen[window] = True
    return out, winner


two_by_two = st.builds(
    lambda batch, size, ceil_mode: Windows(
        batch, size, (2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1), ceil_mode and min(size) > 1
    ),
    st.integers(0, 3),
    st.tuples(st.integers(2, 7), st.integers(2, 7)),
    st.booleans(),
)
pools = windows(pooling=True) | two_by_two  # which have a kernel of their own


@given(
    pools, floats, orders, seeds, st.sampled_from(["normal", "ties", "special"]), st.booleans(), block_bytes
)
@settings(max_examples=300, deadline=None)
def test_max_pool_equals_loops(sweep, dtype, order, seed, values, relu, block):
    x = normal(seed, (min(sweep.batch, 3), 3, *sweep.size), dtype)
    if values == "ties":
        x = np.round(x)
    if values == "special":
        x = np.random.default_rng(seed).choice([np.nan, -np.inf, -np.inf, np.inf, 1.0], x.shape).astype(dtype)
    x = relaid(x, order)
    expected_out, expected_winner = max_pool_by_loops(x, sweep)
    out, winner = (empty_batch_last(expected_out.shape, kind) for kind in (dtype, np.uint8))
    params = {"kernel_size": sweep.kernel_size, "ceil_mode": sweep.ceil_mode, **sweep.sliding}
    with mock.patch.object(blocks, "BLOCK_BYTES", block):
        prepare_max_pool(B, local_arena(), x, out, winner, **params, relu=relu)()
    np.testing.assert_array_equal(out, np.maximum(expected_out, 0) if relu else expected_out)
    np.testing.assert_array_equal(winner, expected_winner)

    eager_out, eager_winner = max_pool(B, x, **params)
    assert (eager_out.dtype, eager_winner.dtype) == (dtype, np.uint8)
    np.testing.assert_array_equal(eager_out, expected_out)
    np.testing.assert_array_equal(eager_winner, expected_winner)


@given(pools, floats, orders, seeds, block_bytes)
@settings(max_examples=200, deadline=None)
def test_scatter_and_gather_go_to_the_winners(sweep, dtype, order, seed, block):
    with mock.patch.object(blocks, "BLOCK_BYTES", block):
        scatter_and_gather(sweep, dtype, order, seed)


def scatter_and_gather(sweep: Windows, dtype: type, order: str, seed: int) -> None:
    batch = min(sweep.batch, 3)
    x = normal(seed, (batch, 2, *sweep.size), dtype, order)
    pooling = {"kernel_size": sweep.kernel_size, **sweep.sliding}
    out, winner = max_pool(B, x, ceil_mode=sweep.ceil_mode, **pooling)
    real = np.isfinite(out)  # a dilated window may lie on padding only; then nothing is read or written
    np.testing.assert_array_equal(
        max_pool_gather(B, x, relaid(winner, order), **pooling), np.where(real, out, 0)
    )

    g = normal(seed + 1, out.shape, dtype, order)
    expected = np.zeros(x.shape)
    for window, cell, pixel in sweep.places():
        if pixel is not None:
            expected[:, :, *pixel] += g[:, :, *window] * (winner[:, :, *window] == sweep.number(cell))
    dx = max_pool_scatter(B, g, relaid(winner, order), size=sweep.size, **pooling)
    assert_close(dx, expected, dtype)


def test_scatter_of_an_infinite_gradient_reaches_the_winner_only():
    x = np.array([[[1.0, 3.0, 2.0, 0.0]]])
    pooling = {"kernel_size": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}
    _, winner = max_pool(B, x, ceil_mode=False, **pooling)
    dx = max_pool_scatter(B, np.array([[[np.inf, np.nan]]]), winner, size=(4,), **pooling)
    np.testing.assert_array_equal(dx, [[[0, np.inf, np.nan, 0]]])


def test_large_windows_count_their_cells_in_int32():
    x = normal(0, (2, 1, 16, 17), np.float32)
    out, winner = max_pool(
        B, x, kernel_size=(16, 17), stride=(1, 1), padding=((0, 0),) * 2, dilation=(1, 1), ceil_mode=False
    )
    assert winner.dtype == np.int32
    np.testing.assert_array_equal(winner.ravel(), x.reshape(2, -1).argmax(axis=1))
    np.testing.assert_array_equal(out.ravel(), x.reshape(2, -1).max(axis=1))


def test_overlapping_windows_share_a_winner():
    """Case 53: k3 s1 on [1, 5, 2, 0] gives the gradient [0, 2, 0, 0]."""
    pooling = {"kernel_size": (3,), "stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
    out, winner = max_pool(B, np.array([[[1.0, 5.0, 2.0, 0.0]]]), ceil_mode=False, **pooling)
    dx = max_pool_scatter(B, np.ones_like(out), winner, size=(4,), **pooling)
    np.testing.assert_array_equal(dx, [[[0, 2, 0, 0]]])


@given(pools, floats, orders, seeds, block_bytes)
@settings(max_examples=200, deadline=None)
def test_sum_pool_equals_loops(sweep, dtype, order, seed, block):
    dense = Windows(
        sweep.batch,
        sweep.size,
        sweep.kernel_size,
        sweep.stride,
        sweep.padding,
        (1,) * len(sweep.size),
        sweep.ceil_mode,
    )
    pooling = {
        "kernel_size": dense.kernel_size,
        "stride": dense.stride,
        "padding": dense.padding,
        "ceil_mode": dense.ceil_mode,
    }
    x = normal(seed, (dense.batch, 2, *dense.size), dtype, order)
    g = normal(seed + 1, (dense.batch, 2, *dense.output_size), dtype, order)
    expected, expected_dx = np.zeros(g.shape), np.zeros(x.shape)
    for window, _, pixel in dense.places():
        if pixel is not None:
            expected[:, :, *window] += x[:, :, *pixel]
            expected_dx[:, :, *pixel] += g[:, :, *window]
    with mock.patch.object(blocks, "BLOCK_BYTES", block):
        assert_close(sum_pool(B, x, **pooling), expected, dtype)
        assert_close(sum_pool_input_grad(B, g, size=dense.size, **pooling), expected_dx, dtype)
