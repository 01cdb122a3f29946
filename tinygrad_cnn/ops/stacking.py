"""Joining and cutting by NumPy's names: horizontally, vertically, in depth, at given places."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn._op import function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, normalize_dim
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.rearrange import atleast_1d, atleast_2d, atleast_3d


@function()
def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors side by side: along dimension 1, vectors along their only one.

    >>> import tinygrad_cnn as tc
    >>> tc.hstack([tc.tensor([1, 2]), tc.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = atleast_1d(tensors)
    return cat(parts, 0 if parts and parts[0].ndim == 1 else 1)


@function()
def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one below the other: along dimension 0, vectors as rows.

    >>> import tinygrad_cnn as tc
    >>> tc.vstack([tc.tensor([1, 2]), tc.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat(atleast_2d(tensors), 0)


@function()
def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors one behind the other: along dimension 2, with matrices as slices.

    >>> import tinygrad_cnn as tc
    >>> tc.dstack([tc.zeros(2, 3), tc.ones(2, 3)]).shape
    (2, 3, 2)
    """
    return cat(atleast_3d(tensors), 2)


@function(method=True)
def tensor_split(x: Tensor, indices_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x cut into that many pieces, the first ones larger by one if it must be, or cut before given places.

    >>> import tinygrad_cnn as tc
    >>> [part.tolist() for part in tc.arange(5).tensor_split(2)]
    [[0, 1, 2], [3, 4]]
    >>> [part.tolist() for part in tc.arange(5).tensor_split((1, 3))]
    [[0], [1, 2], [3, 4]]
    """
    axis = normalize_dim(dim, x.ndim)
    if not x.ndim:
        raise ShapeError("a 0-d tensor cannot be cut", argument="x", hint="x.reshape(1)")
    if isinstance(indices_or_sections, (list, tuple)):
        cuts = [as_index(place, argument="indices_or_sections") for place in indices_or_sections]
    else:
        n = as_index(indices_or_sections, argument="indices_or_sections")
        if n < 1:
            raise ArgumentError("at least one piece", argument="indices_or_sections", expected=">= 1", got=n)
        size, larger = divmod(x.shape[axis], n)
        cuts = [size * piece + min(piece, larger) for piece in range(1, n)]
    front = (slice(None),) * axis
    bounds = zip([None, *cuts], [*cuts, None], strict=True)
    return tuple(x[(*front, slice(start, stop))] for start, stop in bounds)
