"""The specification: every gradient rule against the chain rule of single numbers, without any epsilon.

The scalar backend runs an operation's own kernel on numbers that each remember how they were computed. What
its chain rule gives for them is what the tensor engine's rule must give, to the last digits of float64. The
second order is the same question about the rule itself: run it on such numbers, and apply the chain rule to
what it computed.
"""

from __future__ import annotations

import numpy as np
import pytest
from ops.differentiable import DIFFERENTIABLE, first_output

import tinygrad_cnn as tc
from tinygrad_cnn.testing.samples import tensors
from tinygrad_cnn_backends.scalar import chain_rule

each_case = pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
each_backend = pytest.mark.parametrize("overrides", [True, False], ids=["fast kernels", "readable kernels"])


def weights(shape, seed):
    """Numbers to project an output with: of both signs, no two alike."""
    generator = np.random.default_rng(seed)
    return generator.uniform(0.5, 2.0, shape) * generator.choice([-1.0, 1.0], shape)


def assert_equal(got, expected):
    for one, other in zip(got, expected, strict=True):
        scale = max(1.0, np.abs(other).max(initial=0.0))
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * scale)


def differentiated(inputs):
    return [value for value in inputs if value.requires_grad]


def found(gradients, like):
    """Gradients as arrays; nothing reached is a gradient of zeros."""
    return [
        np.zeros(value.shape) if gradient is None else gradient.numpy()
        for gradient, value in zip(gradients, like, strict=True)
    ]


@each_backend
@each_case
def test_first_order(case, overrides):
    function = first_output(case)
    with tc.use_backend("numpy", overrides=overrides) as backend:
        inputs = tensors(case, backend)
        output = function(*inputs)
        seed = weights(output.shape, 1)
        gradients = tc.grad(output, differentiated(inputs), tc.tensor(seed))
    on_scalars = tensors(case, "scalar")
    result = function(*on_scalars)
    np.testing.assert_allclose(output.numpy(), result.numpy(), rtol=1e-12, atol=1e-12)
    expected = chain_rule(result.array, seed, [value.array for value in differentiated(on_scalars)])
    assert_equal(found(gradients, differentiated(inputs)), expected)


@each_case
def test_second_order(case):
    function = first_output(case)
    inputs = tensors(case, "numpy")
    wanted = differentiated(inputs)
    output = function(*inputs)
    numbers = weights(output.shape, 1)
    seed = tc.tensor(numbers, requires_grad=True)
    first = tc.grad(output, wanted, seed, create_graph=True)
    projections = [weights(value.shape, number) for number, value in enumerate(wanted)]
    reached = [(g, p) for g, p in zip(first, projections, strict=True) if g is not None and g.requires_grad]
    points = [*wanted, seed]
    second = (
        tc.grad([g for g, _ in reached], points, [tc.tensor(p) for _, p in reached])
        if reached
        else [None] * len(points)
    )

    on_scalars = tensors(case, "scalar")
    leaves = differentiated(on_scalars)
    scalar_seed = tc.tensor(numbers, backend="scalar")
    rules = tc.grad(function(*on_scalars), leaves, scalar_seed)
    expected = chain_rule(
        np.concatenate([np.ravel(gradient.array) for gradient in rules]),
        np.concatenate([np.ravel(projection) for projection in projections]),
        [*(value.array for value in leaves), scalar_seed.array],
    )
    assert_equal(found(second, points), expected)
