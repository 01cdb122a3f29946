"""The focal loss: by plain loops, where it is cross-entropy, and what does not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ShapeError, UnknownName
from tinygrad_cnn.testing import gradcheck

IGNORED = -100


def f64(data, **options):
    return tc.tensor(data, dtype="float64", **options)


def leaf(data):
    return f64(data, requires_grad=True)


@pytest.mark.parametrize("alpha", [0.25, 0.9, -1])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_sigmoid_focal_by_loops(alpha, gamma):
    z, y = [2.0, -1.0, 0.3, -4.0], [1.0, 1.0, 0.0, 0.25]
    losses = F.sigmoid_focal_loss(f64(z), f64(y), alpha, gamma).tolist()
    for loss, logit, target in zip(losses, z, y, strict=True):
        p = 1 / (1 + math.exp(-logit))
        right = p * target + (1 - p) * (1 - target)
        surprise = -target * math.log(p) - (1 - target) * math.log(1 - p)
        share = alpha * target + (1 - alpha) * (1 - target) if alpha >= 0 else 1
        assert loss == pytest.approx(share * (1 - right) ** gamma * surprise)


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5]])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_by_loops(weight, gamma):
    z, labels = np.random.default_rng(0).normal(size=(4, 3)), [0, 2, IGNORED, 1]
    w = None if weight is None else f64(weight)
    losses = F.focal_loss(f64(z), tc.tensor(labels), w, gamma, reduction="none").tolist()
    total = weights = 0.0
    for loss, scores, label in zip(losses, z, labels, strict=True):
        if label == IGNORED:
            assert loss == 0
            continue
        p = math.exp(scores[label]) / sum(map(math.exp, scores))
        counts = weight[label] if weight else 1
        assert loss == pytest.approx(-counts * (1 - p) ** gamma * math.log(p))
        total, weights = total + loss, weights + counts
    assert F.focal_loss(f64(z), tc.tensor(labels), w, gamma).item() == pytest.approx(total / weights)


@pytest.mark.parametrize("spatial", [(), (3,), (2, 2)])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_focal_without_focus_is_cross_entropy(spatial, reduction):
    z = f64(np.random.default_rng(0).normal(size=(4, 3, *spatial)))
    labels = np.random.default_rng(1).integers(0, 3, (4, *spatial))
    labels.flat[0] = 1
    options = {"weight": f64([1.0, 2.0, 0.5]), "ignore_index": 1, "reduction": reduction}
    focal = F.focal_loss(z, tc.tensor(labels), gamma=0, **options)
    plain = F.cross_entropy(z, tc.tensor(labels), **options)
    np.testing.assert_allclose(focal.numpy(), plain.numpy(), rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_certain_answers_have_a_finite_gradient(gamma):
    z = tc.tensor([1e4, -1e4], requires_grad=True)
    F.sigmoid_focal_loss(z, tc.tensor([1.0, 1.0]), gamma=gamma, reduction="sum").backward()
    assert z.grad.tolist() == [0.0, -0.25]
    z = tc.tensor([[1e4, 0.0], [0.0, 1e4]], requires_grad=True)
    F.focal_loss(z, tc.tensor([0, 0]), gamma=gamma, reduction="sum").backward()
    assert z.grad.tolist() == [[0.0, 0.0], [-1.0, 1.0]]


def test_focal_of_nothing_is_case_34():
    z = leaf([[1.0, 2.0]])
    mean = F.focal_loss(z, tc.tensor([IGNORED]))
    mean.backward()
    assert math.isnan(mean.item())
    assert z.grad.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("gamma", [0.0, 1.5])
def test_gradients(gamma, reduction):
    z, y = leaf(np.random.default_rng(0).normal(size=(3, 2))), leaf([[0.1, 0.9], [0.5, 0.2], [0.3, 0.7]])
    options = {"gamma": gamma, "reduction": reduction}
    assert gradcheck(lambda z, y: F.sigmoid_focal_loss(z, y, **options), [z, y], order=2)
    labels = tc.tensor([1, IGNORED, 0])
    assert gradcheck(lambda z, w: F.focal_loss(z, labels, w, **options), [z, leaf([1.0, 2.0])], order=2)


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda p, y: F.focal_loss(p, y, gamma=-1.0), ArgumentError, "gamma"),
        (lambda p, y: F.focal_loss(p, y, reduction="avg"), UnknownName, "reduction"),
        (lambda p, y: F.focal_loss(p, y, weight=tc.ones(3)), ShapeError, "weight"),
        (lambda p, y: F.sigmoid_focal_loss(p, p, gamma=-1.0), ArgumentError, "gamma"),
        (lambda p, y: F.sigmoid_focal_loss(p, p, alpha=1.5), ArgumentError, "alpha"),
        (lambda p, y: F.sigmoid_focal_loss(p, p[:, :1]), ShapeError, "targets"),
    ],
)
def test_numbers_that_make_no_sense(call, error, argument):
    with pytest.raises(error) as caught:
        call(tc.full((1, 2, 3), 0.5), tc.zeros(1, 3, dtype="int64"))
    assert caught.value.argument == argument
