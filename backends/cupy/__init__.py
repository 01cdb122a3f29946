"""The CuPy backend: arrays that lie on an NVIDIA GPU.

CuPy is NumPy's interface over CUDA, so this file reads like `backends/numpy/__init__.py`. Two things are
different. The GPU has memory of its own: numbers go over as constants, and come back only through
`to_numpy`. And it computes later: a function returns as soon as the GPU knows what to do, so whatever looks
at a value (`float(x)`, `if x:`) waits until everything asked before is done. Nothing here looks at one.

    probe       can CuPy compute here, and if not, why
    namespace   where CuPy's functions differ from what operations expect
    products    matrices and stacks of them, as cuBLAS takes them
    cublas      the library that multiplies them
    scatter     adding at repeated places, in one order
    philox      random words
    postponed   checks of values that nobody waits for
    upload      batches on their way to the device, while it computes
    memory      how much there is, and the error when there is none left
    convolution/  cuDNN, and what computes without it
    kernels/    kernels of our own, in CUDA C++: read `kernels/__init__.py` to learn how a GPU works
    plan/       captured steps, as CUDA graphs

Without CuPy this package can be imported all the same; only `CupyBackend()` asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._program import Plan, Program
from tinygrad_cnn.backend import Array, Backend, Kernel
from tinygrad_cnn.dtypes import DType, Shape, as_dtype
from tinygrad_cnn.errors import BackendError, TinygradCNNError

from ..numpy.dtypes import NUMPY_DTYPES
from . import cublas, memory, philox, probe, scatter
from .convolution import KERNELS as CONVOLUTIONS
from .convolution import Convolutions
from .kernels import KERNELS
from .kernels.dropout import random_words
from .namespace import Namespace
from .plan import CudaPlan
from .postponed import Postponed
from .upload import Uploads

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op

__all__ = ["CupyBackend"]

_ATOMIC = ("float32", "float64")  # what CuPy adds atomically, of the dtypes of this library
_FIRST_WITH_TF32 = 80  # Ampere
# Operations that are one function of CuPy's, or of cuBLAS, which round their results once.
_ONE_FUNCTION = frozenset(
    ("abs", "add", "cast", "clone", "div", "flip", "matmul", "maximum", "minimum", "mul", "neg", "pad", "sub")
)


class CupyBackend(Backend):
    """Arrays are `cupy.ndarray`.

    Args:
        overrides: use the kernels of `kernels/` and cuDNN (default), or only those that CuPy makes of array
            functions.
        deterministic: add at repeated places (embeddings, gathers) in one order, so that the same seed gives
            bitwise the same run; False adds as the threads come, which is quicker.
        tf32: multiply float32 matrices, also in convolutions, in TF32, with 10 binary digits instead of 23.
        benchmark: a file for cuDNN's plans: time them on this GPU where the file has no choice yet, and write
            the choice into it; None (default) takes them in cuDNN's order. Either way a run can be repeated.

    Raises:
        BackendUnavailable: there is no GPU to compute on; says why and what to type.
        BackendError: an option that is not True or False, or that this GPU cannot follow.
    """

    name = "cupy"
    steps_ahead = 50

    def __init__(
        self,
        *,
        overrides: bool = True,
        deterministic: bool = True,
        tf32: bool = False,
        benchmark: str | None = None,
    ) -> None:
        switches = {"overrides": overrides, "deterministic": deterministic, "tf32": tf32}
        for argument, value in switches.items():
            if not isinstance(value, bool):
                raise BackendError(
                    f"{argument} is a switch", argument=argument, expected="True or False", got=repr(value)
                )
        self.cupy = probe.load()
        if tf32 and self._capability() < _FIRST_WITH_TF32:
            raise BackendError(
                "this GPU does not multiply in TF32",
                argument="tf32",
                expected="compute capability 8.0 or higher",
                got=self._capability() / 10,
            )
        self.deterministic = deterministic
        self.tf32 = tf32
        self.kernels = {**KERNELS, **CONVOLUTIONS} if overrides else {}
        self.cublas = cublas.load(self.cupy, tf32=tf32)
        self.xp = Namespace(self.cupy, self.cublas)
        self.convolutions = Convolutions(
            self.cupy, tf32=tf32, deterministic=deterministic, benchmark=benchmark
        )
        self._postponed = Postponed(self.xp)
        self._uploads = Uploads(self.cupy)
        self._erf = import_module("cupyx.scipy.special").erf

    # --- in and out

    def asarray(self, data: object, dtype: DType | None = None) -> Array:
        with memory.explained(self.cupy):
            wanted = None if dtype is None else NUMPY_DTYPES[dtype]
            if isinstance(data, self.cupy.ndarray):
                return self.cupy.array(data, dtype=wanted, order="C", copy=True)
            host = np.asarray(data, dtype=wanted)
            if not host.shape:
                return self.xp.asarray(host.item(), dtype=host.dtype)
            return self.cupy.array(host, order="C")

    def upload(self, data: NDArray[Any], dtype: DType) -> Array:
        with memory.explained(self.cupy):
            return self._uploads(np.asarray(data, dtype=NUMPY_DTYPES[dtype]))

    def keeps(self, nbytes: int) -> bool:
        """If it takes no more than a quarter of what is free: most of the memory is for training."""
        return nbytes <= memory.available(self.cupy) // 4

    def to_numpy(self, array: Array) -> NDArray[Any]:
        """The numbers on the host: waits for the GPU."""
        host: NDArray[Any] = self.cupy.asnumpy(array)
        self.look_back()
        return host

    def dtype_of(self, array: Array) -> DType:
        return as_dtype(array.dtype)

    def array_dtype(self, dtype: DType) -> Any:
        return NUMPY_DTYPES[dtype]

    def widens(self, op: Op) -> bool:
        """CuPy rounds after each function: no harm where there is only one, or nothing to compute."""
        if op.view or op.mutates or op.name in _ONE_FUNCTION:
            return False
        return not (self.kernels and op.name in CONVOLUTIONS)  # cuDNN and cuBLAS add in float32

    def full(self, shape: Shape, value: float, dtype: DType) -> Array:
        with memory.explained(self.cupy):
            return self.cupy.full(shape, value, dtype=NUMPY_DTYPES[dtype])

    def assign(self, target: Array, value: Array) -> None:
        # Many threads copy in no order, so a value that lies in the same memory is moved away first.
        if self.cupy.may_share_memory(target, value):
            value = value.copy()
        self.cupy.copyto(target, value, casting="no")

    # --- what the standard lacks

    def windows(self, x: Array, kernel: Shape, stride: Shape, dilation: Shape) -> Array:
        """All windows as a strided view, as in the NumPy backend."""
        lead = x.ndim - len(kernel)
        spatial, steps = x.shape[lead:], x.strides[lead:]
        places = [
            max((size - d * (k - 1) - 1) // s + 1, 0)
            for size, k, s, d in zip(spatial, kernel, stride, dilation, strict=True)
        ]
        over = [step * s for step, s in zip(steps, stride, strict=True)]
        inside = [step * d for step, d in zip(steps, dilation, strict=True)]
        return self.cupy.lib.stride_tricks.as_strided(
            x, (*x.shape[:lead], *places, *kernel), (*x.strides[:lead], *over, *inside)
        )

    def scatter_add(self, target: Array, index: Any, value: Array) -> Array:
        if self.deterministic or target.dtype.name not in _ATOMIC:
            return scatter.in_order(self.xp, target, index, value)
        result = target.copy()
        import_module("cupyx").scatter_add(result, index, value)
        return result

    def pad(self, x: Array, padding: tuple[tuple[int, int], ...], value: float) -> Array:
        sizes = [size + before + after for size, (before, after) in zip(x.shape, padding, strict=True)]
        padded = self.cupy.full(tuple(sizes), value, dtype=x.dtype)
        inside = [slice(before, before + size) for size, (before, _) in zip(x.shape, padding, strict=True)]
        padded[tuple(inside)] = x
        return padded

    def erf(self, x: Array) -> Array:
        return self._erf(x).astype(x.dtype, copy=False)  # CuPy's gives float64 for float16

    def random_bits(self, seed: Array, counter: Array, n: int) -> Array:
        draw = random_words if self.kernels else philox.words
        return draw(self.xp, seed, counter, n)

    # --- around operations

    def run(self, kernel: Kernel, arrays: list[Array], params: Mapping[str, Any]) -> Any:
        """Any operation may be the one for which the memory does not suffice."""
        try:
            return kernel(self, *arrays, **params)
        except self.cupy.cuda.memory.OutOfMemoryError as error:
            raise memory.exhausted(self.cupy, error, arrays) from error

    def check(self, wrong: Callable[[], Array], error: Callable[[Array], TinygradCNNError]) -> None:
        if self._postponed.is_ahead:
            self._postponed.note(wrong())
        else:
            super().check(wrong, error)

    def ahead(self) -> AbstractContextManager[object]:
        return self._postponed.ahead()

    def look_back(self) -> None:
        self._postponed.look_back()

    def plan(self, program: Program) -> Plan:
        return CudaPlan(program)

    def synchronize(self) -> None:
        self.cupy.cuda.Device().synchronize()
        self.look_back()

    def memory(self) -> dict[str, int]:
        """Bytes on the device: used by arrays, held by CuPy for arrays to come, free for others, in total."""
        return memory.facts(self.cupy)

    def info(self) -> dict[str, str]:
        runtime = self.cupy.cuda.runtime
        device = self.cupy.cuda.Device()
        bytes_of = self.memory()
        products = "cuBLAS, float32 in TF32" if self.tf32 else "cuBLAS"
        if self.cublas is None:
            products = "CuPy's, as cuBLAS is not to be found"
        return {
            "device": f"{runtime.getDeviceProperties(device.id)['name'].decode()} (number {device.id})",
            "compute capability": str(self._capability() / 10),
            "driver": f"CUDA {probe.dotted(runtime.driverGetVersion())}",
            "runtime": f"CUDA {probe.dotted(runtime.runtimeGetVersion())}",
            "CuPy": self.cupy.__version__,
            "memory": f"{memory.readable(bytes_of['free'])} free of {memory.readable(bytes_of['total'])}",
            "matrix products": products,
            **self._convolution_paths(products),
            "own kernels": ", ".join(sorted(self.kernels.keys() & KERNELS.keys())) or "none",
            "other operations": "array functions, one kernel each",
            "captured steps": "kernel by kernel, as CuPy's products cannot be recorded"
            if self.cublas is None
            else "one CUDA graph each, from the third call on replayed",
        }

    def _convolution_paths(self, products: str) -> dict[str, str]:
        if not self.kernels:
            return {"convolutions": f"windows as columns of a matrix, then {products}"}
        return self.convolutions.info()

    def _capability(self) -> int:
        """90 for compute capability 9.0."""
        return int(self.cupy.cuda.Device().compute_capability)
