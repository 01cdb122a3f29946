"""Floats of 16 bits in kernels: read as float32, computed in float32, rounded once."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from kernel_arrays import normal

import tinygrad_cnn as tc
from tinygrad_cnn.ops import pool as pool_ops
from tinygrad_cnn_backends.cupy.kernels import FUSED, KERNELS, launch, layout

CONVERSIONS = """
template <typename Stored>
__global__ void widen(const Stored* x, float* out) { out[blockIdx.x] = x[blockIdx.x]; }

template <typename Stored>
__global__ void narrow(const float* x, Stored* out) { out[blockIdx.x] = Stored(x[blockIdx.x]); }
"""
NUMPY = tc.get_backend("numpy", overrides=False)
DTYPES = {"bfloat16": np.dtype(ml_dtypes.bfloat16), "float16": np.dtype(np.float16)}
each_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)


@pytest.fixture(scope="module")
def conversions(compile_for_cpu):
    names = [f"{kernel}<{dtype}>" for kernel in ("widen", "narrow") for dtype in DTYPES]
    return compile_for_cpu("conversions", launch.read_source("common.cuh") + CONVERSIONS, names)


def run(gpu, library, kernel, x, dtype):
    out = gpu.xp.empty(x.shape, dtype)
    narrow = (x if kernel == "widen" else out).dtype.name
    gpu.xp.launch(library, f"{kernel}<{narrow}>", x.shape, (1,), (x, out))
    return out


def all_of(dtype) -> np.ndarray:
    """Every number of 16 bits there is."""
    return np.arange(2**16, dtype=np.uint16).view(dtype)


@each_dtype
def test_every_number_widens_to_itself(gpu, conversions, dtype):
    x = all_of(dtype)
    np.testing.assert_array_equal(run(gpu, conversions, "widen", x, np.float32), x.astype(np.float32))


@each_dtype
def test_numbers_round_to_the_nearest_and_to_even(gpu, conversions, dtype):
    x = all_of(dtype).astype(np.float32)
    with np.errstate(all="ignore"):
        middles = (x[:-1] + x[1:]) / 2
        beside = [np.nextafter(middles, np.float32(to)) for to in (-np.inf, np.inf)]
        anything = np.random.default_rng(0).integers(0, 2**32, 2**16, dtype=np.uint32).view(np.float32)
        for numbers in (x, middles, *beside, anything):
            numbers = numbers.astype(np.float32)
            found = run(gpu, conversions, "narrow", numbers, dtype)
            expected = numbers.astype(dtype)
            np.testing.assert_array_equal(found.astype(np.float32), expected.astype(np.float32))
            signs = np.signbit(found.astype(np.float32)) == np.signbit(expected.astype(np.float32))
            assert (signs | np.isnan(numbers)).all()


# --- kernels --------------------------------------------------------------------------------------


def rounded_once(kernel, gpu, arrays, dtype, **params):
    """What a kernel makes of 16-bit floats, and what it makes of the same numbers in float32, rounded."""
    wide = [array.astype(np.float32) if array.dtype == dtype else array for array in arrays]
    found, expected = (kernel(gpu, *inputs, **params) for inputs in (arrays, wide))
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    return found, [one.astype(other.dtype) for one, other in zip(expected, found, strict=True)]


def assert_same(pair):
    for found, expected in zip(*pair, strict=True):
        np.testing.assert_array_equal(found.astype(np.float64), expected.astype(np.float64))


def images(seed, dtype, *, channels_last, shape=(3, 4, 7, 6)):
    x = normal(seed, shape, np.float32).astype(dtype)
    return np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1) if channels_last else x


WINDOW = {"kernel_size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 1))}
DILATED = {**WINDOW, "dilation": (1, 2)}


@each_dtype
@pytest.mark.parametrize("channels_last", [False, True])
def test_pooling(gpu, dtype, channels_last):
    x = images(0, dtype, channels_last=channels_last)
    pair = rounded_once(KERNELS["max_pool"], gpu, [x], dtype, **DILATED, ceil_mode=False)
    assert_same(pair)
    out, winner = pair[0]
    assert (out.dtype, winner.dtype, layout.is_channels_last(out)) == (dtype, np.uint8, channels_last)
    g = images(1, dtype, channels_last=channels_last, shape=out.shape)
    assert_same(rounded_once(KERNELS["max_pool_scatter"], gpu, [g, winner], dtype, size=(7, 6), **DILATED))
    assert_same(rounded_once(KERNELS["max_pool_gather"], gpu, [x, winner], dtype, **DILATED))
    (total,), _ = pair = rounded_once(KERNELS["sum_pool"], gpu, [x], dtype, **WINDOW, ceil_mode=False)
    assert_same(pair)
    g = images(2, dtype, channels_last=channels_last, shape=total.shape)
    options = {"size": (7, 6), **WINDOW, "ceil_mode": False}
    assert_same(rounded_once(KERNELS["sum_pool_input_grad"], gpu, [g], dtype, **options))


def test_sums_under_a_window_are_not_rounded_in_between(gpu):
    x = np.full((1, 1, 1, 300), 1, DTYPES["bfloat16"])
    options = {"kernel_size": (1, 300), "stride": (1, 1), "padding": ((0, 0), (0, 0)), "ceil_mode": False}
    assert KERNELS["sum_pool"](gpu, x, **options).astype(float) == 300  # 256 + 1 is 256


@each_dtype
def test_a_kernel_that_does_not_suit_leaves_them_to_the_readable_one(dtype):
    x = normal(0, (2, 3, 9), np.float32).astype(dtype)
    window = {"kernel_size": (3,), "stride": (2,), "padding": ((1, 1),), "ceil_mode": False}
    found = KERNELS["sum_pool"](NUMPY, x, **window)
    expected = pool_ops.sum_pool.kernel(NUMPY, x.astype(np.float32), **window)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.astype(np.float32), expected.astype(dtype).astype(np.float32))


@each_dtype
@pytest.mark.parametrize("vectors", ["float32", "narrow"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_batch_normalization(gpu, dtype, vectors, channels_last):
    x, g, residual = (images(seed, dtype, channels_last=channels_last) for seed in range(3))
    kind = np.float32 if vectors == "float32" else dtype
    weight, bias = (normal(seed, (4,), np.float32).astype(kind) for seed in (3, 4))
    pair = rounded_once(FUSED["batch_norm_relu"], gpu, [x, weight, bias, residual], dtype, eps=1e-3)
    assert_same(pair)
    out, mean, var = pair[0]
    assert [array.dtype for array in pair[0]] == [dtype, kind, kind]
    assert layout.is_channels_last(out) == channels_last
    inputs = [g, x, weight, mean, var, out]
    pair = rounded_once(FUSED["batch_norm_relu_grad"], gpu, inputs, dtype, eps=1e-3, residual=True)
    assert_same(pair)
    assert [array.dtype for array in pair[0]] == [dtype, kind, kind, dtype]
    assert_same(rounded_once(KERNELS["batch_norm"], gpu, [x, weight, bias], dtype, eps=1e-3))
    assert_same(rounded_once(KERNELS["batch_norm_grad"], gpu, inputs[:-1], dtype, eps=1e-3))


@each_dtype
def test_cross_entropy(gpu, dtype):
    logits = (normal(0, (5, 40), np.float32) * 30).astype(dtype)
    target = np.eye(40, dtype=dtype)[:5]
    pair = rounded_once(KERNELS["softmax_cross_entropy"], gpu, [logits, target], dtype, dim=1)
    assert_same(pair)
    loss, log_probabilities = pair[0]
    assert loss.dtype == log_probabilities.dtype == dtype
    g = normal(1, (5,), np.float32).astype(dtype)
    inputs = [g, target, log_probabilities]
    assert_same(rounded_once(FUSED["softmax_cross_entropy_grad"], gpu, inputs, dtype, dim=1))
