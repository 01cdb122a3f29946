"""Power-average pooling: everything between the average and the largest.

    (Σ xᵖ)^(1/p) over each window:    p = 1  the sum     p = 2  the Euclidean norm     p = ∞  the largest |x|

The larger p, the more the largest element counts. Powers are taken of x itself, not of |x|: with an odd p
negative elements count as negative, and where the sum comes out below 0 its root is NaN, as in PyTorch.

Source: P. Sermanet, S. Chintala, Y. LeCun, "Convolutional neural networks applied to house numbers digit
classification", ICPR 2012.
"""

from __future__ import annotations

import math

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import count
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.functional.pooling import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.windows import per_dimension

__all__ = ["lp_pool1d", "lp_pool2d", "lp_pool3d"]


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm under each window of lines (N, C, L); the rest as for `lp_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.lp_pool1d(tc.tensor([[[3.0, 4.0, 0.0, 2.0]]]), 2, 2)
    tensor([[[5., 2.]]])
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, spatial=1)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm under each window of images: (Σ xᵖ)^(1/p).

    Where the sum is 0, the gradient is 0 (it would be infinite for p > 1).

    Args:
        input: images (N, C, H, W), or one image (C, H, W); integers become float32.
        norm_type: p, any number but 0; math.inf gives the largest |x|, -math.inf the smallest.
        kernel_size: of the window.
        stride: by how many cells it moves; its own size by default.
        ceil_mode: let the last window hang over the end; its sum is scaled up as if it were full.

    Returns:
        (N, C, H', W'), or (C, H', W') for one image.

    Raises:
        ShapeError: the window is larger than the image.
        ArgumentError: a size or stride below 1, or p = 0.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.lp_pool2d(tc.tensor([[[1.0, 4.0], [4.0, 4.0]]]), 2, 2)
    tensor([[[7.]]])
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, spatial=2)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
) -> Tensor:
    """The p-norm under each window of volumes (N, C, D, H, W); the rest as for `lp_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.lp_pool3d(tc.ones(1, 2, 4, 4, 4), 3, 2)[0, 0, 0, 0]
    tensor([2., 2.])
    """
    return _lp_pool(input, norm_type, kernel_size, stride, ceil_mode, spatial=3)


_AVERAGE_AND_LARGEST = {1: (avg_pool1d, max_pool1d), 2: (avg_pool2d, max_pool2d), 3: (avg_pool3d, max_pool3d)}


def _lp_pool(
    x: Tensor, p: float, kernel_size: Size, stride: Size | None, ceil_mode: bool, *, spatial: int
) -> Tensor:
    if not isinstance(p, (int, float)):
        raise ArgumentTypeError(
            "norm_type must be a number", argument="norm_type", expected="float", got=repr(p)
        ).at("lp_pool")
    if p == 0:
        raise ArgumentError(
            "there is no 0th root", argument="norm_type", expected="a number other than 0", got=p
        ).at("lp_pool")
    average, largest = _AVERAGE_AND_LARGEST[spatial]
    if math.isinf(p):
        sign = math.copysign(1.0, p)  # the smallest is −max(−|x|)
        extreme: Tensor = sign * largest(sign * x.abs(), kernel_size, stride, ceil_mode=ceil_mode)
        return extreme
    cells = count(per_dimension(kernel_size, spatial, argument="kernel_size"))
    total = average(x ** float(p), kernel_size, stride, ceil_mode=ceil_mode) * cells
    # A root has an infinite slope at 0, so none is taken there.
    nothing = total == 0
    root_of_0 = 0.0 if p > 0 else math.inf
    norm: Tensor = where(nothing, root_of_0, where(nothing, 1.0, total) ** (1 / p))
    return norm
