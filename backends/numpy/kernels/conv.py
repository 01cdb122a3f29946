"""Convolution and its two adjoints as matrix products over unrolled rows.

The readable kernel contracts a view of all windows, which NumPy first has to write out in full: 25 copies
of the image for a 5×5 kernel. That is far more than the cache holds (the small, fast memory next to the
processor), so the time goes into moving numbers, not into multiplying them. Here the image is written out
once for each *column* of the kernel only, 5 times instead of 25.

Take the image as rows, and put the shifted copies of one row next to each other, one for each kernel column:

    unrolled[h] = [ x[h, 0:W'], x[h, 1:W'+1], ..., x[h, 4:W'+4] ]

Output row r looks at the image rows r .. r+4, and unrolled[r] .. unrolled[r+4] already follow one another
in memory. So the matrix whose columns are the windows of row r ("im2col", image to columns) is a *view*;
the matrix of the next row is the view that starts one row later, and a convolution is

    out[r] = weights (O × 25·C)  @  columns[r] (25·C × W'·N)                   one product a row

The products are the work of BLAS, the library of matrix products under NumPy, which is written for the
cache and uses all cores. The two adjoints walk the same path backwards:

    ∂L/∂w = Σᵣ g[r] @ columns[r]ᵀ               with the same columns
    ∂L/∂columns[r] = weightsᵀ @ g[r]            then every column is added to where it was copied from

Rows are taken in blocks, so that the memory for it stays small whatever the size of the image.

Sources: K. Chellapilla, S. Puri and P. Simard, "High Performance Convolutional Neural Networks for Document
Processing" (2006), for im2col; M. Cho and D. Brand, "MEC: Memory-efficient Convolution for Deep Neural
Network" (ICML 2017), for rows that share their overlap.

Shapes in the comments: G groups of C channels and O filters each; kernel (K₀, *K'), output (R, *S').
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygrad_cnn.windows import window_output_size

from .memory import Array, Ints, Padding, batch_first, batch_last

BLOCK_NUMBERS = 1 << 20  # 4 MB in float32: a share of the outer cache of a laptop
SHORT_ROW = 32  # a row with fewer numbers is not worth a matrix product of its own


def conv(
    B: object, x: Array, w: Array, *, stride: Ints, padding: Padding, dilation: Ints, groups: int
) -> Array:
    """Cross-correlate x (N, C, *S) with w (O, C/groups, *K) -> (N, O, *S')."""
    size, kernel_size = x.shape[2:], w.shape[2:]
    output_size = tuple(map(window_output_size, size, kernel_size, stride, padding, dilation))
    sweep = _sweep(size, output_size, kernel_size, stride, padding, dilation, batch=x.shape[0])
    image = _image(batch_last(x), groups, sweep)
    weights = _weight_matrices(w, groups)[:, None]
    out = np.empty((w.shape[0], *output_size, sweep.batch), x.dtype)
    out_rows = _rows(out, groups, sweep).swapaxes(1, 2)
    for rows in sweep.blocks(row_numbers=sweep.unrolled_row_numbers(channels=x.shape[1])):
        np.matmul(weights, _columns(image, sweep, rows), out=out_rows[:, rows])
    return batch_first(out)


def conv_weight_grad(
    B: object,
    x: Array,
    g: Array,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> Array:
    """The adjoint in w: x (N, C, *S), g (N, O, *S') -> (O, C/groups, *K)."""
    sweep = _sweep(x.shape[2:], g.shape[2:], kernel_size, stride, padding, dilation, batch=x.shape[0])
    image = _image(batch_last(x), groups, sweep)
    g_rows = _rows(batch_last(g), groups, sweep).swapaxes(1, 2)
    channels, filters, positions = x.shape[1] // groups, g.shape[1] // groups, math.prod(kernel_size)
    total = np.zeros((groups, positions * channels, filters), x.dtype)
    for rows in sweep.blocks(row_numbers=max(sweep.unrolled_row_numbers(x.shape[1]), total.size)):
        # (columns @ gᵀ) is the transpose of (g @ columnsᵀ); BLAS prefers the long side in front.
        products = np.matmul(_columns(image, sweep, rows), g_rows[:, rows].swapaxes(2, 3))
        total += products.sum(axis=1)
    by_filter = total.reshape(groups, positions, channels, filters).transpose(0, 3, 2, 1)
    return np.ascontiguousarray(by_filter).reshape(g.shape[1], channels, *kernel_size)


def conv_input_grad(
    B: object, g: Array, w: Array, *, size: Ints, stride: Ints, padding: Padding, dilation: Ints, groups: int
) -> Array:
    """The adjoint in x: g (N, O, *S'), w (O, C/groups, *K) -> (N, C, *size)."""
    sweep = _sweep(size, g.shape[2:], w.shape[2:], stride, padding, dilation, batch=g.shape[0])
    weights = _weight_matrices(w, groups).swapaxes(1, 2)
    g_rows = _rows(batch_last(g), groups, sweep)
    dx = np.zeros((w.shape[1] * groups, *size, sweep.batch), g.dtype)
    for rows in sweep.blocks(row_numbers=dx.shape[0] * math.prod(w.shape[2:]) * sweep.row_length):
        g_block = g_rows[:, :, rows]
        g_block = g_block.reshape(*g_block.shape[:2], (rows.stop - rows.start) * sweep.row_length)
        # With a single filter (depthwise convolution) nothing is added up, which BLAS is slow at.
        columns = weights * g_block if g_block.shape[1] == 1 else weights @ g_block
        _add_columns(columns, _image(dx, groups, sweep), sweep, rows)
    return batch_first(dx)


# --- the sizes of one convolution -----------------------------------------------------------------


class Sweep(NamedTuple):
    """How a kernel moves over a batch of images; tuples have one entry a spatial dimension, rows first."""

    size: Ints
    output_size: Ints
    kernel_size: Ints
    stride: Ints
    padding: Padding
    dilation: Ints
    batch: int

    @property
    def row_length(self) -> int:
        """Numbers in one row of the output, all images of the batch together: S'·N."""
        return math.prod(self.output_size[1:]) * self.batch

    @property
    def row_cells(self) -> int:
        """Cells in one row of the kernel: K'."""
        return math.prod(self.kernel_size[1:])

    def unrolled_row_numbers(self, channels: int) -> int:
        """Numbers in what one output row needs of the unrolled image (`stride` rows if rows are skipped)."""
        return channels * self.row_cells * self.row_length * self.stride[0]

    def blocks(self, row_numbers: int) -> Iterator[slice]:
        """The rows of the output in blocks of BLOCK_NUMBERS at most, or one by one where a row is more."""
        rows, step = self.output_size[0], max(1, BLOCK_NUMBERS // max(1, row_numbers))
        return (slice(start, min(start + step, rows)) for start in range(0, rows, step))

    @property
    def padded_row_size(self) -> list[int]:
        """The sizes of an image row (all dimensions but the first) with its padding."""
        return [size + sum(around) for size, around in zip(self.size[1:], self.padding[1:], strict=True)]

    def input_rows(self, rows: slice) -> tuple[int, int]:
        """The image rows start .. stop that a block of output rows sees; they may reach into the padding."""
        start = rows.start * self.stride[0] - self.padding[0][0]
        reach = self.dilation[0] * (self.kernel_size[0] - 1) + 1
        return start, start + (rows.stop - rows.start - 1) * self.stride[0] + reach

    def without_padding(self, start: int, stop: int) -> tuple[slice, list[slice]]:
        """Which of the rows start .. stop are rows of the image, and where it lies in them when padded."""
        height = self.size[0]
        first = min(max(start, 0), height)
        real = slice(first, max(first, min(stop, height)))
        inside = [slice(real.start - start, real.stop - start)]
        for size, (before, _) in zip(self.size[1:], self.padding[1:], strict=True):
            inside.append(slice(before, before + size))
        return real, inside


def _sweep(
    size: Ints,
    output_size: Ints,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    batch: int,
) -> Sweep:
    if math.prod(output_size[1:]) * batch >= SHORT_ROW:
        return Sweep(size, output_size, kernel_size, stride, tuple(padding), dilation, batch)
    # A product for each of many short rows would be all overhead. Call the whole image one row instead.
    return Sweep(
        (1, *size),
        (1, *output_size),
        (1, *kernel_size),
        (1, *stride),
        ((0, 0), *padding),
        (1, *dilation),
        batch,
    )


# --- arrays as matrices ---------------------------------------------------------------------------


def _image(x: Array, groups: int, sweep: Sweep) -> Array:
    """(C, *S, N) -> (G, C/G, *S, N), a view."""
    return x.reshape(groups, x.shape[0] // groups, *sweep.size, sweep.batch)


def _rows(y: Array, groups: int, sweep: Sweep) -> Array:
    """(O, R, *S', N) -> (G, O/G, R, S'·N), a view."""
    return y.reshape(groups, y.shape[0] // groups, sweep.output_size[0], sweep.row_length)


def _weight_matrices(w: Array, groups: int) -> Array:
    """(O, C/G, *K) -> (G, O/G, K·C/G): one line a filter, its channels innermost as in `_columns`."""
    return np.moveaxis(w, 1, -1).reshape(groups, w.shape[0] // groups, -1)


def _columns(image: Array, sweep: Sweep, rows: slice) -> Array:
    """The windows of a block of rows as matrices, one a row: (G, R, K₀·K'·C/G, S'·N)."""
    block = _cut_out(image, sweep, rows)
    groups, channels, height = block.shape[:3]
    of_group, of_channel, of_row, *of_pixel, of_image = block.strides  # bytes from one to the next
    every_shift = as_strided(
        block,
        (groups, height, *sweep.kernel_size[1:], channels, *sweep.output_size[1:], sweep.batch),
        (
            of_group,
            of_row,
            *map(operator.mul, of_pixel, sweep.dilation[1:]),
            of_channel,
            *map(operator.mul, of_pixel, sweep.stride[1:]),
            of_image,
        ),
        writeable=False,
    )
    lines = sweep.row_cells * channels
    unrolled = np.ascontiguousarray(every_shift).reshape(groups, height, lines, sweep.row_length)

    count, kernel_rows = rows.stop - rows.start, sweep.kernel_size[0]
    of_group, of_row, of_line, of_column = unrolled.strides
    windows = as_strided(
        unrolled,
        (groups, count, kernel_rows, lines, sweep.row_length),
        (of_group, of_row * sweep.stride[0], of_row * sweep.dilation[0], of_line, of_column),
        writeable=False,
    )
    # Still a view: a row's last line is followed by the next row. Only a dilation makes this a copy.
    return windows.reshape(groups, count, kernel_rows * lines, sweep.row_length)


def _add_columns(columns: Array, image: Array, sweep: Sweep, rows: slice) -> None:
    """The adjoint of `_columns`: add each number of (G, K₀·K'·C/G, R·S'·N) to the pixel it stands for."""
    groups, channels = image.shape[:2]
    start, stop = sweep.input_rows(rows)
    count, lines = rows.stop - rows.start, sweep.row_cells * channels
    columns = columns.reshape(groups, sweep.kernel_size[0], lines, count, sweep.row_length)
    unrolled = np.zeros((groups, lines, stop - start, sweep.row_length), columns.dtype)
    for k in range(sweep.kernel_size[0]):
        unrolled[:, :, _run(k * sweep.dilation[0], count, sweep.stride[0])] += columns[:, k]

    shape = (groups, *sweep.kernel_size[1:], channels, stop - start, *sweep.output_size[1:], sweep.batch)
    unrolled = unrolled.reshape(shape)
    block = np.zeros((groups, channels, stop - start, *sweep.padded_row_size, sweep.batch), columns.dtype)
    for position in np.ndindex(*sweep.kernel_size[1:]):
        pixels = map(
            _run, map(operator.mul, position, sweep.dilation[1:]), sweep.output_size[1:], sweep.stride[1:]
        )
        block[:, :, :, *pixels] += unrolled[:, *position]

    real, inside = sweep.without_padding(start, stop)
    image[:, :, real] += block[:, :, *inside]


def _cut_out(image: Array, sweep: Sweep, rows: slice) -> Array:
    """The image rows that a block of output rows sees, zeros around them where there is padding."""
    start, stop = sweep.input_rows(rows)
    real, inside = sweep.without_padding(start, stop)
    if not any(map(any, sweep.padding)):
        return image[:, :, real]  # a view will do
    block = np.zeros((*image.shape[:2], stop - start, *sweep.padded_row_size, sweep.batch), image.dtype)
    block[:, :, *inside] = image[:, :, real]
    return block


def _run(start: int, count: int, step: int) -> slice:
    """`count` places from `start` on, `step` apart."""
    return slice(start, start + (count - 1) * step + 1, step)
