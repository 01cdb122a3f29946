"""Batches by the kernel of batch.cu, run on the CPU, against the same done image by image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import floats, seeds

from tinygrad_cnn.data import Compose, Normalize, ToFloat
from tinygrad_cnn_backends.cupy.kernels import Augmentation, gather_images, layout
from tinygrad_cnn_backends.cupy.kernels.batch import WORDS_PER_IMAGE
from tinygrad_cnn_backends.numpy import philox


def data_set(seed, channels, size):
    rng = np.random.default_rng(seed)
    source = rng.integers(256, size=(11, channels, *size), dtype=np.uint8)
    return source, rng.random(channels), 0.1 + rng.random(channels)


def one_by_one(images, words, options, size, mean, std):
    """The batch by slices: pad, crop, mirror, standardize, cut out."""
    done = []
    for image, word in zip(images, words.astype(object).reshape(-1, WORDS_PER_IMAGE), strict=True):
        padded = np.pad(image, [(0, 0), *((side, side) for side in options.padding)])
        top, left = (word[1 + i] * (padded.shape[1 + i] - size[i] + 1) >> 32 for i in range(2))
        crop = padded[:, top : top + size[0], left : left + size[1]]
        if word[0] < options.flip * 2**32:
            crop = crop[:, :, ::-1]
        crop = (crop.astype(mean.dtype) / mean.dtype.type(255) - mean[:, None, None]) / std[:, None, None]
        first = [(word[3 + i] * size[i] >> 32) - options.cutout // 2 for i in range(2)]
        rows, columns = (slice(max(at, 0), max(at + options.cutout, 0)) for at in first)
        crop[:, rows, columns] = 0
        done.append(crop)
    return np.array(done)


augmentations = st.builds(
    Augmentation,
    st.sampled_from([0.0, 0.5, 1.0]),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
    st.integers(0, 5),
)


@given(seeds, st.integers(1, 3), floats, augmentations, st.integers(0, 3), st.booleans(), st.booleans())
@settings(deadline=None)
def test_altered_images(gpu, seed, channels, dtype, options, less, source_last, channels_last):
    source, mean, std = data_set(seed, channels, (6, 7))
    mean, std = mean.astype(dtype), std.astype(dtype)
    if source_last:
        source = np.moveaxis(np.moveaxis(source, 1, -1).copy(), -1, 1)
    numbers = np.random.default_rng(seed).integers(len(source), size=5)
    words = philox.words(seed, 0, len(numbers) * WORDS_PER_IMAGE)
    size = (6 - less, 7 - less)
    batch = gather_images(
        *(gpu, source, numbers, mean, std, words),
        augmentation=options,
        size=size,
        channels_last=channels_last,
    )
    assert batch.dtype == dtype
    assert layout.is_channels_last(batch) == (channels_last and channels > 1)
    np.testing.assert_array_equal(batch, one_by_one(source[numbers], words, options, size, mean, std))


@pytest.mark.parametrize("n", [0, 1, 40])
def test_images_as_they_are(gpu, n):
    """Without words: what the transforms of `tinygrad_cnn.data` make of them."""
    source, mean, std = data_set(0, 3, (5, 4))
    numbers = np.random.default_rng(1).integers(len(source), size=n)
    expected = Compose([ToFloat(), Normalize(mean.tolist(), std.tolist())])(source[numbers])
    batch = gather_images(gpu, source, numbers, mean.astype(np.float32), std.astype(np.float32))
    np.testing.assert_array_equal(batch, expected)
