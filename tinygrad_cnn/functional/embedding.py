"""Embedding: numbers that name things become vectors that can be learned.

    one row of a table for each word, class or pixel value        3  →  weight[3]

How the rows learn stands in `ops/embedding.py`.
"""

from __future__ import annotations

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.creation import ones
from tinygrad_cnn.ops.embedding import embedding as embedding_op
from tinygrad_cnn.ops.indexing import PICK, put_add
from tinygrad_cnn.ops.norms import norm

__all__ = ["embedding"]


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> Tensor:
    """The rows of a table at the given numbers: (*) → (*, embedding_dim).

    PyTorch's `sparse` is left out: a gradient is always a whole table here.

    Args:
        input: (*), integers 0 .. num_embeddings − 1.
        weight: the table (num_embeddings, embedding_dim), floating.
        padding_idx: the row that stands for nothing: it is looked up like any other and never learns.
        max_norm: first shorten the rows looked up to this length, in `weight` itself, if they are longer.
        norm_type: which norm measures the length (see `tc.norm`).
        scale_grad_by_freq: divide the gradient of a row by how often it was looked up.

    Returns:
        (*, embedding_dim).

    Raises:
        IndexingError: a number without a row; names it.
        ArgumentError: there is no padding row of that number.
        DTypeError: the input does not hold integers, or the table no floating-point numbers.

    >>> import tinygrad_cnn as tc
    >>> table = tc.tensor([[0.0, 0.0], [1.0, 10.0], [2.0, 20.0]], requires_grad=True)
    >>> rows = tc.functional.embedding(tc.tensor([2, 0, 2]), table)
    >>> rows.detach()
    tensor([[ 2., 20.],
            [ 0.,  0.],
            [ 2., 20.]])
    >>> rows.sum().backward()
    >>> table.grad
    tensor([[1., 1.],
            [0., 0.],
            [2., 2.]])
    """
    padding = None if padding_idx is None else padding_row(padding_idx, weight.shape[0])
    rows: Tensor = embedding_op(input, weight, padding_idx=padding, scale_grad_by_freq=scale_grad_by_freq)
    if max_norm is not None:  # only now, when the numbers are known to be good
        with no_grad():
            _shorten(weight, input, max_norm, norm_type)
        rows = embedding_op(input, weight, padding_idx=padding, scale_grad_by_freq=scale_grad_by_freq)
    return rows


def _shorten(weight: Tensor, indices: Tensor, max_norm: float, norm_type: float) -> None:
    """Bring the rows at `indices` to the length max_norm, where they are longer."""
    once_each = ones(indices.shape, dtype=weight.dtype, backend=weight.backend)
    times_used = put_add(once_each, indices, key=(PICK,), shape=weight.shape[:1]).unsqueeze(1)
    length = norm(weight, norm_type, 1, keepdim=True)
    too_long = (times_used > 0) & (length > max_norm)
    # The small number is PyTorch's: a shortened row is not found too long again by a rounding error.
    weight.assign(where(too_long, weight * (max_norm / (length + 1e-7)), weight))


def padding_row(padding_idx: int, rows: int) -> int:
    """The padding row counted from the front, checked.

    >>> padding_row(-1, 10)
    9
    """
    number = as_index(padding_idx, argument="padding_idx")
    if not -rows <= number < rows:
        raise ArgumentError(
            f"a table of {rows} rows has no row {number}",
            argument="padding_idx",
            expected=f"{-rows} .. {rows - 1}",
            got=number,
        ).at("embedding")
    return number % rows
