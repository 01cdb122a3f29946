"""Diagonals and triangles of matrices, and of stacks of them.

The k-th diagonal has the elements [i, i + k]: 0 is the main one, positive ones lie above it, negative ones
below. All are compositions: a triangle is a `where`, a diagonal is picked and put by index.
"""

from __future__ import annotations

from tinygrad_cnn._op import function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, normalize_dim
from tinygrad_cnn.errors import DimensionError, ShapeError
from tinygrad_cnn.ops.comparison import ge, le, where
from tinygrad_cnn.ops.creation import arange
from tinygrad_cnn.ops.indexing import PICK, put_add
from tinygrad_cnn.ops.movement import reshape
from tinygrad_cnn.ops.rearrange import movedim
from tinygrad_cnn.ops.reduce import sum as sum_over


def _columns_minus_rows(x: Tensor) -> Tensor:
    """On which diagonal every element of a matrix lies."""
    if x.ndim < 2:
        raise ShapeError(
            "a triangle is part of a matrix", argument="x", expected="2 dimensions or more", got=x.shape
        )
    rows, columns = (arange(size, backend=x.backend) for size in x.shape[-2:])
    return columns - reshape(rows, -1, 1)


@function(method=True)
def tril(x: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of a matrix (or of each of a stack), zeros above the given diagonal.

    >>> import tinygrad_cnn as tc
    >>> tc.tril(tc.ones(2, 3))
    tensor([[1., 0., 0.],
            [1., 1., 0.]])
    """
    return where(le(_columns_minus_rows(x), as_index(diagonal, argument="diagonal")), x, False)


@function(method=True)
def triu(x: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of a matrix (or of each of a stack), zeros below the given diagonal.

    >>> import tinygrad_cnn as tc
    >>> tc.triu(tc.ones(2, 3), diagonal=1)
    tensor([[0., 1., 1.],
            [0., 0., 1.]])
    """
    return where(ge(_columns_minus_rows(x), as_index(diagonal, argument="diagonal")), x, False)


# --- diagonals ------------------------------------------------------------------------------------


def _two_dims(ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    first, second = (
        normalize_dim(dim, ndim, argument=name) for name, dim in (("dim1", dim1), ("dim2", dim2))
    )
    if first == second:
        raise DimensionError(
            "a diagonal lies between two dimensions",
            argument="dim1 and dim2",
            expected="two of them",
            got=(dim1, dim2),
        )
    return first, second


def _places(offset: int, length: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """The rows and columns of a diagonal with that many elements."""
    steps = arange(length, backend=x.backend)
    return steps + max(-offset, 0), steps + max(offset, 0)


@function(method=True)
def diagonal(x: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements on a diagonal of the matrices in dimensions dim1 and dim2, as a new last dimension.

    >>> import tinygrad_cnn as tc
    >>> x = tc.arange(6).reshape(2, 3)
    >>> tc.diagonal(x), tc.diagonal(x, offset=1)
    (tensor([0, 4]), tensor([1, 5]))
    """
    first, second = _two_dims(x.ndim, dim1, dim2)
    below, right = max(-offset, 0), max(offset, 0)
    length = max(0, min(x.shape[first] - below, x.shape[second] - right))
    return movedim(x, (first, second), (-2, -1))[(..., *_places(offset, length, x))]


@function(method=True)
def diag_embed(x: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices of zeros with the last dimension of x on a diagonal; they lie in dimensions dim1 and dim2.

    >>> import tinygrad_cnn as tc
    >>> tc.diag_embed(tc.tensor([1.0, 2.0]), offset=1)
    tensor([[0., 1., 0.],
            [0., 0., 2.],
            [0., 0., 0.]])
    """
    if not x.ndim:
        raise ShapeError("a number is no diagonal", argument="x", expected="1 dimension or more", got=x.shape)
    dims = _two_dims(x.ndim + 1, dim1, dim2)
    size = x.shape[-1] + abs(offset)
    key = ((None, None, None),) * (x.ndim - 1) + (PICK, PICK)
    places = _places(offset, x.shape[-1], x)
    return movedim(put_add(x, *places, key=key, shape=(*x.shape[:-1], size, size)), (-2, -1), dims)


@function(method=True)
def diag(x: Tensor, diagonal: int = 0) -> Tensor:
    """A vector as a diagonal matrix, or the diagonal of a matrix as a vector.

    >>> import tinygrad_cnn as tc
    >>> tc.diag(tc.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    >>> tc.diag(tc.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([1., 4.])
    """
    if x.ndim not in (1, 2):
        raise ShapeError(
            "diag is of a vector or a matrix", argument="x", expected="1 or 2 dimensions", got=x.shape
        )
    return diag_embed(x, diagonal) if x.ndim == 1 else x.diagonal(diagonal)


@function(method=True)
def trace(x: Tensor) -> Tensor:
    """The sum of a matrix's main diagonal.

    >>> import tinygrad_cnn as tc
    >>> tc.trace(tc.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    if x.ndim != 2:
        raise ShapeError("the trace is of a matrix", argument="x", expected="2 dimensions", got=x.shape)
    return sum_over(diagonal(x))
