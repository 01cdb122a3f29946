"""Philox4x32-10: random numbers that can be computed in any order.

A counter is scrambled by ten rounds of multiplication and exclusive-or under a key. Block i needs no
block before it, so every backend, on any number of threads, draws the same numbers.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
# The key grows by Weyl sequences: the golden ratio and √3 − 1 as 32-bit fractions.
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
_HALF = np.uint64(32)


def words(seed: int, counter: int, n: int) -> NDArray[np.uint32]:
    """n 32-bit words: four from each block, from block `counter` on, under the 64-bit key `seed`."""
    blocks = -(-n // 4)
    index = np.arange(counter, counter + blocks, dtype=np.uint64)
    zero = np.zeros(blocks, dtype=np.uint64)
    state = (index & np.uint64(_MASK), index >> _HALF, zero, zero)
    return np.stack(scramble(state, seed & _MASK, seed >> 32), axis=1).astype(np.uint32).reshape(-1)[:n]


def scramble(state: tuple[NDArray[np.uint64], ...], key0: int, key1: int) -> tuple[NDArray[np.uint64], ...]:
    """Ten rounds over four words held in 64 bits, so that a product keeps its high half."""
    a, b, c, d = state
    for _ in range(ROUNDS):
        first, second = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        low = np.uint64(_MASK)
        a, b, c, d = (
            (second >> _HALF) ^ b ^ np.uint64(key0),
            second & low,
            (first >> _HALF) ^ d ^ np.uint64(key1),
            first & low,
        )
        key0, key1 = (key0 + KEY_STEPS[0]) & _MASK, (key1 + KEY_STEPS[1]) & _MASK
    return a, b, c, d
