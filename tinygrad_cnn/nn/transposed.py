"""Transposed convolution layers: kernels that learn to enlarge lines, images and volumes."""

from __future__ import annotations

from collections.abc import Sequence

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, Shape, as_shape, float32
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.functional.transposed import transposed_size
from tinygrad_cnn.nn.conv import _Conv
from tinygrad_cnn.windows import per_dimension

__all__ = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


class _ConvTranspose(_Conv):
    """What the transposed convolutions of every number of dimensions share."""

    padding: Shape
    padding_modes = ("zeros",)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            per_dimension(padding, self.spatial, argument="padding"),
            dilation,
            groups,
            bias,
            padding_mode,
            dtype=dtype,
        )
        self.output_padding = per_dimension(output_padding, self.spatial, argument="output_padding")

    def _channels_of_weight(self) -> tuple[int, int]:
        return self.in_channels, self.out_channels // self.groups

    def forward(self, x: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """Enlarge x; `output_size`, (*S) or (N, C, *S), chooses among the sizes that the stride allows."""
        extra = self.output_padding if output_size is None else self._padding_for(x, output_size)
        return type(self).convolve(
            x, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _padding_for(self, x: Tensor, output_size: Sequence[int]) -> Shape:
        """The output padding that makes the output as large as asked for."""
        if x.ndim <= self.spatial:
            return self.output_padding  # the function will say what is wrong with x
        asked = as_shape(output_size, argument="output_size")
        if len(asked) == x.ndim:
            asked = asked[-self.spatial :]
        size, none = x.shape[-self.spatial :], (0,) * self.spatial
        smallest = transposed_size(size, self.kernel_size, self.stride, self.padding, none, self.dilation)
        largest = tuple(size + s - 1 for size, s in zip(smallest, self.stride, strict=True))
        if len(asked) != self.spatial or not all(
            low <= size <= high for low, size, high in zip(smallest, asked, largest, strict=True)
        ):
            raise ShapeError(
                "an input of this size does not become so large or small",
                argument="output_size",
                expected=f"{smallest} .. {largest}",
                got=f"{tuple(output_size)} from an input of shape {x.shape}",
            )
        return tuple(size - low for size, low in zip(asked, smallest, strict=True))


class ConvTranspose1d(_ConvTranspose):
    """Kernels laid over lines (N, C, L), times their numbers; arguments as for `ConvTranspose2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ConvTranspose1d(2, 4, 2, stride=2)(tc.zeros(1, 2, 5)).shape
    (1, 4, 10)
    """

    spatial = 1
    convolve = F.conv_transpose1d


class ConvTranspose2d(_ConvTranspose):
    """Kernels laid over images, times their numbers, and a bias for each: images become larger.

    Args:
        in_channels: of the images that come in.
        out_channels: of those that go out.
        kernel_size, stride, padding, output_padding, groups, dilation: as for `functional.conv_transpose2d`;
            one number, or one for each spatial dimension.
        bias: False leaves the bias out.
        padding_mode: "zeros" is the only one.
        dtype: of weight and bias.

    Shapes:
        (N, in_channels, H, W) → (N, out_channels, H', W') with
        H' = (H − 1)·S − 2P + D(K − 1) + output_padding + 1. Called with `output_size=(H', W')`, the layer
        finds the output_padding itself.

    Parameters:
        weight: (in_channels, out_channels/groups, KH, KW), uniform in ± 1/√(out_channels/groups · KH · KW).
        bias: (out_channels,), likewise.

    Raises:
        ArgumentError: a size below 1, groups that do not divide the channels, or another padding mode.
        ShapeError: an output_size that this stride does not reach.

    >>> import tinygrad_cnn as tc
    >>> halve = tc.nn.Conv2d(1, 6, 3, stride=2, padding=1)
    >>> double = tc.nn.ConvTranspose2d(6, 1, 3, stride=2, padding=1)
    >>> double
    ConvTranspose2d(6, 1, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))
    >>> x = tc.zeros(1, 1, 28, 28)
    >>> double(halve(x)).shape, double(halve(x), output_size=x.shape).shape
    ((1, 1, 27, 27), (1, 1, 28, 28))
    """

    spatial = 2
    convolve = F.conv_transpose2d


class ConvTranspose3d(_ConvTranspose):
    """Kernels laid over volumes (N, C, D, H, W), times their numbers; arguments as for `ConvTranspose2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ConvTranspose3d(1, 2, 3)(tc.zeros(1, 1, 4, 5, 6)).shape
    (1, 2, 6, 7, 8)
    """

    spatial = 3
    convolve = F.conv_transpose3d
