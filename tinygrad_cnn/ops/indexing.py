"""Picking elements by position: slices, integer arrays, masks, gather and scatter, sorting.

Picking and putting are each other's gradient. Where one element was picked twice, its gradient is the sum
of both: `scatter_add` adds, it does not overwrite.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import attach, function, op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn._tensor import Tensor, index_error, tensor
from tinygrad_cnn.dtypes import (
    HasSpec,
    Shape,
    Spec,
    as_dtype,
    as_index,
    bool_,
    broadcast,
    int64,
    normalize_dim,
    require_integer,
)
from tinygrad_cnn.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataDependentShape,
    DTypeError,
    IndexingError,
    ShapeError,
)
from tinygrad_cnn.ops._infer import zeros

# --- basic indexing: ints, slices, None; always a view --------------------------------------------


def _sliced_shape(shape: Shape, key: tuple[Any, ...]) -> Shape:
    sizes, dim = [], 0
    for entry in key:
        if entry is None:
            sizes.append(1)
        elif isinstance(entry, int):
            if not -shape[dim] <= entry < shape[dim]:
                raise index_error(entry, shape[dim], dim)
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
                raise index_error(int(B.to_numpy(index[outside]).flat[0]), size, dim)
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
    expanded, dim = [], 0
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


# --- gather and scatter ---------------------------------------------------------------------------


def _along(B: Any, index: Any, dim: int) -> tuple[Any, ...]:
    """The index tuple that reads `index` along `dim` and stays in place along every other dimension."""
    places = []
    for axis, size in enumerate(index.shape):
        shape = tuple(size if other == axis else 1 for other in range(index.ndim))
        places.append(index if axis == dim else B.xp.reshape(B.xp.arange(size), shape))
    return tuple(places)


def _check_along(x: HasSpec, index: HasSpec, dim: int, sources: str) -> None:
    require_integer(index, "index")
    axis = normalize_dim(dim, len(x.shape))
    fits = len(index.shape) == len(x.shape) and all(
        i <= s for other, (i, s) in enumerate(zip(index.shape, x.shape, strict=True)) if other != axis
    )
    if not fits:
        raise ShapeError(
            f"index must have as many dimensions as {sources} and reach no further outside dim",
            argument="index",
            expected=f"at most {x.shape} outside dimension {axis}",
            got=index.shape,
        )


def _gathered(x: HasSpec, index: HasSpec, *, dim: int) -> Spec:
    _check_along(x, index, dim, "x")
    return Spec(index.shape, x.dtype)


def _check_index(B: Any, index: Any, size: int, dim: int) -> None:
    outside = (index < 0) | (index >= size)
    if bool(B.xp.any(outside)):
        raise index_error(int(B.to_numpy(index[outside]).flat[0]), size, dim)


@op(
    symbol="gather",
    infer=_gathered,
    nondifferentiable=("index",),
    method=True,
    samples=[
        Sample(reals(3, 4), integers(3, 2, high=4), dim=1),
        Sample(reals(3, 4), integers(5, 4, high=3), dim=0),
        Sample(reals(3, 4), integers(2, 4, high=4), dim=-1),
    ],
)
def gather(B, x, index, *, dim):
    """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim."""
    axis = dim % x.ndim
    _check_index(B, index, x.shape[axis], axis)
    return x[_along(B, index, axis)]


@gather.gradient("x", "∂L/∂x = g added up at the places read")
def _(g, node, index, *, dim):
    shape, dtype = node.spec("x")
    return scatter_add(zeros(shape, dtype, g), index, g, dim=dim)


def _scattered(x: HasSpec, index: HasSpec, src: HasSpec, *, dim: int) -> Spec:
    _check_along(x, index, dim, "x")
    if src.shape != index.shape or src.dtype is not x.dtype:
        raise ShapeError(
            "src gives one element for each index",
            argument="src",
            expected=f"shape {index.shape}, {x.dtype}",
            got=f"shape {src.shape}, {src.dtype}",
        )
    return Spec(x.shape, x.dtype)


@op(
    symbol="scatter +",
    infer=_scattered,
    nondifferentiable=("index",),
    method=True,
    samples=[
        Sample(reals(3, 4), integers(3, 2, high=4), reals(3, 2), dim=1),
        Sample(reals(3, 4), integers(5, 4, high=3), reals(5, 4), dim=0),
    ],
)
def scatter_add(B, x, index, src, *, dim):
    """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim."""
    axis = dim % x.ndim
    _check_index(B, index, x.shape[axis], axis)
    return B.scatter_add(x, _along(B, index, axis), src)


@scatter_add.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@scatter_add.gradient("src", "∂L/∂src = g at the places written")
def _(g, node, index, *, dim):
    return gather(g, index, dim=dim)


@function(method=True)
def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """NumPy's `take_along_axis`: like `gather`, broadcasting x and indices outside `dim`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[3.0, 1.0, 2.0]])
    >>> tc.take_along_dim(x, x.argsort(1), 1)
    tensor([[1., 2., 3.]])
    """
    if dim is None:
        return gather(x.reshape(-1), indices.reshape(-1), dim=0)
    axis = normalize_dim(dim, x.ndim)
    if indices.ndim != x.ndim:
        raise ShapeError(
            "indices need as many dimensions as x", argument="indices", expected=x.ndim, got=indices.shape
        )
    outside = [1 if i == axis else size for i, size in enumerate(x.shape)]
    shape = broadcast(tuple(outside), tuple(1 if i == axis else s for i, s in enumerate(indices.shape)))
    index = indices.expand(*[indices.shape[axis] if i == axis else size for i, size in enumerate(shape)])
    return gather(
        x.expand(*[x.shape[axis] if i == axis else s for i, s in enumerate(shape)]), index, dim=axis
    )


# --- sorting --------------------------------------------------------------------------------------


def _sorted_shape(x: HasSpec, *, dim: int, descending: bool) -> tuple[Spec, Spec]:
    normalize_dim(dim, len(x.shape))
    return Spec(x.shape, x.dtype), Spec(x.shape, int64)


_SORTS = (Sample(reals(3, 4), dim=1), Sample(reals(3, 4), dim=0, descending=True), Sample(reals(4)))


@op(symbol="sort", infer=_sorted_shape, outputs=("values", "indices"), method=True, samples=_SORTS)
def sort(B, x, *, dim=-1, descending=False):
    """The elements along `dim` in order, and where each came from; equal ones keep their order."""
    if not x.ndim:
        return B.xp.asarray(x, copy=True), B.xp.zeros((), dtype=B.xp.int64)
    order = _order(B, x, dim, descending)
    return B.xp.take_along_axis(x, order, axis=dim), order


def _order(B: Any, x: Any, dim: int, descending: bool) -> Any:
    """Indices that sort x; descending sorts the reversed array, so that equal elements keep their order."""
    xp = B.xp
    if not descending:
        return xp.argsort(x, axis=dim, stable=True)
    backwards = xp.flip(xp.argsort(xp.flip(x, axis=dim), axis=dim, stable=True), axis=dim)
    return x.shape[dim] - 1 - backwards


@sort.gradient("x", "∂L/∂x = each g at the place its value came from")
def _(g, node, indices, *, dim):
    shape, dtype = node.spec("x")
    return scatter_add(zeros(shape, dtype, g), indices, g, dim=dim) if shape else g


@function(method=True)
def argsort(x: Tensor, dim: int = -1, descending: bool = False) -> Tensor:
    """The indices that sort x along `dim`.

    >>> import tinygrad_cnn as tc
    >>> tc.argsort(tc.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return sort(x, dim, descending)[1]


@function(method=True)
def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest (or smallest) elements along `dim`, in order, and their indices.

    >>> import tinygrad_cnn as tc
    >>> tc.topk(tc.tensor([1.0, 4.0, 2.0, 3.0]), 2)
    (tensor([4., 3.]), tensor([1, 3]))
    """
    axis = normalize_dim(dim, x.ndim)
    size = x.shape[axis] if x.ndim else 1
    if not 0 <= as_index(k, argument="k") <= size:
        raise ArgumentError(f"{k} of {size} elements", argument="k", expected=f"0 .. {size}", got=k)
    values, indices = sort(x, dim, largest)
    if not x.ndim:
        return values, indices
    front = (slice(None),) * axis + (slice(0, k),)
    return values[front], indices[front]
