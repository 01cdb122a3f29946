"""Convolution layers: kernels that learn, sliding over lines, images and volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, float32
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.functional._spatial import Size, window_frame
from tinygrad_cnn.nn._weights import draw_weights, positive
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.creation import zeros
from tinygrad_cnn.windows import per_dimension

__all__ = ["Conv1d", "Conv2d", "Conv3d", "SeparableConv2d"]


class _Conv(Module):
    """What the convolutions of every number of dimensions share."""

    spatial: ClassVar[int]
    convolve: ClassVar[Callable[..., Tensor]]
    padding_modes: ClassVar[tuple[str, ...]] = ("zeros", "reflect", "replicate", "circular")

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        self.in_channels, self.out_channels, self.groups = positive(
            in_channels=in_channels, out_channels=out_channels, groups=groups
        )
        if in_channels % groups or out_channels % groups:
            raise ArgumentError(
                f"{in_channels} and {out_channels} channels cannot be dealt into {groups} groups",
                argument="groups",
                expected="a divisor of both",
                got=groups,
            )
        self.kernel_size = per_dimension(kernel_size, self.spatial, argument="kernel_size")
        self.stride = per_dimension(stride, self.spatial, argument="stride")
        self.padding = (
            padding if isinstance(padding, str) else per_dimension(padding, self.spatial, argument="padding")
        )
        self.dilation = per_dimension(dilation, self.spatial, argument="dilation")
        positive(kernel_size=min(self.kernel_size), stride=min(self.stride), dilation=min(self.dilation))
        window_frame(self.padding, self.kernel_size, self.stride, self.dilation)  # a word must mean something
        if padding_mode not in self.padding_modes:
            raise ArgumentError(
                f"{type(self).__name__} has no such padding mode",
                argument="padding_mode",
                expected=", ".join(self.padding_modes),
                got=repr(padding_mode),
            )
        self.padding_mode = padding_mode
        self.weight = Parameter(zeros(*self._channels_of_weight(), *self.kernel_size, dtype=dtype))
        self.bias = Parameter(zeros(out_channels, dtype=dtype)) if bias else None
        self.reset_parameters()

    def _channels_of_weight(self) -> tuple[int, int]:
        return self.out_channels, self.in_channels // self.groups

    def reset_parameters(self) -> None:
        """Draw new weights."""
        draw_weights(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        padding: Size | str = self.padding
        if self.padding_mode != "zeros":
            frame = window_frame(padding, self.kernel_size, self.stride, self.dilation)
            x = F.pad(x, [cells for pair in reversed(frame) for cells in pair], self.padding_mode)
            padding = 0
        return type(self).convolve(
            x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}",
            f"kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        for name, usual in {"padding": 0, "dilation": 1, "output_padding": 0}.items():
            value = getattr(self, name, ())  # only transposed convolutions have an output padding
            if any(size != usual for size in value):
                parts.append(f"{name}={value}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)


class Conv1d(_Conv):
    """Kernels sliding over lines (N, C, L); arguments as for `Conv2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Conv1d(2, 4, 3, padding="same")(tc.zeros(1, 2, 10)).shape
    (1, 4, 10)
    """

    spatial = 1
    convolve = F.conv1d


class Conv2d(_Conv):
    """Kernels sliding over images, and a bias for each.

    Args:
        in_channels: of the images that come in.
        out_channels: how many kernels there are.
        kernel_size, stride, padding, dilation, groups: as for `functional.conv2d`; one number, or one for
            each spatial dimension.
        bias: False leaves the bias out.
        padding_mode: what stands in the padding: "zeros", or the image's own pixels as in `functional.pad`:
            "reflect", "replicate" or "circular".
        dtype: of weight and bias.

    Shapes:
        (N, in_channels, H, W) → (N, out_channels, H', W'), H' = ⌊(H + 2P − D(K − 1) − 1) / S⌋ + 1.

    Parameters:
        weight: (out_channels, in_channels/groups, KH, KW), uniform in ± 1/√(in_channels/groups · KH · KW).
        bias: (out_channels,), likewise.

    Raises:
        ArgumentError: a size below 1, groups that do not divide the channels, or an unknown padding mode.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.Conv2d(1, 6, 5, padding=2)
    >>> layer
    Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1), padding=(2, 2))
    >>> layer(tc.zeros(64, 1, 28, 28)).shape
    (64, 6, 28, 28)
    """

    spatial = 2
    convolve = F.conv2d


class Conv3d(_Conv):
    """Kernels sliding over volumes (N, C, D, H, W); arguments as for `Conv2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Conv3d(1, 2, 3)(tc.zeros(1, 1, 5, 6, 7)).shape
    (1, 2, 3, 4, 5)
    """

    spatial = 3
    convolve = F.conv3d


class SeparableConv2d(Module):
    """Kernels that see one channel each (`depthwise`), then a 1×1 convolution that mixes them (`pointwise`).

    Does much of what `Conv2d` does with a fraction of its weights; see `functional.separable_conv2d`. PyTorch
    has no such layer: its users write the two convolutions, with these names.

    Args:
        in_channels, out_channels, bias, dtype: as for `Conv2d`; the bias is the pointwise one's.
        kernel_size, stride, padding, dilation, padding_mode: of the depthwise convolution.
        depth_multiplier: how many kernels look at each channel.

    Shapes:
        (N, in_channels, H, W) → (N, out_channels, H', W').

    Parameters:
        depthwise.weight: (in_channels · depth_multiplier, 1, KH, KW).
        pointwise.weight: (out_channels, in_channels · depth_multiplier, 1, 1).
        pointwise.bias: (out_channels,).

    Source: F. Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions" (CVPR 2017).

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.SeparableConv2d(32, 64, 3, padding=1)
    >>> layer(tc.zeros(1, 32, 28, 28)).shape
    (1, 64, 28, 28)
    >>> [sum(p.numel() for p in one.parameters()) for one in (layer, tc.nn.Conv2d(32, 64, 3, padding=1))]
    [2400, 18496]
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        depth_multiplier: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        in_channels, depth_multiplier = positive(in_channels=in_channels, depth_multiplier=depth_multiplier)
        middle = in_channels * depth_multiplier
        self.depthwise = Conv2d(
            in_channels,
            middle,
            kernel_size,
            stride,
            padding,
            dilation,
            groups=in_channels,
            bias=False,
            padding_mode=padding_mode,
            dtype=dtype,
        )
        self.pointwise = Conv2d(middle, out_channels, 1, bias=bias, dtype=dtype)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.pointwise(self.depthwise(x))
        return mixed
