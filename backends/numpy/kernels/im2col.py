"""Convolution as one matrix product: im2col, image to columns.

Write every window of the image as a column of a matrix, and every filter as a line of another. Then a
convolution is the product of the two,

    out (O × S'·N) = weights (O × C·K)  @  columns (C·K × S'·N)

and the work is done by BLAS, the library of matrix products under NumPy, which is written for the caches of
the processor at hand and comes close to the most it can do. The price: windows overlap, so a 5×5 kernel has
every pixel written 25 times. For the whole batch that is more than a cache can hold, and the time would go
into moving numbers, not into multiplying them. So the columns are written for one block of windows at a time,
and those of the next block overwrite them.

The adjoints. For the weights it is a product with the same columns, summed over the blocks:

    ∂L/∂w = Σ g @ columnsᵀ

For the image, look at one pixel: the first cell of some window saw it, the second cell of the window one
further back, and so on to the last cell. If the stride is 1 (so that there is a window at each place), then
∂L/∂x is a convolution of g with the kernel turned by 180°. Other strides: see `col2im.py`.

A 1×1 kernel needs no columns: an image that lies batch-last is the matrix already.

Source: K. Chellapilla, S. Puri and P. Simard, "High Performance Convolutional Neural Networks for Document
Processing" (2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from .conv_steps import Cutter, Epilogue, Steps, contiguous, part_of, sum_of_products, turned, windows
from .memory import Arena, Array
from .sliding import Sliding, blocks_of, length, numbers, run

BLOCK_NUMBERS = 1 << 18  # in the columns of a block: 1 MB in float32


def forward(arena: Arena, x: Array, w: Array, out: Array, sliding: Sliding, epilogue: Epilogue) -> Steps:
    """Slide w (G, O, C, *K) over x (G, C, *S, N) -> out (G, O, *S', N), which lies in order."""
    steps: Steps = []
    groups, filters = w.shape[:2]
    weights = contiguous(arena, steps, w).reshape(groups, filters, -1)
    out = out.reshape(groups, filters, -1, copy=False)
    for place, columns in _columns(arena, steps, x, sliding):
        part = out[:, :, place]
        steps.append(partial(np.matmul, weights, columns, out=part))
        epilogue.finish(steps, part)
    return steps


def weight_grad(arena: Arena, x: Array, g: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in w: x (G, C, *S, N), g (G, O, *S', N) -> out (G, O, C, *K)."""
    steps: Steps = []
    groups, filters, channels = out.shape[:3]
    g = contiguous(arena, steps, g).reshape(groups, filters, -1)
    # (columns @ gᵀ) is the transpose of (g @ columnsᵀ); BLAS prefers the long side in front.
    pairs = (
        (columns, g[:, :, place].swapaxes(1, 2)) for place, columns in _columns(arena, steps, x, sliding)
    )
    total = sum_of_products(arena, steps, pairs, (groups, channels * sliding.cells, filters), x.dtype)
    by_filter = np.moveaxis(total.reshape(groups, channels, *sliding.kernel_size, filters), -1, 1)
    steps.append(partial(np.copyto, out, by_filter))
    return steps


def input_grad(arena: Arena, g: Array, w: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in x for a stride of 1: g (G, O, *S', N), w (G, O, C, *K) -> out (G, C, *S, N)."""
    return forward(arena, g, turned(w), out, sliding.backwards(), Epilogue())


def _columns(arena: Arena, steps: Steps, x: Array, sliding: Sliding) -> Iterator[tuple[slice, Array]]:
    """Block by block, where it lies in the flattened output, and its windows as columns (G, C·K, S'·N).

    The steps that write the columns of a block are added to `steps` when it is asked for.
    """
    groups, channels, *_, batch = x.shape
    lines = channels * sliding.cells
    shape = (*sliding.output_size, batch)
    parts = list(blocks_of(shape, BLOCK_NUMBERS // (groups * lines)))
    if sliding.is_pointwise:
        x = contiguous(arena, steps, x).reshape(groups, channels, -1)
        for place in (run(block, shape) for block in parts):
            yield place, x[:, :, place]
        return
    cutter = Cutter(arena, x, list(map(sliding.pixels, parts)))
    memory = arena.take((groups * lines * numbers(parts[0]),), x.dtype)
    for block in parts:
        cut = cutter.cut(steps, x, sliding.pixels(block))
        spread = windows(cut, sliding, tuple(map(length, block[:-1])))
        columns = part_of(memory, spread.shape)
        steps.append(partial(np.copyto, columns, spread))
        yield run(block, shape), columns.reshape(groups, lines, -1)
