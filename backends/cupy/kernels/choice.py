"""Which kernel computes an operation: one of this folder, or the readable one of `tinygrad_cnn/ops`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tinygrad_cnn._narrow import takes_narrow
from tinygrad_cnn.backend import Array, Backend, Kernel

FLOATS = ("float32", "float64")
NARROW = ("bfloat16", "float16")


def has_floats(x: Array) -> bool:
    """Whether the kernels are compiled for such numbers."""
    return x.dtype.name in FLOATS


def has_narrow(x: Array) -> bool:
    """Whether these are floats of 16 bits."""
    return x.dtype.name in NARROW


def has_floats_of_any_width(x: Array) -> bool:
    """Whether the kernels that read 16-bit floats too are compiled for such numbers."""
    return has_floats(x) or has_narrow(x)


def instead_of(op: Any, suits: Callable[[Array], bool] = has_floats) -> Callable[[Kernel], Kernel]:
    """Take this kernel for an operation where the first array suits it, the operation's own elsewhere."""

    def decorate(kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def chosen(B: Backend, x: Array, *inputs: Array, **params: Any) -> Any:
            if suits(x):
                return kernel(B, x, *inputs, **params)
            readable = _in_float32 if has_narrow(x) else op.kernel
            return readable(B, x, *inputs, **params)

        def _in_float32(B: Backend, *arrays: Array, **params: Any) -> Any:
            """The operation's own kernel on 16-bit floats, rounded once at the end."""
            xp, dtype = B.xp, arrays[0].dtype
            made = op.kernel(B, *[xp.astype(a, xp.float32) if has_narrow(a) else a for a in arrays], **params)
            results = [
                xp.astype(result, dtype) if has_floats(result) else result
                for result in ((made,) if op.single else made)
            ]
            return results[0] if op.single else results

        return takes_narrow(chosen)

    return decorate
