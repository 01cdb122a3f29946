"""What all optimizers share: PyTorch's numbers, state, groups, saving and loading, errors."""

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
KINDS = [
    optim.SGD,
    optim.HeavyBall,
    optim.Adagrad,
    optim.Adadelta,
    optim.RMSprop,
    optim.Adam,
    optim.AdamW,
    optim.Adamax,
    optim.NAdam,
    optim.RAdam,
    optim.Rprop,
]


def loss_of(w):
    """Three uneven valleys."""
    scale = tc.tensor([1.0, 2.0, 3.0], dtype=w.dtype)
    return ((w * scale).sin() * w).sum() + (w**2).sum() * 0.5


def train(optimizer, w, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of(w).backward()
        optimizer.step()


def weights(dtype="float64"):
    return tc.tensor(START, dtype=dtype, requires_grad=True)


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
    (
        optim.Adagrad,
        {"lr": 0.2, "lr_decay": 0.01},
        [0.07464644482395352, -2.2125898025848247, 3.5833374248744443],
    ),
    (
        optim.Adadelta,
        {"rho": 0.8, "eps": 0.001},
        [0.05327954090849881, -2.212589802575665, 3.5833376750896275],
    ),
    (
        optim.RMSprop,
        {"lr": 0.02, "momentum": 0.5, "centered": True},
        [0.0010503326869388424, -2.2124086310590334, 3.5832128874842],
    ),
    (
        optim.AdamW,
        {"lr": 0.05, "weight_decay": 0.1, "amsgrad": True},
        [0.05358905379746389, -2.1593408873000577, 3.607798595960818],
    ),
    (optim.Adamax, {"lr": 0.05}, [0.2042272656335218, -2.216037010032096, 3.6911918485841633]),
    (optim.NAdam, {"lr": 0.05}, [0.2715396025781773, -2.2164575050839126, 3.614160394274054]),
    (
        optim.RAdam,
        {"lr": 0.05, "betas": (0.8, 0.9)},
        [0.10450324988735285, -2.2091420808560804, 3.543021181086557],
    ),
    (optim.Rprop, {"lr": 0.05}, [-0.022315838463999933, -2.21389888, 3.5772668671999996]),
]


@pytest.mark.parametrize(("kind", "options", "expected"), CASES)
def test_twenty_steps_are_pytorchs(kind, options, expected):
    """A few of them for machines without PyTorch; all options are in tests/parity."""
    w = weights()
    train(kind([w], **options), w, 20)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-11)


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


@pytest.mark.parametrize("kind", KINDS)
def test_case_57_no_gradient_no_step(kind):
    w, other = weights(), weights()
    optimizer = kind([w, other], lr=0.1)
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


def test_a_closure_computes_the_gradients():
    w, twin = weights(), weights()
    optimizer = optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(w)
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == loss_of(twin).item()
    train(optim.SGD([twin], lr=0.1), twin, 1)
    assert w.tolist() == twin.tolist()


def test_momentum_switched_on_later_begins_with_a_first_step():
    w, twin = weights(), weights()
    optimizer = optim.SGD([w], lr=0.1, dampening=0.5)
    train(optimizer, w, 2)
    optimizer.param_groups[0]["momentum"] = 0.9
    train(optimizer, w, 1)
    train(optim.SGD([twin], lr=0.1), twin, 3)
    assert w.tolist() == twin.tolist()  # undampened


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


def momentum_and_all(kind):
    """Options that let an optimizer remember as much as it can."""
    return {
        optim.SGD: {"momentum": 0.9, "dampening": 0.3},
        optim.RMSprop: {"momentum": 0.9, "centered": True},
        optim.Adam: {"amsgrad": True},
    }.get(kind, {})


@pytest.mark.parametrize("kind", KINDS)
def test_case_59_a_resumed_run_is_the_same_run_bitwise(kind):
    options = {"lr": 0.05, **momentum_and_all(kind)}
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_of_an_optimizer_goes_on_alike(kind):
    w = weights()
    optimizer = kind([w], **{"lr": 0.05, **momentum_and_all(kind)})
    train(optimizer, w, 3)
    copied, twin = copy.deepcopy((optimizer, w))
    train(optimizer, w, 3)
    train(copied, twin, 3)
    assert twin.tolist() == w.tolist()
    assert twin.tolist() != START


@pytest.mark.parametrize(
    ("kind", "options", "names"),
    [
        (optim.SGD, {}, None),
        (optim.SGD, {"momentum": 0.9}, ["momentum_buffer"]),
        (optim.HeavyBall, {}, ["change"]),
        (optim.Adagrad, {}, ["step", "sum"]),
        (optim.Adadelta, {}, ["step", "square_avg", "acc_delta"]),
        (optim.RMSprop, {}, ["step", "square_avg"]),
        (
            optim.RMSprop,
            {"momentum": 0.9, "centered": True},
            ["step", "square_avg", "momentum_buffer", "grad_avg"],
        ),
        (optim.Adam, {}, ["step", "exp_avg", "exp_avg_sq"]),
        (optim.AdamW, {"amsgrad": True}, ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]),
        (optim.Adamax, {}, ["step", "exp_avg", "exp_inf"]),
        (optim.NAdam, {}, ["step", "mu_product", "exp_avg", "exp_avg_sq"]),
        (optim.RAdam, {}, ["step", "exp_avg", "exp_avg_sq"]),
        (optim.Rprop, {}, ["step", "prev", "step_size"]),
    ],
)
def test_state_has_pytorchs_names(kind, options, names):
    w = weights()
    optimizer = kind([w], **options)
    assert optimizer.state_dict()["state"] == {}
    train(optimizer, w, 3)
    state = optimizer.state_dict()["state"]
    assert state.keys() == ({0} if names else set())
    if names:
        assert sorted(state[0]) == sorted(names)
    if names and "step" in names:
        assert state[0]["step"].item() == 3


def test_state_dict_is_laid_out_as_pytorchs():
    optimizer = optim.Adam([{"params": [weights(), weights()]}, {"params": [weights()], "lr": 0.2}], lr=0.1)
    options = {
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0.0,
        "amsgrad": False,
        "maximize": False,
        "decoupled_weight_decay": False,
    }
    assert optimizer.state_dict() == {
        "state": {},
        "param_groups": [
            {"params": [0, 1], "lr": 0.1, **options},
            {"params": [2], "lr": 0.2, **options},
        ],
    }


def test_where_a_schedule_began_is_saved_too():
    optimizer = optim.SGD([weights()], lr=0.8)
    optim.ConstantLR(optimizer, factor=0.5)
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["initial_lr"] == 0.8
    fresh = optim.SGD([weights()], lr=0.1)
    fresh.load_state_dict(saved)
    assert fresh.param_groups[0]["lr"] == 0.4
    assert fresh.param_groups[0]["initial_lr"] == 0.8


@pytest.mark.parametrize(
    "spoil",
    [
        lambda state: state["param_groups"].append(state["param_groups"][0]),
        lambda state: state["param_groups"][0].pop("eps"),
        lambda state: state["param_groups"][0]["params"].append(1),
        lambda state: state["state"][0].pop("step"),
        lambda state: state.pop("state"),
        lambda state: state["param_groups"][0].update(speed=3.0),
        lambda state: state["state"][0].update(speed=tc.zeros(3, dtype="float64")),
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


NONSENSE = [
    (optim.SGD, {"nesterov": True}, "nesterov"),
    (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
    (optim.SGD, {"dampening": math.inf}, "dampening"),
    (optim.SGD, {"lr": "fast"}, "lr"),
    (optim.SGD, {"lr": True}, "lr"),
    (optim.Adadelta, {"rho": 1.5}, "rho"),
    (optim.Rprop, {"etas": (1.2, 0.5)}, "etas"),
    (optim.Rprop, {"etas": (0.5, 1.0)}, "etas"),
    (optim.Rprop, {"step_sizes": (1.0, 0.5)}, "step_sizes"),
    *[(kind, {"lr": lr}, "lr") for kind in KINDS for lr in (-0.1, math.nan, math.inf)],
    *[
        (kind, {name: -0.1}, name)
        for kind, names in {
            optim.SGD: ("momentum", "weight_decay"),
            optim.HeavyBall: ("momentum", "weight_decay"),
            optim.Adagrad: ("lr_decay", "initial_accumulator_value", "eps", "weight_decay"),
            optim.Adadelta: ("rho", "eps", "weight_decay"),
            optim.RMSprop: ("alpha", "eps", "momentum", "weight_decay"),
            optim.NAdam: ("eps", "momentum_decay", "weight_decay"),
            **dict.fromkeys((optim.Adam, optim.AdamW, optim.RAdam, optim.Adamax), ("eps", "weight_decay")),
        }.items()
        for name in names
    ],
    *[
        (kind, {"betas": betas}, "betas")
        for kind in (optim.Adam, optim.AdamW, optim.NAdam, optim.RAdam, optim.Adamax)
        for betas in ((0.9, 1.0), (-0.1, 0.9), (0.9,), 0.9, ("a", "b"))
    ],
]


@pytest.mark.parametrize(("kind", "options", "argument"), NONSENSE)
def test_case_57_options_that_make_no_sense(kind, options, argument):
    with pytest.raises(ArgumentError) as caught:
        kind([weights()], **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize("kind", KINDS)
def test_switches_are_true_or_false(kind):
    with pytest.raises(ArgumentTypeError) as caught:
        kind([weights()], maximize=1)
    assert caught.value.argument == "maximize"


def test_an_option_of_a_group_is_checked_too():
    optimizer = optim.Adam([weights()])
    with pytest.raises(ArgumentError, match="betas"):
        optimizer.add_param_group({"params": [weights()], "betas": (2.0, 0.5)})
    with pytest.raises(ArgumentError, match="eps"):
        optimizer.param_groups[0]["eps"] = -1
    with pytest.raises(ArgumentError, match="lr"):
        optimizer.param_groups[0].update(lr=-1)
    assert len(optimizer.param_groups) == 1
    assert optimizer.param_groups[0]["eps"] == 1e-8
    assert optimizer.param_groups[0]["lr"] == 1e-3


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
