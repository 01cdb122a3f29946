"""Floats of 16 bits: made for memory, not for arithmetic.

bfloat16 and float16 take half the room of float32, and half the time to read and write. To compute with them
and round after every addition would lose most of a long sum: in bfloat16, 256 + 1 is 256. So a GPU widens
them as it reads them, multiplies and adds in float32, and rounds once, when it writes the result. A backend
whose arrays do not do that by themselves does the same around a whole operation, by `widened`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_cnn.dtypes import DType, Spec

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op
    from tinygrad_cnn.backend import Backend

Kernel = Callable[..., Any]


def takes_narrow(kernel: Kernel) -> Kernel:
    """Mark a kernel that takes 16-bit floats as they are, and computes in float32 itself (a decorator)."""
    kernel.takes_narrow = True  # type: ignore[attr-defined]
    return kernel


def widened(kernel: Kernel, backend: Backend, op: Op, dtype: DType, specs: Sequence[Spec]) -> Kernel:
    """A kernel as an operation on such numbers needs it: computing in float32 where they have 16 bits.

    Args:
        kernel: what computes the operation in wider floats.
        backend: where.
        op: the operation.
        dtype: of the first input.
        specs: what the results are to be.
    """
    if not (dtype.is_narrow or specs[0].dtype.is_narrow):
        return kernel
    if getattr(kernel, "takes_narrow", False) or not backend.widens(op):
        return kernel

    def in_float32(B: Backend, *arrays: Any, **params: Any) -> Any:
        wide = [B.xp.astype(a, B.xp.float32) if B.dtype_of(a).is_narrow else a for a in arrays]
        made = kernel(B, *wide, **params)
        results = [
            B.xp.asarray(result, dtype=B.array_dtype(spec.dtype)) if spec.dtype.is_narrow else result
            for result, spec in zip((made,) if op.single else made, specs, strict=True)
        ]
        return results[0] if op.single else results

    return in_float32
