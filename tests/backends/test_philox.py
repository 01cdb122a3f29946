"""Philox4x32-10 against the known answers published with Random123 (Salmon et al., SC 2011)."""

import numpy as np
import pytest

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
    state = tuple(np.array([word], dtype=np.uint64) for word in counter)
    assert tuple(int(word[0]) for word in philox.scramble(state, *key)) == answer


def test_words_are_indexed_by_block():
    together = philox.words(7, 0, 40)
    assert together.dtype == np.uint32
    np.testing.assert_array_equal(together[12:], philox.words(7, 3, 28))


def test_a_number_of_words_that_is_no_multiple_of_four():
    np.testing.assert_array_equal(philox.words(7, 0, 5), philox.words(7, 0, 8)[:5])
    assert philox.words(7, 0, 0).shape == (0,)


def test_counter_and_seed_use_all_their_bits():
    assert not np.array_equal(philox.words(1, 2**33, 4), philox.words(1, 2**33 % 2**32, 4))
    assert not np.array_equal(philox.words(2**40, 0, 4), philox.words(0, 0, 4))
