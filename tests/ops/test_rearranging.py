"""Moving, rolling, repeating and triangles: against NumPy, which has them too, and their gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ops.refused import assert_refused, each_refusal

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DimensionError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays, shapes

quick = settings(deadline=None, max_examples=40)


def check(got, expected):
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got.numpy(), expected)


@st.composite
def dimensions(draw, min_dims=1, max_dims=3):
    """An array and some of its dimensions, in any order, counted from either end."""
    x = draw(arrays(draw(shapes(min_dims=min_dims, max_dims=max_dims))))
    order = draw(st.permutations(range(x.ndim)))[: draw(st.integers(1, x.ndim))]
    return x, tuple(dim - x.ndim * draw(st.booleans()) for dim in order)


@quick
@given(dimensions(), st.data())
def test_movedim_is_numpys_moveaxis(drawn, data):
    x, source = drawn
    destination = tuple(data.draw(st.permutations(range(x.ndim)))[: len(source)])
    check(tc.movedim(tc.tensor(x), source, destination), np.moveaxis(x, source, destination))


@quick
@given(dimensions(), st.data())
def test_roll_is_numpys(drawn, data):
    x, dims = drawn
    shifts = tuple(data.draw(st.integers(-7, 7)) for _ in dims)
    value = tc.tensor(x, requires_grad=True)
    rolled = tc.roll(value, shifts, dims)
    check(rolled, np.roll(x, shifts, dims))
    check(tc.roll(value, shifts[0]), np.roll(x, shifts[0]))
    rolled.backward(tc.tensor(x))
    check(value.grad, np.roll(x, tuple(-shift for shift in shifts), dims))


@quick
@given(st.data())
def test_flip_is_numpys(data):
    x, dims = data.draw(dimensions())
    check(tc.flip(tc.tensor(x), *dims), np.flip(x, dims))
    check(tc.flip(tc.tensor(x), dims=dims), np.flip(x, dims))


@quick
@given(st.data())
def test_tile_and_repeat_are_numpys(data):
    x = data.draw(arrays(data.draw(shapes(max_dims=3, max_size=3))))
    times = tuple(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)))
    check(tc.tile(tc.tensor(x), times), np.tile(x, times))
    if len(times) >= x.ndim:
        value = tc.tensor(x, requires_grad=True)
        copies = value.repeat(times)
        check(copies, np.tile(x, times))
        copies.sum().backward()
        check(value.grad, np.full(x.shape, float(np.prod(times))))


@quick
@given(dimensions(max_dims=3), st.data())
def test_repeat_interleave_is_numpys_repeat(drawn, data):
    x, (dim, *_) = drawn
    times = data.draw(st.integers(0, 3))
    check(tc.repeat_interleave(tc.tensor(x), times, dim), np.repeat(x, times, dim))
    check(tc.repeat_interleave(tc.tensor(x), times), np.repeat(x, times))
    each = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=x.shape[dim], max_size=x.shape[dim])), dtype=np.int64
    )
    check(tc.repeat_interleave(tc.tensor(x), tc.tensor(each), dim), np.repeat(x, each, dim))


@quick
@given(arrays((3, 4)), st.integers(-5, 5))
def test_triangles_and_diagonals_are_numpys(x, k):
    value = tc.tensor(x)
    check(tc.triu(value, k), np.triu(x, k))
    check(tc.tril(value, k), np.tril(x, k))
    check(tc.diag(value, k), np.diag(x, k))
    check(tc.diag(value[0], k), np.diag(x[0], k))
    check(tc.diagonal(value, k), np.diagonal(x, k))


@quick
@given(st.data())
def test_diagonal_and_diag_embed_undo_each_other(data):
    x = data.draw(arrays(data.draw(shapes(min_dims=2, max_dims=4))))
    dim1, dim2 = data.draw(st.permutations(range(x.ndim)))[:2]
    offset = data.draw(st.integers(-3, 3))
    lines = tc.diagonal(tc.tensor(x), offset, dim1, dim2)
    check(lines, np.diagonal(x, offset, dim1, dim2))
    check(tc.diagonal(tc.diag_embed(lines, offset, dim1, dim2), offset, dim1, dim2), lines.numpy())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: tc.triu(x, 1),
        lambda x: tc.diagonal(x, 1, -1, 0),
        lambda x: tc.diag_embed(x, -1),
        lambda x: tc.roll(x, (1, -1), (0, 1)),
        lambda x: x.repeat(2, 1, 2, 1),
        lambda x: tc.repeat_interleave(x, 2, 1),
        lambda x: tc.movedim(x, (0, 1), (2, 0)),
        lambda x: tc.kron(x[0], x[1]),
    ],
)
def test_gradients(function):
    x = tc.tensor(np.random.default_rng(0).standard_normal((2, 3, 3)), requires_grad=True)
    assert gradcheck(function, x, order=2)


def test_what_was_dropped_gets_no_gradient():
    x = tc.tensor([[1.0, np.inf], [np.nan, 4.0]], requires_grad=True)
    (tc.triu(x, 1) * 2).sum().backward()
    assert x.grad.tolist() == [[0.0, 2.0], [0.0, 0.0]]


@quick
@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.sampled_from(["ij", "xy"]))
def test_meshgrid_is_numpys(sizes, indexing):
    axes = [np.arange(float(size)) + number for number, size in enumerate(sizes)]
    for got, expected in zip(
        tc.meshgrid(*map(tc.tensor, axes), indexing=indexing),
        np.meshgrid(*axes, indexing=indexing),
        strict=True,
    ):
        check(got, expected)


X, SCALAR = tc.zeros(2, 3), tc.tensor(1.0)
REFUSED = {
    "movedim": (lambda: tc.movedim(X, (0, 1), 0), DimensionError, "destination"),
    "movedim twice": (lambda: tc.movedim(X, (0, -2), (0, 1)), DimensionError, "source"),
    "movedim outside": (lambda: tc.movedim(X, 0, 2), DimensionError, "destination"),
    "t": (lambda: tc.zeros(2, 2, 2).t(), ShapeError, "x"),
    "unflatten": (lambda: X.unflatten(1, (2, 2)), ShapeError, "sizes"),
    "unflatten with two unknowns": (lambda: X.unflatten(1, (-1, -1)), ShapeError, "sizes"),
    "repeat": (lambda: X.repeat(2), ShapeError, "repeats"),
    "repeat below 0": (lambda: X.repeat(-1, 2), ShapeError, "repeats"),
    "repeat by fractions": (lambda: X.repeat(0.5, 2), ArgumentTypeError, "repeats"),
    "repeat_interleave": (lambda: tc.repeat_interleave(X, tc.tensor([1, 2]), 1), ShapeError, "repeats"),
    "repeat_interleave by floats": (lambda: tc.repeat_interleave(X, X[0]), tc.errors.DTypeError, "repeats"),
    "roll": (lambda: tc.roll(X, (1, 2), 0), ArgumentError, "shifts"),
    "roll without dims": (lambda: tc.roll(X, (1, 2)), ArgumentError, "dims"),
    "roll outside": (lambda: tc.roll(X, 1, 2), DimensionError, "dims"),
    "fliplr": (lambda: tc.fliplr(X[0]), ShapeError, "x"),
    "flipud": (lambda: tc.flipud(SCALAR), ShapeError, "x"),
    "flip twice": (lambda: tc.flip(X, 0, 0), DimensionError, "dims"),
    "triu": (lambda: tc.triu(X[0]), ShapeError, "x"),
    "tril": (lambda: tc.tril(X, 0.5), ArgumentTypeError, "diagonal"),
    "diag": (lambda: tc.diag(tc.zeros(1, 2, 3)), ShapeError, "x"),
    "diag_embed": (lambda: tc.diag_embed(SCALAR), ShapeError, "x"),
    "diagonal": (lambda: tc.diagonal(X, 0, 1, -1), DimensionError, "dim1 and dim2"),
    "trace": (lambda: tc.trace(X[0]), ShapeError, "x"),
    "meshgrid": (lambda: tc.meshgrid(X), ArgumentTypeError, "tensors[0]"),
    "meshgrid order": (lambda: tc.meshgrid(X[0], indexing="yx"), ArgumentError, "indexing"),
    "tensor_split": (lambda: X.tensor_split(0), ArgumentError, "indices_or_sections"),
    "tensor_split of a number": (lambda: SCALAR.tensor_split(1), ShapeError, "x"),
    "hstack": (lambda: tc.hstack([X, tc.zeros(3, 3)]), ShapeError, "tensors[1]"),
}


@each_refusal(REFUSED)
def test_refused(call, kind, argument):
    assert_refused(call, kind, argument)
