"""The same numbers in other places: images as columns of patches, channels as pixels.

    unfold            (N, C, H, W)  → (N, C · KH · KW, L)      every patch under a window as a column
    fold              (N, C · KH · KW, L) → (N, C, H, W)       columns added up where they came from
    pixel_shuffle     (C · r², H, W) → (C, r · H, r · W)       r² channels become a tile of r × r pixels
    pixel_unshuffle   (C, r · H, r · W) → (C · r², H, W)       and back
    channel_shuffle   channels of several groups, dealt like cards

A convolution is a product of its weights with the columns of `unfold`: `weight.reshape(O, -1) @ unfold(x)`.
"""

from __future__ import annotations

import math

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._spatial import Size, batched, both_sides
from tinygrad_cnn.ops.movement import permute, reshape
from tinygrad_cnn.ops.patches import col2im, im2col
from tinygrad_cnn.windows import per_dimension

__all__ = ["channel_shuffle", "fold", "pixel_shuffle", "pixel_unshuffle", "unfold"]


# --- patches as columns ---------------------------------------------------------------------------


def unfold(
    input: Tensor, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Tensor:
    """Every patch under a sliding window as a column ("im2col").

    Args:
        input: images (N, C, H, W), or one image (C, H, W), floating.
        kernel_size: of the window: one number, or (height, width); so are the following.
        dilation: the distance between the window's cells.
        padding: cells of zeros on both sides.
        stride: by how many cells the window moves.

    Returns:
        (N, C · KH · KW, L), or (C · KH · KW, L) for one image, with L the number of windows. A column holds a
        patch channel by channel, row by row.

    Raises:
        ShapeError: the window is larger than the padded image.
        ArgumentError: a size, stride or dilation below 1, or a negative padding.
        DTypeError: integers.

    >>> import tinygrad_cnn as tc
    >>> x = tc.arange(1.0, 10.0).reshape(1, 3, 3)
    >>> tc.functional.unfold(x, 2)
    tensor([[1., 2., 4., 5.],
            [2., 3., 5., 6.],
            [4., 5., 7., 8.],
            [5., 6., 8., 9.]])
    """
    window = _window(kernel_size, dilation, padding, stride)
    return batched(lambda images: im2col(images, **window), input, 2)


def fold(
    input: Tensor,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Tensor:
    """Columns of patches put back where `unfold` takes them from, and added up where they overlap.

    So `fold(unfold(x))` is x times the number of patches that each pixel is in.

    Args:
        input: columns (N, C · KH · KW, L), or (C · KH · KW, L) of one image, floating.
        output_size: (H, W) of the image, or one number for both.
        kernel_size, dilation, padding, stride: as for `unfold`.

    Returns:
        (N, C, H, W), or (C, H, W) for one image.

    Raises:
        ShapeError: an image of that size has another number of patches, or of cells in them.
        ArgumentError, DTypeError: as for `unfold`.

    >>> import tinygrad_cnn as tc
    >>> columns = tc.functional.unfold(tc.ones(1, 3, 3), 2)
    >>> tc.functional.fold(columns, 3, 2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    window = _window(kernel_size, dilation, padding, stride)
    size = per_dimension(output_size, 2, argument="output_size")
    return batched(lambda columns: col2im(columns, output_size=size, **window), input, 1)


def _window(kernel_size: Size, dilation: Size, padding: Size, stride: Size) -> dict[str, object]:
    return {
        "kernel_size": per_dimension(kernel_size, 2, argument="kernel_size"),
        "stride": per_dimension(stride, 2, argument="stride"),
        "padding": both_sides(padding, 2),
        "dilation": per_dimension(dilation, 2, argument="dilation"),
    }


# --- channels and pixels --------------------------------------------------------------------------


def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """r² channels become one with r times the height and width: a network enlarges without inventing pixels.

    Args:
        input: (*, C · r², H, W), of any dtype.
        upscale_factor: r.

    Returns:
        (*, C, H · r, W · r); channel c · r² + i · r + j gives the pixel (i, j) of every r × r tile.

    Raises:
        ShapeError: fewer than three dimensions, or channels that r² does not divide.
        ArgumentError: r below 1.

    Source: Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network" (CVPR 2016).

    >>> import tinygrad_cnn as tc
    >>> four_channels = tc.tensor([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1)
    >>> tc.functional.pixel_shuffle(four_channels, 2)
    tensor([[[1., 2.],
             [3., 4.]]])
    """
    r = _factor(upscale_factor, "upscale_factor", "pixel_shuffle")
    *lead, channels, height, width = _image_sizes(input, "pixel_shuffle")
    if channels % (r * r):
        raise ShapeError(
            f"{channels} channels do not make tiles of {r} × {r} pixels",
            argument="input",
            expected=f"(*, C · {r * r}, H, W)",
            got=input.shape,
        ).at("pixel_shuffle")
    tiles = reshape(input, *lead, channels // (r * r), r, r, height, width)
    d = len(lead)
    ordered = permute(tiles, *range(d + 1), d + 3, d + 1, d + 4, d + 2)  # (*, C, H, r, W, r)
    return reshape(ordered, *lead, channels // (r * r), height * r, width * r)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """`pixel_shuffle` undone: tiles of r × r pixels become r² channels.

    Args:
        input: (*, C, H · r, W · r), of any dtype.
        downscale_factor: r.

    Returns:
        (*, C · r², H, W).

    Raises:
        ShapeError: fewer than three dimensions, or a height or width that r does not divide.
        ArgumentError: r below 1.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.pixel_unshuffle(tc.tensor([[[1.0, 2.0], [3.0, 4.0]]]), 2).flatten()
    tensor([1., 2., 3., 4.])
    """
    r = _factor(downscale_factor, "downscale_factor", "pixel_unshuffle")
    *lead, channels, height, width = _image_sizes(input, "pixel_unshuffle")
    if height % r or width % r:
        raise ShapeError(
            f"{height} × {width} pixels are not made of tiles of {r} × {r}",
            argument="input",
            expected=f"(*, C, H · {r}, W · {r})",
            got=input.shape,
        ).at("pixel_unshuffle")
    tiles = reshape(input, *lead, channels, height // r, r, width // r, r)
    d = len(lead)
    ordered = permute(tiles, *range(d + 1), d + 2, d + 4, d + 1, d + 3)  # (*, C, r, r, H, W)
    return reshape(ordered, *lead, channels * r * r, height // r, width // r)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels of several groups dealt like cards: the first of each group, the second of each, ...

    After a grouped convolution, every group of the next one so hears from every group of this one.

    Args:
        input: (N, C, *), of any dtype.
        groups: how many; they divide C.

    Returns:
        The shape of the input; channel j · groups + i was channel i · C/groups + j.

    Raises:
        ShapeError: fewer than three dimensions, or channels that `groups` does not divide.
        ArgumentError: groups below 1.

    Source: Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices"
    (CVPR 2018).

    >>> import tinygrad_cnn as tc
    >>> tc.functional.channel_shuffle(tc.arange(6).reshape(1, 6, 1), 2).flatten()
    tensor([0, 3, 1, 4, 2, 5])
    """
    parts = _factor(groups, "groups", "channel_shuffle")
    n, channels, *size = _image_sizes(input, "channel_shuffle")
    if channels % parts:
        raise ShapeError(
            f"{channels} channels cannot be dealt into {parts} groups",
            argument="input",
            expected=f"(N, C · {parts}, *)",
            got=input.shape,
        ).at("channel_shuffle")
    piles = reshape(input, n, parts, channels // parts, math.prod(size))
    return reshape(permute(piles, 0, 2, 1, 3), *input.shape)


def _image_sizes(x: Tensor, op: str) -> tuple[int, ...]:
    if x.ndim < 3:
        raise ShapeError(
            "channels, height and width are three dimensions",
            argument="input",
            expected="at least three dimensions",
            got=x.shape,
        ).at(op)
    return x.shape


def _factor(value: int, argument: str, op: str) -> int:
    number = as_index(value, argument=argument)
    if number < 1:
        raise ArgumentError(
            f"{argument} must be at least 1", argument=argument, expected=">= 1", got=number
        ).at(op)
    return number
