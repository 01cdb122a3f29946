"""Pooling by the kernels of `pool.cu`; see `tinygrad_cnn/ops/pool.py` for what is computed.

Images of two spatial dimensions, in floats of 16 bits or more; the readable kernels do the rest.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.ops import pool as ops
from tinygrad_cnn.windows import window_output_shape

from .choice import has_floats_of_any_width, instead_of
from .launch import C_TYPES, THREADS, blocks_for, c_type, launch
from .layout import empty_images, image_strides, index_type, is_channels_last
from .windows import windows_struct

_ONES = (1, 1)


def _are_images(x: Array) -> bool:
    return x.ndim == 4 and has_floats_of_any_width(x)


@instead_of(ops.max_pool, _are_images)
def max_pool(
    B: Backend, x: Array, *, kernel_size: Shape, ceil_mode: bool, **window: Any
) -> tuple[Array, Array]:
    """The largest number under each window and the cell it stood in."""
    shape = (*x.shape[:2], *window_output_shape(x.shape[2:], kernel_size, **window, ceil_mode=ceil_mode))
    last = is_channels_last(x)
    out = empty_images(B.xp, shape, x.dtype, last)
    winner = empty_images(B.xp, shape, ops._winner_dtype(kernel_size).name, last)
    kind = index_type(x, out)
    types = (c_type(x), c_type(winner), kind)
    sweep = windows_struct(x.shape, shape, last, kind, kernel_size, **window)
    _launch_over(out, "max_pool", types, x, image_strides(x, kind), out, winner, sweep)
    return out, winner


@instead_of(ops.max_pool_scatter, _are_images)
def max_pool_scatter(
    B: Backend, grad: Array, winner: Array, *, size: Shape, kernel_size: Shape, **window: Any
) -> Array:
    """Images of that size, with each gradient added at its window's winner."""
    winner = _countable(B.xp, winner)
    last = is_channels_last(grad)
    image = empty_images(B.xp, (*grad.shape[:2], *size), grad.dtype, last)
    kind = index_type(grad, winner, image)
    sweep = windows_struct(image.shape, grad.shape, last, kind, kernel_size, **window)
    inputs = (grad, image_strides(grad, kind), winner, image_strides(winner, kind))
    _launch_over(image, "max_pool_scatter", (c_type(grad), c_type(winner), kind), *inputs, image, sweep)
    return image


@instead_of(ops.max_pool_gather, _are_images)
def max_pool_gather(B: Backend, x: Array, winner: Array, *, kernel_size: Shape, **window: Any) -> Array:
    """What stands in x at the winners of an earlier max pooling."""
    winner = _countable(B.xp, winner)
    last = is_channels_last(x)
    out = empty_images(B.xp, winner.shape, x.dtype, last)
    kind = index_type(x, winner, out)
    sweep = windows_struct(x.shape, out.shape, last, kind, kernel_size, **window)
    inputs = (x, image_strides(x, kind), winner, image_strides(winner, kind))
    _launch_over(out, "max_pool_gather", (c_type(x), c_type(winner), kind), *inputs, out, sweep)
    return out


@instead_of(ops.sum_pool, _are_images)
def sum_pool(
    B: Backend, x: Array, *, kernel_size: Shape, stride: Shape, padding: Any, ceil_mode: bool
) -> Array:
    """The sum under each window."""
    size = window_output_shape(x.shape[2:], kernel_size, stride, padding, _ONES, ceil_mode)
    last = is_channels_last(x)
    out = empty_images(B.xp, (*x.shape[:2], *size), x.dtype, last)
    kind = index_type(x, out)
    sweep = windows_struct(x.shape, out.shape, last, kind, kernel_size, stride, padding, _ONES)
    _launch_over(out, "sum_pool", (c_type(x), kind), x, image_strides(x, kind), out, sweep)
    return out


@instead_of(ops.sum_pool_input_grad, _are_images)
def sum_pool_input_grad(
    B: Backend, grad: Array, *, size: Shape, kernel_size: Shape, stride: Shape, padding: Any, ceil_mode: bool
) -> Array:
    """Each gradient, handed to every pixel of its window."""
    last = is_channels_last(grad)
    image = empty_images(B.xp, (*grad.shape[:2], *size), grad.dtype, last)
    kind = index_type(grad, image)
    sweep = windows_struct(image.shape, grad.shape, last, kind, kernel_size, stride, padding, _ONES)
    inputs = (grad, image_strides(grad, kind))
    _launch_over(image, "sum_pool_input_grad", (c_type(grad), kind), *inputs, image, sweep)
    return image


def _countable(xp: Any, winner: Array) -> Array:
    """Winners as integers that the kernels are compiled for; others come only from outside."""
    return winner if winner.dtype.name in C_TYPES else xp.astype(winner, xp.int64)


def _launch_over(result: Array, kernel: str, types: tuple[str, ...], *arguments: Any) -> None:
    """One thread for each number of the result."""
    launch("pool.cu", kernel, types, blocks_for(result.size), (THREADS,), *arguments)
