"""How good a classifier is, in numbers for people: computed on the host, not differentiated.

    confusion matrix    how many images of each class (row) were taken for which class (column);
                        the diagonal is what was right
    accuracy            the share of all images on the diagonal

Predictions are class labels (N, *), integers, or logits (N, C, *), floats, of which the largest along
dimension 1 is taken. Both may be Tensors or anything NumPy reads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import ArgumentError, DTypeError, LabelError, ShapeError


def accuracy(predictions: Any, target: Any) -> float:
    """The share of predictions that are right, 0 ... 1; NaN for none.

    Args:
        predictions: labels (N, *), or logits (N, C, *).
        target: the right labels (N, *), integers.

    Raises:
        ShapeError: there is not one prediction for each label.
        DTypeError: labels that are not integers.

    >>> accuracy([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 1])
    0.6666666666666666
    """
    predicted, right = _labels(predictions, target)
    return float(np.mean(predicted == right)) if right.size else float("nan")


def confusion_matrix(predictions: Any, target: Any, num_classes: int) -> NDArray[np.int64]:
    """Count how often each class (row) was taken for each class (column).

    Args:
        predictions: labels (N, *), or logits (N, C, *).
        target: the right labels (N, *), integers 0 ... num_classes − 1.
        num_classes: C.

    Returns:
        (num_classes, num_classes), int64; its sum is the number of labels.

    Raises:
        ShapeError, DTypeError: as for `accuracy`.
        LabelError: a label outside 0 ... num_classes − 1.

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2], num_classes=3)
    array([[1, 0, 0],
           [0, 1, 0],
           [0, 1, 1]])
    """
    if num_classes < 1:
        raise ArgumentError("at least one class", argument="num_classes", expected=">= 1", got=num_classes)
    predicted, right = _labels(predictions, target)
    for name, labels in (("predictions", predicted), ("target", right)):
        outside = np.flatnonzero((labels < 0) | (labels >= num_classes))
        if outside.size:
            label = int(labels.flat[outside[0]])
            raise LabelError(
                f"label {label} at index {int(outside[0])} names no class",
                argument=name,
                expected=f"0 .. {num_classes - 1}",
                got=label,
            )
    pairs = right.astype(np.int64) * num_classes + predicted
    return np.bincount(pairs.ravel(), minlength=num_classes**2).reshape(num_classes, num_classes)


def _labels(predictions: Any, target: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Predicted and right labels, of one shape."""
    predicted, right = np.asarray(predictions), np.asarray(target)
    if np.issubdtype(predicted.dtype, np.floating) and predicted.ndim > 1:
        predicted = predicted.argmax(axis=1)
    for name, labels in (("predictions", predicted), ("target", right)):
        if not np.issubdtype(labels.dtype, np.integer) and labels.size:
            raise DTypeError(
                "labels are integers",
                argument=name,
                expected="integers" if name == "target" else "integers (N, *), or logits (N, C, *)",
                got=f"{labels.dtype} {labels.shape}",
            )
    if predicted.shape != right.shape:
        raise ShapeError(
            "each label needs one prediction",
            argument="predictions",
            expected=f"{right.shape} labels, or logits with a class dimension more",
            got=f"{predicted.shape} labels",
        )
    return predicted, right
