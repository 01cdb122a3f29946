"""CuPy's functions under the names and with the meanings that operations expect.

CuPy 14 has every name of the Python Array API that `tinygrad_cnn/ops` uses, and most of them do what NumPy's
do. Here are the others; any other name is CuPy's.

    asarray                    copies a number from the host's memory to the device's
    argsort                    has no argument `stable`; it always is
    floor_divide, remainder    take the floor of x / y after rounding it, so 1 // 0.1 is 10 and 1 % 0.1 is 0;
                               NumPy and PyTorch give 9 and almost 0.1, as exact arithmetic does
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tinygrad_cnn.backend import Array

FLOATS = "real floating"


class Namespace(ModuleType):
    """The array namespace of the backend."""

    def __init__(self, cupy: Any) -> None:
        super().__init__("cupy, adapted")
        self._cupy = cupy

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

    def argsort(self, x: Array, *, axis: int = -1, stable: bool = True) -> Array:
        return self._cupy.argsort(x, axis=axis)

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
        return any(self._cupy.isdtype(array.dtype, FLOATS) for array in arrays)


class TensorFloat32(Namespace):
    """The same with matrix products of float32 in TF32.

    Tensor cores multiply numbers with 10 binary digits after the point, where float32 has 23, and add in
    float32. Each factor is rounded by up to 5·10⁻⁴ of itself for it.
    """

    def matmul(self, x: Array, y: Array) -> Array:
        # CuPy reads the environment variable CUPY_TF32 once; this is what it sets, for this product only.
        core = self._cupy._core
        before = core.get_compute_type(self._cupy.float32)
        core.set_compute_type(self._cupy.float32, core._routines_linalg.COMPUTE_TYPE_TF32)
        try:
            return self._cupy.matmul(x, y)
        finally:
            core.set_compute_type(self._cupy.float32, before)
