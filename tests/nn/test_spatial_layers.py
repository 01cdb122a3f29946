"""Layers around images: convolutions, padding, patches, upsampling. Shapes, state, and how they look."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError


def randn(*shape):
    return tc.tensor(np.random.default_rng([*shape]).standard_normal(shape))


@pytest.mark.parametrize(
    ("layer", "before", "after"),
    [
        (nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect"), (1, 2, 5, 6), (1, 4, 5, 6)),
        (nn.Conv1d(2, 4, 4, padding="same", padding_mode="circular"), (1, 2, 5), (1, 4, 5)),
        (nn.Conv3d(2, 4, 2, stride=2, padding=1, padding_mode="replicate"), (1, 2, 4, 4, 4), (1, 4, 3, 3, 3)),
        (nn.SeparableConv2d(2, 4, 3, stride=2, depth_multiplier=3), (1, 2, 5, 7), (1, 4, 2, 3)),
        (nn.ConvTranspose1d(2, 4, 3, stride=2), (1, 2, 4), (1, 4, 9)),
        (nn.ConvTranspose2d(2, 4, 3, 2, 1, 1), (1, 2, 4, 5), (1, 4, 8, 10)),
        (nn.ConvTranspose3d(2, 4, 2, dilation=2, groups=2, bias=False), (1, 2, 3, 3, 3), (1, 4, 5, 5, 5)),
        (nn.Unfold(2, padding=1), (1, 2, 3, 4), (1, 8, 20)),
        (nn.Fold((3, 4), 2, padding=1), (1, 8, 20), (1, 2, 3, 4)),
        (nn.PixelShuffle(2), (1, 8, 3, 4), (1, 2, 6, 8)),
        (nn.PixelUnshuffle(2), (1, 2, 6, 8), (1, 8, 3, 4)),
        (nn.ChannelShuffle(2), (1, 8, 3, 4), (1, 8, 3, 4)),
        (nn.Upsample(scale_factor=1.5, mode="linear"), (1, 2, 5), (1, 2, 7)),
        (nn.UpsamplingNearest2d(size=(3, 9)), (1, 2, 5, 5), (1, 2, 3, 9)),
        (nn.UpsamplingBilinear2d(scale_factor=2), (1, 2, 5, 5), (1, 2, 10, 10)),
        (nn.ZeroPad2d((1, 2, 3, 0)), (1, 2, 4, 4), (1, 2, 7, 7)),
        (nn.CircularPad3d(1), (2, 4, 4, 4), (2, 6, 6, 6)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_shapes(layer, before, after, backend):
    layer = copy.deepcopy(layer).to(backend)
    assert layer(tc.zeros(*before, backend=backend)).shape == after


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (
            nn.Conv2d(2, 4, 3, 1, 1, 2, 2, False, "circular"),
            "Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(2, 2), groups=2, "
            "bias=False, padding_mode=circular)",
        ),
        (
            nn.ConvTranspose2d(2, 4, 3, 2, 1, 1, 2, False, 2),
            "ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), "
            "output_padding=(1, 1), groups=2, bias=False)",
        ),
        (
            nn.Conv1d(1, 1, 3, padding="same"),
            "Conv1d(1, 1, kernel_size=(3,), stride=(1,), padding=same)",
        ),
        (nn.Unfold(2), "Unfold(kernel_size=2, dilation=1, padding=0, stride=1)"),
        (nn.Fold((3, 3), 2), "Fold(output_size=(3, 3), kernel_size=2, dilation=1, padding=0, stride=1)"),
        (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2.0, mode='nearest')"),
        (nn.Upsample((2, 3), mode="bilinear"), "Upsample(size=(2, 3), mode='bilinear')"),
        (nn.UpsamplingBilinear2d(3), "UpsamplingBilinear2d(size=3, mode='bilinear')"),
        (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"),
        (nn.PixelUnshuffle(2), "PixelUnshuffle(downscale_factor=2)"),
        (nn.ChannelShuffle(2), "ChannelShuffle(groups=2)"),
        (nn.ZeroPad1d(1), "ZeroPad1d((1, 1))"),
        (nn.ConstantPad2d((1, 2, 3, 4), 3.5), "ConstantPad2d(padding=(1, 2, 3, 4), value=3.5)"),
        (nn.ReflectionPad3d(1), "ReflectionPad3d((1, 1, 1, 1, 1, 1))"),
    ],
)
def test_they_look_like_pytorchs(layer, text):
    assert repr(layer) == text


# --- convolution ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_padding_modes_pad_first(mode):
    x, layer = randn(1, 2, 5, 6), nn.Conv2d(2, 3, (3, 2), padding=(2, 1), padding_mode=mode, dtype="float64")
    by_hand = F.conv2d(F.pad(x, (1, 1, 2, 2), mode), layer.weight, layer.bias)
    np.testing.assert_array_equal(layer(x).numpy(), by_hand.numpy())


def test_same_padding_with_an_even_kernel_pads_more_on_the_right():
    layer = nn.Conv1d(1, 1, 2, padding="same", padding_mode="circular", bias=False)
    nn.init.constant_(layer.weight, 1.0)
    assert layer(tc.tensor([[[1.0, 2.0, 4.0]]])).tolist() == [[[3, 6, 5]]]


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d, nn.SeparableConv2d])
def test_padding_modes_that_do_not_exist(kind):
    with pytest.raises(ArgumentError) as caught:
        kind(1, 1, 3, padding_mode="mirror")
    assert caught.value.argument == "padding_mode"


def test_a_transposed_convolution_only_knows_zeros():
    with pytest.raises(ArgumentError, match="no such padding mode"):
        nn.ConvTranspose1d(1, 1, 3, padding_mode="circular")
    with pytest.raises(ArgumentTypeError, match="padding must be an integer"):
        nn.ConvTranspose1d(1, 1, 3, padding="same")


def test_a_separable_convolution_is_its_function():
    layer = nn.SeparableConv2d(2, 4, 3, 2, 1, depth_multiplier=2, dtype="float64")
    assert list(layer.state_dict()) == ["depthwise.weight", "pointwise.weight", "pointwise.bias"]
    x, (depthwise, pointwise, bias) = randn(2, 2, 6, 7), layer.parameters()
    assert (depthwise.shape, pointwise.shape, bias.shape) == ((4, 1, 3, 3), (4, 4, 1, 1), (4,))
    by_function = F.separable_conv2d(x, depthwise, pointwise, bias, stride=2, padding=1)
    np.testing.assert_array_equal(layer(x).numpy(), by_function.numpy())


# --- transposed convolution -----------------------------------------------------------------------


def test_the_weight_of_a_transposed_convolution():
    tc.manual_seed(0)
    layer = nn.ConvTranspose2d(500, 8, 3, groups=4)
    assert layer.weight.shape == (500, 2, 3, 3)
    bound = 1 / np.sqrt(2 * 9)
    assert 0.99 * bound < np.abs(layer.weight.numpy()).max() <= bound
    assert np.abs(layer.bias.numpy()).max() <= bound


@pytest.mark.parametrize("size", [27, 28, 29, 30])
def test_it_comes_back_to_the_size_that_the_convolution_saw(size):
    there = nn.Conv2d(1, 2, 5, stride=3, padding=1)
    back = nn.ConvTranspose2d(2, 1, 5, stride=3, padding=1)
    x = tc.zeros(2, 1, size, size + 2)
    for output_size in (x.shape, x.shape[2:], list(x.shape)):
        assert back(there(x), output_size=output_size).shape == x.shape
    assert back(there(x)[0], output_size=x.shape[1:]).shape == x.shape[1:]


@pytest.mark.parametrize("output_size", [(8, 9), (11, 9), (9,), (9, 9, 9), (1, 1, 1, 9, 9)])
def test_sizes_that_the_stride_does_not_reach(output_size):
    layer = nn.ConvTranspose2d(1, 1, 3, stride=2)
    with pytest.raises(ShapeError, match="does not become") as caught:
        layer(tc.zeros(1, 1, 4, 4), output_size=output_size)
    assert caught.value.argument == "output_size"
    assert "(9, 9) .. (10, 10)" in str(caught.value)


def test_an_output_size_does_not_hide_what_is_wrong_with_the_input():
    with pytest.raises(ShapeError) as caught:
        nn.ConvTranspose2d(1, 1, 3)(tc.zeros(4, 4), output_size=(6, 6))
    assert caught.value.argument == "input"


# --- padding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize(
    ("kind", "mode"),
    [("Zero", "constant"), ("Reflection", "reflect"), ("Replication", "replicate"), ("Circular", "circular")],
)
def test_padding_layers_are_their_function(kind, mode, spatial):
    x, padding = randn(1, 2, *(4, 5, 3)[:spatial]), tuple(range(2, -1, -1)) * 2
    layer = getattr(nn, f"{kind}Pad{spatial}d")(padding[: 2 * spatial])
    np.testing.assert_array_equal(layer(x).numpy(), F.pad(x, padding[: 2 * spatial], mode).numpy())


@pytest.mark.parametrize("spatial", [1, 2, 3])
def test_constant_padding_layers(spatial):
    layer = getattr(nn, f"ConstantPad{spatial}d")(1, -2.0)
    out = layer(tc.ones(1, 1, *(1,) * spatial)).numpy()
    assert out.sum() == 1 - 2 * (3**spatial - 1)


def test_a_number_for_each_side():
    with pytest.raises(ArgumentError, match="one for each side") as caught:
        nn.ZeroPad2d((1, 2))
    assert caught.value.argument == "padding"
    with pytest.raises(ArgumentTypeError, match="padding must be an integer"):
        nn.ReflectionPad1d(1.5)


# --- upsampling -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        (nn.Upsample(7), {"size": 7}),
        (
            nn.Upsample(scale_factor=1.7, recompute_scale_factor=True, mode="bilinear"),
            {"scale_factor": 1.7, "recompute_scale_factor": True, "mode": "bilinear"},
        ),
        (
            nn.Upsample((7, 2), mode="bicubic", align_corners=True),
            {"size": (7, 2), "mode": "bicubic", "align_corners": True},
        ),
        (nn.UpsamplingNearest2d(scale_factor=(2, 3)), {"scale_factor": (2, 3)}),
        (nn.UpsamplingBilinear2d(7), {"size": 7, "mode": "bilinear", "align_corners": True}),
    ],
)
def test_upsampling_layers_are_their_function(layer, options):
    x = randn(1, 2, 4, 5)
    np.testing.assert_array_equal(layer(x).numpy(), F.interpolate(x, **options).numpy())
