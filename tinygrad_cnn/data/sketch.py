"""A batch of images before it is made: where every pixel comes from, and what becomes of it.

A flip or a crop moves no pixels if one knows beforehand which ones to read. A `Sketch` is that knowledge: a
few integers for each image. Pixel (h, w) of image n is

    pixel (row[n] + h, column[n] + direction[n] · w) of its source,

zero if that lies outside of it. The library's transforms can be drawn on a sketch as well as applied to an
array (`transforms.py`). A backend that holds the data set makes a whole batch of the sketch at once, by
`gather_images`, and only the integers travel to it.

Not everything has a sketch. A function of the user's own has none. Of the library's transforms those orders
have one that `gather_images` computes: scaled, moved and standardized, each once, and cut last.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Shape

MOVES = ("row", "column", "direction", "hole_row", "hole_column")
SOURCES = ("uint8", "float32")  # of what images sketches can be made
Statistics: TypeAlias = tuple[tuple[float, ...], tuple[float, ...]]  # means, standard deviations


class NoSketch(Exception):
    """What is to be done to the images cannot be sketched; it can be done to arrays all the same."""


class Sketch(NamedTuple):
    """See above.

    Attributes:
        shape: of the batch (N, C, H, W), as far as it is drawn.
        is_scaled: whether pixels are floats; bytes are divided by 255 to become some.
        row, column: (N,) where in the source the first pixel of each image is.
        direction: (N,) 1, or −1 for an image that is mirrored.
        hole_row, hole_column: (N,) where in the batch a square begins that is zero.
        hole: the side of the square; 0 for none.
        statistics: the means and the standard deviations of the channels, once pixels are standardized.
        is_cropped: whether some pixels may have been left out.
        is_altered: whether the integers say more than "as it is".
    """

    shape: Shape
    is_scaled: bool
    row: NDArray[Any]
    column: NDArray[Any]
    direction: NDArray[Any]
    hole_row: NDArray[Any]
    hole_column: NDArray[Any]
    hole: int = 0
    statistics: Statistics | None = None
    is_cropped: bool = False
    is_altered: bool = False

    @classmethod
    def of(cls, shape: Shape, dtype: str) -> Sketch:
        """Images as they are.

        Raises:
            NoSketch: they are no images, or their pixels are of another dtype.
        """
        if len(shape) != 4 or dtype not in SOURCES:
            raise NoSketch
        zeros, ones = np.zeros(shape[0], np.int32), np.ones(shape[0], np.int32)
        return cls(shape, dtype != "uint8", zeros, zeros, ones, zeros, zeros)

    @property
    def size(self) -> Shape:
        """Height and width."""
        return self.shape[2:]

    @property
    def moves(self) -> NDArray[np.int32]:
        """(N, 5): the integers of each image, in the order of `MOVES`."""
        return np.stack([getattr(self, name) for name in MOVES], axis=1).astype(np.int32)

    # --- what transforms draw; none of it after a hole, which would have to be changed too

    def mirrored(self, which: NDArray[np.bool_]) -> Sketch:
        """Left to right, where `which` is True: pixel w becomes pixel W − 1 − w."""
        self._check(not self.hole)
        return self._replace(
            column=np.where(which, self.column + self.direction * (self.shape[3] - 1), self.column),
            direction=np.where(which, -self.direction, self.direction),
            is_altered=True,
        )

    def cropped(self, top: NDArray[Any], left: NDArray[Any], size: Shape, padding: Shape) -> Sketch:
        """Windows that begin at (top, left) of the images with zeros around them."""
        # Padding once more would need zeros in place of pixels that are there but were cropped, and padding
        # what is standardized would need zeros of another meaning.
        self._check(not self.hole and not (any(padding) and (self.is_cropped or self.statistics)))
        return self._replace(
            shape=(*self.shape[:2], *size),
            row=self.row + top - padding[0],
            column=self.column + self.direction * (left - padding[1]),
            is_cropped=True,
            is_altered=True,
        )

    def scaled(self) -> Sketch:
        """Bytes divided by 255."""
        self._check(not self.is_scaled)
        return self._replace(is_scaled=True)

    def standardized(self, mean: tuple[float, ...], std: tuple[float, ...]) -> Sketch:
        """(x − mean) / std, by channel."""
        self._check(self.is_scaled and not self.statistics and not self.hole)
        self._check(len(mean) == self.shape[1])
        return self._replace(statistics=(mean, std))

    def cut(self, top: NDArray[Any], left: NDArray[Any], side: int) -> Sketch:
        """Zeros in the squares that begin at (top, left), which may lie outside in part."""
        self._check(self.is_scaled and not self.hole)
        return self._replace(hole_row=top, hole_column=left, hole=side, is_altered=True)

    @staticmethod
    def _check(is_possible: bool) -> None:
        if not is_possible:
            raise NoSketch


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
    """The batch of a sketch, in float32; a backend may have a kernel of this name in its `kernels`.

    Every step is rounded to float32, as the transforms do, so that both make the same bits.

    Args:
        B: the backend of the arrays.
        source: all images (count, C, H, W), uint8 or float32.
        numbers: which of them make the batch, int64 (N,); 0 <= number < count is not checked.
        moves: int32 (N, 5), a sketch's; None leaves the images as they are.
        statistics: float32 (2, C), the mean and the standard deviation of each channel; None without.
        size: height and width of the batch.
        hole: the side of the square that is zero.
    """
    xp = B.xp
    images = source[numbers]
    if moves is not None:
        images = _moved(B, images, moves, size)
    if images.dtype == xp.uint8:
        images = xp.astype(images, xp.float32) / 255
    if statistics is not None:
        mean, std = statistics[0][:, None, None], statistics[1][:, None, None]
        images = (images - mean) / std
    if moves is not None and hole:
        row, column = moves[:, 3], moves[:, 4]
        rows = _within(xp.arange(size[0]) - row[:, None], hole)
        columns = _within(xp.arange(size[1]) - column[:, None], hole)
        images = xp.where(_crossing(rows, columns), xp.zeros_like(images), images)
    return images


def _moved(B: Backend, images: Array, moves: Array, size: Shape) -> Array:
    """The pixels that the moves say, and zeros where there are none."""
    xp = B.xp
    row, column, direction = (moves[:, place, None] for place in range(3))
    rows, columns = row + xp.arange(size[0]), column + direction * xp.arange(size[1])
    height, width = images.shape[2:]
    is_real = _crossing(_within(rows, height), _within(columns, width))
    image = xp.arange(images.shape[0])[:, None, None]
    rows, columns = xp.clip(rows, 0, height - 1), xp.clip(columns, 0, width - 1)
    moved = xp.moveaxis(images[image, :, rows[:, :, None], columns[:, None, :]], -1, 1)
    return xp.where(is_real, moved, xp.zeros_like(moved))


def _within(places: Array, size: int) -> Array:
    return (places >= 0) & (places < size)


def _crossing(rows: Array, columns: Array) -> Array:
    """(N, 1, H, W): where rows (N, H) and columns (N, W) meet that are both marked."""
    return rows[:, None, :, None] & columns[:, None, None, :]
