"""Labels and losses: small arrays, where every call of a NumPy function counts.

A batch of 64 with 10 classes is computed in no time; what takes time is going from Python into NumPy and
back, and in a captured step only one thread can do that at a time. So here are the fewest calls that do the
work, on memory that is there already.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_cnn._op import REGISTRY

from .blocks import replay
from .memory import Arena, Array, Work


def prepare_one_hot(
    B: object,
    arena: Arena,
    labels: Array,
    out: Array,
    *,
    num_classes: int,
    dim: int,
    ignore_index: int | None,
    dtype: object,
) -> Work:
    """A 1 at each label's place along a new dimension; what is no label is left to the readable kernel."""
    axis = dim % out.ndim
    each = np.expand_dims(labels, axis)
    classes = np.arange(num_classes).reshape([-1 if one == axis else 1 for one in range(out.ndim)])
    hits = _lying_alike(arena, out, np.bool_)
    takes_some_out = ignore_index is not None and 0 <= ignore_index < num_classes
    options = {"num_classes": num_classes, "dim": dim, "ignore_index": ignore_index, "dtype": dtype}
    readable = REGISTRY["one_hot"].kernel

    def work() -> None:
        np.equal(each, classes, out=hits)
        if takes_some_out or np.count_nonzero(hits) != labels.size:
            np.copyto(out, readable(B, labels, **options))
        else:
            np.copyto(out, hits)

    return work


def prepare_softmax_cross_entropy(
    B: object, arena: Arena, logits: Array, target: Array, out: Array, log_probabilities: Array, *, dim: int
) -> Work:
    """−Σ target · ln softmax(logits) along `dim`; the steps are those of the readable kernel."""
    axis = dim % logits.ndim
    reduced = tuple(1 if one == axis else size for one, size in enumerate(logits.shape))
    most, total = (arena.take(reduced, logits.dtype) for _ in range(2))
    terms, unwanted = _lying_alike(arena, logits, logits.dtype), _lying_alike(arena, logits, np.bool_)
    logp = log_probabilities
    calls: list[Callable[[], Any]] = [
        partial(np.maximum.reduce, logits, axis, None, most, True),
        partial(np.subtract, logits, most, logp),
        partial(np.exp, logp, terms),
        partial(np.add.reduce, terms, axis, None, total, True),
        partial(np.log, total, total),
        partial(np.subtract, logp, total, logp),
        # A class of probability 0 contributes 0, also where its log-probability is −∞.
        partial(np.multiply, target, logp, terms),
        partial(np.equal, target, 0, unwanted),
        partial(np.copyto, terms, 0, "same_kind", unwanted),
        partial(np.add.reduce, terms, axis, None, out),
        partial(np.subtract, 0, out, out),
    ]
    return replay(calls)


def _lying_alike(arena: Arena, x: Array, dtype: npt.DTypeLike) -> Array:
    """Memory of the shape of x, whose dimensions lie in the same order."""
    order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    memory = arena.take(tuple(x.shape[axis] for axis in order), dtype)
    return memory.transpose([order.index(axis) for axis in range(x.ndim)])
