"""Losses: PyTorch's results, labels, weights, smoothing, and what must not be broadcast."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, LabelError, ShapeError, UnknownName

LOGITS = [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
PROBABILITIES = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]
WEIGHT = [1.0, 2.0, 0.5]
IGNORED = -100


def f64(data, **options):
    return tc.tensor(data, dtype="float64", **options)


# --- cross-entropy --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "options", "expected"),  # read from PyTorch 2.13, float64
    [
        ([0, 2], {}, 0.4076059644443804),
        ([0, 1], {}, 0.9076059644443804),
        ([0, 1], {"weight": f64(WEIGHT)}, 1.074272631111047),
        ([0, 2], {"reduction": "sum"}, 0.8152119288887608),
        ([0, IGNORED], {"label_smoothing": 0.1}, 0.5076059644443804),
        ([0, 2], {"label_smoothing": 0.1, "weight": f64(WEIGHT)}, 0.5858062958024015),
        ([2, 1], {"ignore_index": 1}, 2.4076059644443806),
        (f64(PROBABILITIES), {}, 0.9076059644443805),
        (f64(PROBABILITIES), {"weight": f64(WEIGHT)}, 0.9872256662221615),
        (f64(PROBABILITIES), {"weight": f64(WEIGHT), "label_smoothing": 0.1}, 1.0527237954517896),
        (f64(PROBABILITIES), {"label_smoothing": 0.1, "reduction": "sum"}, 1.915211928888761),
    ],
)
def test_cross_entropy_is_pytorchs(target, options, expected):
    target = target if isinstance(target, tc.Tensor) else tc.tensor(target)
    assert F.cross_entropy(f64(LOGITS), target, **options).item() == pytest.approx(expected, rel=1e-12)


def test_the_gradient_is_softmax_minus_target():
    logits = f64(LOGITS, requires_grad=True)
    F.cross_entropy(logits, tc.tensor([0, 2]), reduction="sum").backward()
    expected = tc.softmax(logits.detach(), 1).numpy() - np.eye(3)[[0, 2]]
    np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-12)


def test_classes_are_dimension_1_of_images():
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(2, 3, 4, 5)), rng.integers(0, 3, (2, 4, 5))
    losses = F.cross_entropy(tc.tensor(logits), tc.tensor(labels), reduction="none")
    exponentials = np.exp(logits)
    right = np.take_along_axis(exponentials / exponentials.sum(1, keepdims=True), labels[:, None], 1)[:, 0]
    assert losses.shape == (2, 4, 5)
    np.testing.assert_allclose(losses.numpy(), -np.log(right), rtol=1e-12)


def test_a_single_sample():
    assert F.cross_entropy(f64(LOGITS[0]), tc.tensor(0)).item() == pytest.approx(0.4076059644443804)


def test_enormous_logits():
    logits = tc.tensor([[1e4, 0.0, -1e4]], requires_grad=True)
    loss = F.cross_entropy(logits, tc.tensor([2]))
    loss.backward()
    assert loss.item() == 2e4
    assert logits.grad.tolist() == [[1.0, 0.0, -1.0]]


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_case_34_all_ignored(weight, label_smoothing):
    logits = f64(LOGITS, requires_grad=True)
    labels = tc.tensor([IGNORED, IGNORED])
    options = {"weight": weight and f64(weight), "label_smoothing": label_smoothing}
    mean = F.cross_entropy(logits, labels, **options)
    assert math.isnan(mean.item())
    mean.backward()
    np.testing.assert_array_equal(logits.grad.numpy(), np.zeros((2, 3)))
    assert F.cross_entropy(logits, labels, reduction="sum", **options).item() == 0


def test_an_ignored_sample_has_loss_0_and_not_minus_0():
    losses = F.cross_entropy(tc.tensor(LOGITS), tc.tensor([0, IGNORED]), reduction="none")
    assert math.copysign(1, losses[1].item()) == 1


def test_case_35_label_smoothing_leaves_the_ignored_alone():
    loss = F.cross_entropy(tc.tensor(LOGITS), tc.tensor([0, IGNORED]), label_smoothing=0.1)
    assert loss.item() == pytest.approx(0.50760596, abs=1e-7)


@pytest.mark.parametrize("label", [3, -1])
@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_case_36_a_label_that_names_no_class(loss, label):
    with pytest.raises(LabelError, match=f"label {label} at index 1 names no class"):
        loss(tc.tensor(LOGITS), tc.tensor([0, label]))


@pytest.mark.parametrize("label_smoothing", [1.5, -0.1])
def test_case_37_label_smoothing_is_a_share(label_smoothing):
    with pytest.raises(ArgumentError) as caught:
        F.cross_entropy(tc.tensor(LOGITS), tc.tensor([0, 1]), label_smoothing=label_smoothing)
    assert caught.value.argument == "label_smoothing"


def test_an_empty_batch_has_no_mean():
    assert math.isnan(F.cross_entropy(tc.zeros(0, 3), tc.zeros(0, dtype="int64")).item())


@pytest.mark.parametrize(
    ("target", "options", "error"),
    [
        (tc.tensor([[0], [1]]), {}, ShapeError),
        (tc.tensor([0]), {}, ShapeError),
        (tc.zeros(3, 2), {}, ShapeError),
        (tc.zeros(2, 3, dtype="float64"), {}, DTypeError),
        (tc.tensor([True, False]), {}, DTypeError),
        (tc.zeros(2, 3), {"ignore_index": 1}, ArgumentError),
        (tc.tensor([0, 1]), {"weight": tc.ones(2)}, ShapeError),
        (tc.tensor([0, 1]), {"weight": tc.ones(3, dtype="float64")}, DTypeError),
        (tc.tensor([0, 1]), {"reduction": "average"}, UnknownName),
    ],
)
def test_what_does_not_fit(target, options, error):
    with pytest.raises(error):
        F.cross_entropy(tc.tensor(LOGITS), target, **options)


def test_integer_logits():
    with pytest.raises(DTypeError):
        F.cross_entropy(tc.tensor([[1, 2]]), tc.tensor([0]))


# --- negative log-likelihood ----------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, f64(WEIGHT)])
@pytest.mark.parametrize("labels", [[0, 2], [1, IGNORED]])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nll_of_log_softmax_is_cross_entropy(weight, labels, reduction):
    options = {"weight": weight, "reduction": reduction}
    one, two = f64(LOGITS, requires_grad=True), f64(LOGITS, requires_grad=True)
    whole = F.cross_entropy(one, tc.tensor(labels), **options)
    halves = F.nll_loss(F.log_softmax(two, 1), tc.tensor(labels), **options)
    np.testing.assert_allclose(whole.numpy(), halves.numpy(), rtol=1e-12)
    whole.sum().backward()
    halves.sum().backward()
    np.testing.assert_allclose(one.grad.numpy(), two.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_an_impossible_other_class_does_not_matter():
    log_probabilities = tc.tensor([[0.0, -math.inf]], requires_grad=True)
    loss = F.nll_loss(log_probabilities, tc.tensor([0]))
    loss.backward()
    assert loss.item() == 0
    assert log_probabilities.grad.tolist() == [[-1.0, 0.0]]


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "each", "slope"),
    [(F.mse_loss, [0.0, 9.0, 1.0], [0.0, 6.0, -2.0]), (F.l1_loss, [0.0, 3.0, 1.0], [0.0, 1.0, -1.0])],
)
def test_differences(loss, each, slope):
    x, y = tc.tensor([1.0, 5.0, 2.0], requires_grad=True), tc.tensor([1.0, 2.0, 3.0])
    assert loss(x, y, reduction="none").tolist() == each
    assert loss(x, y, reduction="sum").item() == sum(each)
    assert loss(x, y).item() == pytest.approx(sum(each) / 3)
    loss(x, y, reduction="sum").backward()
    assert x.grad.tolist() == slope


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss])
def test_case_39_nothing_is_broadcast(loss):
    with pytest.raises(ShapeError, match="does not broadcast"):
        loss(tc.zeros(3, 1), tc.zeros(3))


# --- linear, one_hot, pad, flatten ----------------------------------------------------------------


def test_linear_takes_any_leading_dimensions():
    x, w, b = (np.random.default_rng(0).normal(size=s) for s in ((2, 5, 3), (4, 3), (4,)))
    np.testing.assert_allclose(F.linear(*map(tc.tensor, (x, w, b))).numpy(), x @ w.T + b, rtol=1e-12)
    assert F.linear(tc.tensor(x[0, 0]), tc.tensor(w)).shape == (4,)


def test_linear_says_to_flatten():
    with pytest.raises(ShapeError, match="takes 400 features") as caught:
        F.linear(tc.zeros(2, 16, 5, 5), tc.zeros(10, 400))
    assert "flatten" in caught.value.hint


@pytest.mark.parametrize(
    ("shapes", "argument"), [(((2, 3), (4, 3), (1,)), "bias"), (((2, 3), (3,), (3,)), "weight")]
)
def test_linear_checks_its_parameters(shapes, argument):
    with pytest.raises(ShapeError) as caught:
        F.linear(*(tc.zeros(*shape) for shape in shapes))
    assert caught.value.argument == argument


def test_pad_counts_from_the_last_dimension():
    x = tc.ones(1, 2, 2, requires_grad=True)
    out = F.pad(x, (1, 0, 0, 2), value=7.0)
    assert out.tolist() == [[[7, 1, 1], [7, 1, 1], [7, 7, 7], [7, 7, 7]]]
    out.sum().backward()
    assert x.grad.tolist() == [[[1, 1], [1, 1]]]


@pytest.mark.parametrize(
    ("pad", "mode", "error"),
    [
        ((1,), "constant", ArgumentError),
        ((1, -1), "constant", ArgumentError),
        ((1, 1), "reflect", ArgumentError),
        ((1, 1, 1, 1), "constant", ShapeError),
    ],
)
def test_padding_that_makes_no_sense(pad, mode, error):
    with pytest.raises(error):
        F.pad(tc.ones(3), pad, mode)
