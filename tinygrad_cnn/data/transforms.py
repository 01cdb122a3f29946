"""What happens to a batch of images between the disk and the network.

A transform is a function of a whole batch, `transform(images, rng) -> images`, on NumPy arrays of shape
(N, C, H, W): one vectorised call for 64 images instead of 64 small ones. Those that draw random numbers take
them from `rng`, which the `DataLoader` derives from seed, epoch and batch, so augmented images are the same
in every repetition of a run. The deterministic ones ignore it and may be called without.

Any function of that form is a transform:

    loader = DataLoader(mini.train, batch_size=64, transform=lambda images, rng: images / np.float32(255))

Those of the library can do the same in another way: instead of making an array, they note on a `Sketch` where
its pixels will come from, for a backend that holds the data set. Those that draw random numbers stand in
`augmentation.py`.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.data.sketch import NoSketch, Sketch
from tinygrad_cnn.dtypes import Shape
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

# In quotes, because NumPy imports `np.random` when it is first touched, and not every program needs it.
Transform: TypeAlias = "Callable[[NDArray[Any], np.random.Generator | None], NDArray[Any]]"


class BatchTransform(ABC):
    """What the library's transforms have in common: what chance decides, and what is done with it."""

    def __call__(self, images: NDArray[Any], rng: np.random.Generator | None = None) -> NDArray[Any]:
        return self.apply(images, *self.draw(images.shape, rng))

    def draw(self, shape: Shape, rng: np.random.Generator | None) -> tuple[NDArray[Any], ...]:
        """What chance decides for a batch of this shape: arrays with one entry for each image."""
        return ()

    @abstractmethod
    def apply(self, images: NDArray[Any], *drawn: NDArray[Any]) -> NDArray[Any]:
        """The images, changed as drawn."""

    @abstractmethod
    def sketch(self, batch: Sketch, *drawn: NDArray[Any]) -> Sketch:
        """The same for a batch that is not made yet.

        Raises:
            NoSketch: that cannot be told by a sketch.
        """


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


class ToFloat(BatchTransform):
    """Bytes 0 ... 255 become float32 numbers 0 ... 1.

    Raises:
        DTypeError: the images are not uint8 (dividing twice by 255 would leave the network in the dark).

    Example:
        >>> from tinygrad_cnn.data import ToFloat
        >>> ToFloat()(np.array([0, 51, 255], np.uint8))
        array([0. , 0.2, 1. ], dtype=float32)
    """

    def apply(self, images: NDArray[Any], *drawn: NDArray[Any]) -> NDArray[np.float32]:
        if images.dtype != np.uint8:
            raise DTypeError(
                "ToFloat scales bytes",
                argument="images",
                expected="uint8",
                got=images.dtype,
                hint="floats need no ToFloat; is there another one before it?",
            )
        return images.astype(np.float32) / np.float32(255)

    def sketch(self, batch: Sketch, *drawn: NDArray[Any]) -> Sketch:
        return batch.scaled()

    def __repr__(self) -> str:
        return "ToFloat()"


class Normalize(BatchTransform):
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

    def apply(self, images: NDArray[Any], *drawn: NDArray[Any]) -> NDArray[Any]:
        check_batch(images.shape)
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

    def sketch(self, batch: Sketch, *drawn: NDArray[Any]) -> Sketch:
        return batch.standardized(self.mean, self.std)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


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


def sketched(transform: Transform, batch: Sketch, rng: np.random.Generator) -> Sketch:
    """The batch as the transform would leave it, with the random numbers that it would draw.

    Raises:
        NoSketch: it does something that cannot be told by a sketch.
    """
    if type(transform) is Compose:
        for part in transform.transforms:
            batch = sketched(part, batch, rng)
        return batch
    # A class derived from one of the library's may do anything to an image; a sketch of its own says what.
    if isinstance(transform, BatchTransform) and "sketch" in vars(type(transform)):
        return transform.sketch(batch, *transform.draw(batch.shape, rng))
    raise NoSketch


def check_batch(shape: Shape) -> None:
    """Refuse everything but a batch of images."""
    if len(shape) != 4:
        raise ShapeError(
            "transforms work on batches of images",
            argument="images",
            expected="(N, C, H, W)",
            got=shape,
            hint="images[np.newaxis] makes a batch of a single image (C, H, W)",
        )
