"""What follows a product or a convolution, by the kernels of `bias.cu`: a bias, a ReLU, and its gradient.

None of the three is an operation of its own to the engine, which adds, compares and chooses. They take arrays
in any order of memory, and make results that lie as their inputs do.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.errors import BackendError

from .launch import THREADS, blocks_for, c_type, launch, struct
from .layout import empty_as, in_rows, index_type, is_dense, lies_as, strides_of

SPREAD = ("size", "channels", "inner")


def add_bias(B: Backend, x: Array, bias: Array, *, dim: int, relu: bool, out: Array | None = None) -> Array:
    """x + bias, and of that max(·, 0) if `relu`; the same numbers as by an addition and a choice.

    Args:
        B: the backend of the arrays.
        x: any shape, floats.
        bias: (x.shape[dim],), of x's dtype.
        dim: along which dimension it changes: 1 for images (N, C, *S), -1 for the rows of a linear layer.
        relu: cut off below 0; NaN stays.
        out: where to write; may be x itself. New memory by default.

    Raises:
        BackendError: `out` does not lie as x does, or x has gaps and therefore had to be copied.
    """
    x = _dense(x)
    if out is None:
        out = empty_as(B.xp, x)
    elif out.shape != x.shape or not lies_as(out, x):
        raise BackendError(
            "add_bias writes numbers in the order in which it reads them",
            argument="out",
            expected=f"shape {x.shape}, strides {strides_of(x)}",
            got=f"shape {out.shape}, strides {strides_of(out)}",
        )
    # In memory without gaps a place's number tells the channel's, whatever order the dimensions are in.
    inner = max(strides_of(x)[dim], 1)
    kind = index_type(x)
    over = struct(SPREAD, (x.size, x.shape[dim], inner), kind)
    _launch("add_bias", (c_type(x), kind), x.size, x, in_rows(bias), over, bool(relu), out)
    return out


def matmul_bias(B: Backend, x: Array, y: Array, bias: Array, *, relu: bool) -> Array:
    """x @ y + bias, and of that max(·, 0) if `relu`; the bias is added where the product has been written.

    x (*, n, k), y (*, k, m), bias (m,) → (*, n, m).
    """
    out = B.xp.matmul(x, y)
    return add_bias(B, out, bias, dim=-1, relu=relu, out=out)


def relu_grad(B: Backend, g: Array, out: Array) -> Array:
    """g where `out`, the result of a ReLU, is not 0, and 0 elsewhere; lies as `out` does."""
    out = _dense(out)
    if not lies_as(g, out):
        moved = empty_as(B.xp, out)
        moved[...] = g
        g = moved
    x_grad = empty_as(B.xp, out)
    _launch("relu_grad", (c_type(g),), out.size, g, out, out.size, x_grad)
    return x_grad


def _dense(array: Array) -> Array:
    return array if is_dense(array) else in_rows(array)


def _launch(kernel: str, types: tuple[str, ...], size: int, *arguments: Any) -> None:
    launch("bias.cu", kernel, types, blocks_for(size), (THREADS,), *arguments)
