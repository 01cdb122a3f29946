"""What convolution and pooling share: one number for every dimension, and images without a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, same_floating
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.functional.linear import check_bias
from tinygrad_cnn.windows import per_dimension

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


def window_frame(padding: Size | str, kernel_size: Shape, stride: Shape, dilation: Shape) -> Padding:
    """`padding` as a pair (before, after) for each spatial dimension; "same" and "valid" become numbers.

    >>> window_frame("same", (4,), (1,), (1,))
    ((1, 2),)
    """
    if not isinstance(padding, str):
        return both_sides(padding, len(stride))
    if padding == "valid":
        return both_sides(0, len(stride))
    if padding != "same":
        raise ArgumentError(
            "this padding has no meaning",
            argument="padding",
            expected='numbers, "same" or "valid"',
            got=repr(padding),
        ).at("conv")
    if any(step != 1 for step in stride):
        raise ArgumentError(
            'padding "same" keeps the size, which a stride does not',
            argument="padding",
            expected="stride 1",
            got=f"stride {stride}",
            hint="give the padding as a number: (kernel_size - 1) // 2",
        ).at("conv")
    reach = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=False)]
    return tuple((cells // 2, cells - cells // 2) for cells in reach)


def add_bias(output: Tensor, bias: Tensor | None, op: str) -> Tensor:
    """One number added to every channel (the second dimension); None adds nothing."""
    if bias is None:
        return output
    same_floating(output, bias, names=("input", "bias"))
    check_bias(bias, output.shape[1], op)
    return output + bias.reshape(-1, *(1,) * (output.ndim - 2))
