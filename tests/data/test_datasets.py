"""Datasets of one's own, and parts, splits and rows of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_cnn.data import ConcatDataset, Dataset, Subset, load, random_split
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError


class Squares(Dataset):
    """Never raises an IndexError, as many datasets do not; notes what it was asked for."""

    def __init__(self, count):
        self.count = count
        self.asked = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.asked.append(index)
        return index**2


def test_iterating_ends_where_the_length_says():
    assert list(Squares(4)) == [0, 1, 4, 9]
    assert 9 in Squares(4)
    assert repr(Squares(4)) == "Squares(4 items)"


@pytest.mark.parametrize(("body", "missing"), [({"__len__": len}, "__getitem__"), ({}, "__len__")])
def test_a_dataset_without_its_methods_says_which(body, missing):
    kind = type("Half", (Dataset,), body)
    with pytest.raises(TypeError, match=rf"Half.*{missing}"):
        kind()


def test_the_item_type_may_be_written_down():
    class Pairs(Dataset[tuple[int, int]]):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return index, index

    assert list(Pairs()) == [(0, 0)]


# --- parts ----------------------------------------------------------------------------------------


def test_a_subset_asks_for_its_items_only():
    squares = Squares(100)
    part = Subset(squares, [7, 3, 7])
    assert squares.asked == []
    assert (len(part), part[1], part[-1], list(part)) == (3, 9, 49, [49, 9, 49])
    assert set(squares.asked) == {3, 7}
    assert part.dataset is squares
    assert repr(part) == "Subset(3 of Squares(100 items))"
    assert list(Subset(part, np.array([2, 1]))) == [49, 9]
    with pytest.raises(IndexError):
        part[3]


def test_datasets_in_a_row():
    row = Squares(3) + Squares(0) + ["last"]
    assert isinstance(row, ConcatDataset)
    assert list(row) == [0, 1, 4, "last"]
    assert [row[index] for index in (-4, -1)] == [0, "last"]
    assert all(isinstance(index, int) for index in row.datasets[0].datasets[0].asked)
    flat = ConcatDataset(iter([Squares(2), range(3), [5]]))
    assert flat.cumulative_sizes == [2, 5, 6]
    assert list(flat) == [0, 1, 0, 1, 2, 5]
    assert repr(flat) == "ConcatDataset([Squares(2 items), range(3 items), list(1 items)])"
    for index in (6, -7):
        with pytest.raises(IndexError, match=f"index {index} is outside a dataset of 6"):
            flat[index]
    with pytest.raises(ArgumentError, match="nothing to put in a row"):
        ConcatDataset([])


# --- random splits --------------------------------------------------------------------------------


@given(lengths=st.lists(st.integers(0, 12), min_size=1, max_size=4), seed=st.integers(0, 2**64 - 1))
def test_a_split_deals_every_item_once(lengths, seed):
    parts = random_split(range(sum(lengths)), lengths, seed=seed)
    assert [len(part) for part in parts] == lengths
    assert sorted(itertools.chain.from_iterable(parts)) == list(range(sum(lengths)))


@pytest.mark.parametrize(
    ("count", "fractions", "lengths"),
    [
        (10, [0.8, 0.2], [8, 2]),
        (10, [0.33, 0.33, 0.34], [4, 3, 3]),  # 3, 3, 3 and one left for the first
        (11, [1 / 3, 1 / 3, 1 / 3], [4, 4, 3]),
        (7, [1.0], [7]),
        (3, [0.1, 0.9], [1, 2]),
        (10, [0.1] * 10, [1] * 10),
    ],
)
def test_fractions_are_rounded_as_pytorch_does(count, fractions, lengths):
    assert [len(part) for part in random_split(range(count), fractions)] == lengths


def test_fractions_against_pytorch():
    utils = pytest.importorskip("torch.utils.data", reason="PyTorch, the reference, is not installed")
    several = ([0.9, 0.1], [0.7, 0.15, 0.15], [0.25] * 4)
    for count, fractions in itertools.product((10, 11, 99, 6000), several):
        ours, theirs = (split(range(count), fractions) for split in (random_split, utils.random_split))
        assert [*map(len, ours)] == [*map(len, theirs)]


def test_the_split_follows_from_its_seed_alone():
    def split(seed):
        return [list(part) for part in random_split(range(30), [20, 10], seed=seed)]

    assert split(3) == split(3)
    assert split(3) != split(4)
    assert split(0)[0] != list(range(20))


def test_a_split_reads_nothing():
    squares = Squares(10)
    random_split(squares, [0.5, 0.5])
    assert squares.asked == []


@pytest.mark.parametrize("lengths", [[3, 3], [8, 3], [11, -1], [0.5, 0.4], [1.2, -0.2], [], [5.0, 5.0]])
def test_lengths_that_are_no_parts(lengths):
    with pytest.raises(ArgumentError, match=r"no parts of the whole(.|\n)*argument: lengths(.|\n)*sum 10"):
        random_split(range(10), lengths)


def test_seeds_of_a_split():
    with pytest.raises(ArgumentError, match="0 <= seed"):
        random_split(range(3), [3], seed=-1)
    with pytest.raises(ArgumentTypeError, match="seed must be an integer"):
        random_split(range(3), [3], seed=None)


# --- what is no dataset ---------------------------------------------------------------------------


class NoLength:
    def __getitem__(self, index):
        return index


NO_DATASETS = {
    "count": (itertools.count(), "without __len__ and __getitem__", "if it ends"),
    "set": ({1, 2}, "without __getitem__", r"list\(dataset\)"),
    "no length": (NoLength(), "without __len__", r"def __len__\(self\)"),
    "number": (7, "without __len__ and __getitem__", r"class MyDataset\(tc\.data\.Dataset\)"),
    "name": ("fashion-mini", "'fashion-mini'", r"load\(name\)\.train"),
}


@pytest.mark.parametrize("name", NO_DATASETS)
@pytest.mark.parametrize(
    "use", [lambda d: Subset(d, [0]), lambda d: random_split(d, [1]), lambda d: ConcatDataset([d])]
)
def test_things_that_are_no_dataset(name, use):
    """An iterator without an end is not even begun."""
    nothing, got, hint = NO_DATASETS[name]
    with pytest.raises(ArgumentTypeError, match=rf"this is no dataset(.|\n)*{got}(.|\n)*{hint}"):
        use(nothing)


def test_a_whole_collection_is_not_a_part():
    with pytest.raises(ArgumentTypeError, match=r"\.train"):
        Subset(load("fashion-mini"), [0])
