"""Kernels for an operation by itself, outside of a captured step: its batch or its channels on all threads.

A prepared kernel is work for one thread. Here each thread gets a part of a large operation, with an arena of
its own, and the parts are put together: the images of a batch one behind the other, the gradients of weights
as a sum (always in the same order, so that the same number of threads gives the same bits). BLAS is told to
keep to one thread meanwhile: its own threads would wait for work on the very cores that ours need.

A captured step does better (see `plan/`): its parts stay apart from the first layer to the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from . import threads
from .memory import Array, batch_last, empty_batch_last
from .workers import workers

Kernel = Callable[..., Any]

# An operation on fewer numbers is done before a second thread has woken up.
WORTH_A_THREAD = 1 << 18


def over_images(kernel: Kernel) -> Kernel:
    """A kernel (B, images, weights) -> images, with a part of the batch on each thread."""

    @wraps(kernel)
    def in_parts(B: object, x: Array, w: Array, **params: Any) -> Array:
        cuts = _cuts(x.shape[0], x.size)
        parts = _each(lambda cut: kernel(B, x[cut], w, **params), cuts)
        if len(parts) == 1:
            only: Array = parts[0]
            return only
        out = empty_batch_last((x.shape[0], *parts[0].shape[1:]), parts[0].dtype)
        _each(lambda place: np.copyto(out[cuts[place]], parts[place]), range(len(parts)))
        return out

    return in_parts


def summed_over_images(kernel: Kernel) -> Kernel:
    """A kernel (B, images, gradients) -> weights: every part of the batch makes a summand."""

    @wraps(kernel)
    def in_parts(B: object, x: Array, grad: Array, **params: Any) -> Array:
        parts = _each(lambda cut: kernel(B, x[cut], grad[cut], **params), _cuts(x.shape[0], x.size))
        total: Array = parts[0]
        for part in parts[1:]:
            total = np.add(total, part, out=total)
        return total

    return in_parts


def over_channels(kernel: Kernel) -> Kernel:
    """A kernel of images and vectors, (N, C, *S) and (C,), to such: channels know nothing of each other."""

    @wraps(kernel)
    def in_parts(B: object, *arrays: Array, **params: Any) -> tuple[Array, ...]:
        arrays = tuple(_batch_last_in_memory(array) for array in arrays)
        images = arrays[0]
        cuts = _cuts(images.shape[1], images.size)
        parts = _each(lambda cut: kernel(B, *[_channels(array, cut) for array in arrays], **params), cuts)
        if len(parts) == 1:
            only: tuple[Array, ...] = parts[0]
            return only
        return tuple(_joined(results) for results in zip(*parts, strict=True))

    return in_parts


def _batch_last_in_memory(array: Array) -> Array:
    """The same array, with images lying batch last in memory, so that channels can be cut off as views."""
    return batch_last(array).transpose(-1, *range(array.ndim - 1)) if array.ndim > 1 else array


def _channels(array: Array, cut: slice) -> Array:
    return array[:, cut] if array.ndim > 1 else array[cut]


def _joined(parts: Sequence[Array]) -> Array:
    if parts[0].ndim == 1:
        return np.concatenate(parts)
    shape = parts[0].shape
    out = empty_batch_last((shape[0], sum(part.shape[1] for part in parts), *shape[2:]), parts[0].dtype)
    ends = np.cumsum([0, *(part.shape[1] for part in parts)])
    places = range(len(parts))
    _each(lambda place: np.copyto(out[:, ends[place] : ends[place + 1]], parts[place]), places)
    return out


def _cuts(count: int, numbers: int) -> list[slice]:
    """One part of the images or channels for each thread; a single one if there is little to do."""
    parts = min(threads.get_num_threads(), count) if numbers >= WORTH_A_THREAD else 1
    parts = max(1, parts)
    return [slice(count * part // parts, count * (part + 1) // parts) for part in range(parts)]


def _each(work: Callable[[Any], Any], pieces: Sequence[Any]) -> list[Any]:
    """What the work returns for every piece, each in a thread."""
    results: list[Any] = [None] * len(pieces)

    def job(place: int) -> Callable[[], None]:
        def run() -> None:
            results[place] = work(pieces[place])

        return run

    with threads.limited_to(1):
        workers(len(pieces)).run([job(place) for place in range(len(pieces))])
    return results
