"""Where functions have kinks, poles and ends, the chain rule of single numbers says what the rules say."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.testing.samples import library_operations
from tinygrad_cnn_backends.scalar import chain_rule

INF, NAN = math.inf, math.nan
EXTREMES = np.array([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 2.0, 800.0, -800.0])
PAIRS = [pairs.ravel() for pairs in np.meshgrid(EXTREMES, EXTREMES)]

OF_FLOATS = [op for op in library_operations() if not op.name.startswith("bitwise")]
OF_ONE = [
    op
    for op in OF_FLOATS
    if len(op.input_names) == 1 and not (op.param_names or op.variadic or op.nondifferentiable)
]
OF_TWO = [
    op
    for op in OF_FLOATS
    if op.input_names in (("x", "y"), ("y", "x")) and not op.param_names and op.name != "matmul"
]


def assert_same(op, *numbers):
    """Values and gradients on the scalar backend and by the rules on NumPy, NaN and infinities included."""
    singles = [tc.tensor(array, backend="scalar") for array in numbers]
    tensors = [tc.tensor(array, requires_grad=True) for array in numbers]
    with np.errstate(all="ignore"):
        out, expected = op(*singles), op(*tensors)
        np.testing.assert_allclose(out.numpy(), expected.numpy(), rtol=1e-12, err_msg="values")
        if expected.requires_grad:
            found = chain_rule(out.array, np.ones(out.shape), [single.array for single in singles])
            by_rules = tc.grad(expected, tensors, tc.ones_like(expected))
            for got, gradient in zip(found, by_rules, strict=True):
                np.testing.assert_allclose(got, gradient.numpy(), rtol=1e-12, err_msg="gradient")


@pytest.mark.parametrize("op", OF_ONE, ids=lambda op: op.name)
def test_functions_of_one_number(op):
    assert_same(op, EXTREMES)


@pytest.mark.parametrize("op", OF_TWO, ids=lambda op: op.name)
def test_functions_of_two_numbers(op):
    x, y = PAIRS
    if op.name == "logaddexp":  # two infinities are alike, and the kernel has to take one of them
        x, y = (numbers[~((x == y) & np.isinf(x))] for numbers in (x, y))
    assert_same(op, x, y)


@pytest.mark.parametrize("name", ["amax", "amin", "sum", "mean"])
@pytest.mark.parametrize("numbers", [[1.0, 3.0, 3.0], [NAN, 2.0, NAN], [-INF, -INF, 0.0]])
def test_reductions(name, numbers):
    assert_same(REGISTRY[name], np.array(numbers))
