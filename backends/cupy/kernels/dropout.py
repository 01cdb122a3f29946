"""Random words and masks by the kernels of `dropout.cu`: the same as the NumPy backend's, bit for bit."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape, count

from .launch import THREADS, blocks_for, launch
from .layout import in_rows

WORDS_PER_BLOCK = 4


def random_words(xp: Any, seed: Array, counter: Array, n: int) -> Array:
    """n words of Philox4x32-10 from block `counter` on; what `Backend.random_bits` has to return."""
    words = xp.empty((n,), dtype=xp.uint32)
    _launch("random_words", seed, counter, n, words)
    return words


def random_mask(B: Backend, state: Array, *, shape: Shape, p: float) -> Array:
    """True with probability p, by the state (seed, counter) on the device."""
    state = in_rows(state)
    mask = B.xp.empty(shape, dtype=B.xp.bool)
    _launch("random_mask", state[0:1], state[1:2], count(shape), int(p * 2**32), mask)
    return mask


def _launch(kernel: str, seed: Array, counter: Array, n: int, *arguments: Any) -> None:
    """One thread for each block of words."""
    grid = blocks_for(-(-n // WORDS_PER_BLOCK))
    launch("dropout.cu", kernel, (), grid, (THREADS,), seed, counter, n, *arguments)
