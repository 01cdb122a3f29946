"""The DataLoader: a dataset, dealt out in batches of Tensors.

Shuffling is not an event here but a function: the order of an epoch follows from (seed, epoch) alone, and
what a random transform does to a batch from (seed, epoch, batch); `_random.py` says how.

Every batch goes the same way: choose its items, fetch and stack them (arrays in memory at once, any other
dataset item by item), transform the images, make Tensors. Where the backend has a memory of its own, all of
that may happen there, with the same result (`resident.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from functools import partial
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.data._random import ORDER, check_integer, generator
from tinygrad_cnn.data.collate import rebuild, stack, to_tensors
from tinygrad_cnn.data.datasets import Items, check_dataset, describe
from tinygrad_cnn.data.resident import Chance, Resident, is_arrays, locate
from tinygrad_cnn.data.transforms import Transform, check_transform
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError


class Sampler(Protocol):
    """The numbers of the items to deal, in order, and how many they are; asked anew in every epoch."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[int]: ...


class DataLoader:
    """Iterate over a dataset in batches, made by `default_collate`: Tensors on the current backend.

    One pass through the loader is one epoch: when it is complete, `loader.epoch` goes up by one and the next
    pass is shuffled anew. A pass that is broken off does not count. Items are asked for when their batch is
    due, and again in every epoch; only an `ArrayDataset` or a `TensorDataset` is cut into batches at once.

    A GPU keeps a copy of these two for as long as they live, if it takes no more than a quarter of its free
    memory, and makes the batches itself, with the same numbers in them as on the host. That needs transforms
    of this room, or none. Numbers written into an array later do not reach its copy; a new array does.

    Args:
        dataset: anything with a length and numbered items: `load("fashion-mini").train`, a `TensorDataset`, a
            `Dataset` of your own, a list.
        batch_size: items in a batch; the last batch of an epoch may be smaller.
        shuffle: whether to deal in random order; right for training, pointless for testing.
        sampler: an order of your own instead, the numbers of the items. They may repeat.
        num_workers: 0, because batches are made in this process. It is here for those who know PyTorch.
        collate_fn: makes one batch of a list of items, instead of `default_collate`. Arrays in it become
            Tensors.
        pin_memory: False, because it needs no asking: what is copied to a GPU goes through pinned memory by
            itself. It is here for those who know PyTorch.
        drop_last: leave out the last batch if it is smaller.
        seed: of the order and of random transforms.
        transform: what to do to the images of each batch, see `transforms`; the images are the batch itself
            or the first in its tuple. Without one, images keep their dtype: uint8 stays uint8, which no
            layer takes.

    Raises:
        ShapeError: the dataset is empty; while iterating, items that do not stack.
        ArgumentError: batch_size is not positive, the seed negative, drop_last leaves nothing, an order as
            well as shuffle, worker processes.
        ArgumentTypeError: not a dataset, not an integer, not a transform.

    Example:
        >>> from tinygrad_cnn import data
        >>> mini = data.load("fashion-mini")
        >>> loader = data.DataLoader(mini.train, batch_size=64, shuffle=True, transform=mini.standardize)
        >>> len(loader)
        94
        >>> for x, y in loader:
        ...     break
        >>> x.shape, y.shape
        ((64, 1, 28, 28), (64,))
    """

    def __init__(
        self,
        dataset: Items[Any],
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Sampler | None = None,
        *,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        transform: Transform | None = None,
    ) -> None:
        _check_one_process(num_workers, pin_memory)
        self.dataset = check_dataset(dataset)
        self.batch_size = _check_batch_size(batch_size)
        self.shuffle = shuffle
        self.sampler = None if sampler is None else _check_sampler(sampler)
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.seed = check_integer(seed, "seed")
        self.transform = None if transform is None else check_transform(transform, "transform")
        self._epoch = 0
        self._check_order()

    @property
    def epoch(self) -> int:
        """The number of the next pass, counted from 0."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, to resume a run or to look at its batches again.

        What a dataset's own `__getitem__` draws at random, and a sampler, are not the loader's to repeat.

        >>> from tinygrad_cnn.data import ArrayDataset, DataLoader
        >>> loader = DataLoader(ArrayDataset(range(6), range(6)), batch_size=6, shuffle=True)
        >>> first, second = ([y.numpy().tolist() for _, y in loader] for _ in range(2))
        >>> first == second
        False
        >>> loader.set_epoch(1)
        >>> [y.numpy().tolist() for _, y in loader] == second
        True
        """
        self._epoch = check_integer(epoch, "epoch")

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        full, rest = divmod(self._count(), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        epoch = self._epoch
        order = self._order(epoch)
        known = order if isinstance(order, np.ndarray) else None
        resident = None if self.collate_fn else Resident.find(self.dataset, self.transform, known)
        remaining = iter(order if known is None else known.tolist())
        for number in range(len(self)):
            places = list(islice(remaining, self.batch_size))
            chance = partial(generator, self.seed, epoch, purpose=number + 1)
            batch = None if resident is None else resident.batch(places, number * self.batch_size, chance)
            yield self._on_host(places, chance) if batch is None else batch
        self._epoch = epoch + 1

    def __repr__(self) -> str:
        return f"DataLoader({describe(self.dataset)}, {len(self)} batches of {self.batch_size})"

    def _count(self) -> int:
        """How many items an epoch deals."""
        return len(self.dataset if self.sampler is None else self.sampler)

    def _order(self, epoch: int) -> NDArray[np.int64] | Iterable[int]:
        """The number of every item, in the order of this epoch."""
        if self.sampler is not None:
            return self.sampler
        if not self.shuffle:
            return np.arange(self._count())
        return generator(self.seed, epoch, ORDER).permutation(self._count())

    def _on_host(self, places: list[int], chance: Chance) -> Any:
        """The batch of these items, made of NumPy arrays and then handed to the backend."""
        batch = self._fetch(places)
        if self.transform is not None:
            batch = _transformed(batch, self.transform, chance())
        return to_tensors(batch)

    def _fetch(self, indices: list[int]) -> Any:
        """These items as one batch, before the transform."""
        if self.collate_fn is not None:
            return self.collate_fn([_item(self.dataset, index) for index in indices])
        arrays, places = locate(self.dataset, indices)
        if is_arrays(arrays):
            return arrays[places]
        items = [_item(self.dataset, index) for index in indices]
        return stack(items, [f"dataset[{index}]" for index in indices])

    def _check_order(self) -> None:
        if self.sampler is not None and self.shuffle:
            raise ArgumentError(
                "a sampler is an order already",
                argument="shuffle",
                expected="shuffle=False beside a sampler",
                got=True,
            )
        if self._count() == 0:
            raise ShapeError("the dataset is empty", argument="dataset", expected="at least one item", got=0)
        if len(self) == 0:
            raise ArgumentError(
                "drop_last would drop the only batch",
                argument="drop_last",
                expected=f"batch_size of at most {self._count()}, the size of the dataset",
                got=f"batch_size={self.batch_size}, drop_last=True",
            )


def _item(dataset: Items[Any], index: int) -> Any:
    try:
        return dataset[index]
    except Exception as error:
        error.add_note(f"This happened in dataset[{index}].")
        raise


def _transformed(batch: Any, transform: Transform, rng: Any) -> Any:
    """The batch with its images transformed: the batch itself, or the first in its tuple."""
    if isinstance(batch, tuple | list):
        images, *others = batch
        return rebuild(batch, [_transformed(images, transform, rng), *others])
    images = batch.numpy() if isinstance(batch, Tensor) else batch
    if not hasattr(images, "dtype"):
        raise ArgumentTypeError(
            "it is not clear what in this batch are the images",
            argument="transform",
            expected="batches that are an array, or a tuple that begins with one",
            got=f"a batch of type {type(batch).__name__}",
            hint="transform the images in __getitem__, or in a collate_fn",
        )
    return transform(images, rng)


def _check_batch_size(batch_size: object) -> int:
    if isinstance(batch_size, Sized):
        raise ArgumentTypeError(
            "batch_size must be an integer",
            argument="batch_size",
            expected="int",
            got=type(batch_size).__name__,
            hint="images and labels are one dataset: ArrayDataset(images, labels)",
        )
    return check_integer(batch_size, "batch_size", at_least=1)


def _check_sampler(sampler: Sampler) -> Sampler:
    if not (isinstance(sampler, Sized) and isinstance(sampler, Iterable)):
        raise ArgumentTypeError(
            "a sampler is an order with a length",
            argument="sampler",
            expected="something with __len__ and __iter__, such as a list of indices",
            got=repr(sampler),
            hint="list(sampler), if it is the same in every epoch",
        )
    return sampler


def _check_one_process(num_workers: int, pin_memory: bool) -> None:
    if num_workers != 0:
        raise ArgumentError(
            "there are no worker processes: batches are made in this one",
            argument="num_workers",
            expected=0,
            got=num_workers,
            hint="leave it out; what is slow to read but never changes, ArrayDataset.from_pairs reads once",
        )
    if pin_memory:
        raise ArgumentError(
            "there is no pinned memory to ask for: what is copied to a GPU goes through it by itself",
            argument="pin_memory",
            expected=False,
            got=pin_memory,
            hint="leave it out",
        )
