"""Unpooling: numbers go back to where their indices say, and gradients come from there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, IndexingError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays

POOLED = tc.tensor([[[6.0, 8.0], [14.0, 16.0]]])
PLACES = tc.tensor([[[5, 7], [13, 15]]])


def test_numbers_go_back_to_their_places():
    out = F.max_unpool2d(POOLED, PLACES, 2)
    assert out.tolist() == [[[0, 0, 0, 0], [0, 6, 0, 8], [0, 0, 0, 0], [0, 14, 0, 16]]]
    assert out.dtype is POOLED.dtype


def test_indices_count_through_an_image_of_the_size_asked_for():
    out = F.max_unpool2d(POOLED, PLACES, 2, output_size=(4, 5))
    assert out.tolist() == [[[0, 0, 0, 0, 0], [6, 0, 8, 0, 0], [0, 0, 0, 14, 0], [16, 0, 0, 0, 0]]]
    assert F.max_unpool2d(POOLED[None], PLACES[None], 2, output_size=(1, 1, 4, 5)).shape == (1, 1, 4, 5)
    assert F.max_unpool2d(POOLED, PLACES, 2, output_size=5).shape == (1, 5, 5)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(0, 2), st.integers(1, 3), st.integers(1, 4), st.data())
def test_pooling_and_back_leaves_the_maxima_alone(spatial, n, kernel, windows, data):
    size = (kernel * windows,) * spatial
    x = data.draw(arrays((n, 2, *size)))
    pool, unpool = (getattr(F, f"{name}{spatial}d") for name in ("max_pool", "max_unpool"))
    pooled, indices = pool(tc.tensor(x), kernel, return_indices=True)
    back = unpool(pooled, indices, kernel).numpy()
    largest = np.kron(pooled.numpy(), np.ones((1, 1, *(kernel,) * spatial)))
    np.testing.assert_array_equal(back, np.where(x == largest, x, 0))


def test_where_indices_meet_the_last_stays():
    values = tc.tensor([[[1.0, 2.0, 3.0]]], dtype="float64", requires_grad=True)
    places = tc.tensor([[[1, 1, 0]]])
    out = F.max_unpool1d(values, places, 1)
    (out * tc.tensor([10.0, 20.0, 30.0], dtype="float64")).sum().backward()
    assert out.tolist() == [[[3.0, 2.0, 0.0]]]
    assert values.grad.tolist() == [[[0.0, 20.0, 10.0]]]


def test_the_gradient_of_pooling_and_back_counts_a_shared_winner_once():
    x = tc.tensor([[[1.0, 5.0, 2.0, 0.0]]], requires_grad=True)
    pooled, indices = F.max_pool1d(x, 3, 1, return_indices=True)
    F.max_unpool1d(pooled, indices, 3, 1).sum().backward()
    assert x.grad.tolist() == [[[0.0, 1.0, 0.0, 0.0]]]


@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_gradients_equal_differences(spatial):
    x = np.random.default_rng(0).permutation(2 * 6**spatial).reshape(2, *(6,) * spatial) / 4 + 0.1
    _, indices = getattr(F, f"max_pool{spatial}d")(tc.tensor(x), 3, 2, 1, return_indices=True)
    unpool = getattr(F, f"max_unpool{spatial}d")
    values = tc.tensor(np.arange(indices.numel()).reshape(indices.shape) / 3, requires_grad=True)
    size = (6,) * spatial
    assert gradcheck(lambda v: unpool(v, indices, 3, 2, 1, output_size=size), values, order=2)


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: F.max_unpool2d(POOLED, PLACES + 1, 2), IndexingError, "indices"),
        (lambda: F.max_unpool2d(POOLED, PLACES - 6, 2), IndexingError, "indices"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 1), IndexingError, "indices"),
        (lambda: F.max_unpool2d(POOLED, PLACES[:, :1], 2), ShapeError, "indices"),
        (lambda: F.max_unpool2d(POOLED, PLACES[None], 2), ShapeError, "indices"),
        (lambda: F.max_unpool2d(POOLED, POOLED, 2), DTypeError, "indices"),
        (lambda: F.max_unpool2d(POOLED[0], PLACES[0], 2), ShapeError, "input"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 2, output_size=(6, 4)), ShapeError, "output_size"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 2, output_size=(4, 2)), ShapeError, "output_size"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 2, output_size=(1, 4, 4)), ArgumentError, "output_size"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 0), ArgumentError, "kernel_size"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 2, 0), ArgumentError, "stride"),
        (lambda: F.max_unpool2d(POOLED, PLACES, 2, 2, -1), ArgumentError, "padding"),
    ],
)
def test_refused(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
    assert str(caught.value.where).startswith("test_unpooling.py:")


def test_an_index_outside_is_named():
    with pytest.raises(IndexingError, match=r"outside images of size \(4, 4\)") as caught:
        F.max_unpool2d(POOLED, PLACES + 1, 2)
    assert caught.value.got == 16
    assert caught.value.op == "max_unpool"
