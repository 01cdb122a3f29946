"""Reading and writing by index and by mask: by hand, gradients of indices that meet, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops.refused import assert_refused, each_refusal

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, IndexingError, ShapeError
from tinygrad_cnn.testing import gradcheck


def leaf(data):
    return tc.tensor(np.asarray(data, dtype=np.float64), requires_grad=True)


# --- scatter: the last one written stays, wherever the numbers lie in memory ----------------------


def written_one_by_one(x, index, src, dim):
    out, writer = x.copy(), {}
    for place in sorted(np.ndindex(*index.shape), key=lambda place: place[dim]):
        target = (*place[:dim], index[place], *place[dim + 1 :])
        out[target] = src[place]
        writer[target] = place
    return out, writer


@st.composite
def scattered(draw):
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    dim = draw(st.integers(0, len(shape) - 1))
    sizes = tuple(draw(st.integers(0, 5 if axis == dim else size)) for axis, size in enumerate(shape))
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    return (
        generator.standard_normal(shape),
        generator.integers(0, shape[dim], sizes),
        generator.standard_normal(sizes),
        dim,
    )


@settings(deadline=None, max_examples=60)
@given(scattered(), st.booleans())
def test_scatter_overwrites_in_order(drawn, reversed_in_memory):
    x, index, src, dim = drawn
    expected, writer = written_one_by_one(x, index, src, dim)
    if reversed_in_memory:
        index, src = (np.flip(np.flip(array).copy()) for array in (index, src))
    inputs = leaf(x), leaf(src)
    places = tc.tensor(index)
    out = tc.scatter(inputs[0], dim, places, inputs[1])
    np.testing.assert_array_equal(out.numpy(), expected)
    g = np.arange(1.0, x.size + 1).reshape(x.shape)
    out.backward(tc.tensor(g))
    kept, given_to = g.copy(), np.zeros(src.shape)
    for target, place in writer.items():
        kept[target], given_to[place] = 0.0, g[target]
    np.testing.assert_array_equal(inputs[0].grad.numpy(), kept)
    np.testing.assert_array_equal(inputs[1].grad.numpy(), given_to)


def test_scatter_gradients_of_second_order():
    index = tc.tensor([[0, 2, 0], [1, 1, 1]])
    x, src = leaf(np.arange(6.0).reshape(2, 3)), leaf(np.arange(6.0).reshape(2, 3) / 7)
    assert gradcheck(lambda x, src: tc.scatter(x * x, 1, index, src * src), [x, src], order=2)


def test_scatter_takes_a_number_and_a_larger_src():
    assert tc.scatter(tc.zeros(3), 0, tc.tensor([1]), 7).tolist() == [0.0, 7.0, 0.0]
    assert tc.scatter(tc.zeros(3), 0, tc.tensor([1]), value=7).tolist() == [0.0, 7.0, 0.0]
    larger = tc.arange(4).reshape(2, 2)
    assert tc.scatter(tc.zeros(3, 3, dtype="int64"), 0, tc.tensor([[2]]), larger + 5)[2, 0].item() == 5
    assert tc.scatter_add(tc.ones(3), 0, tc.tensor([1]), tc.ones(4)).tolist() == [1.0, 2.0, 1.0]


# --- whole slices and masks -----------------------------------------------------------------------


def test_case_25_index_select_and_index_add_count_repeated_indices():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    tc.index_select(x, 0, tc.tensor([0, 0, 1])).sum().backward()
    assert x.grad.tolist() == [[2.0, 2.0], [1.0, 1.0]]
    source = leaf(np.ones((3, 2)))
    out = tc.index_add(leaf(np.zeros((2, 2))), 0, tc.tensor([1, 1, 0]), source, alpha=2)
    assert out.tolist() == [[2.0, 2.0], [4.0, 4.0]]
    (out * tc.tensor([[1.0], [10.0]])).sum().backward()
    assert source.grad.tolist() == [[20.0, 20.0], [20.0, 20.0], [2.0, 2.0]]


def test_select_and_narrow():
    x = tc.arange(12).reshape(3, 4)
    assert x.select(0, -1).tolist() == [8, 9, 10, 11]
    assert x.narrow(1, 1, 2).tolist() == [[1, 2], [5, 6], [9, 10]]
    assert x.narrow(1, -2, 2).tolist() == [[2, 3], [6, 7], [10, 11]]
    assert x.narrow(0, 3, 0).shape == (0, 4)


def test_masks():
    x, mask = leaf([1.0, 2.0, 3.0]), tc.tensor([True, False, True])
    filled = x.masked_fill(mask, -np.inf)
    assert filled.tolist() == [-np.inf, 2.0, -np.inf]
    tc.where(mask, 0.0, filled).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]
    assert tc.masked_select(x, mask).tolist() == [1.0, 3.0]
    assert tc.masked_select(x, tc.tensor([[True], [False]])).tolist() == [1.0, 2.0, 3.0]
    assert tc.arange(3).masked_fill(mask, 7).tolist() == [7, 1, 7]
    assert x.where(mask, 0.0).tolist() == [1.0, 0.0, 3.0]


def test_case_26_nonzero():
    x = tc.tensor([[0, 3], [5, 0]])
    assert tc.nonzero(x).tolist() == [[0, 1], [1, 0]]
    assert [places.tolist() for places in tc.nonzero(x, as_tuple=True)] == [[0, 1], [1, 0]]
    assert tc.nonzero(tc.tensor(3.0)).shape == (1, 0)
    assert tc.nonzero(tc.zeros(0, 2)).shape == (0, 2)
    with pytest.raises(tc.errors.DataDependentShape):
        tc.nonzero(tc.zeros(2, backend="meta"))


X, WHOLE = tc.zeros(2, 3), tc.tensor([[0, 1, 2], [3, 4, 5]])
INDEX, MASK, SCALAR = tc.tensor([0, 1]), WHOLE > 2, tc.tensor(1.0)
REFUSED = {
    "gather": (lambda: X.gather(1, tc.tensor([[3]])), IndexingError, "index"),
    "gather of a number": (lambda: SCALAR.gather(0, tc.tensor(0)), ShapeError, "x"),
    "scatter outside": (lambda: X.scatter(1, tc.tensor([[-1]]), 1.0), IndexingError, "index"),
    "scatter nothing": (lambda: X.scatter(0, WHOLE), ArgumentTypeError, "src"),
    "scatter too little": (lambda: X.scatter(0, tc.tensor([[0, 1]]), tc.zeros(1, 1)), ShapeError, "src"),
    "scatter another dtype": (lambda: X.scatter(0, tc.tensor([[0]]), tc.tensor([[1]])), DTypeError, "src"),
    "scatter by floats": (lambda: X.scatter(0, X, 1.0), DTypeError, "index"),
    "index_select": (lambda: tc.index_select(X, 0, WHOLE), ShapeError, "index"),
    "index_select by floats": (lambda: tc.index_select(X, 0, X[0]), DTypeError, "index"),
    "index_select of a number": (lambda: tc.index_select(SCALAR, 0, INDEX), ShapeError, "x"),
    "index_select outside": (lambda: tc.index_select(X, 0, tc.tensor([2])), IndexingError, "index"),
    "index_add": (lambda: tc.index_add(X, 1, INDEX, X), ShapeError, "source"),
    "index_add another dtype": (lambda: tc.index_add(X, 0, INDEX, WHOLE), DTypeError, "source"),
    "narrow": (lambda: X.narrow(1, 2, 2), IndexingError, "start and length"),
    "narrow backwards": (lambda: X.narrow(1, 2, -1), IndexingError, "start and length"),
    "select": (lambda: X.select(1, 3), IndexingError, "index"),
    "select a slice": (lambda: X.select(1, 0.5), ArgumentTypeError, "index"),
    "masked_fill": (lambda: X.masked_fill(WHOLE, 1.0), DTypeError, "mask"),
    "masked_fill a fraction": (lambda: WHOLE.masked_fill(MASK, 0.5), DTypeError, "value"),
    "masked_fill shapes": (lambda: X.masked_fill(MASK[:, :2], 1.0), ShapeError, "condition and x and y"),
    "masked_select": (lambda: tc.masked_select(X, MASK[:, :2]), ShapeError, "x and mask"),
}


@each_refusal(REFUSED)
def test_refused(call, kind, argument):
    assert_refused(call, kind, argument)
