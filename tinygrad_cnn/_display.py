"""How a tensor looks in text: its numbers, and what is remarkable about it.

The one file of the engine that knows NumPy, and only to print: every backend's values can be seen on the
host, and NumPy lays out a matrix better than we would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_cnn.dtypes import bfloat16, float32, int64

if TYPE_CHECKING:
    from tinygrad_cnn._tensor import Tensor

MANY = 200  # more elements than this are shown with their middle left out


def describe(tensor: Tensor) -> str:
    """tensor([1., 2.], requires_grad=True): the numbers first, then whatever is not as usual."""
    parts = [_numbers(tensor) if tensor.backend.executes else f"shape={tensor.shape}"]
    if tensor.dtype not in (float32, int64) and tensor.dtype.kind != "bool":
        parts.append(f"dtype={tensor.dtype}")
    if tensor.backend.name != "numpy":
        parts.append(f"backend={tensor.backend.name}")
    if tensor.requires_grad:
        parts.append("requires_grad=True" if tensor.is_leaf else f"from={tensor.node.name}")
    if tensor.name:
        parts.append(f"name={tensor.name!r}")
    return f"tensor({', '.join(parts)})"


def _numbers(tensor: Tensor) -> str:
    import numpy as np

    values = tensor.numpy()
    if tensor.dtype is bfloat16:  # NumPy knows it as a stranger, and would lay it out without decimal points
        values = values.astype(np.float32)
    return np.array2string(
        values, separator=", ", prefix="tensor(", threshold=MANY, precision=4, floatmode="maxprec"
    )
