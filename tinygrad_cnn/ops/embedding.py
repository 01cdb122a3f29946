"""Embedding: rows of a table, looked up by number.

    out[i] = weight[indices[i]]        a word's number in, a vector out that stands for the word

It is a linear layer on one-hot rows, without the multiplications by 0. So the gradient of a row is the sum of
what came back from every place where it was used.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn.dtypes import HasSpec, Spec, require_floating, require_integer
from tinygrad_cnn.errors import IndexingError, ShapeError
from tinygrad_cnn.ops.arithmetic import div
from tinygrad_cnn.ops.comparison import eq, where
from tinygrad_cnn.ops.creation import ones
from tinygrad_cnn.ops.indexing import PICK, put_add, take
from tinygrad_cnn.ops.movement import unsqueeze


def _looked_up(
    indices: HasSpec, weight: HasSpec, *, padding_idx: int | None, scale_grad_by_freq: bool
) -> Spec:
    require_integer(indices, "input")
    require_floating(weight, "weight")
    if len(weight.shape) != 2:
        raise ShapeError(
            "a table has a row for each number",
            argument="weight",
            expected="(num_embeddings, embedding_dim)",
            got=weight.shape,
        )
    return Spec((*indices.shape, weight.shape[1]), weight.dtype)


@op(
    symbol="rows",
    infer=_looked_up,
    nondifferentiable=("indices",),
    public=False,
    samples=[
        Sample(integers(2, 3, high=4), reals(4, 2), padding_idx=None, scale_grad_by_freq=False),
        Sample(integers(6, high=3), reals(3, 2), padding_idx=None, scale_grad_by_freq=False),
    ],
)
def embedding(B, indices, weight, *, padding_idx, scale_grad_by_freq):
    """weight[indices]: for each number its row.

    The two parameters change the gradient on purpose, away from the slope: the padding row gets none, and
    by frequency a row's gradient is the average over its uses.
    """
    _check_rows(B, indices, weight.shape[0])
    return weight[indices]


def _check_rows(B: Any, indices: Any, rows: int) -> None:
    def problem(outside: Any) -> IndexingError:
        number = int(B.to_numpy(indices[outside]).flat[0])
        return IndexingError(
            f"number {number} has no row in a table of {rows}",
            argument="input",
            expected=f"0 .. {rows - 1}" if rows else "no number: the table is empty",
            got=number,
        )

    B.check(lambda: B.xp.logical_or(indices < 0, indices >= rows), problem)


@embedding.gradient("weight", "∂L/∂weight[r] = Σ g over the places where indices = r; 0 for the padding row")
def _(g, node, indices, *, padding_idx, scale_grad_by_freq):
    shape = node.spec("weight").shape
    if padding_idx is not None:
        g = where(unsqueeze(eq(indices, padding_idx), -1), 0, g)
    if scale_grad_by_freq:
        each = ones(indices.shape, dtype=g.dtype, backend=g.backend)
        times = put_add(each, indices, key=(PICK,), shape=shape[:1])
        g = div(g, unsqueeze(take(times, indices, key=(PICK,)), -1))
    return put_add(g, indices, key=(PICK,), shape=shape)
