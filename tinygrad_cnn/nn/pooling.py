"""Pooling layers: `functional`'s pools as modules; they have nothing to learn.

`adaptive` has the layers that are told the size of the result.
"""

from __future__ import annotations

from typing import Any

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.nn._function import FunctionModule

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]


# --- the largest ----------------------------------------------------------------------------------


class _MaxPool(FunctionModule):
    shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self._keep(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            return_indices=return_indices,
        )


class MaxPool1d(_MaxPool):
    """The largest number under each window of lines; arguments as for `functional.max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MaxPool1d(2)(tc.tensor([[[1.0, 4.0, 2.0, 3.0]]]))
    tensor([[[4., 3.]]])
    """

    function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest number under each window of images; arguments as for `functional.max_pool2d`.

    Shapes:
        (N, C, H, W) → (N, C, H', W'), H' = ⌊(H + 2P − D(K − 1) − 1) / S⌋ + 1; with `return_indices` a pair.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MaxPool2d(2)(tc.zeros(64, 6, 28, 28)).shape
    (64, 6, 14, 14)
    """

    function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest number under each window of volumes; arguments as for `functional.max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MaxPool3d(2)(tc.zeros(1, 3, 8, 16, 16)).shape
    (1, 3, 4, 8, 8)
    """

    function = F.max_pool3d


# --- and back -------------------------------------------------------------------------------------


class _MaxUnpool(FunctionModule):
    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__()
        self._keep(kernel_size=kernel_size, stride=stride, padding=padding)

    def forward(self, x: Tensor, indices: Tensor, output_size: Size | None = None) -> Any:
        return super().forward(x, indices, output_size=output_size)


class MaxUnpool1d(_MaxUnpool):
    """Pooled lines back to where they stood; arguments as for `functional.max_unpool2d`.

    >>> import tinygrad_cnn as tc
    >>> pooled, indices = tc.nn.MaxPool1d(2, return_indices=True)(tc.tensor([[[1.0, 4.0, 3.0, 2.0]]]))
    >>> tc.nn.MaxUnpool1d(2)(pooled, indices)
    tensor([[[0., 4., 3., 0.]]])
    """

    function = F.max_unpool1d


class MaxUnpool2d(_MaxUnpool):
    """Pooled images back to where they stood; arguments as for `functional.max_unpool2d`.

    Called with the pooled images, their indices and, if not the smallest, the size of the result.

    >>> import tinygrad_cnn as tc
    >>> pooled, indices = tc.nn.MaxPool2d(2, return_indices=True)(tc.zeros(1, 3, 5, 5))
    >>> unpool = tc.nn.MaxUnpool2d(2)
    >>> unpool(pooled, indices).shape, unpool(pooled, indices, output_size=(5, 5)).shape
    ((1, 3, 4, 4), (1, 3, 5, 5))
    """

    function = F.max_unpool2d


class MaxUnpool3d(_MaxUnpool):
    """Pooled volumes back to where they stood; arguments as for `functional.max_unpool2d`.

    >>> import tinygrad_cnn as tc
    >>> pooled, indices = tc.nn.MaxPool3d(2, return_indices=True)(tc.zeros(1, 3, 4, 4, 4))
    >>> tc.nn.MaxUnpool3d(2)(pooled, indices).shape
    (1, 3, 4, 4, 4)
    """

    function = F.max_unpool3d


# --- the average ----------------------------------------------------------------------------------


class AvgPool1d(FunctionModule):
    """The average under each window of lines; arguments as for `functional.avg_pool1d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AvgPool1d(2)(tc.tensor([[[1.0, 3.0, 2.0, 4.0]]]))
    tensor([[[2., 3.]]])
    """

    function = F.avg_pool1d
    shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self._keep(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
        )


class AvgPool2d(FunctionModule):
    """The average under each window of images; arguments as for `functional.avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AvgPool2d(2)(tc.zeros(64, 6, 28, 28)).shape
    (64, 6, 14, 14)
    """

    function = F.avg_pool2d
    shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self._keep(
            kernel_size=kernel_size,
            stride=kernel_size if stride is None else stride,
            padding=padding,
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
            divisor_override=divisor_override,
        )


class AvgPool3d(AvgPool2d):
    """The average under each window of volumes; arguments as for `functional.avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AvgPool3d(2)(tc.zeros(1, 3, 8, 16, 16)).shape
    (1, 3, 4, 8, 8)
    """

    function = F.avg_pool3d


# --- between the two ------------------------------------------------------------------------------


class _LPPool(FunctionModule):
    def __init__(
        self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self._keep(norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


class LPPool1d(_LPPool):
    """The p-norm under each window of lines; arguments as for `functional.lp_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LPPool1d(2, 2)(tc.tensor([[[3.0, 4.0, 0.0, 2.0]]]))
    tensor([[[5., 2.]]])
    """

    function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The p-norm under each window of images; arguments as for `functional.lp_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LPPool2d(2, 2)(tc.ones(64, 6, 28, 28)).shape
    (64, 6, 14, 14)
    """

    function = F.lp_pool2d


class LPPool3d(_LPPool):
    """The p-norm under each window of volumes; arguments as for `functional.lp_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LPPool3d(2, 2)(tc.ones(1, 3, 8, 16, 16)).shape
    (1, 3, 4, 8, 8)
    """

    function = F.lp_pool3d
