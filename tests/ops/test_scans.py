"""Cumulative sums, products and extremes: by hand, against NumPy, and their gradients at zeros."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentTypeError, DimensionError, DTypeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays, shapes


def leaf(data):
    return tc.tensor(np.asarray(data, dtype=np.float64), requires_grad=True)


@st.composite
def scanned(draw):
    x = draw(arrays(draw(shapes(min_dims=1, max_dims=3))))
    return x, draw(st.integers(-x.ndim, x.ndim - 1))


NUMPYS = {
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
    "cummax": np.maximum.accumulate,
    "cummin": np.minimum.accumulate,
    "logcumsumexp": np.logaddexp.accumulate,
}


@pytest.mark.parametrize("name", NUMPYS)
@settings(deadline=None, max_examples=40)
@given(scanned())
def test_scans_are_numpys(name, drawn):
    x, dim = drawn
    got = getattr(tc, name)(tc.tensor(x), dim)
    values = got.values if isinstance(got, tuple) else got
    np.testing.assert_allclose(values.numpy(), NUMPYS[name](x, axis=dim), rtol=1e-12)
    if isinstance(got, tuple) and x.size:
        np.testing.assert_array_equal(np.take_along_axis(x, got.indices.numpy(), dim), values.numpy())


@pytest.mark.parametrize("name", NUMPYS)
@settings(deadline=None, max_examples=8)
@given(scanned())
def test_gradients_of_scans(name, drawn):
    x, dim = drawn
    assert gradcheck(lambda x: getattr(tc, name)(x, dim), leaf(x / 2), order=2)


@pytest.mark.parametrize(
    ("x", "g", "expected"),
    [
        # By hand: ∂pₖ/∂xᵢ is the product of the factors up to k without xᵢ.
        ([2, 0, 3, 4], [1, 1, 1, 1], [1, 2 + 6 + 24, 0, 0]),
        ([0, 5], [1, 1], [6, 0]),
        ([2, 0, 0], [1, 1, 1], [1, 2, 0]),
        ([2, 3], [10, 1], [13, 2]),
    ],
)
def test_case_18_cumulative_products_with_zeros(x, g, expected):
    value = leaf(x)
    tc.cumprod(value, 0).backward(leaf(g).detach())
    assert value.grad.tolist() == expected
    assert gradcheck(lambda x: tc.cumprod(x, 0), value, order=2)


def test_third_order_through_zeros():
    """Along one line p₃ = x₁x₂x₃, so the third derivative ∂³p₃/∂x₁∂x₂∂x₃ is 1, wherever the zeros are."""
    x = leaf([0.0, 0.0, 5.0])
    last = tc.cumprod(x, 0)[2]
    for place in range(3):
        last = tc.grad(last, x, create_graph=True)[0][place]
    assert last.item() == 1.0


def test_of_equal_ones_the_latest_and_nan_stays():
    values, indices = tc.cummax(tc.tensor([2.0, 2.0, 1.0, math.nan, 9.0]), 0)
    assert values.tolist()[:3] == [2.0, 2.0, 2.0]
    assert all(math.isnan(value) for value in values.tolist()[3:])
    assert indices.tolist() == [0, 1, 1, 3, 3]
    x = leaf([3.0, 1.0, 2.0])
    tc.cummin(x, 0).values.sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 0.0]


def test_integers_are_counted_wide():
    x = tc.tensor([200, 100], dtype="uint8")
    assert tc.cumsum(x, 0).tolist() == [200, 300]
    assert tc.cumprod(x, 0).dtype is tc.int64
    assert tc.cumsum(tc.tensor([True, True]), 0).tolist() == [1, 2]
    assert tc.cummax(x, 0).values.dtype is tc.uint8


@pytest.mark.parametrize("name", NUMPYS)
def test_a_number_and_nothing(name):
    for x in (tc.tensor(2.0), tc.zeros(0, 3), tc.zeros(2, 0)):
        got = getattr(tc, name)(x, 0)
        values = got.values if isinstance(got, tuple) else got
        assert values.shape == x.shape
        np.testing.assert_array_equal(values.numpy(), x.numpy())


@pytest.mark.parametrize("name", NUMPYS)
def test_refused(name):
    for dim, kind in ((2, DimensionError), (-3, DimensionError), (1.0, ArgumentTypeError)):
        with pytest.raises(kind) as caught:
            getattr(tc, name)(tc.zeros(2, 3), dim)
        assert caught.value.argument == "dim"
    with pytest.raises(DTypeError):
        tc.logcumsumexp(tc.arange(3), 0)


def test_no_overflow_in_logarithms():
    x = leaf([1e3, -1e3, 1e3, -math.inf])
    y = tc.logcumsumexp(x, 0)
    np.testing.assert_allclose(y.numpy(), [1e3, 1e3, 1e3 + math.log(2), 1e3 + math.log(2)])
    y.backward(leaf([0.0, 0.0, 0.0, 1.0]).detach())
    np.testing.assert_allclose(x.grad.numpy(), [0.5, 0.0, 0.5, 0.0], atol=1e-12)
