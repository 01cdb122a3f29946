"""Losses for segmentation: by plain loops, at the corners, and what does not fit."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, LabelError, ShapeError, UnknownName
from tinygrad_cnn.testing import gradcheck

SOFT = [F.soft_dice_loss, F.soft_jaccard_loss, F.soft_tversky_loss]
IGNORED = -100
SHAPES = [(2, 3, 4), (2, 3, 2, 3), (3, 2), (1, 3, 2, 2, 2)]


def f64(data, **options):
    return tc.tensor(data, dtype="float64", **options)


def leaf(data):
    return f64(data, requires_grad=True)


def probabilities(shape, seed=0):
    scores = np.random.default_rng([seed, *shape]).normal(size=shape)
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def labels_for(shape, seed=0):
    return np.random.default_rng([seed, 1, *shape]).integers(0, shape[1], (shape[0], *shape[2:]))


def pixels(p, labels, sample, cls):
    """(probability, is it there?) at every pixel of one sample, for one class."""
    for place in np.ndindex(p.shape[2:]):
        yield p[(sample, cls, *place)], int(labels[(sample, *place)] == cls)


# --- soft indices ---------------------------------------------------------------------------------


def dice_by_loops(pairs, s):
    return 1 - (2 * sum(p * g for p, g in pairs) + s) / (sum(p + g for p, g in pairs) + s)


def dice_of_squares_by_loops(pairs, s):
    return 1 - (2 * sum(p * g for p, g in pairs) + s) / (sum(p * p + g * g for p, g in pairs) + s)


def jaccard_by_loops(pairs, s):
    return 1 - (sum(p * g for p, g in pairs) + s) / (sum(p + g - p * g for p, g in pairs) + s)


def tversky_by_loops(pairs, s):
    found = sum(p * g for p, g in pairs)
    errors = 0.3 * sum(p * (1 - g) for p, g in pairs) + 0.8 * sum((1 - p) * g for p, g in pairs)
    return 1 - (found + s) / (found + errors + s)


@pytest.mark.parametrize(
    ("loss", "options", "by_loops"),
    [
        (F.soft_dice_loss, {}, dice_by_loops),
        (F.soft_dice_loss, {"squared": True}, dice_of_squares_by_loops),
        (F.soft_jaccard_loss, {}, jaccard_by_loops),
        (F.soft_tversky_loss, {"alpha": 0.3, "beta": 0.8}, tversky_by_loops),
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("smooth", [1.0, 0.0, 1e-3])
def test_soft_indices_by_loops(loss, options, by_loops, shape, smooth):
    p, labels = probabilities(shape), labels_for(shape)
    expected = [
        [by_loops(list(pixels(p, labels, n, c)), smooth) for c in range(shape[1])] for n in range(shape[0])
    ]
    options = {**options, "smooth": smooth}
    each = loss(f64(p), tc.tensor(labels), reduction="none", **options)
    np.testing.assert_allclose(each.numpy(), expected, rtol=1e-12, atol=1e-15)
    assert loss(f64(p), tc.tensor(labels), **options).item() == pytest.approx(np.mean(expected))
    assert loss(f64(p), tc.tensor(labels), reduction="sum", **options).item() == pytest.approx(
        np.sum(expected)
    )


@pytest.mark.parametrize("loss", SOFT)
def test_labels_and_masks_say_the_same(loss):
    p, labels = probabilities((2, 3, 4)), labels_for((2, 3, 4))
    masks = np.moveaxis(np.eye(3)[labels], -1, 1)
    expected = loss(f64(p), tc.tensor(labels)).item()
    for dtype in ("float64", "int64", "bool"):
        assert loss(f64(p), tc.tensor(masks, dtype=dtype)).item() == expected


@pytest.mark.parametrize("loss", SOFT)
def test_one_region_against_its_background(loss):
    p, mask = probabilities((2, 3, 4))[:, :1], labels_for((2, 2, 4))
    expected = loss(f64(p), tc.tensor(mask[:, None])).item()
    for dtype in ("int64", "bool"):
        assert loss(f64(p), tc.tensor(mask, dtype=dtype)).item() == expected
    with pytest.raises(LabelError, match="label 2"):
        loss(f64(p), tc.tensor(mask + 1))


def test_tversky_between_dice_and_jaccard():
    p, labels = f64(probabilities((2, 3, 4))), tc.tensor(labels_for((2, 3, 4)))
    dice, jaccard = F.soft_dice_loss(p, labels, smooth=0), F.soft_jaccard_loss(p, labels, smooth=0)
    assert F.soft_tversky_loss(p, labels, 0.5, 0.5, smooth=0).item() == pytest.approx(dice.item())
    assert F.soft_tversky_loss(p, labels, 1.0, 1.0, smooth=0).item() == pytest.approx(jaccard.item())


@pytest.mark.parametrize("loss", SOFT)
@pytest.mark.parametrize("smooth", [1.0, 0.0])
def test_case_40_two_empty_masks_agree(loss, smooth):
    p = leaf(np.zeros((1, 1, 4)))
    total = loss(p, tc.zeros(1, 1, 4, dtype="int64"), smooth=smooth)
    total.backward()
    assert total.item() == 0
    assert np.isfinite(p.grad.numpy()).all()


@pytest.mark.parametrize("loss", SOFT)
def test_perfect_and_worst(loss):
    g = tc.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    assert loss(g, g).item() == 0
    assert loss(1 - g, g, smooth=0).item() == 1


# --- Lovász ---------------------------------------------------------------------------------------


def lovasz_by_permutation(p, labels, cls):
    """The definition: sets grow by one pixel at a time, in the order of their errors."""
    pairs = [(p[cls][place], labels[place] == cls) for place in np.ndindex(labels.shape)]
    pairs = [
        pair for pair, place in zip(pairs, np.ndindex(labels.shape), strict=True) if labels[place] != IGNORED
    ]
    errors = [1 - probability if there else probability for probability, there in pairs]
    order = sorted(range(len(pairs)), key=lambda i: -errors[i])

    def delta(wrong):
        """One minus the Jaccard index where exactly these pixels are wrong."""
        region = {i for i, (_, there) in enumerate(pairs) if there}
        union = region | set(wrong)
        return len(wrong) / len(union) if union else 0.0

    return sum(errors[i] * (delta(order[: k + 1]) - delta(order[:k])) for k, i in enumerate(order))


def lovasz_by_loops(p, labels, classes, per_image):
    if not per_image:  # one large image
        p = np.concatenate([one.reshape(p.shape[1], -1) for one in p], axis=1)[None]
        labels = labels.reshape(1, -1)
    losses = []
    for one, truth in zip(p, labels, strict=True):
        counted = [c for c in range(p.shape[1]) if classes == "all" or (truth == c).any()]
        each = [lovasz_by_permutation(one, truth, c) for c in counted]
        losses.append(sum(each) / len(each) if each else 0.0)
    return np.mean(losses)


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 4, 2, 3), (4, 3)])
@pytest.mark.parametrize("classes", ["present", "all"])
@pytest.mark.parametrize("per_image", [False, True])
@pytest.mark.parametrize("ignored", [0, 1, 2])
def test_lovasz_by_its_definition(shape, classes, per_image, ignored):
    p, labels = probabilities(shape), labels_for(shape)
    labels[labels == 1] = 2  # class 1 is absent
    labels.flat[:ignored] = IGNORED
    loss = F.lovasz_softmax_loss(f64(p), tc.tensor(labels), classes, per_image)
    assert loss.item() == pytest.approx(lovasz_by_loops(p, labels, classes, per_image), rel=1e-12)


@pytest.mark.parametrize("wrong", list(itertools.product([0, 1], repeat=4)))
def test_lovasz_of_hard_answers_is_one_minus_jaccard(wrong):
    truth = np.array([0, 0, 1, 1])
    answer = truth ^ np.array(wrong)
    loss = F.lovasz_softmax_loss(f64(np.eye(2)[answer].T[None]), tc.tensor(truth[None]), "all")
    each = [1 - ((answer == c) & (truth == c)).sum() / ((answer == c) | (truth == c)).sum() for c in (0, 1)]
    assert loss.item() == pytest.approx(np.mean(each))


def test_ignored_pixels_do_not_matter():
    p, labels = probabilities((1, 3, 6)), labels_for((1, 3, 6))
    expected = F.lovasz_softmax_loss(f64(p[..., :4]), tc.tensor(labels[..., :4])).item()
    labels[..., 4:] = 7
    leaf_p = leaf(p)
    loss = F.lovasz_softmax_loss(leaf_p, tc.tensor(labels), ignore_index=7)
    loss.backward()
    assert loss.item() == pytest.approx(expected)
    assert not leaf_p.grad.numpy()[..., 4:].any()
    assert leaf_p.grad.numpy()[..., :4].any()


@pytest.mark.parametrize("classes", ["present", "all"])
@pytest.mark.parametrize("shape", [(1, 2, 3), (0, 2, 3), (1, 2, 0)])
def test_lovasz_of_nothing(classes, shape):
    p = leaf(np.full(shape, 0.5))
    loss = F.lovasz_softmax_loss(p, tc.full((shape[0], shape[2]), IGNORED, dtype="int64"), classes)
    loss.backward()
    assert loss.item() == 0
    assert not p.grad.numpy().any()


def test_nan_is_not_hidden():
    p = tc.tensor([[[math.nan, 0.5], [0.5, 0.5]]])
    assert math.isnan(F.lovasz_softmax_loss(p, tc.tensor([[0, 1]])).item())


def test_large_images_in_float32():
    """Neither steps of a millionth nor counts above 2²⁴ lose their digits."""
    p = tc.full((1, 2, 100_000), 0.5)
    labels = tc.arange(100_000).reshape(1, -1) % 2
    assert F.lovasz_softmax_loss(p, labels).item() == pytest.approx(0.5, rel=1e-5)


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*SOFT, F.lovasz_softmax_loss])
@pytest.mark.parametrize(
    ("p", "target", "error", "argument"),
    [
        (tc.full((1, 2, 3), 1.5), tc.zeros(1, 3, dtype="int64"), ArgumentError, "input"),
        (tc.full((1, 2, 3), 0.5), tc.full((1, 3), 2, dtype="int64"), LabelError, "target"),
        (tc.full((1, 2, 3), 0.5), tc.zeros(1, 4, dtype="int64"), ShapeError, "target"),
        (tc.full((1, 2, 3), 1), tc.zeros(1, 3, dtype="int64"), DTypeError, "input"),
        (tc.full((3,), 0.5), tc.zeros(3, dtype="int64"), ShapeError, "input"),
    ],
)
def test_masks_that_do_not_fit(loss, p, target, error, argument):
    with pytest.raises(error) as caught:
        loss(p, target)
    assert caught.value.argument == argument


@pytest.mark.parametrize("loss", SOFT)
@pytest.mark.parametrize(
    ("target", "options", "error", "argument"),
    [
        (tc.full((1, 2, 3), 2), {}, ArgumentError, "target"),
        (tc.zeros(1, 2, 1), {}, ShapeError, "target"),
        (tc.zeros(1, 2, 3, dtype="float64"), {}, DTypeError, "target"),
        (tc.zeros(1, 2, 3), {"smooth": -1.0}, ArgumentError, "smooth"),
        (tc.zeros(1, 2, 3), {"reduction": "avg"}, UnknownName, "reduction"),
    ],
)
def test_arguments_that_do_not_fit(loss, target, options, error, argument):
    with pytest.raises(error) as caught:
        loss(tc.full((1, 2, 3), 0.5), target, **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda p, y: F.soft_tversky_loss(p, y, alpha=-1.0), ArgumentError, "alpha"),
        (lambda p, y: F.soft_tversky_loss(p, y, beta=math.nan), ArgumentError, "beta"),
        (lambda p, y: F.lovasz_softmax_loss(p, y, classes="some"), UnknownName, "classes"),
    ],
)
def test_numbers_that_make_no_sense(call, error, argument):
    with pytest.raises(error) as caught:
        call(tc.full((1, 2, 3), 0.5), tc.zeros(1, 3, dtype="int64"))
    assert caught.value.argument == argument


# --- gradients ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(0, 1000), reduction=st.sampled_from(["mean", "sum", "none"]))
def test_gradients(seed, reduction):
    p, g = leaf(probabilities((2, 3, 2), seed)), leaf(probabilities((2, 3, 2), seed + 1))
    labels = tc.tensor(labels_for((2, 3, 2), seed))
    options = {"reduction": reduction}

    def check(loss, *inputs):
        assert gradcheck(lambda *all: loss(*all, **options), inputs, order=2)

    check(F.soft_dice_loss, p, g)
    check(lambda p, **o: F.soft_dice_loss(p, labels, squared=True, smooth=0.1, **o), p)
    check(lambda p, **o: F.soft_jaccard_loss(p, labels, **o), p)
    check(lambda p, g, **o: F.soft_tversky_loss(p, g, 0.3, 0.7, **o), p, g)


@pytest.mark.parametrize("classes", ["present", "all"])
@pytest.mark.parametrize("per_image", [False, True])
def test_lovasz_gradients(classes, per_image):
    # All errors are different and far apart, also those of 1 − p: the order does not change.
    p = leaf(np.random.default_rng(3).permutation(18).reshape(2, 3, 3) * 0.051 + 0.02)
    labels = tc.tensor([[0, 0, 2], [2, IGNORED, 0]])
    assert gradcheck(lambda p: F.lovasz_softmax_loss(p, labels, classes, per_image), p)
