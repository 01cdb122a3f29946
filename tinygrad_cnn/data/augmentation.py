"""Images changed at random, so that no epoch shows the network the same picture twice.

Each of these transforms has three parts. `draw` asks the random numbers what happens to each image, `apply`
does it to an array, and `sketch` notes it for a batch that a backend will make (`sketch.py`). Whichever of
the two follows, the same numbers are drawn, so the batches are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.data.sketch import Sketch
from tinygrad_cnn.data.transforms import BatchTransform, check_batch
from tinygrad_cnn.dtypes import Shape, as_index
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.windows import per_dimension


class RandomHorizontalFlip(BatchTransform):
    """Mirror each image left to right with probability p.

    For pictures of things: a mirrored shoe is a shoe. Not for MNIST: a mirrored 2 is not a 2.

    Args:
        p: a probability.

    Raises:
        ArgumentError: p is not between 0 and 1.

    Example:
        >>> from tinygrad_cnn.data import RandomHorizontalFlip
        >>> RandomHorizontalFlip(p=1)(np.array([[[[1, 2, 3]]]]), np.random.default_rng(0))
        array([[[[3, 2, 1]]]])
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError("p is a probability", argument="p", expected="0 <= p <= 1", got=p)
        self.p = p

    def draw(self, shape: Shape, rng: np.random.Generator | None) -> tuple[NDArray[Any], ...]:
        """Which images are mirrored."""
        check_batch(shape)
        return (_check_rng(rng).random(shape[0]) < self.p,)

    def apply(self, images: NDArray[Any], *drawn: NDArray[Any]) -> NDArray[Any]:
        (flipped,) = drawn
        return np.where(flipped[:, None, None, None], images[..., ::-1], images)

    def sketch(self, batch: Sketch, *drawn: NDArray[Any]) -> Sketch:
        (flipped,) = drawn
        return batch.mirrored(flipped)

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop(BatchTransform):
    """Surround each image with zeros and cut a random window out of it: the image, shifted a little.

    Args:
        size: height and width of the result, one number for a square.
        padding: zeros to add at top and bottom and at left and right, one number for all sides.

    Raises:
        ArgumentError: a size below 1 or a padding below 0.
        ArgumentTypeError: a size or padding that is not an integer.
        ShapeError: the padded images are smaller than the crop.

    Example:
        >>> from tinygrad_cnn.data import RandomCrop
        >>> RandomCrop(2)(np.arange(9).reshape(1, 1, 3, 3), np.random.default_rng(3))
        array([[[[3, 4],
                 [6, 7]]]])
    """

    def __init__(self, size: int | tuple[int, int], padding: int | tuple[int, int] = 0) -> None:
        self.size = per_dimension(size, 2, argument="size")
        self.padding = per_dimension(padding, 2, argument="padding")
        if min(self.size) < 1 or min(self.padding) < 0:
            raise ArgumentError(
                "a crop has at least one pixel, and padding only adds some",
                argument="size" if min(self.size) < 1 else "padding",
                expected="size >= 1 and padding >= 0",
                got=f"size {self.size}, padding {self.padding}",
            )

    def draw(self, shape: Shape, rng: np.random.Generator | None) -> tuple[NDArray[Any], ...]:
        """The first row and the first column of each window in the padded image."""
        check_batch(shape)
        rng = _check_rng(rng)
        height, width = (size + 2 * zeros for size, zeros in zip(shape[2:], self.padding, strict=True))
        if height < self.size[0] or width < self.size[1]:
            raise ShapeError(
                "the crop is larger than the padded image",
                argument="size",
                expected=f"at most {(height, width)}",
                got=self.size,
                hint="crop less, or pad more",
            )
        top = rng.integers(height - self.size[0] + 1, size=shape[0])
        left = rng.integers(width - self.size[1] + 1, size=shape[0])
        return top, left

    def apply(self, images: NDArray[Any], *drawn: NDArray[Any]) -> NDArray[Any]:
        top, left = drawn
        padded = np.pad(images, [(0, 0), (0, 0), *((zeros, zeros) for zeros in self.padding)])
        # All crops of all images, (N, C, H', W', *size), as a view; then one for each image.
        crops = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=(2, 3))
        return crops[np.arange(len(images)), :, top, left]

    def sketch(self, batch: Sketch, *drawn: NDArray[Any]) -> Sketch:
        top, left = drawn
        return batch.cropped(top, left, self.size, self.padding)

    def __repr__(self) -> str:
        return f"RandomCrop({self.size}, padding={self.padding})"


class Cutout(BatchTransform):
    """Blank a square at a random place of each image, so that no part of it is relied on alone.

    The centre of the square may be any pixel; what lies outside of the image is not cut. After standardizing,
    zero is the average grey; so put it last (T. DeVries and G. W. Taylor, "Improved regularization of
    convolutional neural networks with Cutout", 2017, arXiv:1708.04552).

    Args:
        size: the side of the square, in pixels. The paper takes 16 for the 32 × 32 images of CIFAR-10.

    Raises:
        ArgumentError: a size below 1.
        ArgumentTypeError: a size that is not an integer.

    Example:
        >>> from tinygrad_cnn.data import Cutout
        >>> Cutout(2)(np.ones((1, 1, 3, 4)), np.random.default_rng(5))
        array([[[[1., 1., 1., 1.],
                 [1., 1., 0., 0.],
                 [1., 1., 0., 0.]]]])
    """

    def __init__(self, size: int) -> None:
        self.size = as_index(size, argument="size")
        if self.size < 1:
            raise ArgumentError(
                "a square has at least one pixel", argument="size", expected="size >= 1", got=size
            )

    def draw(self, shape: Shape, rng: np.random.Generator | None) -> tuple[NDArray[Any], ...]:
        """The first row and the first column of each square, which may be negative."""
        check_batch(shape)
        rng = _check_rng(rng)
        row, column = (rng.integers(size, size=shape[0]) for size in shape[2:])
        return row - self.size // 2, column - self.size // 2

    def apply(self, images: NDArray[Any], *drawn: NDArray[Any]) -> NDArray[Any]:
        rows, columns = (
            (first[:, None] <= np.arange(size)) & (np.arange(size) < first[:, None] + self.size)
            for first, size in zip(drawn, images.shape[2:], strict=True)
        )
        square = rows[:, None, :, None] & columns[:, None, None, :]
        return np.where(square, images.dtype.type(0), images)

    def sketch(self, batch: Sketch, *drawn: NDArray[Any]) -> Sketch:
        top, left = drawn
        return batch.cut(top, left, self.size)

    def __repr__(self) -> str:
        return f"Cutout({self.size})"


def _check_rng(rng: np.random.Generator | None) -> np.random.Generator:
    if rng is None:
        raise ArgumentTypeError(
            "a random transform needs a source of random numbers",
            argument="rng",
            expected="a np.random.Generator",
            got=None,
            hint="np.random.default_rng(seed); a DataLoader passes one by itself",
        )
    return rng
