"""A batch of images out of a data set on the device, by the kernel of `batch.cu`."""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape

from .launch import THREADS, blocks_for, c_type, launch, struct
from .layout import empty_images, image_strides, in_rows, index_type

WORDS_PER_IMAGE = 8  # what a batch takes of random words; batch.cu says what each is for
AUGMENTATION = ("flip_threshold", "padding_height", "padding_width", "cutout")
IMAGES = ("images", "channels", "height", "width", "source_height", "source_width", "channels_last")


class Augmentation(NamedTuple):
    """What may happen to an image on its way into a batch.

    Attributes:
        flip: the probability of being mirrored left to right.
        padding: rows above and below and columns left and right that are added before the crop.
        cutout: the side of a square that is blanked; 0 for none.
    """

    flip: float = 0.0
    padding: Shape = (0, 0)
    cutout: int = 0


UNALTERED = Augmentation()


def gather_images(
    B: Backend,
    source: Array,
    numbers: Array,
    mean: Array,
    std: Array,
    words: Array | None = None,
    *,
    augmentation: Augmentation = UNALTERED,
    size: Shape | None = None,
    channels_last: bool = False,
) -> Array:
    """(byte / 255 − mean) / std of the images with these numbers, altered as the random words say.

    Args:
        B: the backend of the arrays.
        source: all images, uint8 (count, C, H, W), in any order of memory.
        numbers: which of them, int64 (N,); 0 <= number < count is not checked.
        mean, std: one number for each channel, on the scale 0 ... 1; their dtype is that of the batch.
        words: uint32 (N · WORDS_PER_IMAGE,), as `random_bits` gives them; None alters nothing.
        augmentation: what the words decide.
        size: height and width of the crop; the images' own by default. At most theirs with the padding.
        channels_last: how the batch lies in memory.
    """
    xp = B.xp
    height, width = size or source.shape[2:]
    shape = (numbers.shape[0], source.shape[1], height, width)
    batch = empty_images(xp, shape, mean.dtype, channels_last)
    kind = index_type(source, batch)
    threshold = int(augmentation.flip * 2**32)
    options = struct(AUGMENTATION, (threshold, *augmentation.padding, augmentation.cutout), "long long")
    images = struct(IMAGES, (*shape, *source.shape[2:], channels_last), kind)
    vectors: tuple[Any, ...] = tuple(
        None if array is None else in_rows(array) for array in (numbers, words, mean, std)
    )
    arguments = (source, image_strides(source, kind), *vectors, options, batch, images)
    types = (c_type(mean), kind)
    launch("batch.cu", "gather_images", types, blocks_for(batch.size), (THREADS,), *arguments)
    return batch
