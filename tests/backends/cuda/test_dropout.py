"""Random words and masks by the kernels of dropout.cu, run on the CPU: bit for bit the NumPy backend's."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.ops import random as ops
from tinygrad_cnn_backends.cupy.kernels import KERNELS, random_words
from tinygrad_cnn_backends.numpy import philox

NUMPY = tc.get_backend("numpy", overrides=False)
words_of_a_seed = st.integers(0, 2**63 - 1)
counters = st.integers(0, 2**63 - 10_000)


@given(words_of_a_seed, counters, st.integers(0, 1100))
@example(0, 0, 4)
@settings(deadline=None)
def test_words(gpu, seed, counter, n):
    drawn = random_words(gpu.xp, np.array(seed), np.array(counter), n)
    assert drawn.dtype == np.uint32
    np.testing.assert_array_equal(drawn, philox.words(seed, counter, n))


@given(words_of_a_seed, counters, st.lists(st.integers(0, 9), max_size=3), st.floats(0, 1))
@example(1, 2, [5, 5], 1.0)
@example(1, 2, [5, 5], 0.0)
@settings(deadline=None)
def test_masks(gpu, seed, counter, shape, p):
    state = np.array([seed, counter])
    mask = KERNELS["random_mask"](gpu, state, shape=tuple(shape), p=p)
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, ops.random_mask.kernel(NUMPY, state, shape=tuple(shape), p=p))


def test_the_state_is_read_where_it_lies(gpu):
    """Every second number of a larger array: a view is not taken for what it is a view of."""
    state = np.array([3, 99, 5, 99])[::2]
    mask = KERNELS["random_mask"](gpu, state, shape=(40,), p=0.5)
    np.testing.assert_array_equal(mask, philox.words(3, 5, 40) < 2**31)


def test_a_word_at_the_threshold_is_not_below_it(gpu):
    words = philox.words(7, 0, 8)
    mask = KERNELS["random_mask"](gpu, np.array([7, 0]), shape=(8,), p=int(words[5]) / 2**32)
    np.testing.assert_array_equal(mask, words < words[5])
