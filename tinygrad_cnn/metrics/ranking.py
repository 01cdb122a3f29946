"""What a threshold on the scores would give: the ROC curve, the area under it, precision against recall.

Positives are the samples of class 1. Every threshold calls those above it positive and so makes a point of
the curve; the area under the ROC curve is the probability that a positive scores higher than a negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.metrics._inputs import Labels, as_array, as_integers, as_scores, scikit_learn

Curve = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]


def roc_auc(scores: Any, target: Any, *, average: str | None = "macro", multi_class: str = "ovr") -> Any:
    """The area under the ROC curve: 1 for scores that sort perfectly, 0.5 for guesses.

    Args:
        scores: for two classes those of class 1, (N, *) or (N, 1, *), or (N, 2, *), of which the difference
            counts; for several, probabilities (N, C, *) that sum to 1 over the classes.
        target: the right labels (N, *), integers.
        average: for several classes: "macro", "weighted" (by how many samples each class has), "micro" or
            None (one area a class; with "ovr").
        multi_class: "ovr": each class against the rest, or "ovo": against each other class.

    Returns:
        A float, or an array of one area a class. NaN where a class has no samples, or all.

    Raises:
        ShapeError, DTypeError: scores and target do not fit.
        ArgumentError: probabilities that do not sum to 1, or arguments that scikit-learn refuses.
        OptionalDependencyError: scikit-learn is not installed.

    >>> roc_auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    right, values = _ranked(scores, target)
    if values.ndim == 1:
        return float(scikit_learn("roc_auc_score", _zeros_and_ones(right), values))
    options = {"labels": np.arange(values.shape[1]), "average": average, "multi_class": multi_class}
    area = scikit_learn("roc_auc_score", right, values, **options)
    return area if average is None else float(area)


def roc_curve(scores: Any, target: Any) -> Curve:
    """False positive rate and recall at every threshold, from the highest to the lowest.

    Args:
        scores: of class 1, (N, *) or (N, 1, *); or (N, 2, *), of which the difference counts.
        target: 0 and 1, (N, *).

    Returns:
        False positive rates, recalls and thresholds; arrays of one length. The first threshold is infinite.
        Rates of something that has no samples are NaN.

    Raises:
        ShapeError, DTypeError: scores and target do not fit.
        ArgumentError: labels other than 0 and 1, or NaN among the scores.
        OptionalDependencyError: scikit-learn is not installed.

    >>> false_alarms, recalls, thresholds = roc_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> false_alarms, recalls
    (array([0. , 0. , 0.5, 0.5, 1. ]), array([0. , 0.5, 0.5, 1. , 1. ]))
    """
    return _curve("roc_curve", scores, target)


def precision_recall_curve(scores: Any, target: Any) -> Curve:
    """Precision and recall at every threshold, from the lowest to the highest.

    Arguments and errors as for `roc_curve`.

    Returns:
        Precisions, recalls and thresholds. The first two have one more element, the end of the curve: 1, 0.
        Without any positives, the other recalls are 1.

    >>> precisions, recalls, thresholds = precision_recall_curve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    >>> recalls, thresholds
    (array([1. , 1. , 0.5, 0.5, 0. ]), array([0.1 , 0.35, 0.4 , 0.8 ]))
    """
    return _curve("precision_recall_curve", scores, target)


def _curve(name: str, scores: Any, target: Any) -> Curve:
    right, values = _ranked(scores, target)
    if values.ndim > 1:
        raise ShapeError(
            "a threshold tells two classes apart",
            argument="scores",
            expected="(N, *), or (N, 2, *)",
            got=np.shape(scores),
        )
    curve: Curve = scikit_learn(name, _zeros_and_ones(right), values)
    return curve


def _ranked(scores: Any, target: Any) -> tuple[Labels, NDArray[Any]]:
    """Right labels (N,), and the scores of class 1 (N,), or of all of several classes (N, C)."""
    values = as_array(scores)
    if values.shape == np.shape(target):
        right = as_integers(target, "target")
        values, right = as_scores(values.reshape(-1, 1), right.ravel())
    else:
        values, right = as_scores(values, target)
    if values.shape[1] > 2:
        return right, values
    return right, values[:, 0] if values.shape[1] == 1 else values[:, 1] - values[:, 0]


def _zeros_and_ones(labels: Labels) -> Labels:
    others = np.setdiff1d(labels, (0, 1))
    if others.size:
        raise ArgumentError(
            "two classes are called 0 and 1", argument="target", expected="0 and 1", got=others.tolist()
        )
    return labels
