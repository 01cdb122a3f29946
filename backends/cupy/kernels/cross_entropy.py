"""Softmax and cross-entropy by the kernels of `cross_entropy.cu`; what is computed stands in ops/loss.py.

A classifier's loss is mostly the mean over labels. The engine turns these into rows with a single 1, takes
the cross-entropy with them, and divides the sum by how many count. A plan that finds all this, with the
gradients (`plan/labels.py`), calls the two functions at the end, which need no such rows.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape, count, normalize_dim
from tinygrad_cnn.errors import LabelError
from tinygrad_cnn.ops import loss as ops

from .choice import has_floats_of_any_width, instead_of
from .launch import THREADS, blocks_for, c_type, launch
from .layout import in_rows

WARP = 32
ROWS_A_BLOCK = THREADS // WARP
MOST_LABELS = 1 << 14  # the mean is taken by one block, which should not be busy for long
LABELS = ("uint8", "int32", "int64")  # what the kernels for labels are compiled for


def _are_scores(x: Array) -> bool:
    return has_floats_of_any_width(x) and x.size > 0


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


def cross_entropy_of_labels(
    B: Backend, logits: Array, labels: Array, *, dim: int, ignore_index: int
) -> tuple[Array, Array, Array]:
    """The mean of −ln softmax(logits) at the labels, ln softmax(logits), and how many labels count.

    Args:
        B: the backend, which is given the check of the labels.
        logits: scores, float32 or float64; classes lie along `dim`.
        labels: integers of the same shape without `dim`; those equal to `ignore_index` count nothing.
        dim: along which dimension the classes lie.
        ignore_index: no class, or one to leave out.
    """
    xp, dtype = B.xp, logits.dtype
    logits, labels = in_rows(logits), in_rows(labels)
    axis = normalize_dim(dim, logits.ndim)
    classes = logits.shape[axis]
    losses, log_probabilities = (xp.empty(shape, dtype=dtype) for shape in (labels.shape, logits.shape))
    inputs, types = (logits, labels, ignore_index), (c_type(logits), c_type(labels))
    _launch_rows("label_losses", logits, axis, inputs, (losses, log_probabilities), types)
    mean, counted = (xp.empty((), dtype=dtype) for _ in range(2))
    is_wrong = xp.empty((), dtype=xp.bool)
    arguments = (losses, labels, ignore_index, labels.size, classes, mean, counted, is_wrong)
    launch("cross_entropy.cu", "mean_of_losses", types, (1,), (THREADS,), *arguments)
    B.check(lambda: is_wrong, lambda _: _label_error(B, labels, classes, ignore_index))
    return mean, log_probabilities, counted


def cross_entropy_of_labels_grad(
    B: Backend,
    g: Array,
    labels: Array,
    log_probabilities: Array,
    counted: Array,
    *,
    dim: int,
    ignore_index: int,
) -> Array:
    """∂L/∂logits = g / counted · (softmax − 1 at the label), and 0 where a label is ignored."""
    labels, log_probabilities = in_rows(labels), in_rows(log_probabilities)
    logits_grad = B.xp.empty(log_probabilities.shape, dtype=log_probabilities.dtype)
    axis = normalize_dim(dim, log_probabilities.ndim)
    inputs = (g, counted, labels, ignore_index, log_probabilities)
    types = (c_type(log_probabilities), c_type(labels))
    _launch_rows("label_losses_grad", log_probabilities, axis, inputs, (logits_grad,), types)
    return logits_grad


def _label_error(B: Backend, labels: Array, classes: int, ignore_index: int) -> LabelError:
    outside = ((labels < 0) | (labels >= classes)) & (labels != ignore_index)
    return ops.label_error(B, labels, outside, classes)


def _launch_rows(
    kernel: str,
    array: Array,
    axis: int,
    inputs: tuple[Any, ...],
    results: tuple[Array, ...],
    types: tuple[str, ...] = (),
) -> None:
    """One warp for each row along an axis; the kernel is of the array's type, or of these types."""
    rows, classes, inner = _rows(array.shape, axis)
    grid, block = blocks_for(rows, ROWS_A_BLOCK), (WARP, ROWS_A_BLOCK)
    arguments: tuple[Any, ...] = (*inputs, rows, classes, inner, *results)
    launch("cross_entropy.cu", kernel, types or (c_type(array),), grid, block, *arguments)


def _rows(shape: Shape, axis: int) -> tuple[int, int, int]:
    """How many rows, of how many numbers, and how far apart these lie."""
    inner = count(shape[axis + 1 :])
    return count(shape[:axis]) * inner, shape[axis], inner
