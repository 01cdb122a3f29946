"""The gradient of a convolution's input by adding up columns: im2col backwards, for every stride.

`im2col` copies the windows of x into columns and multiplies them by the weights. So backwards,

    ∂L/∂columns = weightsᵀ @ g

and every number of a column is added to the pixel it was copied from. All first cells of the windows together
are one strided slice of the image, all second cells another (as in `pool.py`), so that this takes one
addition of arrays for each cell of the kernel, not one for each window.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .conv_steps import Steps, contiguous, part_of
from .memory import Arena, Array
from .sliding import Sliding, blocks_of, length, numbers, run

BLOCK_NUMBERS = 1 << 18  # in the columns of a block: 1 MB in float32


def input_grad(arena: Arena, g: Array, w: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in x: g (G, O, *S', N), w (G, O, C, *K) -> out (G, C, *S, N)."""
    steps: Steps = [partial(out.fill, 0)]
    groups, filters, channels = w.shape[:3]
    weights = contiguous(arena, steps, w).reshape(groups, filters, -1).swapaxes(1, 2)
    shape = g.shape[2:]
    g = contiguous(arena, steps, g).reshape(groups, filters, -1)
    lines = channels * sliding.cells
    # With a single filter (depthwise convolution) nothing is summed up, which BLAS is slow at.
    product = np.multiply if filters == 1 else np.matmul
    parts = list(blocks_of(shape, BLOCK_NUMBERS // (groups * lines)))
    memory = arena.take((groups * lines * numbers(parts[0]),), g.dtype)
    for block in parts:
        columns = part_of(memory, (groups, lines, numbers(block)))
        steps.append(partial(product, weights, g[:, :, run(block, shape)], out=columns))
        spread = columns.reshape(groups, channels, *sliding.kernel_size, *map(length, block))
        by_cell = np.moveaxis(spread, range(2, w.ndim - 1), range(w.ndim - 3))
        for cell, places, pixels in sliding.meetings(block):
            goal = out[:, :, *pixels]
            steps.append(partial(np.add, goal, by_cell[cell][:, :, *places], out=goal))
    return steps
