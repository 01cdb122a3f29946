"""Convolution and pooling on random windows: against loops, against each other, against their definition.

The three faces of convolution are one trilinear form: ⟨g, conv(x, w)⟩ = ⟨x, input_grad(g, w)⟩ =
⟨w, weight_grad(x, g)⟩, whatever the window. An error in any of the three breaks the equality.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.references import REFERENCES
from tinygrad_cnn.testing.strategies import Window, arrays, windows

conv, input_grad, weight_grad = (REGISTRY[name] for name in ("conv", "conv_input_grad", "conv_weight_grad"))
max_pool, sum_pool = REGISTRY["max_pool"], REGISTRY["sum_pool"]
quick = settings(deadline=None, max_examples=40)
each_kernel = pytest.mark.parametrize("overrides", [True, False], ids=["fast kernels", "readable kernels"])


@st.composite
def convolutions(draw):
    """A window, an image, a kernel and a gradient of the output; batches of 0 among them."""
    window = draw(windows())
    n, channels, filters = draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    x = draw(arrays((n, channels * window.groups, *window.size)))
    w = draw(arrays((filters * window.groups, channels, *window.kernel_size)))
    g = draw(arrays((n, filters * window.groups, *window.output_size)))
    return window, x, w, g


@each_kernel
@quick
@given(convolutions())
def test_convolution_equals_loops(overrides, drawn):
    window, x, w, _ = drawn
    with tc.use_backend("numpy", overrides=overrides):
        out = conv(tc.tensor(x), tc.tensor(w), **window.params)
    expected = REFERENCES["conv"](x, w, **window.params)
    assert out.shape == expected.shape == (x.shape[0], w.shape[0], *window.output_size)
    np.testing.assert_allclose(out.numpy(), expected.astype(float), rtol=1e-10, atol=1e-10)


@each_kernel
@quick
@given(convolutions())
def test_three_faces_of_one_form(overrides, drawn):
    window, *numbers = drawn
    with tc.use_backend("numpy", overrides=overrides):
        x, w, g = map(tc.tensor, numbers)
        forms = [
            (g * conv(x, w, **window.params)).sum(),
            (x * input_grad(g, w, size=window.size, **window.params)).sum(),
            (w * weight_grad(x, g, kernel_size=window.kernel_size, **window.params)).sum(),
        ]
    values = [form.item() for form in forms]
    np.testing.assert_allclose(values, values[0], rtol=1e-9, atol=1e-7)


@each_kernel
@settings(deadline=None, max_examples=12)
@given(convolutions())
def test_gradients_of_convolution(overrides, drawn):
    window, x, w, _ = drawn
    with tc.use_backend("numpy", overrides=overrides):
        inputs = [tc.tensor(x, requires_grad=True), tc.tensor(w, requires_grad=True)]
        assert gradcheck(lambda x, w: conv(x, w, **window.params), inputs, atol=1e-6)


@st.composite
def pools(draw):
    window = draw(windows(for_pooling=True))
    x = draw(arrays((draw(st.integers(0, 2)), draw(st.integers(1, 2)), *window.size)))
    return window, x, draw(st.booleans())


def pool_params(window: Window, ceil_mode):
    return {
        "kernel_size": window.kernel_size,
        "stride": window.stride,
        "padding": window.padding,
        "ceil_mode": ceil_mode,
    }


@each_kernel
@quick
@given(pools())
def test_max_pooling_equals_loops(overrides, drawn):
    window, x, ceil_mode = drawn
    params = {**pool_params(window, ceil_mode), "dilation": window.dilation}
    with tc.use_backend("numpy", overrides=overrides):
        image = tc.tensor(x, requires_grad=True)
        out, place = max_pool(image, **params)
        expected, winner = REFERENCES["max_pool"](x, **params)
        np.testing.assert_array_equal(out.numpy(), expected.astype(float))
        np.testing.assert_array_equal(place.numpy(), winner.astype(int))
        g = np.arange(1.0, out.numel() + 1).reshape(out.shape)
        out.backward(tc.tensor(g))
    del params["ceil_mode"]
    slope = REFERENCES["max_pool_scatter"](g, winner.astype(np.uint8), size=window.size, **params)
    np.testing.assert_array_equal(image.grad.numpy(), slope.astype(float))


@each_kernel
@quick
@given(pools())
def test_sum_pooling_equals_loops_and_spreads_back(overrides, drawn):
    window, x, ceil_mode = drawn
    params = pool_params(window, ceil_mode)
    with tc.use_backend("numpy", overrides=overrides):
        image = tc.tensor(x, requires_grad=True)
        out = sum_pool(image, **params)
        expected = REFERENCES["sum_pool"](x, **params)
        np.testing.assert_allclose(out.numpy(), expected.astype(float), rtol=1e-11, atol=1e-11)
        g = np.arange(1.0, out.numel() + 1).reshape(out.shape)
        out.backward(tc.tensor(g))
    slope = REFERENCES["sum_pool_input_grad"](g, size=window.size, **params)
    np.testing.assert_allclose(image.grad.numpy(), slope.astype(float), rtol=1e-11, atol=1e-11)
