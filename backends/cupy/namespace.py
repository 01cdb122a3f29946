"""CuPy's functions under the names and with the meanings that operations expect.

CuPy 14 has every name of the Python Array API that `tinygrad_cnn/ops` uses, and most of them do what NumPy's
do. Here are the others; any other name is CuPy's.

    asarray                    copies a number from the host's memory to the device's
    isdtype                    knows that bfloat16 is a float
    concat, stack              copy a table of addresses from the host's memory where there are many arrays
    argsort                    has no argument `stable`; it always is
    matmul                     floats are multiplied by our own call of cuBLAS (`cublas.py` says why)
    floor_divide, remainder    take the floor of x / y after rounding it, so 1 // 0.1 is 10 and 1 % 0.1 is 0;
                               NumPy and PyTorch give 9 and almost 0.1, as exact arithmetic does
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tinygrad_cnn.backend import Array

from . import products
from .cublas import Cublas

FLOATS = "real floating"
MOST_JOINED = 8  # arrays that CuPy joins without such a table


class Namespace(ModuleType):
    """The array namespace of the backend; without `cublas`, CuPy multiplies."""

    def __init__(self, cupy: Any, cublas: Cublas | None) -> None:
        super().__init__("cupy, adapted")
        self._cupy = cupy
        self._cublas = cublas

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._cupy, name)
        setattr(self, name, found)  # the next time it is found without coming here
        return found

    def asarray(self, x: Any, *, dtype: Any = None, copy: bool | None = None) -> Array:
        # A number travels as an argument of the kernel that writes it. There is no host memory to copy from,
        # which in a captured step would have to be there, and the same, at every replay.
        if isinstance(x, (bool, int, float)):
            return self._cupy.full((), x, dtype=dtype)
        return self._cupy.asarray(x, dtype=dtype, copy=copy)

    def isdtype(self, dtype: Any, kind: str | tuple[str, ...]) -> bool:
        # NumPy's function, which CuPy's is, refuses what did not come with NumPy.
        if dtype.name == "bfloat16":
            return FLOATS in (kind if isinstance(kind, tuple) else (kind,))
        found: bool = self._cupy.isdtype(dtype, kind)
        return found

    def concat(self, arrays: Sequence[Array], *, axis: int = 0) -> Array:
        # A captured step has no host memory to copy from, so many are joined in several rounds.
        while len(arrays) > MOST_JOINED:
            groups = range(0, len(arrays), MOST_JOINED)
            arrays = [self._cupy.concat(arrays[first : first + MOST_JOINED], axis=axis) for first in groups]
        return self._cupy.concat(arrays, axis=axis)

    def stack(self, arrays: Sequence[Array], *, axis: int = 0) -> Array:
        return self.concat([self._cupy.expand_dims(array, axis) for array in arrays], axis=axis)

    def argsort(self, x: Array, *, axis: int = -1, stable: bool = True) -> Array:
        return self._cupy.argsort(x, axis=axis)

    def matmul(self, x: Array, y: Array) -> Array:
        if self._cublas is None or not products.suits(x, y):
            return self._cupy.matmul(x, y)
        return products.matmul(self._cupy, self._cublas, x, y)

    def remainder(self, x: Array, y: Array) -> Array:
        """What is left of x after taking away y as often as it goes, with the sign of y."""
        cupy = self._cupy
        if not self._has_floats(x, y):
            return cupy.remainder(x, y)
        rest, is_past = self._rest(x, y)
        rest = cupy.where(is_past, rest + y, rest)
        return cupy.where(rest == 0, cupy.copysign(rest, y), rest)

    def floor_divide(self, x: Array, y: Array) -> Array:
        """How often y goes into x, rounded down."""
        cupy = self._cupy
        if not self._has_floats(x, y):
            return cupy.floor_divide(x, y)
        rest, is_past = self._rest(x, y)
        times = cupy.rint((x - rest) / y) - is_past  # x − rest is a multiple of y, but for rounding
        return cupy.where(y == 0, x / y, cupy.copysign(times, x / y))

    def _rest(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The rest of x / y rounded towards 0, which is exact, and where rounding down goes one further."""
        rest = self._cupy.fmod(x, y)
        return rest, (rest != 0) & ((rest < 0) != (y < 0))

    def _has_floats(self, *arrays: Array) -> bool:
        return any(self.isdtype(array.dtype, FLOATS) for array in arrays)
