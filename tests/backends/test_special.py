"""The error function of the NumPy backend against the one in Python's `math`."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel_arrays import orders, relaid

from tinygrad_cnn_backends.numpy.special import NEAR, erf


def assert_few_ulp(x: np.ndarray, ulps: int) -> None:
    exact = np.array([math.erf(number) for number in x.ravel().tolist()]).reshape(x.shape)
    np.testing.assert_array_max_ulp(erf(x), exact.astype(x.dtype), maxulp=ulps)


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_any_number(numbers):
    """Also infinite, denormal, and enormous ones."""
    assert_few_ulp(np.array(numbers), 4)


@pytest.mark.parametrize("widest", [1e-3, 1.0, 7.0])
def test_many_numbers(widest):
    assert_few_ulp(np.random.default_rng(0).uniform(-widest, widest, 200_000), 4)


def test_where_the_two_ratios_meet():
    x = NEAR + np.arange(-50, 50) * np.spacing(NEAR)
    assert_few_ulp(x, 4)


def test_float32_is_right_to_the_last_digit():
    x = np.random.default_rng(1).standard_normal(100_000).astype(np.float32)
    assert erf(x).dtype == np.float32
    assert_few_ulp(x, 1)


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_odd_symmetry_bit_by_bit(numbers):
    x = np.array(numbers)
    assert erf(-x).tobytes() == (-erf(x)).tobytes()


def test_special_numbers():
    out = erf(np.array([0.0, -0.0, np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(out, [0.0, -0.0, 1.0, -1.0, np.nan])
    assert np.signbit(out[1])
    assert not np.signbit(out[0])


@given(orders, st.lists(st.integers(0, 4), max_size=4).map(tuple))
def test_any_shape_in_any_order(order, shape):
    x = relaid(np.random.default_rng(0).standard_normal(shape), order)
    expected = np.reshape([math.erf(number) for number in x.ravel()], shape)
    np.testing.assert_allclose(erf(x), expected, rtol=1e-15)
