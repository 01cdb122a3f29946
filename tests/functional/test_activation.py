"""Activations: numbers from their definitions, gradients by differences, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DimensionError,
    DTypeError,
    ShapeError,
    UnknownName,
)
from tinygrad_cnn.testing import gradcheck


def sigma(x):
    return 1 / (1 + math.exp(-x))


def phi(x):
    return 0.5 * (1 + math.erf(x / math.sqrt(2)))


# Every activation of single numbers: our call, its definition for one number, and where its kinks are.
DEFINITIONS = {
    "relu": (F.relu, lambda x: max(x, 0), [0]),
    "relu6": (F.relu6, lambda x: min(max(x, 0), 6), [0, 6]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.3), lambda x: x if x > 0 else 0.3 * x, [0]),
    "rrelu": (lambda x: F.rrelu(x, 0.2, 0.6), lambda x: x if x > 0 else 0.4 * x, [0]),
    "hardtanh": (lambda x: F.hardtanh(x, -0.5, 2.5), lambda x: min(max(x, -0.5), 2.5), [-0.5, 2.5]),
    "hardsigmoid": (F.hardsigmoid, lambda x: min(max(x + 3, 0), 6) / 6, [-3, 3]),
    "hardswish": (F.hardswish, lambda x: x * min(max(x + 3, 0), 6) / 6, [-3, 3]),
    "hardshrink": (lambda x: F.hardshrink(x, 0.7), lambda x: 0 if abs(x) <= 0.7 else x, [-0.7, 0.7]),
    "softshrink": (
        lambda x: F.softshrink(x, 0.7),
        lambda x: math.copysign(max(abs(x) - 0.7, 0), x),
        [-0.7, 0.7],
    ),
    "threshold": (lambda x: F.threshold(x, 1.5, -2), lambda x: x if x > 1.5 else -2, [1.5]),
    "elu": (lambda x: F.elu(x, 2.0), lambda x: x if x > 0 else 2 * (math.exp(x) - 1), [0]),
    "selu": (
        F.selu,
        lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1)),
        [0],
    ),
    "celu": (lambda x: F.celu(x, 0.5), lambda x: x if x > 0 else 0.5 * (math.exp(x / 0.5) - 1), [0]),
    "sigmoid": (F.sigmoid, sigma, []),
    "logsigmoid": (F.logsigmoid, lambda x: math.log(sigma(x)), []),
    "tanh": (F.tanh, math.tanh, []),
    "tanhshrink": (F.tanhshrink, lambda x: x - math.tanh(x), []),
    "softsign": (F.softsign, lambda x: x / (1 + abs(x)), [0]),
    "softplus": (F.softplus, lambda x: math.log(1 + math.exp(x)), []),
    "softplus, steep": (
        lambda x: F.softplus(x, beta=3, threshold=100),
        lambda x: math.log(1 + math.exp(3 * x)) / 3,
        [],
    ),
    "gelu": (F.gelu, lambda x: x * phi(x), []),
    "silu": (F.silu, lambda x: x * sigma(x), []),
    "mish": (F.mish, lambda x: x * math.tanh(math.log(1 + math.exp(x))), []),
}
each = pytest.mark.parametrize("name", DEFINITIONS)
numbers = arrays(np.float64, array_shapes(min_dims=0, max_dims=3, max_side=3), elements=st.floats(-9, 9))


def away_from(kinks, x, distance=1e-3):
    """The numbers, those near a kink moved beside it: differences across one say nothing."""
    for kink in kinks:
        x = np.where(np.abs(x - kink) < distance, kink + distance, x)
    return x


@each
@settings(max_examples=25)
@given(x=numbers)
def test_values_are_those_of_the_definition(name, x):
    ours, definition, _ = DEFINITIONS[name]
    expected = np.array([definition(number) for number in x.flat]).reshape(x.shape)
    np.testing.assert_allclose(ours(tc.tensor(x)).numpy(), expected, rtol=1e-12, atol=1e-12)


@each
def test_gradients_of_both_orders(name):
    ours, _, kinks = DEFINITIONS[name]
    x = away_from(kinks, np.array([[-7.3, -2.1, -0.6, -0.01], [0.02, 0.4, 1.9, 6.6]]))
    assert gradcheck(ours, tc.tensor(x, requires_grad=True), order=2)
    assert gradcheck(ours, tc.tensor(x[1, 3], requires_grad=True), order=2)
    assert ours(tc.zeros(0, 3)).shape == (0, 3)


@each
def test_case_23_far_out_it_stays_finite(name):
    for dtype in ("float32", "float64"):
        x = tc.tensor([-1e3, 1e3], dtype=dtype, requires_grad=True)
        (slope,) = tc.grad(DEFINITIONS[name][0](x).sum(), x)
        assert np.isfinite(slope.numpy()).all()


@each
def test_float32_stays_float32_and_integers_are_numbers_too(name):
    ours, definition, _ = DEFINITIONS[name]
    assert ours(tc.tensor([0.5])).dtype is tc.float32
    if name != "rrelu":  # it draws floats
        assert ours(tc.tensor([2])).item() == pytest.approx(definition(2), rel=1e-6)


# --- at the kinks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "kinks", "slopes"),
    [
        (F.relu, [0.0], [0]),
        (F.relu6, [0.0, 6.0], [0, 0]),
        (F.hardtanh, [-1.0, 1.0], [0, 0]),
        (lambda x: x.clamp(-1, 1), [-1.0, 1.0], [1, 1]),
        (lambda x: F.leaky_relu(x, 0.25), [0.0], [0.25]),
        (lambda x: F.elu(x, 3.0), [0.0], [3]),
        (lambda x: F.celu(x, 3.0), [0.0], [1]),
        (F.hardswish, [-3.0, 3.0], [0, 1]),
        (F.hardshrink, [-0.5, 0.5], [0, 0]),
        (F.softshrink, [-0.5, 0.5], [0, 0]),
        (F.softplus, [0.0], [0.5]),
        (F.sigmoid, [0.0], [0.25]),
    ],
)
def test_slopes_at_kinks(function, kinks, slopes):
    x = tc.tensor(kinks, requires_grad=True)
    (g,) = tc.grad(function(x).sum(), x)
    assert g.tolist() == slopes


def test_the_scalar_rule_of_a_kernel_has_the_same_slope():
    """Kernels choose a branch; the chain rule over single numbers must find our rules' slopes at 0."""
    for function, slope in ((F.relu, 0.0), (F.sigmoid, 0.25), (F.softplus, 0.5), (F.leaky_relu, 0.01)):
        x = tc.tensor([0.0], backend="scalar")
        out = function(x).array[0]
        out.backward()
        assert x.array[0].grad == slope


# --- clamp ----------------------------------------------------------------------------------------


def test_clamp_between_tensors_shares_out_the_gradient():
    x = tc.tensor([0.0, 1.0, 2.0, 3.0, 4.0], requires_grad=True)
    low, high = (tc.tensor(bound, requires_grad=True) for bound in (1.0, 3.0))
    y = tc.clamp(x, low, high)
    assert y.tolist() == [1, 1, 2, 3, 3]
    y.backward(tc.tensor([1.0, 10.0, 100.0, 1000.0, 10000.0]))
    assert x.grad.tolist() == [0, 10, 100, 1000, 0]  # at a tie all of it is x's
    assert (low.grad.item(), high.grad.item()) == (1, 10000)


def test_clamp_the_wrong_way_round_gives_max():
    assert tc.clamp(tc.tensor([0.0, 2.5, 9.0]), 3.0, 2.0).tolist() == [2, 2, 2]
    assert tc.clamp(tc.tensor([0.0, 2.5, 9.0]), tc.tensor(3.0), 2.0).tolist() == [2, 2, 2]


def test_clamp_of_integers():
    assert tc.tensor([1, 5]).clamp(max=3).dtype is tc.int64
    assert tc.tensor([1, 5]).clamp(max=3.5).tolist() == [1, 3.5]


# --- prelu and rrelu ------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "slopes"), [((2, 3, 2), 3), ((4,), 1), ((2, 1), 1)])
def test_prelu_gradients(shape, slopes):
    generator = np.random.default_rng(0)
    x = away_from([0], generator.normal(size=shape))
    weight = tc.tensor(generator.normal(size=slopes), requires_grad=True)
    assert gradcheck(F.prelu, [tc.tensor(x, requires_grad=True), weight], order=2)


def test_prelu_gradient_of_a_slope_is_the_sum_of_what_it_multiplies():
    weight = tc.tensor([0.5], requires_grad=True)
    F.prelu(tc.tensor([-2.0, 4.0, -3.0, 0.0]), weight).sum().backward()
    assert weight.grad.item() == -5
    weight.grad = None
    F.prelu(tc.tensor([math.inf, -1.0]), weight).sum().backward()
    assert weight.grad.item() == -1  # not ∞ · 0


def test_rrelu_draws_slopes_between_its_bounds():
    tc.manual_seed(0)
    x = tc.full((1000,), -1.0)
    drawn = -F.rrelu(x, 0.25, 0.75, training=True).numpy()
    assert drawn.min() >= 0.25
    assert drawn.max() <= 0.75
    assert abs(drawn.mean() - 0.5) < 0.02
    assert F.rrelu(tc.ones(3), training=True).tolist() == [1, 1, 1]


# --- along a dimension ----------------------------------------------------------------------------


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax, F.softmin, F.glu])
@pytest.mark.parametrize(("shape", "dim"), [((4,), 0), ((2, 4), -1), ((4, 3, 2), 0)])
def test_gradients_along_a_dimension(function, shape, dim):
    x = tc.tensor(np.random.default_rng(0).normal(size=shape), requires_grad=True)
    assert gradcheck(lambda x: function(x, dim), x, order=2)


def test_softmax_by_hand():
    x = tc.tensor([[0.0, math.log(3)], [5.0, 5.0]])
    np.testing.assert_allclose(F.softmax(x, 1).numpy(), [[0.25, 0.75], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(F.softmin(x, 1).numpy(), [[0.75, 0.25], [0.5, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(F.log_softmax(x, 1).numpy(), np.log([[0.25, 0.75], [0.5, 0.5]]), rtol=1e-6)


def test_softmax_of_nothing_and_of_a_number():
    for function in (F.softmax, F.log_softmax, F.softmin):
        x = tc.zeros(0, 3, requires_grad=True)
        y = function(x, 0)
        assert y.shape == (0, 3)
        y.sum().backward()
        assert x.grad.shape == (0, 3)
    assert F.softmax(tc.tensor(5.0), 0).item() == 1


def test_softmax_computes_in_another_dtype():
    counts = tc.tensor([1, 1])
    assert F.softmax(counts, 0, dtype="float64").tolist() == [0.5, 0.5]
    assert F.log_softmax(tc.tensor([0.5]), 0, dtype=tc.float64).dtype is tc.float64


def test_glu_by_hand():
    x = tc.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 1000.0], [-1000.0, 0.0]])
    assert F.glu(x, 0).tolist() == [[0.5, 2.0], [0.0, 2.0]]


@pytest.mark.parametrize(("shape", "dim"), [((3,), 0), ((2, 3, 4), 1), ((2, 3), -1)])
def test_gumbel_softmax_gives_probabilities_or_a_choice(shape, dim):
    tc.manual_seed(0)
    logits = tc.rand(*shape)
    soft = F.gumbel_softmax(logits, 0.5, dim=dim).numpy()
    assert soft.min() > 0
    np.testing.assert_allclose(soft.sum(dim), np.ones_like(soft.sum(dim)), rtol=1e-5)
    hard = np.moveaxis(F.gumbel_softmax(logits, 0.5, hard=True, dim=dim).numpy(), dim, -1)
    np.testing.assert_allclose(np.sort(hard), np.broadcast_to([0, 0, 1], hard.shape), atol=1e-6)


def test_gumbel_softmax_draws_with_the_probabilities_of_softmax():
    tc.manual_seed(0)
    logits = tc.tensor([0.0, 1.0, 2.0])
    drawn = F.gumbel_softmax(logits.expand(4000, 3), hard=True).mean(0)
    np.testing.assert_allclose(drawn.numpy(), F.softmax(logits, 0).numpy(), atol=0.03)


def test_gumbel_softmax_choice_has_the_gradient_of_the_soft_one():
    gradients = []
    for hard in (False, True):
        tc.manual_seed(0)
        logits = tc.tensor([0.5, -0.5, 1.0], requires_grad=True)
        (g,) = tc.grad((F.gumbel_softmax(logits, 2.0, hard) * tc.tensor([1.0, 2.0, 4.0])).sum(), logits)
        gradients.append(g.tolist())
    assert gradients[0] == gradients[1]
    assert any(gradients[0])


# --- what is refused ------------------------------------------------------------------------------

X, WHOLE = tc.zeros(2, 3), tc.tensor([[1, 2, 3]])
REFUSED = {
    "relu of bools": (lambda: F.relu(X > 0), DTypeError, "x"),
    "clamp of bools": (lambda: (X > 0).clamp(0, 1), DTypeError, "x"),
    "clamp by nothing": (lambda: X.clamp(), ArgumentError, "min"),
    "clamp by text": (lambda: X.clamp(min="1"), ArgumentTypeError, "min"),
    "clamp by a tensor of another shape": (lambda: X.clamp(tc.zeros(2)), ShapeError, "x and y"),
    "hardtanh upside down": (lambda: F.hardtanh(X, 2, 1), ArgumentError, "min_val"),
    "softshrink outwards": (lambda: F.softshrink(X, -1), ArgumentError, "lambd"),
    "rrelu upside down": (lambda: F.rrelu(X, 0.5, 0.25), ArgumentError, "lower"),
    "rrelu of integers": (lambda: F.rrelu(WHOLE), DTypeError, "input"),
    "softplus that divides by 0": (lambda: F.softplus(X, beta=0), ArgumentError, "beta"),
    "celu that divides by 0": (lambda: F.celu(X, 0.0), ArgumentError, "alpha"),
    "gelu by something else": (lambda: F.gelu(X, approximate="sigmoid"), UnknownName, "approximate"),
    "prelu with slopes of rows": (lambda: F.prelu(X, tc.zeros(2)), ShapeError, "weight"),
    "prelu with a matrix": (lambda: F.prelu(X, tc.zeros(1, 3)), ShapeError, "weight"),
    "prelu of two dtypes": (lambda: F.prelu(X, tc.zeros(3, dtype="float64")), DTypeError, "weight"),
    "prelu of integers": (lambda: F.prelu(WHOLE, tc.zeros(1)), DTypeError, "input"),
    "softmax of integers": (lambda: F.softmax(WHOLE, 0), DTypeError, "x"),
    "softmax along nothing": (lambda: F.softmax(X, 2), DimensionError, "dim"),
    "softmax of nothing along nothing": (lambda: F.softmax(tc.zeros(0, 3), 2), DimensionError, "dim"),
    "log_softmax along nothing": (lambda: F.log_softmax(X, -3), DimensionError, "dim"),
    "gumbel_softmax in the cold": (lambda: F.gumbel_softmax(X, 0.0), ArgumentError, "tau"),
    "gumbel_softmax of integers": (lambda: F.gumbel_softmax(WHOLE), DTypeError, "logits"),
    "glu of thirds": (lambda: F.glu(X), ShapeError, "input"),
    "glu of a number": (lambda: F.glu(tc.tensor(1.0)), ShapeError, "input"),
    "glu along nothing": (lambda: F.glu(X, 2), DimensionError, "dim"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_names_the_argument(name):
    call, error, argument = REFUSED[name]
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
    assert caught.value.expected is not None
