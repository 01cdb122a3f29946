"""Similarity, distance, direction, and bilinear maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from functional.refusals import refusals
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import DimensionError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays


@st.composite
def vectors(draw, count):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    return [draw(arrays(shape)) for _ in range(count)], dim


norms = st.sampled_from([1.0, 2.0, 3.0, math.inf])


@settings(deadline=None, max_examples=30)
@given(vectors(1), norms)
def test_normalized_vectors_have_length_1(drawn, p):
    (x,), dim = drawn
    out = F.normalize(tc.tensor(x), p=p, dim=dim).numpy()
    np.testing.assert_allclose(np.linalg.norm(out, p, dim), 1, rtol=1e-12)
    np.testing.assert_allclose(out * np.linalg.norm(x, p, dim, keepdims=True), x, rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(vectors(2))
def test_the_cosine_by_its_formula(drawn):
    (x, y), dim = drawn
    expected = (x * y).sum(dim) / (np.linalg.norm(x, 2, dim) * np.linalg.norm(y, 2, dim))
    np.testing.assert_allclose(
        F.cosine_similarity(tc.tensor(x), tc.tensor(y), dim).numpy(), expected, rtol=1e-9
    )


@settings(deadline=None, max_examples=30)
@given(vectors(2), norms, st.booleans())
def test_distances_by_their_formula(drawn, p, keepdim):
    (x, y), _ = drawn
    expected = np.linalg.norm(x - y + 1e-6, p, -1, keepdims=keepdim)
    out = F.pairwise_distance(tc.tensor(x), tc.tensor(y), p, keepdim=keepdim)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12)


def leaf(*shape):
    return tc.tensor(np.random.default_rng([*shape]).normal(size=shape), requires_grad=True)


@pytest.mark.parametrize("eps", [1e-12, 3.0])  # below and above every length
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_gradients_of_directions(p, eps):
    assert gradcheck(lambda x: F.normalize(x, p, eps=eps), leaf(3, 4), order=2)


@pytest.mark.parametrize("eps", [1e-8, 5.0])
def test_gradients_of_cosines(eps):
    """Also those of vectors shorter than eps, of which PyTorch says otherwise."""
    assert gradcheck(lambda x, y: F.cosine_similarity(x, y, eps=eps), [leaf(3, 4), leaf(4)], order=2)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_gradients_of_distances(p):
    assert gradcheck(lambda x, y: F.pairwise_distance(x, y, p), [leaf(3, 4), leaf(4)], order=2)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_zeros_have_no_direction_and_a_finite_gradient(p):
    x = tc.zeros(2, 3, requires_grad=True)
    out = F.normalize(x, p)
    out.sum().backward()
    assert not out.numpy().any()
    np.testing.assert_allclose(x.grad.numpy(), 1e12, rtol=1e-6)


def test_zeros_are_at_right_angles_to_everything():
    x = tc.zeros(1, 3, requires_grad=True)
    out = F.cosine_similarity(x, tc.ones(1, 3))
    out.sum().backward()
    assert out.tolist() == [0.0]
    assert np.isfinite(x.grad.numpy()).all()


def test_the_distance_of_a_vector_from_itself_has_a_slope():
    x = tc.ones(1, 3, dtype="float64", requires_grad=True)
    out = F.pairwise_distance(x, x.detach())
    out.sum().backward()
    np.testing.assert_allclose(out.numpy(), [math.sqrt(3) * 1e-6], rtol=1e-9)
    np.testing.assert_allclose(x.grad.numpy(), 1 / math.sqrt(3), rtol=1e-9)


def test_the_dimension_is_counted_in_the_common_shape():
    x, y = leaf(4, 1, 3), leaf(5, 3)
    assert F.cosine_similarity(x, y, dim=2).shape == (4, 5)
    assert F.cosine_similarity(x, y, dim=0).shape == (5, 3)


# --- bilinear -------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (4,), (2, 3), (0,)])
@pytest.mark.parametrize("bias", [False, True])
def test_bilinear_by_its_formula(batch, bias):
    x, y, w = leaf(*batch, 3), leaf(*batch, 5), leaf(2, 3, 5)
    b = leaf(2) if bias else None
    expected = np.einsum("...i,kij,...j->...k", x.numpy(), w.numpy(), y.numpy()) + (b.numpy() if bias else 0)
    np.testing.assert_allclose(F.bilinear(x, y, w, b).numpy(), expected, rtol=1e-12)


def test_gradients_of_bilinear():
    assert gradcheck(F.bilinear, [leaf(4, 3), leaf(4, 5), leaf(2, 3, 5), leaf(2)], order=2)


# --- errors ---------------------------------------------------------------------------------------


X, Y, W = tc.ones(4, 3), tc.ones(4, 5), tc.ones(2, 3, 5)
WHOLE, DOUBLE = tc.ones(4, 3, dtype="int64"), tc.ones(4, 3, dtype="float64")
test_what_is_refused = refusals(
    {
        "integers have no direction": (lambda: F.normalize(WHOLE), DTypeError, "input"),
        "no such dimension": (lambda: F.normalize(tc.ones(3)), DimensionError, "dim"),
        "integers have no angle": (lambda: F.cosine_similarity(WHOLE, X), DTypeError, "x1"),
        "nor on the right": (lambda: F.cosine_similarity(X, WHOLE), DTypeError, "x2"),
        "other vectors": (lambda: F.cosine_similarity(X, Y), ShapeError, "x1 and x2"),
        "no such dimension of both": (lambda: F.cosine_similarity(X, X, 2), DimensionError, "dim"),
        "integers have no distance": (lambda: F.pairwise_distance(WHOLE, X), DTypeError, "x1"),
        "bilinear: matrix": (lambda: F.bilinear(X, Y, tc.ones(3, 5)), ShapeError, "weight"),
        "bilinear: first": (lambda: F.bilinear(Y, Y, W), ShapeError, "input1"),
        "bilinear: second": (lambda: F.bilinear(X, X, W), ShapeError, "input2"),
        "bilinear: rows": (lambda: F.bilinear(X, Y[:1], W), ShapeError, "input1"),
        "bilinear: bias": (lambda: F.bilinear(X, Y, W, tc.ones(1)), ShapeError, "bias"),
        "bilinear: dtypes": (lambda: F.bilinear(DOUBLE, Y, W), DTypeError, "input1"),
        "linear: dtypes": (lambda: F.linear(X, W[:, :, 0], DOUBLE[0, :2]), DTypeError, "bias"),
    }
)
