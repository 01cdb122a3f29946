"""Bias, ReLU and its gradient by the kernels of bias.cu, run on the CPU: bit for bit what operations give."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import SPECIAL, seeds

import tinygrad_cnn as tc
from tinygrad_cnn.errors import BackendError
from tinygrad_cnn.ops import activation as ops
from tinygrad_cnn_backends.cupy.kernels import FUSED, layout

NUMPY = tc.get_backend("numpy", overrides=False)
DTYPES = [np.dtype(name) for name in ("float16", "float32", "float64")]
dtypes = st.sampled_from(DTYPES)
shapes = st.lists(st.integers(0, 6), min_size=2, max_size=5).map(tuple)
dims = st.sampled_from([1, -1])


@st.composite
def orders(draw):
    """How a test's arrays lie: which dimension is the slowest, which the next; and with gaps or without."""
    return draw(st.permutations(range(5))), draw(st.booleans())


def numbers(seed, shape, dtype, order=(range(5), False)) -> np.ndarray:
    """Random numbers and special ones, lying as `order` says."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(shape) < 0.2, rng.choice(SPECIAL, shape), rng.standard_normal(shape)).astype(
        dtype
    )
    dims, has_gaps = [dim for dim in order[0] if dim < len(shape)], order[1]
    laid = np.transpose(x, dims).copy()
    if has_gaps and dims:
        laid = np.repeat(laid, 2, axis=-1)[..., ::2]
    return np.transpose(laid, np.argsort(dims))


def expected_sum(x, bias, dim, relu):
    shape = [1] * x.ndim
    shape[dim] = -1
    with np.errstate(invalid="ignore"):  # infinity − infinity
        out = x + bias.reshape(shape)
    return ops.relu.kernel(NUMPY, out).astype(x.dtype) if relu else out


@given(shapes, dims, dtypes, orders(), seeds, st.booleans())
@settings(deadline=None)
def test_add_bias(gpu, shape, dim, dtype, order, seed, relu):
    x, bias = numbers(seed, shape, dtype, order), numbers(seed + 1, (shape[dim],), dtype)
    expected = expected_sum(x, bias, dim, relu)
    out = FUSED["add_bias"](gpu, x, bias, dim=dim, relu=relu)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out, expected)
    if layout.is_dense(x):
        assert layout.lies_as(out, x)
        assert FUSED["add_bias"](gpu, x, bias, dim=dim, relu=relu, out=x) is x
        np.testing.assert_array_equal(x, expected)


def test_bfloat16_is_rounded_once(gpu):
    bfloat16 = np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    rng = np.random.default_rng(0)
    x, bias = (rng.standard_normal(shape).astype(bfloat16) for shape in ((4, 3, 5), (3,)))
    expected = (x.astype(np.float32) + bias.astype(np.float32)[:, None]).astype(bfloat16)
    out = FUSED["add_bias"](gpu, x, bias, dim=1, relu=False)
    np.testing.assert_array_equal(out.astype(np.float32), expected.astype(np.float32))
    out = FUSED["add_bias"](gpu, x, bias, dim=1, relu=True)
    masked = FUSED["relu_grad"](gpu, x, out)
    np.testing.assert_array_equal(masked.astype(np.float32), np.where(expected > 0, x, 0).astype(np.float32))


def test_a_relu_leaves_nan_and_no_negative_zero(gpu):
    x = np.array([[np.nan, -0.0, -1.0, np.inf]], np.float32)
    out = FUSED["add_bias"](gpu, x, np.full(4, -0.0, np.float32), dim=-1, relu=True)
    np.testing.assert_array_equal(out, [[np.nan, 0, 0, np.inf]])
    assert not np.signbit(out[0, 1:]).any()


@pytest.mark.parametrize("out", ["other order", "gaps", "other shape"])
def test_results_lie_as_what_is_read(gpu, out):
    x = numbers(0, (2, 3, 4), np.float32)
    wrong = {
        "other order": numbers(0, (2, 3, 4), np.float32, ((0, 2, 1), False)),
        "gaps": numbers(0, (2, 3, 4), np.float32, (range(3), True)),
        "other shape": numbers(0, (2, 3, 3), np.float32),
    }[out]
    with pytest.raises(BackendError, match="in the order in which it reads them"):
        FUSED["add_bias"](gpu, x, x[0, :, 0].copy(), dim=1, relu=False, out=wrong)


def test_more_numbers_than_threads_of_a_block_and_places_beyond_32_bits(gpu, monkeypatch):
    x, bias = numbers(0, (8, 3, 19, 7), np.float32), numbers(1, (3,), np.float32)
    launched, launch = [], gpu.xp.launch
    monkeypatch.setattr(gpu.xp, "launch", lambda *call: launched.append(call[1]) or launch(*call))
    for most in (layout._INT_MAX, 0):
        monkeypatch.setattr(layout, "_INT_MAX", most)
        out = FUSED["add_bias"](gpu, x, bias, dim=1, relu=True)
        np.testing.assert_array_equal(out, expected_sum(x, bias, 1, relu=True))
    assert launched == ["add_bias<float, int>", "add_bias<float, long long>"]


@pytest.mark.parametrize(("x_shape", "y_shape"), [((4, 3), (3, 5)), ((2, 4, 3), (3, 5)), ((3,), (3, 5))])
@pytest.mark.parametrize("relu", [True, False])
def test_matmul_bias(gpu, x_shape, y_shape, relu):
    rng = np.random.default_rng(0)
    x, y, bias = (rng.standard_normal(shape).astype(np.float32) for shape in (x_shape, y_shape, (5,)))
    out = FUSED["matmul_bias"](gpu, x, y, bias, relu=relu)
    np.testing.assert_array_equal(out, expected_sum(x @ y, bias, -1, relu))


@given(st.one_of(st.just(()), st.tuples(st.integers(0, 6)), shapes), dtypes, orders(), orders(), seeds)
@settings(deadline=None)
def test_relu_grad(gpu, shape, dtype, order, other_order, seed):
    g, out = numbers(seed, shape, dtype, order), numbers(seed + 1, shape, dtype, other_order)
    x_grad = FUSED["relu_grad"](gpu, g, out)
    np.testing.assert_array_equal(x_grad, np.where(out != 0, g, dtype.type(0)))
    assert x_grad.dtype == dtype
    if layout.is_dense(out):
        assert layout.lies_as(x_grad, out)


def test_a_gradient_that_is_one_number_everywhere(gpu):
    """What comes back from a sum: a view with steps of 0."""
    out = numbers(0, (3, 4), np.float32)
    x_grad = FUSED["relu_grad"](gpu, np.broadcast_to(np.float32(2), (3, 4)), out)
    np.testing.assert_array_equal(x_grad, np.where(out != 0, np.float32(2), 0))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_memory_of_the_same_order(gpu, order):
    x = numbers(0, (2, 1, 3), np.float64, (order, False))
    assert layout.lies_as(layout.empty_as(gpu.xp, x), x)
