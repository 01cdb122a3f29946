"""Metrics: scikit-learn's values, by hand what it does not have, and what does not fit."""

from __future__ import annotations

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn import metrics
from tinygrad_cnn.errors import (
    ArgumentError,
    DTypeError,
    LabelError,
    OptionalDependencyError,
    ShapeError,
    UnknownName,
)
from tinygrad_cnn.metrics import accuracy, confusion_matrix, roc_auc, specificity, top_k_accuracy

sklearn = pytest.importorskip(
    "sklearn.metrics", reason="scikit-learn, which computes most metrics, is missing"
)

LOGITS = [[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [0.0, 1.0, 0.5], [5.0, 1.0, 0.5]]
SCORES = {
    "precision": "precision_score",
    "recall": "recall_score",
    "f_score": "f1_score",
    "jaccard": "jaccard_score",
}
pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12)
few = settings(deadline=None, max_examples=25)


def quiet(function, *args, **options):
    """Scikit-learn's own answer, without its remarks on classes that do not occur."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


# --- accuracy -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [tc.tensor, np.array, list])
def test_accuracy_of_logits_and_of_labels(kind):
    assert accuracy(kind(LOGITS), kind([0, 2, 2, 0])) == 0.75
    assert accuracy(kind([0, 2, 1, 0]), kind([0, 2, 2, 0])) == 0.75


def test_decisions_of_yes_and_no():
    assert accuracy(tc.tensor([0.2, 0.7, 0.9]) > 0.5, tc.tensor([0, 1, 0])) == pytest.approx(2 / 3)


def test_classes_are_dimension_1():
    logits = np.zeros((2, 3, 4))
    logits[:, 1] = 1
    assert accuracy(tc.tensor(logits), tc.tensor([[1, 1, 0, 1], [2, 1, 1, 1]])) == 0.75
    assert top_k_accuracy(tc.tensor(logits), tc.tensor([[1, 1, 0, 1], [2, 1, 1, 1]]), k=1) == 0.75


def test_accuracy_of_nothing():
    assert math.isnan(accuracy(tc.zeros(0, 3), tc.zeros(0, dtype="int64")))
    assert math.isnan(top_k_accuracy(tc.zeros(0, 3), tc.zeros(0, dtype="int64")))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_accuracy(k):
    scores, labels = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 4
    assert top_k_accuracy(scores, labels, k) == sklearn.top_k_accuracy_score(labels, scores, k=k)
    assert top_k_accuracy(scores, labels, 1) == accuracy(scores, labels)
    assert top_k_accuracy(scores, labels, 4) == 1


def test_of_equal_scores_the_first_counts():
    assert [top_k_accuracy([[1.0, 1.0, 1.0]], [1], k) for k in (1, 2, 3)] == [0, 1, 1]
    assert top_k_accuracy([[math.nan, 1.0, 2.0]], [0], 2) == 0  # NaN is no score


# --- confusion matrix -----------------------------------------------------------------------------


def test_rows_are_truth_and_columns_predictions():
    matrix = confusion_matrix([1, 1, 0, 2], [0, 1, 0, 2], num_classes=4)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_small_integers_do_not_overflow():
    labels = np.array([200], np.uint8)
    assert confusion_matrix(labels, labels, num_classes=201)[200, 200] == 1


@few
@given(
    pairs=pairs,
    labels=st.sampled_from([None, [0, 1, 2, 3], [3, 1], [2], [0, 7]]),
    normalize=st.sampled_from([None, "true", "pred", "all"]),
)
def test_confusion_matrix_is_scikit_learns(pairs, labels, normalize):
    predicted, right = np.array(pairs).T
    if labels is not None and not np.isin(labels, right).any():
        return  # an error there
    expected = quiet(sklearn.confusion_matrix, right, predicted, labels=labels, normalize=normalize)
    np.testing.assert_allclose(
        confusion_matrix(predicted, right, labels=labels, normalize=normalize), expected, rtol=1e-12
    )


# --- scores ---------------------------------------------------------------------------------------


@few
@given(
    pairs=pairs,
    labels=st.sampled_from([None, [0, 1, 2, 3], [3, 1], [2]]),
    average=st.sampled_from(["micro", "macro", "weighted", None]),
    zero_division=st.sampled_from([0.0, 1.0]),
)
@pytest.mark.parametrize("name", SCORES)
def test_scores_are_scikit_learns(name, pairs, labels, average, zero_division):
    predicted, right = np.array(pairs).T
    options = {"average": average, "labels": labels, "zero_division": zero_division}
    expected = quiet(getattr(sklearn, SCORES[name]), right, predicted, **options)
    np.testing.assert_array_equal(getattr(metrics, name)(predicted, right, **options), expected)


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("pos_label", [0, 1])
def test_two_classes(name, pos_label):
    predicted, right = [0, 1, 1, 0, 1], [0, 1, 0, 1, 1]
    expected = getattr(sklearn, SCORES[name])(right, predicted, pos_label=pos_label)
    score = getattr(metrics, name)(tc.tensor(predicted), tc.tensor(right), pos_label=pos_label)
    assert type(score) is float
    assert score == expected


def test_scores_of_pixels_and_logits():
    logits, labels = np.random.default_rng(0).normal(size=(2, 3, 4, 5)), np.arange(40).reshape(2, 4, 5) % 3
    expected = sklearn.recall_score(labels.ravel(), logits.argmax(1).ravel(), average="macro")
    assert metrics.recall(tc.tensor(logits), tc.tensor(labels), average="macro") == expected


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_f_beta(beta):
    predicted, right = [0, 1, 1, 1, 1], [0, 1, 0, 0, 1]
    expected = sklearn.fbeta_score(right, predicted, beta=beta)
    assert metrics.f_score(predicted, right, beta=beta) == expected


# --- specificity ----------------------------------------------------------------------------------


def specificity_by_loops(pairs, cls, zero_division):
    negatives = [predicted for predicted, right in pairs if right != cls]
    rejected = [predicted for predicted in negatives if predicted != cls]
    return len(rejected) / len(negatives) if negatives else zero_division


@few
@given(
    pairs=pairs,
    labels=st.sampled_from([None, [3, 1], [2], [0, 7]]),
    zero_division=st.sampled_from([0.0, 1.0, math.nan]),
)
def test_specificity_by_loops(pairs, labels, zero_division):
    predicted, right = np.array(pairs).T
    classes = sorted({label for pair in pairs for label in pair}) if labels is None else labels
    each = [specificity_by_loops(pairs, cls, zero_division) for cls in classes]
    options = {"labels": labels, "zero_division": zero_division}
    np.testing.assert_allclose(specificity(predicted, right, average=None, **options), each)
    mean = quiet(np.nanmean, each)
    np.testing.assert_allclose(specificity(predicted, right, average="macro", **options), mean)
    support = np.array([(right == cls).sum() for cls in classes])
    defined = ~np.isnan(each)
    if support[defined].sum():
        mean = np.average(np.array(each)[defined], weights=support[defined])
        np.testing.assert_allclose(specificity(predicted, right, average="weighted", **options), mean)


def test_specificity_is_the_recall_of_everything_else():
    predicted, right = [0, 1, 1, 0, 1, 0], [0, 1, 0, 1, 0, 0]
    assert specificity(predicted, right) == sklearn.recall_score(right, predicted, pos_label=0)
    assert specificity(predicted, right, pos_label=0) == sklearn.recall_score(right, predicted)
    # TN of all classes over TN + FP of all classes: 0 has 2 of 3, 1 has 2 of 4, 2 has 4 of 5.
    assert specificity([0, 1, 1, 2, 0, 1], [0, 1, 0, 1, 2, 0], average="micro") == 8 / 12


# --- curves ---------------------------------------------------------------------------------------


@few
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.5, 0.9])), min_size=1, max_size=12
    )
)
def test_curves_are_scikit_learns(pairs):
    right, scores = np.array([y for y, _ in pairs]), np.array([score for _, score in pairs])
    for mine, theirs in (
        (roc_auc, sklearn.roc_auc_score),
        (metrics.roc_curve, sklearn.roc_curve),
        (metrics.precision_recall_curve, sklearn.precision_recall_curve),
    ):
        expected = quiet(theirs, right, scores)
        for given_as in (scores, scores[:, None], np.stack([0 * scores, scores], axis=1)):
            assert_equal(mine(given_as, right), expected)


def assert_equal(results, expected):
    if not isinstance(expected, tuple):
        results, expected = (results,), (expected,)
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("average", ["macro", "weighted", None])
@pytest.mark.parametrize("multi_class", ["ovr", "ovo"])
def test_auc_of_several_classes(average, multi_class):
    if average is None and multi_class == "ovo":
        return  # not defined
    logits, labels = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 3
    p = tc.softmax(tc.tensor(logits), 1)
    options = {"average": average, "multi_class": multi_class}
    expected = sklearn.roc_auc_score(labels, p.numpy(), **options)
    np.testing.assert_array_equal(roc_auc(p, labels, **options), expected)


def test_auc_of_one_class_is_undefined():
    assert math.isnan(roc_auc([0.1, 0.9], [1, 1]))
    assert math.isnan(roc_auc([[0.2, 0.3, 0.5], [0.4, 0.4, 0.2]], [0, 1]))


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predictions", "target", "error"),
    [
        ([0, 1], [0], ShapeError),
        (LOGITS, [[0], [1], [2], [0]], ShapeError),
        ([[0.2], [0.8]], [0, 1], ShapeError),
        ([0, 1], [0.0, 1.0], DTypeError),
        ([0.5, 1.0], [0, 1], DTypeError),
    ],
)
def test_what_does_not_fit(predictions, target, error):
    for metric in (accuracy, confusion_matrix, specificity, metrics.precision):
        with pytest.raises(error):
            metric(predictions, target)


@pytest.mark.parametrize(
    ("predictions", "target", "argument"), [([0, 3], [0, 1], "predictions"), ([0, 1], [0, -1], "target")]
)
def test_labels_outside_the_matrix(predictions, target, argument):
    with pytest.raises(LabelError, match="at index 1") as caught:
        confusion_matrix(predictions, target, num_classes=3)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("options", "error", "argument"),
    [
        ({"num_classes": 0}, ArgumentError, "num_classes"),
        ({"num_classes": 2, "labels": [0, 1]}, ArgumentError, "labels"),
        ({"labels": []}, ArgumentError, "labels"),
        ({"labels": [0, 0]}, ArgumentError, "labels"),
        ({"normalize": "rows"}, UnknownName, "normalize"),
    ],
)
def test_matrices_that_make_no_sense(options, error, argument):
    with pytest.raises(error) as caught:
        confusion_matrix([0], [0], **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize("metric", [metrics.recall, specificity])
@pytest.mark.parametrize(
    ("predictions", "options", "error", "argument"),
    [
        ([0, 1, 2], {}, ArgumentError, "average"),
        ([0, 1, 1], {"pos_label": 2}, ArgumentError, "pos_label"),
        ([0, 1, 1], {"average": "mean"}, UnknownName, "average"),
        ([], {}, ArgumentError, "target"),
    ],
)
def test_scores_that_make_no_sense(metric, predictions, options, error, argument):
    with pytest.raises(error) as caught:
        metric(predictions, predictions, **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: metrics.f_score([0, 1], [0, 1], beta=-1.0), ArgumentError),
        (lambda: top_k_accuracy(LOGITS, [0, 1, 2, 0], k=4), ArgumentError),
        (lambda: top_k_accuracy(LOGITS, [0, 1, 2, 0], k=0), ArgumentError),
        (lambda: top_k_accuracy([0, 1], [0, 1]), DTypeError),
        (lambda: top_k_accuracy([0.0, 1.0], [0, 1]), ShapeError),
        (lambda: roc_auc([1, 2], [0, 1]), DTypeError),
        (lambda: roc_auc([0.1, 0.2], [1, 2]), ArgumentError),
        (lambda: roc_auc([0.1, math.nan], [0, 1]), ArgumentError),
        (lambda: roc_auc(LOGITS, [0, 1, 2, 0]), ArgumentError),
        (lambda: metrics.roc_curve(LOGITS, [0, 1, 2, 0]), ShapeError),
        (lambda: metrics.roc_curve([0.1, 0.2, 0.3], [0, 1]), ShapeError),
    ],
)
def test_numbers_that_make_no_sense(call, error):
    with pytest.raises(error):
        call()


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(OptionalDependencyError) as caught:
        metrics.precision([0, 1], [0, 1])
    assert caught.value.hint == "pip install 'tinygrad-cnn[metrics]'"
    assert specificity([0, 1], [0, 1]) == accuracy([0, 1], [0, 1]) == 1


def test_training_does_not_load_scikit_learn():
    program = "import sys, tinygrad_cnn.train; sys.exit('sklearn' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
