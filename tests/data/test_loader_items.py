"""The DataLoader and its items: fetched when they are due, or cut out of arrays; batches of every form."""

from collections import namedtuple

import numpy as np
import pytest
from data.numbered import flat, labels_of, numbered

import tinygrad_cnn as tc
from tinygrad_cnn.data import (
    ArrayDataset,
    DataLoader,
    Dataset,
    RandomCrop,
    Subset,
    TensorDataset,
    random_split,
)
from tinygrad_cnn.errors import ArgumentTypeError, ShapeError

# --- items made when they are due -----------------------------------------------------------------


class Noted(Dataset):
    """Five labelled images, without an IndexError at the end; notes which were asked for."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 5

    def __getitem__(self, index):
        self.asked.append(index)
        return np.full((1, 2, 2), len(self.asked), np.float32), index % 2


class NotedWithoutBase:
    def __init__(self):
        self.asked = []

    __len__ = Noted.__len__
    __getitem__ = Noted.__getitem__


@pytest.mark.parametrize("kind", [Noted, NotedWithoutBase])
def test_the_length_says_where_a_dataset_ends(kind):
    loader = DataLoader(kind(), batch_size=2)
    assert [x.shape for x, _ in loader] == [(2, 1, 2, 2), (2, 1, 2, 2), (1, 1, 2, 2)]
    assert labels_of(loader) == [[0, 1], [0, 1], [0]]
    assert {(str(x.dtype), str(y.dtype)) for x, y in loader} == {("float32", "int64")}


def test_items_are_asked_for_when_their_batch_is_due_and_anew_in_each_epoch():
    dataset = Noted()
    loader = DataLoader(dataset, batch_size=2)
    assert dataset.asked == []
    next(iter(loader))
    assert dataset.asked == [0, 1]
    first, second = ([x.numpy()[:, 0, 0, 0].tolist() for x, _ in loader] for _ in range(2))
    assert (first, second) == ([[3, 4], [5, 6], [7]], [[8, 9], [10, 11], [12]])
    assert dataset.asked == [0, 1, *range(5), *range(5)]
    assert {type(index) for index in dataset.asked} == {int}


def test_single_items_come_in_the_order_of_arrays():
    """One by one or at once: the same seed deals the same batches, and transforms them alike."""
    arrays = numbered(30)
    single = [arrays[index] for index in range(30)]
    crop = {"transform": RandomCrop(3, padding=2), "shuffle": True, "seed": 4, "batch_size": 8}
    for (x, y), (expected, labels) in zip(
        DataLoader(single, **crop), DataLoader(arrays, **crop), strict=True
    ):
        np.testing.assert_array_equal(x.numpy(), expected.numpy())
        np.testing.assert_array_equal(y.numpy(), labels.numpy())


def test_a_class_derived_from_arrays_is_asked_for_each_item():
    """Else its __getitem__ would be passed over without a word."""

    class Negated(ArrayDataset):
        def __getitem__(self, index):
            image, label = super().__getitem__(index)
            return -image, label

    arrays = numbered(4)
    for part in (dataset := Negated(arrays.images, arrays.labels), Subset(dataset, [0, 1, 2, 3])):
        ((x, _),) = DataLoader(part, 4)
        assert x.numpy()[:, 0, 0, 0].tolist() == [0, -1, -2, -3]


# --- forms of batches -----------------------------------------------------------------------------


def test_tensors_are_dealt_whole():
    images, masks = tc.arange(6, dtype="float32").reshape(6, 1), tc.arange(6)
    for dataset in (TensorDataset(images, masks, masks), list(TensorDataset(images, masks, masks))):
        batches = [[part.numpy().tolist() for part in batch] for batch in DataLoader(dataset, 4)]
        assert batches[1] == [[[4.0], [5.0]], [4, 5], [4, 5]]
    assert [len(batch) for batch in DataLoader(TensorDataset(images), 4)] == [1, 1]


@pytest.mark.parametrize("dataset", [numbered(20), TensorDataset(np.zeros((20, 1)), np.arange(20))])
def test_parts_of_arrays_are_cut_out_at_once(dataset, monkeypatch):
    part = Subset(Subset(dataset, range(19, -1, -1)), [5, 3, 0])
    monkeypatch.setattr(Subset, "__getitem__", None)
    assert labels_of(DataLoader(part, 2)) == [[14, 16], [19]]


def test_a_split_is_dealt_like_any_dataset():
    parts = random_split(numbered(10), [0.7, 0.3], seed=5)
    dealt = [flat(labels_of(DataLoader(part, 2, shuffle=True))) for part in parts]
    assert [len(part) for part in dealt] == [7, 3]
    assert sorted(dealt[0] + dealt[1]) == list(range(10))


def test_dictionaries_and_texts():
    items = [{"image": np.zeros((1, 2, 2)), "name": f"n{k}"} for k in range(3)]
    batch = next(iter(DataLoader(items, 2)))
    assert batch["image"].shape == (2, 1, 2, 2)
    assert batch["name"] == ["n0", "n1"]


def test_a_collation_of_ones_own():
    def pad(items):
        longest = max(map(len, items))
        return np.stack([np.pad(item, (0, longest - len(item))) for item in items]), [*map(len, items)]

    loader = DataLoader([np.ones(length) for length in (1, 3, 2)], 2, collate_fn=pad)
    batches = list(loader)
    assert [x.shape for x, _ in batches] == [(2, 3), (1, 2)]
    assert all(isinstance(x, tc.Tensor) for x, _ in batches)
    assert [lengths for _, lengths in batches] == [[1, 3], [2]]
    loader = DataLoader(range(3), 3, collate_fn=tc.tensor, transform=lambda x, rng: x * 2)
    assert next(iter(loader)).numpy().tolist() == [0, 2, 4]


def test_transforms_of_batches_that_are_no_pairs():
    def double(images, rng):
        assert isinstance(images, np.ndarray)
        return images * 2

    for dataset in (
        [np.ones(3)] * 2,
        TensorDataset(tc.ones(2, 3)),
        [(tc.ones(3), 1)] * 2,
        [[np.ones(3)]] * 2,
    ):
        batch = next(iter(DataLoader(dataset, 2, transform=double)))
        images = batch if isinstance(batch, tc.Tensor) else batch[0]
        np.testing.assert_array_equal(images.numpy(), np.full((2, 3), 2))
    Pair = namedtuple("Pair", "image label")
    batch = next(iter(DataLoader([Pair(np.ones(3), 7)], transform=double)))
    assert isinstance(batch, Pair)
    assert (batch.image.numpy().tolist(), batch.label.item()) == ([[2, 2, 2]], 7)


def test_batches_are_on_the_backend_in_force():
    for dataset in (numbered(2), TensorDataset(tc.ones(2, 1), tc.zeros(2)), [(tc.ones(1), 0)] * 2):
        with tc.use_backend("scalar"):
            ((x, y),) = DataLoader(dataset, 2)
        assert x.backend.name == y.backend.name == "scalar"


# --- mistakes -------------------------------------------------------------------------------------


def test_items_that_do_not_stack_are_named():
    items = [(np.zeros((1, 2 + (k == 3), 2)), k) for k in range(5)]
    with pytest.raises(ShapeError) as error:
        list(DataLoader(items, 2))
    assert error.value.argument == "dataset[3][0]"
    assert error.value.expected == "shape (1, 2, 2), as dataset[2][0]"
    assert error.value.got == "shape (1, 3, 2)"


def test_an_error_in_an_item_says_which():
    class Broken(Noted):
        def __getitem__(self, index):
            return 1 / (3 - index)

    for collate_fn in (None, tc.tensor):
        with pytest.raises(ZeroDivisionError) as error:
            list(DataLoader(Broken(), 2, collate_fn=collate_fn))
        assert error.value.__notes__ == ["This happened in dataset[3]."]


def test_a_transform_of_a_batch_without_images():
    for items, kind in (([{"image": np.ones(2)}], "dict"), ([("text", 1)], "str"), (["text"], "str")):
        with pytest.raises(
            ArgumentTypeError, match=rf"argument: transform(.|\n)*type {kind}(.|\n)*collate_fn"
        ):
            next(iter(DataLoader(items, transform=RandomCrop(1))))
