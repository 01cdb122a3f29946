"""Images that can be told apart, and what a loader makes of them."""

import itertools

import numpy as np

from tinygrad_cnn.data import ArrayDataset, DataLoader


def numbered(count: int) -> ArrayDataset:
    """Images that show their own number, labelled with it."""
    images = np.broadcast_to(np.arange(count, dtype=np.float32)[:, None, None, None], (count, 1, 4, 4))
    return ArrayDataset(images, np.arange(count))


def labels_of(loader: DataLoader) -> list[list[int]]:
    """The labels of every batch of an epoch."""
    return [y.numpy().tolist() for _, y in loader]


def flat(batches: list[list[int]]) -> list[int]:
    """The batches in one list."""
    return list(itertools.chain.from_iterable(batches))
