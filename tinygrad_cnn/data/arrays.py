"""Datasets that lie in memory as whole arrays: images with their labels, or any number of tensors.

A batch of them is cut out at once, by an array of indices, instead of item by item; that is what makes
training on small images fast. Items that must be made one at a time (read from a file, drawn at random)
belong into a `Dataset` of your own, see `datasets.py`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.data.datasets import Dataset
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

Pair = tuple[NDArray[Any], NDArray[Any]]


class ArrayDataset(Dataset[Pair]):
    """Images and their labels, as two NumPy arrays of the same length on the host.

    This is what transforms work on. For something else than images with labels there is `TensorDataset`.

    Args:
        images: anything with N entries along its first dimension; images are (N, C, H, W).
        labels: N labels. Integers of any size become int64; float targets stay as they are.

    Raises:
        ShapeError: the lengths differ, or there are no lengths.
        DTypeError: something else than numbers.

    Example:
        >>> from tinygrad_cnn.data import ArrayDataset
        >>> xor = ArrayDataset(np.float32([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0])
        >>> xor
        ArrayDataset(4 x (2,) float32, labels int64)
        >>> image, label = xor[1]          # one pair
        >>> images, labels = xor[[3, 1]]   # a batch of pairs
        >>> xor[:3]                        # some of them, without a copy: a split
        ArrayDataset(3 x (2,) float32, labels int64)
    """

    def __init__(self, images: ArrayLike, labels: ArrayLike) -> None:
        self.images = _as_array(images, "images")
        labels = _as_array(labels, "labels")
        self.labels = labels.astype(np.int64, copy=False) if labels.dtype.kind in "iu" else labels
        if len(self.images) != len(self.labels):
            raise ShapeError(
                "every image needs one label",
                argument="labels",
                expected=f"{len(self.images)} labels, for images of shape {self.images.shape}",
                got=f"{len(self.labels)} labels",
            )

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[ArrayLike, ArrayLike]]) -> ArrayDataset:
        """Read all (image, label) pairs of a dataset now, and keep them in memory.

        Worth it where `__getitem__` is slow and always returns the same. A `DataLoader` takes a dataset as it
        is, and asks for each item when its turn comes.

        Raises:
            ArgumentTypeError: this is not a sequence of pairs.
            ShapeError: the images are of different shapes.

        >>> pairs = [(np.zeros((1, 2, 2)), 0), (np.ones((1, 2, 2)), 1)]
        >>> ArrayDataset.from_pairs(pairs).images.shape
        (2, 1, 2, 2)
        """
        try:
            if hasattr(pairs, "__getitem__"):  # which need not know where it ends
                pairs = [pairs[index] for index in range(len(pairs))]  # type: ignore[arg-type]
            images, labels = zip(*pairs, strict=True)
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(
                "these are no pairs",
                argument="pairs",
                expected="(image, label) pairs",
                got=reprlib.repr(pairs),
                hint="two arrays become a dataset with ArrayDataset(images, labels)",
            ) from error
        return cls(images, labels)

    def __len__(self) -> int:
        return len(self.images)

    @overload
    def __getitem__(self, index: slice) -> ArrayDataset: ...
    @overload
    def __getitem__(self, index: int | Sequence[int]) -> Pair: ...
    def __getitem__(self, index: int | Sequence[int] | slice) -> ArrayDataset | Pair:
        images, labels = self.images[index], self.labels[index]
        return ArrayDataset(images, labels) if isinstance(index, slice) else (images, labels)

    def __repr__(self) -> str:
        shape, dtype = self.images.shape[1:], self.images.dtype
        return f"ArrayDataset({len(self)} x {shape} {dtype}, labels {self.labels.dtype})"


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Any number of tensors of the same length; item i is the tuple of the i-th entry of each.

    One tensor is enough for an autoencoder, whose target is its input; three make (image, mask, weight).

    Args:
        tensors: Tensors, or what `tc.tensor` makes one of (an array keeps its dtype).

    Attributes:
        tensors: the Tensors, in a tuple.

    Raises:
        ArgumentError: no tensors.
        ShapeError: the lengths differ, or there are no lengths.

    Example:
        >>> from tinygrad_cnn.data import DataLoader, TensorDataset
        >>> images = TensorDataset(np.zeros((6, 1, 4, 4), np.float32))
        >>> for (x,) in DataLoader(images, batch_size=4):
        ...     print(x.shape)
        (4, 1, 4, 4)
        (2, 1, 4, 4)
        >>> TensorDataset([[0.0, 1.0], [2.0, 3.0]], [5, 6])[1]
        (tensor([2., 3.]), tensor(6))
    """

    def __init__(self, *tensors: Tensor | ArrayLike) -> None:
        self.tensors = tuple(data if isinstance(data, Tensor) else tensor(data) for data in tensors)
        if not self.tensors:
            raise ArgumentError("a dataset needs at least one tensor", argument="tensors", got="none")
        for number, entry in enumerate(self.tensors):
            if entry.ndim == 0 or len(entry) != len(self):
                raise ShapeError(
                    "tensors of a dataset have the same number of entries",
                    argument=f"tensors[{number}]",
                    expected="shape (N, ...), as tensors[0] of shape " + str(self.tensors[0].shape),
                    got=f"shape {entry.shape}",
                )

    def __len__(self) -> int:
        return self.tensors[0].shape[0]

    def __getitem__(self, index: int | Sequence[int] | slice) -> tuple[Tensor, ...]:
        return tuple(entry[index] for entry in self.tensors)

    def __repr__(self) -> str:
        parts = ", ".join(f"{entry.shape[1:]} {entry.dtype}" for entry in self.tensors)
        return f"TensorDataset({len(self)} x [{parts}])"


def _as_array(values: ArrayLike, argument: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ShapeError(
            f"the {argument} have different shapes",
            argument=argument,
            expected="entries of one shape",
            got=str(error),
            hint="crop or pad them to one size first",
        ) from error
    if array.ndim == 0:
        raise ShapeError(
            f"the {argument} have no first dimension to count along",
            argument=argument,
            expected="an array with N entries",
            got=repr(array),
        )
    if array.dtype.kind not in "biuf":
        numbering = "classes, labels = np.unique(labels, return_inverse=True) numbers the names of classes"
        raise DTypeError(
            f"the {argument} are not numbers",
            argument=argument,
            expected="integers, floats or booleans",
            got=f"{array.dtype}, such as {array.flat[0]!r}" if array.size else array.dtype,
            hint=numbering if argument == "labels" else None,
        )
    return array
