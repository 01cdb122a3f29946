"""Indexing by name: whole slices by number, elements by mask. All are `x[...]` and `where` underneath."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._autocast import in_the_widest
from tinygrad_cnn._op import attach, function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, bool_, broadcast, normalize_dim, require_integer
from tinygrad_cnn.errors import DTypeError, IndexingError, ShapeError
from tinygrad_cnn.ops.arithmetic import add, mul
from tinygrad_cnn.ops.comparison import where as choose
from tinygrad_cnn.ops.indexing import PICK, put_add
from tinygrad_cnn.ops.movement import reshape
from tinygrad_cnn.ops.rearrange import ravel
from tinygrad_cnn.ops.stretching import expand_op

# --- slices along one dimension -------------------------------------------------------------------


@function(method=True)
def select(x: Tensor, dim: int, index: int) -> Tensor:
    """One slice along `dim`, without that dimension: x[:, :, index] for dim=2.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).reshape(2, 3).select(1, -1)
    tensor([2, 5])
    """
    axis = _axis(x, dim)
    return x[(slice(None),) * axis + (as_index(index, argument="index"),)]


@function(method=True)
def narrow(x: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` slices along `dim`, from `start` on.

    Raises:
        IndexingError: the slices reach outside x.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).narrow(0, 2, 3)
    tensor([2, 3, 4])
    """
    axis = _axis(x, dim)
    size = x.shape[axis]
    first, many = as_index(start, argument="start"), as_index(length, argument="length")
    begin = first + size if first < 0 else first
    if not 0 <= begin <= begin + many <= size:
        raise IndexingError(
            f"{many} slices from {first} on reach outside dimension {axis} of size {size}",
            argument="start and length",
            expected=f"0 <= start <= start + length <= {size}",
            got=(start, length),
        )
    return x[(slice(None),) * axis + (slice(begin, begin + many),)]


@function(method=True)
def index_select(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices along `dim` that a vector of indices names, in its order; one may come twice.

    >>> import tinygrad_cnn as tc
    >>> tc.index_select(tc.tensor([[1, 2, 3], [4, 5, 6]]), 1, tc.tensor([2, 0]))
    tensor([[3, 1],
            [6, 4]])
    """
    axis = _axis(x, dim)
    return x[(slice(None),) * axis + (_vector(index),)]


@function(method=True)
def index_add(x: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy of x with alpha times each slice of source added to the slice that its index names.

    >>> import tinygrad_cnn as tc
    >>> tc.index_add(tc.zeros(3), 0, tc.tensor([0, 2, 2]), tc.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 5.])
    """
    x, source = in_the_widest(x, source)
    axis = _axis(x, dim)
    places = _vector(index)
    shape = (*x.shape[:axis], places.numel(), *x.shape[axis + 1 :])
    if source.shape != shape:
        raise ShapeError(
            "source gives one slice for each index", argument="source", expected=shape, got=source.shape
        )
    if source.dtype is not x.dtype:
        raise DTypeError(
            "source has another dtype than x", argument="source", expected=x.dtype, got=source.dtype
        )
    key = ((None, None, None),) * axis + (PICK,)
    return add(x, put_add(mul(source, alpha), places, key=key, shape=x.shape))


def _axis(x: Tensor, dim: int) -> int:
    if not x.ndim:
        raise ShapeError("a 0-d tensor has no slices", argument="x", hint="x.reshape(1)")
    return normalize_dim(dim, x.ndim)


def _vector(index: Tensor) -> Tensor:
    require_integer(index, "index")
    if index.ndim > 1:
        raise ShapeError(
            "the indices are a vector", argument="index", expected="1 dimension", got=index.shape
        )
    return reshape(index, -1) if index.numel() else index


# --- elements by mask -----------------------------------------------------------------------------


def _require_mask(mask: Tensor) -> None:
    if mask.dtype is not bool_:
        raise DTypeError(
            "a mask is made of bools",
            argument="mask",
            expected="bool",
            got=mask.dtype,
            hint="compare first: t > 0",
        )


@function(method=True)
def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with one value wherever the mask is True; what was filled gets no gradient.

    Raises:
        DTypeError: a mask that is not made of bools, or a fraction among integers.

    Scores of the future, hidden before a softmax:

    >>> import tinygrad_cnn as tc
    >>> future = tc.ones(2, 2).triu(1).bool()
    >>> tc.zeros(2, 2).masked_fill(future, float("-inf")).softmax(1)
    tensor([[1. , 0. ],
            [0.5, 0.5]])
    """
    _require_mask(mask)
    filled = choose(mask, value, x)
    if filled.dtype is not x.dtype:
        raise DTypeError(f"this value is not among {x.dtype}", argument="value", expected=x.dtype, got=value)
    return filled


@function(method=True)
def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements for which the mask is True, as a vector; x and mask broadcast.

    Raises:
        DataDependentShape: on a backend without values; how many there are depends on them.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1, 5, 9])
    >>> tc.masked_select(x, x > 2)
    tensor([5, 9])
    """
    _require_mask(mask)
    shape = broadcast(x.shape, mask.shape, names=("x", "mask"))
    elements, chosen = (ravel(expand_op(t, shape=shape)) for t in (x, mask))
    picked: Tensor = elements[chosen]
    return picked


@attach
def where(self: Tensor, condition: Tensor, y: Any) -> Tensor:
    """The tensor itself where the condition holds, y elsewhere.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([-1.0, 2.0])
    >>> x.where(x > 0, 0.0)
    tensor([0., 2.])
    """
    return choose(condition, self, y)
