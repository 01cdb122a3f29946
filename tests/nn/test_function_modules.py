"""Layers that are a function with settings, and layers that begin anew (`reset_parameters`)."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError

# --- a function with settings ---------------------------------------------------------------------


def test_settings_are_attributes_that_may_be_changed():
    layer, x = nn.LeakyReLU(0.5), tc.tensor([-4.0, 2.0])
    layer.negative_slope = 0.25
    assert layer(x).tolist() == F.leaky_relu(x, 0.25).tolist() == [-1.0, 2.0]
    assert repr(layer) == "LeakyReLU(negative_slope=0.25)"


def test_a_layer_without_settings_takes_none():
    assert list(inspect.signature(nn.ReLU).parameters) == []
    with pytest.raises(TypeError, match="slope"):
        nn.ReLU(slope=0.5)


def test_weights_of_a_loss_move_and_are_saved_with_it():
    criterion = nn.BCEWithLogitsLoss(pos_weight=tc.tensor([1.0, 2.0])).to("float64")
    assert criterion.pos_weight.dtype is tc.float64
    assert list(criterion.state_dict()) == ["pos_weight"]
    assert nn.BCEWithLogitsLoss().state_dict() == {}


def test_weights_of_a_loss_are_tensors():
    with pytest.raises(ArgumentTypeError, match="weight"):
        nn.CrossEntropyLoss(weight=[1.0, 2.0])


# --- beginning anew -------------------------------------------------------------------------------

BEGIN_ALIKE = {
    "BatchNorm2d": lambda: nn.BatchNorm2d(3),
    "InstanceNorm1d": lambda: nn.InstanceNorm1d(3, affine=True, track_running_stats=True),
    "GroupNorm": lambda: nn.GroupNorm(3, 6),
    "LayerNorm": lambda: nn.LayerNorm((2, 3)),
    "LayerNorm without a shift": lambda: nn.LayerNorm(3, bias=False),
    "RMSNorm": lambda: nn.RMSNorm(3),
    "PReLU": lambda: nn.PReLU(2, init=0.1),
}


@pytest.mark.parametrize("name", BEGIN_ALIKE)
def test_reset_parameters_brings_back_the_first_values(name):
    layer = BEGIN_ALIKE[name]()
    first = {key: value.numpy().copy() for key, value in layer.state_dict().items()}
    layer.load_state_dict({key: value + 7 for key, value in first.items()})
    layer.reset_parameters()
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), first[key], err_msg=key)


@pytest.mark.parametrize(
    "layer",
    [
        nn.Linear(3, 2),
        nn.Bilinear(2, 3, 4),
        nn.Conv2d(1, 2, 3),
        nn.ConvTranspose1d(1, 2, 3),
        nn.Embedding(4, 2),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_reset_parameters_draws_anew(layer):
    before = {key: value.numpy().copy() for key, value in layer.state_dict().items()}
    layer.reset_parameters()
    for key, value in layer.state_dict().items():
        assert (value.numpy() != before[key]).any(), key


def test_reset_running_stats_leaves_scale_and_shift_alone():
    layer = nn.BatchNorm1d(2)
    nn.init.constant_(layer.weight, 3.0)
    layer(tc.tensor([[1.0, 10.0], [3.0, 30.0]]))
    layer.reset_running_stats()
    assert layer.weight.tolist() == [3.0, 3.0]
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.running_var.tolist() == [1.0, 1.0]
    assert layer.num_batches_tracked.item() == 0


# --- a convolution is checked when it is made -----------------------------------------------------


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: nn.Conv2d(1, 2, 0), "kernel_size"),
        (lambda: nn.Conv2d(1, 2, (3, 0)), "kernel_size"),
        (lambda: nn.Conv1d(1, 2, 3, stride=0), "stride"),
        (lambda: nn.ConvTranspose1d(1, 2, 3, dilation=-1), "dilation"),
        (lambda: nn.Conv2d(1, 2, 3, padding="sam"), "padding"),
        (lambda: nn.Conv2d(1, 2, 3, stride=2, padding="same"), "padding"),
    ],
)
def test_what_no_convolution_can_be(make, argument):
    with pytest.raises(ArgumentError) as caught:
        make()
    assert caught.value.argument == argument


def test_a_size_of_a_layer_is_positive():
    with pytest.raises(ArgumentError, match="in_features must be at least 1"):
        nn.Linear(-1, 2)
