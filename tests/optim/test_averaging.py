"""Averaged weights: numbers by hand, what becomes of buffers, saving, errors."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn, optim
from tinygrad_cnn.errors import ArgumentError, ShapeError


def network():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).to("float64")


def set_all(model, number):
    """Every weight and running statistic becomes that number."""
    for tensor in [*model.parameters(), *model.buffers()]:
        tensor.assign(tc.full(tensor.shape, number, dtype=tensor.dtype))


def averaged_over(numbers, **options):
    model = network()
    averaged = optim.AveragedModel(model, **options)
    for number in numbers:
        set_all(model, number)
        averaged.update_parameters(model)
    return averaged


def values(tensors):
    return sorted({float(x) for tensor in tensors for x in tensor.numpy().flat})


@pytest.mark.parametrize(
    ("avg_fn", "expected"), [(None, 4.0), (optim.get_ema_avg_fn(0.5), (0.5 * (0.5 * 1 + 0.5 * 2)) + 0.5 * 9)]
)
def test_averages_by_hand(avg_fn, expected):
    averaged = averaged_over([1, 2, 9], avg_fn=avg_fn)
    assert values(averaged.parameters()) == pytest.approx([expected])
    assert averaged.n_averaged.item() == 3


def test_the_first_update_is_a_copy():
    assert values(averaged_over([7], avg_fn=optim.get_ema_avg_fn(0.999)).parameters()) == [7.0]


def test_buffers_are_the_newest_or_averaged():
    newest = averaged_over([1, 2, 9]).module[1]
    assert values([newest.running_mean, newest.running_var, newest.num_batches_tracked]) == [9.0]
    mean = averaged_over([1, 2, 9], use_buffers=True).module[1]
    assert values([mean.running_mean, mean.running_var]) == [4.0]
    assert mean.num_batches_tracked.item() == 9  # a count is not averaged


def test_the_model_itself_stays():
    model = network()
    averaged = optim.AveragedModel(model)
    before = [parameter.numpy().copy() for parameter in model.parameters()]
    set_all(averaged, 5)
    averaged.update_parameters(model)
    for parameter, old in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.numpy(), old)


def test_it_is_a_module_that_can_be_saved():
    averaged = averaged_over([1, 3])
    assert list(averaged.state_dict()) == [
        "n_averaged",
        *(f"module.{name}" for name in network().state_dict()),
    ]
    fresh = optim.AveragedModel(network())
    fresh.load_state_dict(averaged.state_dict())
    assert fresh.n_averaged.item() == 2
    x = tc.ones(4, 2, dtype="float64")
    np.testing.assert_array_equal(fresh.eval()(x).numpy(), averaged.eval()(x).numpy())


@pytest.mark.parametrize("other", [nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))])
def test_another_network_changes_nothing(other):
    averaged = averaged_over([1])
    with pytest.raises(ShapeError) as caught:
        averaged.update_parameters(other)
    assert caught.value.argument == "model"
    assert averaged.n_averaged.item() == 1
    assert values(averaged.parameters()) == [1.0]


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan"), "slow"])
def test_a_decay_that_is_no_share(decay):
    with pytest.raises(ArgumentError) as caught:
        optim.get_ema_avg_fn(decay)
    assert caught.value.argument == "decay"
