"""Clipping by hand-computed numbers, all parameters as a vector, and what cannot be done."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, NonFiniteError, ShapeError
from tinygrad_cnn.nn.utils import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
    parameters_to_vector,
    vector_to_parameters,
)


def parameter(*gradient, dtype="float64"):
    result = tc.zeros(len(gradient), dtype=dtype, requires_grad=True)
    result.grad = tc.tensor(gradient, dtype=dtype)
    return result


@pytest.mark.parametrize(
    ("norm_type", "expected"),
    [
        (2, 5.0),
        (1, 7.0),
        (math.inf, 4.0),
        (-math.inf, 3.0),
        (0, 2.0),
        (3, (27 + 64) ** (1 / 3)),
    ],
)
def test_norms(norm_type, expected):
    assert get_total_norm([tc.tensor([3.0]), tc.tensor([-4.0])], norm_type).item() == pytest.approx(expected)


def test_clipping_by_norm_keeps_the_direction():
    x, y = parameter(3.0, 0.0), parameter(-4.0)
    norm = clip_grad_norm_([x, y], max_norm=2.5)
    assert norm.item() == 5.0
    assert norm.shape == ()
    np.testing.assert_allclose([*x.grad.tolist(), *y.grad.tolist()], [1.5, 0.0, -2.0], rtol=1e-6)


def test_short_gradients_stay():
    x = parameter(3.0, 4.0)
    clip_grad_norm_(x, max_norm=5.1)
    assert x.grad.tolist() == [3.0, 4.0]


def test_an_infinite_bound_only_measures():
    x = parameter(3.0, 4.0)
    assert clip_grad_norm_([x], math.inf).item() == 5.0
    assert x.grad.tolist() == [3.0, 4.0]


def test_clipping_by_value():
    x = parameter(-3.0, 0.5, 4.0)
    clip_grad_value_(x, 1.0)
    assert x.grad.tolist() == [-1.0, 0.5, 1.0]


def test_no_gradients_at_all():
    x = tc.ones(2, requires_grad=True)
    assert clip_grad_norm_([x], 1.0).item() == 0.0
    assert clip_grad_norm_([], 1.0).item() == 0.0
    clip_grad_value_([x], 1.0)
    assert x.grad is None


def test_an_iterator_is_walked_through_once():
    model = tc.nn.Linear(3, 2)
    (model(tc.ones(4, 3)) * 100).sum().backward()
    clip_grad_norm_(model.parameters(), 1.0)
    assert get_total_norm([p.grad for p in model.parameters()]).item() == pytest.approx(1.0, rel=1e-5)


def test_clipped_gradients_are_constants():
    x = tc.tensor(2.0, requires_grad=True)
    (x * x * x).backward()
    clip_grad_norm_([x], 1.0)
    assert not x.grad.requires_grad


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_can_be_refused(bad):
    x, y = parameter(1.0), parameter(bad)
    with pytest.raises(NonFiniteError, match="norm of all gradients") as caught:
        clip_grad_norm_([x, y], 1.0, error_if_nonfinite=True)
    assert caught.value.argument == "parameters"
    assert x.grad.tolist() == [1.0]


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda x: clip_grad_norm_([x], -1.0), "max_norm"),
        (lambda x: clip_grad_norm_([x], math.nan), "max_norm"),
        (lambda x: clip_grads_with_norm_([x], -1.0, tc.tensor(1.0)), "max_norm"),
        (lambda x: clip_grad_value_([x], -1.0), "clip_value"),
    ],
)
def test_bounds_that_make_no_sense(call, argument):
    x = parameter(3.0, 4.0)
    with pytest.raises(ArgumentError) as caught:
        call(x)
    assert caught.value.argument == argument
    assert x.grad.tolist() == [3.0, 4.0]


# --- all parameters as one vector -----------------------------------------------------------------


def test_there_and_back():
    model = tc.nn.Sequential(tc.nn.Linear(3, 4), tc.nn.Linear(4, 2))
    vector = parameters_to_vector(model.parameters())
    assert vector.shape == (3 * 4 + 4 + 4 * 2 + 2,)
    before = [p.numpy().copy() for p in model.parameters()]
    vector_to_parameters(vector.detach() * 2, model.parameters())
    for parameter, old in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), 2 * old)


def test_the_vector_is_differentiable():
    x, y = tc.ones(2, 2, requires_grad=True), tc.ones((), requires_grad=True)
    (parameters_to_vector([x, y]) * tc.tensor([1.0, 2.0, 3.0, 4.0, 5.0])).sum().backward()
    assert x.grad.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert y.grad.item() == 5.0


@pytest.mark.parametrize(
    ("vector", "error", "argument"),
    [
        ([1.0, 2.0, 3.0], ArgumentTypeError, "vec"),
        (tc.ones(2), ShapeError, "vec"),
        (tc.ones(4), ShapeError, "vec"),
        (tc.ones(3, 1), ShapeError, "vec"),
        (tc.ones(3, dtype="float64"), DTypeError, "parameters[0]"),
    ],
)
def test_a_vector_that_does_not_fit_changes_nothing(vector, error, argument):
    x, y = tc.zeros(2), tc.zeros(1)
    with pytest.raises(error) as caught:
        vector_to_parameters(vector, [x, y])
    assert caught.value.argument == argument
    assert parameters_to_vector([x, y]).tolist() == [0.0, 0.0, 0.0]
