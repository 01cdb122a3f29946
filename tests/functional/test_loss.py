"""Losses: PyTorch's results, labels, weights, smoothing, and what must not be broadcast."""

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

LOGITS = [[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]]
PROBABILITIES = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]
WEIGHT = [1.0, 2.0, 0.5]
IGNORED = -100


def f64(data, **options):
    return tc.tensor(data, dtype="float64", **options)


def leaf(data):
    return f64(data, requires_grad=True)


few = settings(deadline=None, max_examples=5)
reductions = st.sampled_from(["mean", "sum", "none"])


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


def test_the_label_of_a_single_sample():
    with pytest.raises(LabelError, match=r"label 3 at index \(\) names no class"):
        F.cross_entropy(tc.tensor(LOGITS[0]), tc.tensor(3))


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


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_integer_logits(loss):
    with pytest.raises(DTypeError) as caught:
        loss(tc.tensor([[1, 2]]), tc.tensor([0]))
    assert (caught.value.argument, caught.value.op) == ("input", loss.__name__)


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


# --- yes or no ------------------------------------------------------------------------------------


def test_binary_cross_entropy_by_hand():
    p, y = f64([0.72, 0.2, 0.92, 0.65]), f64([1.0, 0.0, 1.0, 0.0])
    losses = F.binary_cross_entropy(p, y, reduction="none")
    # The lecture takes logarithms to base 10.
    expected = [0.14267, 0.09691, 0.03621, 0.45593]
    np.testing.assert_allclose(losses.numpy() / math.log(10), expected, atol=5e-6)


def test_case_38_certain_probabilities():
    p = f64([0.0, 1.0, 0.0, 1.0], requires_grad=True)
    losses = F.binary_cross_entropy(p, f64([0.0, 1.0, 1.0, 0.0]), reduction="none")
    assert losses.tolist() == [0.0, 0.0, 100.0, 100.0]
    assert math.copysign(1, losses[0].item()) == 1
    losses.sum().backward()
    np.testing.assert_allclose(p.grad.numpy(), [0.0, 0.0, -1e12, 1e12])


@pytest.mark.parametrize("bad", [1.1, -0.1, math.inf])
def test_case_38_what_is_no_probability(bad):
    fine = tc.tensor([[0.5, 0.5]])
    for arguments, name in (
        ((tc.tensor([[0.5, bad]]), fine), "input"),
        ((fine, tc.tensor([[0.5, bad]])), "target"),
    ):
        with pytest.raises(ArgumentError, match=r"at index \(0, 1\)") as caught:
            F.binary_cross_entropy(*arguments)
        assert caught.value.argument == name
        assert caught.value.op == "binary_cross_entropy"


def test_nan_is_left_to_those_who_look_for_it():
    assert math.isnan(F.binary_cross_entropy(tc.tensor([math.nan, 0.5]), tc.ones(2)).item())


def test_logits_that_overflow_the_sigmoid():
    z = f64([1e3, -1e3, 1e3, -1e3], requires_grad=True)
    losses = F.binary_cross_entropy_with_logits(z, f64([1.0, 1.0, 0.0, 0.0]), reduction="none")
    assert losses.tolist() == [0.0, 1000.0, 1000.0, 0.0]
    losses.sum().backward()
    assert z.grad.tolist() == [0.0, -1.0, 1.0, 0.0]


@pytest.mark.parametrize("weight", [None, f64([2.0, 0.5])])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_with_logits_is_sigmoid_and_binary_cross_entropy(weight, reduction):
    z, y = f64([[0.3, -2.0], [1.5, 0.1]]), f64([[1.0, 0.0], [0.3, 0.9]])
    options = {"weight": weight, "reduction": reduction}
    whole = F.binary_cross_entropy_with_logits(z, y, **options)
    halves = F.binary_cross_entropy(z.sigmoid(), y, **options)
    np.testing.assert_allclose(whole.numpy(), halves.numpy(), rtol=1e-12)


def test_pos_weight_counts_a_yes_several_times():
    z = f64([0.3, 0.3])
    plain = F.binary_cross_entropy_with_logits(z, f64([1.0, 0.0]), reduction="none").numpy()
    heavy = F.binary_cross_entropy_with_logits(z, f64([1.0, 0.0]), reduction="none", pos_weight=f64([5.0]))
    np.testing.assert_allclose(heavy.numpy(), plain * [5, 1], rtol=1e-12)


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
@pytest.mark.parametrize(
    ("target", "options", "argument"),
    [
        (tc.ones(3), {}, "target"),
        (tc.ones(3, 2, dtype="float64"), {}, "target"),
        (tc.ones(3, 2, dtype="int64"), {}, "target"),
        (tc.ones(3, 2), {"weight": tc.ones(3)}, "input and weight"),
        (tc.ones(3, 2), {"weight": tc.ones(4, 3, 2)}, "weight"),
        (tc.ones(3, 2), {"weight": tc.ones(2, dtype="float64")}, "weight"),
        (tc.ones(3, 2), {"reduction": "average"}, "reduction"),
    ],
)
def test_what_does_not_fit_yes_or_no(loss, target, options, argument):
    with pytest.raises((ShapeError, DTypeError, UnknownName)) as caught:
        loss(tc.full((3, 2), 0.5), target, **options)
    assert caught.value.argument == argument


# --- distributions --------------------------------------------------------------------------------


@pytest.mark.parametrize(("q", "bits"), [([0.5, 0.5], 0.28), ([0.88, 0.12], 0.04), ([0.8, 0.2], 0.0)])
def test_divergence_of_the_lecture(q, bits):
    loss = F.kl_div(f64([q]).log(), f64([[0.8, 0.2]]), reduction="batchmean")
    assert loss.item() / math.log(2) == pytest.approx(bits, abs=0.005)


def test_cross_entropy_is_entropy_and_divergence():
    z, p = f64([[0.5, -1.0, 2.0]]), f64([[0.2, 0.5, 0.3]])
    entropy = -(p * p.log()).sum().item()
    divergence = F.kl_div(F.log_softmax(z, 1), p, reduction="batchmean").item()
    assert F.cross_entropy(z, p).item() == pytest.approx(entropy + divergence, rel=1e-12)
    of_logs = F.kl_div(F.log_softmax(z, 1), p.log(), reduction="batchmean", log_target=True)
    assert of_logs.item() == pytest.approx(divergence, rel=1e-12)


def test_impossible_events_cost_nothing():
    p = f64([0.0, 1.0], requires_grad=True)
    losses = F.kl_div(f64([-1.0, -0.5]), p, reduction="none")
    assert losses.tolist() == [0.0, 0.5]
    losses.sum().backward()
    assert p.grad.tolist() == [1.0, 1.5]


@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("batchmean", 2), ("mean", 6)])
def test_three_ways_to_average_a_divergence(reduction, divisor):
    q, p = tc.full((2, 3), -2.0), tc.full((2, 3), 1.0)
    assert F.kl_div(q, p, reduction=reduction).item() == pytest.approx(12 / divisor)


def test_batchmean_is_for_divergences():
    with pytest.raises(UnknownName) as caught:
        F.cross_entropy(tc.tensor(LOGITS), tc.tensor([0, 1]), reduction="batchmean")
    assert caught.value.argument == "reduction"


# --- gradients ------------------------------------------------------------------------------------


@few
@given(
    numbers=arrays("float64", (3, 4), elements=st.floats(-3, 3)),
    reduction=reductions,
    smoothing=st.floats(0, 1),
)
def test_gradients_of_class_losses(numbers, reduction, smoothing):
    z, w = leaf(numbers), leaf([1.0, 2.0, 0.5, 3.0])
    labels = tc.tensor([3, 1, IGNORED])
    options = {"reduction": reduction}
    assert gradcheck(
        lambda z, w: F.cross_entropy(z, labels, w, label_smoothing=smoothing, **options), [z, w], order=2
    )
    assert gradcheck(lambda z, w: F.nll_loss(z, labels, w, **options), [z, w], order=2)
    assert gradcheck(
        lambda z, q: F.cross_entropy(z, q.sigmoid(), **options), [z, leaf(numbers[::-1])], order=2
    )


@few
@given(numbers=arrays("float64", (2, 3, 2), elements=st.floats(0.05, 0.95)), reduction=reductions)
def test_gradients_of_probability_losses(numbers, reduction):
    p, y = leaf(numbers[0]), leaf(numbers[1])
    for loss in (F.binary_cross_entropy, F.binary_cross_entropy_with_logits, F.kl_div):
        assert gradcheck(lambda p, y, loss=loss: loss(p, y, reduction=reduction), [p, y], order=2)
