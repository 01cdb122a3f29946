"""Metrics that are counted: what was right, and what was taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, LabelError, UnknownName
from tinygrad_cnn.metrics._inputs import Labels, as_labels, as_scores

# normalize: over which axes the counts are added up
_SUMS_TO_1: dict[str, tuple[int, ...]] = {"true": (1,), "pred": (0,), "all": (0, 1)}


def accuracy(predictions: Any, target: Any) -> float:
    """The share of predictions that are right, 0 ... 1; NaN for none.

    Args:
        predictions: labels (N, *), or scores (N, C, *).
        target: the right labels (N, *), integers.

    Raises:
        ShapeError: there is not one prediction for each label.
        DTypeError: labels that are not integers.

    >>> accuracy([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 1])
    0.6666666666666666
    """
    predicted, right = as_labels(predictions, target)
    return float(np.mean(predicted == right)) if right.size else float("nan")


def top_k_accuracy(scores: Any, target: Any, k: int = 2) -> float:
    """The share of samples whose right class is among the k with the highest scores; NaN for no samples.

    Of equal scores the lower class comes first, so that k = 1 is `accuracy`.

    Args:
        scores: (N, C, *), floats.
        target: the right labels (N, *), integers.
        k: 1 ... C.

    Raises:
        ArgumentError: k is not in 1 ... C.
        ShapeError, DTypeError: scores and target do not fit.

    >>> scores = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.1, 0.4]]
    >>> top_k_accuracy(scores, [1, 1, 1], k=2)
    0.6666666666666666
    """
    values, right = as_scores(scores, target)
    if not 1 <= as_index(k, argument="k") <= values.shape[1]:
        raise ArgumentError("k of the classes", argument="k", expected=f"1 .. {values.shape[1]}", got=k)
    first = np.argsort(-values, axis=1, kind="stable")[:, :k]
    hits = (first == right[:, None]).any(axis=1)
    return float(np.mean(hits)) if right.size else float("nan")


def confusion_matrix(
    predictions: Any,
    target: Any,
    num_classes: int | None = None,
    *,
    labels: Sequence[int] | None = None,
    normalize: str | None = None,
) -> NDArray[Any]:
    """Count how often each class (row) was taken for each class (column).

    Args:
        predictions: labels (N, *), or scores (N, C, *).
        target: the right labels (N, *), integers.
        num_classes: C, for rows and columns 0 ... C − 1.
        labels: the classes of the rows and columns instead, in this order; samples of others are left out.
            With neither, the classes that occur, sorted.
        normalize: "true": rows sum to 1; "pred": columns do; "all": everything does; None for counts. What
            has no samples stays 0.

    Returns:
        (classes, classes), int64, or float64 when normalized.

    Raises:
        ShapeError, DTypeError: as for `accuracy`.
        LabelError: with num_classes, a label outside 0 ... num_classes − 1.
        ArgumentError: no classes, or both num_classes and labels.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], num_classes=3)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 1]])
    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], labels=[2, 1], normalize="true")
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    predicted, right = as_labels(predictions, target)
    if normalize not in (None, *_SUMS_TO_1):
        raise UnknownName.among(str(normalize), _SUMS_TO_1, kind="normalization", argument="normalize")
    classes = _classes(predicted, right, num_classes, labels)
    if num_classes is not None:
        for name, given in (("predictions", predicted), ("target", right)):
            _check_labels(given, num_classes, name)
    rows, columns = _places(right, classes), _places(predicted, classes)
    known = (rows >= 0) & (columns >= 0)
    size = len(classes)
    counts: NDArray[Any] = np.bincount(rows[known] * size + columns[known], minlength=size**2)
    counts = counts.reshape(size, size)
    if normalize is not None:
        counts = counts / np.maximum(counts.sum(axis=_SUMS_TO_1[normalize], keepdims=True), 1)
    return counts


def _classes(
    predicted: Labels, right: Labels, num_classes: int | None, labels: Sequence[int] | None
) -> Labels:
    if num_classes is not None and labels is not None:
        raise ArgumentError(
            "the classes are given twice", argument="labels", expected="labels or num_classes"
        )
    if num_classes is not None:
        if num_classes < 1:
            raise ArgumentError(
                "at least one class", argument="num_classes", expected=">= 1", got=num_classes
            )
        return np.arange(num_classes)
    if labels is None:
        return np.union1d(predicted, right)
    classes = np.asarray(labels, np.int64).ravel()
    if not classes.size or len(np.unique(classes)) < classes.size:
        raise ArgumentError("classes, each once", argument="labels", expected="distinct labels", got=labels)
    return classes


def _check_labels(labels: Labels, num_classes: int, name: str) -> None:
    outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
    if outside.size:
        label = int(labels.flat[outside[0]])
        raise LabelError(
            f"label {label} at index {int(outside[0])} names no class",
            argument=name,
            expected=f"0 .. {num_classes - 1}",
            got=label,
        )


def _places(labels: Labels, classes: Labels) -> NDArray[np.intp]:
    """Where each label stands among the classes; −1 where it is none of them."""
    if not classes.size:
        return np.full(labels.size, -1)
    order = np.argsort(classes)
    nearest = order[np.searchsorted(classes, labels.ravel(), sorter=order) % classes.size]
    return np.where(classes[nearest] == labels.ravel(), nearest, -1)
