"""A stand-in for CuPy made of NumPy, for machines without a GPU.

Put the folder above this one in front of `sys.path`, and `import cupy` finds a module with the interface that
our backend uses, computed by NumPy. It shows that the backend asks for the right things, not that a GPU does
them. Wherever CuPy is stricter than NumPy or different, so is the stand-in:

- its arrays are a class of their own: NumPy's functions and operators refuse them (`_array.py`);
- a function that CuPy 14 does not have is not here either, and arguments that it lacks are refused;
- `floor_divide` and `remainder` round as CuPy's do;
- memory comes from pools, streams and graphs do their work later (`_device.py`);
- whoever looks at a value is counted: `cupy.synchronizations` (where, how often).

Kernels in CUDA C++ cannot be compiled here: `RawModule` refuses. `tests/backends/cuda` runs them.
"""

import builtins

import numpy as np

from . import _device, cuda, lib
from ._array import computed, host, ndarray, synchronizations, wrapped, written

__version__ = "14.2.0"

# fmt: off
# Names of NumPy's that CuPy 14.2 has too and our operations use, with the same meaning: dtypes and functions.
_DTYPES = [
    "bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint32",
    "uint64",
]
_FUNCTIONS = [
    "abs", "acos", "acosh", "add", "all", "any", "arange", "argmax", "argmin", "ascontiguousarray",
    "asin", "asinh", "astype", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert", "bitwise_or",
    "bitwise_xor", "broadcast_to", "ceil", "clip", "copysign", "cos", "cosh", "cumulative_prod",
    "cumulative_sum", "divide", "equal", "exp", "expand_dims", "expm1", "flip", "floor", "fmod",
    "full", "full_like", "greater", "greater_equal", "isdtype", "isfinite", "isnan", "less", "less_equal",
    "log", "log10", "log1p", "log2", "logical_and", "logical_or", "logical_xor", "matmul", "max",
    "maximum", "min", "minimum", "moveaxis", "multiply", "negative", "nonzero", "not_equal", "ones",
    "ones_like", "permute_dims", "pow", "prod", "reciprocal", "reshape", "rint", "round", "searchsorted",
    "sign", "sin", "sinh", "sqrt", "square", "stack", "subtract", "sum", "take_along_axis", "tan", "tanh",
    "trunc", "where", "zeros", "zeros_like",
]
# fmt: on
globals().update({name: getattr(np, name) for name in _DTYPES})
globals().update({name: wrapped(getattr(np, name), name) for name in _FUNCTIONS})


def empty(shape, dtype=np.float64):
    return ndarray(_device.new(shape if isinstance(shape, tuple) else (shape,), dtype))


def array(obj, dtype=None, copy=True, order="K"):
    """On the device, from the host or from there."""
    if isinstance(obj, ndarray):
        return computed(lambda data: np.array(data, dtype=dtype, copy=copy or None, order=order), obj)
    _device.refuse_host_memory()
    data = np.array(obj, dtype=dtype, order=order)
    return computed(lambda: data)


def asarray(a, dtype=None, order=None, *, copy=None):
    return array(a, dtype, copy=builtins.bool(copy), order=order or "K")


def asnumpy(a):
    return a.get()


def concat(arrays, axis=0):
    if len(arrays) > 8:
        _device.refuse_host_memory()  # CuPy makes a table of their addresses there
    return wrapped(np.concat, "concat")(arrays, axis=axis)


def argsort(a, axis=-1, kind=None):
    if kind not in (None, "stable"):
        raise ValueError("only stable sorting")
    return computed(np.argsort, a, axis=axis, stable=True)


def copyto(dst, src, casting="same_kind"):
    written(np.copyto, dst, src, casting=casting)


def may_share_memory(a, b):
    return np.may_share_memory(host(a), host(b))


def floor_divide(x1, x2):
    def quotient(x, y):
        return np.floor(x / y).astype(x.dtype) if x.dtype.kind == "f" else np.floor_divide(x, y)

    return computed(quotient, x1, x2)


def remainder(x1, x2):
    return x1 - floor_divide(x1, x2) * x2


def get_default_memory_pool():
    return cuda.POOL


def RawModule(**_):
    raise RuntimeError("the stand-in for CuPy compiles nothing: use CupyBackend(overrides=False)")
