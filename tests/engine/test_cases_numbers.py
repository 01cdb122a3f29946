"""Acceptance cases 17 to 34, as far as they are about the numbers of single operations."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import BackendError, DimensionError, IndexingError, LabelError, ShapeError


def leaf(data, dtype="float64"):
    return tc.tensor(data, dtype=dtype, requires_grad=True)


def slope(function, *points):
    inputs = [leaf(point) for point in points]
    found = tc.grad(function(*inputs).sum(), inputs)
    return [gradient.tolist() for gradient in found]


# --- elementwise and reductions -------------------------------------------------------------------


def test_case_17_powers():
    assert slope(lambda x: x**3, -2.0) == [12.0]
    assert slope(lambda x: x**2, 0.0) == [0.0]
    assert slope(lambda x: x**0.5, 0.0) == [math.inf]
    assert slope(lambda x: x**0, 0.0) == [0.0]
    base, exponent = leaf([0.0, 2.0]), leaf([2.0, 3.0])
    (base**exponent).sum().backward()
    assert exponent.grad.tolist() == [0.0, pytest.approx(8 * math.log(2))]
    assert (2.0 ** leaf(3.0)).item() == 8.0


def test_case_18_products_with_zeros():
    assert slope(tc.prod, [2.0, 0.0, 3.0, 4.0]) == [[0.0, 24.0, 0.0, 0.0]]
    assert slope(tc.prod, [2.0, 0.0, 3.0, 0.0]) == [[0.0, 0.0, 0.0, 0.0]]
    x = leaf([[1.0, 2.0], [0.0, 3.0]])
    assert tc.prod(x, 1).tolist() == [2.0, 0.0]
    assert tc.testing.gradcheck(lambda x: tc.prod(x, 1), x, order=2)
    assert tc.testing.gradcheck(tc.prod, leaf([2.0, 0.0, 3.0, 4.0]), order=2)


def test_case_19_standard_deviation_of_constants():
    assert slope(tc.std, [3.0, 3.0, 3.0]) == [[0.0, 0.0, 0.0]]
    assert slope(tc.norm, [0.0, 0.0]) == [[0.0, 0.0]]


@pytest.mark.parametrize("function", [tc.var, lambda x: tc.std(x) ** 2])
def test_case_20_variance_by_two_passes(function):
    x = np.array([10_000.01, 9_999.99] * 500, dtype=np.float32)
    exact = np.var(x.astype(np.float64), ddof=1)
    assert function(tc.tensor(x)).item() == pytest.approx(exact, rel=1e-3)


def test_case_21_axes():
    x = np.arange(24.0).reshape(2, 3, 4)
    t = tc.tensor(x)
    np.testing.assert_array_equal(t.sum((0, -1)).numpy(), x.sum(axis=(0, 2)))
    np.testing.assert_array_equal(t.sum([-2]).numpy(), x.sum(axis=1))
    with pytest.raises(DimensionError, match="named twice"):
        t.sum((0, -3))
    with pytest.raises(DimensionError, match="dimension 3"):
        t.sum(3)
    with pytest.raises(tc.errors.ArgumentTypeError):
        t.sum(1.0)


def test_case_22_empty_reductions():
    empty = tc.zeros(0)
    assert empty.sum().item() == 0.0
    assert tc.prod(empty).item() == 1.0
    assert math.isnan(empty.mean().item())
    assert math.isnan(empty.var().item())
    assert bool(empty.all()) is True
    assert bool(empty.any()) is False
    for name in ("max", "min", "amax", "amin", "argmax", "argmin"):
        with pytest.raises(ShapeError, match="no largest or smallest"):
            getattr(empty, name)()
    assert tc.zeros(0, 3).sum(0).tolist() == [0.0, 0.0, 0.0]
    assert tc.zeros(0, 3).amax(1).shape == (0,)
    for reduce in (tc.sum, tc.mean, tc.prod):
        assert slope(reduce, np.zeros((0,))) == [[]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "logsigmoid"])
def test_case_23_saturation_is_finite_and_silent(name, dtype):
    x = leaf([1e3, -1e3, 0.0], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = getattr(tc, name)(x)
        y.sum().backward()
    assert np.isfinite(y.numpy()).all()
    assert np.isfinite(x.grad.numpy()).all()


def test_case_24_the_double_where():
    x = leaf([0.0, 4.0])
    naive = tc.where(x > 0, tc.sqrt(x), x)
    assert math.isnan(tc.grad(naive.sum(), x)[0].tolist()[0])
    safe = tc.where(x > 0, tc.sqrt(tc.where(x > 0, x, 1.0)), x)
    assert tc.grad(safe.sum(), x)[0].tolist() == [1.0, 0.25]
    assert "double where" in tc.where.__doc__


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (tc.abs, [0.0], [0.0]),
        (tc.relu, [0.0], [0.0]),
        (tc.sign, [0.0], [0.0]),
        (tc.sqrt, [0.0], [math.inf]),
        (tc.max, [3.0, 1.0, 3.0], [0.5, 0.0, 0.5]),
        (tc.amin, [3.0, 1.0, 1.0], [0.0, 0.5, 0.5]),
        (lambda x: tc.max(x, 0)[0], [3.0, 1.0, 3.0], [1.0, 0.0, 0.0]),
        (lambda x: tc.min(x, 0)[0], [1.0, 1.0], [1.0, 0.0]),
        (lambda x: tc.maximum(x, 2.0), [2.0, 3.0, 1.0], [0.5, 1.0, 0.0]),
        (lambda x: tc.clamp(x, -1.0, 1.0), [-1.0, 1.0, 2.0], [1.0, 1.0, 0.0]),
    ],
)
def test_kinks_are_decided_once_and_for_all(function, point, expected):
    assert slope(function, point) == [expected]


def test_nan_propagates():
    x = tc.tensor([1.0, math.nan, 3.0])
    for value in (x.max(), x.min(), x.max(0)[0], tc.maximum(x, 2.0)[1], tc.minimum(2.0, x)[1], x.relu()[1]):
        assert math.isnan(value.item())
    assert x.max(0)[1].item() == 1


# --- indexing, layout, dtype ----------------------------------------------------------------------


def test_case_25_an_index_twice_counts_twice():
    x = leaf([1.0, 2.0])
    x[[0, 0, 1]].sum().backward()
    assert x.grad.tolist() == [2.0, 1.0]


def test_case_26_masks_new_axes_and_negative_steps():
    data = np.arange(12.0).reshape(3, 4)
    for key in (
        data > 4,
        np.array([True, False, True]),
        (slice(None), None, 1),
        (Ellipsis, slice(None, None, -1)),
        (slice(None, None, -2), slice(3, 0, -1)),
        (np.array([[0], [2]]), np.array([1, 3])),
        (1, Ellipsis),
        (),
    ):
        x = leaf(data)
        picked = x[key]
        np.testing.assert_array_equal(picked.numpy(), data[key])
        picked.sum().backward()
        expected = np.zeros_like(data)
        np.add.at(expected, key, 1.0)
        np.testing.assert_array_equal(x.grad.numpy(), expected)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (3, "outside dimension 0 of size 3"),
        ((0, -5), "outside dimension 1 of size 4"),
        (np.array([0, 3]), "outside dimension 0 of size 3"),
        ((0, 0, 0), "too many indices"),
        ((Ellipsis, Ellipsis), "only one"),
        (np.array([True, False]), "a mask"),
        (np.ones((3, 3), dtype=bool), "a mask"),
        (True, "not an index"),
        ("a", "cannot index"),
        (slice(None, None, 0), "step by 0"),
    ],
)
def test_case_26_indices_that_cannot_be(key, problem):
    with pytest.raises(IndexingError, match=problem) as caught:
        tc.zeros(3, 4)[key]
    assert caught.value.argument == "index"


def test_case_28_zero_size_parts():
    x = leaf(np.ones((2, 3)))
    joined = tc.cat([x, tc.zeros(0, 3, dtype="float64"), x], dim=0)
    assert joined.shape == (4, 3)
    first, none, rest = joined.split([1, 0, 3])
    assert (first.shape, none.shape, rest.shape) == ((1, 3), (0, 3), (3, 3))
    (none.sum() + rest.sum()).backward()
    assert x.grad.tolist() == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]


def test_case_28_a_frame_around_nothing_is_only_frame():
    nothing = leaf(np.zeros((0, 2)))
    framed = REGISTRY["pad"](nothing, padding=((1, 1), (0, 1)), value=7.0)
    assert framed.tolist() == [[7.0] * 3] * 2
    framed.sum().backward()
    assert nothing.grad.shape == (0, 2)
    whole = leaf(np.ones((2, 1)))
    assert REGISTRY["pad"](whole, padding=((0, 0), (0, 0)), value=7.0).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("left", "right", "out"),
    [
        ((3,), (3,), ()),
        ((3,), (2, 3, 4), (2, 4)),
        ((2, 4, 3), (3,), (2, 4)),
        ((5, 1, 2, 3), (4, 3, 2), (5, 4, 2, 2)),
        ((0, 3), (3, 2), (0, 2)),
        ((2, 0), (0, 3), (2, 3)),
    ],
)
def test_case_29_matrix_products(left, right, out):
    x, y = leaf(np.random.default_rng(0).random(left)), leaf(np.random.default_rng(1).random(right))
    result = x @ y
    assert result.shape == out
    np.testing.assert_allclose(result.numpy(), x.numpy() @ y.numpy(), rtol=1e-14)
    assert tc.testing.gradcheck(tc.matmul, [x, y], order=2)


def test_case_30_a_scalar_never_changes_a_floating_dtype():
    x = leaf([1.0, 2.0], "float32")
    for result in (
        x * np.float64(2),
        np.float64(2) * x,
        x + 2.5,
        2 - x,
        x / 3,
        x**2,
        x * True,
        x + tc.tensor(2.0, dtype="float64"),
        tc.maximum(x, np.float64(1.5)),
        tc.where(x > 1, x, 0.0),
    ):
        assert result.dtype is tc.float32
        gradient = tc.grad(result.sum(), x)[0]
        assert gradient.dtype is tc.float32


def test_case_30_where_kinds_meet():
    integers = tc.arange(3)
    assert (integers * 2).dtype is tc.int64
    assert (integers * 2.0).dtype is tc.float32
    assert (integers / 2).dtype is tc.float32
    assert (integers + tc.tensor([1.0, 2.0, 3.0], dtype="float64")).dtype is tc.float64
    assert (tc.tensor([True]) + 1).dtype is tc.int64
    assert tc.exp(integers).dtype is tc.float32
    assert (integers > 1.5).dtype is tc.bool
    narrow = leaf([1.0], "float32")
    (narrow * leaf([2.0], "float64")).sum().backward()
    assert narrow.grad.dtype is tc.float32
    with pytest.raises(tc.errors.DTypeError, match="does not mix"):
        tc.zeros(2, 2) @ tc.zeros(2, 2, dtype="float64")


def test_case_31_mixing_backends_names_both():
    x, y = tc.zeros(2), tc.zeros(2, backend="meta")
    with pytest.raises(BackendError) as caught:
        x + y
    assert "x on numpy" in str(caught.value)
    assert "y on meta" in str(caught.value)
    assert caught.value.op == "add"


# --- probabilities --------------------------------------------------------------------------------


def test_case_32_softmax_does_not_overflow():
    assert tc.softmax(tc.tensor([1e4, 0.0, -1e4]), 0).tolist() == [1.0, 0.0, 0.0]
    assert tc.log_softmax(tc.tensor([1e4, 0.0]), 0).tolist() == [0.0, -1e4]


def test_case_33_logsumexp_of_nothing_but_minus_infinity():
    x = leaf([-math.inf, -math.inf])
    with x.backend.step():  # where log 0 is a value, not a warning
        assert tc.logsumexp(x, 0).item() == -math.inf
    assert tc.logsumexp(leaf([1000.0, 1000.0]), 0).item() == pytest.approx(1000 + math.log(2))


@pytest.mark.parametrize("label", [3, -1])
def test_case_36_a_label_that_names_no_class(label):
    with pytest.raises(LabelError, match=f"label {label} at index 1") as caught:
        tc.one_hot(tc.tensor([0, label]), 3)
    assert caught.value.expected == "0 .. 2"
