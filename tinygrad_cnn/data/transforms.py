"""What happens to a batch of images between the disk and the network.

A transform is a function of a whole batch, `transform(images, rng) -> images`, on NumPy arrays of shape
(N, C, H, W): one vectorised call for 64 images instead of 64 small ones. Those that draw random numbers take
them from `rng`, which the `DataLoader` derives from seed, epoch and batch, so augmented images are the same
in every repetition of a run. The deterministic ones ignore it and may be called without.

Any function of that form is a transform:

    loader = DataLoader(mini.train, batch_size=64, transform=lambda images, rng: images / np.float32(255))
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.windows import per_dimension

# In quotes, because NumPy imports `np.random` when it is first touched, and not every program needs it.
Transform: TypeAlias = "Callable[[NDArray[Any], np.random.Generator | None], NDArray[Any]]"


class Compose:
    """One transform made of several, applied in order.

    Augment before standardizing: the zeros that `RandomCrop` adds are black only while black is zero.

    Example:
        >>> from tinygrad_cnn import data
        >>> mini = data.load("fashion-mini")
        >>> augment = data.Compose([data.RandomCrop(28, padding=2), mini.standardize])
        >>> batch = augment(mini.train.images[:64], np.random.default_rng(0))
        >>> batch.shape, batch.dtype
        ((64, 1, 28, 28), dtype('float32'))
    """

    def __init__(self, transforms: Sequence[Transform]) -> None:
        if callable(transforms):
            raise ArgumentTypeError(
                "Compose takes a list of transforms",
                argument="transforms",
                expected="[transform, ...]",
                got=transforms,
                hint=f"Compose([{transforms!r}])",
            )
        self.transforms = tuple(check_transform(transform, "transforms") for transform in transforms)

    def __call__(self, images: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[Any]:
        for transform in self.transforms:
            images = transform(images, rng)
        return images

    def __repr__(self) -> str:
        return f"Compose([{', '.join(map(repr, self.transforms))}])"


class ToFloat:
    """Bytes 0 ... 255 become float32 numbers 0 ... 1.

    Raises:
        DTypeError: the images are not uint8 (dividing twice by 255 would leave the network in the dark).

    Example:
        >>> from tinygrad_cnn.data import ToFloat
        >>> ToFloat()(np.array([0, 51, 255], np.uint8))
        array([0. , 0.2, 1. ], dtype=float32)
    """

    def __call__(self, images: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[np.float32]:
        if images.dtype != np.uint8:
            raise DTypeError(
                "ToFloat scales bytes",
                argument="images",
                expected="uint8",
                got=images.dtype,
                hint="floats need no ToFloat; is there another one before it?",
            )
        return images.astype(np.float32) / np.float32(255)

    def __repr__(self) -> str:
        return "ToFloat()"


class Normalize:
    """Shift and scale each channel: (x - mean) / std.

    Networks learn fastest from inputs of mean 0 and variance 1 (Y. LeCun et al., "Efficient BackProp", 1998,
    section 4.3).

    Args:
        mean: one number per channel, on the scale of the images; after `ToFloat` that is 0 to 1. A single
            number stands for a single channel.
        std: one positive number per channel, on the same scale.

    Raises:
        ArgumentError: not as many means as deviations, or a deviation that is not positive.
        DTypeError: the images are not floats.
        ShapeError: the images have another number of channels.

    Example:
        >>> from tinygrad_cnn.data import Normalize
        >>> Normalize(mean=[0.5], std=[0.25])(np.ones((1, 1, 1, 2), np.float32))
        array([[[[2., 2.]]]], dtype=float32)
    """

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]) -> None:
        self.mean, self.std = (tuple(np.atleast_1d(values).tolist()) for values in (mean, std))
        if len(self.mean) != len(self.std) or not all(value > 0 for value in self.std):
            raise ArgumentError(
                "standard deviations are positive, one for each mean",
                argument="std",
                expected=f"{len(self.mean)} positive numbers",
                got=self.std,
            )

    def __call__(self, images: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[Any]:
        _check_batch(images)
        if images.dtype.kind != "f":
            raise DTypeError(
                "Normalize takes floats",
                argument="images",
                expected="float32",
                got=images.dtype,
                hint="put ToFloat() before it",
            )
        if images.shape[1] != len(self.mean):
            raise ShapeError(
                "one mean for each channel",
                argument="images",
                expected=f"(N, {len(self.mean)}, H, W)",
                got=images.shape,
            )
        mean, std = np.array([self.mean, self.std], images.dtype)[:, :, np.newaxis, np.newaxis]
        return np.asarray((images - mean) / std)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class RandomHorizontalFlip:
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

    def __call__(self, images: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[Any]:
        _check_batch(images)
        flipped = _check_rng(rng).random(len(images)) < self.p
        return np.where(flipped[:, None, None, None], images[..., ::-1], images)

    def __repr__(self) -> str:
        return f"RandomHorizontalFlip(p={self.p})"


class RandomCrop:
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

    def __call__(self, images: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[Any]:
        _check_batch(images)
        rng = _check_rng(rng)
        padded = np.pad(images, [(0, 0), (0, 0), *((zeros, zeros) for zeros in self.padding)])
        count, _, height, width = padded.shape
        if height < self.size[0] or width < self.size[1]:
            raise ShapeError(
                "the crop is larger than the padded image",
                argument="size",
                expected=f"at most {(height, width)}",
                got=self.size,
                hint="crop less, or pad more",
            )
        top = rng.integers(height - self.size[0] + 1, size=count)
        left = rng.integers(width - self.size[1] + 1, size=count)
        # All crops of all images, (N, C, H', W', *size), as a view; then one for each image.
        crops = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=(2, 3))
        return crops[np.arange(count), :, top, left]

    def __repr__(self) -> str:
        return f"RandomCrop({self.size}, padding={self.padding})"


def check_transform(transform: Transform, argument: str) -> Transform:
    """The transform itself, if it can be called with images and rng; better now than in the first batch."""
    try:
        inspect.signature(transform).bind(None, None)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            "this cannot be called as transform(images, rng)",
            argument=argument,
            expected="a function of a batch (N, C, H, W) and a random generator",
            got=f"{transform!r}: {error}",
            hint="def transform(images, rng): ..., even if it draws no random numbers",
        ) from error
    return transform


def _check_batch(images: NDArray[Any]) -> None:
    if images.ndim != 4:
        raise ShapeError(
            "transforms work on batches of images",
            argument="images",
            expected="(N, C, H, W)",
            got=images.shape,
            hint="images[np.newaxis] makes a batch of a single image (C, H, W)",
        )


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
