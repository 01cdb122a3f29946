"""Batch normalization by the kernels of `batch_norm.cu`; what is computed stands in ops/normalize.py.

Two more functions than there are operations: a network's batch normalization is mostly followed by a ReLU, in
a residual network after an addition, and one kernel can do all three in one pass over memory.

Images of 16-bit floats come with weight, bias and statistics in float32, or all in the same 16 bits; the
kernels know the former, so the latter are cast.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import count
from tinygrad_cnn.ops import normalize as ops

from .choice import has_floats_of_any_width, instead_of
from .launch import C_TYPES, THREADS, blocks_for, c_type, computed_in, launch, struct
from .layout import empty_images, in_rows, index_type, is_channels_last, strides_of

CHANNELS = ("images", "channels", "places", "channels_last")
MOMENTS, SUMS = 3, 2  # how many float64 numbers a part is
NUMBERS_A_THREAD = 16  # at least, or more threads are no help
MOST_BLOCKS = 512  # some for each processor of a large GPU; more would leave more parts to put together
WIDEST = 32  # channels side by side: a warp


@instead_of(ops.batch_norm, has_floats_of_any_width)
def batch_norm(B: Backend, x: Array, weight: Array, bias: Array, *, eps: float) -> tuple[Array, Array, Array]:
    """Every channel standardized, scaled and shifted: (out, mean, biased variance)."""
    return _normalized(B, x, weight, bias, None, eps, relu=False)


def batch_norm_relu(
    B: Backend, x: Array, weight: Array, bias: Array, residual: Array | None = None, *, eps: float
) -> tuple[Array, Array, Array]:
    """relu(batch_norm(x) + residual), and the statistics as `batch_norm` gives them."""
    return _normalized(B, x, weight, bias, residual, eps, relu=True)


@instead_of(ops.batch_norm_grad, has_floats_of_any_width)
def batch_norm_grad(
    B: Backend, g: Array, x: Array, weight: Array, mean: Array, var: Array, *, eps: float
) -> tuple[Array, Array, Array]:
    """The gradients of x, weight and bias."""
    return _gradients(B, g, x, weight, mean, var, None, None, eps)


def batch_norm_relu_grad(
    B: Backend,
    g: Array,
    x: Array,
    weight: Array,
    mean: Array,
    var: Array,
    out: Array,
    *,
    eps: float,
    residual: bool,
) -> tuple[Array, ...]:
    """The gradients of x, weight, bias and, if wanted, of the residual.

    `out` is what `batch_norm_relu` returned; the gradient of the residual is g where `out` is not 0.
    """
    x = _walkable(x)  # first, because what is made lies as it does
    masked = empty_images(B.xp, x.shape, x.dtype, is_channels_last(x)) if residual else None
    gradients = _gradients(B, g, x, weight, mean, var, out, masked, eps)
    return gradients if masked is None else (*gradients, masked)


def _normalized(
    B: Backend, x: Array, weight: Array, bias: Array, residual: Array | None, eps: float, *, relu: bool
) -> tuple[Array, Array, Array]:
    xp, x, residual = B.xp, _walkable(x), _walkable(residual)
    sweep = _Sweep.over(x, residual)
    mean, var = (xp.empty(weight.shape, dtype=computed_in(x)) for _ in range(2))
    parts = xp.empty((sweep.parts, x.shape[1], MOMENTS), dtype=xp.float64)
    sweep.launch_parts("batch_norm_parts", x, sweep.strides(x), sweep.shape, parts)
    sweep.launch_finish("batch_norm_finish", parts, mean, var)

    out = empty_images(xp, x.shape, x.dtype, is_channels_last(x))
    inputs = (x, sweep.strides(x), residual, sweep.strides(residual))
    vectors = (mean, var, *(_vector(xp, vector, computed_in(x)) for vector in (weight, bias)))
    sweep.launch_apply("batch_norm_apply", *inputs, *vectors, float(eps), relu, out, sweep.shape)
    return out, *(_vector(xp, vector, weight.dtype) for vector in (mean, var))


def _gradients(
    B: Backend,
    g: Array,
    x: Array,
    weight: Array,
    mean: Array,
    var: Array,
    relu_out: Array | None,
    residual_grad: Array | None,
    eps: float,
) -> tuple[Array, Array, Array]:
    xp = B.xp
    g, x, relu_out = (_walkable(array) for array in (g, x, relu_out))
    dtype, kind = weight.dtype, computed_in(x)
    weight, mean, var = (_vector(xp, vector, kind) for vector in (weight, mean, var))
    sweep = _Sweep.over(x, g, relu_out)
    inputs = [part for array in (g, x, relu_out) for part in (array, sweep.strides(array))]
    weight_grad, bias_grad = (xp.empty(weight.shape, dtype=kind) for _ in range(2))
    parts = xp.empty((sweep.parts, x.shape[1], SUMS), dtype=xp.float64)
    sweep.launch_parts("batch_norm_grad_parts", *inputs, mean, var, float(eps), sweep.shape, parts)
    sweep.launch_finish("batch_norm_grad_finish", parts, weight_grad, bias_grad)

    x_grad = empty_images(xp, x.shape, x.dtype, is_channels_last(x))
    vectors = (weight, mean, var, weight_grad, bias_grad)
    results = (float(eps), sweep.shape, x_grad, residual_grad)
    sweep.launch_apply("batch_norm_grad_apply", *inputs, *vectors, *results)
    return x_grad, *(_vector(xp, vector, dtype) for vector in (weight_grad, bias_grad))


def _vector(xp: Any, vector: Array, dtype: Any) -> Array:
    """One number a channel, side by side in memory and in this dtype."""
    return in_rows(xp.astype(vector, dtype, copy=False))


class _Sweep(NamedTuple):
    """How blocks are laid over an array (N, C, *S), and how its three kernels are started."""

    types: tuple[str, str]  # Stored and Index
    computed: str  # Math<Stored>
    shape: np.ndarray[Any, Any]  # the `Channels` of batch_norm.cu
    size: int
    channels: int
    across: int  # channels in a block
    parts: int  # blocks that share a channel

    @classmethod
    def over(cls, x: Array, *others: Array | None) -> _Sweep:
        images, channels, *places = x.shape
        last = is_channels_last(x)
        kind = index_type(x, *(array for array in others if array is not None))
        shape = struct(CHANNELS, (images, channels, count(tuple(places)), last), kind)
        across = min(WIDEST, 1 << (channels - 1).bit_length()) if last else 1
        columns = max(-(-channels // across), 1)
        parts = _parts(images * count(tuple(places)) * across, columns)
        return cls((c_type(x), kind), C_TYPES[computed_in(x)], shape, x.size, channels, across, parts)

    def strides(self, array: Array | None) -> np.ndarray[Any, Any]:
        """The `Strides3` of an array: images, channels, places."""
        values = (0, 0, 0) if array is None else (*strides_of(array)[:2], _place_stride(array) or 0)
        return struct(("n", "c", "s"), values, self.types[1])

    def launch_parts(self, kernel: str, *arguments: Any) -> None:
        grid = (-(-self.channels // self.across), self.parts)
        block = (self.across, THREADS // self.across)
        launch("batch_norm.cu", kernel, self.types, grid, block, *arguments)

    def launch_finish(self, kernel: str, parts: Array, *results: Array) -> None:
        block = (1, min(THREADS, max(1 << (self.parts - 1).bit_length(), 1)))
        arguments = (parts, self.parts, self.channels, *results)
        launch("batch_norm.cu", kernel, (self.computed,), (self.channels,), block, *arguments)

    def launch_apply(self, kernel: str, *arguments: Any) -> None:
        launch("batch_norm.cu", kernel, self.types, blocks_for(self.size), (THREADS,), *arguments)


def _parts(values: int, columns: int) -> int:
    """How many blocks share so many values; `columns` times as many blocks will run."""
    return max(min(values // (THREADS * NUMBERS_A_THREAD), MOST_BLOCKS // columns), 1)


def _walkable(array: Array | None) -> Array | None:
    """The array, or a copy of it if its places do not follow each other at one distance."""
    return array if array is None or _place_stride(array) is not None else in_rows(array)


def _place_stride(array: Array) -> int | None:
    """The distance at which all places of (N, C, *S) follow each other, row by row; None if there is none."""
    distance, expected = 0, None
    for size, step in reversed(list(zip(array.shape, strides_of(array), strict=True))[2:]):
        if size == 1:
            continue
        if expected is None:
            distance = step
        elif step != expected:
            return None
        expected = step * size
    return distance
