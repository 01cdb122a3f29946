"""Corners at which backends once differed: empty batches, and single numbers with a dimension named."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F


@pytest.fixture(params=["numpy", "scalar"])
def backend(request):
    with tc.use_backend(request.param):
        yield request.param


@pytest.mark.parametrize(("shape", "labels"), [((0, 3), (0,)), ((2, 3, 0), (2, 0))])
def test_cross_entropy_of_an_empty_batch(backend, shape, labels):
    logits = tc.zeros(*shape, dtype="float64").requires_grad_()
    target = tc.zeros(*labels, dtype="int64")
    assert F.cross_entropy(logits, target, reduction="none").shape == labels
    assert F.cross_entropy(logits, target, reduction="sum").item() == 0
    mean = F.cross_entropy(logits, target)
    assert np.isnan(mean.item())
    (gradient,) = tc.grad(mean, [logits])
    assert gradient.shape == shape


@pytest.mark.parametrize("dim", [0, -1])
def test_log_softmax_of_a_single_number(backend, dim):
    x = tc.tensor(1.5, dtype="float64", requires_grad=True)
    y = F.log_softmax(x, dim)
    assert (y.shape, y.item()) == ((), 0.0)
    assert tc.grad(y, [x])[0].item() == 0.0
