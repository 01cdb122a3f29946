"""Batch normalization by the kernels of batch_norm.cu, run on the CPU, against ops/normalize.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import assert_close, floats, normal, relaid, seeds

import tinygrad_cnn as tc
from tinygrad_cnn.ops import normalize as ops
from tinygrad_cnn_backends.cupy.kernels import FUSED, KERNELS, layout, normalize

NUMPY = tc.get_backend("numpy", overrides=False)
orders = st.sampled_from(["contiguous", "channels last", "reversed", "batch last", "strided"])
shapes = st.one_of(
    st.tuples(st.integers(0, 40), st.integers(1, 40)),
    st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(0, 4), st.sampled_from([1, 3, 6, 33]), st.integers(1, 5), st.integers(1, 5)),
)


def numbers(seed, shape, dtype, order="contiguous") -> np.ndarray:
    x = normal(seed, shape, dtype)
    if order == "channels last":
        return np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    return relaid(x, order)


def vectors(seed, channels, dtype):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(channels).astype(dtype) for _ in range(2))


def check(actual, expected, dtype):
    for one, other in zip(actual, expected, strict=True):
        assert_close(one, np.asarray(other), dtype)


@given(shapes, floats, orders, orders, seeds, st.booleans(), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_both_directions(gpu, shape, dtype, order, other_order, seed, descending, parts):
    x, g = numbers(seed, shape, dtype, order), numbers(seed + 1, shape, dtype, other_order)
    weight, bias = vectors(seed, shape[1], dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu.xp, "descending", descending)
        patch.setattr(normalize, "_parts", lambda values, columns: parts)
        out, mean, var = KERNELS["batch_norm"](gpu, x, weight, bias, eps=1e-3)
        check((out, mean, var), ops.batch_norm.kernel(NUMPY, x, weight, bias, eps=1e-3), dtype)
        given_back = KERNELS["batch_norm_grad"](gpu, g, x, weight, mean, var, eps=1e-3)
        check(given_back, ops.batch_norm_grad.kernel(NUMPY, g, x, weight, mean, var, eps=1e-3), dtype)
    if order == "channels last" and x.size and shape[1] > 1:
        assert layout.is_channels_last(out)


@given(shapes, floats, orders, orders, seeds, st.booleans())
@settings(max_examples=60, deadline=None)
def test_relu_and_residual(gpu, shape, dtype, order, other_order, seed, has_residual):
    x, g = numbers(seed, shape, dtype, order), numbers(seed + 1, shape, dtype, other_order)
    residual = numbers(seed + 2, shape, dtype, other_order) if has_residual else None
    weight, bias = vectors(seed, shape[1], dtype)
    out, mean, var = FUSED["batch_norm_relu"](gpu, x, weight, bias, residual, eps=1e-3)
    plain, *statistics = ops.batch_norm.kernel(NUMPY, x, weight, bias, eps=1e-3)
    check(
        (out, mean, var), (np.maximum(plain + (0 if residual is None else residual), 0), *statistics), dtype
    )

    backward, inputs = FUSED["batch_norm_relu_grad"], (g, x, weight, mean, var, out)
    *gradients, residual_grad = backward(gpu, *inputs, eps=1e-3, residual=True)
    for one, other in zip(gradients, backward(gpu, *inputs, eps=1e-3, residual=False), strict=True):
        np.testing.assert_array_equal(one, other)
    behind = np.where(out > 0, g, 0).astype(dtype)
    np.testing.assert_array_equal(residual_grad, behind)
    check(gradients, ops.batch_norm_grad.kernel(NUMPY, behind, x, weight, mean, var, eps=1e-3), dtype)


def test_statistics_of_large_numbers_that_differ_little(gpu):
    x = (1e4 + numbers(0, (50, 6, 8, 8), np.float32) / 10).astype(np.float32)
    one, zero = np.ones(6, np.float32), np.zeros(6, np.float32)
    _, mean, var = KERNELS["batch_norm"](gpu, x, one, zero, eps=1e-5)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(var, exact.var((0, 2, 3)), rtol=1e-3)


def test_equal_numbers_become_zero(gpu):
    x = np.full((8, 3, 5, 5), 12345.678, np.float32)
    out, _, var = KERNELS["batch_norm"](gpu, x, np.ones(3, np.float32), np.zeros(3, np.float32), eps=1e-5)
    np.testing.assert_array_equal(out, np.zeros_like(x))
    np.testing.assert_array_equal(var, np.zeros(3))


def test_nan_stays_in_its_channel_and_passes_the_relu(gpu):
    x = numbers(0, (4, 3, 2, 2), np.float32)
    x[1, 1, 0, 0] = np.nan
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    out, mean, _ = FUSED["batch_norm_relu"](gpu, x, one, zero, eps=1e-5)
    assert np.isnan(out[:, 1]).all()
    assert np.isnan(mean[1])
    assert np.isfinite(out[:, [0, 2]]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_nan_behind_the_relu_lets_the_gradient_through(gpu, dtype):
    """As the rule of the ReLU does: its output is 0 where it cuts off, and a NaN is not 0."""
    x, g = numbers(0, (2, 3, 4), dtype), numbers(1, (2, 3, 4), dtype)
    one, zero = np.ones(3, np.float32), np.zeros(3, np.float32)
    out = np.full(x.shape, np.nan, dtype)
    out[1] = 0
    *_, residual_grad = FUSED["batch_norm_relu_grad"](gpu, g, x, one, zero, one, out, eps=1e-5, residual=True)
    np.testing.assert_array_equal(residual_grad, np.stack([g[0], np.zeros_like(g[1])]))


def test_many_blocks_share_a_channel(gpu):
    """And find the same numbers in whatever order they run."""
    x = numbers(0, (64, 2, 16, 16), np.float32)
    weight, bias = vectors(0, 2, np.float32)
    assert normalize._Sweep.over(x).parts > 3
    found = KERNELS["batch_norm"](gpu, x, weight, bias, eps=1e-5)
    check(found, ops.batch_norm.kernel(NUMPY, x, weight, bias, eps=1e-5), np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu.xp, "descending", True)
        again = KERNELS["batch_norm"](gpu, x, weight, bias, eps=1e-5)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("crop", [0, 1])
def test_the_gradient_of_the_residual_of_images_that_were_cropped(gpu, crop):
    """Such images have gaps, so they are copied in another order of memory; all gradients follow the copy."""
    x = np.moveaxis(normal(0, (2, 5, 6, 4), np.float32), -1, 1)[:, :, :, crop:]
    residual, g = normal(1, x.shape, np.float32), normal(2, x.shape, np.float32)
    weight, bias = normal(3, (4,), np.float32), normal(4, (4,), np.float32)
    out, mean, var = FUSED["batch_norm_relu"](gpu, x, weight, bias, residual, eps=1e-3)
    *_, masked = FUSED["batch_norm_relu_grad"](gpu, g, x, weight, mean, var, out, eps=1e-3, residual=True)
    np.testing.assert_array_equal(masked, np.where(out > 0, g, 0))
