"""Layers that move numbers: patches to columns and back, channels to pixels and back."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.nn._function import FunctionModule

__all__ = ["ChannelShuffle", "Fold", "PixelShuffle", "PixelUnshuffle", "Unfold"]


class Unfold(FunctionModule):
    """Every patch under a sliding window as a column; arguments as for `functional.unfold`.

    Shapes:
        (N, C, H, W) → (N, C · KH · KW, L), with L windows.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Unfold(kernel_size=3, padding=1)(tc.zeros(1, 2, 4, 5)).shape
    (1, 18, 20)
    """

    function = F.unfold

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> None:
        super().__init__()
        self._keep(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


class Fold(FunctionModule):
    """Columns of patches added up to an image; arguments as for `functional.fold`.

    Shapes:
        (N, C · KH · KW, L) → (N, C, H, W).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Fold((4, 5), kernel_size=3, padding=1)(tc.zeros(1, 18, 20)).shape
    (1, 2, 4, 5)
    """

    function = F.fold

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
    ) -> None:
        super().__init__()
        self._keep(
            output_size=output_size,
            kernel_size=kernel_size,
            dilation=dilation,
            padding=padding,
            stride=stride,
        )


class PixelShuffle(FunctionModule):
    """r² channels become one of r times the height and width; see `functional.pixel_shuffle`.

    Shapes:
        (*, C · r², H, W) → (*, C, H · r, W · r).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.PixelShuffle(3)(tc.zeros(1, 9, 4, 4)).shape
    (1, 1, 12, 12)
    """

    function = F.pixel_shuffle

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self._keep(upscale_factor=upscale_factor)


class PixelUnshuffle(FunctionModule):
    """Tiles of r × r pixels become r² channels; see `functional.pixel_unshuffle`.

    Shapes:
        (*, C, H · r, W · r) → (*, C · r², H, W).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.PixelUnshuffle(3)(tc.zeros(1, 1, 12, 12)).shape
    (1, 9, 4, 4)
    """

    function = F.pixel_unshuffle

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self._keep(downscale_factor=downscale_factor)


class ChannelShuffle(FunctionModule):
    """The channels of several groups dealt like cards; see `functional.channel_shuffle`.

    Shapes:
        (N, C, *) → (N, C, *).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ChannelShuffle(2)(tc.tensor([[[0.0], [1.0], [2.0], [3.0]]])).flatten()
    tensor([0., 2., 1., 3.])
    """

    function = F.channel_shuffle

    def __init__(self, groups: int) -> None:
        super().__init__()
        self._keep(groups=groups)
