"""Elements chosen along one dimension: gather, scatter, sort, the k largest.

`gather` reads by index and `scatter_add` writes by index; each is the other's gradient. Sorting is a gather
whose indices come from the values.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, as_index, broadcast, int64, normalize_dim, require_integer
from tinygrad_cnn.errors import ArgumentError, IndexingError, ShapeError
from tinygrad_cnn.ops._infer import zeros_for

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
        raise IndexingError.outside(int(B.to_numpy(index[outside]).flat[0]), size, dim)


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
    """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim.

    Args:
        x: of any dtype.
        index: integers, with as many dimensions as x; the result has its shape.
        dim: where the index points.

    Raises:
        IndexingError: an index outside x; names it.
        ShapeError: index has other dimensions than x, or reaches further.
        DTypeError: index is not made of integers.

    What each row of scores gives its own label:

    >>> import tinygrad_cnn as tc
    >>> scores = tc.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> tc.gather(scores, tc.tensor([[1], [0]]), dim=1)
    tensor([[0.9],
            [0.8]])
    """
    axis = dim % x.ndim
    _check_index(B, index, x.shape[axis], axis)
    return x[_along(B, index, axis)]


@gather.gradient("x", "∂L/∂x = g added up at the places read")
def _(g, node, index, *, dim):
    shape, dtype = node.spec("x")
    return scatter_add(zeros_for(shape, dtype, g), index, g, dim=dim)


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
    """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim.

    Raises:
        ShapeError, DTypeError, IndexingError: as for `gather`, and src must have the shape of index.

    Indices that meet add up:

    >>> import tinygrad_cnn as tc
    >>> tc.scatter_add(tc.zeros(3), tc.tensor([0, 2, 2]), tc.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 0., 5.])
    """
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
    """The elements along `dim` in order, and where each came from; equal ones keep their order.

    >>> import tinygrad_cnn as tc
    >>> tc.sort(tc.tensor([3.0, 1.0, 2.0]))
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
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
    return scatter_add(zeros_for(shape, dtype, g), indices, g, dim=dim) if shape else g


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
