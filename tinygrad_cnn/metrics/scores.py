"""Scores of a decision between classes, made of four counts for each class.

    TP    of the class, and taken for it            FN    of the class, and not taken for it
    FP    not of the class, but taken for it        TN    not of the class, and not taken for it

`average` makes one number of the scores of several classes. Scikit-learn computes what it has: all but
specificity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.metrics._inputs import Labels, as_labels, scikit_learn
from tinygrad_cnn.metrics.counts import confusion_matrix

_AVERAGES = ("binary", "micro", "macro", "weighted")


def precision(
    predictions: Any,
    target: Any,
    *,
    labels: Sequence[int] | None = None,
    pos_label: int = 1,
    average: str | None = "binary",
    zero_division: float = 0.0,
) -> Any:
    """Of the samples taken for a class, the share that is of that class: TP / (TP + FP).

    Args:
        predictions: labels (N, *), or scores (N, C, *).
        target: the right labels (N, *), integers.
        labels: the classes that count; by default those that occur, sorted.
        pos_label: the class that counts, with average "binary".
        average: "binary", for two classes: the score of `pos_label`; "macro": the mean of the scores of all
            classes; "weighted": by how many samples each class has; "micro": of the counts, added up over
            the classes; None: one score a class.
        zero_division: what 0 / 0 is: 0.0, 1.0 or NaN, which averages leave out.

    Returns:
        A float, or an array of one score a class.

    Raises:
        ShapeError, DTypeError: as for `accuracy`.
        ArgumentError: no samples, "binary" for more than two classes, or arguments that scikit-learn refuses.
        UnknownName: there is no such average.
        OptionalDependencyError: scikit-learn is not installed.

    >>> precision([0, 1, 1, 1], [0, 0, 1, 1])
    0.6666666666666666
    >>> precision([0, 1, 2, 2], [0, 1, 1, 2], average=None)
    array([1. , 1. , 0.5])
    """
    return _score("precision_score", predictions, target, labels, pos_label, average, zero_division)


def recall(
    predictions: Any,
    target: Any,
    *,
    labels: Sequence[int] | None = None,
    pos_label: int = 1,
    average: str | None = "binary",
    zero_division: float = 0.0,
) -> Any:
    """Of the samples of a class, the share that was taken for it: TP / (TP + FN); also called sensitivity.

    Arguments, result and errors as for `precision`.

    >>> recall([0, 1, 0, 1], [0, 0, 1, 1])
    0.5
    """
    return _score("recall_score", predictions, target, labels, pos_label, average, zero_division)


def f_score(
    predictions: Any,
    target: Any,
    *,
    beta: float = 1.0,
    labels: Sequence[int] | None = None,
    pos_label: int = 1,
    average: str | None = "binary",
    zero_division: float = 0.0,
) -> Any:
    """(1 + β²) · TP / ((1 + β²) · TP + β² · FN + FP): the harmonic mean of precision and recall for β = 1.

    Args:
        beta: β ≥ 0, how many times as much recall counts as precision.

    The other arguments, result and errors as for `precision`.

    >>> f_score([0, 1, 1, 1], [0, 0, 1, 1])
    0.8
    """
    return _score("fbeta_score", predictions, target, labels, pos_label, average, zero_division, beta=beta)


def jaccard(
    predictions: Any,
    target: Any,
    *,
    labels: Sequence[int] | None = None,
    pos_label: int = 1,
    average: str | None = "binary",
    zero_division: float = 0.0,
) -> Any:
    """Intersection over union, TP / (TP + FP + FN): of the samples that are of a class or were taken for it,
    the share where both agree.

    Arguments, result and errors as for `precision`; `zero_division` is 0.0 or 1.0.

    >>> jaccard([0, 1, 1, 1], [0, 0, 1, 1])
    0.6666666666666666
    """
    return _score("jaccard_score", predictions, target, labels, pos_label, average, zero_division)


def specificity(
    predictions: Any,
    target: Any,
    *,
    labels: Sequence[int] | None = None,
    pos_label: int = 1,
    average: str | None = "binary",
    zero_division: float = 0.0,
) -> Any:
    """Of the samples that are not of a class, the share that was not taken for it: TN / (TN + FP).

    It is the recall of everything else; 1 − specificity is the false positive rate of the ROC curve.

    Arguments, result and errors as for `precision`. NumPy computes it, from the confusion matrix.

    >>> specificity([0, 0, 1, 1, 1], [0, 0, 0, 1, 1])
    0.6666666666666666
    """
    predicted, right = _decisions(predictions, target, pos_label, average)
    if average == "binary":
        labels = [pos_label]
    occurring = np.union1d(predicted, right)
    classes = occurring if labels is None else np.asarray(labels, np.int64)
    # The chosen classes first, then the others: they are negatives too.
    everyone = [*classes.tolist(), *np.setdiff1d(occurring, classes).tolist()]
    counts = confusion_matrix(predicted, right, labels=everyone)
    support, taken, hits = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    negatives = (counts.sum() - support)[: classes.size]
    rejected = negatives - (taken - hits)[: classes.size]
    if average == "micro":
        rejected, negatives = rejected.sum(keepdims=True), negatives.sum(keepdims=True)
    shares = np.where(negatives > 0, rejected / np.maximum(negatives, 1), zero_division)
    if average is None:
        return shares
    weights = support[: classes.size] if average == "weighted" else np.ones_like(shares)
    return _mean(shares, weights, zero_division)


def _mean(shares: NDArray[Any], weights: NDArray[Any], zero_division: float) -> float:
    """The weighted mean of what is defined."""
    defined = ~np.isnan(shares)
    if not defined.any():
        return float("nan")
    total = weights[defined].sum()
    return float((shares * weights)[defined].sum() / total) if total else float(zero_division)


def _decisions(predictions: Any, target: Any, pos_label: int, average: str | None) -> tuple[Labels, Labels]:
    """Predicted and right labels, flat, and such that the average has a meaning for them."""
    predicted, right = as_labels(predictions, target)
    if average is not None and average not in _AVERAGES:
        raise UnknownName.among(str(average), _AVERAGES, kind="average", argument="average")
    occurring = np.union1d(predicted, right)
    if not occurring.size:
        raise ArgumentError("there are no samples", argument="target", expected="at least one", got="none")
    if average == "binary" and len(occurring) > 2:
        raise ArgumentError(
            f"there are {len(occurring)} classes",
            argument="average",
            expected="'micro', 'macro', 'weighted' or None",
            got="'binary'",
        )
    if average == "binary" and len(occurring) == 2 and pos_label not in occurring:
        raise ArgumentError(
            "no sample is of that class or taken for it",
            argument="pos_label",
            expected=f"one of {occurring.tolist()}",
            got=pos_label,
        )
    return predicted.ravel(), right.ravel()


def _score(
    metric: str,
    predictions: Any,
    target: Any,
    labels: Sequence[int] | None,
    pos_label: int,
    average: str | None,
    zero_division: float,
    **options: Any,
) -> Any:
    predicted, right = _decisions(predictions, target, pos_label, average)
    score = scikit_learn(
        metric,
        right,
        predicted,
        labels=labels,
        pos_label=pos_label,
        average=average,
        zero_division=zero_division,
        **options,
    )
    return score if average is None else float(score)
