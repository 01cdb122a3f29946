"""The NumPy backend: the default, and the one that every machine can run.

This file is what a backend has to bring (see `tinygrad_cnn.backend.Backend`), in NumPy's own words. The
folder `kernels/` holds faster versions of some operations; `overrides=False` computes with the readable
ones of `tinygrad_cnn/ops` instead.
"""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._program import Plan, Program
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import DType, Shape, as_dtype

from . import blas, philox, special
from .dtypes import NUMPY_DTYPES
from .kernels import KERNELS, threads
from .plan import NumpyPlan

# 1/0 is ∞ here and ln 0 is −∞, as in PyTorch; `tc.detect_anomaly` finds where one came from. A warning would
# show a line of this library, which is no help.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"tinygrad_cnn(_backends)?\.")

Array = NDArray[Any]


class NumpyBackend(Backend):
    """Arrays are `numpy.ndarray`.

    Args:
        overrides: use the fast kernels (default), or only the readable ones.
        exact: no fast kernel that rounds more than the sums themselves do: convolutions without Winograd's
            algorithm (`kernels/winograd.py` says how far it is off).
    """

    name = "numpy"
    xp: ModuleType = np

    def __init__(self, *, overrides: bool = True, exact: bool = False) -> None:
        self.exact = exact
        self.kernels = KERNELS if overrides else {}
        threads.set_num_threads_from_environment()

    def asarray(self, data: object, dtype: DType | None = None) -> Array:
        # Row-major memory of its own, also for transposed or broadcast data.
        return np.array(data, dtype=None if dtype is None else NUMPY_DTYPES[dtype], order="C", copy=True)

    def to_numpy(self, array: Array) -> Array:
        return np.asarray(array)

    def dtype_of(self, array: Array) -> DType:
        return as_dtype(array.dtype)

    def full(self, shape: Shape, value: float, dtype: DType) -> Array:
        return np.full(shape, value, dtype=NUMPY_DTYPES[dtype])

    def assign(self, target: Array, value: Array) -> None:
        np.copyto(target, value, casting="no")

    def array_dtype(self, dtype: DType) -> Any:
        return NUMPY_DTYPES[dtype]

    def windows(self, x: Array, kernel: Shape, stride: Shape, dilation: Shape) -> Array:
        """All windows as a strided view: moving one window over moves `stride` cells in the same memory."""
        lead = x.ndim - len(kernel)
        spatial, steps = x.shape[lead:], x.strides[lead:]
        places = tuple(
            max((size - d * (k - 1) - 1) // s + 1, 0)
            for size, k, s, d in zip(spatial, kernel, stride, dilation, strict=True)
        )
        return np.lib.stride_tricks.as_strided(
            x,
            (*x.shape[:lead], *places, *kernel),
            (
                *x.strides[:lead],
                *(step * s for step, s in zip(steps, stride, strict=True)),
                *(step * d for step, d in zip(steps, dilation, strict=True)),
            ),
            writeable=False,
        )

    def scatter_add(self, target: Array, index: Any, value: Array) -> Array:
        if target.dtype.kind == "f":
            # Where everything goes: the same index picks from the numbers of the places. `bincount` adds up
            # what belongs to each number several times faster than `add.at` does.
            places = np.arange(target.size).reshape(target.shape)[index]
            weights = np.broadcast_to(value, places.shape)
            sums = np.bincount(places.ravel(), weights.ravel(), minlength=target.size)
            total: Array = target + sums.reshape(target.shape).astype(target.dtype)
            return total
        result = target.copy()
        np.add.at(result, index, value)  # `result[index] += value` would count a repeated place once
        return result

    def pad(self, x: Array, padding: tuple[tuple[int, int], ...], value: float) -> Array:
        if not any(before or after for before, after in padding):
            return x.copy()
        shape = tuple(size + before + after for size, (before, after) in zip(x.shape, padding, strict=True))
        padded = np.full(shape, value, dtype=x.dtype)
        inside = tuple(
            slice(before, before + size) for size, (before, _) in zip(x.shape, padding, strict=True)
        )
        padded[inside] = x
        return padded

    def erf(self, x: Array) -> Array:
        return special.erf(x)

    def random_bits(self, seed: Array, counter: Array, n: int) -> Array:
        return philox.words(int(seed), int(counter), n)

    def step(self) -> AbstractContextManager[object]:
        """Overflow and 0/0 are values here (∞, NaN), looked for where they matter, not warnings."""
        return threads.calm()

    def plan(self, program: Program) -> Plan:
        """A plan with fixed memory, in threads that share the batch; see `plan/`.

        Its kernels know no floats of 16 bits: with those, a step is done operation by operation.
        """
        has_narrow = any(value.dtype.is_narrow for value in program.values)
        if has_narrow or not self.kernels:
            return Plan(program)
        return NumpyPlan(program, threads.get_num_threads())

    def plan_settings(self) -> object:
        return threads.get_num_threads()

    def set_num_threads(self, n: int) -> None:
        threads.set_num_threads(n)

    def info(self) -> dict[str, str]:
        return {
            "version": np.__version__,
            "threads": str(threads.get_num_threads()),
            **blas.facts(),
            "fast kernels": ", ".join(sorted(self.kernels)) or "none",
        }
