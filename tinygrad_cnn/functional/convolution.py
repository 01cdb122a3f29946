"""Convolution of lines, images and volumes.

A kernel slides over the input and writes down, at each place, how well the input under it matches:

    [1, 2, 3, 4] ⋆ [1, 0, −1]  →  [1·1 + 2·0 − 3·1, 2·1 + 3·0 − 4·1]  =  [−2, −2]

The deep-learning field says convolution and computes cross-correlation (the kernel is not rotated); so do
we. How it is computed, and how it learns, stands in `ops/window.py`.

Sizes: a kernel of K cells, spread out by `dilation` D and moved by `stride` S over an input of W cells with
P cells of `padding` on both sides gives ⌊(W + 2P − D(K − 1) − 1) / S⌋ + 1 cells.
"""

from __future__ import annotations

from tinygrad_cnn._autocast import narrowed
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.functional._spatial import Size, add_bias, batched, window_frame
from tinygrad_cnn.ops.window import conv
from tinygrad_cnn.windows import per_dimension

__all__ = ["conv1d", "conv2d", "conv3d", "separable_conv2d"]


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Slide kernels (O, C/groups, K) over lines (N, C, L); arguments and errors as for `conv2d`.

    >>> import tinygrad_cnn as tc
    >>> edge = tc.tensor([[[1.0, 0.0, -1.0]]])
    >>> tc.functional.conv1d(tc.tensor([[[1.0, 2.0, 3.0, 4.0]]]), edge)
    tensor([[[-2., -2.]]])
    """
    return _conv(input, weight, bias, stride, padding, dilation, groups, spatial=1)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Slide O kernels over images, and add a bias.

    Args:
        input: images (N, C, H, W), or one image (C, H, W).
        weight: kernels (O, C/groups, KH, KW), of the input's dtype.
        bias: (O,), or None.
        stride: by how many cells the kernel moves: one number, or one a dimension.
        padding: cells of zeros on both sides; "valid" for none; "same" for as many as keep the size (with
            an even kernel the odd cell goes to the right).
        dilation: the distance between the kernel's cells.
        groups: deal the channels into groups that do not see each other; groups = C is depthwise.

    Returns:
        (N, O, H', W'), or (O, H', W') for one image.

    Raises:
        ShapeError: the channels do not match, or the kernel is larger than the padded input.
        ArgumentError: a negative padding, a stride of 0, groups that do not divide the channels, or "same"
            with a stride.
        DTypeError: the dtypes differ.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]]])
    >>> w = tc.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> tc.functional.conv2d(x, w)
    tensor([[[[19., 25.],
              [37., 43.]]]])
    """
    return _conv(input, weight, bias, stride, padding, dilation, groups, spatial=2)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Slide kernels (O, C/groups, KD, KH, KW) over volumes (N, C, D, H, W); the rest as for `conv2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.conv3d(tc.ones(1, 1, 3, 4, 5), tc.ones(2, 1, 3, 3, 3)).shape
    (1, 2, 1, 2, 3)
    """
    return _conv(input, weight, bias, stride, padding, dilation, groups, spatial=3)


def _conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Size,
    padding: Size | str,
    dilation: Size,
    groups: int,
    *,
    spatial: int,
) -> Tensor:
    x, weight, bias = narrowed(x, weight, bias)
    steps = per_dimension(stride, spatial, argument="stride")
    spread = per_dimension(dilation, spatial, argument="dilation")
    frame = window_frame(padding, weight.shape[2:], steps, spread)
    parts = as_index(groups, argument="groups")

    def convolve(images: Tensor) -> Tensor:
        output = conv(images, weight, stride=steps, padding=frame, dilation=spread, groups=parts)
        return add_bias(output, bias, "conv")

    return batched(convolve, x, spatial)


# --- convolution in two steps ---------------------------------------------------------------------


def separable_conv2d(
    input: Tensor,
    depthwise_weight: Tensor,
    pointwise_weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
) -> Tensor:
    """Look at every channel by itself, then mix the channels at every place.

    A convolution does both at once, with O · C · KH · KW weights. Here M small kernels slide over each
    channel (depthwise: a convolution with as many groups as channels), and a 1×1 convolution mixes what they
    found (pointwise): M · C · KH · KW + O · M · C weights, nine times fewer for a wide 3×3 layer. PyTorch
    has no such function; this is Keras's `SeparableConv2D`.

    Args:
        input: images (N, C, H, W), or one image (C, H, W).
        depthwise_weight: (M · C, 1, KH, KW): M kernels for channel 0, then M for channel 1, and so on.
        pointwise_weight: (O, M · C, 1, 1).
        bias: (O,), or None; added at the end.
        stride, padding, dilation: of the depthwise convolution, as for `conv2d`.

    Returns:
        (N, O, H', W'), or (O, H', W') for one image.

    Raises:
        ShapeError, ArgumentError, DTypeError: as for `conv2d`.

    Source: F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions" (CVPR 2017).

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[1.0, 2.0]], [[10.0, 20.0]]])
    >>> sums, mix = tc.ones(2, 1, 1, 2), tc.tensor([1.0, -1.0]).reshape(1, 2, 1, 1)
    >>> tc.functional.separable_conv2d(x, sums, mix)
    tensor([[[-27.]]])
    """
    channels = input.shape[-3] if input.ndim in (3, 4) else 1
    spatial = conv2d(input, depthwise_weight, None, stride, padding, dilation, groups=channels)
    return conv2d(spatial, pointwise_weight, bias)
