"""What stands between the brackets of x[...], understood, checked, and handed to `slice_view` and `take`.

x[1, ::2, None]      ints, slices, new dimensions: a view, nothing is copied
x[[0, 0, 1]]         arrays of indices: picks, one element as often as it is named
x[x > 0]             a mask: the indices at which it is True
"""

from __future__ import annotations

from typing import Any, Literal, overload

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import attach, function
from tinygrad_cnn._tape import tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, as_dtype, as_index, bool_, int64
from tinygrad_cnn.errors import ArgumentTypeError, DataDependentShape, DTypeError, IndexingError
from tinygrad_cnn.ops.indexing import PICK, slice_view, take


@attach
def __getitem__(self: Tensor, key: Any) -> Tensor:  # noqa: N807
    """Index as in NumPy: ints, slices, None, `...`, integer arrays and masks.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([10.0, 20.0, 30.0], requires_grad=True)
    >>> x[[0, 0, 1]].sum().backward()
    >>> x.grad
    tensor([2., 1., 0.])
    """
    entries = _expanded_key(self, key if isinstance(key, tuple) else (key,))
    if not any(isinstance(entry, Tensor) for entry in entries):
        return slice_view(self, key=tuple(_hashable(entry) for entry in entries))
    # Beside an index array, an int picks too.
    entries = [
        tensor(entry, dtype=int64, backend=self.backend) if isinstance(entry, int) else entry
        for entry in entries
    ]
    template = tuple(PICK if isinstance(entry, Tensor) else _hashable(entry) for entry in entries)
    return take(self, *[entry for entry in entries if isinstance(entry, Tensor)], key=template)


def _hashable(entry: Any) -> Any:
    return (entry.start, entry.stop, entry.step) if isinstance(entry, slice) else entry


def _expanded_key(x: Tensor, key: tuple[Any, ...]) -> list[Any]:
    """One entry a dimension: `...` written out, masks as indices, arrays as tensors, everything checked."""
    entries = [_checked_entry(x, entry) for entry in key]
    used = 0
    for entry in entries:
        used += _dims_used(entry)
    dots = [position for position, entry in enumerate(entries) if entry is Ellipsis]
    if used > x.ndim or len(dots) > 1:
        raise IndexingError(
            "too many indices" if used > x.ndim else "only one `...` can stand for the rest",
            argument="index",
            expected=f"at most {x.ndim} for shape {x.shape}",
            got=used if used > x.ndim else len(dots),
        )
    if dots:
        entries[dots[0] : dots[0] + 1] = [slice(None)] * (x.ndim - used)
    expanded: list[Any] = []
    dim = 0
    for entry in entries:
        is_mask = isinstance(entry, Tensor) and entry.dtype is bool_
        expanded.extend(_picked_by(entry, x.shape, dim) if is_mask else [entry])
        dim += _dims_used(entry)
    return expanded


def _checked_entry(x: Tensor, entry: Any) -> Any:
    """An int, a slice, None, `...`, or a tensor of indices or bools."""
    if isinstance(entry, slice):
        return _checked_slice(entry)
    if entry is None or entry is Ellipsis:
        return entry
    if isinstance(entry, bool) or (getattr(entry, "shape", None) == () and as_dtype(entry.dtype) is bool_):
        raise IndexingError("a bool is not an index", argument="index", got=entry, hint="use a mask tensor")
    if hasattr(entry, "__index__") and not getattr(entry, "shape", ()):
        return int(entry.__index__())
    return _index_tensor(x, entry)


def _dims_used(entry: Any) -> int:
    """How many dimensions of the tensor an entry of a key speaks of."""
    if entry is None or entry is Ellipsis:
        return 0
    return entry.ndim if isinstance(entry, Tensor) and entry.dtype is bool_ else 1


def _picked_by(mask: Tensor, shape: Shape, dim: int) -> tuple[Tensor, ...]:
    """A mask as arrays of indices; it covers whole dimensions, from `dim` on."""
    covered = shape[dim : dim + mask.ndim]
    if mask.shape != covered:
        raise IndexingError(
            "a mask says yes or no to each element of the dimensions it covers",
            argument="index",
            expected=f"a mask of shape {covered}",
            got=mask.shape,
        )
    return nonzero(mask, as_tuple=True)


def _checked_slice(entry: slice) -> slice:
    bounds = [
        None if bound is None else as_index(bound, argument="index")
        for bound in (entry.start, entry.stop, entry.step)
    ]
    if bounds[2] == 0:
        raise IndexingError("a slice cannot step by 0", argument="index", got=entry)
    return slice(*bounds)


def _index_tensor(x: Tensor, entry: Any) -> Tensor:
    try:
        index = entry if isinstance(entry, Tensor) else tensor(entry, backend=x.backend)
    except ArgumentTypeError:
        raise IndexingError(
            "this cannot index a tensor",
            argument="index",
            expected="an int, a slice, None, ..., an integer array or a mask",
            got=repr(entry)[:60],
        ) from None
    if index.dtype.is_floating and 0 not in index.shape:
        raise DTypeError(
            "floats cannot index", argument="index", expected="integers or bools", got=index.dtype
        )
    return index.to(int64) if index.dtype.is_floating else index


@overload
def nonzero(x: Tensor, *, as_tuple: Literal[False] = False) -> Tensor: ...
@overload
def nonzero(x: Tensor, *, as_tuple: Literal[True]) -> tuple[Tensor, ...]: ...
@function(method=True)
def nonzero(x: Tensor, *, as_tuple: bool = False) -> Tensor | tuple[Tensor, ...]:
    """The positions of the elements that are not 0: a row for each, or an index tensor for each dimension.

    Args:
        x: of n dimensions.
        as_tuple: n vectors of indices, ready to index with, instead of one tensor of shape (found, n).

    Raises:
        DataDependentShape: on a backend without values; how many there are depends on them.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[0, 3], [5, 0]])
    >>> tc.nonzero(x).tolist()
    [[0, 1], [1, 0]]
    >>> x[tc.nonzero(x, as_tuple=True)]
    tensor([3, 5])
    """
    if not x.backend.executes:
        raise DataDependentShape(
            f"the {x.backend.name} backend has no values to look at",
            argument="x",
            hint="use tc.where(mask, ...) instead of indexing with a mask",
        )
    if tape() is not None:
        raise DataDependentShape(
            "how many there are depends on the values, and a captured step has fixed shapes",
            argument="x",
            hint="use tc.where(mask, ...) instead of indexing with a mask",
        )
    xp = x.backend.xp
    places = xp.nonzero(x.array if x.ndim else xp.reshape(x.array, (1,)))
    found = tuple(places[0].shape)
    if as_tuple:
        return tuple(Tensor(place, found, int64, x.backend) for place in places)
    rows = xp.stack(places, axis=1)[:, : x.ndim]
    return Tensor(rows, (*found, x.ndim), int64, x.backend)
