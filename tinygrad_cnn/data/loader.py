"""The DataLoader: a dataset, dealt out in batches of Tensors.

Shuffling is not an event here but a function: the order of an epoch follows from (seed, epoch) alone, and
what a random transform does to a batch from (seed, epoch, batch). So a run that was interrupted and goes on
in epoch 7 meets the batches it would have met. The generator that makes this easy is counter-based: Philox
(J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) scrambles a counter with a key. The
key is (seed, epoch); one word of the counter says what the numbers are for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.data.datasets import ArrayDataset
from tinygrad_cnn.data.transforms import Transform, check_transform
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, ShapeError


class DataLoader:
    """Iterate over a dataset in batches `(x, y)` of Tensors.

    One pass through the loader is one epoch: when it is complete, `loader.epoch` goes up by one and the next
    pass is shuffled anew. A pass that is broken off does not count.

    Args:
        dataset: an `ArrayDataset`, such as `load("fashion-mini").train`, or (image, label) pairs.
        batch_size: images in a batch; the last batch of an epoch may be smaller.
        shuffle: whether to deal in random order; right for training, pointless for testing.
        seed: of the order and of random transforms.
        drop_last: leave out the last batch if it is smaller.
        transform: what to do to each batch of images, see `transforms`. Without one, images keep their
            dtype: uint8 stays uint8, which no layer takes.

    Raises:
        ShapeError: the dataset is empty.
        ArgumentError: batch_size is not positive, the seed negative, or drop_last leaves nothing.
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
        dataset: ArrayDataset | Iterable[tuple[ArrayLike, ArrayLike]],
        batch_size: int = 64,
        shuffle: bool = False,
        *,
        seed: int = 0,
        drop_last: bool = False,
        transform: Transform | None = None,
    ) -> None:
        self.dataset = dataset if isinstance(dataset, ArrayDataset) else ArrayDataset.from_pairs(dataset)
        self.batch_size = _integer(batch_size, "batch_size", at_least=1)
        self.shuffle = shuffle
        self.seed = _integer(seed, "seed", at_least=0)
        self.drop_last = drop_last
        self.transform = None if transform is None else check_transform(transform, "transform")
        self._epoch = 0
        if len(self.dataset) == 0:
            raise ShapeError("the dataset is empty", argument="dataset", expected="at least one image", got=0)
        if len(self) == 0:
            raise ArgumentError(
                "drop_last would drop the only batch",
                argument="drop_last",
                expected=f"batch_size of at most {len(self.dataset)}, the size of the dataset",
                got=f"batch_size={self.batch_size}, drop_last=True",
            )

    @property
    def epoch(self) -> int:
        """The number of the next pass, counted from 0."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, to resume a run or to look at its batches again.

        >>> from tinygrad_cnn.data import ArrayDataset, DataLoader
        >>> loader = DataLoader(ArrayDataset(range(6), range(6)), batch_size=6, shuffle=True)
        >>> first, second = ([y.numpy().tolist() for _, y in loader] for _ in range(2))
        >>> first == second
        False
        >>> loader.set_epoch(1)
        >>> [y.numpy().tolist() for _, y in loader] == second
        True
        """
        self._epoch = _integer(epoch, "epoch", at_least=0)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        epoch = self._epoch
        order = self._order(epoch)
        for batch in range(len(self)):
            chosen = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            images, labels = self.dataset.images[chosen], self.dataset.labels[chosen]
            if self.transform is not None:
                images = self.transform(images, _random(self.seed, epoch, purpose=batch + 1))
            yield tensor(images), tensor(labels)
        self._epoch = epoch + 1

    def __repr__(self) -> str:
        return f"DataLoader({self.dataset!r}, {len(self)} batches of {self.batch_size})"

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """The index of every image, in the order of this epoch."""
        count = len(self.dataset)
        return _random(self.seed, epoch, purpose=0).permutation(count) if self.shuffle else np.arange(count)


def _random(seed: int, epoch: int, *, purpose: int) -> np.random.Generator:
    """A generator for one purpose: 0 is the order of the epoch, b + 1 the transform of batch b."""
    key = np.array([seed, epoch], np.uint64)  # a plain list would pass through float64 from 2^63 on
    return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, purpose]))


def _integer(value: object, argument: str, *, at_least: int) -> int:
    number = as_index(value, argument=argument)
    if not at_least <= number < 1 << 64:
        raise ArgumentError(
            f"{argument} is out of range",
            argument=argument,
            expected=f"{at_least} <= {argument} < 2^64",
            got=number,
        )
    return number
