"""Accuracy and confusion matrix."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, DTypeError, LabelError, ShapeError
from tinygrad_cnn.metrics import accuracy, confusion_matrix

LOGITS = [[2.0, 1.0, 0.0], [0.0, 1.0, 3.0], [0.0, 1.0, 0.5], [5.0, 1.0, 0.5]]


@pytest.mark.parametrize("kind", [tc.tensor, np.array, list])
def test_accuracy_of_logits_and_of_labels(kind):
    assert accuracy(kind(LOGITS), kind([0, 2, 2, 0])) == 0.75
    assert accuracy(kind([0, 2, 1, 0]), kind([0, 2, 2, 0])) == 0.75


def test_classes_are_dimension_1():
    logits = np.zeros((2, 3, 4))
    logits[:, 1] = 1
    assert accuracy(tc.tensor(logits), tc.tensor([[1, 1, 0, 1], [2, 1, 1, 1]])) == 0.75


def test_accuracy_of_nothing():
    assert math.isnan(accuracy(tc.zeros(0, 3), tc.zeros(0, dtype="int64")))


def test_rows_are_truth_and_columns_predictions():
    matrix = confusion_matrix([1, 1, 0, 2], [0, 1, 0, 2], num_classes=4)
    assert matrix.dtype == np.int64
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_small_integers_do_not_overflow():
    labels = np.array([200], np.uint8)
    assert confusion_matrix(labels, labels, num_classes=201)[200, 200] == 1


@pytest.mark.parametrize(
    ("predictions", "target", "error"),
    [
        ([0, 1], [0], ShapeError),
        (LOGITS, [[0], [1], [2], [0]], ShapeError),
        ([0, 1], [0.0, 1.0], DTypeError),
        ([0.5, 1.0], [0, 1], DTypeError),
    ],
)
def test_what_does_not_fit(predictions, target, error):
    with pytest.raises(error):
        accuracy(predictions, target)


@pytest.mark.parametrize(
    ("predictions", "target", "argument"), [([0, 3], [0, 1], "predictions"), ([0, 1], [0, -1], "target")]
)
def test_labels_outside_the_matrix(predictions, target, argument):
    with pytest.raises(LabelError, match="at index 1") as caught:
        confusion_matrix(predictions, target, num_classes=3)
    assert caught.value.argument == argument


def test_no_classes():
    with pytest.raises(ArgumentError):
        confusion_matrix([0], [0], num_classes=0)
