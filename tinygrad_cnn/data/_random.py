"""Random numbers as a function: what is drawn follows from a seed and from what it is drawn for.

Nothing is remembered between two draws, so nothing has to be saved: a run that was interrupted and goes on
in epoch 7 meets the batches it would have met. The generator that makes this easy is counter-based: Philox
(J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) scrambles a counter with a key. The
key is (seed, epoch); one word of the counter says what the numbers are for.
"""

from __future__ import annotations

import numpy as np

from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError

# Purposes. Those in between belong to batches: b + 1 is for the transform of batch b.
ORDER = 0
SPLIT = (1 << 64) - 1
POINTS = (1 << 64) - 2
PICTURE = (1 << 64) - 3


def generator(seed: int, epoch: int, purpose: int) -> np.random.Generator:
    """The numbers of this seed and epoch that are for this purpose."""
    # Arrays, because a plain list would pass through float64 from 2^63 on.
    key = np.array([seed, epoch], np.uint64)
    counter = np.array([0, 0, 0, purpose], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def check_integer(value: object, argument: str, *, at_least: int = 0) -> int:
    """The integer itself, if it fits into a word of the key."""
    number = as_index(value, argument=argument)
    if not at_least <= number < 1 << 64:
        raise ArgumentError(
            f"{argument} is out of range",
            argument=argument,
            expected=f"{at_least} <= {argument} < 2^64",
            got=number,
        )
    return number
