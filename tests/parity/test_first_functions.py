"""The same calls to PyTorch and to us: results and gradients agree in float64."""

from __future__ import annotations

import pytest
from parity.compare import parity, randn


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh", "softplus", "logsigmoid"])
def test_activations(name):
    parity(name, randn(4, 5))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name):
    parity(name, randn(4, 5, 2), dim=1)


def test_linear():
    parity("linear", randn(2, 3, 4), randn(5, 4), randn(5))
