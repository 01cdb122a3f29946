"""Sizes and parameter counts that the lectures work out by hand.

The meta backend computes shapes only, so even the largest network here costs nothing.
"""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.windows import window_output_size


@pytest.fixture(autouse=True)
def shapes_only():
    with tc.use_backend("meta"):
        yield


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def walk(network, *size):
    """The shape after every layer of a Sequential, for one image of that size."""
    x, shapes = tc.zeros(1, *size), []
    for layer in network:
        x = layer(x)
        shapes.append(x.shape[1:])
    return shapes


@pytest.mark.parametrize(("i", "k"), [(5, 3), (28, 5), (227, 11), (4, 4)])
def test_without_padding_i_minus_k_plus_1(i, k):
    assert window_output_size(i, k) == (i - k) + 1
    assert nn.Conv1d(1, 1, k)(tc.zeros(1, 1, i)).shape == (1, 1, i - k + 1)


@pytest.mark.parametrize("k", [1, 3, 5, 7])
def test_a_padding_of_half_the_kernel_keeps_the_size(k):
    assert nn.Conv2d(1, 1, k, padding=(k - 1) // 2)(tc.zeros(1, 1, 32, 20)).shape == (1, 1, 32, 20)


def test_ten_filters_over_a_colour_image():
    layer = nn.Conv2d(3, 10, 3)
    assert layer(tc.zeros(1, 3, 256, 256)).shape == (1, 10, 254, 254)
    assert parameters(layer) == 280


def test_an_mlp_on_a_photograph():
    grey, colour = tc.zeros(1, 1, 480, 640).flatten(1), tc.zeros(1, 3, 480, 640).flatten(1)
    assert (grey.shape, colour.shape) == ((1, 307_200), (1, 921_600))
    assert parameters(nn.Linear(921_600, 20)) == 18_432_020
    assert parameters(nn.Linear(921_600, 21, bias=False)) == 19_353_600  # what the slide gives for 20 neurons


def test_the_keras_model():
    network = nn.Sequential(
        nn.Conv2d(1, 10, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1690, 10)
    )
    shapes = walk(network, 1, 28, 28)
    assert [shapes[0], shapes[2], shapes[3], shapes[4]] == [(10, 26, 26), (10, 13, 13), (1690,), (10,)]
    assert [parameters(layer) for layer in network] == [100, 0, 0, 0, 16_910]
    assert parameters(network) == 17_010


def test_lenet_on_32_by_32():
    network = nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.Linear(120, 84),
        nn.Linear(84, 10),
    )
    assert walk(network, 1, 32, 32) == [
        (6, 28, 28),
        (6, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (400,),
        (120,),
        (84,),
        (10,),
    ]
    weights = {name: value.numel() for name, value in network.named_parameters() if "weight" in name}
    assert sum(weights.values()) == 61_470
    assert weights["5.weight"] == 48_000
    assert round(48_000 / 61_470, 2) == 0.78
    assert parameters(network) == parameters(tc.models.LeNet5()) == 61_706


def test_alexnet():
    network = nn.Sequential(
        nn.Conv2d(3, 96, 11, stride=4),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(9216, 4096),
        nn.Linear(4096, 4096),
        nn.Linear(4096, 1000),
    )
    assert walk(network, 3, 227, 227) == [
        (96, 55, 55),
        (96, 27, 27),
        (256, 27, 27),
        (256, 13, 13),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
        (256, 6, 6),
        (9216,),
        (4096,),
        (4096,),
        (1000,),
    ]
    assert parameters(network) == pytest.approx(60e6, rel=0.05)


VGG = {  # convolutions a block; a 1 after a plus sign is a 1 × 1 kernel
    "A": ([3], [3], [3, 3], [3, 3], [3, 3]),
    "B": ([3, 3], [3, 3], [3, 3], [3, 3], [3, 3]),
    "C": ([3, 3], [3, 3], [3, 3, 1], [3, 3, 1], [3, 3, 1]),
    "D": ([3, 3], [3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]),
    "E": ([3, 3], [3, 3], [3] * 4, [3] * 4, [3] * 4),
}


@pytest.mark.parametrize(("name", "millions"), [("A", 133), ("B", 133), ("C", 134), ("D", 138), ("E", 144)])
def test_vgg(name, millions):
    x, total, channels, shapes = tc.zeros(1, 3, 224, 224), 0, 3, []
    for kernels, width in zip(VGG[name], (64, 128, 256, 512, 512), strict=True):
        for kernel in kernels:
            layer = nn.Conv2d(channels, width, kernel, padding=kernel // 2)
            x, total, channels = layer(x), total + parameters(layer), width
        x = nn.MaxPool2d(2)(x)
        shapes.append(x.shape[1:])
    assert shapes == [(64, 112, 112), (128, 56, 56), (256, 28, 28), (512, 14, 14), (512, 7, 7)]
    head = nn.Sequential(nn.Linear(25088, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000))
    assert (total + parameters(head)) / 1e6 == pytest.approx(millions, abs=0.6)


@pytest.mark.parametrize(("kernels", "reach", "small", "large"), [(2, 5, 18, 25), (3, 7, 27, 49)])
def test_small_kernels_in_a_row_see_as_far_with_fewer_weights(kernels, reach, small, large):
    channels = 8
    row = nn.Sequential(*(nn.Conv2d(channels, channels, 3, bias=False) for _ in range(kernels)))
    one = nn.Conv2d(channels, channels, reach, bias=False)
    assert row(tc.zeros(1, 8, reach, reach)).shape == one(tc.zeros(1, 8, reach, reach)).shape == (1, 8, 1, 1)
    assert (parameters(row), parameters(one)) == (small * channels**2, large * channels**2)


def test_network_in_network():
    def block(before, width, kernel, **window):
        point = [nn.Conv2d(width, width, 1), nn.ReLU()]
        return [nn.Conv2d(before, width, kernel, **window), nn.ReLU(), *point, *point]

    pool = nn.MaxPool2d(3, 2)
    parts = [
        nn.Sequential(*block(1, 96, 11, stride=4)),
        pool,
        nn.Sequential(*block(96, 256, 5, padding=2)),
        pool,
        nn.Sequential(*block(256, 384, 3, padding=1)),
        pool,
        nn.Sequential(*block(384, 10, 3, padding=1)),
        nn.AvgPool2d(5),
    ]
    x, shapes = tc.zeros(1, 1, 224, 224), []
    for part in parts:
        x = part(x)
        shapes.append(x.shape[1:])
    assert shapes == [
        (96, 54, 54),
        (96, 26, 26),
        (256, 26, 26),
        (256, 12, 12),
        (384, 12, 12),
        (384, 5, 5),
        (10, 5, 5),
        (10, 1, 1),
    ]
