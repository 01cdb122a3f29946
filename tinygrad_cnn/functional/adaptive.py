"""Pools that are told the size of the result: adaptive pooling, and global pooling, whose result is one cell.

The classifier of a network needs a fixed number of features. With such a pool before it, the network takes
images of any size. Along a dimension of n cells, window i of m covers

    ⌊i·n/m⌋ ... ⌈(i + 1)·n/m⌉ − 1            n = 5, m = 3:   [0 1]  [1 2 3]  [3 4]

so windows cover everything, differ in length by one cell at most, and overlap where n/m is no whole number.

A window of an image is every cell of some rows in some columns. Its average is the average of the averages
of its rows, and its largest element the largest of the largest of its rows: so one dimension is done after
the other, the last one first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, as_index, count, int64, require_floating
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.creation import arange

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "global_avg_pool",
    "global_max_pool",
]

OutputSize: TypeAlias = "int | Sequence[int | None] | None"


# --- the average ----------------------------------------------------------------------------------


def adaptive_avg_pool1d(input: Tensor, output_size: OutputSize) -> Tensor:
    """Averages over lines (N, C, L), as many as asked for; the rest as for `adaptive_avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.adaptive_avg_pool1d(tc.tensor([[[1.0, 3.0, 5.0, 7.0, 9.0]]]), 3)
    tensor([[[2., 5., 8.]]])
    """
    return _adaptive_avg_pool(input, output_size, spatial=1)


def adaptive_avg_pool2d(input: Tensor, output_size: OutputSize) -> Tensor:
    """Averages over images, as many as asked for.

    Args:
        input: images (N, C, H, W), or one image (C, H, W), of floats.
        output_size: (H', W'), or one number for both; None keeps the size of the input. It may be larger
            than the input: then elements are repeated.

    Returns:
        (N, C, H', W'), or (C, H', W') for one image.

    Raises:
        ShapeError: images without cells, or another number of dimensions.
        ArgumentError: a negative size, or another number of sizes.
        DTypeError: integers.

    >>> import tinygrad_cnn as tc
    >>> x = tc.arange(16.0).reshape(1, 1, 4, 4)
    >>> tc.functional.adaptive_avg_pool2d(x, (2, None))
    tensor([[[[ 2.,  3.,  4.,  5.],
              [10., 11., 12., 13.]]]])
    """
    return _adaptive_avg_pool(input, output_size, spatial=2)


def adaptive_avg_pool3d(input: Tensor, output_size: OutputSize) -> Tensor:
    """Averages over volumes (N, C, D, H, W), as many as asked for; the rest as for `adaptive_avg_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.adaptive_avg_pool3d(tc.ones(1, 2, 5, 6, 7), (1, 2, 3)).shape
    (1, 2, 1, 2, 3)
    """
    return _adaptive_avg_pool(input, output_size, spatial=3)


def _adaptive_avg_pool(x: Tensor, output_size: OutputSize, *, spatial: int) -> Tensor:
    sizes = _checked_sizes(x, output_size, spatial)
    require_floating(x, "input")
    for dim in _last_dims_first(x, spatial):
        x = _averages(x, dim, _windows(x.shape[dim], sizes[dim - x.ndim]))
    return x


def _averages(x: Tensor, dim: int, windows: Sequence[range]) -> Tensor:
    cells = _under(x, dim, windows)
    if len({len(window) for window in windows}) <= 1:
        return cells.mean(dim + 1)
    # Shorter windows were filled up with a repeated cell, which does not count.
    rest = (1,) * (x.ndim - dim - 1)
    lengths = tensor([len(window) for window in windows], backend=x.backend).reshape(-1, 1, *rest)
    counted = arange(cells.shape[dim + 1], backend=x.backend).reshape(-1, *rest) < lengths
    total: Tensor = where(counted, cells, 0).sum(dim + 1)
    return total / lengths.squeeze(1)


# --- the largest ----------------------------------------------------------------------------------


def adaptive_max_pool1d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """The largest numbers of lines (N, C, L), as many as asked for; the rest as for `adaptive_max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.adaptive_max_pool1d(tc.tensor([[[1.0, 3.0, 5.0, 7.0, 9.0]]]), 3)
    tensor([[[3., 7., 9.]]])
    """
    return _adaptive_max_pool(input, output_size, return_indices, spatial=1)


def adaptive_max_pool2d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """The largest numbers of images, as many as asked for; the first of equals wins.

    Args:
        input: images (N, C, H, W), or one image (C, H, W).
        output_size: (H', W'), or one number for both; None keeps the size of the input.
        return_indices: also tell where each winner stood, as its index in the flattened image (H · W).

    Returns:
        (N, C, H', W'), and with `return_indices` a second tensor of that shape, int64.

    Raises:
        ShapeError: images without cells, or another number of dimensions.
        ArgumentError: a negative size, or another number of sizes.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[1.0, 3.0, 2.0], [9.0, 4.0, 0.0], [5.0, 6.0, 8.0]]])
    >>> tc.functional.adaptive_max_pool2d(x, 2, return_indices=True)
    (tensor([[[9., 4.],
             [9., 8.]]]), tensor([[[3, 4],
             [3, 8]]]))
    """
    return _adaptive_max_pool(input, output_size, return_indices, spatial=2)


def adaptive_max_pool3d(input: Tensor, output_size: OutputSize, return_indices: bool = False) -> Any:
    """The largest numbers of volumes (N, C, D, H, W); the rest as for `adaptive_max_pool2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.adaptive_max_pool3d(tc.ones(1, 2, 5, 6, 7), (1, None, 3)).shape
    (1, 2, 1, 6, 3)
    """
    return _adaptive_max_pool(input, output_size, return_indices, spatial=3)


def _adaptive_max_pool(x: Tensor, output_size: OutputSize, return_indices: bool, *, spatial: int) -> Any:
    sizes = _checked_sizes(x, output_size, spatial)
    plane = x.shape[-spatial:]
    places = arange(count(plane), backend=x.backend).reshape(plane).expand(x.shape)
    for dim in _last_dims_first(x, spatial):
        windows = _windows(x.shape[dim], sizes[dim - x.ndim])
        x, winner = _under(x, dim, windows).max(dim + 1, keepdim=True)
        x = x.squeeze(dim + 1)
        if return_indices:
            places = _under(places, dim, windows).gather(dim + 1, winner).squeeze(dim + 1)
    return (x, places) if return_indices else x


# --- windows along one dimension ------------------------------------------------------------------


def _checked_sizes(x: Tensor, output_size: OutputSize, spatial: int) -> Shape:
    """The size of the result along each spatial dimension."""
    if x.ndim not in (spatial + 1, spatial + 2) or 0 in x.shape[-spatial:]:
        raise ShapeError(
            "adaptive pooling needs images with at least one cell",
            argument="input",
            expected=f"(N, C{', *' * spatial}) or (C{', *' * spatial})",
            got=x.shape,
        ).at("adaptive_pool")
    wanted = list(output_size) if isinstance(output_size, (tuple, list)) else [output_size] * spatial
    sizes = tuple(
        size if number is None else as_index(number, argument="output_size")
        for number, size in zip(wanted, x.shape[-spatial:], strict=False)
    )
    if len(wanted) != spatial or min(sizes) < 0:
        raise ArgumentError(
            "output_size needs one number >= 0 (or None) for each spatial dimension",
            argument="output_size",
            expected=f"an int, or {spatial} of them",
            got=output_size,
        ).at("adaptive_pool")
    return sizes


def _last_dims_first(x: Tensor, spatial: int) -> range:
    return range(x.ndim - 1, x.ndim - spatial - 1, -1)


def _windows(size: int, number: int) -> list[range]:
    """The cells of each window.

    >>> _windows(5, 3)
    [range(0, 2), range(1, 4), range(3, 5)]
    """
    return [range(i * size // number, -(-(i + 1) * size // number)) for i in range(number)]


def _under(x: Tensor, dim: int, windows: Sequence[range]) -> Tensor:
    """The cells under each window: `dim` becomes two dimensions, (window, cell).

    Windows that lie side by side are rows of a reshaped x. Others are looked up, and shorter ones repeat
    their last cell.
    """
    longest = max((len(window) for window in windows), default=1)
    if len(windows) * longest == x.shape[dim]:
        return x.reshape(*x.shape[:dim], len(windows), longest, *x.shape[dim + 1 :])
    table = [[window[min(cell, len(window) - 1)] for cell in range(longest)] for window in windows]
    index = tensor(table, dtype=int64, backend=x.backend).reshape(len(windows), longest)
    return x[(slice(None),) * dim + (index,)]


# --- one number for the whole image ---------------------------------------------------------------


def global_avg_pool(input: Tensor, keepdim: bool = False) -> Tensor:
    """The average of each channel over all its places (Keras's GlobalAveragePooling).

    What remains says how much of a feature there is, not where: the last step before the classifier in
    networks from "Network in network" (M. Lin, Q. Chen, S. Yan, ICLR 2014) on.

    Args:
        input: a batch (N, C, *S) with any number of spatial dimensions, of floats.
        keepdim: leave the spatial dimensions in place, as size 1.

    Returns:
        (N, C), or (N, C, 1, ...) with `keepdim`.

    Raises:
        ShapeError: no spatial dimension, or images without cells.
        DTypeError: integers.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.global_avg_pool(tc.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
    tensor([[3.]])
    """
    return input.mean(_places(input), keepdim)


def global_max_pool(input: Tensor, keepdim: bool = False) -> Tensor:
    """The largest number of each channel (Keras's GlobalMaxPooling); the first of equals wins.

    Arguments, shapes and errors as for `global_avg_pool`, but any dtype.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.global_max_pool(tc.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
    tensor([[6.]])
    """
    ones = (1,) * len(_places(input))
    largest: Tensor = input.flatten(2).max(2)[0]
    return largest.reshape(*largest.shape, *ones) if keepdim else largest


def _places(x: Tensor) -> tuple[int, ...]:
    """The spatial dimensions of a batch of images."""
    if x.ndim < 3 or 0 in x.shape[2:]:
        raise ShapeError(
            "global pooling needs a batch of images with at least one cell",
            argument="input",
            expected="(N, C, *S) with at least one spatial dimension",
            got=x.shape,
            hint="x[None] makes a batch of a single image",
        ).at("global_pool")
    return tuple(range(2, x.ndim))
