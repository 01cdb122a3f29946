"""Softmax and cross-entropy by the kernels of `cross_entropy.cu`; what is computed stands in ops/loss.py."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape, count, normalize_dim
from tinygrad_cnn.ops import loss as ops

from .choice import has_floats, instead_of
from .launch import THREADS, blocks_for, c_type, launch
from .layout import in_rows

WARP = 32
ROWS_A_BLOCK = THREADS // WARP


def _are_scores(x: Array) -> bool:
    return has_floats(x) and x.size > 0


@instead_of(ops.softmax_cross_entropy, _are_scores)
def softmax_cross_entropy(B: Backend, logits: Array, target: Array, *, dim: int) -> tuple[Array, Array]:
    """−Σ target · ln softmax(logits) along `dim`, and ln softmax(logits)."""
    xp = B.xp
    logits, target = in_rows(logits), in_rows(target)
    axis = normalize_dim(dim, logits.ndim)
    loss = xp.empty((*logits.shape[:axis], *logits.shape[axis + 1 :]), dtype=logits.dtype)
    log_probabilities = xp.empty(logits.shape, dtype=logits.dtype)
    _launch_rows("cross_entropy", logits, axis, (logits, target), (loss, log_probabilities))
    return loss, log_probabilities


def softmax_cross_entropy_grad(
    B: Backend, g: Array, target: Array, log_probabilities: Array, *, dim: int
) -> Array:
    """∂L/∂logits = g · (softmax · Σ target − target), which the engine computes by several operations."""
    inputs = tuple(in_rows(array) for array in (g, target, log_probabilities))
    logits_grad = B.xp.empty(target.shape, dtype=target.dtype)
    axis = normalize_dim(dim, target.ndim)
    _launch_rows("cross_entropy_grad", inputs[1], axis, inputs, (logits_grad,))
    return logits_grad


def _launch_rows(
    kernel: str, array: Array, axis: int, inputs: tuple[Array, ...], results: tuple[Array, ...]
) -> None:
    """One warp for each row along an axis."""
    rows, classes, inner = _rows(array.shape, axis)
    grid, block = blocks_for(rows, ROWS_A_BLOCK), (WARP, ROWS_A_BLOCK)
    arguments: tuple[Any, ...] = (*inputs, rows, classes, inner, *results)
    launch("cross_entropy.cu", kernel, (c_type(array),), grid, block, *arguments)


def _rows(shape: Shape, axis: int) -> tuple[int, int, int]:
    """How many rows, of how many numbers, and how far apart these lie."""
    inner = count(shape[axis + 1 :])
    return count(shape[:axis]) * inner, shape[axis], inner
