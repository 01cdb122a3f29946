"""From items to a batch: the images of all items stacked into one Tensor, the labels into another.

An item may be a number, an array, a Tensor, a text, or a tuple, list or dict of such things, nested as deep
as one likes; the batch has the form of one item. It is made in two steps, so that transforms find NumPy
arrays in between: `stack` puts the items together on the host, `to_tensors` hands the arrays to the backend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import get_backend
from tinygrad_cnn.dtypes import DTYPES
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.ops.joining import stack as stack_tensors


def default_collate(items: Sequence[Any]) -> Any:
    """Make one batch of items, as a `DataLoader` without a `collate_fn` of your own does.

    Args:
        items: one or more items of one form:

            - arrays and Tensors of one shape and dtype become a Tensor with a first dimension more (arrays
              of other libraries too, a PyTorch tensor or a PIL image),
            - numbers become a Tensor (N,): Python's floats float32, ints int64,
            - texts become a list of them,
            - tuples, lists and dicts become a tuple, list or dict of batches.

    Raises:
        ShapeError: arrays of different shapes, or sequences of different lengths; names the item.
        DTypeError: arrays of different dtypes.
        ArgumentTypeError: items of different forms, or of a kind not listed here; no items at all.

    Example:
        >>> from tinygrad_cnn.data import default_collate
        >>> x, y = default_collate([(np.zeros((1, 2, 2)), 3), (np.ones((1, 2, 2)), 1)])
        >>> x.shape, y
        ((2, 1, 2, 2), tensor([3, 1]))
        >>> default_collate([{"name": "a", "size": 1.5}, {"name": "b", "size": 2.5}])
        {'name': ['a', 'b'], 'size': tensor([1.5, 2.5])}
    """
    if not items:
        raise ArgumentTypeError("there is nothing to make a batch of", argument="items", got=items)
    return to_tensors(stack(items, [f"items[{index}]" for index in range(len(items))]))


def stack(items: Sequence[Any], names: Sequence[str]) -> Any:
    """The items as one batch, its numbers in NumPy arrays; each item has a name for messages."""
    first = items[0]
    if isinstance(first, Tensor):
        _check_kind(items, names, Tensor)
        _check_shapes_and_dtypes(items, names)
        return stack_tensors(items)
    if isinstance(first, str | bytes):
        _check_kind(items, names, str | bytes)
        return list(items)
    if isinstance(first, Mapping):
        _check_kind(items, names, Mapping)
        _check_keys(items, names)
        return {
            key: stack([item[key] for item in items], [f"{name}[{key!r}]" for name in names]) for key in first
        }
    if isinstance(first, tuple | list):
        _check_kind(items, names, tuple | list)
        _check_lengths(items, names)
        columns = enumerate(zip(*items, strict=True))
        return rebuild(first, (stack(column, [f"{name}[{n}]" for name in names]) for n, column in columns))
    if all(type(item) in (bool, int, float) for item in items):
        numbers = np.array(items)
        return numbers.astype(np.float32) if numbers.dtype == np.float64 else numbers
    arrays = [_numbers(item, name) for item, name in zip(items, names, strict=True)]
    _check_shapes_and_dtypes(arrays, names)
    return np.stack(arrays)


def to_tensors(batch: Any) -> Any:
    """The same batch with every array and Tensor in it put on the current backend."""
    if isinstance(batch, Tensor):
        return batch.to(get_backend())
    if isinstance(batch, np.ndarray):
        return _uploaded(batch)
    if isinstance(batch, Mapping):
        return {key: to_tensors(value) for key, value in batch.items()}
    if isinstance(batch, tuple | list):
        return rebuild(batch, map(to_tensors, batch))
    return batch


def _uploaded(array: NDArray[Any]) -> Tensor:
    dtype = DTYPES.get(str(array.dtype))
    if dtype is None:
        return tensor(array)  # which says what is wrong with it
    backend = get_backend()
    return Tensor(backend.upload(array, dtype), array.shape, dtype, backend)


def rebuild(example: Any, values: Iterable[Any]) -> Any:
    """A tuple, named tuple or list like the example, of these values."""
    if hasattr(example, "_fields"):
        return type(example)(*values)
    return tuple(values) if isinstance(example, tuple) else list(values)


# --- what does not go together --------------------------------------------------------------------


def _numbers(item: Any, name: str) -> NDArray[Any]:
    looks_like_numbers = isinstance(item, int | float) or any(
        hasattr(item, protocol) for protocol in ("__array__", "__array_interface__")
    )
    array = np.asarray(item) if looks_like_numbers else None
    if array is None or array.dtype.kind not in "biuf":
        raise ArgumentTypeError(
            "this is nothing that a batch is made of",
            argument=name,
            expected="numbers, arrays, Tensors, texts, or tuples, lists and dicts of them",
            got=type(item).__name__ if array is None else f"an array of {array.dtype}",
            hint="return arrays from __getitem__, or give the DataLoader a collate_fn",
        )
    return array


def _check_kind(items: Sequence[Any], names: Sequence[str], kind: Any) -> None:
    for item, name in zip(items, names, strict=True):
        if not isinstance(item, kind):
            raise ArgumentTypeError(
                "the items of a batch are of different kinds",
                argument=name,
                expected=f"{type(items[0]).__name__}, as {names[0]}",
                got=type(item).__name__,
            )


def _check_keys(items: Sequence[Mapping[Any, Any]], names: Sequence[str]) -> None:
    for item, name in zip(items, names, strict=True):
        if item.keys() != items[0].keys():
            raise ArgumentTypeError(
                "the items of a batch have different keys",
                argument=name,
                expected=f"{list(items[0])}, as {names[0]}",
                got=list(item),
            )


def _check_lengths(items: Sequence[Sequence[Any]], names: Sequence[str]) -> None:
    for item, name in zip(items, names, strict=True):
        if len(item) != len(items[0]):
            raise ShapeError(
                "the items of a batch have different lengths",
                argument=name,
                expected=f"{len(items[0])} parts, as {names[0]}",
                got=f"{len(item)} parts",
                hint="pad them to one length in __getitem__, or give the DataLoader a collate_fn",
            )


def _check_shapes_and_dtypes(arrays: Sequence[Any], names: Sequence[str]) -> None:
    first = arrays[0]
    for array, name in zip(arrays, names, strict=True):
        if array.shape != first.shape:
            raise ShapeError(
                "the items of a batch have different shapes",
                argument=name,
                expected=f"shape {first.shape}, as {names[0]}",
                got=f"shape {array.shape}",
                hint="crop or pad them to one size in __getitem__, or give the DataLoader a collate_fn",
            )
        if array.dtype != first.dtype:
            raise DTypeError(
                "the items of a batch have different dtypes",
                argument=name,
                expected=f"{first.dtype}, as {names[0]}",
                got=array.dtype,
                hint="convert them to one dtype in __getitem__",
            )
