"""Schedules: numbers by hand, going on after a pause, several at once, errors."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import optim
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, StateDictError, UnknownName

# Read from PyTorch 2.13 with cycle_momentum=False.
DEFAULT = [
    0.0040000000000000036,
    0.052000000000000005,
    0.1,
    0.09504846320134738,
    0.0811745653949763,
    0.06112620219362893,
    0.03887419780637107,
    0.0188258346050237,
    0.004951936798652629,
    4e-07,
]
OTHER = [
    0.5,
    1.0182372542187894,
    1.8567627457812106,
    1.901216445732663,
    1.2244646316214236,
    0.38056892264591335,
    0.005,
]


def optimizer(groups=1, lr=1.0, momentum=0.9):
    params = [{"params": [tc.tensor(1.0, requires_grad=True)]} for _ in range(groups)]
    return optim.SGD(params, lr=lr, momentum=momentum)


# Each schedule from a learning rate of 1, and what it is in the steps 0, 1, 2 ...
SCHEDULES = [
    (optim.LambdaLR, {"lr_lambda": lambda step: 1 / (1 + step)}, [1, 1 / 2, 1 / 3, 1 / 4]),
    (optim.MultiplicativeLR, {"lr_lambda": lambda step: 1 / step}, [1, 1, 1 / 2, 1 / 6]),
    (optim.StepLR, {"step_size": 2}, [1, 1, 0.1, 0.1, 0.01]),
    (optim.MultiStepLR, {"milestones": [1, 3, 3], "gamma": 0.5}, [1, 0.5, 0.5, 0.125, 0.125]),
    (optim.ConstantLR, {"total_iters": 2}, [1 / 3, 1 / 3, 1, 1]),
    (optim.LinearLR, {"start_factor": 0.25, "total_iters": 3}, [0.25, 0.5, 0.75, 1, 1]),
    (optim.ExponentialLR, {"gamma": 0.5}, [1, 0.5, 0.25, 0.125]),
    (optim.PolynomialLR, {"total_iters": 2, "power": 2.0}, [1, 0.25, 0, 0]),
    (
        optim.CosineAnnealingLR,
        {"T_max": 3, "eta_min": 0.2},
        [1, 0.2 + 0.8 * 0.75, 0.2 + 0.8 * 0.25, 0.2, 0.4, 0.8, 1],
    ),
    (
        optim.CosineAnnealingWarmRestarts,
        {"T_0": 2, "T_mult": 2},
        [1, 0.5, 1, (2 + math.sqrt(2)) / 4, 0.5, (2 - math.sqrt(2)) / 4, 1],
    ),
    (optim.CyclicLR, {"base_lr": 1, "max_lr": 3, "step_size_up": 2, "step_size_down": 1}, [1, 2, 3, 1, 2]),
    (
        optim.CyclicLR,
        {"base_lr": 1, "max_lr": 3, "step_size_up": 1, "mode": "triangular2"},
        [1, 3, 1, 2, 1, 1.5],
    ),
    (optim.OneCycleLR, {"max_lr": 0.1, "total_steps": 10}, DEFAULT),
    (
        optim.OneCycleLR,
        {
            "max_lr": 2.0,
            "total_steps": 7,
            "pct_start": 0.5,
            "div_factor": 4,
            "final_div_factor": 100,
        },
        OTHER,
    ),
    (
        optim.OneCycleLR,
        {
            "max_lr": 4.0,
            "total_steps": 9,
            "pct_start": 1 / 3,
            "anneal_strategy": "linear",
            "div_factor": 4,
            "final_div_factor": 2,
            "three_phase": True,
        },
        [1, 2.5, 4, 2.5, 1, 0.875, 0.75, 0.625, 0.5],
    ),
]
each_schedule = pytest.mark.parametrize(
    ("kind", "options", "expected"), SCHEDULES, ids=[kind.__name__ for kind, *_ in SCHEDULES]
)


def run(steps, schedule, count):
    """The learning rates that so many steps are taken with."""
    rates = []
    for _ in range(count):
        rates.append(steps.param_groups[0]["lr"])
        assert schedule.get_last_lr()[0] == rates[-1]
        steps.step()
        schedule.step()
    return rates


@each_schedule
def test_numbers_by_hand(kind, options, expected):
    steps = optimizer()
    schedule = kind(steps, **options)
    drawn = [schedule.lr_at(step) for step in range(len(expected))]
    np.testing.assert_allclose(drawn, expected, rtol=1e-12, atol=1e-15)
    assert run(steps, schedule, len(expected)) == drawn  # exactly: nothing piles up


@each_schedule
def test_each_group_begins_at_its_own_rate(kind, options, expected):
    if "max_lr" in options:
        options = {**options, "max_lr": [options["max_lr"], 2 * options["max_lr"]]}
    if "base_lr" in options:
        options = {**options, "base_lr": [options["base_lr"], 2 * options["base_lr"]]}
    if "eta_min" in options:
        options = {**options, "eta_min": 0.0}
    steps = optimizer(groups=2)
    steps.param_groups[1]["lr"] = 2.0
    schedule = kind(steps, **options)
    for _ in range(len(expected) - 1):
        schedule.step()
        first, second = schedule.get_last_lr()
        assert second == pytest.approx(2 * first)


@each_schedule
def test_case_59_continuing_after_a_pause(kind, options, expected):
    straight = optimizer()
    whole = run(straight, kind(straight, **options), len(expected))

    before = optimizer()
    schedule = kind(before, **options)
    run(before, schedule, 2)
    saved = schedule.state_dict()
    assert saved == {"last_epoch": 2, "last_lr": [before.param_groups[0]["lr"]]}

    after = optimizer()
    resumed = kind(after, **options)
    resumed.load_state_dict(saved)
    assert after.param_groups[0]["momentum"] == before.param_groups[0]["momentum"]
    assert run(after, resumed, len(expected) - 2) == whole[2:]


@each_schedule
def test_continuing_by_last_epoch(kind, options, expected):
    """As in PyTorch: the schedule is made anew around an optimizer that was loaded."""
    before = optimizer()
    schedule = kind(before, **options)
    run(before, schedule, 2)
    after = optimizer(lr=123.0)
    after.load_state_dict(before.state_dict())
    resumed = kind(after, **options, last_epoch=1)
    assert resumed.last_epoch == 2
    np.testing.assert_allclose(run(after, resumed, len(expected) - 2), expected[2:], rtol=1e-12, atol=1e-15)


def test_continuing_needs_to_know_where_it_began():
    with pytest.raises(ArgumentError, match="began with") as caught:
        optim.StepLR(optimizer(), step_size=3, last_epoch=4)
    assert caught.value.argument == "last_epoch"


@pytest.mark.parametrize(
    "state",
    [
        {"epoch": 4},
        {},
        {"last_epoch": 4},
        {"last_epoch": 4, "last_lr": [1.0] * 2},
        {"last_epoch": 4, "last_lr": [-1.0]},
    ],
)
def test_a_state_of_something_else_changes_nothing(state):
    schedule = optim.StepLR(optimizer(), step_size=3)
    with pytest.raises((StateDictError, ArgumentError)):
        schedule.load_state_dict(state)
    assert schedule.last_epoch == 0
    assert schedule.get_last_lr() == [1.0]


# --- one cycle ------------------------------------------------------------------------------------


def test_the_last_rate_stays_and_then_the_cycle_is_over():
    steps = optimizer()
    schedule = optim.OneCycleLR(steps, max_lr=0.1, total_steps=10)
    run(steps, schedule, 10)
    assert schedule.get_last_lr() == [pytest.approx(DEFAULT[-1], rel=1e-12)]
    with pytest.raises(ArgumentError, match="the cycle is over"):
        schedule.step()


def test_one_step_in_all():
    assert optim.OneCycleLR(optimizer(), max_lr=1.0, total_steps=1).get_last_lr()[0] > 0


def test_a_cycle_that_only_warms_up_ends_at_its_top():
    schedule = optim.OneCycleLR(optimizer(), 0.1, total_steps=5, pct_start=1.0)
    for _ in range(5):
        schedule.step()
    assert schedule.get_last_lr() == [pytest.approx(0.1)]


def test_momentum_goes_the_other_way():
    steps = optimizer()
    schedule = optim.OneCycleLR(steps, max_lr=1.0, total_steps=11, pct_start=6 / 11)
    momenta = []
    for _ in range(11):
        momenta.append(steps.param_groups[0]["momentum"])
        schedule.step()
    assert momenta[0] == momenta[10] == 0.95
    assert momenta[5] == pytest.approx(0.85)
    assert momenta[:6] == sorted(momenta[:6], reverse=True)
    assert momenta[5:] == sorted(momenta[5:])


def test_the_first_beta_is_adams_momentum():
    steps = optim.Adam([tc.tensor(1.0, requires_grad=True)])
    optim.CyclicLR(steps, base_lr=0.1, max_lr=1.0, base_momentum=0.7, max_momentum=0.8)
    assert steps.param_groups[0]["betas"] == (0.8, 0.999)


def test_momentum_can_be_left_alone():
    steps = optimizer()
    run(steps, optim.OneCycleLR(steps, max_lr=1.0, total_steps=5, cycle_momentum=False), 5)
    assert steps.param_groups[0]["momentum"] == 0.9


# --- several schedules ----------------------------------------------------------------------------


def test_two_schedules_stepped_one_after_the_other_multiply():
    steps = optimizer()
    halving, tenth = optim.ExponentialLR(steps, gamma=0.5), optim.StepLR(steps, step_size=2)
    rates = []
    for _ in range(5):
        rates.append(steps.param_groups[0]["lr"])
        halving.step()
        tenth.step()
    np.testing.assert_allclose(rates, [1, 0.5, 0.025, 0.0125, 0.000625])


def test_a_rate_halved_by_hand_stays_halved():
    steps = optimizer()
    schedule = optim.LinearLR(steps, start_factor=0.5, total_iters=2)
    steps.param_groups[0]["lr"] /= 2
    rates = [schedule.step() or schedule.get_last_lr()[0] for _ in range(3)]
    np.testing.assert_allclose(rates, [0.375, 0.5, 0.5])


def test_a_schedule_at_zero_comes_back():
    steps = optimizer()
    schedule = optim.CosineAnnealingLR(steps, T_max=2)
    np.testing.assert_allclose(run(steps, schedule, 5), [1, 0.5, 0, 0.5, 1], atol=1e-15)


def test_a_second_cycle_on_the_same_optimizer():
    """Rates that are said, not multiplied, do not care where the first cycle ended."""
    steps = optimizer()
    run(steps, optim.OneCycleLR(steps, max_lr=0.1, total_steps=10), 10)
    again = optim.OneCycleLR(steps, max_lr=0.1, total_steps=10)
    np.testing.assert_allclose(run(steps, again, 10), DEFAULT, rtol=1e-12)


def test_sequences_and_chains_can_be_nested():
    steps = optimizer()
    warm_up = optim.LinearLR(steps, start_factor=0.5, total_iters=2)
    both = optim.ChainedScheduler([optim.ExponentialLR(steps, 0.5), optim.StepLR(steps, 2)])
    whole = optim.SequentialLR(steps, [warm_up, both], milestones=[2])
    np.testing.assert_allclose(run(steps, whole, 6), [0.5, 0.75, 1, 0.5, 0.025, 0.0125])


def test_a_cycle_in_a_sequence_moves_its_momentum():
    steps = optimizer()
    cycle = optim.OneCycleLR(steps, max_lr=1.0, total_steps=4)
    whole = optim.SequentialLR(steps, [cycle, optim.StepLR(steps, 3)], milestones=[4])
    chain = optim.ChainedScheduler([cycle])
    assert [whole.momentum_at(step) for step in range(6)] == [
        *[cycle.momentum_at(step) for step in range(4)],
        None,
        None,
    ]
    assert chain.momentum_at(2) == cycle.momentum_at(2)
    assert chain.lr_at(2) == pytest.approx(cycle.lr_at(2))


def test_a_group_that_came_later_is_noticed():
    steps = optimizer()
    schedule = optim.StepLR(steps, step_size=3)
    steps.add_param_group({"params": [tc.tensor(1.0, requires_grad=True)]})
    with pytest.raises(ArgumentError, match="another group"):
        schedule.step()


# --- plateaus -------------------------------------------------------------------------------------


def rates_on(losses, **options):
    steps = optimizer()
    plateau = optim.ReduceLROnPlateau(steps, factor=0.5, **options)
    rates = []
    for loss in losses:
        plateau.step(loss)
        rates += plateau.get_last_lr()
    return rates


def test_patience_and_cooldown():
    assert rates_on([1, 1, 1, 1, 1], patience=1) == [1, 1, 0.5, 0.5, 0.25]
    assert rates_on([1, 1, 1, 1, 1], patience=0, cooldown=2) == [1, 0.5, 0.5, 0.5, 0.25]


def test_thresholds():
    assert rates_on([1.0, 0.95], patience=0, threshold=0.1) == [1, 0.5]  # 5 % better is not enough
    assert rates_on([1.0, 0.85], patience=0, threshold=0.1) == [1, 1]
    assert rates_on([10.0, 9.8], patience=0, threshold=0.3, threshold_mode="abs") == [1, 0.5]
    assert rates_on([10.0, 9.6], patience=0, threshold=0.3, threshold_mode="abs") == [1, 1]
    assert rates_on([1.0, 1.2, 1.1], patience=0, mode="max") == [1, 1, 0.5]


def test_the_smallest_rate_and_the_smallest_change():
    assert rates_on([1.0] * 4, patience=0, min_lr=0.3) == [1, 0.5, 0.3, 0.3]
    assert rates_on([1.0] * 4, patience=0, eps=0.3) == [1, 0.5, 0.5, 0.5]


def test_a_loss_that_is_no_number_is_no_improvement():
    assert rates_on([1.0, math.nan], patience=0) == [1, 0.5]
    assert rates_on([tc.tensor(1.0), tc.tensor(0.5)], patience=0) == [1, 1]


def test_a_plateau_goes_on_after_a_pause():
    losses = [1.0, 0.9, 0.95, 0.95, 0.8, 0.9, 0.9, 0.9]
    whole = rates_on(losses, patience=1, cooldown=1)
    steps = optimizer()
    plateau = optim.ReduceLROnPlateau(steps, factor=0.5, patience=1, cooldown=1)
    for loss in losses[:4]:
        plateau.step(loss)
    after = optimizer()
    resumed = optim.ReduceLROnPlateau(after, factor=0.5, patience=1, cooldown=1)
    resumed.load_state_dict(plateau.state_dict())
    after.load_state_dict(steps.state_dict())
    rates = []
    for loss in losses[4:]:
        resumed.step(loss)
        rates += resumed.get_last_lr()
    assert rates == whole[4:]
    with pytest.raises(StateDictError):
        resumed.load_state_dict({"best": 1.0})


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "argument"),
    [
        (optim.LambdaLR, {"lr_lambda": [abs, abs]}, "lr_lambda"),
        (optim.StepLR, {"step_size": 0}, "step_size"),
        (optim.StepLR, {"step_size": 2, "gamma": -1}, "gamma"),
        (optim.MultiStepLR, {"milestones": [1], "gamma": math.nan}, "gamma"),
        (optim.ExponentialLR, {"gamma": math.inf}, "gamma"),
        (optim.ConstantLR, {"factor": 1.5}, "factor"),
        (optim.ConstantLR, {"total_iters": 0}, "total_iters"),
        (optim.LinearLR, {"start_factor": 0.0}, "start_factor"),
        (optim.LinearLR, {"start_factor": 1.5}, "start_factor"),
        (optim.LinearLR, {"end_factor": -0.5}, "end_factor"),
        (optim.PolynomialLR, {"total_iters": -1}, "total_iters"),
        (optim.PolynomialLR, {"power": -1}, "power"),
        (optim.CosineAnnealingLR, {"T_max": 0}, "T_max"),
        (optim.CosineAnnealingLR, {"T_max": 2, "eta_min": -1}, "eta_min"),
        (optim.CosineAnnealingWarmRestarts, {"T_0": 0}, "T_0"),
        (optim.CosineAnnealingWarmRestarts, {"T_0": 1, "T_mult": 0}, "T_mult"),
        (optim.CyclicLR, {"base_lr": -1, "max_lr": 1}, "base_lr"),
        (optim.CyclicLR, {"base_lr": [1, 2], "max_lr": 1}, "base_lr"),
        (optim.CyclicLR, {"base_lr": 1, "max_lr": 1, "step_size_up": 0}, "step_size_up"),
        (optim.CyclicLR, {"base_lr": 1, "max_lr": 1, "step_size_down": 0}, "step_size_down"),
        (optim.OneCycleLR, {"max_lr": -1.0, "total_steps": 10}, "max_lr"),
        (optim.OneCycleLR, {"max_lr": [1.0, 2.0], "total_steps": 10}, "max_lr"),
        (optim.OneCycleLR, {"max_lr": 1.0}, "total_steps"),
        (optim.OneCycleLR, {"max_lr": 1.0, "epochs": 3}, "total_steps"),
        (optim.OneCycleLR, {"max_lr": 1.0, "total_steps": 0}, "total_steps"),
        (optim.OneCycleLR, {"max_lr": 1.0, "epochs": 3, "steps_per_epoch": 0}, "steps_per_epoch"),
        (optim.OneCycleLR, {"max_lr": 1.0, "total_steps": 10, "pct_start": 1.5}, "pct_start"),
        (optim.OneCycleLR, {"max_lr": 1.0, "total_steps": 10, "div_factor": 0}, "div_factor"),
        (optim.OneCycleLR, {"max_lr": 1.0, "total_steps": 10, "final_div_factor": -1}, "final_div_factor"),
        (optim.OneCycleLR, {"max_lr": 1.0, "total_steps": 10, "max_momentum": -1}, "max_momentum"),
        (optim.SequentialLR, {"schedulers": [], "milestones": []}, "schedulers"),
        (optim.ReduceLROnPlateau, {"factor": 1.0}, "factor"),
        (optim.ReduceLROnPlateau, {"threshold": -1}, "threshold"),
        (optim.ReduceLROnPlateau, {"min_lr": [0.1, 0.1]}, "min_lr"),
    ],
)
def test_options_that_make_no_schedule(kind, options, argument):
    with pytest.raises(ArgumentError) as caught:
        kind(optimizer(), **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("kind", "options", "argument"),
    [
        (optim.OneCycleLR, {"max_lr": 1.0, "total_steps": 9, "anneal_strategy": "cosine"}, "anneal_strategy"),
        (optim.CyclicLR, {"base_lr": 1, "max_lr": 1, "mode": "triangle"}, "mode"),
        (optim.CyclicLR, {"base_lr": 1, "max_lr": 1, "scale_fn": abs, "scale_mode": "steps"}, "scale_mode"),
        (optim.ReduceLROnPlateau, {"mode": "least"}, "mode"),
        (optim.ReduceLROnPlateau, {"threshold_mode": "relative"}, "threshold_mode"),
    ],
)
def test_names_that_are_not_known(kind, options, argument):
    with pytest.raises(UnknownName) as caught:
        kind(optimizer(), **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda steps: optim.LambdaLR(steps, 0.5), "lr_lambda"),
        (lambda steps: optim.StepLR(steps, 2.5), "step_size"),
        (lambda steps: optim.StepLR([1], 2), "optimizer"),
        (lambda steps: optim.OneCycleLR([1], 2.0, 10), "optimizer"),
        (lambda steps: optim.ReduceLROnPlateau(None), "optimizer"),
        (lambda steps: optim.ChainedScheduler([optim.ReduceLROnPlateau(steps)]), "schedulers[0]"),
    ],
)
def test_arguments_of_the_wrong_kind(call, argument):
    with pytest.raises(ArgumentTypeError) as caught:
        call(optimizer())
    assert caught.value.argument == argument


def test_schedules_of_two_optimizers_do_not_combine():
    one, other = optimizer(), optimizer()
    parts = [optim.ExponentialLR(one, 0.5), optim.ExponentialLR(other, 0.5)]
    for combine in (
        lambda: optim.ChainedScheduler(parts),
        lambda: optim.SequentialLR(one, parts, milestones=[3]),
    ):
        with pytest.raises(ArgumentError, match="same optimizer"):
            combine()


@pytest.mark.parametrize("milestones", [[], [3, 5], [5, 3]])
def test_milestones_stand_between_schedules(milestones):
    steps = optimizer()
    parts = [optim.ExponentialLR(steps, 0.5) for _ in range(3 if milestones == [5, 3] else 2)]
    with pytest.raises(ArgumentError) as caught:
        optim.SequentialLR(steps, parts, milestones=milestones)
    assert caught.value.argument == "milestones"


def test_momentum_cannot_be_cycled_where_there_is_none():
    steps = optim.Adagrad([tc.tensor(1.0, requires_grad=True)])
    with pytest.raises(ArgumentError) as caught:
        optim.OneCycleLR(steps, max_lr=1.0, total_steps=10)
    assert caught.value.argument == "cycle_momentum"


def test_chained_factors_of_a_learning_rate_of_0():
    optimizer = optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.0)
    both = optim.ChainedScheduler([optim.ExponentialLR(optimizer, gamma=0.5), optim.StepLR(optimizer, 1)])
    both.step()
    assert both.get_last_lr() == [0.0]
