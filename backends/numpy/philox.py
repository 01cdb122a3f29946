"""Philox4x32-10: random numbers that can be computed in any order.

A counter is scrambled by ten rounds of multiplication and exclusive-or under a key. Block i needs no
block before it, so every backend, on any number of threads, draws the same numbers.

Many counters are scrambled at once, a few thousand at a time and in place, so that they stay in the cache.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 10
MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
# The key grows by Weyl sequences: the golden ratio and √3 − 1 as 32-bit fractions.
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
WORDS_PER_BLOCK = 4
BLOCKS_AT_ONCE = 8192  # six arrays of 64 KB, which fit the second-level cache
_MASK = 0xFFFFFFFF
_HALF = np.uint64(32)


def words(seed: int, counter: int, n: int, *, first: int = 0) -> NDArray[np.uint32]:
    """n 32-bit words under the 64-bit key `seed`, of those that blocks `counter`, `counter` + 1, ... give.

    Args:
        seed: the key.
        counter: the number of the first block.
        n: how many words.
        first: how many words to leave out before; so the threads that share a draw take their parts of it.

    >>> together = words(seed=7, counter=0, n=10)
    >>> bool((words(seed=7, counter=0, n=4, first=6) == together[6:]).all())
    True
    """
    skipped, offset = divmod(first, WORDS_PER_BLOCK)
    blocks = -(-(offset + n) // WORDS_PER_BLOCK)
    drawn = np.empty((blocks, WORDS_PER_BLOCK), np.uint32)
    for start in range(0, blocks, BLOCKS_AT_ONCE):
        some = drawn[start : start + BLOCKS_AT_ONCE]
        begin = counter + skipped + start
        index = np.arange(begin, begin + len(some), dtype=np.uint64)
        state = np.zeros((WORDS_PER_BLOCK, len(some)), np.uint64)
        np.bitwise_and(index, np.uint64(_MASK), state[0])
        np.right_shift(index, _HALF, state[1])
        scramble(state, seed & _MASK, seed >> 32)
        np.copyto(some, state.T, casting="same_kind")
    return drawn.reshape(-1)[offset : offset + n]


def scramble(state: NDArray[np.uint64], key0: int, key1: int) -> None:
    """Ten rounds over four words (4, blocks), in place; held in 64 bits, a product keeps its high half."""
    # The words a, b, c, d as the pairs (a, c), which are multiplied, and (b, d).
    factors, others = state[0::2].copy(), state[1::2].copy()
    products = np.empty_like(factors)
    (a, c), (second, first) = factors, products
    for _ in range(ROUNDS):
        np.multiply(a, MULTIPLIERS[0], first)
        np.multiply(c, MULTIPLIERS[1], second)
        np.right_shift(products, _HALF, factors)
        np.bitwise_xor(factors, others, factors)
        np.bitwise_xor(a, np.uint64(key0), a)
        np.bitwise_xor(c, np.uint64(key1), c)
        np.bitwise_and(products, np.uint64(_MASK), others)
        key0, key1 = (key0 + KEY_STEPS[0]) & _MASK, (key1 + KEY_STEPS[1]) & _MASK
    state[0::2], state[1::2] = factors, others
