"""Corners: NaN, infinity, nothing at all, 0-d, small integers, bools. Each has been wrong once."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, DimensionError, DTypeError, ShapeError

INF, NAN = math.inf, math.nan


def slopes(function, *numbers):
    """The derivative by each number."""
    points = [tc.tensor(float(number), dtype="float64", requires_grad=True) for number in numbers]
    with np.errstate(divide="ignore"):
        return [slope.item() for slope in tc.grad(function(*points), points)]


# --- NaN and infinity -----------------------------------------------------------------------------


@pytest.mark.parametrize("x", [0.0, INF, -INF, NAN, 3.0])
def test_to_the_power_0_is_constant_everywhere(x):
    assert slopes(lambda x: x**0, x) == [0]
    assert slopes(tc.pow, x, 0.0)[0] == 0


@pytest.mark.parametrize("y", [-1.0, -0.5, -INF])
def test_a_negative_power_of_0_falls_infinitely_fast(y):
    assert slopes(tc.pow, 0.0, y)[1] == -INF


@pytest.mark.parametrize("y", [0.0, 0.5, 3.0])
def test_another_power_of_0_is_constant(y):
    assert slopes(tc.pow, 0.0, y)[1] == 0


@pytest.mark.parametrize("pair", [(1.0, NAN), (NAN, 1.0), (NAN, NAN)])
@pytest.mark.parametrize("function", [tc.maximum, tc.minimum])
def test_nan_and_what_meets_it_get_the_gradient_as_in_pytorch(function, pair):
    assert slopes(function, *pair) == [1, 1]


@pytest.mark.parametrize("function", [tc.amax, tc.amin, tc.max, tc.min])
def test_where_nan_wins_it_gets_the_gradient(function):
    x = tc.tensor([1.0, NAN, 7.0, NAN], requires_grad=True)
    function(x).backward()
    assert x.grad.tolist() == [0, 0.5, 0, 0.5]


def test_nan_gets_no_gradient_from_clamp():
    x, low = (tc.tensor(value, requires_grad=True) for value in ([NAN, 1.0, 5.0], [2.0, 2.0, 2.0]))
    clamped = tc.clamp(x, low, tc.tensor([4.0, 4.0, NAN]))
    clamped.sum().backward()
    np.testing.assert_array_equal(clamped.numpy(), [NAN, 2, NAN])
    assert (x.grad.tolist(), low.grad.tolist()) == ([0, 0, 0], [0, 1, 0])


@pytest.mark.parametrize("p", [-1, 0.5])
def test_the_slope_of_a_norm_at_0_is_0(p):
    x = tc.tensor([0.0, 3.0], requires_grad=True)
    x.norm(p).backward()
    assert math.isfinite(x.grad[0].item())
    assert x.grad[0].item() == 0


# --- integers and bools ---------------------------------------------------------------------------


@pytest.mark.parametrize("function", [tc.floor_divide, tc.remainder])
def test_integers_are_not_divided_by_0(function):
    with pytest.raises(ArgumentError, match="divided by 0") as caught:
        function(tc.tensor([1, 2]), tc.tensor([1, 0]))
    assert caught.value.argument == "y"


@pytest.mark.parametrize(("vector", "number"), [("int8", "uint8"), ("uint8", "int8")])
def test_a_0d_integer_does_not_widen_a_vector(vector, number):
    assert (tc.ones(2, dtype=vector) + tc.ones((), dtype=number)).dtype == getattr(tc, vector)
    assert (tc.ones(2, dtype=vector) + tc.ones(2, dtype=number)).dtype is tc.int16


def test_bools_have_no_powers():
    with pytest.raises(DTypeError, match="bools"):
        tc.tensor([True]) ** True


def test_logsumexp_of_bytes_does_not_wrap_around():
    result = tc.logsumexp(tc.tensor([0, 250], dtype="uint8"), 0)
    assert (result.dtype, result.item()) == (tc.float32, 250)


@pytest.mark.parametrize("triangle", [tc.tril, tc.triu])
def test_a_triangle_of_bools_is_made_of_bools(triangle):
    assert triangle(tc.ones(2, 2, dtype="bool")).dtype is tc.bool


# --- nothing, and 0-d -----------------------------------------------------------------------------


def test_the_logsumexp_of_nothing_is_the_logarithm_of_0():
    assert tc.logsumexp(tc.zeros(2, 0), 1).tolist() == [-INF, -INF]
    assert tc.logsumexp(tc.zeros(0, 2), 1, keepdim=True).shape == (0, 1)


@pytest.mark.parametrize(("correction", "expected"), [(2, 2), (3, INF), (4, INF)])
def test_the_variance_when_nothing_is_left_to_divide_by(correction, expected):
    assert tc.var(tc.tensor([1.0, 2.0, 3.0]), correction=correction).item() == expected
    assert math.isnan(tc.var(tc.ones(2), correction=correction).item())


def test_nothing_is_cut_into_empty_pieces():
    assert [part.shape for part in tc.zeros(0, 3).split(2)] == [(0, 3)]
    assert [part.shape for part in tc.zeros(0, 3).chunk(2)] == [(0, 3), (0, 3)]


def test_a_0d_tensor_has_no_slices():
    with pytest.raises(ShapeError, match="0-d"):
        tc.unbind(tc.tensor(1.0))


def test_a_0d_mask_selects_one_or_none():
    x = tc.tensor(2.0, requires_grad=True)
    assert tc.masked_select(x, x > 0).tolist() == [2]
    assert tc.masked_select(x, x < 0).tolist() == []


def test_logcumsumexp_checks_its_dimension_also_for_nothing():
    with pytest.raises(DimensionError):
        tc.logcumsumexp(tc.zeros(0, 3), 2)


@pytest.mark.parametrize("dims", [2, -1])
def test_tensordot_sums_over_dimensions_that_are_there(dims):
    with pytest.raises(DimensionError) as caught:
        tc.tensordot(tc.ones(3), tc.ones(3), dims)
    assert caught.value.argument == "dims"


def test_a_range_of_fractions_stops_before_its_end():
    assert tc.arange(0.1, 1, 0.3).tolist() == pytest.approx([0.1, 0.4, 0.7])


@pytest.mark.parametrize(("shape", "dim"), [((2, 3), 2), ((2, 3), -3), ((), 0)])
def test_the_size_of_a_dimension_that_is_not_there(shape, dim):
    with pytest.raises(DimensionError) as caught:
        tc.zeros(shape).size(dim)
    assert caught.value.argument == "dim"
