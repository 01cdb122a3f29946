"""Backward: what holds for all gradients, and fused operations against what they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from ops.differentiable import DIFFERENTIABLE, FUSED, first_output

import tinygrad_cnn as tc
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.samples import tensors

each_case = pytest.mark.parametrize("case", DIFFERENTIABLE, ids=str)
each_fused_case = pytest.mark.parametrize("case", FUSED, ids=str)


def random_like(output):
    numbers = np.random.default_rng(5).standard_normal(output.shape)
    return tc.tensor(numbers, dtype=output.dtype, backend=output.backend)


def gradients(function, inputs, create_graph=False):
    output = function(*inputs)
    wanted = [value for value in inputs if value.requires_grad]
    return output, tc.grad(output, wanted, random_like(output), create_graph=create_graph)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@each_case
def test_a_gradient_looks_like_its_input(case, backend, dtype):
    inputs = tensors(case, backend, dtype=dtype)
    _, found = gradients(first_output(case), inputs)
    wanted = [value for value in inputs if value.requires_grad]
    for value, gradient in zip(wanted, found, strict=True):
        assert gradient.shape == value.shape
        assert gradient.dtype is value.dtype
        assert gradient.numpy().shape == value.shape
        assert gradient.numpy().dtype.name == dtype


@each_case
def test_float32_gradients_are_the_float64_ones_rounded(case, backend):
    _, exact = gradients(first_output(case), tensors(case, backend))
    _, rounded = gradients(first_output(case), tensors(case, backend, dtype="float32"))
    for right, close in zip(exact, rounded, strict=True):
        scale = np.abs(right.numpy()).max(initial=1.0)
        np.testing.assert_allclose(close.numpy(), right.numpy(), rtol=1e-4, atol=2e-5 * scale)


@each_case
def test_an_input_that_needs_no_gradient_costs_nothing(case, backend):
    """Each input alone: the others' rules are not run, and its own gives the same gradient."""
    inputs = tensors(case, backend)
    wanted = [number for number, value in enumerate(inputs) if value.requires_grad]
    _, together = gradients(first_output(case), inputs)
    for number, expected in zip(wanted, together, strict=True):
        alone = [value.detach() for value in tensors(case, backend)]
        alone[number].requires_grad_()
        _, (gradient,) = gradients(first_output(case), alone)
        np.testing.assert_array_equal(gradient.numpy(), expected.numpy())


@each_case
def test_gradients_share_memory_with_nothing(case, backend):
    inputs = tensors(case, backend)
    output = first_output(case)(*inputs)
    seed = random_like(output)
    before = seed.numpy().copy()
    output.backward(seed)
    leaves = [value for value in inputs if value.requires_grad]
    others = [*inputs, output, seed]
    for leaf in leaves:
        assert not any(np.shares_memory(leaf.grad.array, other.array) for other in others)
        others.append(leaf.grad)
    np.testing.assert_array_equal(seed.numpy(), before)


# --- fused operations are their composites --------------------------------------------------------


def composite(case):
    params = {**case.op.defaults, **case.sample.params}
    return lambda *inputs: case.op.composite(*inputs, **params)


@each_fused_case
def test_a_fused_operation_equals_its_composite(case, backend):
    fused, fused_gradients = gradients(first_output(case), tensors(case, backend))
    plain, plain_gradients = gradients(composite(case), tensors(case, backend))
    np.testing.assert_allclose(fused.numpy(), plain.numpy(), rtol=1e-12, atol=1e-13)
    for one, other in zip(fused_gradients, plain_gradients, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-11, atol=1e-12)


@each_fused_case
def test_a_composite_is_right_too(case, backend):
    assert gradcheck(composite(case), tensors(case, backend), order=2)


@each_fused_case
def test_create_graph_gives_the_same_first_order(case, backend):
    _, plain = gradients(first_output(case), tensors(case, backend))
    _, recorded = gradients(first_output(case), tensors(case, backend), create_graph=True)
    for one, other in zip(plain, recorded, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-11, atol=1e-12)
