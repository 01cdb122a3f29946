"""Pooling layers: the functions they stand for, with the options they were made with."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn

X = np.random.default_rng(0).permutation(2 * 3 * 6 * 6).reshape(2, 3, 6, 6) / 8 + 0.1


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        (nn.MaxPool2d(3, 2, 1, 2, False, True), lambda x: F.max_pool2d(x, 3, 2, 1, 2, True)),
        (nn.MaxPool2d(3), lambda x: F.max_pool2d(x, 3)),
        (nn.AvgPool2d(3, 2, 1, True, False), lambda x: F.avg_pool2d(x, 3, 2, 1, True, False)),
        (nn.AvgPool2d(3, 2, divisor_override=5), lambda x: F.avg_pool2d(x, 3, 2, divisor_override=5)),
        (nn.LPPool2d(3, (2, 3), 2, True), lambda x: F.lp_pool2d(x, 3, (2, 3), 2, True)),
        (nn.AdaptiveAvgPool2d((4, None)), lambda x: F.adaptive_avg_pool2d(x, (4, None))),
        (nn.AdaptiveMaxPool2d(4), lambda x: F.adaptive_max_pool2d(x, 4)),
        (nn.GlobalAvgPool(), F.global_avg_pool),
        (nn.GlobalMaxPool(keepdim=True), lambda x: F.global_max_pool(x, True)),
    ],
    ids=lambda value: repr(value) if isinstance(value, nn.Module) else "",
)
def test_layers_are_their_functions(layer, function):
    np.testing.assert_array_equal(layer(tc.tensor(X)).numpy(), function(tc.tensor(X)).numpy())
    assert not layer.state_dict()


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (nn.MaxPool1d(2), (1, 2, 9), (1, 2, 4)),
        (nn.MaxPool3d(2, ceil_mode=True), (1, 2, 5, 5, 5), (1, 2, 3, 3, 3)),
        (nn.AvgPool1d(2, 1), (2, 9), (2, 8)),
        (nn.AvgPool3d(2), (1, 2, 5, 5, 5), (1, 2, 2, 2, 2)),
        (nn.LPPool1d(2, 3), (1, 2, 9), (1, 2, 3)),
        (nn.LPPool3d(2, 2, 1), (2, 4, 4, 4), (2, 3, 3, 3)),
        (nn.AdaptiveAvgPool1d(4), (1, 2, 9), (1, 2, 4)),
        (nn.AdaptiveAvgPool3d((1, 2, 3)), (1, 2, 5, 5, 5), (1, 2, 1, 2, 3)),
        (nn.AdaptiveMaxPool1d(4), (2, 9), (2, 4)),
        (nn.AdaptiveMaxPool3d(2), (1, 2, 5, 5, 5), (1, 2, 2, 2, 2)),
        (nn.GlobalAvgPool(), (1, 2, 5, 5, 5), (1, 2)),
        (nn.GlobalMaxPool(True), (1, 2, 5), (1, 2, 1)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_shapes(layer, before, after, backend):
    assert copy.deepcopy(layer).to(backend)(tc.ones(*before, backend=backend)).shape == after


@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_pooling_and_back(spatial):
    x = tc.tensor(X.reshape(2, 3, *{1: (36,), 2: (6, 6), 3: (6, 3, 2)}[spatial]))
    pool = getattr(nn, f"MaxPool{spatial}d")(3, 2, 1, return_indices=True)
    unpool = getattr(nn, f"MaxUnpool{spatial}d")(3, 2, 1)
    pooled, indices = pool(x)
    back = unpool(pooled, indices, output_size=x.shape)
    assert back.shape == x.shape
    assert set(back.numpy().ravel()) == {0.0, *pooled.numpy().ravel()}
    assert (back.numpy() == x.numpy()).sum() == len(set(pooled.numpy().ravel()))


@pytest.mark.parametrize("name", ["MaxPool2d", "AdaptiveMaxPool2d"])
def test_indices_beside_the_result(name):
    out, indices = getattr(nn, name)(2, return_indices=True)(tc.tensor(X))
    assert out.shape == indices.shape
    assert indices.dtype is tc.int64
    flat = np.take_along_axis(X.reshape(2, 3, 36), indices.numpy().reshape(2, 3, -1), 2)
    np.testing.assert_array_equal(flat.reshape(out.shape), out.numpy())


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
        (nn.MaxUnpool2d((2, 3), 1), "MaxUnpool2d(kernel_size=(2, 3), stride=1, padding=0)"),
        (nn.AvgPool2d(3, 1, 1), "AvgPool2d(kernel_size=3, stride=1, padding=1)"),
        (nn.LPPool1d(2, 3), "LPPool1d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)"),
        (nn.AdaptiveMaxPool2d((None, 7)), "AdaptiveMaxPool2d(output_size=(None, 7))"),
        (nn.GlobalAvgPool(), "GlobalAvgPool(keepdim=False)"),
    ],
)
def test_layers_show_their_options(layer, text):
    assert repr(layer) == text


def test_a_misspelt_option_is_refused():
    with pytest.raises(TypeError, match="strides"):
        nn.AvgPool1d(2, strides=1)
