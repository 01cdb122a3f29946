"""Elements and dimensions in another order: compositions of reshape, permute, expand, flip and cat.

moving dimensions    movedim, swapaxes, t ...
other shapes         unflatten, ravel, atleast_2d ...
rolling, mirroring   what leaves at the end comes in at the front
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import attach, function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, count, normalize_dim
from tinygrad_cnn.errors import DimensionError, ShapeError
from tinygrad_cnn.ops.movement import listed, permute_op, reshape, reshape_op, transpose
from tinygrad_cnn.ops.stretching import expand_op

# --- moving dimensions ----------------------------------------------------------------------------


def _dims_of(value: int | Sequence[int], ndim: int, argument: str) -> list[int]:
    """Distinct dimensions, in the order given."""
    dims = [normalize_dim(dim, ndim, argument=argument) for dim in listed((value,), None)]
    if len(set(dims)) != len(dims):
        raise DimensionError(
            "a dimension is named twice", argument=argument, expected="distinct dimensions", got=value
        )
    return dims


@function(method=True)
def movedim(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Some dimensions moved to other positions; the others keep their order.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    origins = _dims_of(source, x.ndim, "source")
    targets = _dims_of(destination, x.ndim, "destination")
    if len(origins) != len(targets):
        raise DimensionError(
            "every dimension moved needs a new position",
            argument="destination",
            expected=f"{len(origins)} dimensions",
            got=destination,
        )
    if not x.ndim:
        return x
    others = iter(axis for axis in range(x.ndim) if axis not in origins)
    moved = dict(zip(targets, origins, strict=True))
    return permute_op(x, dims=tuple(moved[axis] if axis in moved else next(others) for axis in range(x.ndim)))


@function(method=True)
def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """The same as `movedim` (NumPy's name for it).

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 4).moveaxis((0, 1), (1, 0)).shape
    (3, 2, 4)
    """
    return movedim(x, source, destination)


@function(method=True)
def swapaxes(x: Tensor, axis0: int, axis1: int) -> Tensor:
    """The same as `transpose` (NumPy's name for it).

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 4).swapaxes(0, 2).shape
    (4, 3, 2)
    """
    return transpose(x, axis0, axis1)


@function(method=True)
def swapdims(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """The same as `transpose`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 4).swapdims(0, 2).shape
    (4, 3, 2)
    """
    return transpose(x, dim0, dim1)


@function(method=True)
def t(x: Tensor) -> Tensor:
    """The transpose of a matrix; vectors and numbers stay as they are.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).t().shape
    (3, 2)
    """
    if x.ndim > 2:
        raise ShapeError(
            "t() is of a matrix", argument="x", expected="at most 2 dimensions", got=x.shape, hint="x.mT"
        )
    return transpose(x, 0, 1) if x.ndim == 2 else x


def _transposed(self: Tensor) -> Tensor:
    """The matrix transposed (all dimensions reversed).

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([[1, 2, 3], [4, 5, 6]]).T.tolist()
    [[1, 4], [2, 5], [3, 6]]
    """
    return permute_op(self, dims=tuple(reversed(range(self.ndim))))


def _matrices_transposed(self: Tensor) -> Tensor:
    """The last two dimensions exchanged: a stack of transposed matrices.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(10, 2, 3).mT.shape
    (10, 3, 2)
    """
    return transpose(self, -2, -1)


for _name, _transposition in {"T": _transposed, "mT": _matrices_transposed}.items():
    setattr(Tensor, _name, property(_transposition))


# --- other shapes ---------------------------------------------------------------------------------


@function(method=True)
def unflatten(x: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One dimension as several; one of the sizes may be −1 ("what is left").

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 12).unflatten(1, (3, -1)).shape
    (2, 3, 4)
    """
    axis = normalize_dim(dim, x.ndim)
    if not x.ndim:
        raise ShapeError("a 0-d tensor has no dimension to unflatten", argument="x", hint="x.reshape(1)")
    known = [as_index(size, argument="sizes") for size in sizes]
    rest = count(tuple(size for size in known if size != -1))
    if known.count(-1) == 1 and rest:  # spelled out: -1 would be ambiguous for an empty batch
        known[known.index(-1)] = x.shape[axis] // rest
    if count(tuple(known)) != x.shape[axis] or min(known, default=0) < 0:
        raise ShapeError(
            f"a dimension of size {x.shape[axis]} does not fill these",
            argument="sizes",
            expected=f"sizes whose product is {x.shape[axis]}; one of them may be -1",
            got=tuple(sizes),
        )
    return reshape_op(x, shape=(*x.shape[:axis], *known, *x.shape[axis + 1 :]))


@function(method=True)
def ravel(x: Tensor) -> Tensor:
    """All elements in one dimension.

    >>> import tinygrad_cnn as tc
    >>> tc.ravel(tc.zeros(2, 3)).shape
    (6,)
    """
    return reshape_op(x, shape=(x.numel(),))


@attach
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).view_as(tc.zeros(2, 3)).shape
    (2, 3)
    """
    return reshape_op(self, shape=other.shape)


@attach
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).reshape_as(tc.zeros(2, 3)).shape
    (2, 3)
    """
    return reshape_op(self, shape=other.shape)


@attach
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Stretched to the shape of another tensor, without copying.

    >>> import tinygrad_cnn as tc
    >>> tc.ones(3).expand_as(tc.zeros(2, 3)).shape
    (2, 3)
    """
    return expand_op(self, shape=other.shape)


@function()
def atleast_1d(*tensors: Any) -> Any:
    """With one dimension if there was none; of several tensors, a tuple.

    >>> import tinygrad_cnn as tc
    >>> tc.atleast_1d(tc.tensor(3.0)).shape
    (1,)
    """
    return _each(tensors, lambda x: reshape(x, 1) if not x.ndim else x)


@function()
def atleast_2d(*tensors: Any) -> Any:
    """With two dimensions or more: a vector becomes a row; of several tensors, a tuple.

    >>> import tinygrad_cnn as tc
    >>> tc.atleast_2d(tc.zeros(3)).shape
    (1, 3)
    """
    return _each(tensors, lambda x: reshape(x, 1, -1) if x.ndim < 2 else x)


@function()
def atleast_3d(*tensors: Any) -> Any:
    """With three dimensions or more: a vector becomes (1, n, 1), a matrix (n, m, 1); of several, a tuple.

    >>> import tinygrad_cnn as tc
    >>> tc.atleast_3d(tc.zeros(2, 3)).shape
    (2, 3, 1)
    """

    def lifted(x: Tensor) -> Tensor:
        if x.ndim > 2:
            return x
        return reshape(x, *x.shape, 1) if x.ndim == 2 else reshape(x, 1, x.numel(), 1)

    return _each(tensors, lifted)


def _each(tensors: tuple[Any, ...], change: Any) -> Any:
    listed = tensors[0] if len(tensors) == 1 else tensors
    return tuple(map(change, listed)) if isinstance(listed, (tuple, list)) else change(listed)
