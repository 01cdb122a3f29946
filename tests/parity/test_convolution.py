"""Convolution and what is made like it: results and gradients are PyTorch's."""

from __future__ import annotations

import pytest
from parity.compare import layer_parity, parity, randn

SIZE = (7, 6, 5)
KERNEL = (3, 2, 3)

same = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")


# --- convolution ----------------------------------------------------------------------------------


@same
@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 2, 2), (2, 1, 4)])
def test_conv(spatial, padding, stride, dilation, groups):
    if padding == "same" and stride > 1:
        return  # an error in both
    parity(
        f"conv{spatial}d",
        randn(2, 4, *SIZE[:spatial]),
        randn(8, 4 // groups, *KERNEL[:spatial]),
        randn(8),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


@same
def test_conv_same_with_an_even_kernel():
    parity("conv2d", randn(1, 2, 6, 6), randn(3, 2, 4, 2), padding="same", dilation=(1, 3))


def test_conv_of_one_image():
    parity("conv2d", randn(2, 6, 5), randn(3, 2, 3, 2), randn(3), padding=(1, 0))


# --- transposed convolution -----------------------------------------------------------------------


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("stride", "padding", "output_padding", "dilation"),
    [(1, 0, 0, 1), (2, 0, 0, 1), (2, 1, 1, 1), (2, 0, 1, 1), (3, 1, 2, 2), (1, 2, 1, 2), (1, 0, 2, 3)],
)
def test_conv_transpose(spatial, groups, stride, padding, output_padding, dilation):
    parity(
        f"conv_transpose{spatial}d",
        randn(2, 4, *(4, 3, 3)[:spatial]),
        randn(4, 3, *KERNEL[:spatial]),
        randn(3 * groups),
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
    )


def test_conv_transpose_in_each_direction_another_way():
    parity(
        "conv_transpose2d",
        randn(2, 3, 4, 5),
        randn(3, 2, 3, 2),
        stride=(1, 3),
        padding=(2, 0),
        output_padding=(0, 1),
        dilation=(2, 1),
    )


def test_conv_transpose_of_one_image_and_of_none():
    parity("conv_transpose2d", randn(3, 4, 5), randn(3, 2, 3, 2), randn(2), stride=2)
    parity("conv_transpose2d", randn(0, 3, 4, 5), randn(3, 2, 3, 2), randn(2), stride=2)


# --- patches --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel_size", "dilation", "padding", "stride"),
    [(2, 1, 0, 1), ((3, 2), 1, 1, 2), ((1, 3), (1, 2), (0, 2), (2, 1)), (3, 2, 1, (1, 3))],
)
@pytest.mark.parametrize("batch", [(), (2,), (0,)])
def test_unfold_and_fold(kernel_size, dilation, padding, stride, batch):
    window = {"kernel_size": kernel_size, "dilation": dilation, "padding": padding, "stride": stride}
    parity("unfold", randn(*batch, 3, 6, 7), **window)
    kernel = kernel_size if isinstance(kernel_size, tuple) else (kernel_size,) * 2
    patches = {(2, 1, 0, 1): 30, ((3, 2), 1, 1, 2): 12, (3, 2, 1, (1, 3)): 8}.get(
        (kernel_size, dilation, padding, stride), 21
    )
    parity("fold", randn(*batch, 2 * kernel[0] * kernel[1], patches), output_size=(6, 7), **window)


@pytest.mark.parametrize("shape", [(8, 3, 2), (2, 8, 3, 2), (2, 3, 4, 2, 2)])
def test_pixel_shuffle(shape):
    parity("pixel_shuffle", randn(*shape), upscale_factor=2)
    parity("pixel_shuffle", randn(*shape), upscale_factor=1)


@pytest.mark.parametrize("shape", [(2, 6, 9), (2, 1, 3, 6), (2, 3, 1, 3, 3)])
def test_pixel_unshuffle(shape):
    parity("pixel_unshuffle", randn(*shape), downscale_factor=3)


@pytest.mark.parametrize("shape", [(2, 6, 4), (1, 6, 2, 3), (2, 12, 2, 2, 2)])
@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffle(shape, groups):
    import torch

    parity("channel_shuffle", randn(*shape), theirs=torch.channel_shuffle, groups=groups)


# --- layers ---------------------------------------------------------------------------------------


@same
@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, "same", "valid"])
def test_conv_layers(spatial, padding, padding_mode):
    x = randn(2, 2, *(6, 5, 4)[:spatial])
    layer_parity(f"Conv{spatial}d", x, args=(2, 4, 2), padding=padding, padding_mode=padding_mode, groups=2)
    layer_parity(f"Conv{spatial}d", x[0], args=(2, 3, 3), padding="same", padding_mode=padding_mode)


def test_conv_layers_pad_each_dimension_by_itself():
    for mode in ("zeros", "reflect", "replicate", "circular"):
        layer_parity(
            "Conv2d", randn(1, 2, 6, 5), args=(2, 3, (3, 2)), padding=(2, 1), stride=(2, 1), padding_mode=mode
        )


@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose_layers(spatial, groups):
    x = randn(2, 4, *(4, 3, 3)[:spatial])
    name = f"ConvTranspose{spatial}d"
    layer_parity(name, x, args=(4, 6, 3), stride=2, padding=1, output_padding=1, groups=groups)
    layer_parity(name, x[0], args=(4, 6, 2), dilation=2, groups=groups, bias=False)


@pytest.mark.parametrize(
    ("name", "shape", "args"),
    [
        ("Unfold", (2, 3, 5, 6), (2, 1, 1, 2)),
        ("Fold", (2, 8, 20), ((5, 6), 2)),
        ("PixelShuffle", (2, 8, 3, 2), (2,)),
        ("PixelUnshuffle", (2, 2, 4, 6), (2,)),
        ("ChannelShuffle", (2, 6, 3, 2), (3,)),
    ],
)
def test_patch_layers(name, shape, args):
    layer_parity(name, randn(*shape), args=args)
