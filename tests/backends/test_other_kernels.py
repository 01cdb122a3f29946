"""Batch normalisation and elementwise kernels of the NumPy backend against their definitions."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import SPECIAL, TOLERANCE, assert_close, floats, normal, orders, seeds

from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.dtypes import float32
from tinygrad_cnn.errors import LabelError, NonFiniteError
from tinygrad_cnn_backends.numpy import NumpyBackend
from tinygrad_cnn_backends.numpy.kernels import KERNELS, PREPARE, blocks, elementwise, normalize
from tinygrad_cnn_backends.numpy.kernels.memory import empty_batch_last, local_arena

B = None  # the kernels are handed a backend and do not look at it

batch_norm, batch_norm_grad = KERNELS["batch_norm"], KERNELS["batch_norm_grad"]
relu, where = KERNELS["relu"], KERNELS["where"]

block_bytes = st.sampled_from([1, 300, blocks.BLOCK_BYTES])  # one channel at a time, a few, all

# --- batch normalisation --------------------------------------------------------------------------

image_shapes = st.tuples(st.sampled_from([1, 2, 5]), st.integers(1, 4)).flatmap(
    lambda front: st.lists(st.integers(1, 4), max_size=3).map(lambda spatial: (*front, *spatial))
)


def batch_norm_in_float64(x, weight, bias, eps):
    x, axes = x.astype(float), (0, *range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    return (x - mean) / np.sqrt(var + eps) * weight.reshape(per_channel) + bias.reshape(per_channel)


@given(image_shapes, floats, orders, seeds, block_bytes)
@settings(max_examples=80, deadline=None)
def test_batch_norm_equals_its_definition(shape, dtype, order, seed, block):
    x = normal(seed, shape, dtype, order)
    weight, bias = normal(seed + 1, shape[1:2], dtype), normal(seed + 2, shape[1:2], dtype)
    with mock.patch.object(blocks, "BLOCK_BYTES", block):
        out, mean, var = batch_norm(B, x, weight, bias, eps=1e-3)
    axes = (0, *range(2, x.ndim))
    assert_close(mean, x.mean(axis=axes, dtype=float), dtype)
    assert_close(var, x.var(axis=axes, dtype=float), dtype)
    np.testing.assert_allclose(
        out, batch_norm_in_float64(x, weight, bias, 1e-3), rtol=0, atol=100 * TOLERANCE[dtype]
    )
    assert out.dtype == dtype


@given(image_shapes, orders, seeds, block_bytes)
@settings(max_examples=30, deadline=None)
def test_batch_norm_gradients_equal_central_differences(shape, order, seed, block):
    x, g = normal(seed, shape, np.float64, order), normal(seed + 3, shape, np.float64, order)
    weight, bias = normal(seed + 1, shape[1:2], np.float64), normal(seed + 2, shape[1:2], np.float64)
    _, mean, var = batch_norm(B, x, weight, bias, eps=0.1)
    with mock.patch.object(blocks, "BLOCK_BYTES", block):
        gradients = batch_norm_grad(B, g, x, weight, mean, var, eps=0.1)
    for number, (argument, gradient) in enumerate(zip((x, weight, bias), gradients, strict=True)):
        expected = np.zeros(argument.shape)
        for entry in np.ndindex(argument.shape):
            losses = []
            for step in (1e-5, -1e-5):
                arguments = [x.copy(), weight.copy(), bias.copy()]
                arguments[number][entry] += step
                losses.append((g * batch_norm_in_float64(*arguments, 0.1)).sum())
            expected[entry] = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-7)


def normalized_in_parts(x, g, weight, bias, residual, eps, parts, relu):
    """All phases, as the threads of a captured step call them: out, dx, dweight, dbias, kept gradient."""
    channels, count = x.shape[1], x.size // x.shape[1]
    means, squares = np.empty((2, len(parts), channels))
    mean, var = np.empty((2, channels))
    for number, part in enumerate(parts):
        normalize.prepare_batch_norm_statistics(B, local_arena(), x[part], means[number], squares[number])()
    counts = [x[part].size // channels for part in parts]
    normalize.prepare_combine_statistics(B, local_arena(), means, squares, mean, var, counts=counts)()
    out, kept = (np.full_like(x, 99) for _ in range(2))
    dx = [empty_batch_last(x[part].shape, x.dtype) for part in parts]
    sums = np.empty((len(parts), 2, channels))
    results = []
    for number, part in enumerate(parts):
        result, keep = (empty_batch_last(x[part].shape, x.dtype) for _ in range(2))
        extra = {"relu": relu, "residual": None if residual is None else residual[part]}
        arrays = x[part], weight, bias, mean, var, result
        normalize.prepare_batch_norm_apply(B, local_arena(), *arrays, eps=eps, **extra)()
        masked = {"relu_out": result, "kept_g": keep} if relu else {}
        arrays = g[part], x[part], mean, sums[number]
        normalize.prepare_batch_norm_grad_sums(B, local_arena(), *arrays, **masked)()
        out[part], kept[part] = result, keep if relu else g[part]
        results.append(keep if relu else g[part])
    total = sums.sum(axis=0)
    dweight, dbias = np.empty_like(weight), np.empty_like(weight)
    normalize.prepare_batch_norm_parameter_grads(B, local_arena(), var, total, dweight, dbias, eps=eps)()
    for part, keep, target in zip(parts, results, dx, strict=True):
        arrays = keep, x[part], weight, mean, var, total, target
        normalize.prepare_batch_norm_grad_apply(B, local_arena(), *arrays, count=count, eps=eps)()
    return out, np.concatenate(dx), dweight, dbias, kept


def gradients_in_float64(g, x, weight, eps):
    """The formula of Ioffe and Szegedy, as it is written in `batch_norm_grad`."""
    g, x, axes = g.astype(float), x.astype(float), (0, *range(2, x.ndim))
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    inverse = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    normalized = (x - x.mean(axis=axes, keepdims=True)) * inverse
    dweight, dbias = (g * normalized).sum(axis=axes), g.sum(axis=axes)
    mean_of = lambda a: a.mean(axis=axes, keepdims=True)  # noqa: E731
    inner = g - mean_of(g) - normalized * mean_of(g * normalized)
    return weight.reshape(per_channel) * inverse * inner, dweight, dbias


@given(
    image_shapes,
    floats,
    orders,
    seeds,
    block_bytes,
    st.integers(0, 5),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0, 1, 30]),
)
@settings(max_examples=150, deadline=None)
def test_batch_norm_in_parts_equals_the_whole(shape, dtype, order, seed, block, cut, relu, add, far):
    x, g = normal(seed, shape, dtype, order), normal(seed + 1, shape, dtype, order)
    x += far * np.arange(shape[1]).reshape(-1, *(1,) * (len(shape) - 2)).astype(dtype)
    weight, bias = normal(seed + 2, shape[1:2], dtype), normal(seed + 3, shape[1:2], dtype)
    residual = normal(seed + 4, shape, dtype, order) if add else None
    parts = [slice(0, min(cut, shape[0])), slice(min(cut, shape[0]), shape[0])]
    with mock.patch.object(blocks, "BLOCK_BYTES", block):
        out, *gradients, kept = normalized_in_parts(x, g, weight, bias, residual, 0.1, parts, relu)
    expected = batch_norm_in_float64(x, weight, bias, 0.1) + (0 if residual is None else residual)
    tolerance = 100 * TOLERANCE[dtype]
    np.testing.assert_allclose(out, np.maximum(expected, 0) if relu else expected, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(kept, np.where(out != 0, g, 0) if relu else g)
    for gradient, exact in zip(gradients, gradients_in_float64(kept, x, weight, 0.1), strict=True):
        np.testing.assert_allclose(gradient, exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize("far", [0.0, 1.9, 2.1, 1e4])
def test_the_variance_has_five_digits_wherever_the_mean_is(far):
    """In float32, with standard deviation 1 and a mean on either side of what counts as far."""
    x = (far + np.random.default_rng(0).standard_normal((64, 3, 32, 32))).astype(np.float32)
    _, mean, var = batch_norm(B, x, np.ones(3, np.float32), np.zeros(3, np.float32), eps=1e-5)
    np.testing.assert_allclose(mean, x.mean(axis=(0, 2, 3), dtype=float), rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(var, x.var(axis=(0, 2, 3), dtype=float), rtol=1e-5)


def test_squares_that_overflow_leave_a_variance_that_does_not():
    x = (1e20 + 1e15 * np.random.default_rng(0).standard_normal((64, 1, 8, 8))).astype(np.float32)
    with np.errstate(over="ignore"):
        _, _, var = batch_norm(B, x, np.ones(1, np.float32), np.zeros(1, np.float32), eps=1e-5)
    np.testing.assert_allclose(var, x.var(axis=(0, 2, 3), dtype=float), rtol=1e-4)


def test_batch_norm_is_accurate_far_from_zero():
    """Case 20: 10000 ± 0.01 in float32; the squares of such numbers have no room for the difference."""
    x = (1e4 + 0.01 * np.random.default_rng(0).standard_normal((64, 2, 28, 28))).astype(np.float32)
    one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
    out, mean, var = batch_norm(B, x, one, zero, eps=1e-8)
    exact = x.astype(float)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(out, batch_norm_in_float64(x, one, zero, 1e-8), atol=1e-3)

    g = normal(1, x.shape, np.float32)
    dx, dweight, _ = batch_norm_grad(B, g, x, one, mean, var, eps=1e-8)
    statistics = exact.mean(axis=(0, 2, 3)), exact.var(axis=(0, 2, 3))
    arguments = [a.astype(float) for a in (g, x, one)]
    exact_dx, exact_dweight, _ = batch_norm_grad(B, *arguments, *statistics, eps=1e-8)
    np.testing.assert_allclose(dx, exact_dx, atol=1e-3 * np.abs(exact_dx).max())
    np.testing.assert_allclose(dweight, exact_dweight, atol=1e-3 * np.abs(exact_dweight).max())


def test_batch_norm_of_a_constant_channel_is_the_bias():
    x = np.full((4, 1, 3), 0.1, np.float32)
    out, _, var = batch_norm(B, x, np.ones(1, np.float32), np.full(1, 7, np.float32), eps=1e-5)
    assert 0 <= var[0] < 1e-15
    np.testing.assert_allclose(out, 7, atol=1e-4)


# --- elementwise ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_relu_keeps_nan_and_infinity(dtype):
    x = np.array(SPECIAL, dtype)
    out = relu(B, x)
    np.testing.assert_array_equal(out, np.array([np.nan, np.nan, np.inf, 0, 0, 0, 1.5, 0], dtype))
    assert out.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("shapes", [((8, 8), (8, 8)), ((8, 8), ()), ((), (8, 8)), ((8, 1), (8,)), ((), ())])
def test_where_equals_numpy_bit_by_bit(dtype, shapes):
    rng = np.random.default_rng(0)
    pool = SPECIAL if np.dtype(dtype).kind == "f" else [0, 1, 3, 7]
    x, y = (np.array(rng.choice(pool, shape)).astype(dtype) for shape in shapes)
    for condition in (rng.random((8, 8)) < 0.5, np.array(True), (rng.random((8, 8)) < 0.5).T):
        out, expected = where(B, condition, x, y), np.where(condition, x, y)
        assert (out.shape, out.dtype) == (expected.shape, expected.dtype)
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_where_with_a_zero_for_the_rest(zero):
    g = np.array([*SPECIAL, *SPECIAL], np.float32)
    condition = np.arange(16) < 8
    out = where(B, condition, g, np.array(zero, np.float32))
    assert out.tobytes() == np.where(condition, g, np.float32(zero)).tobytes()


def test_where_of_two_dtypes():
    out = where(B, np.array([True, False]), np.array([1, 2]), np.array([0.5, 0.25], np.float32))
    np.testing.assert_array_equal(out, [1.0, 0.25])


@given(
    st.lists(st.integers(0, 6), max_size=3).map(tuple),
    floats,
    orders,
    seeds,
    st.sampled_from([1, 7, 1 << 16]),
)
@settings(max_examples=80, deadline=None)
def test_prepared_relu_and_its_gradient(shape, dtype, order, seed, block):
    """Also in place, and with special numbers; NaN is not 0, so it passes the gradient on."""
    x, g = normal(seed, shape, dtype, order), normal(seed + 1, shape, dtype, order)
    special = np.random.default_rng(seed).random((2, *shape)) < 0.3
    np.copyto(x, np.resize(np.array(SPECIAL, dtype), shape), where=special[0])
    np.copyto(g, np.resize(np.array(SPECIAL, dtype), shape), where=special[1])
    out, dx = np.full_like(x, 99), np.full_like(g, 99)
    with mock.patch.object(blocks, "FLAT_NUMBERS", block):
        PREPARE["relu"](B, local_arena(), x, out)()
        np.testing.assert_array_equal(out, np.maximum(x, 0))
        PREPARE["relu"](B, local_arena(), x, x)()
        np.testing.assert_array_equal(x, out)
        elementwise.prepare_relu_grad(B, local_arena(), g, out, dx)()
        expected = np.where(out != 0, g, dtype(0))
        assert dx.tobytes() == expected.astype(dtype).tobytes()
        elementwise.prepare_relu_grad(B, local_arena(), g, out, g)()
        np.testing.assert_array_equal(g, expected)


@given(st.integers(0, 9), st.lists(st.integers(1, 7), max_size=2), st.sampled_from([0.0, 0.3, 1.0]), seeds)
def test_parts_of_a_mask_are_those_of_the_whole(batch, sizes, p, seed):
    shape, state = (batch, *sizes), np.array([seed, 5])
    whole = REGISTRY["random_mask"].kernel(NumpyBackend(), state, shape=shape, p=p)
    cut = batch // 3
    for rows in (slice(0, cut), slice(cut, batch)):
        out = empty_batch_last(whole[rows].shape, bool)
        first = rows.start * math.prod(sizes)
        PREPARE["random_mask"](B, local_arena(), state, out, shape=shape, p=p, first=first)()
        np.testing.assert_array_equal(out, whole[rows])


def test_a_sum_that_overflows_is_not_taken_for_an_infinite_number():
    large = np.full(8, 3e38, np.float32)
    with np.errstate(over="ignore"):
        assert KERNELS["all_finite"](NumpyBackend(), large, np.zeros(0, np.float32))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_found(bad):
    values = np.ones((3, 4), np.float32)
    values[1, 2] = bad
    with pytest.raises(NonFiniteError, match="1 of 12"):
        KERNELS["all_finite"](NumpyBackend(), np.ones(3, np.float32), values)


# --- labels and losses ----------------------------------------------------------------------------


def prepared(name, arrays, outputs, **params):
    PREPARE[name](NumpyBackend(), local_arena(), *arrays, *outputs, **params)()
    return outputs


@pytest.mark.parametrize("ignore_index", [None, -100, 1])
def test_one_hot_equals_the_readable_kernel(ignore_index):
    labels = np.array([[0, 2, 1], [1, 1, 2]])
    if ignore_index == -100:
        labels[0, 1] = -100
    params = {"num_classes": 3, "dim": 1, "ignore_index": ignore_index, "dtype": float32}
    expected = REGISTRY["one_hot"].kernel(NumpyBackend(), labels, **params)
    (got,) = prepared("one_hot", [labels], [np.full((2, 3, 3), 9, np.float32)], **params)
    np.testing.assert_array_equal(got, expected)


def test_one_hot_refuses_a_label_that_names_no_class():
    with pytest.raises(LabelError, match="label 3 at index 1"):
        prepared(
            "one_hot",
            [np.array([0, 3])],
            [np.empty((2, 3), np.float32)],
            num_classes=3,
            dim=1,
            ignore_index=None,
            dtype=float32,
        )


@given(
    seed=seeds,
    shape=st.sampled_from([(4, 3), (2, 5, 3), (3, 2, 2, 2)]),
    dtype=floats,
    transposed=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_softmax_cross_entropy_equals_the_readable_kernel(seed, shape, dtype, transposed):
    logits, target = (
        normal(seed, shape, dtype, "contiguous") * 30,
        abs(normal(seed + 1, shape, dtype, "contiguous")),
    )
    target[target < 0.5] = 0
    logits[0, 0] = -np.inf  # with a target of 0 it counts nothing
    target[0, 0] = 0
    if transposed:
        logits, target = (np.asfortranarray(x) for x in (logits, target))
    outputs = [np.empty((shape[0], *shape[2:]), dtype), np.empty(shape, dtype)]
    with np.errstate(all="ignore"):
        expected = REGISTRY["softmax_cross_entropy"].kernel(NumpyBackend(), logits, target, dim=1)
        got = prepared("softmax_cross_entropy", [logits, target], outputs, dim=1)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5 if dtype == np.float32 else 1e-12)
