"""Convolution without cuDNN: windows become the rows of a matrix, and cuBLAS multiplies.

    rows = im2col(x)          (groups, N · places, C/groups · cells)
    out  = rows @ wᵀ          each row times each filter
    ∂w   = gᵀ @ rows          each filter collects the rows that it met, times what came of it
    ∂x   = col2im(g @ w)      each row gets its share of the filters, and each pixel sums its copies

These are the products of `ops/window.py`, transposed: with a row for each window, the outputs come out with
the channels of a pixel side by side (channels last), and no number has to be moved afterwards.

A pixel under nine windows is copied nine times, so a batch is taken in parts whose rows fit into
`BYTES_OF_ROWS`. What is not an image (volumes) or has no element at all is left to the readable kernels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.ops import window as ops
from tinygrad_cnn.windows import window_output_shape

from ..kernels.im2col import col2im, im2col

BYTES_OF_ROWS = 2**28
NARROW = ("float16", "bfloat16")


def conv(B: Backend, x: Array, w: Array, *, groups: int, **window: Any) -> Array:
    """Slide w (O, C/groups, kh, kw) over x (N, C, H, W)."""
    if not _are_images(x, w):
        return _readable(ops.conv, B, x, w, groups=groups, **window)
    xp, filters = B.xp, _as_matrices(B.xp, w, groups)
    size = window_output_shape(x.shape[2:], w.shape[2:], **window)
    parts = []
    for part in _parts(x, w.shape, groups, size):
        rows = im2col(xp, x[part], kernel_size=w.shape[2:], groups=groups, **window)
        products = xp.matmul(rows, xp.moveaxis(filters, 1, 2))  # (groups, N · places, O/groups)
        parts.append(xp.reshape(xp.moveaxis(products, 0, 1), (-1, *size, w.shape[0])))
    return xp.moveaxis(_joined(xp, parts), -1, 1)


def conv_input_grad(B: Backend, grad: Array, w: Array, *, size: Shape, groups: int, **window: Any) -> Array:
    """∂L/∂x, the images (N, C, *size) whose windows made what `grad` (N, O, H', W') belongs to."""
    if not _are_images(grad, w):
        return _readable(ops.conv_input_grad, B, grad, w, size=size, groups=groups, **window)
    xp, filters = B.xp, _as_matrices(B.xp, w, groups)
    channels = w.shape[1] * groups
    parts = []
    for part in _parts(grad, w.shape, groups, grad.shape[2:]):
        rows = xp.matmul(_grad_rows(xp, grad[part], groups), filters)
        shape = (grad[part].shape[0], channels, *size)
        image = col2im(xp, rows, shape, kernel_size=w.shape[2:], channels_last=True, **window)
        parts.append(xp.moveaxis(image, 1, -1))
    return xp.moveaxis(_joined(xp, parts), -1, 1)


def conv_weight_grad(
    B: Backend, x: Array, grad: Array, *, kernel_size: Shape, groups: int, **window: Any
) -> Array:
    """∂L/∂w (O, C/groups, *kernel_size), in rows as filters are."""
    if not _are_images(x, grad):
        return _readable(ops.conv_weight_grad, B, x, grad, kernel_size=kernel_size, groups=groups, **window)
    xp = B.xp
    shape = (grad.shape[1], x.shape[1] // groups, *kernel_size)
    sums_in = xp.float32 if x.dtype.name in NARROW else x.dtype
    total: Array = None
    for part in _parts(x, shape, groups, grad.shape[2:]):
        rows = im2col(xp, x[part], kernel_size=kernel_size, groups=groups, **window)
        products = xp.matmul(xp.moveaxis(_grad_rows(xp, grad[part], groups), 1, 2), rows)
        total = products if total is None else xp.astype(total, sums_in) + products
    return xp.reshape(xp.astype(total, x.dtype, copy=False), shape)


def _are_images(*arrays: Array) -> bool:
    return all(array.ndim == 4 and array.size for array in arrays)


def _readable(op: Any, B: Backend, *arrays: Array, **params: Any) -> Array:
    """The operation's own kernel; it sums, so floats of 16 bits become wider on the way."""
    dtype = arrays[0].dtype
    if dtype.name not in NARROW:
        return op.kernel(B, *arrays, **params)
    wide = op.kernel(B, *(B.xp.astype(array, B.xp.float32) for array in arrays), **params)
    return B.xp.astype(wide, dtype)


def _as_matrices(xp: Any, w: Array, groups: int) -> Array:
    """Filters as (groups, O/groups, C/groups · cells)."""
    return xp.reshape(w, (groups, w.shape[0] // groups, -1))


def _grad_rows(xp: Any, grad: Array, groups: int) -> Array:
    """The gradient of the outputs with a row for each window: (groups, N · places, O/groups).

    A view where it lies with the channels last and there is one group, a copy otherwise.
    """
    n, filters, *out = grad.shape
    rows = xp.reshape(xp.moveaxis(grad, 1, -1), (n * math.prod(out), groups, filters // groups))
    return xp.moveaxis(rows, 1, 0)


def _parts(batch: Array, filters: Shape, groups: int, size: Shape) -> Iterator[slice]:
    """As many images of a batch at a time as have rows that fit, and at least one."""
    bytes_of_one = batch.itemsize * math.prod(filters[1:]) * groups * math.prod(size)
    images = max(BYTES_OF_ROWS // bytes_of_one, 1)
    for start in range(0, batch.shape[0], images):
        yield slice(start, start + images)


def _joined(xp: Any, parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)
