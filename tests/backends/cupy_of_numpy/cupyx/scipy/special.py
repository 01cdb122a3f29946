"""The error function, in the dtypes that CuPy computes it in."""

import math

import numpy as np
from cupy._array import computed


def erf(x):
    return computed(_erf, x)


def _erf(numbers):
    wide = np.vectorize(math.erf, otypes=[np.float64])(numbers)
    return wide.astype(np.float32) if numbers.dtype == np.float32 else wide
