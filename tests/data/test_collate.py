"""Collation: items of every form become one batch of that form, or an error that names the item."""

from typing import NamedTuple

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.data import default_collate
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, ShapeError


class Sample(NamedTuple):
    image: object
    label: int


def same(batch, values, dtype):
    """A Tensor of these values and this dtype."""
    assert isinstance(batch, tc.Tensor)
    assert str(batch.dtype) == dtype
    np.testing.assert_array_equal(batch.numpy(), values)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float16", "float32", "float64"])
def test_arrays_are_stacked_and_keep_their_dtype(dtype):
    arrays = [np.arange(6).reshape(2, 3).astype(dtype), np.ones((2, 3), dtype)]
    same(default_collate(arrays), np.stack(arrays), dtype)
    same(default_collate([array[1, 0] for array in arrays]), [arrays[0][1, 0], 1], dtype)


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [([1, 2], "int64"), ([1.5, 2.0], "float32"), ([1, 2.5], "float32"), ([True, False], "bool")],
)
def test_pythons_numbers_get_the_dtypes_of_the_library(numbers, dtype):
    same(default_collate(numbers), numbers, dtype)
    assert str(tc.tensor(numbers).dtype) == dtype


def test_tensors_are_stacked_with_their_gradient():
    parts = [tc.tensor([1.0, 2.0], requires_grad=True), tc.tensor([3.0, 4.0])]
    batch = default_collate(parts)
    same(batch, [[1, 2], [3, 4]], "float32")
    (batch * batch).sum().backward()
    np.testing.assert_array_equal(parts[0].grad.numpy(), [2, 4])


def test_a_batch_has_the_form_of_an_item():
    items = [
        {"pair": (np.zeros(2), [k, float(k)]), "name": f"n{k}", "sample": Sample(np.ones(1), k)}
        for k in range(3)
    ]
    batch = default_collate(items)
    assert list(batch) == ["pair", "name", "sample"]
    assert (type(batch["pair"]), type(batch["pair"][1])) == (tuple, list)
    same(batch["pair"][0], np.zeros((3, 2)), "float64")
    same(batch["pair"][1][0], [0, 1, 2], "int64")
    same(batch["pair"][1][1], [0, 1, 2], "float32")
    assert batch["name"] == ["n0", "n1", "n2"]
    assert isinstance(batch["sample"], Sample)
    same(batch["sample"].label, [0, 1, 2], "int64")


def test_arrays_of_other_libraries():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    same(default_collate([torch.zeros(2), torch.ones(2)]), [[0, 0], [1, 1]], "float32")


def test_the_batch_is_on_the_current_backend():
    with tc.use_backend("scalar"):
        x, y = default_collate([(tc.ones(1, backend="numpy"), 1)])
    assert x.backend.name == y.backend.name == "scalar"


# --- what does not go together --------------------------------------------------------------------


@pytest.mark.parametrize("make", [np.zeros, tc.zeros])
def test_different_shapes(make):
    items = [(make((1, 2, 2)), 0), (make((1, 2, 2)), 1), (make((1, 3, 2)), 2)]
    with pytest.raises(ShapeError) as error:
        default_collate(items)
    assert error.value.argument == "items[2][0]"
    assert error.value.expected == "shape (1, 2, 2), as items[0][0]"
    assert error.value.got == "shape (1, 3, 2)"
    assert "collate_fn" in error.value.hint


@pytest.mark.parametrize(
    ("items", "kind", "problem"),
    [
        ([np.zeros(2, np.float32), np.zeros(2)], DTypeError, r"dtypes(.|\n)*items\[1\](.|\n)*float64"),
        ([tc.zeros(2), tc.zeros(2, dtype="int64")], DTypeError, r"dtypes(.|\n)*items\[1\](.|\n)*int64"),
        ([(1, 2), (1, 2, 3)], ShapeError, r"lengths(.|\n)*items\[1\](.|\n)*2 parts(.|\n)*3 parts"),
        ([{"a": [1]}, {"b": [1]}], ArgumentTypeError, r"keys(.|\n)*items\[1\](.|\n)*\['a'\](.|\n)*\['b'\]"),
        ([{"a": [1]}, {"a": 1}], ArgumentTypeError, r"kinds(.|\n)*items\[1\]\['a'\](.|\n)*list(.|\n)*int"),
        ([tc.zeros(()), 1.0], ArgumentTypeError, r"kinds(.|\n)*items\[1\](.|\n)*Tensor(.|\n)*float"),
        (["a", 1], ArgumentTypeError, r"kinds(.|\n)*items\[1\](.|\n)*str(.|\n)*int"),
        ([1, None], ArgumentTypeError, r"items\[1\](.|\n)*got: +NoneType"),
        ([(1, object())] * 2, ArgumentTypeError, r"items\[0\]\[1\](.|\n)*got: +object(.|\n)*collate_fn"),
        ([np.array(["a"])], ArgumentTypeError, r"items\[0\](.|\n)*an array of <U1"),
        ([], ArgumentTypeError, "nothing to make a batch of"),
    ],
)
def test_items_that_do_not_go_together(items, kind, problem):
    with pytest.raises(kind, match=problem):
        default_collate(items)
