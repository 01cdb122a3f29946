"""How arrays lie in memory, which is what a kernel's arithmetic of addresses needs to know.

Kernels take images in any order of memory, by their strides, and make results that lie as their input does:
by rows of each channel (NCHW), or with the channels of a pixel side by side (NHWC, "channels last", which
NVIDIA's convolutions prefer).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.backend import Array
from tinygrad_cnn.dtypes import Shape

from .launch import THREADS, struct

STRIDES = ("n", "c", "h", "w")
_INT_MAX = 2**31 - 1 - THREADS  # threads to spare are numbered too


def strides_of(array: Array) -> Shape:
    """How many elements apart neighbours along each dimension are."""
    return tuple(step // array.itemsize for step in array.strides)


def image_strides(array: Array, kind: str) -> np.ndarray[Any, Any]:
    """The `Strides` of images (N, C, H, W), as a kernel takes them."""
    return struct(STRIDES, strides_of(array), kind)


def in_rows(array: Array) -> Array:
    """The array, or a copy of it that lies row by row without gaps."""
    return array if array.flags.c_contiguous else array.copy(order="C")


def is_dense(array: Array) -> bool:
    """Whether the elements fill their memory without gaps, in whatever order."""
    distance = 1
    for step, size in sorted(zip(strides_of(array), array.shape, strict=True)):
        if size > 1 and step != distance:
            return bool(array.size == 0)
        distance *= size
    return True


def lies_as(array: Array, other: Array) -> bool:
    """Whether equal places of two arrays of one shape are equally far from the first."""
    steps = zip(array.shape, array.strides, other.strides, strict=True)
    return bool(array.size == 0 or all(size == 1 or step == other for size, step, other in steps))


def empty_as(xp: Any, array: Array) -> Array:
    """Memory for an array that lies as this dense one does."""
    order = sorted(range(array.ndim), key=lambda dim: array.strides[dim], reverse=True)
    memory = xp.empty(tuple(array.shape[dim] for dim in order), dtype=array.dtype)
    return xp.permute_dims(memory, tuple(order.index(dim) for dim in range(array.ndim)))


def is_channels_last(array: Array) -> bool:
    """Whether the channels of one place of (N, C, *S) are neighbours."""
    return bool(array.shape[1] > 1 and array.strides[1] == array.itemsize)


def empty_images(xp: Any, shape: Shape, dtype: Any, channels_last: bool) -> Array:
    """Memory for images (N, C, *S), in one of the two orders."""
    if not channels_last:
        return xp.empty(shape, dtype=dtype)
    batch, channels, *places = shape
    return xp.moveaxis(xp.empty((batch, *places, channels), dtype=dtype), -1, 1)


def index_type(*arrays: Array) -> str:
    """The C++ type that every place in these arrays can be counted with: "int" wherever possible."""
    return "int" if all(_reach(array) <= _INT_MAX for array in arrays) else "long long"


def _reach(array: Array) -> int:
    """How far from the first the farthest element can lie, and at least how many there are."""
    steps = zip(strides_of(array), array.shape, strict=True)
    farthest: int = sum(abs(step) * max(size - 1, 0) for step, size in steps)
    return max(farthest, int(array.size))
