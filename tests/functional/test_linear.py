"""Linear: x Wᵀ + b, and what it says when the features do not fit."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ShapeError


def test_linear_takes_any_leading_dimensions():
    x, w, b = (np.random.default_rng(0).normal(size=s) for s in ((2, 5, 3), (4, 3), (4,)))
    np.testing.assert_allclose(F.linear(*map(tc.tensor, (x, w, b))).numpy(), x @ w.T + b, rtol=1e-12)
    assert F.linear(tc.tensor(x[0, 0]), tc.tensor(w)).shape == (4,)


def test_linear_says_to_flatten():
    with pytest.raises(ShapeError, match="takes 400 features") as caught:
        F.linear(tc.zeros(2, 16, 5, 5), tc.zeros(10, 400))
    assert "flatten" in caught.value.hint


@pytest.mark.parametrize(
    ("shapes", "argument"), [(((2, 3), (4, 3), (1,)), "bias"), (((2, 3), (3,), (3,)), "weight")]
)
def test_linear_checks_its_parameters(shapes, argument):
    with pytest.raises(ShapeError) as caught:
        F.linear(*(tc.zeros(*shape) for shape in shapes))
    assert caught.value.argument == argument
