"""After a refusal everything is as it was: no half-written memory, no broken graph, no changed mode."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ShapeError, TinygradCNNError
from tinygrad_cnn.testing.refusals import CATALOGUE


def test_a_failed_operation_leaves_nothing_behind():
    x = tc.tensor(np.ones((2, 3)), requires_grad=True)
    y = x * 2.0
    with pytest.raises(ShapeError):
        y @ y
    y.sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize("refusal", CATALOGUE, ids=str)
def test_what_was_refused_is_unchanged(refusal):
    inputs = [value for value in refusal.inputs if isinstance(value, tc.Tensor)]
    before = [value.numpy().copy() for value in inputs]
    with pytest.raises(TinygradCNNError):
        refusal.call()
    for value, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(value.numpy(), old)
    assert tc.is_grad_enabled()
