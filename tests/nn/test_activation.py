"""Activation layers: the function of the same name, with the layer's settings."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.nn import activation, piecewise, softmax

LAYERS = [
    (nn.ReLU(), F.relu, "ReLU()"),
    (nn.ReLU6(), F.relu6, "ReLU6()"),
    (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2), "LeakyReLU(negative_slope=0.2)"),
    (nn.PReLU(3), lambda x: F.prelu(x, tc.full((3,), 0.25)), "PReLU(num_parameters=3)"),
    (nn.RReLU(0.1, 0.3).eval(), lambda x: F.leaky_relu(x, 0.2), "RReLU(lower=0.1, upper=0.3)"),
    (nn.Threshold(0.5, -2.0), lambda x: F.threshold(x, 0.5, -2.0), "Threshold(threshold=0.5, value=-2.0)"),
    (nn.Hardtanh(-2, 0.5), lambda x: F.hardtanh(x, -2, 0.5), "Hardtanh(min_val=-2, max_val=0.5)"),
    (nn.Hardsigmoid(), F.hardsigmoid, "Hardsigmoid()"),
    (nn.Hardswish(), F.hardswish, "Hardswish()"),
    (nn.Hardshrink(0.7), lambda x: F.hardshrink(x, 0.7), "Hardshrink(0.7)"),
    (nn.Softshrink(0.7), lambda x: F.softshrink(x, 0.7), "Softshrink(0.7)"),
    (nn.Sigmoid(), F.sigmoid, "Sigmoid()"),
    (nn.LogSigmoid(), F.logsigmoid, "LogSigmoid()"),
    (nn.Tanh(), F.tanh, "Tanh()"),
    (nn.Tanhshrink(), F.tanhshrink, "Tanhshrink()"),
    (nn.Softsign(), F.softsign, "Softsign()"),
    (nn.Softplus(2.0, 1.0), lambda x: F.softplus(x, 2.0, 1.0), "Softplus(beta=2.0, threshold=1.0)"),
    (nn.GELU("tanh"), lambda x: F.gelu(x, "tanh"), "GELU(approximate='tanh')"),
    (nn.SiLU(), F.silu, "SiLU()"),
    (nn.Mish(), F.mish, "Mish()"),
    (nn.ELU(2.0), lambda x: F.elu(x, 2.0), "ELU(alpha=2.0)"),
    (nn.CELU(2.0), lambda x: F.celu(x, 2.0), "CELU(alpha=2.0)"),
    (nn.SELU(), F.selu, "SELU()"),
    (nn.Softmax(1), lambda x: F.softmax(x, 1), "Softmax(dim=1)"),
    (nn.LogSoftmax(1), lambda x: F.log_softmax(x, 1), "LogSoftmax(dim=1)"),
    (nn.Softmin(1), lambda x: F.softmin(x, 1), "Softmin(dim=1)"),
    (nn.Softmax2d(), lambda x: F.softmax(x, 1), "Softmax2d()"),
    (nn.GLU(0), lambda x: F.glu(x, 0), "GLU(dim=0)"),
]


@pytest.mark.parametrize(("layer", "function", "shown"), LAYERS, ids=[shown for *_, shown in LAYERS])
def test_a_layer_is_its_function(layer, function, shown):
    x = tc.tensor(np.linspace(-4, 4, 2 * 3 * 2 * 2).reshape(2, 3, 2, 2), dtype="float32")
    np.testing.assert_array_equal(layer(x).numpy(), function(x).numpy())
    assert repr(layer) == shown


def test_every_layer_is_tested():
    names = {name for room in (activation, piecewise, softmax) for name in room.__all__}
    assert {type(layer).__name__ for layer, *_ in LAYERS} == names


def test_prelu_learns_its_slopes():
    layer = nn.PReLU(2, init=0.5, dtype="float64")
    assert {name: value.tolist() for name, value in layer.state_dict().items()} == {"weight": [0.5, 0.5]}
    layer(tc.tensor([[-3.0, 1.0], [-4.0, -5.0]], dtype="float64")).sum().backward()
    assert layer.weight.grad.tolist() == [-7.0, -5.0]
    with pytest.raises(ArgumentError, match="num_parameters"):
        nn.PReLU(0)


def test_rrelu_draws_only_while_training():
    tc.manual_seed(0)
    layer, x = nn.RReLU(), tc.full((8,), -1.0)
    assert len(set(layer(x).tolist())) == 8
    assert layer.eval()(x).tolist() == pytest.approx([-(1 / 8 + 1 / 3) / 2] * 8)


def test_softmax2d_takes_images():
    x = tc.rand(3, 2, 2)
    np.testing.assert_array_equal(nn.Softmax2d()(x).numpy(), nn.Softmax2d()(x.unsqueeze(0))[0].numpy())
    with pytest.raises(ShapeError, match="takes images"):
        nn.Softmax2d()(tc.rand(3, 2))
