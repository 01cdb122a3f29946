"""Softmax and cross-entropy by the kernels of cross_entropy.cu, run on the CPU, against ops/loss.py."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import assert_close, floats, normal, orders, relaid, seeds

import tinygrad_cnn as tc
from tinygrad_cnn import functional as F
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.errors import LabelError
from tinygrad_cnn.ops import loss as ops
from tinygrad_cnn_backends.cupy.kernels import FUSED, KERNELS

NUMPY = tc.get_backend("numpy", overrides=False)
cross_entropy, cross_entropy_grad = KERNELS["softmax_cross_entropy"], FUSED["softmax_cross_entropy_grad"]


@st.composite
def scores(draw):
    """A shape with up to 80 classes (more than a warp has lanes), and which dimension they are."""
    shape = draw(st.lists(st.integers(1, 4), max_size=2))
    dim = draw(st.integers(0, len(shape)))
    shape.insert(dim, draw(st.sampled_from([1, 2, 10, 31, 32, 33, 80])))
    return tuple(shape), dim


def targets(seed, shape, dtype, one_hot, dim):
    rng = np.random.default_rng(seed)
    if one_hot:
        labels = rng.integers(shape[dim], size=(*shape[:dim], 1, *shape[dim + 1 :]))
        return (np.arange(shape[dim]).reshape(-1, *(1,) * (len(shape) - dim - 1)) == labels).astype(dtype)
    return rng.random(shape).astype(dtype)


@given(scores(), floats, orders, seeds, st.booleans(), st.booleans(), st.sampled_from([1, 100, 1e4]))
@settings(deadline=None)
def test_both_directions(gpu, shape_and_dim, dtype, order, seed, one_hot, descending, scale):
    shape, dim = shape_and_dim
    logits = relaid((normal(seed, shape, dtype) * scale).astype(dtype), order)
    target = targets(seed, shape, dtype, one_hot, dim)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu.xp, "descending", descending)
        loss, log_probabilities = cross_entropy(gpu, logits, target, dim=dim)
    expected = ops.softmax_cross_entropy.kernel(NUMPY, logits, target, dim=dim)
    assert_close(loss, np.asarray(expected[0]), dtype)
    assert_close(log_probabilities, expected[1], dtype)

    leaf = tc.tensor(logits, requires_grad=True)
    losses = ops.softmax_cross_entropy(leaf, tc.tensor(target), dim=dim)
    g = normal(seed + 1, loss.shape, dtype)
    losses.backward(tc.tensor(g))
    assert_close(cross_entropy_grad(gpu, g, target, log_probabilities, dim=dim), leaf.grad.numpy(), dtype)


@pytest.mark.parametrize(
    "row",
    [[np.inf, 0.0], [-np.inf, 0.0], [-np.inf, -np.inf], [np.nan, 1.0], [1.0, np.nan], [1e30, -1e30]],
)
def test_special_scores(gpu, row):
    logits = np.array([row, [1.0, 2.0]], np.float32)
    target = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    with np.errstate(all="ignore"):
        expected = ops.softmax_cross_entropy.kernel(NUMPY, logits, target, dim=1)
    loss, log_probabilities = cross_entropy(gpu, logits, target, dim=1)
    np.testing.assert_allclose(loss, expected[0], rtol=1e-6)
    np.testing.assert_allclose(log_probabilities, expected[1], rtol=1e-6)


def test_a_row_without_target_loses_a_positive_zero(gpu):
    loss, _ = cross_entropy(gpu, np.ones((1, 3), np.float32), np.zeros((1, 3), np.float32), dim=1)
    assert loss[0] == 0
    assert not np.signbit(loss[0])


def test_more_rows_than_a_block_has_and_none(gpu):
    logits, target = (normal(seed, (1003, 10), np.float32) for seed in (0, 1))
    loss, _ = cross_entropy(gpu, logits, target, dim=-1)
    assert_close(loss, ops.softmax_cross_entropy.kernel(NUMPY, logits, target, dim=-1)[0], np.float32)
    loss, log_probabilities = cross_entropy(gpu, logits[:0], target[:0], dim=1)
    assert (loss.shape, log_probabilities.shape) == ((0,), (0, 10))


# --- labels


@pytest.fixture(scope="module")
def checking(gpu):
    """A backend that raises at once."""
    backend = SimpleNamespace(xp=gpu.xp, to_numpy=np.asarray)
    backend.check = lambda wrong, error: Backend.check(backend, wrong, error)
    return backend


def of_labels(backend, logits, labels, dim, ignore_index, g):
    """The mean loss and its gradient."""
    options = {"dim": dim, "ignore_index": ignore_index}
    mean, log_probabilities, counted = FUSED["cross_entropy_of_labels"](backend, logits, labels, **options)
    inputs = (g, labels, log_probabilities, counted)
    return mean, FUSED["cross_entropy_of_labels_grad"](backend, *inputs, **options)


@given(
    st.sampled_from([(5, 3), (1, 10), (700, 2), (3, 33, 2, 2), (0, 4)]),
    *(floats, orders, seeds),
    st.sampled_from([np.uint8, np.int32, np.int64]),
    *(st.sampled_from([-100, 1]), st.booleans()),
)
@settings(deadline=None)
def test_the_mean_over_labels(checking, shape, dtype, order, seed, kind, ignore_index, descending):
    logits = relaid(normal(seed, shape, dtype), order)
    labels = np.random.default_rng(seed).integers(shape[1], size=(shape[0], *shape[2:])).astype(kind)
    g = np.array(0.7, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checking.xp, "descending", descending)
        mean, gradient = of_labels(checking, logits, labels, 1, ignore_index, g)
    leaf = tc.tensor(logits, requires_grad=True)
    loss = F.cross_entropy(leaf, tc.tensor(labels), ignore_index=ignore_index)
    loss.backward(tc.tensor(g))
    assert_close(mean, loss.numpy(), dtype)
    assert_close(gradient, leaf.grad.numpy(), dtype)


def test_the_mean_of_nothing_is_nan_and_has_no_gradient(checking):
    labels = np.full(4, 2)
    mean, gradient = of_labels(checking, normal(0, (4, 3), np.float32), labels, 1, 2, np.float32(1)[...])
    assert np.isnan(mean)
    np.testing.assert_array_equal(gradient, np.zeros((4, 3)))


@pytest.mark.parametrize("wrong", [-1, 3, 99])
def test_a_label_that_names_no_class(checking, wrong):
    labels = np.arange(600) % 3
    labels[[17, 500]] = wrong
    logits, options = normal(0, (600, 3), np.float32), {"dim": 1, "ignore_index": -100}
    with pytest.raises(LabelError, match=f"label {wrong} at index 17 names no class"):
        FUSED["cross_entropy_of_labels"](checking, logits, labels, **options)
    FUSED["cross_entropy_of_labels"](checking, logits, labels, **{**options, "ignore_index": wrong})
