"""Predictions and targets as arrays that fit together, and the way to scikit-learn."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import ArgumentError, DTypeError, OptionalDependencyError, ShapeError

Labels = NDArray[np.int64]


def as_integers(labels: Any, argument: str, expected: str = "integers") -> Labels:
    """Labels as int64, which adds up without overflowing; bools are 0 and 1."""
    given = np.asarray(labels)
    if given.dtype.kind not in "iub" and given.size:  # an empty list has no dtype of its own
        raise DTypeError(
            "labels are integers", argument=argument, expected=expected, got=f"{given.dtype} {given.shape}"
        )
    return given.astype(np.int64)


def as_array(values: Any) -> NDArray[Any]:
    """The values on the host; bfloat16, which NumPy does not count among the floats, as float32."""
    array = np.asarray(values)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def as_labels(predictions: Any, target: Any) -> tuple[Labels, Labels]:
    """Predicted and right labels, of one shape."""
    predicted = as_array(predictions)
    if predicted.dtype.kind == "f" and predicted.ndim > 1:
        if predicted.shape[1] == 1:
            raise ShapeError(
                "of one score, the largest is no decision",
                argument="predictions",
                expected="scores (N, C, *) of at least two classes",
                got=predicted.shape,
                hint="predictions[:, 0] > 0 for a logit, > 0.5 for a probability",
            )
        predicted = predicted.argmax(axis=1)
    predicted = as_integers(predicted, "predictions", "integers (N, *), or scores (N, C, *)")
    right = as_integers(target, "target")
    if predicted.shape != right.shape:
        raise ShapeError(
            "each label needs one prediction",
            argument="predictions",
            expected=f"{right.shape} labels, or scores with a class dimension more",
            got=f"{predicted.shape} labels",
        )
    return predicted, right


def as_scores(scores: Any, target: Any) -> tuple[NDArray[Any], Labels]:
    """Scores (N, C) and right labels (N,), where every pixel is a sample of its own."""
    values, right = as_array(scores), as_integers(target, "target")
    if values.dtype.kind != "f":
        raise DTypeError("scores are numbers", argument="scores", expected="floats", got=values.dtype)
    if values.ndim < 2 or values.shape[:1] + values.shape[2:] != right.shape:
        raise ShapeError(
            "each label needs one score a class",
            argument="scores",
            expected=f"a class dimension more than the target's {right.shape}",
            got=values.shape,
        )
    return np.moveaxis(values, 1, -1).reshape(-1, values.shape[1]), right.ravel()


def scikit_learn(metric: str, target: Any, predictions: Any, **options: Any) -> Any:
    """Call one of scikit-learn's metrics, without its remarks on classes that do not occur."""
    try:
        metrics = importlib.import_module("sklearn.metrics")
    except ImportError as error:
        raise OptionalDependencyError(
            f"{metric} is computed by scikit-learn, which is not installed",
            hint="pip install 'tinygrad-cnn[metrics]'",
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            return getattr(metrics, metric)(target, predictions, **options)
        except ValueError as error:
            given = ", ".join(f"{name}={value!r}" for name, value in options.items())
            raise ArgumentError(str(error), got=given or None) from error
