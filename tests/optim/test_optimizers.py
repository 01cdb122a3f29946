"""SGD and Adam: PyTorch's numbers after 20 steps, an independent loop, state, groups and errors."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import optim
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    GradientError,
    StaleValueError,
    StateDictError,
)

START = [1.0, -2.0, 3.0]


def loss_of(w):
    """Three uneven valleys."""
    scale = tc.tensor([1.0, 2.0, 3.0], dtype=w.dtype)
    return ((w * scale).sin() * w).sum() + (w**2).sum() * 0.5


def gradient_of(w):
    """The same gradient by hand, in NumPy."""
    scale = np.array([1.0, 2.0, 3.0])
    return np.sin(w * scale) + w * scale * np.cos(w * scale) + w


def train(optimizer, w, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(w).backward()
        optimizer.step()


def weights(dtype="float64"):
    return tc.tensor(START, dtype=dtype, requires_grad=True)


def sgd_loop(lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    w, v = np.array(START), None
    for _ in range(20):
        g = gradient_of(w) + weight_decay * w
        v = g if v is None else momentum * v + (1 - dampening) * g
        direction = g + momentum * v if nesterov else v
        w = w - lr * (direction if momentum else g)
    return w


def adam_loop(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    w, m, v = np.array(START), np.zeros(3), np.zeros(3)
    for t in range(1, 21):
        g = gradient_of(w) + weight_decay * w
        for i in range(3):
            m[i] = betas[0] * m[i] + (1 - betas[0]) * g[i]
            v[i] = betas[1] * v[i] + (1 - betas[1]) * g[i] ** 2
            corrected = m[i] / (1 - betas[0] ** t), v[i] / (1 - betas[1] ** t)
            w[i] -= lr * corrected[0] / (math.sqrt(corrected[1]) + eps)
    return w


CASES = [  # the last column was read from PyTorch 2.13 in float64
    (optim.SGD, {"lr": 0.05}, [0.0450738748962137, -2.2125832893985535, 3.5833372770666347]),
    (
        optim.SGD,
        {"lr": 0.05, "momentum": 0.9},
        [0.059460023675366964, -2.1709639620854233, 3.437348414888673],
    ),
    (
        optim.SGD,
        {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        [-0.008952334070476398, -2.2100647135325593, 3.7424648353407837],
    ),
    (
        optim.SGD,
        {"lr": 0.05, "momentum": 0.8, "dampening": 0.3},
        [0.10453972620349565, -2.2010449323875734, 3.634707480758988],
    ),
    (optim.Adam, {"lr": 0.05}, [0.09191579416196147, -2.1621752917149615, 3.7094709798059937]),
    (
        optim.Adam,
        {"lr": 0.05, "betas": (0.8, 0.95), "eps": 0.1, "weight_decay": 0.01},
        [0.1565867547489728, -2.199829128060333, 3.629901926086558],
    ),
]


@pytest.mark.parametrize(("kind", "options", "expected"), CASES)
def test_twenty_steps_are_pytorchs(kind, options, expected):
    w = weights()
    train(kind([w], **options), w, 20)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-11)


@pytest.mark.parametrize(("kind", "options", "expected"), CASES)
def test_twenty_steps_are_those_of_a_plain_loop(kind, options, expected):
    loop = sgd_loop if kind is optim.SGD else adam_loop
    np.testing.assert_allclose(loop(**options), expected, rtol=1e-10)


def test_case_55_eps_stands_outside_the_root():
    w = tc.tensor(0.0, dtype="float64", requires_grad=True)
    optimizer = optim.Adam([w], lr=1.0, eps=1.0)
    (w * 3).backward()
    optimizer.step()
    assert w.item() == pytest.approx(-3 / (3 + 1), rel=1e-12)  # and not 3 / √(9 + 1)


@pytest.mark.parametrize(("kind", "options", "_"), CASES)
def test_case_30_float32_parameters_keep_float32_state(kind, options, _):
    w = weights("float32")
    optimizer = kind([w], **{**options, "lr": np.float64(options["lr"])})
    train(optimizer, w, 2)
    assert w.dtype is tc.float32
    assert {value.dtype for value in optimizer.state[w].values()} <= {tc.float32, tc.int64}


def test_steps_are_not_recorded_and_keep_the_parameter():
    w = weights()
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    train(optimizer, w, 2)
    assert w.is_leaf
    assert not optimizer.state[w]["momentum_buffer"].requires_grad


def test_a_step_between_forward_and_backward_is_noticed():
    w = weights()
    optimizer = optim.SGD([w], lr=0.1)
    train(optimizer, w, 1)
    loss = loss_of(w)
    optimizer.step()
    with pytest.raises(StaleValueError, match="changed by assign"):
        loss.backward()


# --- gradients that are missing -------------------------------------------------------------------


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_case_57_no_gradient_no_step(kind):
    w, other = weights(), weights()
    optimizer = kind([w, other], lr=0.1, weight_decay=0.5)
    train(optimizer, w, 3)
    assert other.tolist() == START
    assert other not in optimizer.state
    assert w.tolist() != START


def test_a_parameter_that_joins_later_counts_its_own_steps():
    early, late = (tc.tensor(0.0, dtype="float64", requires_grad=True) for _ in range(2))
    optimizer = optim.Adam([early, late], lr=0.1)
    for loss in (lambda: early * 5, lambda: early * 5, lambda: late * 5):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    assert late.item() == pytest.approx(-0.1)  # the first step of Adam is as long as lr


def test_zero_grad_forgets():
    w = weights()
    optimizer = optim.SGD([w], lr=0.1)
    loss_of(w).backward()
    optimizer.zero_grad()
    assert w.grad is None


# --- groups and learning rates --------------------------------------------------------------------


def test_groups_have_their_own_options():
    slow, fast = (tc.tensor(1.0, requires_grad=True) for _ in range(2))
    optimizer = optim.SGD([{"params": [slow], "lr": 0.1}, {"params": fast}], lr=0.5)
    (slow + fast).backward()
    optimizer.step()
    assert (slow.item(), fast.item()) == (pytest.approx(0.9), 0.5)


def test_the_learning_rate_is_a_number_that_can_be_set():
    w = tc.tensor(1.0, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    assert optimizer.param_groups[0]["lr"] == 0.1
    optimizer.param_groups[0]["lr"] = 0.25
    assert optimizer.param_groups[0]["lr"] == 0.25
    (w * 2).backward()
    optimizer.step()
    assert w.item() == 0.5


def test_a_group_added_later():
    w, later = weights(), weights()
    optimizer = optim.SGD([w], lr=0.1)
    optimizer.add_param_group({"params": [later], "momentum": 0.9})
    train(optimizer, later, 1)
    assert "momentum_buffer" in optimizer.state[later]


# --- saving and loading ---------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options", "_"), CASES)
def test_case_59_a_resumed_run_is_the_same_run_bitwise(kind, options, _):
    straight = weights("float32")
    train(kind([straight], **options), straight, 10)

    before = weights("float32")
    optimizer = kind([before], **options)
    train(optimizer, before, 4)
    saved = copy.deepcopy(optimizer.state_dict())
    train(optimizer, before, 1)  # what is saved does not move along

    after = weights("float32")
    train(kind([after], **options), after, 4)
    resumed = kind([after], lr=123.0)
    resumed.load_state_dict(saved)
    train(resumed, after, 6)
    assert after.numpy().tobytes() == straight.numpy().tobytes()


def test_state_dict_is_laid_out_as_pytorchs():
    w = weights()
    optimizer = optim.Adam([w], lr=0.1)
    train(optimizer, w, 3)
    state = optimizer.state_dict()
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][0]["step"].item() == 3
    assert state["param_groups"] == [
        {"params": [0], "lr": 0.1, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    ]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state["param_groups"].append(state["param_groups"][0]),
        lambda state: state["param_groups"][0].pop("eps"),
        lambda state: state["param_groups"][0]["params"].append(1),
        lambda state: state["state"][0].pop("step"),
        lambda state: state.pop("state"),
        lambda state: state["state"][0].update(exp_avg=tc.zeros(4, dtype="float64")),
        lambda state: state["state"][0].update(exp_avg=tc.zeros(3)),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(spoil):
    w = weights()
    optimizer = optim.Adam([w], lr=0.1)
    train(optimizer, w, 2)
    before = copy.deepcopy(optimizer.state_dict())
    spoiled = copy.deepcopy(before)
    spoiled["param_groups"][0]["lr"] = 9.0
    spoil(spoiled)
    with pytest.raises(StateDictError, match="nothing was loaded"):
        optimizer.load_state_dict(spoiled)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for name, value in before["state"][0].items():
        np.testing.assert_array_equal(after["state"][0][name].numpy(), value.numpy())


# --- errors ---------------------------------------------------------------------------------------


def test_case_56_the_same_parameter_twice():
    w = weights()
    with pytest.raises(ArgumentError, match="twice"):
        optim.SGD([w, w], lr=0.1)
    with pytest.raises(ArgumentError, match="twice"):
        optim.SGD([{"params": [w]}, {"params": [w]}], lr=0.1)


@pytest.mark.parametrize(
    ("kind", "options", "argument"),
    [
        (optim.SGD, {"lr": -0.1}, "lr"),
        (optim.SGD, {"lr": math.nan}, "lr"),
        (optim.SGD, {"lr": "fast"}, "lr"),
        (optim.SGD, {"momentum": -1}, "momentum"),
        (optim.SGD, {"weight_decay": -1}, "weight_decay"),
        (optim.SGD, {"nesterov": True}, "nesterov"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
        (optim.Adam, {"lr": -0.1}, "lr"),
        (optim.Adam, {"betas": (0.9, 1.0)}, "betas"),
        (optim.Adam, {"eps": -1e-8}, "eps"),
        (optim.Adam, {"weight_decay": -1}, "weight_decay"),
    ],
)
def test_case_57_options_that_make_no_sense(kind, options, argument):
    with pytest.raises(ArgumentError) as caught:
        kind([weights()], **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ([], ArgumentError),
        ([{"params": []}], ArgumentError),
        (weights(), ArgumentTypeError),
        ([[1.0]], ArgumentTypeError),
        ([weights() * 2], ArgumentTypeError),
        ([{"weights": []}], ArgumentTypeError),
        ([{"params": [weights()], "speed": 1}], ArgumentError),
        (3, ArgumentTypeError),
    ],
)
def test_what_cannot_be_optimized(params, error):
    with pytest.raises(error):
        optim.SGD(params, lr=0.1)


def test_a_gradient_of_another_shape_cannot_come_in():
    w = weights()
    with pytest.raises(GradientError, match="looks like its tensor"):
        w.grad = tc.zeros(2)
