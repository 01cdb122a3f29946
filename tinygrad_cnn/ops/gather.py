"""Reading and writing by index along one dimension: gather, and the scatters that undo it.

`gather` reads where an index points, `scatter_add` adds there: each is the other's gradient. `scatter`
overwrites instead of adding, so what it overwrote gets no gradient.

The index has as many dimensions as x and reaches no further than x in all of them but `dim`. Its entries are
0 .. size−1; anything else is an IndexingError.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, broadcast, normalize_dim, require_integer
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.ops._infer import zeros_for
from tinygrad_cnn.ops.comparison import eq, where
from tinygrad_cnn.ops.creation import arange, full
from tinygrad_cnn.ops.indexing import check_places
from tinygrad_cnn.ops.movement import reshape
from tinygrad_cnn.ops.stretching import expand


def _along(B: Any, index: Any, dim: int) -> tuple[Any, ...]:
    """The index tuple that reads `index` along `dim` and stays in place along every other dimension."""
    places = []
    for axis, size in enumerate(index.shape):
        shape = tuple(size if other == axis else 1 for other in range(index.ndim))
        places.append(index if axis == dim else B.xp.reshape(B.xp.arange(size), shape))
    return tuple(places)


def _check_along(x: HasSpec, index: HasSpec, dim: int) -> None:
    require_integer(index, "index")
    axis = normalize_dim(dim, len(x.shape))
    if not x.shape:
        raise ShapeError("a 0-d tensor has no dimension to index along", argument="x", hint="x.reshape(1)")
    fits = len(index.shape) == len(x.shape) and all(
        i <= s for other, (i, s) in enumerate(zip(index.shape, x.shape, strict=True)) if other != axis
    )
    if not fits:
        raise ShapeError(
            "index must have as many dimensions as x and reach no further outside dim",
            argument="index",
            expected=f"at most {x.shape} outside dimension {axis}",
            got=index.shape,
        )


# --- reading --------------------------------------------------------------------------------------


def _gathered(x: HasSpec, index: HasSpec, *, dim: int) -> Spec:
    _check_along(x, index, dim)
    return Spec(index.shape, x.dtype)


@op(
    name="gather",
    symbol="gather",
    infer=_gathered,
    nondifferentiable=("index",),
    public=False,
    samples=[
        Sample(reals(3, 4), integers(3, 2, high=4), dim=1),
        Sample(reals(3, 4), integers(5, 4, high=3), dim=0),
        Sample(reals(3, 4), integers(2, 4, high=4), dim=-1),
    ],
)
def gather_op(B, x, index, *, dim):
    """Elements of x picked along one dimension."""
    axis = dim % x.ndim
    check_places(B, index, x.shape[axis], axis)
    return x[_along(B, index, axis)]


@gather_op.gradient("x", "∂L/∂x = g added up at the places read")
def _(g, node, index, *, dim):
    shape, dtype = node.spec("x")
    return scatter_add_op(zeros_for(shape, dtype, g), index, g, dim=dim)


@function(method=True)
def gather(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """out[i, j] = x[i, index[i, j]] along dim=1, and likewise for any dim.

    Args:
        x: of any dtype.
        dim: where the index points.
        index: integers, with as many dimensions as x; the result has its shape.

    Raises:
        IndexingError: an index outside x; names it.
        ShapeError: index has other dimensions than x, or reaches further.
        DTypeError: index is not made of integers.

    What each row of scores gives its own label:

    >>> import tinygrad_cnn as tc
    >>> scores = tc.tensor([[0.1, 0.9], [0.8, 0.2]])
    >>> tc.gather(scores, 1, tc.tensor([[1], [0]]))
    tensor([[0.9],
            [0.8]])
    """
    return gather_op(x, index, dim=dim)


@function(method=True)
def take_along_dim(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """NumPy's `take_along_axis`: like `gather`, broadcasting x and indices outside `dim`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[3.0, 1.0, 2.0]])
    >>> tc.take_along_dim(x, x.argsort(1), 1)
    tensor([[1., 2., 3.]])
    """
    if dim is None:
        return gather_op(reshape(x, -1), reshape(indices, -1), dim=0)
    axis = normalize_dim(dim, x.ndim)
    if indices.ndim != x.ndim:
        raise ShapeError(
            "indices need as many dimensions as x", argument="indices", expected=x.ndim, got=indices.shape
        )
    outside = [1 if i == axis else size for i, size in enumerate(x.shape)]
    shape = broadcast(tuple(outside), tuple(1 if i == axis else s for i, s in enumerate(indices.shape)))

    def stretched(t: Tensor) -> Tensor:
        return expand(t, [t.shape[axis] if i == axis else size for i, size in enumerate(shape)])

    return gather_op(stretched(x), stretched(indices), dim=axis)


# --- writing --------------------------------------------------------------------------------------


def _scattered(x: HasSpec, index: HasSpec, src: HasSpec, *, dim: int) -> Spec:
    _check_along(x, index, dim)
    if src.shape != index.shape:
        raise ShapeError(
            "src gives one element for each index", argument="src", expected=index.shape, got=src.shape
        )
    if src.dtype is not x.dtype:
        raise DTypeError("src has another dtype than x", argument="src", expected=x.dtype, got=src.dtype)
    return Spec(x.shape, x.dtype)


_SCATTERS = (
    Sample(reals(3, 4), integers(3, 2, high=4), reals(3, 2), dim=1),
    Sample(reals(3, 4), integers(5, 4, high=3), reals(5, 4), dim=0),
)


@op(
    name="scatter_add",
    symbol="scatter +",
    infer=_scattered,
    nondifferentiable=("index",),
    autocast="widest",
    public=False,
    samples=_SCATTERS,
)
def scatter_add_op(B, x, index, src, *, dim):
    """A copy of x with src added at the places that index names."""
    axis = dim % x.ndim
    check_places(B, index, x.shape[axis], axis)
    return B.scatter_add(x, _along(B, index, axis), src)


@scatter_add_op.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@scatter_add_op.gradient("src", "∂L/∂src = g at the places written")
def _(g, node, index, *, dim):
    return gather_op(g, index, dim=dim)


@op(
    name="scatter",
    symbol="scatter",
    infer=_scattered,
    nondifferentiable=("index",),
    autocast="widest",
    public=False,
    samples=_SCATTERS,
)
def scatter_op(B, x, index, src, *, dim):
    """A copy of x with src at the places that index names; the last one written to a place stays."""
    axis = dim % x.ndim
    check_places(B, index, x.shape[axis], axis)
    out = B.xp.asarray(x, copy=True)  # memory of our own, not yet anybody's value
    for i in range(index.shape[axis]):  # one after the other: within one, no two indices meet
        one = (slice(None),) * axis + (slice(i, i + 1),)
        out[_along(B, index[one], axis)] = src[one]
    return out


@scatter_op.gradient("x", "∂L/∂x = g, 0 where it was overwritten")
def _(g, node, index, *, dim):
    return scatter_op(g, index, zeros_for(index.shape, g.dtype, g), dim=dim)


@scatter_op.gradient("src", "∂L/∂src = g at the places written, 0 for what was overwritten itself")
def _(g, node, index, *, dim):
    numbers = reshape(arange(index.numel(), backend=g.backend), shape=index.shape)
    board = full(g.shape, -1, dtype=numbers.dtype, backend=g.backend)
    stayed = eq(gather_op(scatter_op(board, index, numbers, dim=dim), index, dim=dim), numbers)
    return where(stayed, gather_op(g, index, dim=dim), 0)


def _cut_to(src: Tensor, index: Tensor) -> Tensor:
    """src may be larger than index; the rest is left unread."""
    larger = src.ndim == index.ndim and src.shape != index.shape
    return src[tuple(slice(0, size) for size in index.shape)] if larger else src


@function(method=True)
def scatter_add(x: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy of x with src added: out[i, index[i, j]] += src[i, j] along dim=1, likewise for any dim.

    Raises:
        ShapeError, DTypeError, IndexingError: as for `gather`; src must cover index and have x's dtype.

    Indices that meet add up:

    >>> import tinygrad_cnn as tc
    >>> tc.scatter_add(tc.zeros(3), 0, tc.tensor([0, 2, 2]), tc.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 5.])
    """
    return scatter_add_op(x, index, _cut_to(src, index), dim=dim)


@function(method=True)
def scatter(
    x: Tensor, dim: int, index: Tensor, src: Tensor | float | None = None, *, value: float | None = None
) -> Tensor:
    """A copy of x with src written in: out[i, index[i, j]] = src[i, j] along dim=1, likewise for any dim.

    Args:
        x, dim, index: as for `gather`. Where indices meet, the last one stays, and only it gets a gradient.
        src: a tensor, or one number for all places.
        value: another name for src when it is a number.

    Raises:
        ShapeError, DTypeError, IndexingError: as for `gather`; src must cover index and have x's dtype.
        ArgumentTypeError: nothing to write.

    Labels as rows of a one-hot matrix:

    >>> import tinygrad_cnn as tc
    >>> tc.scatter(tc.zeros(2, 3), 1, tc.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    written = value if src is None else src
    if written is None:
        raise ArgumentTypeError("nothing to write", argument="src", expected="a tensor or a number", got=None)
    if not isinstance(written, Tensor):
        written = full(index.shape, written, dtype=x.dtype, backend=x.backend)
    return scatter_op(x, index, _cut_to(written, index), dim=dim)
