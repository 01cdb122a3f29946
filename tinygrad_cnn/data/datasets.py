"""What a dataset is, and datasets made of others: a part, a random split, several in a row.

A dataset is anything with `__len__` and `__getitem__`: it says how many items it has, and hands out item i
when asked for it. Nothing is read before, and nothing is kept: a `DataLoader` asks again in every epoch, so
an image may be read from its file only when its batch is due, and be augmented anew each time. A list is a
dataset, and so is an object of any class with these two methods; `Dataset` is a base class for them.
"""

from __future__ import annotations

import math
import reprlib
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Generic, Protocol, TypeVar

from tinygrad_cnn.data._random import SPLIT, check_integer, generator
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, IndexingError

Item = TypeVar("Item", covariant=True)


class Items(Protocol[Item]):
    """Anything with a length and numbered items."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Item: ...


class Dataset(ABC, Generic[Item]):
    """Base class for datasets of your own: write `__len__` and `__getitem__`.

    An item may be of any form that `default_collate` can make batches of: a pair (image, label), a single
    array, a dict. Datasets of this class may be added (`one + other`) and iterated over.

    Example:
        >>> import numpy as np
        >>> from tinygrad_cnn.data import DataLoader, Dataset
        >>> class Stripes(Dataset):
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, index):
        ...         return np.full((1, 2, 2), index, np.float32), index % 2
        >>> for x, y in DataLoader(Stripes(), batch_size=2):
        ...     print(x.shape, y)
        (2, 1, 2, 2) tensor([0, 1])
        (2, 1, 2, 2) tensor([0, 1])
        (1, 1, 2, 2) tensor([0])
    """

    @abstractmethod
    def __len__(self) -> int:
        """How many items there are."""

    @abstractmethod
    def __getitem__(self, index: int, /) -> Item:
        """Item number `index`, counted from 0."""

    def __iter__(self) -> Iterator[Item]:
        # Without it, Python would count up until an IndexError, which __getitem__ need not raise.
        return (self[index] for index in range(len(self)))

    def __add__(self, other: Items[Any]) -> ConcatDataset[Any]:
        return ConcatDataset([self, other])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} items)"


class Subset(Dataset[Item]):
    """Some items of a dataset, in an order of your choice.

    Args:
        dataset: where the items come from; none is read now.
        indices: their numbers there; they may repeat.

    Attributes:
        dataset, indices: as given.

    Example:
        >>> from tinygrad_cnn.data import Subset
        >>> part = Subset(["a", "b", "c", "d"], [3, 0])
        >>> len(part), part[0], list(part)
        (2, 'd', ['d', 'a'])
    """

    def __init__(self, dataset: Items[Item], indices: Sequence[int]) -> None:
        self.dataset = check_dataset(dataset)
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Item:
        return self.dataset[self.indices[index]]

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {describe(self.dataset)})"


class ConcatDataset(Dataset[Item]):
    """Several datasets, one after the other.

    Args:
        datasets: at least one; none of their items is read now.

    Attributes:
        datasets: as given, in a list.
        cumulative_sizes: how many items there are up to the end of each.

    Raises:
        ArgumentError: no datasets.

    Example:
        >>> from tinygrad_cnn.data import ConcatDataset
        >>> both = ConcatDataset([["a", "b"], ["c", "d", "e"]])
        >>> len(both), both[2], both[-1]
        (5, 'c', 'e')
    """

    def __init__(self, datasets: Iterable[Items[Item]]) -> None:
        self.datasets = [check_dataset(dataset) for dataset in datasets]
        if not self.datasets:
            raise ArgumentError("there is nothing to put in a row", argument="datasets", got="none")
        self.cumulative_sizes = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Item:
        if not -len(self) <= index < len(self):
            raise IndexingError(f"index {index} is outside a dataset of {len(self)} items", argument="index")
        index %= len(self)
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - self.cumulative_sizes[which] + len(self.datasets[which])]

    def __repr__(self) -> str:
        return f"ConcatDataset([{', '.join(map(describe, self.datasets))}])"


def random_split(
    dataset: Items[Item], lengths: Sequence[int | float], *, seed: int = 0
) -> list[Subset[Item]]:
    """Deal a dataset out at random into parts without a common item: one to train on, one to check on.

    The split follows from the seed alone, not from what was drawn before; so a run that is taken up again
    never trains on what it was to be checked on.

    Args:
        dataset: anything with a length and numbered items; none is read now.
        lengths: of the parts, with the length of the dataset as their sum; or fractions with the sum 1, which
            are rounded down, and what is left goes to the first parts, one each.
        seed: another seed gives another split.

    Raises:
        ArgumentError: the lengths have another sum, or one is negative.

    Example:
        >>> from tinygrad_cnn import data
        >>> mini = data.load("fashion-mini")
        >>> train, validation = data.random_split(mini.train, [0.9, 0.1])
        >>> len(train), len(validation)
        (5400, 600)
        >>> [list(part) for part in data.random_split(range(6), [4, 2], seed=1)]
        [[0, 3, 5, 2], [1, 4]]
    """
    count = len(check_dataset(dataset))
    sizes = _sizes(lengths, count)
    shuffled = generator(check_integer(seed, "seed"), epoch=0, purpose=SPLIT).permutation(count).tolist()
    ends = accumulate(sizes)
    return [Subset(dataset, shuffled[end - size : end]) for end, size in zip(ends, sizes, strict=True)]


def _sizes(lengths: Sequence[int | float], count: int) -> list[int]:
    """The lengths of a split of `count` items, as integers."""
    fractions = any(isinstance(length, float) for length in lengths)
    total = 1 if fractions else count
    if not math.isclose(sum(lengths), total) or min(lengths, default=0) < 0:
        raise ArgumentError(
            "these are no parts of the whole",
            argument="lengths",
            expected=f"numbers >= 0 with the sum {count}, or fractions with the sum 1",
            got=f"{list(lengths)}, with the sum {sum(lengths)}",
        )
    if not fractions:
        return [check_integer(length, "lengths") for length in lengths]
    sizes = [math.floor(count * fraction) for fraction in lengths]
    for part in range(count - sum(sizes)):
        sizes[part % len(sizes)] += 1
    return sizes


def check_dataset(dataset: Items[Item]) -> Items[Item]:
    """The dataset itself, if it has a length and numbered items; looking at none of them."""
    missing = [method for method in ("__len__", "__getitem__") if not hasattr(dataset, method)]
    if missing or isinstance(dataset, str):
        raise ArgumentTypeError(
            "this is no dataset",
            argument="dataset",
            expected="something with __len__ and __getitem__, such as a Dataset or a list",
            got=f"{reprlib.repr(dataset)}, without {' and '.join(missing)}" if missing else repr(dataset),
            hint=_way_to_a_dataset(dataset),
        )
    return dataset


def _way_to_a_dataset(dataset: object) -> str:
    if isinstance(dataset, str):
        return "load(name).train for the name of a collection"
    if hasattr(dataset, "train"):
        return "one of its parts, .train or .test"
    if hasattr(dataset, "__getitem__"):
        return "def __len__(self): ..., how many items there are"
    if isinstance(dataset, Iterable):
        return "list(dataset), if it ends and fits into memory; else a class with both methods"
    return "class MyDataset(tc.data.Dataset): ..., with both methods"


def describe(dataset: Items[Any]) -> str:
    """A short text, however many items there are."""
    if isinstance(dataset, Dataset):
        return repr(dataset)
    return f"{type(dataset).__name__}({len(dataset)} items)"
