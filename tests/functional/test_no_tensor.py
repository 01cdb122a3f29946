"""A list or an array where a tensor belongs: the message says so, and names the argument."""

from __future__ import annotations

import numpy as np
from functional.refusals import refusals

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentTypeError

ARRAY = np.ones((2, 3), dtype="float32")
LIST = [[1.0, 2.0, 3.0]]
LABELS = tc.tensor([0, 1])
X = tc.ones(2, 3)

test_a_list_or_array_is_named = refusals(
    {
        "linear, array": (lambda: nn.Linear(3, 2)(ARRAY), ArgumentTypeError, "input"),
        "linear, list": (lambda: nn.Linear(3, 2)(LIST), ArgumentTypeError, "input"),
        "linear, None": (lambda: nn.Linear(3, 2)(None), ArgumentTypeError, "input"),
        "linear, bias": (lambda: F.linear(X, X, [1.0, 2.0]), ArgumentTypeError, "bias"),
        "layer_norm": (lambda: F.layer_norm(ARRAY, 3), ArgumentTypeError, "input"),
        "dropout": (lambda: F.dropout(LIST), ArgumentTypeError, "input"),
        "softmax": (lambda: F.softmax(ARRAY, 1), ArgumentTypeError, "x"),
        "normalize": (lambda: F.normalize(ARRAY), ArgumentTypeError, "input"),
        "cross_entropy": (lambda: F.cross_entropy(LIST, LABELS), ArgumentTypeError, "input"),
        "cross_entropy, arrays": (lambda: F.cross_entropy(ARRAY, [0, 1]), ArgumentTypeError, "input"),
        "cross_entropy, weight": (
            lambda: F.cross_entropy(X, LABELS, weight=[1.0, 2.0, 3.0]),
            ArgumentTypeError,
            "weight",
        ),
        "nll_loss": (lambda: F.nll_loss(LIST, LABELS), ArgumentTypeError, "input"),
        "mse_loss": (lambda: F.mse_loss(LIST, LIST), ArgumentTypeError, "input"),
        "mse_loss, weight": (lambda: F.mse_loss(X, X, weight=LIST), ArgumentTypeError, "weight"),
        "binary_cross_entropy, weight": (
            lambda: F.binary_cross_entropy(X, X, weight=[1.0, 2.0, 3.0]),
            ArgumentTypeError,
            "weight",
        ),
    }
)


def test_targets_may_be_lists_and_arrays():
    by_list = F.cross_entropy(X, [0, 1])
    assert by_list.item() == F.cross_entropy(X, np.array([0, 1])).item() == F.cross_entropy(X, LABELS).item()
