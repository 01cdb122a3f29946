"""Pooling layers that are told the size of the result: a network takes images of any size."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.functional.adaptive import OutputSize
from tinygrad_cnn.nn._function import FunctionModule

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "GlobalAvgPool",
    "GlobalMaxPool",
]


class _AdaptiveAvgPool(FunctionModule):
    def __init__(self, output_size: OutputSize) -> None:
        super().__init__()
        self._keep(output_size=output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Averages over lines; arguments as for `functional.adaptive_avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AdaptiveAvgPool1d(2)(tc.tensor([[[1.0, 3.0, 5.0]]]))
    tensor([[[2., 4.]]])
    """

    function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Averages over images; arguments as for `functional.adaptive_avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> pool = tc.nn.AdaptiveAvgPool2d(7)
    >>> pool(tc.zeros(1, 512, 9, 13)).shape, pool(tc.zeros(1, 512, 4, 4)).shape
    ((1, 512, 7, 7), (1, 512, 7, 7))
    """

    function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Averages over volumes; arguments as for `functional.adaptive_avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AdaptiveAvgPool3d((1, None, 2))(tc.zeros(1, 3, 4, 5, 6)).shape
    (1, 3, 1, 5, 2)
    """

    function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(FunctionModule):
    shown = ("output_size",)

    def __init__(self, output_size: OutputSize, return_indices: bool = False) -> None:
        super().__init__()
        self._keep(output_size=output_size, return_indices=return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest numbers of lines; arguments as for `functional.adaptive_max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AdaptiveMaxPool1d(2, return_indices=True)(tc.tensor([[[1.0, 3.0, 5.0]]]))
    (tensor([[[3., 5.]]]), tensor([[[1, 2]]]))
    """

    function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest numbers of images; arguments as for `functional.adaptive_max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AdaptiveMaxPool2d((7, None))(tc.zeros(1, 512, 9, 13)).shape
    (1, 512, 7, 13)
    """

    function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest numbers of volumes; arguments as for `functional.adaptive_max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.AdaptiveMaxPool3d(2)(tc.zeros(1, 3, 4, 5, 6)).shape
    (1, 3, 2, 2, 2)
    """

    function = F.adaptive_max_pool3d


# --- one number for the whole image ---------------------------------------------------------------


class _GlobalPool(FunctionModule):
    def __init__(self, keepdim: bool = False) -> None:
        super().__init__()
        self._keep(keepdim=keepdim)


class GlobalAvgPool(_GlobalPool):
    """The average of each channel over all its places: (N, C, *S) → (N, C), or (N, C, 1, ...) with keepdim.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.GlobalAvgPool()(tc.zeros(64, 512, 7, 7)).shape
    (64, 512)
    """

    function = F.global_avg_pool


class GlobalMaxPool(_GlobalPool):
    """The largest number of each channel: (N, C, *S) → (N, C), or (N, C, 1, ...) with keepdim.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.GlobalMaxPool(keepdim=True)(tc.zeros(64, 512, 7, 7)).shape
    (64, 512, 1, 1)
    """

    function = F.global_max_pool
