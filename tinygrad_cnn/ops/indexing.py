"""Picking elements by position: slices, integer arrays, masks, gather and scatter, sorting.

Picking and putting are each other's gradient. Where one element was picked twice, its gradient is the sum
of both: `scatter_add` adds, it does not overwrite.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import attach, function, op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    HasSpec,
    Shape,
    Spec,
    as_dtype,
    as_index,
    bool_,
    broadcast,
    int64,
    require_integer,
)
from tinygrad_cnn.errors import (
    ArgumentTypeError,
    DataDependentShape,
    DTypeError,
    IndexingError,
)

# --- basic indexing: ints, slices, None; always a view --------------------------------------------


def _sliced_shape(shape: Shape, key: tuple[Any, ...]) -> Shape:
    sizes, dim = [], 0
    for entry in key:
        if entry is None:
            sizes.append(1)
        elif isinstance(entry, int):
            if not -shape[dim] <= entry < shape[dim]:
                raise IndexingError.outside(entry, shape[dim], dim)
            dim += 1
        else:
            sizes.append(len(range(*slice(*entry).indices(shape[dim]))))
            dim += 1
    return (*sizes, *shape[dim:])


def _native(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key as Python writes it; slices travel as (start, stop, step) because they must be hashable."""
    return tuple(slice(*entry) if isinstance(entry, tuple) else entry for entry in key)


_KEYS = (
    (3, (0, 2, None)),
    ((None, None, -1), None, 1),
    (0,),
    ((4, 0, -2), (1, 1, None)),
)


@op(
    symbol="[ ]",
    infer=lambda x, *, key: Spec(_sliced_shape(x.shape, key), x.dtype),
    view=True,
    public=False,
    samples=[Sample(reals(5, 3, 2), key=key) for key in _KEYS],
)
def slice_view(B, x, *, key):
    """A part of x chosen by ints, slices and new dimensions."""
    return x[_native(key)]


@slice_view.gradient("x", "∂L/∂x = g at the places taken, 0 elsewhere")
def _(g, node, *, key):
    return slice_put(g, key=key, shape=node.spec("x").shape)


@op(
    symbol="put",
    infer=lambda x, *, key, shape: Spec(shape, x.dtype),
    public=False,
    samples=[Sample(reals(2, 2), key=(3, (0, 2, None)), shape=(5, 3, 2))],
)
def slice_put(B, x, *, key, shape):
    """Zeros of a shape, with x at the places that a slice takes."""
    out = B.xp.zeros(shape, dtype=x.dtype)
    out[_native(key)] = x  # memory of our own, not yet anybody's value
    return out


@slice_put.gradient("x", "∂L/∂x = g at those places")
def _(g, node, *, key):
    return slice_view(g, key=key)


# --- integer arrays: take and put -----------------------------------------------------------------

PICK = "pick"  # in a key, stands for the next index tensor


def _filled(key: tuple[Any, ...], indices: Any) -> tuple[Any, ...]:
    remaining = iter(indices)
    return tuple(next(remaining) if entry == PICK else entry for entry in _native(key))


def _taken_shape(shape: Shape, key: tuple[Any, ...], picks: Shape) -> Shape:
    """NumPy's rule: picked dimensions stand where the first one was, or in front if they were apart."""
    positions = [position for position, entry in enumerate(key) if entry == PICK]
    together = positions[-1] - positions[0] == len(positions) - 1
    sizes: list[int] = [] if together else list(picks)
    dim = 0
    for position, entry in enumerate(key):
        if entry is None:
            sizes.append(1)
            continue
        if entry == PICK:
            if together and position == positions[0]:
                sizes.extend(picks)
        else:
            sizes.append(len(range(*slice(*entry).indices(shape[dim]))))
        dim += 1
    return (*sizes, *shape[dim:])


def _take_shape(x: HasSpec, *indices: HasSpec, key: tuple[Any, ...]) -> Spec:
    for number, index in enumerate(indices):
        require_integer(index, f"indices[{number}]")
    picks = broadcast(*[index.shape for index in indices])
    return Spec(_taken_shape(x.shape, key, picks), x.dtype)


def _check_range(B: Any, shape: Shape, key: tuple[Any, ...], indices: Any) -> None:
    remaining, dim = iter(indices), 0
    for entry in key:
        if entry == PICK:
            index, size = next(remaining), shape[dim]
            outside = (index < -size) | (index >= size)
            if bool(B.xp.any(outside)):
                raise IndexingError.outside(int(B.to_numpy(index[outside]).flat[0]), size, dim)
        if entry is not None:
            dim += 1


@op(
    symbol="[ ]",
    infer=_take_shape,
    nondifferentiable=("indices",),
    public=False,
    samples=[
        Sample(reals(4, 3), integers(5, high=4), key=(PICK,)),
        Sample(
            reals(4, 3, 5), integers(2, 1, high=4), integers(3, high=5), key=(PICK, (None, None, None), PICK)
        ),
        Sample(reals(4, 3), integers(2, low=-3, high=3), key=((1, 3, None), None, PICK)),
    ],
)
def take(B, x, *indices, key):
    """Elements of x picked by arrays of indices."""
    _check_range(B, x.shape, key, indices)
    return x[_filled(key, indices)]


@take.gradient("x", "∂L/∂x = g added up at the places taken")
def _(g, node, indices, *, key):
    return put_add(g, *indices, key=key, shape=node.spec("x").shape)


@op(
    symbol="put +",
    infer=lambda x, *indices, key, shape: Spec(shape, x.dtype),
    nondifferentiable=("indices",),
    public=False,
    samples=[Sample(reals(5, 3), integers(5, high=4), key=(PICK,), shape=(4, 3))],
)
def put_add(B, x, *indices, key, shape):
    """Zeros of a shape, with x added at picked places; a place named twice receives both."""
    return B.scatter_add(B.xp.zeros(shape, dtype=x.dtype), _filled(key, indices), x)


@put_add.gradient("x", "∂L/∂x = g at those places")
def _(g, node, indices, *, key):
    return take(g, *indices, key=key)


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
    return nonzero(mask)


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


@function(method=True)
def nonzero(x: Tensor) -> tuple[Tensor, ...]:
    """The positions of the non-zero elements, one index tensor for each dimension.

    How many there are depends on the values, so a backend without values cannot say.

    >>> import tinygrad_cnn as tc
    >>> tc.nonzero(tc.tensor([0, 3, 0, 5]))
    (tensor([1, 3]),)
    """
    if not x.backend.executes:
        raise DataDependentShape(
            f"the {x.backend.name} backend has no values to look at",
            argument="x",
            hint="use tc.where(mask, ...) instead of indexing with a mask",
        )
    return tuple(
        Tensor(array, tuple(array.shape), int64, x.backend) for array in x.backend.xp.nonzero(x.array)
    )
