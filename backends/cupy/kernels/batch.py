"""A batch of images out of a data set on the device, by the kernel of `batch.cu`."""

from __future__ import annotations

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape

from .launch import THREADS, blocks_for, c_type, launch, struct
from .layout import empty_images, image_strides, in_rows, index_type, is_channels_last

IMAGES = (
    *("images", "channels", "height", "width", "source_height", "source_width"),
    *("hole", "channels_last"),
)


def gather_images(
    B: Backend,
    source: Array,
    numbers: Array,
    moves: Array | None,
    statistics: Array | None,
    *,
    size: Shape,
    hole: int,
) -> Array:
    """As `tinygrad_cnn.data.sketch.gather_images`, which says what the arguments are.

    The images may lie in any order of memory; the batch lies as they do.
    """
    channels_last = is_channels_last(source)
    shape = (numbers.shape[0], source.shape[1], *size)
    batch = empty_images(B.xp, shape, B.xp.float32, channels_last)
    kind = index_type(source, batch)
    images = struct(IMAGES, (*shape, *source.shape[2:], hole, channels_last), kind)
    vectors = (None if array is None else in_rows(array) for array in (numbers, moves, statistics))
    arguments = (source, image_strides(source, kind), *vectors, batch, images)
    types = (c_type(source), kind)
    launch("batch.cu", "gather_images", types, blocks_for(batch.size), (THREADS,), *arguments)
    return batch
