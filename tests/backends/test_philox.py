"""Philox4x32-10 against the known answers published with Random123 (Salmon et al., SC 2011)."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.testing.references.random import philox as one_block
from tinygrad_cnn_backends.numpy import philox

KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    state = np.array(counter, dtype=np.uint64).reshape(4, 1)
    philox.scramble(state, *key)
    assert tuple(map(int, state[:, 0])) == answer


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**40), st.integers(0, 50), st.integers(0, 50))
def test_words_equal_the_plain_loop(seed, counter, n, first):
    """However the blocks are shared out, and wherever a part of them begins."""
    with mock.patch.object(philox, "BLOCKS_AT_ONCE", 3):
        drawn = philox.words(seed, counter, n, first=first)
    blocks = range(counter, counter + (first + n + 3) // 4)
    expected = [word for block in blocks for word in one_block(seed, block)]
    assert drawn.dtype == np.uint32
    assert drawn.tolist() == expected[first : first + n]


def test_words_are_indexed_by_block():
    together = philox.words(7, 0, 5 * philox.BLOCKS_AT_ONCE)
    np.testing.assert_array_equal(together[12:], philox.words(7, 3, together.size - 12))


def test_counter_and_seed_use_all_their_bits():
    assert not np.array_equal(philox.words(1, 2**33, 4), philox.words(1, 2**33 % 2**32, 4))
    assert not np.array_equal(philox.words(2**40, 0, 4), philox.words(0, 0, 4))
