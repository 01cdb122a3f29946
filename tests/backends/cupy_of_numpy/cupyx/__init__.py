"""`cupyx.scatter_add`, for the dtypes that CUDA adds atomically."""

import numpy as np
from cupy._array import written

_ATOMIC = {"int32", "uint32", "uint64", "float16", "float32", "float64"}


def scatter_add(a, slices, value):
    if a.dtype.name not in _ATOMIC:
        raise TypeError(f"cupyx.scatter_add does not support {a.dtype}")
    written(np.add.at, a, slices, value)
