"""Convolution without cuDNN: the kernels of im2col.cu, run on the CPU, and the products around them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import assert_close, floats, normal, relaid, seeds

import tinygrad_cnn as tc
from tinygrad_cnn.ops import window as ops
from tinygrad_cnn_backends.cupy.convolution import FUSED, KERNELS, fallback
from tinygrad_cnn_backends.cupy.kernels import layout
from tinygrad_cnn_backends.cupy.kernels.im2col import col2im, im2col

NUMPY = tc.get_backend("numpy", overrides=False)
orders = st.sampled_from(["contiguous", "channels last", "reversed", "batch last", "strided"])


@st.composite
def convolutions(draw):
    """Shapes of images and filters, and a window that fits."""

    def pair(low, high):
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    kernel, stride, dilation = pair(1, 3), pair(1, 3), pair(1, 2)
    padding = (pair(0, 2), pair(0, 2))
    size = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + more
        for d, k, p, more in zip(dilation, kernel, padding, pair(0, 4), strict=True)
    )
    groups, inner, outer = (draw(st.integers(1, 3)) for _ in range(3))
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    return (draw(st.integers(0, 3)), groups * inner, *size), (groups * outer, inner, *kernel), groups, window


def images(seed, shape, dtype, order="contiguous"):
    x = normal(seed, shape, dtype)
    if order == "channels last":
        return np.moveaxis(np.moveaxis(x, 1, -1).copy(), -1, 1)
    return relaid(x, order)


@given(convolutions(), floats, orders, seeds, st.booleans())
@settings(deadline=None)
def test_rows_are_windows_and_come_back_as_sums(gpu, convolution, dtype, order, seed, channels_last):
    shape, filters, groups, window = convolution
    x = images(seed, shape, dtype, order)
    rows = im2col(gpu.xp, x, kernel_size=filters[2:], groups=groups, **window)
    columns, _ = ops._columns(NUMPY, x, filters[2:], **window, groups=groups)
    np.testing.assert_array_equal(rows, np.moveaxis(columns, 1, 2))

    # ⟨rows, im2col(x)⟩ = ⟨col2im(rows), x⟩: the one is the other's transpose.
    weights = normal(seed + 1, rows.shape, dtype)
    image = col2im(gpu.xp, weights, shape, kernel_size=filters[2:], channels_last=channels_last, **window)
    assert image.shape == shape
    as_it_lies = np.moveaxis(image, 1, -1) if channels_last else image
    assert as_it_lies.flags.c_contiguous
    left, right = (np.vdot(a.astype(np.float64), b) for a, b in ((weights, rows), (image, x)))
    assert left == pytest.approx(right, abs={np.float32: 1e-5, np.float64: 1e-12}[dtype] * (1 + x.size) * 10)


def with_readable(gpu):
    """The backend with what the readable kernels ask of one."""
    return SimpleNamespace(xp=gpu.xp, pad=NUMPY.pad, windows=NUMPY.windows)


@given(convolutions(), floats, orders, orders, seeds, st.sampled_from([1, 2**11, 2**28]))
@settings(deadline=None)
def test_convolutions(gpu, convolution, dtype, order, other, seed, bytes_of_rows):
    shape, filters, groups, window = convolution
    B, window = with_readable(gpu), {**window, "groups": groups}
    x, w = images(seed, shape, dtype, order), normal(seed + 1, filters, dtype)
    expected = ops.conv.kernel(NUMPY, x, w, **window)
    grad = images(seed + 2, expected.shape, dtype, other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fallback, "BYTES_OF_ROWS", bytes_of_rows)
        assert_close(fallback.conv(B, x, w, **window), expected, dtype)
        found = fallback.conv_input_grad(B, grad, w, size=shape[2:], **window)
        assert_close(found, ops.conv_input_grad.kernel(NUMPY, grad, w, size=shape[2:], **window), dtype)
        found = fallback.conv_weight_grad(B, x, grad, kernel_size=filters[2:], **window)
        expected = ops.conv_weight_grad.kernel(NUMPY, x, grad, kernel_size=filters[2:], **window)
        assert_close(found, expected, dtype)
        assert found.flags.c_contiguous


@pytest.fixture
def narrow_products(gpu, monkeypatch):
    """Products of the dtype of their factors, as cuBLAS makes them; NumPy's of bfloat16 are wider."""
    monkeypatch.setattr(
        type(gpu.xp), "matmul", lambda self, x, y: np.matmul(x, y).astype(x.dtype), raising=False
    )


def sixteen_bits(name):
    return np.dtype(pytest.importorskip("ml_dtypes").bfloat16 if name == "bfloat16" else name)


@pytest.mark.usefixtures("narrow_products")
@pytest.mark.parametrize("name", fallback.NARROW)
@pytest.mark.parametrize("dims", [2, 3])
def test_floats_of_sixteen_bits(gpu, name, dims):
    """Images by the kernels; volumes by the readable ones, which want them wider."""
    dtype = sixteen_bits(name)
    B = with_readable(gpu)
    window = {"stride": (1,) * dims, "padding": ((1, 1),) * dims, "dilation": (1,) * dims, "groups": 1}
    x, grad = (normal(place, (3, 2, *(5,) * dims), np.float32).astype(dtype) for place in range(2))
    w = normal(2, (2, 2, *(3,) * dims), np.float32).astype(dtype)
    size, kernel_size = {"size": x.shape[2:]}, {"kernel_size": w.shape[2:]}
    for kernel, arrays, more in (
        ("conv", (x, w), {}),
        ("conv_input_grad", (grad, w), size),
        ("conv_weight_grad", (x, grad), kernel_size),
    ):
        found = getattr(fallback, kernel)(B, *arrays, **window, **more)
        wide = (array.astype(np.float64) for array in arrays)
        expected = getattr(ops, kernel).kernel(NUMPY, *wide, **window, **more)
        assert found.dtype == dtype
        step = 2.0 ** (-8 if name == "bfloat16" else -11) * np.abs(expected).max()
        np.testing.assert_allclose(found.astype(np.float64), expected, rtol=0, atol=2 * step)


@pytest.mark.usefixtures("narrow_products")
def test_parts_of_a_sum_are_added_in_thirty_two_bits(gpu, monkeypatch):
    """In bfloat16 counting stops: 256 + 1 is 256."""
    monkeypatch.setattr(fallback, "BYTES_OF_ROWS", 1)  # each image by itself
    ones = np.ones((300, 1, 1, 1), sixteen_bits("bfloat16"))
    window = {"stride": (1, 1), "padding": ((0, 0),) * 2, "dilation": (1, 1), "groups": 1}
    assert fallback.conv_weight_grad(gpu, ones, ones, kernel_size=(1, 1), **window).item() == 300


@pytest.mark.parametrize("relu", [False, True])
def test_lines_with_a_bias(gpu, relu):
    """The operations themselves, where cuDNN has no plan."""
    B = with_readable(gpu)
    B.convolutions = SimpleNamespace(tf32=False, deterministic=True, plan=lambda key: None)
    x, w, bias = (
        normal(place, shape, np.float32) for place, shape in enumerate([(2, 3, 9), (4, 3, 3), (4,)])
    )
    window = {"stride": (2,), "padding": ((2, 1),), "dilation": (2,), "groups": 1}
    expected = ops.conv.kernel(NUMPY, x, w, **window)
    out = FUSED["conv_bias"](B, x, w, bias, relu=relu, **window)
    biased = expected + bias[:, None]
    assert_close(out, np.maximum(biased, 0) if relu else biased, np.float32)
    grad = normal(3, expected.shape, np.float32)
    image = KERNELS["conv_input_grad"](B, grad, w, size=(9,), **window)
    assert_close(image, ops.conv_input_grad.kernel(NUMPY, grad, w, size=(9,), **window), np.float32)
    filters = KERNELS["conv_weight_grad"](B, x, grad, kernel_size=(3,), **window)
    assert_close(filters, ops.conv_weight_grad.kernel(NUMPY, x, grad, kernel_size=(3,), **window), np.float32)


def test_what_lies_with_the_channels_last_stays_so(gpu):
    """No number is moved after the product, and the gradient going back is read where it lies."""
    x, w = normal(0, (2, 3, 5, 6), np.float32), normal(1, (4, 3, 3, 3), np.float32)
    window = {"stride": (1, 1), "padding": ((1, 1),) * 2, "dilation": (1, 1), "groups": 1}
    out = fallback.conv(gpu, x, w, **window)
    assert layout.is_channels_last(out)
    assert np.may_share_memory(fallback._grad_rows(np, out, groups=1), out)
    assert layout.is_channels_last(fallback.conv_input_grad(gpu, out, w, size=(5, 6), **window))


def test_places_beyond_32_bits_are_counted_in_64(gpu, monkeypatch):
    monkeypatch.setattr(layout, "_INT_MAX", 0)
    x, w = normal(0, (2, 3, 5, 6), np.float64), normal(1, (4, 3, 3, 3), np.float64)
    window = {"stride": (2, 1), "padding": ((1, 0),) * 2, "dilation": (1, 1), "groups": 1}
    out = fallback.conv(gpu, x, w, **window)
    assert_close(out, ops.conv.kernel(NUMPY, x, w, **window), np.float64)
    image = fallback.conv_input_grad(gpu, out, w, size=(5, 6), **window)
    assert_close(image, ops.conv_input_grad.kernel(NUMPY, out, w, size=(5, 6), **window), np.float64)
