"""Philox4x32-10 in whole arrays: the words of `backends/numpy/philox.py`, drawn on the device.

There one core walks through the blocks, some thousands at a time, in memory that stays in its cache. A GPU
wants the opposite: every block at once. And the seed and the counter are arrays, because they lie on the
device: to make numbers of them would be to wait for everything that was asked of the GPU before.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array

from ..numpy.philox import KEY_STEPS, MULTIPLIERS, ROUNDS, WORDS_PER_BLOCK

_LOW, _HALF = 0xFFFFFFFF, 32


def words(xp: Any, seed: Array, counter: Array, n: int) -> Array:
    """n words of 32 bits under the 64-bit key `seed`, from block `counter` on.

    >>> import numpy
    >>> words(numpy, numpy.array(0), numpy.array(0), 2).tolist() == [0x6627E8D5, 0xE169C58D]
    True
    """
    blocks = -(-n // WORDS_PER_BLOCK)
    index = xp.astype(counter, xp.uint64) + xp.arange(blocks, dtype=xp.uint64)
    key = xp.astype(seed, xp.uint64)
    drawn = xp.stack(_scrambled(xp, index, key & _LOW, key >> _HALF), axis=1)
    return xp.reshape(xp.astype(drawn, xp.uint32), (-1,))[:n]


def _scrambled(xp: Any, index: Array, key0: Array, key1: Array) -> tuple[Array, Array, Array, Array]:
    """Ten rounds over four words for every block; held in 64 bits, a product keeps its high half."""
    a, b = index & _LOW, index >> _HALF
    c = d = xp.zeros_like(index)
    for _ in range(ROUNDS):
        first, second = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b = (second >> _HALF) ^ b ^ key0, second & _LOW
        c, d = (first >> _HALF) ^ d ^ key1, first & _LOW
        key0, key1 = (key0 + KEY_STEPS[0]) & _LOW, (key1 + KEY_STEPS[1]) & _LOW
    return a, b, c, d
