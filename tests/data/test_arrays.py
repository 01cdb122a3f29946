"""Datasets in memory: images with labels, and any number of tensors."""

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import data
from tinygrad_cnn.data import ArrayDataset, TensorDataset
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError


def test_integer_labels_become_int64_and_float_targets_stay():
    assert ArrayDataset(np.zeros((2, 3)), np.array([1, 2], np.uint8)).labels.dtype == np.int64
    assert ArrayDataset(np.zeros((2, 3)), np.ones((2, 4), np.float32)).labels.dtype == np.float32


def test_an_index_gives_a_pair_and_a_slice_a_split():
    mini = data.load("fashion-mini")
    image, label = mini.train[7]
    assert image.shape == (1, 28, 28)
    assert label == mini.train.labels[7]
    validation = mini.train[5000:]
    assert len(validation) == 1000
    assert np.shares_memory(validation.images, mini.train.images)
    with pytest.raises(IndexError):
        mini.train[6000]


def test_pairs_are_stacked():
    pairs = [(np.full((1, 2, 2), value, np.float32), value) for value in range(3)]
    dataset = ArrayDataset.from_pairs(pairs)
    assert dataset.images.shape == (3, 1, 2, 2)
    assert dataset.labels.tolist() == [0, 1, 2]
    assert len(ArrayDataset.from_pairs(zip([1.0, 2.0], [0, 1], strict=True))) == 2


def test_reading_pairs_ends_where_the_length_says():
    class Endless:
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return np.ones((1, 2, 2), np.float32), index % 2

    assert ArrayDataset.from_pairs(Endless()).labels.tolist() == [0, 1, 0, 1, 0]


def test_arrays_that_are_no_dataset():
    with pytest.raises(ShapeError, match=r"every image needs one label(.|\n)*3 labels(.|\n)*2 labels"):
        ArrayDataset(np.zeros((3, 1, 2, 2)), [0, 1])
    with pytest.raises(ShapeError, match="the images have different shapes"):
        ArrayDataset([np.zeros((2, 2)), np.zeros((2, 3))], [0, 1])
    with pytest.raises(ShapeError, match="no first dimension"):
        ArrayDataset(np.zeros((3, 2)), 7)
    with pytest.raises(DTypeError, match=r"the labels are not numbers(.|\n)*'cat'(.|\n)*return_inverse"):
        ArrayDataset(np.zeros((2, 2)), ["cat", "dog"])


class NoLength:
    def __getitem__(self, index):
        return np.zeros(2), 0


@pytest.mark.parametrize("nothing", ["mnist", [], [(1, 2, 3)], np.zeros((3, 1, 2, 2)), 7, NoLength()])
def test_things_that_are_no_pairs(nothing):
    with pytest.raises(ArgumentTypeError, match=r"these are no pairs(.|\n)*ArrayDataset"):
        ArrayDataset.from_pairs(nothing)


# --- any number of tensors ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_item_has_a_part_of_each_tensor(count):
    tensors = [tc.arange(12).reshape(4, 3) + 100 * number for number in range(count)]
    dataset = TensorDataset(*tensors)
    assert len(dataset) == 4
    assert dataset.tensors == tuple(tensors)
    for index, number in itertools.product((0, 3, -1), range(count)):
        assert isinstance(dataset[index], tuple)
        np.testing.assert_array_equal(dataset[index][number].numpy(), tensors[number].numpy()[index])
    assert len(dataset[1]) == count


def test_lists_and_arrays_become_tensors():
    dataset = TensorDataset([[0.0, 1.0]], np.array([3], np.uint8), np.ones((1, 2)))
    assert [str(entry.dtype) for entry in dataset.tensors] == ["float32", "uint8", "float64"]
    assert repr(dataset) == "TensorDataset(1 x [(2,) float32, () uint8, (2,) float64])"


def test_iterating_over_tensors_ends():
    assert [value.item() for (value,) in TensorDataset([1.0, 2.0, 3.0])] == [1, 2, 3]
    with pytest.raises(IndexError):
        TensorDataset([1.0, 2.0])[2]


def test_tensors_that_are_no_dataset():
    with pytest.raises(ArgumentError, match="at least one tensor"):
        TensorDataset()
    with pytest.raises(ShapeError, match=r"tensors\[2\](.|\n)*\(4, 1\)(.|\n)*\(3,\)"):
        TensorDataset(np.zeros((4, 1)), np.zeros(4), np.zeros(3))
    with pytest.raises(ShapeError, match=r"tensors\[0\](.|\n)*shape \(\)"):
        TensorDataset(7.0)
