"""Which kernel computes an operation: one of this folder, or the readable one of `tinygrad_cnn/ops`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from tinygrad_cnn.backend import Array, Backend, Kernel

FLOATS = ("float32", "float64")


def has_floats(x: Array) -> bool:
    """Whether the kernels are compiled for such numbers."""
    return x.dtype.name in FLOATS


def instead_of(op: Any, suits: Callable[[Array], bool] = has_floats) -> Callable[[Kernel], Kernel]:
    """Take this kernel for an operation where the first array suits it, the operation's own elsewhere."""

    def decorate(kernel: Kernel) -> Kernel:
        @wraps(kernel)
        def chosen(B: Backend, x: Array, *inputs: Array, **params: Any) -> Any:
            return (kernel if suits(x) else op.kernel)(B, x, *inputs, **params)

        return chosen

    return decorate
