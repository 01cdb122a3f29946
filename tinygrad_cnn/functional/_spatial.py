"""What convolution and pooling share: one number for every dimension, and images without a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, per_dimension

Size: TypeAlias = "int | Sequence[int]"
Padding: TypeAlias = "tuple[tuple[int, int], ...]"


def both_sides(padding: Size, spatial: int) -> Padding:
    """The same number of cells before and after, for each spatial dimension.

    >>> both_sides((2, 0), 2)
    ((2, 2), (0, 0))
    """
    return tuple((size, size) for size in per_dimension(padding, spatial, argument="padding"))


def pool_window(kernel_size: Size, stride: Size | None, spatial: int) -> tuple[Shape, Shape]:
    """Kernel sizes and strides of a pool, which moves by its own size unless told otherwise."""
    kernel = per_dimension(kernel_size, spatial, argument="kernel_size")
    return kernel, kernel if stride is None else per_dimension(stride, spatial, argument="stride")


def batched(function: Callable[[Tensor], Tensor], x: Tensor, spatial: int) -> Tensor:
    """function(x), where a single image (C, *S) travels as a batch of one."""
    if x.ndim != spatial + 1:
        return function(x)
    return function(x.unsqueeze(0)).squeeze(0)
