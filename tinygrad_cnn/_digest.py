"""What can be said of a tensor that is too large to show: a few numbers, a histogram, a small image.

Drawings write it beside a node, and a trace file carries it in place of a million numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DType, Shape

BINS = 16
SIDE = 64  # the most rows and columns of the image


@dataclass(frozen=True)
class Digest:
    """A large tensor in short. Numbers that are not finite are counted and left out of all else.

    Attributes:
        minimum, mean, maximum: of the elements; NaN when none is finite.
        zeros, nan, infinite: how many elements are that.
        counts: a histogram from minimum to maximum, in equal steps.
        image: rows of numbers: of a stack of images the first, its channels side by side; thinned out to at
            most 64 × 64. Empty for tensors without rows and columns.
    """

    shape: Shape
    dtype: DType
    minimum: float
    mean: float
    maximum: float
    zeros: int
    nan: int
    infinite: int
    counts: tuple[int, ...]
    image: tuple[tuple[float, ...], ...]


def digest(tensor: Tensor) -> Digest:
    """Sum up a tensor that has values.

    >>> import tinygrad_cnn as tc
    >>> short = digest(tc.arange(10_000.0).reshape(100, 100))
    >>> short.minimum, short.mean, short.maximum, short.zeros, len(short.image)
    (0.0, 4999.5, 9999.0, 1, 50)
    """
    array = np.asarray(tensor.numpy(), dtype=np.float64)
    finite = array[np.isfinite(array)]
    return Digest(
        shape=tensor.shape,
        dtype=tensor.dtype,
        minimum=float(finite.min()) if finite.size else math.nan,
        mean=float(finite.mean()) if finite.size else math.nan,
        maximum=float(finite.max()) if finite.size else math.nan,
        zeros=int((array == 0).sum()),
        nan=int(np.isnan(array).sum()),
        infinite=int(np.isinf(array).sum()),
        counts=_counts(finite),
        image=_image(array),
    )


def _counts(finite: NDArray[np.float64]) -> tuple[int, ...]:
    if not finite.size:
        return (0,) * BINS
    # Of halves, because the whole way from the lowest to the highest may be too long for a float.
    low, high = finite.min() / 2, finite.max() / 2
    places = (finite / 2 - low) / (high - low) if low < high else np.full(finite.shape, 0.5)
    counts: list[int] = np.histogram(places, bins=BINS, range=(0, 1))[0].tolist()
    return tuple(counts)


def _image(array: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    if array.ndim < 2 or not array.size:
        return ()
    while array.ndim > 3:  # (N, C, H, W): the first image; (O, C, K, K): the first kernel
        array = array[0]
    plane: NDArray[Any] = np.concatenate(list(array), axis=1) if array.ndim == 3 else array
    rows, columns = (-(-size // SIDE) for size in plane.shape)
    return tuple(map(tuple, plane[::rows, ::columns].tolist()))
