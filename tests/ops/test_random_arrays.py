"""Operations on random shapes, dims and indices, against NumPy itself where it has the same function."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_cnn as tc
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays, broadcastable_shapes, dims, shapes

quick = settings(deadline=None, max_examples=50)
slow = settings(deadline=None, max_examples=20)


@st.composite
def broadcasting_pairs(draw):
    return [draw(arrays(shape)) for shape in draw(broadcastable_shapes(2))]


@quick
@given(broadcasting_pairs())
def test_broadcasting_is_numpys(pair):
    x, y = map(tc.tensor, pair)
    for got, expected in [
        (x + y, pair[0] + pair[1]),
        (x * y, pair[0] * pair[1]),
        (tc.maximum(x, y), np.maximum(*pair)),
        (x < y, pair[0] < pair[1]),
    ]:
        assert got.shape == expected.shape
        np.testing.assert_array_equal(got.numpy(), expected)


@slow
@given(broadcasting_pairs())
def test_broadcasting_sums_gradients_back(pair):
    x, y = (tc.tensor(array, requires_grad=True) for array in pair)
    (x * y).sum().backward()
    ones = np.ones(np.broadcast_shapes(*[array.shape for array in pair]))
    for value, other in ((x, pair[1]), (y, pair[0])):
        assert value.grad.shape == value.shape
        spread = ones * other
        extra = tuple(range(spread.ndim - value.ndim))
        kept = tuple(axis for axis, size in enumerate(value.shape, len(extra)) if size == 1)
        expected = spread.sum(axis=(*extra, *kept), keepdims=True).reshape(value.shape)
        np.testing.assert_allclose(value.grad.numpy(), expected, rtol=1e-12, atol=1e-12)


@st.composite
def reductions(draw):
    x = draw(arrays(draw(shapes(max_dims=4))))
    return x, draw(dims(x.ndim)), draw(st.booleans())


@pytest.mark.parametrize("name", ["sum", "mean", "var", "amax", "amin", "all", "any"])
@quick
@given(reductions())
def test_reductions_are_numpys(name, drawn):
    x, dim, keepdim = drawn
    axes = tuple(range(x.ndim)) if dim is None else dim
    count = int(np.prod([x.shape[axis] for axis in np.atleast_1d(np.array(axes, dtype=int))]))
    value = tc.tensor(x)
    if name in ("amax", "amin") and count == 0:
        with pytest.raises(tc.errors.ShapeError):
            getattr(value, name)(dim, keepdim=keepdim)
        return
    got = getattr(value, name)(dim, keepdim=keepdim)
    options = {"ddof": 1} if name == "var" else {}
    with np.errstate(all="ignore"):
        if name in ("mean", "var") and count <= options.get("ddof", 0):
            expected = np.sum(x, axis=axes, keepdims=keepdim) * np.nan
        else:
            expected = getattr(np, name)(x, axis=axes, keepdims=keepdim, **options)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-12)


@slow
@given(reductions())
def test_gradients_of_reductions(drawn):
    x, dim, keepdim = drawn
    value = tc.tensor(x, requires_grad=True)
    assert gradcheck(lambda x: x.sum(dim, keepdim), value)
    if x.size:
        assert gradcheck(lambda x: x.amax(dim, keepdim), value)


# --- indexing: whatever NumPy takes, with the same result and the gradient added up -----------------


@st.composite
def indexed(draw):
    x = draw(arrays(draw(shapes(min_dims=1, max_dims=4, min_size=1))))
    kind = draw(st.sampled_from(["basic", "integers", "mask"]))
    if kind == "basic":
        return x, draw(hnp.basic_indices(x.shape, allow_newaxis=True, max_dims=6))
    if kind == "mask":
        return x, np.random.default_rng(draw(st.integers(0, 99))).random(
            x.shape[: draw(st.integers(1, x.ndim))]
        ) < 0.5
    index = draw(
        hnp.integer_array_indices(
            x.shape[:2], result_shape=hnp.array_shapes(min_dims=0, max_dims=2, max_side=3)
        )
    )
    return x, index if draw(st.booleans()) else index[:1]


@quick
@given(indexed())
def test_indexing_is_numpys(drawn):
    x, key = drawn
    value = tc.tensor(x, requires_grad=True)
    got, expected = value[key], np.asarray(x[key])
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got.numpy(), expected)
    g = np.arange(1.0, expected.size + 1).reshape(expected.shape)
    got.backward(tc.tensor(g))
    slope = np.zeros_like(x)
    np.add.at(slope, key, g)
    np.testing.assert_allclose(value.grad.numpy(), slope)


@st.composite
def mixed_keys(draw):
    """Slices, new dimensions, ints and index arrays in one key: NumPy's rule for where the picks stand."""
    x = draw(arrays((3, 4, 2)))
    entries = []
    for size in x.shape[: draw(st.integers(1, 3))]:
        picks = draw(st.sampled_from(["slice", "int", "array"]))
        if picks == "slice":
            entries.append(draw(st.slices(size)))
        elif picks == "int":
            entries.append(draw(st.integers(-size, size - 1)))
        else:
            entries.append(np.array(draw(st.lists(st.integers(-size, size - 1), min_size=2, max_size=2))))
        if draw(st.integers(0, 3)) == 0:
            entries.append(None)
    return x, tuple(entries)


@quick
@given(mixed_keys())
def test_mixed_keys_are_numpys(drawn):
    x, key = drawn
    got, expected = tc.tensor(x)[key], np.asarray(x[key])
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got.numpy(), expected)


@st.composite
def gatherings(draw):
    shape = draw(shapes(min_dims=1, max_dims=3, min_size=1))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    size = draw(st.integers(0, 4))
    axis = dim % len(shape)
    index_shape = tuple(size if i == axis else draw(st.integers(0, s)) for i, s in enumerate(shape))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    return draw(arrays(shape)), generator.integers(0, shape[axis], index_shape), dim


@quick
@given(gatherings())
def test_gather_and_scatter_add_are_each_others_gradient(drawn):
    x, index, dim = drawn
    value = tc.tensor(x, requires_grad=True)
    got = tc.gather(value, dim, tc.tensor(index, dtype="int64"))
    part = x[tuple(slice(0, s) if i != dim % x.ndim else slice(None) for i, s in enumerate(index.shape))]
    np.testing.assert_array_equal(got.numpy(), np.take_along_axis(part, index, axis=dim))
    g = np.arange(1.0, index.size + 1).reshape(index.shape)
    got.backward(tc.tensor(g))
    src = tc.tensor(g, requires_grad=True)
    scattered = tc.scatter_add(tc.zeros(*x.shape, dtype="float64"), dim, tc.tensor(index, dtype="int64"), src)
    np.testing.assert_array_equal(value.grad.numpy(), scattered.numpy())
    (scattered * tc.tensor(x)).sum().backward()
    np.testing.assert_array_equal(src.grad.numpy(), got.numpy())


# --- sorting --------------------------------------------------------------------------------------


@st.composite
def sortings(draw):
    shape = draw(shapes(min_dims=1, max_dims=3))
    ties = draw(st.booleans())
    x = draw(arrays(shape, "int64")).astype(float) if ties else draw(arrays(shape))
    return x, draw(st.integers(-len(shape), len(shape) - 1))


@pytest.mark.parametrize("descending", [False, True])
@quick
@given(sortings())
def test_sort_is_numpys_and_stable(descending, drawn):
    x, dim = drawn
    values, indices = tc.tensor(x).sort(dim, descending)
    order = np.argsort(-x if descending else x, axis=dim, stable=True)
    np.testing.assert_array_equal(indices.numpy(), order)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, order, axis=dim))


@quick
@given(sortings(), st.data())
def test_topk_is_the_head_of_a_sort(drawn, data):
    x, dim = drawn
    k = data.draw(st.integers(0, x.shape[dim]))
    value = tc.tensor(x, requires_grad=True)
    values, indices = value.topk(k, dim)
    head = np.take(np.argsort(-x, axis=dim, stable=True), range(k), axis=dim)
    np.testing.assert_array_equal(indices.numpy(), head)
    values.sum().backward()
    expected = np.zeros_like(x)
    np.put_along_axis(expected, head, 1.0, axis=dim)
    np.testing.assert_array_equal(value.grad.numpy(), expected)


# --- movement -------------------------------------------------------------------------------------


@quick
@given(shapes(max_dims=4), st.data())
def test_permute_and_reshape_are_numpys(shape, data):
    x = data.draw(arrays(shape))
    order = data.draw(st.permutations(range(len(shape))))
    np.testing.assert_array_equal(tc.tensor(x).permute(*order).numpy(), x.transpose(order))
    flat = tc.tensor(x).permute(*order).reshape(-1) if x.size else tc.tensor(x).permute(*order).reshape(0)
    np.testing.assert_array_equal(flat.numpy(), x.transpose(order).reshape(-1))


@st.composite
def parts(draw):
    """Arrays that join along one dimension, empty ones among them."""
    shape = draw(shapes(min_dims=1, max_dims=3))
    axis = draw(st.integers(0, len(shape) - 1))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    return [draw(arrays((*shape[:axis], size, *shape[axis + 1 :]))) for size in sizes], axis


@quick
@given(parts())
def test_case_28_joining_and_cutting_are_each_others_inverse(drawn):
    pieces, axis = drawn
    inputs = [tc.tensor(piece, requires_grad=True) for piece in pieces]
    joined = tc.cat(inputs, dim=axis)
    np.testing.assert_array_equal(joined.numpy(), np.concatenate(pieces, axis=axis))
    again = joined.split([piece.shape[axis] for piece in pieces], dim=axis)
    for piece, part in zip(pieces, again, strict=True):
        np.testing.assert_array_equal(part.numpy(), piece)
    weights = np.arange(1.0, joined.numel() + 1).reshape(joined.shape)
    joined.backward(tc.tensor(weights), retain_graph=True)
    ends = np.cumsum([piece.shape[axis] for piece in pieces])[:-1]
    for value, expected in zip(inputs, np.split(weights, ends, axis=axis), strict=True):
        np.testing.assert_array_equal(value.grad.numpy(), expected)


@st.composite
def matrices(draw):
    """Two operands of @: vectors, matrices, stacks that broadcast; sizes of 0 among them."""
    rows, inner, columns = (draw(st.integers(0, 3)) for _ in range(3))
    stacks = draw(broadcastable_shapes(2, max_dims=2))
    left = (inner,) if draw(st.integers(0, 3)) == 0 else (*stacks[0], rows, inner)
    right = (inner,) if draw(st.integers(0, 3)) == 0 else (*stacks[1], inner, columns)
    return draw(arrays(left)), draw(arrays(right))


@quick
@given(matrices())
def test_case_29_matmul_is_numpys(pair):
    got, expected = tc.tensor(pair[0]) @ tc.tensor(pair[1]), np.asarray(pair[0] @ pair[1])
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12, atol=1e-12)


@slow
@given(matrices())
def test_gradients_of_matmul(pair):
    inputs = [tc.tensor(array, requires_grad=True) for array in pair]
    assert gradcheck(tc.matmul, inputs, atol=1e-6)
