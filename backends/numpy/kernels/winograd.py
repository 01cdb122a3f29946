"""Winograd's convolution F(4×4, 3×3): a 3×3 kernel with a quarter of the multiplications.

Take one dimension. Four neighbouring outputs look at six pixels, and with a kernel of 3 cells they cost
4·3 = 12 multiplications. So does the product of two polynomials with 4 and 3 coefficients. But this product
has degree 5, so it is known when its values at six points are known, and each of these is a product of two
values: six multiplications, between transforms that evaluate and interpolate. A convolution is the adjoint of
a product of polynomials and can be had for the same six. In two dimensions, for a tile of 4×4 outputs, that
makes 6·6 = 36 multiplications instead of 144:

    out = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ x B) ] A        x 6×6 pixels, w 3×3, out 4×4

The transforms cost something, too. But a channel of x is transformed once and used by all filters, and the
sum over the channels is taken before the way back. So with many channels most of the work lies in between: at
each of the 36 points, a product of matrices (O × C) @ (C × tiles).

The transforms are products of matrices themselves. With the 36 pixels under a tile written as a column,
Bᵀ x B is (Bᵀ ⊗ Bᵀ) @ x, where ⊗ is Kronecker's product. That takes more multiplications than Bᵀ from the left
and B from the right one after the other, and is as fast: it is a single call of BLAS for many tiles.

The two adjoints. ∂L/∂x is a convolution of g with the kernel turned by 180°, so it goes the same way. For
∂L/∂w the three transforms swap places:

    ∂L/∂w = Gᵀ [ Σ (A g Aᵀ) ⊙ (Bᵀ x B) ] G     summed over tiles and images, as a product of matrices

Accuracy. The transforms multiply by numbers larger than 1, and so they enlarge the rounding errors of
float32. A relative error of u in a number at one of the points makes an error of at most `AMPLIFICATION`·u in
an output, with `AMPLIFICATION` = 205, measured by the largest output that such a filter could have on such an
image, max|x| · Σ|w|. Errors at different points fall on both sides and mostly cancel: together they stay
below `ERROR_BOUND`, which is two of the worst ones. In a usual layer, with numbers from a normal
distribution, they are hundreds of times smaller, about 1e-6 of the largest output. That is owed to the
points; with 0, ±1, ±2 it would be four times as much. One more difference: a NaN or ∞ in x makes NaNs of all
4×4 outputs of a tile that looks at it.

Sources: S. Winograd, "Arithmetic Complexity of Computations" (1980); A. Lavin and S. Gray, "Fast Algorithms
for Convolutional Neural Networks" (CVPR 2016, arXiv:1509.09308); B. Barabasz, A. Anderson, K. Soodhalter and
D. Gregg, "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep Neural Networks" (2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from .conv_steps import Cutter, Epilogue, Steps, contiguous, part_of, sum_of_products, windows
from .memory import Arena, Array
from .sliding import Block, Sliding, blocks_of, length, numbers

TILE, KERNEL_SIZE = 4, 3
POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)  # and ∞; so chosen, A and B are exact in float32
PATCH = len(POINTS) + 1  # pixels that a tile looks at
AREA = PATCH * PATCH

BLOCK_NUMBERS = 1 << 20  # at all points: 4 MB
LEAST_TILES = 128  # in a block, so that its products are worth a call
CHUNK_NUMBERS = 1 << 18  # of a block on its way to the points or back: 1 MB


def matrices() -> tuple[Array, Array, Array]:
    """Aᵀ (4×6), G (6×3) and Bᵀ (6×6) for one dimension.

    Column j of Aᵀ holds the powers of point j. Row j of Bᵀ holds the coefficients of the polynomial that is 0
    at all other points, and row j of G scales it to 1 at its own: Lagrange's interpolation. The last ones
    belong to ∞, where a polynomial's value is its leading coefficient.
    """
    others = [[q for q in POINTS if q != p] for p in POINTS]
    a_t = [[p**i for p in POINTS] + [float(i == TILE - 1)] for i in range(TILE)]
    g = [
        [p**k / math.prod(p - q for q in qs) for k in range(KERNEL_SIZE)]
        for p, qs in zip(POINTS, others, strict=True)
    ]
    b_t = [[*np.poly(qs)[::-1], 0.0] for qs in others]
    return (
        np.array(a_t),
        np.array([*g, [0.0, 0.0, 1.0]]),
        np.array([*b_t, np.poly(POINTS)[::-1]]),
    )


# For two dimensions, on columns: 16×36, 36×9, 36×36.
OUTPUT, KERNEL, INPUT = (np.kron(m, m).astype(np.float32) for m in matrices())
KERNEL_TURNED = np.ascontiguousarray(KERNEL[:, ::-1])
OUTPUT_T, KERNEL_T = np.ascontiguousarray(OUTPUT.T), np.ascontiguousarray(KERNEL.T)


def _amplification() -> float:
    """Σ |Aᵀ| |G| |Bᵀ| over the points, for the output and the cell of the kernel where it is largest."""
    a_t, g, b_t = map(np.abs, matrices())
    return float((a_t @ (g * b_t.sum(axis=1, keepdims=True))).max()) ** 2  # one for each dimension


AMPLIFICATION = _amplification()
ERROR_BOUND = 2 * AMPLIFICATION * 2.0**-24  # 2⁻²⁴ = u, the largest relative error of rounding to float32


def suits(sliding: Sliding, groups: int, dtype: np.dtype[np.generic]) -> bool:
    """Whether this is a convolution that can be computed so."""
    return (
        sliding.kernel_size == (KERNEL_SIZE, KERNEL_SIZE)
        and sliding.stride == sliding.dilation == (1, 1)
        and groups == 1
        and dtype == np.float32
    )


def forward(arena: Arena, x: Array, w: Array, out: Array, sliding: Sliding, epilogue: Epilogue) -> Steps:
    """Slide w (1, O, C, 3, 3) over x (1, C, *S, N) -> out (1, O, *S', N)."""
    steps: Steps = []
    weights = _kernel_at_points(arena, steps, w, KERNEL)
    _convolve(arena, steps, x, weights, out, sliding, epilogue)
    return steps


def input_grad(arena: Arena, g: Array, w: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in x: g (1, O, *S', N), w (1, O, C, 3, 3) -> out (1, C, *S, N)."""
    steps: Steps = []
    weights = _kernel_at_points(arena, steps, w, KERNEL_TURNED).swapaxes(1, 2)
    _convolve(arena, steps, g, weights, out, sliding.backwards(), Epilogue())
    return steps


def weight_grad(arena: Arena, x: Array, g: Array, out: Array, sliding: Sliding) -> Steps:
    """The adjoint in w: x (1, C, *S, N), g (1, O, *S', N) -> out (1, O, C, 3, 3)."""
    steps: Steps = []
    filters, channels = out.shape[1:3]
    patches, parts = tiling(sliding, channels + filters, x.shape[-1])
    tiles = patches._replace(size=sliding.output_size, kernel_size=(TILE, TILE), start=(0, 0))
    x_at_points = _to_points(arena, steps, x, patches, parts, INPUT)
    g_at_points = _to_points(arena, steps, g, tiles, parts, OUTPUT_T)
    pairs = ((g_at_points(block), x_at_points(block).swapaxes(1, 2)) for block in parts)
    total = sum_of_products(arena, steps, pairs, (AREA, filters, channels), x.dtype)

    cells = arena.take((KERNEL_SIZE, KERNEL_SIZE, filters, channels), x.dtype)
    steps.append(partial(np.matmul, KERNEL_T, total.reshape(AREA, -1), out=cells.reshape(len(KERNEL_T), -1)))
    steps.append(partial(np.copyto, out[0], cells.transpose(2, 3, 0, 1)))
    return steps


def tiling(sliding: Sliding, channels: int, batch: int) -> tuple[Sliding, list[Block]]:
    """The 6×6 patches under the tiles of the output, and blocks of them."""
    patches = sliding._replace(
        output_size=tuple(-(-size // TILE) for size in sliding.output_size),
        kernel_size=(PATCH, PATCH),
        stride=(TILE, TILE),
    )
    most = max(LEAST_TILES, BLOCK_NUMBERS // (AREA * channels))
    return patches, list(blocks_of((*patches.output_size, batch), most))


def _convolve(
    arena: Arena,
    steps: Steps,
    x: Array,
    weights: Array,
    out: Array,
    sliding: Sliding,
    epilogue: Epilogue,
) -> None:
    """Between two transforms, a product at each of the 36 points: (O × C) @ (C × tiles)."""
    filters, channels = weights.shape[1:]
    patches, parts = tiling(sliding, channels + filters, x.shape[-1])
    x_at_points = _to_points(arena, steps, x, patches, parts, INPUT)
    to_output = _from_points(arena, steps, out[0], parts, epilogue)
    memory = arena.take((AREA * filters * numbers(parts[0]),), x.dtype)
    for block in parts:
        products = part_of(memory, (AREA, filters, numbers(block)))
        steps.append(partial(np.matmul, weights, x_at_points(block), out=products))
        to_output(products, block)


def _kernel_at_points(arena: Arena, steps: Steps, w: Array, matrix: Array) -> Array:
    """G w Gᵀ of w (1, O, C, 3, 3) -> (36, O, C)."""
    cells = contiguous(arena, steps, w).reshape(-1, KERNEL_SIZE**2).T
    at_points = arena.take((AREA, *w.shape[1:3]), w.dtype)
    steps.append(partial(np.matmul, matrix, cells, out=at_points.reshape(AREA, -1)))
    return at_points


def _to_points(
    arena: Arena, steps: Steps, image: Array, patches: Sliding, parts: list[Block], matrix: Array
) -> Callable[[Block], Array]:
    """Bᵀ x B of an image (1, C, *S, N), a block of patches at a time -> (36, C, tiles).

    A few channels at a time, so that their patches are still in the cache when they are transformed.
    """
    channels, most = image.shape[1], numbers(parts[0])
    chunks = _chunks(channels, most)
    at_points = arena.take((AREA * channels * most,), image.dtype)
    gathered = arena.take((patches.cells * length(chunks[0]) * most,), image.dtype)
    cutter = Cutter(arena, image[:, chunks[0]], list(map(patches.pixels, parts)))

    def to_points(block: Block) -> Array:
        tiles, box, places = numbers(block), patches.pixels(block), tuple(map(length, block[:-1]))
        result = part_of(at_points, (AREA, channels * tiles))
        for chunk in chunks:
            cut = cutter.cut(steps, image[:, chunk], box)
            spread = windows(cut, patches, places)[0].transpose(1, 2, 0, 3, 4, 5)
            columns = part_of(gathered, spread.shape)
            steps.append(partial(np.copyto, columns, spread))
            columns = columns.reshape(patches.cells, -1)
            goal = result[:, chunk.start * tiles : chunk.stop * tiles]
            steps.append(partial(np.matmul, matrix, columns, out=goal))
        return result.reshape(AREA, channels, tiles)

    return to_points


def _from_points(
    arena: Arena, steps: Steps, out: Array, parts: list[Block], epilogue: Epilogue
) -> Callable[[Array, Block], None]:
    """Aᵀ m A of m (36, O, tiles), a block at a time, into out (O, *S', N)."""
    filters, most = out.shape[0], numbers(parts[0])
    chunks = _chunks(filters, most)
    memory, margin = (arena.take((TILE * TILE * length(chunks[0]) * most,), out.dtype) for _ in range(2))

    def from_points(products: Array, block: Block) -> None:
        rows, columns, images = block
        tiles = numbers(block)
        for chunk in chunks:
            result = part_of(memory, (TILE * TILE, length(chunk), tiles))
            chosen = products[:, chunk].reshape(AREA, -1)
            steps.append(partial(np.matmul, OUTPUT, chosen, out=result.reshape(TILE * TILE, -1)))
            epilogue.finish(steps, result, chunk)
            goal = out[chunk, _pixels(rows), _pixels(columns), images]
            _put_tiles(steps, result.reshape(TILE, TILE, length(chunk), *map(length, block)), goal, margin)

    return from_points


def _put_tiles(steps: Steps, result: Array, goal: Array, margin: Array) -> None:
    """Put tiles (4, 4, O, rows, columns, N) next to each other; those at the edge may hang over."""
    tiles = result.transpose(2, 3, 0, 4, 1, 5)
    filters, rows, _, columns, _, images = tiles.shape
    whole = (filters, rows * TILE, columns * TILE, images)
    if goal.shape == whole:
        steps.append(partial(np.copyto, goal.reshape(tiles.shape), tiles))
        return
    image = part_of(margin, whole)
    steps.append(partial(np.copyto, image.reshape(tiles.shape), tiles))
    steps.append(partial(np.copyto, goal, image[:, : goal.shape[1], : goal.shape[2]]))


def _chunks(channels: int, tiles: int) -> list[slice]:
    most = CHUNK_NUMBERS // (AREA * max(1, tiles))
    return [chunk for (chunk,) in blocks_of((channels,), most)]


def _pixels(tiles: slice) -> slice:
    return slice(tiles.start * TILE, tiles.stop * TILE)
