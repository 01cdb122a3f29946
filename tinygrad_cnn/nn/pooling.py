"""Pooling layers: `functional`'s pools as modules; they have nothing to learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.nn.module import Module

__all__ = ["AvgPool1d", "AvgPool2d", "AvgPool3d", "MaxPool1d", "MaxPool2d", "MaxPool3d"]


class _MaxPool(Module):
    """What max pooling of every number of dimensions shares."""

    pool: ClassVar[Callable[..., Any]]

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
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode

    def forward(self, x: Tensor) -> Any:
        return type(self).pool(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(_MaxPool):
    """The largest number under each window of lines; arguments as for `functional.max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MaxPool1d(2)(tc.tensor([[[1.0, 4.0, 2.0, 3.0]]]))
    tensor([[[4., 3.]]])
    """

    pool = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest number under each window of images; arguments as for `functional.max_pool2d`.

    Shapes:
        (N, C, H, W) → (N, C, H', W'), H' = ⌊(H + 2P − D(K − 1) − 1) / S⌋ + 1.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MaxPool2d(2)(tc.zeros(64, 6, 28, 28)).shape
    (64, 6, 14, 14)
    """

    pool = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest number under each window of volumes; arguments as for `functional.max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MaxPool3d(2)(tc.zeros(1, 3, 8, 16, 16)).shape
    (1, 3, 4, 8, 8)
    """

    pool = F.max_pool3d


class AvgPool1d(Module):
    """The average under each window of lines; arguments as for `functional.avg_pool1d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AvgPool1d(2)(tc.tensor([[[1.0, 3.0, 2.0, 4.0]]]))
    tensor([[[2., 3.]]])
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool1d(
            x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(AvgPool1d):
    """The average under each window of images; arguments as for `functional.avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AvgPool2d(2)(tc.zeros(64, 6, 28, 28)).shape
    (64, 6, 14, 14)
    """

    pool: ClassVar[Callable[..., Tensor]] = F.avg_pool2d

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override

    def forward(self, x: Tensor) -> Tensor:
        return type(self).pool(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool3d(AvgPool2d):
    """The average under each window of volumes; arguments as for `functional.avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AvgPool3d(2)(tc.zeros(1, 3, 8, 16, 16)).shape
    (1, 3, 4, 8, 8)
    """

    pool = F.avg_pool3d
