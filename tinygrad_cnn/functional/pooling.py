"""Pooling: an image becomes smaller, and a small shift of what it shows matters less.

    max_pool    keeps the strongest answer under each window      (the gradient goes to the winner)
    avg_pool    keeps the average under each window               (the gradient is shared out)

    [1, 5, 2, 0], window 2:    max → [5, 2]    average → [3, 1]

`kernel_size`, `stride`, `padding` and `dilation` are one number, or one for each spatial dimension; the
stride is the kernel's size unless given. Windows start at every stride-th cell; with `ceil_mode` the last
one may hang over the end. (`max_pool` returns one tensor or two, so its type is `Any`.)

What lies between the two is in `lp_pooling`, pools that are told the size of the result in `adaptive`, the
way back in `unpooling`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, as_index, count, float64
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.functional._spatial import Padding, Size, batched, both_sides, pool_window
from tinygrad_cnn.ops.creation import arange
from tinygrad_cnn.ops.pool import max_pool, max_pool_gather, sum_pool
from tinygrad_cnn.ops.stretching import expand
from tinygrad_cnn.windows import per_dimension, window_output_shape

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"]


# --- the largest ----------------------------------------------------------------------------------


def max_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number under each window of lines (N, C, L); the rest as for `max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.max_pool1d(tc.tensor([[[1.0, 5.0, 2.0, 0.0]]]), 2)
    tensor([[[5., 2.]]])
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, spatial=1)


def max_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number under each window of images.

    The first of equals wins and takes the whole gradient; NaN wins over everything (of several the first;
    PyTorch takes the last); padding never wins.

    Args:
        input: images (N, C, H, W), or one image (C, H, W); of floats or integers (these are compared as
            float64, so exactly up to 2⁵³).
        kernel_size: of the window.
        stride: by how many cells it moves; its own size by default.
        padding: cells around the image that belong to windows but never win; at most half the window.
        dilation: the distance between the window's cells.
        ceil_mode: let the last window hang over the end.
        return_indices: also tell where each winner stood, as its index in the flattened image (H · W).

    Returns:
        (N, C, H', W'), and with `return_indices` a second tensor of that shape, int64. A window that meets
        nothing but padding, which needs a dilation, gives −∞.

    Raises:
        ShapeError: the window is larger than the padded image.
        ArgumentError: a size, stride or dilation below 1, or a padding of more than half the window.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[[1.0, 1, 3, 4], [3, 6, 2, 8], [3, 9, 1, 0], [1, 3, 3, 4]]]])
    >>> tc.functional.max_pool2d(x, 2, return_indices=True)
    (tensor([[[[6., 8.],
              [9., 4.]]]]), tensor([[[[ 5,  7],
              [ 9, 15]]]]))
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, spatial=2)


def max_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number under each window of volumes (N, C, D, H, W); the rest as for `max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.max_pool3d(tc.ones(1, 2, 4, 4, 4), 2).shape
    (1, 2, 2, 2, 2)
    """
    return _max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, spatial=3)


def _max_pool(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool,
    *,
    spatial: int,
) -> Any:
    """Max pooling in any number of dimensions; integers are compared as float64 and stay integers."""
    kernel, steps = pool_window(kernel_size, stride, spatial)
    window = {
        "kernel_size": kernel,
        "stride": steps,
        "padding": both_sides(padding, spatial),
        "dilation": per_dimension(dilation, spatial, argument="dilation"),
    }
    images = x.unsqueeze(0) if x.ndim == spatial + 1 else x
    is_floating = images.dtype.is_floating
    output, winner = max_pool(images if is_floating else images.to(float64), **window, ceil_mode=ceil_mode)
    results = [output if is_floating else max_pool_gather(images, winner, **window)]
    if return_indices:
        # Number the cells of the plane, and look the numbers up where the winners stood.
        plane = images.shape[2:]
        numbers = arange(count(plane), backend=x.backend).reshape(1, 1, *plane)
        results.append(max_pool_gather(expand(numbers, shape=images.shape), winner, **window))
    if images is not x:
        results = [result.squeeze(0) for result in results]
    return (results[0], results[1]) if return_indices else results[0]


# --- the average ----------------------------------------------------------------------------------


def avg_pool1d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The average under each window of lines (N, C, L); the rest as for `avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.avg_pool1d(tc.ones(1, 1, 4), 3, stride=2, padding=1, ceil_mode=True)
    tensor([[[0.6667, 1.    , 0.5   ]]])
    """
    return _avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None, spatial=1)


def avg_pool2d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average under each window of images.

    Args:
        input: images (N, C, H, W), or one image (C, H, W), of floats.
        kernel_size: of the window.
        stride: by how many cells it moves; its own size by default.
        padding: cells of zeros around the image; at most half the window.
        ceil_mode: let the last window hang over the end; what hangs over is never counted.
        count_include_pad: whether a window divides by all its cells or only by those inside the image.
        divisor_override: divide by this number instead.

    Returns:
        (N, C, H', W'), or (C, H', W') for one image.

    Raises:
        ShapeError: the window is larger than the padded image.
        ArgumentError: a size or stride below 1, a padding of more than half the window, a divisor of 0.
        DTypeError: integers (PyTorch cuts their averages to integers).

    >>> import tinygrad_cnn as tc
    >>> tc.functional.avg_pool2d(tc.arange(16.0).reshape(1, 1, 4, 4), 2)
    tensor([[[[ 2.5,  4.5],
              [10.5, 12.5]]]])
    """
    return _avg_pool(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, spatial=2
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The average under each window of volumes (N, C, D, H, W); the rest as for `avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.avg_pool3d(tc.ones(1, 2, 4, 4, 4), 2).shape
    (1, 2, 2, 2, 2)
    """
    return _avg_pool(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, spatial=3
    )


def _avg_pool(
    x: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
    *,
    spatial: int,
) -> Tensor:
    kernel, steps = pool_window(kernel_size, stride, spatial)
    frame = both_sides(padding, spatial)
    if divisor_override is not None and as_index(divisor_override, argument="divisor_override") == 0:
        raise ArgumentError(
            "nothing can be divided by 0", argument="divisor_override", expected="a non-zero int", got=0
        ).at("avg_pool")

    def average(images: Tensor) -> Tensor:
        total: Tensor = sum_pool(images, kernel_size=kernel, stride=steps, padding=frame, ceil_mode=ceil_mode)
        if divisor_override is not None:
            return total / divisor_override
        cells = _cells(images.shape[2:], kernel, steps, frame, ceil_mode, count_include_pad)
        return total / _divisor(cells, like=images)

    return batched(average, x, spatial)


def _cells(
    spatial: Shape, kernel: Shape, stride: Shape, padding: Padding, ceil_mode: bool, count_include_pad: bool
) -> list[list[int]]:
    """For each dimension, how many cells each window divides by: those on the image or its padding."""
    out = window_output_shape(spatial, kernel, stride, padding, (1,) * len(kernel), ceil_mode)
    cells = []
    for size, k, step, (before, after), windows in zip(spatial, kernel, stride, padding, out, strict=True):
        first, last = (-before, size + after) if count_include_pad else (0, size)
        starts = [window * step - before for window in range(windows)]
        cells.append([min(start + k, last) - max(start, first) for start in starts])
    return cells


def _divisor(cells: Sequence[Sequence[int]], like: Tensor) -> Tensor | float:
    """The product of the counts along each dimension: one number if all windows agree."""
    if all(len(set(counts)) <= 1 for counts in cells):
        return float(math.prod(counts[0] for counts in cells if counts))
    divisor = tensor(1.0, dtype=like.dtype, backend=like.backend)
    for counts in cells:
        divisor = divisor.unsqueeze(-1) * tensor(counts, dtype=like.dtype, backend=like.backend)
    return divisor
