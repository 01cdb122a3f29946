"""Windows of images as rows of a matrix, and back, by the kernels of `im2col.cu`."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn.backend import Array
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.windows import window_output_shape

from .launch import THREADS, blocks_for, c_type, launch
from .layout import empty_images, image_strides, index_type
from .windows import windows_struct


def im2col(xp: Any, x: Array, *, kernel_size: Shape, groups: int, **window: Any) -> Array:
    """Each window of x (N, C, H, W) as a row: (groups, N · places, C/groups · kernel height · kernel width).

    Args:
        xp: the array namespace.
        x: the images, in any order of memory.
        kernel_size: of the windows.
        groups: into how many matrices the channels are dealt.
        window: stride, padding and dilation, as the convolution has them.
    """
    size = window_output_shape(x.shape[2:], kernel_size, **window)
    count, depth = x.shape[0] * math.prod(size), x.shape[1] // groups * math.prod(kernel_size)
    rows = xp.empty((groups, count, depth), dtype=x.dtype)
    kind = index_type(x, rows)
    sweep = windows_struct(x.shape, (*x.shape[:2], *size), False, kind, kernel_size, **window)
    arguments = (x, image_strides(x, kind), rows, groups, sweep)
    launch("im2col.cu", "im2col", (c_type(x), kind), blocks_for(rows.size), (THREADS,), *arguments)
    return rows


def col2im(
    xp: Any, rows: Array, shape: Shape, *, kernel_size: Shape, channels_last: bool, **window: Any
) -> Array:
    """Images (N, C, H, W): each pixel is the sum of its copies in such rows, which must lie without gaps."""
    size = window_output_shape(shape[2:], kernel_size, **window)
    image = empty_images(xp, shape, rows.dtype, channels_last)
    kind = index_type(rows, image)
    sweep = windows_struct(shape, (*shape[:2], *size), channels_last, kind, kernel_size, **window)
    arguments = (rows, image, rows.shape[0], sweep)
    launch("im2col.cu", "col2im", (c_type(rows), kind), blocks_for(image.size), (THREADS,), *arguments)
    return image
