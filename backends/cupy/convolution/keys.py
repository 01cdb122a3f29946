"""What cuDNN makes a plan for.

cuDNN knows dozens of ways to compute a convolution. Which of them suit depends on sizes, windows, dtypes and
the order of numbers in memory, and on nothing else: so a plan is made once for each combination that occurs,
and found again by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.windows import window_output_shape

Padding = tuple[tuple[int, int], ...]
TENSOR_CORE_DTYPES = ("float16", "bfloat16")  # computed by tensor cores, as float32 is in TF32


class PlanKey(NamedTuple):
    """Everything a plan depends on; calls with equal keys share one.

    Strides do not stand here: images are handed over without gaps, as `channels_last` says, and filters
    row by row. Nor does the number of groups, which the channels give away.

    Attributes:
        operation: "conv", "conv_bias", "conv_input_grad" or "conv_weight_grad".
        dtype: that of all arrays.
        image, filters: shapes (N, C, *S) and (O, C/groups, *K).
        stride, padding, dilation: of the window, one a spatial dimension.
        tf32: float32 is shortened to TF32 for multiplying; False for other dtypes.
        deterministic: sums have one order.
        relu: negative results become 0 ("conv_bias" only).
    """

    operation: str
    dtype: str
    image: Shape
    filters: Shape
    stride: Shape
    padding: Padding
    dilation: Shape
    tf32: bool
    deterministic: bool
    relu: bool = False

    @property
    def output(self) -> Shape:
        """The shape (N, O, *S') of the convolution's result."""
        size = window_output_shape(self.image[2:], self.filters[2:], self.stride, self.padding, self.dilation)
        return (self.image[0], self.filters[0], *size)

    @property
    def channels_last(self) -> bool:
        """How images lie in memory.

        Tensor cores multiply small matrices, channels by filters, and read them best where the channels of a
        pixel are neighbours; handed other images, cuDNN reorders them on each call. Ordinary cores, which
        compute strict float32 and float64, like rows of each channel better.
        """
        return self.tf32 or self.dtype in TENSOR_CORE_DTYPES

    def __str__(self) -> str:
        """One line that says it all, by which a stored choice is found.

        >>> shapes = {"image": (128, 1, 28, 28), "filters": (6, 1, 5, 5)}
        >>> window = {"stride": (1, 1), "padding": ((2, 2), (0, 1)), "dilation": (1, 1)}
        >>> print(PlanKey("conv", "float32", **shapes, **window, tf32=True, deterministic=True))
        conv 128x1x28x28 * 6x1x5x5, stride 1x1, padding 2+2x0+1, dilation 1x1, float32 as TF32, deterministic
        """
        words = [
            f"{self.operation}{' relu' * self.relu} {_by(self.image)} * {_by(self.filters)}",
            f"stride {_by(self.stride)}",
            f"padding {_by(f'{before}+{after}' for before, after in self.padding)}",
            f"dilation {_by(self.dilation)}",
            f"{self.dtype}{' as TF32' * self.tf32}",
        ]
        return ", ".join(words + ["deterministic"] * self.deterministic)


def _by(sizes: Iterable[object]) -> str:
    return "x".join(map(str, sizes))
