"""A third party's backend in one file: arrays are NumPy's, everything else is written here.

It brings what `tinygrad_cnn.backend.Backend` asks for and one kernel of its own.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import as_dtype


class SampleBackend(Backend):
    """NumPy arrays under another name, and `relu` by a kernel of its own.

    Args:
        greeting: shows that options reach a backend.
    """

    name = "sample"

    def __init__(self, *, greeting="hello"):
        self.kernels = {"relu": relu}
        self.greeting = greeting

    @property
    def xp(self):
        return np

    def asarray(self, data, dtype=None):
        return np.array(data, dtype=None if dtype is None else dtype.name, order="C")

    def to_numpy(self, array):
        return np.asarray(array)

    def dtype_of(self, array):
        return as_dtype(array.dtype)

    def full(self, shape, value, dtype):
        return np.full(shape, value, dtype=dtype.name)

    def assign(self, target, value):
        target[...] = value

    def windows(self, x, kernel, stride, dilation):
        lead = x.ndim - len(kernel)
        for axis, (k, d) in enumerate(zip(kernel, dilation, strict=True), start=lead):
            x = np.lib.stride_tricks.sliding_window_view(x, d * (k - 1) + 1, axis=axis)
        places = tuple(slice(None, None, step) for step in stride)
        cells = tuple(slice(None, None, step) for step in dilation)
        return x[(..., *places, *cells)]

    def scatter_add(self, target, index, value):
        result = target.copy()
        np.add.at(result, index, value)
        return result

    def pad(self, x, padding, value):
        return np.pad(x, padding, constant_values=value)

    def erf(self, x):
        return np.vectorize(math.erf, otypes=[x.dtype])(x)

    def random_bits(self, seed, counter, n):
        blocks = itertools.count(int(counter))
        words = itertools.chain.from_iterable(philox(int(seed), block) for block in blocks)
        return np.array(list(itertools.islice(words, n)), dtype=np.uint32)

    def info(self):
        return {"greeting": self.greeting}


def relu(backend, x):
    """max(x, 0), by a mask."""
    return x * (x > 0)


def philox(seed, block):
    """The four words of one block of Philox4x32-10, in Python's own integers."""
    low = 2**32 - 1
    a, b, c, d = block & low, block >> 32, 0, 0
    key0, key1 = seed & low, seed >> 32
    for _ in range(10):
        first, second = a * 0xD2511F53, c * 0xCD9E8D57
        a, b, c, d = second >> 32 ^ b ^ key0, second & low, first >> 32 ^ d ^ key1, first & low
        key0, key1 = key0 + 0x9E3779B9 & low, key1 + 0xBB67AE85 & low
    return a, b, c, d
