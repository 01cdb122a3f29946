"""Attention: every query looks at all keys, and takes from the values in proportion to how well they match.

    out = softmax(Q Kᵀ / √E) V

A row of softmax(Q Kᵀ / √E) says how much of each value goes into one output. Unlike a convolution, which
looks at its neighbours by learned weights, attention decides by the content where to look.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, arXiv:1706.03762.
"""

from __future__ import annotations

import math

from tinygrad_cnn._autocast import narrowed
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, bool_, broadcast, same_floating
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.functional.dropout import dropout
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.creation import arange
from tinygrad_cnn.ops.linalg import matmul
from tinygrad_cnn.ops.loss import softmax
from tinygrad_cnn.ops.movement import transpose
from tinygrad_cnn.ops.random import check_probability
from tinygrad_cnn.ops.stretching import expand

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(Q Kᵀ · scale + mask) V: for every query, the values weighted by how well their keys match.

    Args:
        query: (*, L, E), floating: L questions.
        key: (*, S, E): what S answers are about.
        value: (*, S, V): the answers.
        attn_mask: broadcasts to (*, L, S). Bools: True where a query may look. Numbers of the query's dtype:
            added to the scores. A query that may look nowhere gets 0.
        dropout_p: the probability with which a weight is set to 0; always applied, so pass 0 in evaluation.
        is_causal: a query sees only keys up to its own position.
        scale: of the scores; 1/√E by default, which keeps their variance at that of the inputs.
        enable_gqa: the keys and values (*, H', S, ·) have fewer heads than the queries (*, H, L, E), and each
            serves H / H' neighbouring queries (grouped-query attention, arXiv:2305.13245).

    Returns:
        (*, L, V).

    Raises:
        ShapeError: keys that do not fit the queries, values that do not fit the keys, or a mask that does
            not broadcast to the scores.
        ArgumentError: a mask together with `is_causal`, heads that cannot be shared out, or no probability.
        DTypeError: the dtypes differ.

    >>> import tinygrad_cnn as tc
    >>> keys = tc.tensor([[10.0, 0.0], [0.0, 10.0]])
    >>> values = tc.tensor([[1.0], [2.0]])
    >>> tc.functional.scaled_dot_product_attention(tc.tensor([[0.0, 10.0], [5.0, 5.0]]), keys, values)
    tensor([[2. ],
            [1.5]])
    """
    query, key, value = narrowed(query, key, value)
    same_floating(query, key, value, names=("query", "key", "value"))
    _check_shapes(query, key, value)
    if enable_gqa:
        key, value = (_shared_heads(x, name, query) for x, name in ((key, "key"), (value, "value")))
    check_probability(dropout_p, "dropout_p")
    weights = attention_weights(query, key, attn_mask, is_causal, scale)
    output: Tensor = matmul(dropout(weights, dropout_p), value)
    return output


def attention_weights(
    query: Tensor,
    key: Tensor,
    attn_mask: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """softmax(Q Kᵀ · scale + mask): how much each query (*, L, E) takes of each key (*, S, E) -> (*, L, S).

    >>> import tinygrad_cnn as tc
    >>> attention_weights(tc.zeros(2, 1), tc.zeros(2, 1), is_causal=True)
    tensor([[1. , 0. ],
            [0.5, 0.5]])
    """
    if is_causal and attn_mask is not None:
        raise ArgumentError(
            "a causal mask and a mask of one's own exclude each other",
            argument="attn_mask",
            expected="None with is_causal=True",
            got=attn_mask.shape,
        ).at("scaled_dot_product_attention")
    scale = 1 / math.sqrt(max(query.shape[-1], 1)) if scale is None else scale
    scores = matmul(query * scale, transpose(key, -2, -1))
    if is_causal:
        scores = where(_causal(scores), scores, -math.inf)
    return softmax(scores, -1) if attn_mask is None else _masked_softmax(scores, attn_mask)


def _causal(scores: Tensor) -> Tensor:
    """True where key j is not later than query i."""
    queries, keys = (arange(size, backend=scores.backend) for size in scores.shape[-2:])
    return queries.unsqueeze(1) >= keys


def _masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the keys that the mask leaves; 0 for a query that it leaves none."""
    (mask,) = narrowed(mask)  # as the scores are
    _check_mask(mask, scores)
    scores = where(mask, scores, -math.inf) if mask.dtype is bool_ else scores + mask
    nowhere = (scores == -math.inf).all(-1, keepdim=True)
    # Twice, so that the row of −∞, whose softmax is 0/0, has no gradient either.
    weights: Tensor = where(nowhere, 0.0, softmax(where(nowhere, 0.0, scores), -1))
    return weights


def _shared_heads(x: Tensor, name: str, query: Tensor) -> Tensor:
    """(*, H', S, E) → (*, H, S, E): each head repeated for the queries that share it."""
    heads, wanted = x.shape[-3:-2], query.shape[-3:-2]
    if not heads or not wanted or not heads[0] or wanted[0] % heads[0]:
        raise ArgumentError(
            f"the query's heads cannot share those of {name}",
            argument=name,
            expected="(*, H', S, E), where H' divides the number of query heads",
            got=f"{x.shape}, queries {query.shape}",
        ).at("scaled_dot_product_attention")
    times = wanted[0] // heads[0]
    front, (places, features) = x.shape[:-2], x.shape[-2:]
    copies = expand(x.unsqueeze(-3), shape=(*front, times, places, features))
    return copies.reshape(*front[:-1], wanted[0], places, features)


# --- checks ---------------------------------------------------------------------------------------


def _check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    for name, x in (("query", query), ("key", key), ("value", value)):
        if x.ndim < 2:
            raise _misfit(name, "(*, places, features)", x.shape)
    if key.shape[-1] != query.shape[-1]:
        raise _misfit("key", f"(*, S, {query.shape[-1]}), like the query", key.shape)
    if value.shape[-2] != key.shape[-2]:
        raise _misfit("value", f"(*, {key.shape[-2]}, V), one for each key", value.shape)


def _misfit(name: str, expected: str, got: Shape) -> ShapeError:
    error = ShapeError("queries, keys and values do not fit", argument=name, expected=expected, got=got)
    error.at("scaled_dot_product_attention")
    return error


def _check_mask(mask: Tensor, scores: Tensor) -> None:
    if mask.dtype is not bool_ and mask.dtype is not scores.dtype:
        raise DTypeError(
            "a mask holds bools, or numbers to be added to the scores",
            argument="attn_mask",
            expected=f"bool or {scores.dtype}",
            got=mask.dtype,
        ).at("scaled_dot_product_attention")
    if broadcast(mask.shape, scores.shape, names=("attn_mask", "the scores")) != scores.shape:
        raise ShapeError(
            "the mask has more dimensions or sizes than the scores",
            argument="attn_mask",
            expected=f"a shape that broadcasts to {scores.shape}",
            got=mask.shape,
        ).at("scaled_dot_product_attention")
