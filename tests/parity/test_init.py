"""Initializers beside PyTorch's: what is not drawn equals it, what is drawn is distributed alike."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from parity.compare import torch

import tinygrad_cnn as tc
from tinygrad_cnn.nn import init

NAMES = [name for name in init.__all__ if name.endswith("_")]


def test_nothing_is_missing():
    theirs = {name for name in torch.nn.init.__all__ if name.endswith("_")}
    assert set(NAMES) == theirs


@pytest.mark.parametrize("name", [*NAMES, "calculate_gain"])
def test_arguments_and_defaults_are_pytorchs(name):
    mine = inspect.signature(getattr(init, name)).parameters
    theirs = inspect.signature(getattr(torch.nn.init, name)).parameters
    assert {p: mine[p].default for p in mine} == {
        p: theirs[p].default
        for p in theirs
        if p != "generator"  # drawn by tc.manual_seed alone
    }


@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("constant_", (2, 3), {"val": 0.3}),
        ("ones_", (3,), {}),
        ("zeros_", (), {}),
        ("eye_", (3, 5), {}),
        ("eye_", (5, 3), {}),
        ("dirac_", (3, 5, 4), {}),
        ("dirac_", (6, 2, 3, 4), {"groups": 3}),
        ("dirac_", (6, 4, 3, 3), {"groups": 2}),
        ("dirac_", (2, 2, 1, 2, 3), {}),
    ],
)
def test_what_is_not_drawn(name, shape, options):
    mine = getattr(init, name)(tc.full(shape, 7.0), **options)
    theirs = getattr(torch.nn.init, name)(torch.full(shape, 7.0), **options)
    np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


@pytest.mark.parametrize(
    "nonlinearity",
    ["linear", "conv1d", "conv2d", "conv3d", "conv_transpose2d", "sigmoid", "tanh", "relu", "selu"],
)
def test_gains(nonlinearity):
    assert init.calculate_gain(nonlinearity) == torch.nn.init.calculate_gain(nonlinearity)


@pytest.mark.parametrize("slope", [None, 0, 0.2, 1.0])
def test_gain_of_a_leaky_relu(slope):
    assert init.calculate_gain("leaky_relu", slope) == torch.nn.init.calculate_gain("leaky_relu", slope)


QUANTILES = np.linspace(0, 1, 41)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("uniform_", {"a": -1.0, "b": 3.0}),
        ("normal_", {"mean": 1.0, "std": 0.3}),
        ("trunc_normal_", {}),
        ("trunc_normal_", {"std": 0.02}),
        ("trunc_normal_", {"mean": 0.5, "std": 2.0, "a": -1.0, "b": 0.25}),  # by uniform numbers
        ("trunc_normal_", {"mean": 0.0, "a": 1.0, "b": 2.0}),
        ("xavier_uniform_", {"gain": 2.0}),
        ("xavier_normal_", {}),
        ("kaiming_uniform_", {"a": 5**0.5}),
        ("kaiming_uniform_", {"mode": "fan_out", "nonlinearity": "relu"}),
        ("kaiming_normal_", {}),
        ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "tanh"}),
        ("sparse_", {"sparsity": 0.3, "std": 0.1}),
        ("orthogonal_", {"gain": 3.0}),
    ],
)
def test_what_is_drawn(name, options):
    tc.manual_seed(3)
    torch.manual_seed(3)
    mine = getattr(init, name)(tc.zeros(200, 150), **options).numpy()
    theirs = getattr(torch.nn.init, name)(torch.zeros(200, 150), **options).numpy()
    assert mine.mean() == pytest.approx(float(theirs.mean()), abs=0.03 * float(theirs.std()))
    assert mine.std() == pytest.approx(float(theirs.std()), rel=0.02)
    inner = slice(1, -1)  # the outermost of 30,000 numbers are a matter of luck
    np.testing.assert_allclose(
        np.quantile(mine, QUANTILES)[inner],
        np.quantile(theirs, QUANTILES)[inner],
        atol=0.06 * float(theirs.std()),
    )
