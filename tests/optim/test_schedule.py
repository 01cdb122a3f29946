"""OneCycleLR: PyTorch's numbers, and continuing after a pause."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import optim
from tinygrad_cnn.errors import ArgumentError, StateDictError

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


def optimizer(groups=1):
    params = [{"params": [tc.tensor(1.0, requires_grad=True)]} for _ in range(groups)]
    return optim.SGD(params, lr=1.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_lr": 0.1, "total_steps": 10}, DEFAULT),
        (
            {"max_lr": 2.0, "total_steps": 7, "pct_start": 0.5, "div_factor": 4, "final_div_factor": 100},
            OTHER,
        ),
    ],
)
def test_the_cycle_is_pytorchs(options, expected):
    steps = optimizer()
    schedule = optim.OneCycleLR(steps, **options)
    rates = []
    for _ in expected:
        rates.append(steps.param_groups[0]["lr"])
        steps.step()
        schedule.step()
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert schedule.get_last_lr() == [pytest.approx(expected[-1], rel=1e-12)]  # and there it stays


def test_each_group_its_own_cycle():
    steps = optimizer(groups=2)
    optim.OneCycleLR(steps, max_lr=[1.0, 2.0], total_steps=10)
    assert [group["lr"] for group in steps.param_groups] == pytest.approx([0.04, 0.08])


def test_one_step_in_all():
    assert optim.OneCycleLR(optimizer(), max_lr=1.0, total_steps=1).get_last_lr()[0] > 0


def test_a_step_too_many():
    schedule = optim.OneCycleLR(optimizer(), max_lr=1.0, total_steps=2)
    schedule.step()
    schedule.step()
    with pytest.raises(ArgumentError, match="the cycle is over"):
        schedule.step()


def test_continuing_after_a_pause():
    schedule = optim.OneCycleLR(optimizer(), max_lr=0.1, total_steps=10)
    for _ in range(4):
        schedule.step()
    steps = optimizer()
    resumed = optim.OneCycleLR(steps, max_lr=0.1, total_steps=10)
    resumed.load_state_dict(schedule.state_dict())
    assert steps.param_groups[0]["lr"] == pytest.approx(DEFAULT[4], rel=1e-12)
    with pytest.raises(StateDictError):
        resumed.load_state_dict({"epoch": 4})


@pytest.mark.parametrize(
    ("options", "argument"),
    [
        ({"max_lr": -1.0}, "max_lr"),
        ({"max_lr": [1.0, 2.0]}, "max_lr"),
        ({"total_steps": 0}, "total_steps"),
        ({"pct_start": 1.5}, "pct_start"),
        ({"div_factor": 0}, "div_factor"),
        ({"final_div_factor": -1}, "final_div_factor"),
    ],
)
def test_options_that_make_no_cycle(options, argument):
    with pytest.raises(ArgumentError) as caught:
        optim.OneCycleLR(optimizer(), **{"max_lr": 1.0, "total_steps": 10, **options})
    assert caught.value.argument == argument


def test_a_cycle_that_only_warms_up_ends_at_its_top():
    optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.1)
    schedule = tc.optim.OneCycleLR(optimizer, 0.1, total_steps=5, pct_start=1.0)
    for _ in range(5):
        schedule.step()
    assert schedule.get_last_lr() == [pytest.approx(0.1)]
