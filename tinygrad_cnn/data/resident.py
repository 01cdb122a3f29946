"""Data sets that stay where the backend computes, and batches that are made there.

A GPU has memory of its own, and copying a batch into it can take longer than a small network needs to learn
from it. So a `DataLoader` copies its data set once, if the backend has room for it (`Backend.keeps`). After
that the order of an epoch travels to the device, and for each batch the integers of its sketch, where there
is chance in it (`sketch.py`). The batches are the same as those made on the host, bit for bit.

This is for data sets that are arrays, and parts of them, with transforms that have a sketch or none at all.
Everything else is made on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend, Kernel, get_backend
from tinygrad_cnn.data._random import ORDER, generator
from tinygrad_cnn.data.arrays import ArrayDataset, TensorDataset
from tinygrad_cnn.data.datasets import Items, Subset
from tinygrad_cnn.data.sketch import NoSketch, Sketch, gather_images
from tinygrad_cnn.data.transforms import Transform, sketched
from tinygrad_cnn.dtypes import DTYPES, DType, float32

Entry: TypeAlias = "NDArray[Any] | Tensor"  # a data set's images, its labels, ...
Order: TypeAlias = "NDArray[np.int64]"
Chance: TypeAlias = "Callable[[], np.random.Generator]"  # the random numbers of a batch, if it needs any


def locate(dataset: Any, places: Sequence[int]) -> tuple[Any, Sequence[int]]:
    """What a part of a part of a data set is cut out of, and the numbers of the items there."""
    while type(dataset) is Subset:
        dataset, places = dataset.dataset, [dataset.indices[place] for place in places]
    return dataset, places


def is_arrays(dataset: Any) -> bool:
    """Whether batches can be cut out of a data set at once."""
    # These very classes: one derived from them may do anything with an item, so it is asked for each.
    return type(dataset) in (ArrayDataset, TensorDataset)


class Resident:
    """A data set on a backend, for one pass through it.

    Args:
        dataset: as the loader has it.
        transform: as the loader has it; one that can be sketched, or none.
        order: the numbers of all items that will be asked for, where that is known from the start.
        backend: where it lies.
        arrays: the backend's copies of the data set's arrays.
        dtypes: of what is made of them.
        outline: the transform's sketch of no images; None without a transform.
    """

    def __init__(
        self,
        dataset: Items[Any],
        transform: Transform | None,
        order: Order | None,
        backend: Backend,
        arrays: tuple[Array, ...],
        dtypes: tuple[DType, ...],
        outline: Sketch | None,
    ) -> None:
        self._dataset = dataset
        self._transform = transform
        self._backend = backend
        self._arrays = arrays
        self._dtypes = dtypes
        self._outline = outline
        self._statistics = None
        if outline is not None and outline.statistics is not None:
            self._statistics = backend.asarray(np.array(outline.statistics, np.float32))
        self._order = None if order is None else self._numbers(order.tolist())

    @classmethod
    def find(cls, dataset: Items[Any], transform: Transform | None, order: Order | None) -> Resident | None:
        """The data set where the backend in force computes; None if batches are to be made on the host."""
        backend, (bottom, _) = get_backend(), locate(dataset, ())
        entries = _entries(bottom)
        if not entries or any(not _can_lie_there(entry) for entry in entries):
            return None
        outline = None
        dtypes = list(map(_dtype_of, entries))
        if transform is not None:
            try:
                outline = _outline(transform, entries[0])
            except NoSketch:
                return None
            dtypes[0] = float32
        arrays = _kept(bottom, entries, backend)
        if arrays is None:
            return None
        return cls(dataset, transform, order, backend, arrays, tuple(dtypes), outline)

    def batch(self, places: list[int], first: int, chance: Chance) -> tuple[Tensor, ...] | None:
        """The items with these numbers, the first of which is item `first` of the pass.

        None if they cannot be made here, for the backend is another one by now, or a number names no item.
        """
        if get_backend() is not self._backend:
            return None
        last = first + len(places)
        numbers = self._numbers(places) if self._order is None else self._order[first:last]
        if numbers is None:
            return None
        images, *others = self._arrays
        images = self._images(images, numbers, len(places), chance)
        batch = [images, *(self._run(_rows, array, numbers) for array in others)]
        return tuple(
            Tensor(array, tuple(array.shape), dtype, self._backend)
            for array, dtype in zip(batch, self._dtypes, strict=True)
        )

    def _images(self, images: Array, numbers: Array, count: int, chance: Chance) -> Array:
        """The images with these numbers, transformed by the backend's kernel or the readable one."""
        backend, outline = self._backend, self._outline
        if self._transform is None or outline is None:
            return self._run(_rows, images, numbers)
        moves = None
        if outline.is_altered:
            sketch = Sketch.of((count, *images.shape[1:]), backend.dtype_of(images).name)
            moves = backend.asarray(sketched(self._transform, sketch, chance()).moves)
        gather = backend.kernels.get("gather_images", gather_images)
        params = {"statistics": self._statistics, "size": outline.size, "hole": outline.hole}
        return self._run(gather, images, numbers, moves=moves, **params)

    def _run(self, kernel: Kernel, *arrays: Array, **params: Any) -> Array:
        """As the backend runs the kernels of operations."""
        if self._backend.run is None:
            return kernel(self._backend, *arrays, **params)
        return self._backend.run(kernel, list(arrays), params)

    def _numbers(self, places: Sequence[int]) -> Array | None:
        """The numbers of these items in the arrays, on the backend; None if one of them names no item."""
        bottom, places = locate(self._dataset, places)
        numbers, count = np.asarray(places), len(bottom)
        if numbers.dtype.kind not in "iu" or numbers.size == 0:
            return None
        if numbers.min() < -count or numbers.max() >= count:
            return None
        return self._backend.asarray(np.where(numbers < 0, numbers + count, numbers).astype(np.int64))


def _rows(B: Backend, array: Array, numbers: Array) -> Array:
    return array[numbers]


# --- copies ---------------------------------------------------------------------------------------


class Kept(NamedTuple):
    """What lies on a backend, and what it is a copy of."""

    backend: Backend
    originals: tuple[Entry, ...]
    copies: tuple[Array, ...]


# A copy lives as long as its data set. There is one at a time: a data set that moves leaves nothing behind.
_KEPT: WeakKeyDictionary[Items[Any], Kept] = WeakKeyDictionary()


def _kept(dataset: Items[Any], entries: tuple[Entry, ...], backend: Backend) -> tuple[Array, ...] | None:
    """The entries as arrays of the backend, copied when first asked for; None if it does not keep them."""
    kept = _KEPT.get(dataset)
    if kept is None or kept.backend is not backend or not _are_same(kept.originals, entries):
        missing = sum(_nbytes(entry) for entry in entries if not _lies_on(backend, entry))
        if not backend.keeps(missing):
            return None
        kept = Kept(backend, entries, tuple(_on(backend, entry) for entry in entries))
        _KEPT[dataset] = kept
    return kept.copies


def _are_same(one: tuple[Entry, ...], other: tuple[Entry, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _on(backend: Backend, entry: Entry) -> Array:
    if isinstance(entry, Tensor):
        return entry.array if entry.backend is backend else backend.asarray(entry.numpy(), entry.dtype)
    return backend.asarray(entry, _dtype_of(entry))


def _lies_on(backend: Backend, entry: Entry) -> bool:
    return isinstance(entry, Tensor) and entry.backend is backend


def _nbytes(entry: Entry) -> int:
    return entry.numel() * entry.dtype.itemsize if isinstance(entry, Tensor) else entry.nbytes


# --- what can be made elsewhere -------------------------------------------------------------------


def _entries(dataset: Any) -> tuple[Entry, ...]:
    """The arrays of a data set that is nothing else; () for others."""
    if not is_arrays(dataset):
        return ()
    return tuple(dataset.tensors) if type(dataset) is TensorDataset else (dataset.images, dataset.labels)


def _can_lie_there(entry: Entry) -> bool:
    """Whether it is numbers of a dtype of ours, and nothing that a gradient would flow to."""
    is_constant = not (isinstance(entry, Tensor) and entry.requires_grad)
    return is_constant and str(entry.dtype) in DTYPES


def _dtype_of(entry: Entry) -> DType:
    return DTYPES[str(entry.dtype)]


def _outline(transform: Transform, images: Entry) -> Sketch:
    """What the transform does to no images at all: whether there is a sketch, and with which statistics.

    Raises:
        NoSketch: there is none.
    """
    sketch = Sketch.of((0, *images.shape[1:]), str(images.dtype))
    outline = sketched(transform, sketch, generator(seed=0, epoch=0, purpose=ORDER))
    if not outline.is_scaled:  # bytes stay bytes, which no layer takes
        raise NoSketch
    return outline
