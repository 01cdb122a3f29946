"""cuBLAS, NVIDIA's library of linear algebra, called without CuPy in between.

`cupy.matmul` calls it too. But CuPy refuses to do so while a CUDA graph is recorded, and it keeps a state of
its own between products. What a product depends on is settled here instead, on a handle of this backend:

    precision   how factors are rounded before they are multiplied, and what sums are added in
    stream      the queue of work on the device that the product joins: CuPy's current one
    workspace   scratch memory. A recorded product uses the same addresses at every replay, so they must not
                be lent to anybody else: each stream has a workspace, and keeps it as long as it lives. A
                workspace of one's own also makes products repeatable, bit for bit, when streams run at once.

The functions are C's, so `ctypes` calls them. Nobody would notice a wrong argument before the device reads
from a wrong address: `_SIGNATURES` says what each function takes, as cublas_api.h does.
"""

from __future__ import annotations

import ctypes
import os
import warnings
from ctypes import byref, c_char_p, c_double, c_float, c_int, c_longlong, c_size_t, c_void_p
from importlib import import_module
from threading import Lock
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, finalize

from tinygrad_cnn._source import user_stacklevel
from tinygrad_cnn.backend import Array
from tinygrad_cnn.errors import BackendError

from .kernels.launch import address

FILE_NAMES = ("libcublas.so.{}", "cublas64_{}.dll")  # on Linux, on Windows
_INT_MAX = 2**31 - 1

# Numbers from cublas_api.h and library_types.h.
_SUCCESS = 0
_NOT_TRANSPOSED, _TRANSPOSED = 0, 1
_DEFAULT_ALGORITHM = -1
# A long sum may be added in parts by several blocks. Not in 16 bits, also where the product has no more.
_NO_NARROW_SUMS = 16
_REAL_32, _REAL_64, _REAL_16, _REAL_B16 = 0, 1, 2, 14
_COMPUTE_32, _COMPUTE_TF32, _COMPUTE_64 = 68, 77, 70

_MATRIX = (c_void_p, c_int, c_int)  # address, type of its numbers, leading dimension
_SHAPE = (c_void_p, c_int, c_int, c_int, c_int, c_int)  # handle, two operations, m, n, k
_STACK = (*_MATRIX, c_longlong)  # and how far apart its matrices are
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cublasCreate_v2": (c_void_p,),
    "cublasDestroy_v2": (c_void_p,),
    "cublasSetMathMode": (c_void_p, c_int),
    "cublasSetStream_v2": (c_void_p, c_void_p),
    "cublasSetWorkspace_v2": (c_void_p, c_void_p, c_size_t),
    "cublasGemmEx": (*_SHAPE, c_void_p, *_MATRIX, *_MATRIX, c_void_p, *_MATRIX, c_int, c_int),
    "cublasGemmStridedBatchedEx": (
        *(*_SHAPE, c_void_p, *_STACK, *_STACK, c_void_p, *_STACK),
        *(c_int, c_int, c_int),
    ),
    "cublasGetStatusString": (c_int,),
}

_MIB = 2**20
_FIRST_WITH_LARGE_WORKSPACE = 90  # Hopper


class Precision(NamedTuple):
    """How numbers of one dtype are multiplied and added.

    Attributes:
        stored: the type of factors and products in memory.
        compute: the type that sums are added in, and how factors may be rounded before.
        one, zero: what the product and what `out` held before count in the result.
    """

    stored: int
    compute: int
    one: c_float | c_double
    zero: c_float | c_double


PRECISIONS = {
    "float16": Precision(_REAL_16, _COMPUTE_32, c_float(1), c_float(0)),
    "bfloat16": Precision(_REAL_B16, _COMPUTE_32, c_float(1), c_float(0)),
    "float32": Precision(_REAL_32, _COMPUTE_32, c_float(1), c_float(0)),
    "float64": Precision(_REAL_64, _COMPUTE_64, c_double(1), c_double(0)),
}
# Tensor cores multiply numbers with 10 binary digits after the point, where float32 has 23, and add in
# float32. Each factor is rounded by up to 5·10⁻⁴ of itself for it.
TF32 = Precision(_REAL_32, _COMPUTE_TF32, c_float(1), c_float(0))


class Operand(NamedTuple):
    """One matrix, or a stack of them, that cuBLAS can read where it lies.

    Attributes:
        array: holds the numbers; its shape is that of the matrix, or of the stack.
        is_transposed: the numbers of a column are neighbours, not those of a row.
        leading: how many elements it is from one row to the next, or from one column to the next.
        step: how many elements it is from one matrix of the stack to the next; 0 for the same one every time.
    """

    array: Array
    is_transposed: bool
    leading: int
    step: int

    @property
    def operation(self) -> int:
        return _TRANSPOSED if self.is_transposed else _NOT_TRANSPOSED


def load(cupy: Any, *, tf32: bool) -> Cublas | None:
    """cuBLAS for this backend; None, with a warning, where the library is not to be found."""
    try:
        return Cublas(cupy, _library(_path(cupy)), tf32=tf32)
    except (OSError, AttributeError) as error:
        warnings.warn(
            f"cuBLAS cannot be called directly ({error}). CuPy multiplies matrices instead: float32 in all "
            "its digits, and a captured step cannot become a CUDA graph.",
            UserWarning,
            stacklevel=user_stacklevel(),
        )
        return None


def _path(cupy: Any) -> str:
    """Where the library lies: NVIDIA's pathfinder, which comes with CuPy, knows all usual places."""
    try:
        found = import_module("cuda.pathfinder").load_nvidia_dynamic_lib("cublas").abs_path
    except (ImportError, RuntimeError):
        found = None
    version = cupy.cuda.runtime.runtimeGetVersion() // 1000
    return found or FILE_NAMES[os.name == "nt"].format(version)


def _library(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int
    library.cublasGetStatusString.restype = c_char_p
    return library


class Cublas:
    """Products of matrices on handles of this backend's own, one for each device.

    The first product on a device makes its handle, and the first on a stream a workspace; memory should not
    be asked for while a graph is recorded. So whoever records runs every step once before, on the same
    stream, and keeps that stream as long as the graph.
    """

    def __init__(self, cupy: Any, library: ctypes.CDLL, *, tf32: bool) -> None:
        self._cupy = cupy
        self._library = library
        self._precisions = {**PRECISIONS, "float32": TF32} if tf32 else PRECISIONS
        self._handles: dict[int, _Handle] = {}

    def multiply(self, x: Operand, y: Operand, out: Array, count: int = 1) -> None:
        """out[i] = x[i] @ y[i], for each i of `count`; returns before the device has done it.

        `out` lies row by row. cuBLAS comes from Fortran and takes every matrix for columns side by side; the
        rows of a matrix are to it the columns of the transposed one. So it is asked for yᵀ @ xᵀ, the
        transpose of the product, and the columns that it writes are the rows wanted here.

        Raises:
            BackendError: cuBLAS refuses, or a matrix is too large for its 32-bit sizes.
        """
        (rows, inner), columns = x.array.shape[-2:], y.array.shape[-1]
        sizes = (columns, rows, inner)
        if max(*sizes, x.leading, y.leading, count) > _INT_MAX:
            raise BackendError(
                "cuBLAS counts with 32 bits", expected=f"sizes up to {_INT_MAX}", got=_described(x, y)
            )
        stored, compute, one, zero = self._precisions[out.dtype.name]
        left, right = ((address(operand.array), stored, operand.leading) for operand in (y, x))
        result = (address(out), stored, columns)
        how = (compute, _DEFAULT_ALGORITHM)
        library, handle = self._library, self._handle()
        with handle.lock:  # until the product has joined the queue no other thread may choose another one
            shape = (handle.on_current_stream(), y.operation, x.operation, *sizes)
            if count == 1:
                status = library.cublasGemmEx(*shape, byref(one), *left, *right, byref(zero), *result, *how)
            else:
                factors = (*left, y.step, *right, x.step)
                results = (*result, rows * columns, count)
                status = library.cublasGemmStridedBatchedEx(
                    *shape, byref(one), *factors, byref(zero), *results, *how
                )
        _check(self._library, status, "multiply", got=_described(x, y))

    def _handle(self) -> _Handle:
        device = self._cupy.cuda.Device().id
        if device not in self._handles:
            self._handles[device] = _Handle(self._cupy, self._library)
        return self._handles[device]


class _Handle:
    """What cuBLAS knows from call to call, on one device."""

    def __init__(self, cupy: Any, library: ctypes.CDLL) -> None:
        self.lock = Lock()
        self._cupy = cupy
        self._library = library
        self._pointer = c_void_p()
        _check(library, library.cublasCreate_v2(byref(self._pointer)), "start")
        _check(library, library.cublasSetMathMode(self._pointer, _NO_NARROW_SUMS), "choose how to add")
        # Not when Python ends: the driver may have gone before.
        finalize(self, library.cublasDestroy_v2, self._pointer).atexit = False
        is_large = int(cupy.cuda.Device().compute_capability) >= _FIRST_WITH_LARGE_WORKSPACE
        self._workspace_bytes = (32 if is_large else 4) * _MIB  # as cuBLAS's documentation recommends
        self._workspaces: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()  # one for each stream
        self._workspace_in_force: Any = None

    def on_current_stream(self) -> c_void_p:
        """The handle, for products that join CuPy's current stream and use its workspace."""
        stream = self._cupy.cuda.get_current_stream()
        workspace = self._workspaces.get(stream)
        if workspace is None:
            # From the pool of all arrays, also where another is in force: it may not live as long.
            workspace = self._cupy.get_default_memory_pool().malloc(self._workspace_bytes)
            self._workspaces[stream] = workspace
        if workspace is not self._workspace_in_force:
            self._workspace_in_force = None
            library = self._library
            _check(library, library.cublasSetStream_v2(self._pointer, stream.ptr), "change the stream")
            # After the stream, because a new stream makes cuBLAS forget its workspace.
            status = library.cublasSetWorkspace_v2(self._pointer, workspace.ptr, self._workspace_bytes)
            _check(library, status, "take a workspace")
            self._workspace_in_force = workspace
        return self._pointer


def _check(library: ctypes.CDLL, status: int, doing: str, got: str | None = None) -> None:
    if status != _SUCCESS:
        said = library.cublasGetStatusString(status).decode()
        raise BackendError(f"cuBLAS could not {doing}: {said} (status {status})", got=got)


def _described(x: Operand, y: Operand) -> str:
    return f"{x.array.shape} @ {y.array.shape} of {x.array.dtype.name}"
