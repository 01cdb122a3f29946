"""Convolution as one matrix product a row, with the columns of neighbouring rows written only once.

`im2col` writes a pixel once for every cell of the kernel, 25 times for a 5×5 kernel. With few filters there
is little to compute for each number, and the time goes into writing it. Here it is written once for every
*column* of the kernel, 5 times. Take the image as rows, and put the shifted copies of one row next to each
other, one for each kernel column:

    unrolled[h] = [ x[h, 0:W'], x[h, 1:W'+1], ..., x[h, 4:W'+4] ]

Output row r looks at the image rows r .. r+4, and unrolled[r] .. unrolled[r+4] already follow one another in
memory. So the matrix of all windows of row r is a *view*, and the matrix of the next row is the view that
starts one row later:

    out[r] = weights (O × K·C)  @  columns[r] (K·C × W'·N)                     one product a row
    ∂L/∂w  = Σᵣ g[r] @ columns[r]ᵀ

The gradient of the input, for a stride of 1, does half of the work forwards and half backwards. From row to
row, it is a convolution of g with the kernel upside down (see `im2col.py`), and the rows of g are shared as
they are, without being unrolled. From column to column it adds up (see `col2im.py`):

    ∂L/∂unrolled[h] = weightsᵀ (C·K' × O·K₀)  @  g[h-4 .. h]                   one product a row

Source: M. Cho and D. Brand, "MEC: Memory-efficient Convolution for Deep Neural Network" (ICML 2017).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .conv_steps import Cutter, Epilogue, Steps, contiguous, part_of, windows
from .memory import Arena, Array
from .sliding import Block, Sliding, blocks_of, length

BLOCK_NUMBERS = 1 << 18  # in the unrolled rows of a block: 1 MB in float32


def suits(sliding: Sliding, channels: int, batch: int) -> bool:
    """Whether neighbouring rows share anything, and in one piece, and are not too long for blocks of rows."""
    shared = sliding.kernel_size[0] > sliding.stride[0] and sliding.dilation[0] == 1
    return shared and unrolled_row(sliding, channels, batch) <= 4 * BLOCK_NUMBERS


def forward(arena: Arena, x: Array, w: Array, out: Array, sliding: Sliding, epilogue: Epilogue) -> Steps:
    """Slide w (G, O, C, *K) over x (G, C, *S, N) -> out (G, O, *S', N), which lies in order."""
    steps: Steps = []
    groups, filters = w.shape[:2]
    channels_last = w.transpose(0, 1, *range(3, w.ndim), 2)
    weights = contiguous(arena, steps, channels_last).reshape(groups, 1, filters, -1)
    by_row = _rows(out)
    flat = out.reshape(groups, filters, -1, copy=False)
    for rows, columns in _columns(arena, steps, x, sliding, _blocks_of_rows(x, sliding)):
        steps.append(partial(np.matmul, weights, columns, out=by_row[:, rows]))
        row = by_row.shape[-1]
        epilogue.finish(steps, flat[:, :, rows.start * row : rows.stop * row])
    return steps


def input_grad(arena: Arena, g: Array, w: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in x for a stride of 1: g (G, O, *S', N), w (G, O, C, *K) -> out (G, C, *S, N)."""
    steps: Steps = [partial(out.fill, 0)]
    groups, _, channels, _, *width = w.shape
    down, across = _down(sliding), _across(sliding)
    # (G, O, C, K₀, *K') -> (G, 1, K'·C, K₀·O), upside down
    upside_down = np.flip(w, 3).transpose(0, *range(4, w.ndim), 2, 3, 1)
    weights = contiguous(arena, steps, upside_down).reshape(groups, 1, across.cells * channels, -1)
    line = groups * across.cells * channels * across.places * g.shape[-1]
    parts = _blocks_of_rows(g, down, besides=line)
    memory = arena.take((line * length(parts[0]),), g.dtype)
    every = tuple(slice(0, size) for size in g.shape[3:])
    for rows, columns in _columns(arena, steps, g, down, parts):
        spread = part_of(memory, (groups, length(rows), *width, channels, *g.shape[3:]))
        products = spread.reshape(*columns.shape[:2], weights.shape[2], -1)
        steps.append(partial(np.matmul, weights, columns, out=products))
        by_cell = np.moveaxis(spread.swapaxes(1, -len(every) - 1), range(2, w.ndim - 2), range(len(width)))
        for cell, places, pixels in across.meetings(every):
            goal = out[:, :, rows, *pixels]
            steps.append(partial(np.add, goal, by_cell[cell][:, :, :, *places], out=goal))
    return steps


def weight_grad(arena: Arena, x: Array, g: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in w: x (G, C, *S, N), g (G, O, *S', N) -> out (G, O, C, *K)."""
    steps: Steps = []
    groups, filters, channels = out.shape[:3]
    g_rows = _rows(contiguous(arena, steps, g)).swapaxes(2, 3)
    total, part = (arena.take((groups, sliding.cells * channels, filters), x.dtype) for _ in range(2))
    parts = _blocks_of_rows(x, sliding)
    products = arena.take((groups, length(parts[0]), *total.shape[1:]), x.dtype)
    steps.append(partial(total.fill, 0))
    for rows, columns in _columns(arena, steps, x, sliding, parts):
        # (columns @ gᵀ) is the transpose of (g @ columnsᵀ); BLAS prefers the long side in front.
        of_rows = products[:, : length(rows)]
        steps.append(partial(np.matmul, columns, g_rows[:, rows], out=of_rows))
        steps.append(partial(np.add.reduce, of_rows, axis=1, out=part))
        steps.append(partial(np.add, total, part, out=total))
    by_filter = total.reshape(groups, *sliding.kernel_size, channels, filters)
    steps.append(partial(np.copyto, out, np.moveaxis(by_filter, (-1, -2), (1, 2))))
    return steps


def _down(sliding: Sliding) -> Sliding:
    """The windows over g, one column wide, of which a row of ∂L/∂unrolled is the sum."""
    one = (1,) * (len(sliding.size) - 1)
    back = sliding.backwards()
    return Sliding(
        size=back.size,
        output_size=(back.output_size[0], *back.size[1:]),
        kernel_size=(back.kernel_size[0], *one),
        stride=(1, *one),
        dilation=(1, *one),
        start=(back.start[0], *(0 for _ in one)),
    )


def _across(sliding: Sliding) -> Sliding:
    """The same windows in a single row."""
    return Sliding(*(numbers[1:] for numbers in sliding))


def _blocks_of_rows(x: Array, sliding: Sliding, besides: int = 0) -> list[slice]:
    """The rows of the output in blocks, the largest first; a row needs `besides` numbers in other memory."""
    row = besides + unrolled_row(sliding, x.shape[0] * x.shape[1], x.shape[-1])
    return [rows for (rows,) in blocks_of(sliding.output_size[:1], BLOCK_NUMBERS // row)]


def unrolled_row(sliding: Sliding, channels: int, batch: int) -> int:
    """How many numbers a row of the output adds to the unrolled rows: `stride` rows of the image."""
    row_cells, row_places = math.prod(sliding.kernel_size[1:]), math.prod(sliding.output_size[1:])
    return sliding.stride[0] * row_cells * channels * row_places * batch


def _rows(y: Array) -> Array:
    """(G, O, R, *S', N) -> (G, R, O, S'·N), a view."""
    return y.reshape(*y.shape[:3], -1).swapaxes(1, 2)


def _columns(
    arena: Arena, steps: Steps, x: Array, sliding: Sliding, rows: list[slice]
) -> Iterator[tuple[slice, Array]]:
    """Block by block of rows, the rows and their windows as columns, one matrix a row: (G, R, K·C, S'·N).

    The steps that write the columns of a block are added to `steps` when it is asked for.
    """
    every = tuple(slice(0, size) for size in (*sliding.output_size[1:], x.shape[-1]))
    parts: list[Block] = [(some, *every) for some in rows]
    boxes = list(map(sliding.pixels, parts))
    cutter = Cutter(arena, x, boxes)
    # Every row of the image on its own:
    one_row = sliding._replace(kernel_size=(1, *sliding.kernel_size[1:]), stride=(1, *sliding.stride[1:]))
    row = unrolled_row(one_row, x.shape[0] * x.shape[1], x.shape[-1])
    memory = arena.take((length(boxes[0][0]) * row,), x.dtype)
    for block, box in zip(parts, boxes, strict=True):
        cut = cutter.cut(steps, x, box)
        spread = windows(cut, one_row, (length(box[0]), *sliding.output_size[1:]))
        lead = spread.ndim - len(every) - 1  # (G, C, 1, *K') comes before (H, *S', N)
        spread = spread.transpose(0, lead, *range(2, lead), 1, *range(lead + 1, spread.ndim))
        unrolled = part_of(memory, spread.shape)
        steps.append(partial(np.copyto, unrolled, spread))
        yield block[0], _stacked(unrolled, sliding, length(block[0]))


def _stacked(unrolled: Array, sliding: Sliding, rows: int) -> Array:
    """For each row of the output its K₀ unrolled rows of the image as one matrix, a view."""
    groups, height, *line = unrolled.shape[: -len(sliding.output_size)]
    row_places = math.prod(unrolled.shape[-len(sliding.output_size) :])
    lines = unrolled.reshape(groups, height, math.prod(line), row_places)
    of_group, of_row, of_line, of_place = lines.strides
    return as_strided(
        lines,
        (groups, rows, sliding.kernel_size[0] * lines.shape[2], row_places),
        (of_group, of_row * sliding.stride[0], of_line, of_place),
        writeable=False,
    )
