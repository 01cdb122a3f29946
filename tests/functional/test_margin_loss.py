"""Losses with a margin: by plain loops, at the corners, and what does not fit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, LabelError, ShapeError, UnknownName
from tinygrad_cnn.testing import gradcheck

SCORES = [[0.1, 0.2, 0.4, 0.8], [1.0, -2.0, 3.0, 0.5]]
CATS = [[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]]  # scores of a cat, a car and a frog


def f64(data, **options):
    return tc.tensor(data, dtype="float64", **options)


def leaf(data):
    return f64(data, requires_grad=True)


# --- one right class ------------------------------------------------------------------------------


def test_hinge_of_classes_by_hand():
    losses = F.hinge_loss(f64(CATS), tc.tensor([0, 1, 2]), reduction="none")
    np.testing.assert_allclose(losses.numpy(), [2.9, 0.0, 12.9])
    assert F.hinge_loss(f64(CATS), tc.tensor([0, 1, 2])).item() == pytest.approx(15.8 / 3)


def test_hinge_of_pixels_and_of_one_sample():
    z = np.moveaxis(np.array([CATS]), -1, 1)  # (1, classes, 3 pixels)
    losses = F.hinge_loss(f64(z), tc.tensor([[0, 1, 2]]), reduction="none")
    np.testing.assert_allclose(losses.numpy(), [[2.9, 0.0, 12.9]])
    assert F.hinge_loss(f64(CATS[0]), tc.tensor(0)).item() == pytest.approx(2.9)


@pytest.mark.parametrize("dtype", ["int64", "float64"])
def test_hinge_of_two_sides(dtype):
    z = leaf([2.0, 0.5, -1.0, 1.0])
    losses = F.hinge_loss(z, tc.tensor([1, 1, 1, -1], dtype=dtype), reduction="none")
    assert losses.tolist() == [0.0, 0.5, 2.0, 2.0]
    losses.sum().backward()
    assert z.grad.tolist() == [0.0, -1.0, -1.0, 1.0]


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("margin", [1.0, 0.3])
@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5, 3.0]])
def test_multi_margin_by_loops(p, margin, weight):
    labels = [3, 0]
    w = None if weight is None else f64(weight)
    losses = F.multi_margin_loss(f64(SCORES), tc.tensor(labels), p, margin, w, "none").tolist()
    for loss, z, y in zip(losses, SCORES, labels, strict=True):
        hinges = [max(0.0, margin + z[j] - z[y]) ** p for j in range(4) if j != y]
        assert loss == pytest.approx((weight[y] if weight else 1) * sum(hinges) / 4)


def test_infinite_wrong_scores():
    z = tc.tensor([[0.0, -math.inf], [0.0, math.inf]])
    assert F.multi_margin_loss(z, tc.tensor([0, 0]), reduction="none").tolist() == [0.0, math.inf]


# --- several right classes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "right"),
    [([3, 0, -1, 1], [3, 0]), ([-1, 0, 1, 2], []), ([2, 2, -1, -1], [2, 2]), ([0, 1, 2, 3], [0, 1, 2, 3])],
)
def test_multilabel_margin_by_loops(target, right):
    z = SCORES[0]
    wrong = [j for j in range(4) if j not in right]
    expected = sum(max(0.0, 1 - z[y] + z[j]) for y in right for j in wrong) / 4
    assert F.multilabel_margin_loss(f64(z), tc.tensor(target)).item() == pytest.approx(expected)
    assert F.multilabel_margin_loss(f64([z]), tc.tensor([target])).item() == pytest.approx(expected)


def test_multilabel_soft_margin_is_binary_cross_entropy_of_each_class():
    z, y = f64(SCORES), f64([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]])
    losses = F.multilabel_soft_margin_loss(z, y, reduction="none")
    binary = F.binary_cross_entropy_with_logits(z, y, reduction="none")
    np.testing.assert_allclose(losses.numpy(), binary.numpy().mean(1), rtol=1e-12)


def test_soft_margin_does_not_overflow():
    z = leaf([1e3, -1e3, 0.0])
    losses = F.soft_margin_loss(z, tc.tensor([1, 1, -1]), reduction="none")
    assert losses.tolist() == [0.0, 1000.0, math.log(2)]
    losses.sum().backward()
    assert z.grad.tolist() == [0.0, -1.0, 0.5]


# --- pairs and triplets ---------------------------------------------------------------------------


def test_ranking_by_hand():
    one, two = f64([2.0, 2.0, 2.0]), f64([1.0, 1.0, 3.0])
    losses = F.margin_ranking_loss(one, two, tc.tensor([1, -1, 1]), margin=0.5, reduction="none")
    assert losses.tolist() == [0.0, 1.5, 1.5]


def test_distances_by_hand():
    x = leaf([0.25, 0.25, 1.0, 2.0])
    losses = F.hinge_embedding_loss(x, tc.tensor([1, -1, -1, -1]), reduction="none")
    assert losses.tolist() == [0.25, 0.75, 0.0, 0.0]
    losses.sum().backward()
    assert x.grad.tolist() == [1.0, -1.0, -1.0, 0.0]  # also where the hinge touches 0


def test_angles_by_hand():
    one, two = f64([[1.0, 0.0]] * 3), f64([[1.0, 1.0]] * 3)
    losses = F.cosine_embedding_loss(one, two, tc.tensor([1, -1, -1]), margin=0.5, reduction="none")
    cosine = math.sqrt(0.5)
    np.testing.assert_allclose(losses.numpy(), [1 - cosine, cosine - 0.5, cosine - 0.5], rtol=1e-10)
    single = F.cosine_embedding_loss(one[0], two[0], tc.tensor(-1), margin=0.8)
    assert single.shape == ()
    assert single.item() == 0


@pytest.mark.parametrize(("p", "close", "far"), [(1, 2.0, 7.0), (2, math.sqrt(2), 5.0), (math.inf, 1.0, 4.0)])
def test_triplets_by_hand(p, close, far):
    anchor, positive, negative = f64([[0.0, 0.0]]), f64([[1.0, 1.0]]), f64([[3.0, 4.0]])
    loss = F.triplet_margin_loss(anchor, positive, negative, margin=8.0, p=p)
    assert loss.item() == pytest.approx(8 + close - far, abs=1e-5)
    across = {1: 5.0, 2: math.sqrt(13), math.inf: 3.0}[p]
    swapped = F.triplet_margin_loss(anchor, positive, negative, margin=8.0, p=p, swap=True)
    assert swapped.item() == pytest.approx(8 + close - across, abs=1e-5)


def test_equal_vectors_have_a_gradient():
    anchor = leaf([[1.0, 2.0]])
    F.triplet_margin_loss(anchor, f64([[1.0, 2.0]]), f64([[4.0, 6.0]]), margin=9.0).backward()
    assert np.isfinite(anchor.grad.numpy()).all()


# --- what does not fit ----------------------------------------------------------------------------

OF_CLASSES = [F.hinge_loss, F.multi_margin_loss]
OF_SIGNS = [F.hinge_loss, F.soft_margin_loss, F.hinge_embedding_loss]


@pytest.mark.parametrize("loss", OF_CLASSES)
@pytest.mark.parametrize("label", [4, -1])
def test_labels_that_name_no_class(loss, label):
    with pytest.raises(LabelError, match=f"label {label} at index 1"):
        loss(tc.tensor(SCORES), tc.tensor([0, label]))


@pytest.mark.parametrize("label", [4, -2])
def test_labels_in_a_list(label):
    with pytest.raises(LabelError, match=f"label {label}"):
        F.multilabel_margin_loss(tc.tensor(SCORES), tc.tensor([[0, -1, 0, 0], [-1, label, 0, 0]]))


@pytest.mark.parametrize(
    ("loss", "arguments", "error", "argument"),
    [
        (F.multi_margin_loss, (tc.tensor(SCORES), tc.tensor([0])), ShapeError, "target"),
        (F.multi_margin_loss, (tc.tensor(SCORES), tc.tensor([0.0, 1.0])), DTypeError, "target"),
        (F.multi_margin_loss, (tc.tensor(SCORES), tc.tensor([0, 1]), 3), ArgumentError, "p"),
        (
            F.multi_margin_loss,
            (tc.tensor(SCORES), tc.tensor([0, 1]), 1, 1.0, tc.ones(3)),
            ShapeError,
            "weight",
        ),
        (F.multi_margin_loss, (tc.ones(), tc.tensor(0)), ShapeError, "input"),
        (F.hinge_loss, (tc.tensor([[1, 2]]), tc.tensor([0])), DTypeError, "input"),
        (F.multilabel_margin_loss, (tc.ones(2, 3), tc.tensor([0, 1])), ShapeError, "target"),
        (F.multilabel_margin_loss, (tc.ones(1, 1, 1), tc.tensor([[[0]]])), ShapeError, "input"),
        (F.multilabel_margin_loss, (tc.ones(2), tc.ones(2)), DTypeError, "labels"),
        (F.multilabel_soft_margin_loss, (tc.ones(2, 3), tc.ones(2)), ShapeError, "target"),
        (F.multilabel_soft_margin_loss, (tc.ones(2), tc.ones(2), tc.ones(2, 2)), ShapeError, "weight"),
        (F.cosine_embedding_loss, (tc.ones(2, 3), tc.ones(2, 3), tc.ones(2, 3)), ShapeError, "target"),
        (F.cosine_embedding_loss, (tc.ones(2, 3), tc.ones(1, 3), tc.ones(2)), ShapeError, "input2"),
        (F.cosine_embedding_loss, (*[tc.ones(2, 3, 4)] * 2, tc.ones(2)), ShapeError, "input1"),
        (F.margin_ranking_loss, (tc.ones(2), tc.ones(2), tc.ones(1)), ShapeError, "target"),
        (F.margin_ranking_loss, (tc.ones(2), tc.ones(2, 1), tc.ones(2)), ShapeError, "input2"),
        (F.triplet_margin_loss, (tc.ones(2), tc.ones(2), tc.ones(3)), ShapeError, "negative"),
        (F.triplet_margin_loss, (*[tc.ones(2)] * 3, 0.0), ArgumentError, "margin"),
    ],
)
def test_what_does_not_fit(loss, arguments, error, argument):
    with pytest.raises(error) as caught:
        loss(*arguments)
    assert caught.value.argument == argument


@pytest.mark.parametrize("loss", OF_SIGNS)
def test_signs_are_not_broadcast(loss):
    target = tc.ones(3, 1) if loss is not F.hinge_loss else tc.ones(3, 1, dtype="int64")
    with pytest.raises(ShapeError) as caught:
        loss(tc.zeros(3), target)
    assert (caught.value.argument, caught.value.op) == ("target", loss.__name__)
    with pytest.raises(DTypeError):
        loss(tc.zeros(3), tc.ones(3, dtype="float64"))


@pytest.mark.parametrize("loss", [*OF_CLASSES, *OF_SIGNS, F.multilabel_margin_loss])
def test_unknown_reductions(loss):
    with pytest.raises(UnknownName) as caught:
        loss(tc.zeros(2), tc.tensor([1, 1]), reduction="avg")
    assert caught.value.argument == "reduction"


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0.27, 1.03])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients(margin, reduction):
    order = np.random.default_rng(5).permutation(24)
    # All different and 0.23 apart, so that no hinge is met at its corner.
    one, two, three = (leaf(part) for part in (order * 0.23 - 2.5).reshape(3, 2, 4))

    def check(loss, *inputs, **options):
        assert gradcheck(lambda *all: loss(*all, reduction=reduction, **options), inputs, order=2)

    labels, signs = tc.tensor([2, 0]), tc.tensor([[1, -1, 1, -1], [-1, -1, 1, 1]])
    check(lambda z, **o: F.hinge_loss(z, labels, **o), one, margin=margin)
    check(lambda z, **o: F.hinge_loss(z, signs, **o), one, margin=margin)
    check(
        lambda z, **o: F.multi_margin_loss(z, labels, 2, weight=two[0, :].detach(), **o), one, margin=margin
    )
    check(lambda z, **o: F.multilabel_margin_loss(z, tc.tensor([[0, 2, -1, 1], [3, -1, 0, 0]]), **o), one)
    check(F.multilabel_soft_margin_loss, one, two)
    check(lambda z, **o: F.soft_margin_loss(z, signs, **o), one)
    check(lambda a, b, **o: F.margin_ranking_loss(a, b, signs, **o), one, two, margin=margin)
    check(lambda z, **o: F.hinge_embedding_loss(z, signs, **o), one, margin=margin)
    check(lambda a, b, **o: F.cosine_embedding_loss(a, b, tc.tensor([1, -1]), **o), one, two)
    check(F.triplet_margin_loss, one, two, three, margin=3.0)


@given(z=arrays("float64", (3, 4), elements=st.floats(-5, 5)))
@settings(deadline=None, max_examples=20)
def test_multi_margin_is_the_hinge_over_c(z):
    labels = tc.tensor([0, 3, 1])
    whole, part = F.hinge_loss(f64(z), labels), F.multi_margin_loss(f64(z), labels)
    assert whole.item() / 4 == pytest.approx(part.item(), rel=1e-12)
