"""Chains of the library's transforms that have a sketch, and images for them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tinygrad_cnn.data import Compose, Cutout, Normalize, RandomCrop, RandomHorizontalFlip, ToFloat


def images_of(dtype, shape, seed):
    """Images whose pixels can be told apart."""
    rng = np.random.default_rng(seed)
    if dtype == "uint8":
        return rng.integers(256, size=shape, dtype=np.uint8)
    return rng.standard_normal(shape).astype(dtype)


@st.composite
def chains(draw, shape, dtype):
    """Moving, scaling and standardizing in many orders, a hole in the end, each or only some of it."""
    _, channels, *size = shape
    values = [ToFloat()] if dtype == "uint8" else []
    if draw(st.booleans()):
        numbers = st.lists(st.floats(0.125, 1, width=32), min_size=channels, max_size=channels)
        values.append(Normalize(draw(numbers), draw(numbers)))
    if draw(st.booleans()):
        padding = tuple(draw(st.integers(0, 3)) for _ in size)
        largest = [pixels + 2 * zeros for pixels, zeros in zip(size, padding, strict=True)]
        crop = RandomCrop(tuple(draw(st.integers(1, most)) for most in largest), padding)
        # Zeros that are added after standardizing would be another grey, which has no sketch.
        latest = len(values) - any(isinstance(value, Normalize) for value in values)
        values.insert(draw(st.integers(0, latest if any(padding) else len(values))), crop)
    for _ in range(draw(st.integers(0, 2))):
        values.insert(
            draw(st.integers(0, len(values))), RandomHorizontalFlip(draw(st.sampled_from([0.5, 1])))
        )
    if draw(st.booleans()):
        values.append(Cutout(draw(st.integers(1, 8))))
    return Compose([Compose(values[:1]), *values[1:]])
