"""Random words by the definition of Philox, and state."""

from __future__ import annotations

from tinygrad_cnn.testing.references._loops import flat_position, number, product, table


def philox(seed, counter):
    """One block of Philox4x32-10 by its definition, in Python's integers: four 32-bit words."""
    low = 2**32 - 1
    words = [counter & low, counter >> 32 & low, counter >> 64 & low, counter >> 96]
    key = [seed & low, seed >> 32]
    for _ in range(10):
        first, second = words[0] * 0xD2511F53, words[2] * 0xCD9E8D57
        words = [second >> 32 ^ words[1] ^ key[0], second & low, first >> 32 ^ words[3] ^ key[1], first & low]
        key = [key[0] + 0x9E3779B9 & low, key[1] + 0xBB67AE85 & low]
    return words


def random_words(state, n):
    seed, counter = number(state, (0,)), number(state, (1,))
    return [word for block in range(-(-n // 4)) for word in philox(seed, counter + block)][:n]


def random_mask(state, *, shape, p):
    words = random_words(state, product(shape))
    return table(shape, lambda index: words[flat_position(shape, index)] < p * 2**32)


def random_uniform(state, *, shape, dtype):
    assert dtype.name == "float32"
    words = random_words(state, product(shape))
    return table(shape, lambda index: (words[flat_position(shape, index)] >> 8) / 2**24)


def assign_op(target, value):
    return table(value.shape, lambda index: number(value, index))


REFERENCES = {
    "random_mask": random_mask,
    "random_uniform": random_uniform,
    "assign": assign_op,
}
