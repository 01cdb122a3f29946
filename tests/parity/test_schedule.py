"""Learning-rate schedules beside PyTorch's, over whole runs."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from parity.compare import torch

import tinygrad_cnn as tc
from tinygrad_cnn import optim

STEPS = 40
RATES = [0.8, 0.1]  # of two groups


def optimizer(library, name="SGD", **options):
    if library is tc:
        params = [tc.tensor(1.0, requires_grad=True) for _ in RATES]
    else:
        params = [torch.tensor(1.0, requires_grad=True) for _ in RATES]
    groups = [{"params": [p], "lr": rate} for p, rate in zip(params, RATES, strict=True)]
    return getattr(library.optim, name)(groups, **options)


def run(steps, schedule, count=STEPS):
    """The learning rates and momenta that each step is taken with."""
    rows = []
    for _ in range(count):
        rows.append(
            [
                number
                for group in steps.param_groups
                for number in (
                    group["lr"],
                    group.get("momentum", 0.0),
                    group["betas"][0] if "betas" in group else 0,
                )
            ]
        )
        np.testing.assert_allclose(schedule.get_last_lr(), [g["lr"] for g in steps.param_groups])
        steps.step()
        schedule.step()
    return rows


def assert_same_run(make, count=STEPS, **options):
    """`make(optim, lr_scheduler, optimizer)` builds the same schedule in both libraries."""
    rows = []
    for library in (tc, torch):
        steps = optimizer(library, **options)
        rows.append(run(steps, make(library.optim.lr_scheduler, steps), count))
    np.testing.assert_allclose(*rows, rtol=1e-9, atol=1e-14)


SCHEDULES = [
    ("LambdaLR", {"lr_lambda": lambda step: 0.95**step}),
    ("LambdaLR", {"lr_lambda": [lambda step: 1 / (1 + step), lambda step: step]}),
    ("MultiplicativeLR", {"lr_lambda": lambda step: 1 - 0.01 * step}),
    ("MultiplicativeLR", {"lr_lambda": [lambda step: 0.9, lambda step: 0.99]}),
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [3, 10, 10, 30], "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [30, 3]}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.7, "total_iters": 11}),
    ("ConstantLR", {"factor": 1.0, "total_iters": 100}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.01, "end_factor": 0.5, "total_iters": 13}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.0, "total_iters": 20}),
    ("ExponentialLR", {"gamma": 0.93}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 25, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 9}),
    ("CosineAnnealingLR", {"T_max": 40, "eta_min": 0.05}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    *[
        ("OneCycleLR", {"max_lr": 2.0, "total_steps": STEPS, **options})
        for options in (
            {},
            {"pct_start": 0.6, "anneal_strategy": "linear", "div_factor": 4.0, "final_div_factor": 10.0},
            {"three_phase": True},
            {"three_phase": True, "pct_start": 0.4, "anneal_strategy": "linear"},
            {"cycle_momentum": False},
            {"base_momentum": 0.5, "max_momentum": [0.7, 0.9]},
        )
    ],
    ("OneCycleLR", {"max_lr": [1.0, 3.0], "epochs": 4, "steps_per_epoch": 10}),
    *[
        ("CyclicLR", {"base_lr": 0.1, "max_lr": 2.0, "step_size_up": 5, **options})
        for options in (
            {},
            {"step_size_down": 3},
            {"mode": "triangular2"},
            {"mode": "exp_range", "gamma": 0.9},
            {"scale_fn": lambda x: 0.5 * (1 + math.sin(x))},
            {"scale_fn": lambda x: 1 / (5 ** (x * 0.0001)), "scale_mode": "iterations"},
            {"cycle_momentum": False},
            {"base_momentum": 0.5, "max_momentum": [0.7, 0.9]},
        )
    ],
]


@pytest.mark.parametrize(("name", "options"), SCHEDULES)
def test_whole_runs(name, options):
    assert_same_run(lambda lib, steps: getattr(lib, name)(steps, **options), momentum=0.9)


@pytest.mark.parametrize("name", ["OneCycleLR", "CyclicLR"])
def test_cycled_betas(name):
    options = {"max_lr": 1.0} | ({"total_steps": STEPS} if name == "OneCycleLR" else {"base_lr": 0.1})
    assert_same_run(lambda lib, steps: getattr(lib, name)(steps, **options), name="Adam")


ALL = [name for name in torch.optim.lr_scheduler.__all__ if name != "LRScheduler"]


@pytest.mark.parametrize("name", ALL)
def test_arguments_and_defaults_are_pytorchs(name):
    mine = inspect.signature(getattr(optim.lr_scheduler, name)).parameters
    theirs = inspect.signature(getattr(torch.optim.lr_scheduler, name)).parameters
    assert [(p, mine[p].default) for p in mine] == [(p, theirs[p].default) for p in theirs]


def test_both_names_of_the_room():
    for name in [*ALL, "LRScheduler"]:
        assert getattr(optim, name) is getattr(optim.lr_scheduler, name)


# --- several schedules ----------------------------------------------------------------------------


@pytest.mark.parametrize("milestones", [[5, 20], [1, 2], [5, 5]])
def test_one_after_the_other(milestones):
    def make(lib, steps):
        parts = [
            lib.LinearLR(steps, start_factor=0.1, total_iters=5),
            lib.CosineAnnealingLR(steps, T_max=15),
            lib.StepLR(steps, step_size=4, gamma=0.5),
        ]
        return lib.SequentialLR(steps, parts, milestones=milestones)

    assert_same_run(make)


def test_warm_up_and_then_one_cycle():
    def make(lib, steps):
        parts = [lib.ConstantLR(steps, factor=0.5), lib.OneCycleLR(steps, max_lr=1.0, total_steps=60)]
        return lib.SequentialLR(steps, parts, milestones=[10])

    rows = []
    for library in (tc, torch):
        steps = optimizer(library, momentum=0.9)
        rows.append(np.array(run(steps, make(library.optim.lr_scheduler, steps))))
    np.testing.assert_allclose(rows[0][10:], rows[1][10:], rtol=1e-9)
    # Before, PyTorch's OneCycleLR has overwritten the learning rate that ConstantLR began with.
    np.testing.assert_allclose(rows[0][:10, 0], [0.4] * 5 + [0.8] * 5)


PARTS = {
    "step and exponential": lambda lib, steps: [lib.StepLR(steps, 5), lib.ExponentialLR(steps, 0.9)],
    "three": lambda lib, steps: [
        lib.ConstantLR(steps, 0.5, 8),
        lib.LinearLR(steps, 0.2, 1.0, 12),
        lib.MultiplicativeLR(steps, lambda step: 0.97),
    ],
    "cosine": lambda lib, steps: [lib.CosineAnnealingLR(steps, T_max=60), lib.MultiStepLR(steps, [7, 9])],
}


@pytest.mark.parametrize("parts", PARTS)
def test_all_at_once(parts):
    assert_same_run(lambda lib, steps: lib.ChainedScheduler(PARTS[parts](lib, steps)))


@pytest.mark.parametrize("parts", PARTS)
def test_stepped_one_by_one(parts):
    class OneByOne:
        def __init__(self, schedules):
            self.schedules = schedules

        def get_last_lr(self):
            return self.schedules[-1].get_last_lr()

        def step(self):
            for schedule in self.schedules:
                schedule.step()

    assert_same_run(lambda lib, steps: OneByOne(PARTS[parts](lib, steps)))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StepLR", {"step_size": 7}),
        ("LinearLR", {"total_iters": 20}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("LambdaLR", {"lr_lambda": lambda step: 0.9**step}),
        ("OneCycleLR", {"max_lr": 1.0, "total_steps": 40, "cycle_momentum": False}),
    ],
)
def test_a_rate_changed_by_hand(name, options):
    """Factors go on from there; the others say what the learning rate is."""
    rows = []
    for library in (tc, torch):
        steps = optimizer(library)
        schedule = getattr(library.optim.lr_scheduler, name)(steps, **options)
        first = run(steps, schedule, 10)
        steps.param_groups[0]["lr"] = steps.param_groups[0]["lr"] / 2
        schedule.step()
        rows.append(first + run(steps, schedule, 10))
    np.testing.assert_allclose(*rows, rtol=1e-9)


# --- plateaus -------------------------------------------------------------------------------------

LOSSES = np.concatenate([np.exp(-np.arange(15) / 5), np.random.default_rng(0).random(40) * 0.3, [np.nan] * 8])


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 0, "factor": 0.7, "cooldown": 3},
        {"mode": "max", "patience": 3, "threshold": 0.1},
        {"patience": 2, "threshold": 0.05, "threshold_mode": "abs"},
        {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
        {"patience": 1, "min_lr": [0.01, 0.05]},
        {"patience": 1, "eps": 0.01},
    ],
)
def test_plateaus(options):
    rows = []
    for library in (tc, torch):
        steps = optimizer(library)
        schedule = library.optim.lr_scheduler.ReduceLROnPlateau(steps, **options)
        rows.append([])
        for loss in LOSSES:
            steps.step()
            schedule.step(loss)
            rows[-1].append([*schedule.get_last_lr(), schedule.best, schedule.num_bad_epochs])
    np.testing.assert_allclose(*rows, rtol=1e-12)


def test_a_warm_up_beside_a_plateau():
    rows = []
    for library in (tc, torch):
        steps = optimizer(library)
        warm_up = library.optim.lr_scheduler.LinearLR(steps, total_iters=4)
        plateau = library.optim.lr_scheduler.ReduceLROnPlateau(steps, patience=1)
        rows.append([])
        for loss in LOSSES[:40]:
            steps.step()
            warm_up.step()
            plateau.step(loss)
            rows[-1].append(plateau.get_last_lr())
    np.testing.assert_allclose(*rows, rtol=1e-12)
