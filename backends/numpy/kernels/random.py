"""Dropout's mask: each part of a batch draws the numbers that belong to it, and waits for no other part."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..philox import words
from .memory import Arena, Array, Ints, Work


def prepare_random_mask(
    B: object, arena: Arena, state: Array, out: Array, *, shape: Ints, p: float, first: int = 0
) -> Work:
    """True with probability p, from the (seed, counter) in `state`.

    The mask has the given shape; out may be a part of it, which begins with the element `first` in row-major
    order.
    """
    if p == 1:
        return partial(np.copyto, out, True)
    bound = np.uint32(int(p * 2**32))

    def work() -> None:
        drawn = words(int(state[0]), int(state[1]), out.size, first=first)
        np.less(drawn.reshape(out.shape), bound, out)

    return work
