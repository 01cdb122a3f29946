"""The linear layer beside PyTorch's."""

from __future__ import annotations

import pytest
from parity.compare import layer_parity, parity, randn


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("bias", [None, randn(5)])
def test_linear(shape, bias):
    parity("linear", randn(*shape), randn(5, 4), bias)


@pytest.mark.parametrize("bias", [True, False])
def test_the_layer(bias):
    layer_parity("Linear", randn(3, 4), args=(4, 5), bias=bias)
    layer_parity("Identity", randn(3, 4))
