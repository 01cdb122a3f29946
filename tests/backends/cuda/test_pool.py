"""Pooling by the kernels of pool.cu, run on the CPU, against the readable kernels of ops/pool.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import assert_close, floats, normal, relaid, seeds

import tinygrad_cnn as tc
from tinygrad_cnn.ops import pool as ops
from tinygrad_cnn.windows import window_output_shape
from tinygrad_cnn_backends.cupy.kernels import KERNELS, launch, layout

NUMPY = tc.get_backend("numpy", overrides=False)
SPECIAL = [np.nan, -np.inf, -np.inf, np.inf, 1.0]
orders = st.sampled_from(["contiguous", "channels last", "reversed", "batch last", "strided"])


@st.composite
def pools(draw) -> tuple[tuple[int, ...], dict]:
    """A shape of images, and a window that fits."""

    def pair(low, high):
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel_size, stride, dilation = pair(1, 4), pair(1, 3), pair(1, 2)
    padding = tuple(tuple(draw(st.integers(0, k // 2)) for _ in range(2)) for k in kernel_size)
    size = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + draw(st.integers(0, 5))
        for k, d, p in zip(kernel_size, dilation, padding, strict=True)
    )
    shape = (draw(st.integers(0, 3)), draw(st.integers(0, 5)), *size)
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "dilation": dilation}
    return shape, window


def images(seed, shape, dtype, order="contiguous", values="normal") -> np.ndarray:
    x = normal(seed, shape, dtype)
    if values == "ties":
        x = np.round(x)
    if values == "special":
        x = np.random.default_rng(seed).choice(SPECIAL, shape).astype(dtype)
    if order == "channels last":
        return np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    return relaid(x, order)


@given(pools(), floats, orders, seeds, st.sampled_from(["normal", "ties", "special"]), st.booleans())
@settings(deadline=None)
def test_max_pool(gpu, pool, dtype, order, seed, values, ceil_mode):
    shape, window = pool
    x = images(seed, shape, dtype, order, values)
    out, winner = KERNELS["max_pool"](gpu, x, **window, ceil_mode=ceil_mode)
    expected_out, expected_winner = ops.max_pool.kernel(NUMPY, x, **window, ceil_mode=ceil_mode)
    assert (out.dtype, winner.dtype) == (dtype, np.uint8)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(winner, expected_winner)
    if order == "channels last" and out.size and shape[1] > 1:
        assert layout.is_channels_last(out)


@given(
    pools(),
    floats,
    orders,
    orders,
    seeds,
    st.sampled_from([np.uint8, np.int16, np.int32, np.int64]),
    st.booleans(),
)
@settings(deadline=None)
def test_scatter_and_gather(gpu, pool, dtype, order, other_order, seed, winner_dtype, ceil_mode):
    shape, window = pool
    x = images(seed, shape, dtype, order)
    _, winner = ops.max_pool.kernel(NUMPY, x, **window, ceil_mode=ceil_mode)
    winner = relaid(winner.astype(winner_dtype), "contiguous" if "last" in other_order else other_order)
    gathered = KERNELS["max_pool_gather"](gpu, x, winner, **window)
    np.testing.assert_array_equal(gathered, ops.max_pool_gather.kernel(NUMPY, x, winner, **window))

    grad = images(seed + 1, winner.shape, dtype, other_order)
    scattered = KERNELS["max_pool_scatter"](gpu, grad, winner, size=shape[2:], **window)
    expected = ops.max_pool_scatter.kernel(NUMPY, grad, winner, size=shape[2:], **window)
    assert scattered.dtype == dtype
    np.testing.assert_array_equal(scattered, expected)  # the same additions in the same order


@given(pools(), floats, orders, orders, seeds, st.booleans())
@settings(deadline=None)
def test_sum_pool(gpu, pool, dtype, order, other_order, seed, ceil_mode):
    shape, window = pool
    dilation = window.pop("dilation")
    size = tuple(s + (d - 1) * k for s, d, k in zip(shape[2:], dilation, window["kernel_size"], strict=True))
    x = images(seed, (*shape[:2], *size), dtype, order)
    params = {**window, "ceil_mode": ceil_mode}
    assert_close(KERNELS["sum_pool"](gpu, x, **params), ops.sum_pool.kernel(NUMPY, x, **params), dtype)

    out = window_output_shape(size, *window.values(), (1, 1), ceil_mode)
    grad = images(seed + 1, (*shape[:2], *out), dtype, other_order)
    spread = KERNELS["sum_pool_input_grad"](gpu, grad, size=size, **params)
    np.testing.assert_array_equal(spread, ops.sum_pool_input_grad.kernel(NUMPY, grad, size=size, **params))


def test_more_images_than_threads_of_a_block(gpu):
    window = {"kernel_size": (3, 3), "stride": (2, 2), "padding": ((1, 1),) * 2, "dilation": (1, 1)}
    x = images(0, (3, 4, 17, 15), np.float32)
    out, winner = KERNELS["max_pool"](gpu, x, **window, ceil_mode=False)
    assert out.size > 3 * launch.THREADS
    expected = ops.max_pool.kernel(NUMPY, x, **window, ceil_mode=False)
    np.testing.assert_array_equal(out, expected[0])
    np.testing.assert_array_equal(winner, expected[1])


def test_large_windows_count_their_cells_in_int32(gpu):
    x = images(0, (2, 1, 16, 17), np.float32)
    window = {"kernel_size": (16, 17), "stride": (1, 1), "padding": ((0, 0),) * 2, "dilation": (1, 1)}
    _, winner = KERNELS["max_pool"](gpu, x, **window, ceil_mode=False)
    assert winner.dtype == np.int32
    np.testing.assert_array_equal(winner.ravel(), x.reshape(2, -1).argmax(axis=1))


def test_places_beyond_32_bits_are_counted_in_64(gpu, monkeypatch):
    """An image that looks as if it were 2³¹ numbers away; the same sources, counted in `long long`."""
    far = np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (2, 1, 1, 1), (4 * 2**31, 4, 4, 4))
    assert layout.index_type(far) == "long long"
    assert layout.index_type(far[:1]) == "int"
    monkeypatch.setattr(layout, "_INT_MAX", 0)
    window = {"kernel_size": (2, 2), "stride": (1, 1), "padding": ((0, 1),) * 2, "dilation": (1, 1)}
    x = images(0, (2, 3, 4, 5), np.float64)
    out, winner = KERNELS["max_pool"](gpu, x, **window, ceil_mode=False)
    np.testing.assert_array_equal(out, ops.max_pool.kernel(NUMPY, x, **window, ceil_mode=False)[0])
    grad = images(1, out.shape, np.float64)
    scattered = KERNELS["max_pool_scatter"](gpu, grad, winner, size=(4, 5), **window)
    expected = ops.max_pool_scatter.kernel(NUMPY, grad, winner, size=(4, 5), **window)
    np.testing.assert_array_equal(scattered, expected)


@pytest.mark.parametrize("dims", [1, 3])
def test_lines_and_volumes_take_the_readable_kernels(gpu, dims):
    x = normal(0, (2, 3, *(4,) * dims), np.float32)
    window = {"kernel_size": (2,) * dims, "stride": (2,) * dims, "padding": ((0, 0),) * dims}
    out, winner = KERNELS["max_pool"](NUMPY, x, **window, dilation=(1,) * dims, ceil_mode=False)
    assert out.shape == winner.shape == (2, 3, *(2,) * dims)
    grad = {"size": x.shape[2:], **window, "dilation": (1,) * dims}
    assert KERNELS["max_pool_scatter"](NUMPY, out, winner, **grad).shape == x.shape
    del grad["size"]
    np.testing.assert_array_equal(KERNELS["max_pool_gather"](NUMPY, x, winner, **grad), out)
    assert KERNELS["sum_pool"](NUMPY, x, **window, ceil_mode=False).shape == out.shape
    spread = KERNELS["sum_pool_input_grad"](NUMPY, out, size=x.shape[2:], **window, ceil_mode=False)
    assert spread.shape == x.shape
