"""Update rules: twenty steps against plain loops, numbers by hand, and every backend."""

from __future__ import annotations

import math

import numpy as np
import pytest
from optim import loops

import tinygrad_cnn as tc
from tinygrad_cnn import optim

START = [1.0, -2.0, 3.0]

RULES = [
    (optim.SGD, loops.sgd, {}),
    (optim.SGD, loops.sgd, {"momentum": 0.9}),
    (optim.SGD, loops.sgd, {"momentum": 0.8, "dampening": 0.3}),
    (optim.SGD, loops.sgd, {"momentum": 0.9, "nesterov": True}),
    (optim.HeavyBall, loops.heavy_ball, {}),
    (optim.HeavyBall, loops.heavy_ball, {"momentum": 0.3}),
    (optim.Adagrad, loops.adagrad, {}),
    (optim.Adagrad, loops.adagrad, {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 0.1}),
    (optim.Adadelta, loops.adadelta, {}),
    (optim.Adadelta, loops.adadelta, {"rho": 0.5, "eps": 0.1}),
    (optim.RMSprop, loops.rmsprop, {}),
    (optim.RMSprop, loops.rmsprop, {"alpha": 0.5, "eps": 0.1, "momentum": 0.8, "centered": True}),
    (optim.Adam, loops.adam, {}),
    (optim.Adam, loops.adam, {"betas": (0.5, 0.7), "eps": 0.1, "amsgrad": True}),
    (optim.Adamax, loops.adamax, {}),
    (optim.Adamax, loops.adamax, {"betas": (0.5, 0.7), "eps": 0.1}),
    (optim.NAdam, loops.nadam, {}),
    (optim.NAdam, loops.nadam, {"betas": (0.5, 0.7), "eps": 0.1, "momentum_decay": 0.3}),
    (optim.RAdam, loops.radam, {}),
    (optim.RAdam, loops.radam, {"betas": (0.8, 0.9), "eps": 0.1}),
    (optim.RAdam, loops.radam, {"betas": (0.5, 0.6)}),
    (optim.Rprop, loops.rprop, {}),
    (optim.Rprop, loops.rprop, {"etas": (0.3, 3.0), "step_sizes": (0.04, 0.06)}),
]
each_rule = pytest.mark.parametrize(
    ("kind", "loop", "options"), RULES, ids=[f"{kind.__name__}-{options}" for kind, _, options in RULES]
)


def gradient_of(w):
    """Of three uneven valleys, ∇ (Σ wᵢ · sin(i · wᵢ) + ½ · Σ wᵢ²)."""
    scale = np.array([1.0, 2.0, 3.0])
    return np.sin(w * scale) + w * scale * np.cos(w * scale) + w


def train(optimizer, w, steps=20, gradient=gradient_of):
    for _ in range(steps):
        w.grad = tc.tensor(gradient(w.numpy()), dtype=w.dtype, backend=w.backend)
        optimizer.step()


def by_loops(loop, options, start=START, steps=20, gradient=gradient_of):
    w = np.array(start)
    rules = [loop(**options) for _ in w]
    for rule in rules:
        next(rule)
    for _ in range(steps):
        g = gradient(w)
        w = np.array([rule.send((w[i], g[i])) for i, rule in enumerate(rules)])
    return w


def weights(dtype="float64", backend=None):
    return tc.tensor(START, dtype=dtype, backend=backend, requires_grad=True)


@each_rule
@pytest.mark.parametrize("lr", [0.05, 0.3])
def test_twenty_steps_are_those_of_a_plain_loop(kind, loop, options, lr):
    w = weights()
    train(kind([w], lr=lr, **options), w)
    np.testing.assert_allclose(w.numpy(), by_loops(loop, {"lr": lr, **options}), rtol=1e-10)


@each_rule
def test_the_scalar_backend_takes_the_same_steps(kind, loop, options):
    w = weights(backend="scalar")
    train(kind([w], lr=0.1, **options), w)
    np.testing.assert_allclose(w.numpy(), by_loops(loop, {"lr": 0.1, **options}), rtol=1e-10)


@each_rule
def test_uphill_is_downhill_of_the_negative(kind, loop, options):
    w, upside_down = weights(), weights()
    train(kind([w], lr=0.1, **options), w)
    train(
        kind([upside_down], lr=0.1, maximize=True, **options), upside_down, gradient=lambda w: -gradient_of(w)
    )
    assert upside_down.tolist() == w.tolist()


@each_rule
def test_weight_decay_is_the_gradient_of_half_the_square(kind, loop, options):
    if kind is optim.Rprop:
        return  # it has none
    w = weights()
    train(kind([w], lr=0.1, weight_decay=0.3, **options), w)
    expected = by_loops(loop, {"lr": 0.1, **options}, gradient=lambda w: gradient_of(w) + 0.3 * w)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-9)


def test_adamw_is_adam_on_weights_that_shrink():
    w = weights()
    train(optim.AdamW([w], lr=0.1, weight_decay=0.3), w)
    np.testing.assert_allclose(w.numpy(), by_loops(loops.adam, {"lr": 0.1, "decay": 0.3}), rtol=1e-10)


@pytest.mark.parametrize("kind", [optim.Adam, optim.NAdam, optim.RAdam])
def test_decoupled_decay_shrinks_weights_however_small_their_gradients(kind):
    w = weights()
    optimizer = kind([w], lr=0.1, weight_decay=0.5, decoupled_weight_decay=True)
    train(optimizer, w, 3, gradient=np.zeros_like)
    np.testing.assert_allclose(w.numpy(), np.array(START) * 0.95**3, rtol=1e-12)


# --- numbers by hand ------------------------------------------------------------------------------


def first_step(kind, **options):
    """How far the weight moves when its first gradient is 3."""
    w = tc.tensor(0.0, dtype="float64", requires_grad=True)
    train(kind([w], lr=1.0, **options), w, 1, gradient=lambda w: np.array(3.0))
    return -w.item()


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        (optim.Adam, {"eps": 1.0}, 3 / (3 + 1)),  # and not 3 / √(9 + 1)
        (optim.AdamW, {"eps": 1.0}, 3 / (3 + 1)),
        (optim.RMSprop, {"eps": 1.0, "alpha": 0.75}, 3 / (1.5 + 1)),
        (optim.RMSprop, {"eps": 1.0, "alpha": 0.5, "centered": True}, 3 / (math.sqrt(4.5 - 2.25) + 1)),
        (optim.Adagrad, {"eps": 1.0}, 3 / (3 + 1)),
        (optim.Adadelta, {"eps": 1.0, "rho": 0.0}, 3 / math.sqrt(9 + 1)),  # inside here, as in its paper
    ],
)
def test_case_55_eps_stands_outside_the_root(kind, options, expected):
    assert first_step(kind, **options) == pytest.approx(expected, rel=1e-12)


def test_the_lectures_momentum():
    """W(t+1) = W(t) + α (W(t) − W(t−1)) + (1 − α)(−η ∇L) with α = 0.9, η = 0.1 and ∇L = 2, 2, −1."""
    w = tc.tensor(1.0, dtype="float64", requires_grad=True)
    optimizer = optim.HeavyBall([w], lr=0.1, momentum=0.9)
    path = []
    for gradient in (2.0, 2.0, -1.0):
        w.grad = tc.tensor(gradient, dtype="float64")
        optimizer.step()
        path.append(w.item())
    assert path == pytest.approx([1 - 0.02, 0.98 - 0.018 - 0.02, 0.942 - 0.9 * 0.038 + 0.01], rel=1e-14)


def test_the_heavy_ball_is_sgd_with_dampening_from_the_second_step_on():
    ball, descent = weights(), weights()
    train(optim.HeavyBall([ball], lr=0.1, momentum=0.7), ball, 20, gradient=lambda w: np.sin(np.arange(3.0)))
    # SGD's first step is undampened: 1 − α of that gradient makes it the same.
    optimizer = optim.SGD([descent], lr=0.1, momentum=0.7, dampening=0.7)
    train(optimizer, descent, 1, gradient=lambda w: 0.3 * np.sin(np.arange(3.0)))
    train(optimizer, descent, 19, gradient=lambda w: np.sin(np.arange(3.0)))
    np.testing.assert_allclose(ball.numpy(), descent.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kind", [optim.Adam, optim.Adamax, optim.Adagrad, optim.Rprop])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e6])
def test_the_first_step_is_as_long_as_the_learning_rate(kind, size):
    w = tc.tensor(0.0, dtype="float64", requires_grad=True)
    train(kind([w], lr=0.25), w, 1, gradient=lambda w: np.array(size))
    assert w.item() == pytest.approx(-0.25, rel=1e-4)


@pytest.mark.parametrize("name", ["RMSprop", "Adam", "Adadelta", "Adagrad", "NAdam", "RAdam", "Adamax"])
def test_no_gradient_to_speak_of(name):
    """Zeros stay where they are, in the first step too: 0 / (0 + eps)."""
    w = weights()
    train(getattr(optim, name)([w]), w, 3, gradient=np.zeros_like)
    assert w.tolist() == START


# --- what does not depend on the rule -------------------------------------------------------------


@each_rule
def test_case_30_float32_parameters_keep_float32_state(kind, loop, options):
    w = weights("float32")
    optimizer = kind([w], **{**options, "lr": np.float64(0.05)})
    train(optimizer, w, 2)
    assert w.dtype is tc.float32
    state = optimizer.state.get(w, {})
    scalars = {name: state.pop(name).dtype for name in ("step", "mu_product") if name in state}
    assert {value.dtype for value in state.values()} <= {tc.float32}
    assert scalars.items() <= {"step": tc.int64, "mu_product": tc.float64}.items()


@each_rule
def test_a_zero_dimensional_weight_and_an_empty_one(kind, loop, options):
    number, nothing = tc.tensor(1.0, requires_grad=True), tc.zeros(0, 3, requires_grad=True)
    optimizer = kind([number, nothing], lr=0.1, **options)
    for _ in range(2):
        number.grad, nothing.grad = tc.tensor(1.0), tc.zeros(0, 3)
        optimizer.step()
    assert number.shape == ()
    assert number.item() < 1
    assert nothing.shape == (0, 3)


@each_rule
def test_rules_run_on_shapes_alone(kind, loop, options):
    w = tc.zeros(1000, 1000, 1000, requires_grad=True, backend="meta")
    w.grad = tc.zeros(1000, 1000, 1000, backend="meta")
    kind([w], **options).step()
    assert w.shape == (1000, 1000, 1000)


@each_rule
def test_the_gradient_is_not_written_to(kind, loop, options):
    w = weights()
    optimizer = kind([w], weight_decay=0.1, **options) if kind is not optim.Rprop else kind([w], **options)
    gradient = w.grad = tc.tensor([1.0, 2.0, 3.0], dtype="float64")
    optimizer.step()
    optimizer.step()
    assert w.grad is gradient
    assert gradient.tolist() == [1.0, 2.0, 3.0]
