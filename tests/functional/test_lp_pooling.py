"""Power-average pooling: between the sum and the largest, and what it does at 0 and below."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck


def line(*numbers):
    return tc.tensor([[numbers]], dtype="float64", requires_grad=True)


def test_euclidean_norms():
    x = line(3.0, 4.0, -6.0, 8.0)
    out = F.lp_pool1d(x, 2, 2)
    out.sum().backward()
    assert out.tolist() == [[[5.0, 10.0]]]
    np.testing.assert_allclose(x.grad.numpy(), [[[0.6, 0.8, -0.6, 0.8]]])  # x / norm


def test_one_is_the_sum_and_infinity_the_largest():
    x = line(1.0, -4.0, 3.0, 2.0)
    assert F.lp_pool1d(x, 1, 2).tolist() == [[[-3.0, 5.0]]]
    assert F.lp_pool1d(x, math.inf, 2).tolist() == [[[4.0, 3.0]]]
    assert F.lp_pool1d(x, -math.inf, 2).tolist() == [[[1.0, 2.0]]]


@pytest.mark.parametrize("p", [1, 2, 3, 4.0])
def test_the_gradient_at_a_sum_of_0_is_0(p):
    x = line(0.0, 0.0)
    out = F.lp_pool1d(x, p, 2)
    (gradient,) = tc.grad(out.sum(), [x], create_graph=True)
    assert out.item() == 0
    assert gradient.tolist() == [[[0.0, 0.0]]]
    assert np.isfinite(tc.grad(gradient.sum(), [x])[0].numpy()).all() or p == 1


def test_odd_powers_keep_their_sign():
    assert F.lp_pool1d(line(2.0, -1.0), 3, 2).item() == pytest.approx(7 ** (1 / 3))
    with np.errstate(invalid="ignore"):
        assert math.isnan(F.lp_pool1d(line(-2.0, 1.0), 3, 2).item())  # a root of −7


def test_a_window_over_the_end_is_scaled_up():
    out = F.lp_pool1d(line(1.0, 2.0, 3.0), 2, 2, ceil_mode=True)
    np.testing.assert_allclose(out.numpy(), [[[math.sqrt(5), math.sqrt(2 * 9)]]])


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("p", [1.5, 2, 3, -2, math.inf])
def test_powers_by_loops(spatial, p):
    x = np.random.default_rng(4).uniform(0.5, 2.0, (2, 2, *(4,) * spatial))
    out = getattr(F, f"lp_pool{spatial}d")(tc.tensor(x), p, 2)
    for place in np.ndindex(out.shape):
        window = x[(*place[:2], *(slice(2 * i, 2 * i + 2) for i in place[2:]))].ravel()
        expected = max(window) if p == math.inf else sum(number**p for number in window) ** (1 / p)
        assert out[place].item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("p", [1, 2, 2.5, 3, -1, math.inf, -math.inf])
def test_gradients_equal_differences(p):
    x = tc.tensor(np.random.default_rng(1).permutation(20).reshape(1, 4, 5) / 8 + 0.3, requires_grad=True)
    assert gradcheck(lambda x: F.lp_pool2d(x, p, (2, 3), 1, ceil_mode=True), x, order=2)


@pytest.mark.parametrize(
    ("arguments", "error", "argument"),
    [
        ((0, 2), ArgumentError, "norm_type"),
        (("2", 2), ArgumentTypeError, "norm_type"),
        ((2, 0), ArgumentError, "kernel_size"),
        ((2, (2, 2, 2)), ArgumentError, "kernel_size"),
        ((2, 5), ShapeError, "x"),
        ((math.inf, 5), ShapeError, "x"),
    ],
)
def test_refused(arguments, error, argument):
    with pytest.raises(error) as caught:
        F.lp_pool2d(tc.ones(1, 4, 4), *arguments)
    assert caught.value.argument == argument
