"""Layers: shapes, parameters, defaults, and what they do that their functions do not."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ShapeError


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (nn.Linear(3, 5), (4, 3), (4, 5)),
        (nn.Conv1d(2, 4, 3, stride=2), (1, 2, 9), (1, 4, 4)),
        (nn.Conv2d(2, 4, (3, 1), padding=(1, 0)), (1, 2, 9, 8), (1, 4, 9, 8)),
        (nn.Conv3d(2, 4, 3, padding="same", bias=False), (1, 2, 5, 6, 7), (1, 4, 5, 6, 7)),
        (nn.MaxPool1d(2), (1, 2, 9), (1, 2, 4)),
        (nn.MaxPool2d(3, stride=2, padding=1), (1, 2, 9, 8), (1, 2, 5, 4)),
        (nn.MaxPool3d(2, ceil_mode=True), (1, 2, 5, 5, 5), (1, 2, 3, 3, 3)),
        (nn.AvgPool1d(2), (1, 2, 9), (1, 2, 4)),
        (nn.AvgPool2d((1, 2)), (1, 2, 9, 8), (1, 2, 9, 4)),
        (nn.AvgPool3d(2), (1, 2, 5, 5, 5), (1, 2, 2, 2, 2)),
        (nn.BatchNorm1d(3), (4, 3), (4, 3)),
        (nn.BatchNorm1d(3), (4, 3, 2), (4, 3, 2)),
        (nn.BatchNorm2d(3), (4, 3, 2, 2), (4, 3, 2, 2)),
        (nn.BatchNorm3d(3), (4, 3, 2, 2, 2), (4, 3, 2, 2, 2)),
        (nn.Flatten(), (4, 3, 2), (4, 6)),
        (nn.Identity(), (4, 3), (4, 3)),
        (nn.Dropout(0.3), (4, 3), (4, 3)),
        (nn.Softmax(1), (4, 3), (4, 3)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_shapes(layer, before, after, backend):
    layer = copy.deepcopy(layer).to(backend)
    assert layer(tc.zeros(*before, backend=backend)).shape == after


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.ReLU(), F.relu),
        (nn.LeakyReLU(0.2), lambda x: F.leaky_relu(x, 0.2)),
        (nn.Sigmoid(), F.sigmoid),
        (nn.Tanh(), F.tanh),
        (nn.Softmax(1), lambda x: F.softmax(x, 1)),
        (nn.LogSoftmax(1), lambda x: F.log_softmax(x, 1)),
        (nn.MaxPool1d(2, 1, 1), lambda x: F.max_pool1d(x, 2, 1, 1)),
        (nn.AvgPool1d(2, 1, 1, count_include_pad=False), lambda x: F.avg_pool1d(x, 2, 1, 1, False, False)),
    ],
)
def test_layers_are_their_functions(layer, function):
    x = tc.tensor(np.random.default_rng(0).normal(size=(3, 4, 6)))
    np.testing.assert_array_equal(layer(x).numpy(), function(x).numpy())


@pytest.mark.parametrize(
    ("layer", "parameters"),
    [
        (nn.Linear(784, 10), {"weight": (10, 784), "bias": (10,)}),
        (nn.Linear(784, 10, bias=False), {"weight": (10, 784)}),
        (nn.Conv2d(4, 6, (5, 3), groups=2), {"weight": (6, 2, 5, 3), "bias": (6,)}),
        (nn.Conv1d(4, 6, 5, bias=False), {"weight": (6, 4, 5)}),
        (nn.BatchNorm2d(3), {"weight": (3,), "bias": (3,)}),
        (nn.BatchNorm2d(3, affine=False), {}),
    ],
    ids=repr,
)
def test_parameters(layer, parameters):
    assert {name: value.shape for name, value in layer.named_parameters()} == parameters


def test_another_dtype():
    for layer in (nn.Linear(2, 2, dtype="float64"), nn.Conv2d(1, 1, 1, dtype="float64")):
        assert {p.dtype for p in layer.parameters()} == {tc.float64}
    assert nn.BatchNorm1d(2, dtype="float64").running_var.dtype is tc.float64


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(0, 3),
        lambda: nn.Linear(3, -1),
        lambda: nn.Conv2d(3, 4, 3, groups=2),
        lambda: nn.Conv2d(3, 3, 3, groups=0),
        lambda: nn.Conv2d(3, 3, (3, 3, 3)),
        lambda: nn.BatchNorm2d(0),
        lambda: nn.Dropout(1.5),
    ],
)
def test_sizes_that_make_no_layer(make):
    with pytest.raises((ArgumentError, ShapeError)):
        make()


# --- initial weights ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "fan_in"), [(nn.Linear(64, 500), 64), (nn.Conv2d(8, 500, 3, groups=4), 18)]
)
def test_default_weights_are_uniform_in_1_over_root_fan_in(layer, fan_in):
    bound = 1 / math.sqrt(fan_in)
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert np.abs(values).max() <= bound
        assert np.abs(values).max() > 0.98 * bound
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.1)


@pytest.mark.parametrize(
    ("function", "std"),
    [
        (lambda w: nn.init.uniform_(w, -1, 3), 4 / math.sqrt(12)),
        (lambda w: nn.init.normal_(w, 1.0, 0.2), 0.2),
        (lambda w: nn.init.xavier_uniform_(w, gain=2), 2 * math.sqrt(2 / (50 * 9 + 40 * 9))),
        (nn.init.xavier_normal_, math.sqrt(2 / (50 * 9 + 40 * 9))),
        (nn.init.kaiming_uniform_, math.sqrt(2 / (40 * 9))),
        (lambda w: nn.init.kaiming_uniform_(w, a=math.sqrt(5)), math.sqrt(2 / 6 / (40 * 9))),
        (lambda w: nn.init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"), math.sqrt(2 / (50 * 9))),
        (lambda w: nn.init.constant_(w, 3.0), 0),
    ],
)
def test_initializers_have_the_deviation_of_their_formula(function, std):
    tc.manual_seed(0)
    w = nn.Parameter(tc.zeros(50, 40, 3, 3))
    assert function(w) is w
    assert w.is_leaf
    assert w.numpy().std() == pytest.approx(std, rel=0.02)


def test_zeros_and_ones():
    w = tc.rand(3)
    assert nn.init.zeros_(w).tolist() == [0, 0, 0]
    assert nn.init.ones_(w).tolist() == [1, 1, 1]


def test_a_vector_has_no_fan():
    with pytest.raises(ShapeError, match="two dimensions"):
        nn.init.kaiming_normal_(tc.zeros(3))


def test_one_seed_one_network():
    weights = []
    for _ in range(2):
        tc.manual_seed(11)
        weights.append(nn.Conv2d(3, 4, 3).weight.numpy().tobytes())
    assert weights[0] == weights[1]


def test_the_meta_backend_draws_nothing():
    tc.manual_seed(0)
    expected = tc.rand(2).tolist()
    tc.manual_seed(0)
    with tc.use_backend("meta"):
        layer = nn.Linear(100_000, 100_000)  # 40 GB if it had values
    assert layer.weight.shape == (100_000, 100_000)
    assert tc.rand(2).tolist() == expected


# --- batch normalization --------------------------------------------------------------------------


def test_batch_norm_counts_learns_and_then_stands_still():
    layer = nn.BatchNorm1d(1)
    layer(tc.tensor([[1.0], [3.0]]))
    assert layer.num_batches_tracked.item() == 1
    np.testing.assert_allclose([layer.running_mean.item(), layer.running_var.item()], [0.2, 1.1], rtol=1e-6)
    layer.eval()
    out = layer(tc.tensor([[0.2]]))
    assert out.item() == pytest.approx(0, abs=1e-6)
    assert layer.num_batches_tracked.item() == 1


def test_a_batch_that_is_refused_is_not_counted():
    layer = nn.BatchNorm1d(2)
    with pytest.raises(ShapeError, match="more than one value"):
        layer(tc.zeros(1, 2))
    assert layer.num_batches_tracked.item() == 0


def test_momentum_none_is_the_plain_average():
    layer = nn.BatchNorm1d(1, momentum=None)
    for low in (0.0, 3.0, 6.0):
        layer(tc.tensor([[low], [low + 2]]))
    np.testing.assert_allclose([layer.running_mean.item(), layer.running_var.item()], [4, 2], rtol=1e-6)


def test_without_running_statistics_the_batch_is_always_used():
    layer = nn.BatchNorm1d(2, track_running_stats=False).eval()
    assert list(layer.state_dict()) == ["weight", "bias"]
    np.testing.assert_allclose(
        layer(tc.tensor([[1.0, 5.0], [3.0, 5.0]])).numpy(), [[-1, 0], [1, 0]], atol=1e-4
    )


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.BatchNorm1d(3), (2, 4)),
        (nn.BatchNorm1d(3), (2, 3, 4, 4)),
        (nn.BatchNorm2d(3), (2, 3)),
        (nn.BatchNorm3d(3), (2, 3, 4, 4)),
    ],
)
def test_batch_norm_says_what_it_takes(layer, shape):
    with pytest.raises(ShapeError, match="does not take this input"):
        layer(tc.zeros(*shape))


# --- together -------------------------------------------------------------------------------------


def test_a_tiny_network_learns_xor():
    tc.manual_seed(1)
    x = tc.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = tc.tensor([0, 1, 1, 0])
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    criterion = nn.CrossEntropyLoss()
    optimizer = tc.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
    for _ in range(100):
        loss = criterion(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert net(x).argmax(1).tolist() == y.tolist()
    assert loss.item() < 0.01
