"""Embedding: rows looked up, how they learn, and one-hot rows, which are the same thing written out."""

from __future__ import annotations

import numpy as np
import pytest
from functional.refusals import refusals
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataDependentShape,
    DTypeError,
    ImmutableError,
    IndexingError,
    LabelError,
    ShapeError,
)
from tinygrad_cnn.testing import gradcheck

TABLE = np.arange(12.0).reshape(4, 3)


def table(**options):
    return tc.tensor(TABLE, requires_grad=True, **options)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3), max_size=6))
def test_it_is_a_linear_layer_on_one_hot_rows(numbers):
    indices = tc.tensor(numbers, dtype="int64")
    results = []
    for rows in (F.embedding, lambda i, w: F.one_hot(i, 4).to("float64") @ w):
        weight = table()
        out = rows(indices, weight)
        (out * out).sum().backward()
        results.append((out.numpy(), weight.grad.numpy()))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (0,), (2, 0)])
def test_any_shape_of_numbers(shape):
    numbers = np.arange(int(np.prod(shape))).reshape(shape) % 4
    np.testing.assert_array_equal(F.embedding(tc.tensor(numbers), table()).numpy(), TABLE[numbers])


def test_gradients():
    indices = tc.tensor([[1, 3], [1, 1]])
    assert gradcheck(lambda weight: F.embedding(indices, weight), table(), order=2)


def gradient(indices, **options):
    weight = table()
    out = F.embedding(tc.tensor(indices), weight, **options)
    (out * tc.tensor([[1.0], [10.0], [100.0]], dtype="float64")).sum().backward()
    return weight.grad.numpy()[:, 0].tolist()


def test_a_row_adds_up_what_comes_back_from_all_its_uses():
    assert gradient([2, 0, 2]) == [10, 0, 101, 0]


@pytest.mark.parametrize("padding_idx", [2, -2])
def test_the_padding_row_is_looked_up_and_never_learns(padding_idx):
    assert gradient([2, 0, 2], padding_idx=padding_idx) == [10, 0, 0, 0]
    rows = F.embedding(tc.tensor([2]), table(), padding_idx=padding_idx)
    np.testing.assert_array_equal(rows.numpy(), TABLE[2:3])


def test_scaled_by_frequency():
    assert gradient([2, 0, 2], scale_grad_by_freq=True) == [10, 0, 50.5, 0]
    assert gradient([2, 0, 2], scale_grad_by_freq=True, padding_idx=0) == [0, 0, 50.5, 0]


def test_the_padding_row_does_not_learn_in_the_second_order_either():
    weight = table()
    out = F.embedding(tc.tensor([2, 0, 2]), weight, padding_idx=0)
    (slope,) = tc.grad((out * out).sum(), weight, create_graph=True)
    (curvature,) = tc.grad(slope.sum(), weight)
    assert curvature.numpy()[:, 0].tolist() == [0, 0, 4, 0]


# --- max_norm -------------------------------------------------------------------------------------


def test_rows_that_are_used_and_too_long_are_shortened():
    weight = tc.tensor([[3.0, 4.0], [3.0, 4.0], [0.3, 0.4]], requires_grad=True)
    rows = F.embedding(tc.tensor([2, 1, 1]), weight, max_norm=1.0)
    expected = [[3, 4], [0.6, 0.8], [0.3, 0.4]]
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(rows.numpy(), [expected[2], expected[1], expected[1]], rtol=1e-6)
    rows.sum().backward()
    assert weight.grad.tolist() == [[0, 0], [2, 2], [1, 1]]


def test_a_number_without_a_row_shortens_nothing():
    weight = tc.tensor([[3.0, 4.0]])
    for bad in ([0, 1], [0, -1]):
        with pytest.raises(IndexingError):
            F.embedding(tc.tensor(bad), weight, max_norm=1.0)
    assert weight.tolist() == [[3.0, 4.0]]


def test_only_a_leaf_can_be_shortened():
    with pytest.raises(ImmutableError):
        F.embedding(tc.tensor([0]), table() * 2, max_norm=1.0)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [4, -1, 100])
def test_case_36_a_number_without_a_row(number):
    with pytest.raises(IndexingError, match=f"number {number} has no row in a table of 4") as caught:
        F.embedding(tc.tensor([0, number]), table())
    assert caught.value.argument == "input"
    assert caught.value.expected == "0 .. 3"


test_what_is_refused = refusals(
    {
        "floats": (lambda: F.embedding(tc.tensor([1.0]), table()), DTypeError, "input"),
        "bools": (lambda: F.embedding(tc.tensor([True]), table()), DTypeError, "input"),
        "a table of integers": (
            lambda: F.embedding(tc.tensor([1]), tc.ones(2, 2).to("int64")),
            DTypeError,
            "weight",
        ),
        "a vector": (lambda: F.embedding(tc.tensor([1]), tc.ones(2)), ShapeError, "weight"),
        "an empty table": (lambda: F.embedding(tc.tensor([0]), tc.ones(0, 2)), IndexingError, "input"),
        "no such padding": (lambda: F.embedding(tc.tensor([0]), table(), 4), ArgumentError, "padding_idx"),
        "nor this": (lambda: F.embedding(tc.tensor([0]), table(), -5), ArgumentError, "padding_idx"),
        "half a row": (lambda: F.embedding(tc.tensor([0]), table(), 0.5), ArgumentTypeError, "padding_idx"),
    }
)


# --- one_hot --------------------------------------------------------------------------------------


def test_one_hot_counts_the_classes_itself():
    assert F.one_hot(tc.tensor([0, 2])).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(tc.tensor([0])).tolist() == [[1]]
    assert F.one_hot(tc.tensor(1)).tolist() == [0, 1]


def test_one_hot_of_nothing():
    assert F.one_hot(tc.zeros(0, 2, dtype="int64"), 3).shape == (0, 2, 3)
    with pytest.raises(ArgumentError, match="how many classes") as caught:
        F.one_hot(tc.zeros(0, dtype="int64"))
    assert caught.value.argument == "num_classes"


def test_one_hot_refuses():
    with pytest.raises(LabelError, match="label -1 at index 1"):
        F.one_hot(tc.tensor([2, -1]))
    with pytest.raises(LabelError, match="label -1 at index 0"):
        F.one_hot(tc.tensor([-1]))
    with pytest.raises(DTypeError):
        F.one_hot(tc.tensor([1.0]))
    with pytest.raises(ArgumentError):
        F.one_hot(tc.tensor([1]), -2)
    with tc.use_backend("meta"), pytest.raises(DataDependentShape):
        F.one_hot(tc.zeros(3, dtype="int64"))
