"""Order, statistics, norms, closeness, products of vectors: by hand and against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops.refused import assert_refused, each_refusal

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DataDependentShape, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays, dims, shapes

inf, nan = math.inf, math.nan
quick = settings(deadline=None, max_examples=40)


def leaf(data):
    return tc.tensor(np.asarray(data, dtype=np.float64), requires_grad=True)


def slope(function, x):
    value = leaf(x)
    function(value).sum().backward()
    return value.grad.tolist()


# --- order ----------------------------------------------------------------------------------------


@st.composite
def along_one(draw):
    x = draw(arrays(draw(shapes(min_dims=1, max_dims=3, min_size=1))))
    return x, draw(st.integers(-x.ndim, x.ndim - 1))


@quick
@given(along_one(), st.data())
def test_kthvalue_and_median_are_places_in_the_sorted_line(drawn, data):
    x, dim = drawn
    n, ordered = x.shape[dim], np.sort(x, axis=dim)
    k = data.draw(st.integers(1, n))
    for got, place in (
        (tc.kthvalue(tc.tensor(x), k, dim), k - 1),
        (tc.median(tc.tensor(x), dim), (n - 1) // 2),
    ):
        np.testing.assert_array_equal(got.values.numpy(), ordered.take(place, dim))
        picked = np.take_along_axis(x, np.expand_dims(got.indices.numpy(), dim), dim).squeeze(dim)
        np.testing.assert_array_equal(picked, got.values.numpy())
    whole = np.sort(x, axis=None)
    assert tc.median(tc.tensor(x)).item() == whole[(x.size - 1) // 2]


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "nearest", "midpoint"])
@quick
@given(along_one(), st.floats(0, 1))
def test_quantile_is_numpys(interpolation, drawn, q):
    x, dim = drawn
    got = tc.quantile(tc.tensor(x), q, dim, interpolation=interpolation)
    expected = np.quantile(x, q, axis=dim, method=interpolation)
    # A position that is an integer but for rounding may be rounded to either side.
    position = q * (x.shape[dim] - 1)
    if interpolation == "linear" or abs(position * 2 - round(position * 2)) > 1e-9 or position in (0.0,):
        np.testing.assert_allclose(got.numpy(), expected, rtol=1e-9, atol=1e-12)


def test_gradients_of_order_statistics():
    x = np.random.default_rng(3).permutation(12.0 * np.arange(12)).reshape(3, 4)
    for function in (
        lambda x: tc.median(x, 1).values,
        lambda x: tc.kthvalue(x, 2, 0, keepdim=True).values,
        lambda x: tc.quantile(x, tc.tensor([0.3, 0.9]), 1),
        lambda x: tc.topk(x, 2, largest=False).values,
        lambda x: tc.sort(x, 0, descending=True).values,
    ):
        assert gradcheck(function, leaf(x / 12), order=2)


def test_values_and_indices_have_names():
    x = tc.tensor([[3.0, 1.0, 2.0]])
    for pair in (
        x.max(1),
        x.min(1),
        x.sort(1),
        x.topk(1),
        x.kthvalue(1),
        x.median(1),
        x.cummax(1),
        x.cummin(1),
    ):
        values, indices = pair
        assert pair.values is values
        assert pair.indices is indices
        np.testing.assert_array_equal(
            x.gather(1, indices.reshape(1, -1)).numpy().ravel(), values.numpy().ravel()
        )


def test_nan_is_the_largest_and_wins_the_median():
    x = tc.tensor([2.0, nan, 1.0])
    assert x.sort().indices.tolist() == [2, 0, 1]
    assert x.sort(descending=True).indices.tolist() == [1, 0, 2]
    assert x.median(0).indices.item() == 1
    assert math.isnan(x.median().item())
    assert math.isnan(x.quantile(0.0).item())


@quick
@given(arrays((3, 4), "int64"))
def test_unique_is_numpys(x):
    for got, expected in zip(
        tc.unique(tc.tensor(x), return_inverse=True, return_counts=True),
        np.unique(x, return_inverse=True, return_counts=True),
        strict=True,
    ):
        np.testing.assert_array_equal(got.numpy(), expected)
    assert not tc.unique(leaf(x)).requires_grad


# --- statistics and norms -------------------------------------------------------------------------


@st.composite
def reductions(draw):
    x = draw(arrays(draw(shapes(min_dims=1, max_dims=3, min_size=1))))
    return x, draw(dims(x.ndim)), draw(st.booleans())


@pytest.mark.parametrize("p", [0, 0.5, 1, 2, 3, inf, -inf, "fro"])
@quick
@given(reductions())
def test_norms_are_their_definition(p, drawn):
    x, dim, keepdim = drawn
    axes = tuple(range(x.ndim)) if dim is None else dim
    sizes = np.abs(x)
    if p in (inf, -inf):
        expected = (np.max if p > 0 else np.min)(sizes, axis=axes, keepdims=keepdim)
    elif p == 0:
        expected = np.sum(x != 0, axis=axes, keepdims=keepdim)
    else:
        power = 2 if p == "fro" else p
        expected = np.sum(sizes**power, axis=axes, keepdims=keepdim) ** (1 / power)
    np.testing.assert_allclose(tc.norm(tc.tensor(x), p, dim, keepdim).numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, -1, inf, "fro"])
def test_gradients_of_norms(p):
    assert gradcheck(lambda x: tc.norm(x, p, 1), leaf([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]]), order=2)


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, inf])
def test_case_19_the_slope_of_a_norm_at_zero_is_zero(p):
    assert slope(lambda x: tc.norm(x, p), [0.0, 0.0]) == [0.0, 0.0]
    assert slope(lambda x: tc.norm(x, p), [2.0, 0.0])[1] == 0.0


def test_pairs_of_spread_and_mean():
    x = leaf([[1.0, 2.0], [3.0, 6.0]])
    variance, average = tc.var_mean(x, 1, correction=0)
    assert (variance.tolist(), average.tolist()) == ([0.25, 2.25], [1.5, 4.5])
    deviation, _ = tc.std_mean(x, 1, correction=0, keepdim=True)
    assert deviation.tolist() == [[0.5], [1.5]]
    assert tc.count_nonzero(tc.tensor([[0.0, nan], [1.0, 0.0]]), 1).tolist() == [1, 1]


# --- numbers --------------------------------------------------------------------------------------


def test_logaddexp_at_the_ends_of_the_line():
    x = leaf([0.0, 1e3, -1e3, inf, -inf, -inf, inf])
    y = tc.tensor([0.0, -1e3, -1e3, inf, -inf, 1.0, -inf], dtype="float64")
    z = tc.logaddexp(x, y)
    np.testing.assert_allclose(z.numpy(), [math.log(2), 1e3, -1e3 + math.log(2), inf, -inf, 1.0, inf])
    z.backward(tc.ones(7, dtype="float64"))
    np.testing.assert_allclose(x.grad.numpy(), [0.5, 1.0, 0.5, 0.5, 0.5, 0.0, 1.0])


def test_gradients_of_functions_of_numbers():
    x, y = leaf([0.7, -1.3, 2.2]), leaf([1.1, 0.6, -0.9])
    assert gradcheck(lambda x, y: tc.lerp(x, y, 0.3), [x, y], order=2)
    assert gradcheck(lambda x, y, w: tc.lerp(x, y, w), [x, y, leaf([0.1, 0.5, 0.9])], order=2)
    assert gradcheck(tc.fmod, [x, y])
    assert gradcheck(tc.frac, x)
    assert gradcheck(tc.exp2, x, order=2)
    assert gradcheck(tc.atan2, [x, y], order=2)
    assert slope(lambda x: tc.clamp_min(x, 1.0), [0.5, 1.0, 2.0]) == [0.0, 1.0, 1.0]
    assert slope(tc.nan_to_num, [1.0, nan, inf]) == [1.0, 0.0, 0.0]


def test_what_division_leaves_over_has_the_sign_of_x():
    x = tc.tensor([7.0, -7.0, 7.0, -7.0])
    assert tc.fmod(x, tc.tensor([3.0, 3.0, -3.0, -3.0])).tolist() == [1.0, -1.0, 1.0, -1.0]
    assert tc.frac(tc.tensor([2.75, -2.75])).tolist() == [0.75, -0.75]


def test_closeness():
    x, y = tc.tensor([1.0, inf, nan, inf]), tc.tensor([1.0 + 1e-7, inf, nan, -inf])
    assert tc.isclose(x, y).tolist() == [True, True, False, False]
    assert tc.isclose(x, y, equal_nan=True).tolist() == [True, True, True, False]
    assert tc.isclose(tc.tensor([100]), tc.tensor([101]), rtol=0.05).tolist() == [True]
    assert tc.allclose(x[:2], y[:2]) is True
    assert tc.allclose(tc.zeros(0), tc.zeros(0)) is True
    assert tc.equal(tc.zeros(2), tc.zeros(1, 2)) is False


# --- products -------------------------------------------------------------------------------------


@quick
@given(arrays((2, 3)), arrays((3, 2)))
def test_kron_is_numpys(x, y):
    np.testing.assert_allclose(tc.kron(tc.tensor(x), tc.tensor(y)).numpy(), np.kron(x, y))
    np.testing.assert_allclose(tc.kron(tc.tensor(x[0]), tc.tensor(y)).numpy(), np.kron(x[0], y))


def test_addmm_without_x_ignores_it():
    out = tc.addmm(tc.tensor([nan, nan]), tc.ones(1, 2), tc.ones(2, 2), beta=0)
    assert out.tolist() == [[2.0, 2.0]]


X, WHOLE, EMPTY = tc.zeros(2, 3), tc.arange(3), tc.zeros(0)
REFUSED = {
    "kthvalue 0": (lambda: X.kthvalue(0), ArgumentError, "k"),
    "kthvalue": (lambda: X.kthvalue(4), ArgumentError, "k"),
    "topk": (lambda: X.topk(4), ArgumentError, "k"),
    "median of nothing": (lambda: tc.median(EMPTY, 0), ShapeError, "x"),
    "quantile of nothing": (lambda: tc.quantile(EMPTY, 0.5), ShapeError, "x"),
    "quantile of integers": (lambda: tc.quantile(WHOLE, 0.5), DTypeError, "x"),
    "quantile above 1": (lambda: tc.quantile(X, 1.1), ArgumentError, "q"),
    "quantile by text": (lambda: tc.quantile(X, "half"), ArgumentTypeError, "q"),
    "quantile by a matrix": (lambda: tc.quantile(X, X), ArgumentTypeError, "q"),
    "interpolation": (lambda: tc.quantile(X, 0.5, interpolation="cubic"), ArgumentError, "interpolation"),
    "unique": (lambda: tc.unique(tc.zeros(2, backend="meta")), DataDependentShape, "x"),
    "norm by name": (lambda: tc.norm(X, "nuc"), ArgumentTypeError, "p"),
    "norm of integers": (lambda: tc.norm(WHOLE, 1), DTypeError, "x"),
    "isclose": (lambda: tc.isclose(X, X, rtol=-1), ArgumentError, "rtol"),
    "dot": (lambda: tc.dot(X, X), ShapeError, "x"),
    "mv": (lambda: tc.mv(X, X), ShapeError, "vec"),
    "mm": (lambda: tc.mm(X, X[0]), ShapeError, "mat2"),
    "bmm": (lambda: tc.bmm(tc.zeros(2, 3, 4), tc.zeros(3, 4, 5)), ShapeError, "mat2"),
    "addmm": (lambda: tc.addmm(X, X, X), ShapeError, "y"),
    "exp2 of text": (lambda: tc.exp2("2"), ArgumentTypeError, "y"),
}


@each_refusal(REFUSED)
def test_refused(call, kind, argument):
    assert_refused(call, kind, argument)
