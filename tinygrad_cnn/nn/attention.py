"""Attention with several heads, each of which looks for something else."""

from __future__ import annotations

from functools import reduce
from math import inf
from operator import add, or_

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, Shape, bool_, float32
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional.attention import attention_weights
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn._weights import positive
from tinygrad_cnn.nn.linear import Linear
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.comparison import logical_not, where
from tinygrad_cnn.ops.creation import zeros
from tinygrad_cnn.ops.linalg import matmul
from tinygrad_cnn.ops.random import check_probability

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """Queries, keys and values are mapped into several heads; each attends by itself; all are mapped back.

    PyTorch's `add_bias_kv`, `add_zero_attn` and the hint `is_causal` are left out: no network of the course
    uses them. What stands behind them in PyTorch's list of arguments is therefore given by name.

    Args:
        embed_dim: E, the features of a query and of the output; the heads share them.
        num_heads: H, how many heads.
        dropout: the probability with which a weight is set to 0 while training.
        bias: False leaves the biases of all maps out.
        kdim, vdim: the features of a key and of a value; E by default.
        batch_first: whether sequences come as (N, L, E) instead of (L, N, E), PyTorch's older way.
        dtype: of the parameters.

    Shapes:
        query (L, N, E), key (S, N, kdim), value (S, N, vdim), or all with N in front, or without N
        → (L, N, E) likewise, and weights (N, L, S).

    Parameters:
        in_proj_weight: (3E, E), the maps of queries, keys and values below each other; with another kdim or
            vdim q_proj_weight (E, E), k_proj_weight (E, kdim) and v_proj_weight (E, vdim) instead.
        in_proj_bias: (3E,), 0 at first.
        out_proj.weight, out_proj.bias: (E, E) and (E,).

    Raises:
        ArgumentError: the heads cannot share the features evenly, or dropout is not a probability.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.2.2, arXiv:1706.03762.

    >>> import tinygrad_cnn as tc
    >>> attention = tc.nn.MultiheadAttention(8, num_heads=2, batch_first=True)
    >>> x = tc.rand(3, 5, 8)
    >>> output, weights = attention(x, x, x)
    >>> output.shape, weights.shape
    ((3, 5, 8), (3, 5, 5))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        self.embed_dim, self.num_heads = positive(embed_dim=embed_dim, num_heads=num_heads)
        if self.embed_dim % self.num_heads:
            raise ArgumentError(
                f"{num_heads} heads cannot share {embed_dim} features",
                argument="num_heads",
                expected=f"a divisor of {embed_dim}",
                got=num_heads,
            )
        check_probability(dropout, "dropout")
        self.dropout, self.batch_first = dropout, batch_first
        self.kdim, self.vdim = positive(kdim=kdim or embed_dim, vdim=vdim or embed_dim)
        if self.kdim == self.vdim == self.embed_dim:
            self.in_proj_weight = Parameter(zeros(3 * embed_dim, embed_dim, dtype=dtype))
        else:
            self.q_proj_weight = Parameter(zeros(embed_dim, embed_dim, dtype=dtype))
            self.k_proj_weight = Parameter(zeros(embed_dim, self.kdim, dtype=dtype))
            self.v_proj_weight = Parameter(zeros(embed_dim, self.vdim, dtype=dtype))
        self.in_proj_bias = Parameter(zeros(3 * embed_dim, dtype=dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights for the three maps in front (xavier_uniform_), and set all biases to 0."""
        for name, parameter in self.named_parameters():
            if name.endswith("proj_weight"):
                init.xavier_uniform_(parameter)
            elif name.endswith("bias"):
                init.zeros_(parameter)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Args:
            query, key, value: sequences, see the class.
            key_padding_mask: (N, S), or (S) without a batch: which keys nobody may look at.
            need_weights: also return how much each query took of each key.
            attn_mask: (L, S), or (N·H, L, S): which keys a query may not look at.
            average_attn_weights: return the weights averaged over the heads, instead of (N, H, L, S).

        Masks hold bools, True where a query may not look (as in PyTorch, and the other way round than in
        `functional.scaled_dot_product_attention`), or numbers to be added to the scores. A query that may
        look nowhere gets the bias of the last map.

        Raises:
            ShapeError: the sequences do not fit each other or the layer, or a mask does not fit them.
            DTypeError: the dtypes differ.
        """
        is_batched = query.ndim == 3
        self._check(query, key, value)
        q, k, v = (self._batch_first(x, is_batched) for x in (query, key, value))
        q, k, v = (self._heads(x) for x in self._mapped(q, k, v))
        mask = self._mask(key_padding_mask, attn_mask, q, k)
        weights = F.dropout(attention_weights(q, k, mask), self.dropout, self.training)
        together: Tensor = matmul(weights, v).transpose(1, 2)
        output = self.out_proj(together.reshape(*together.shape[:2], self.embed_dim))
        if average_attn_weights:
            weights = weights.mean(1)
        if not is_batched:
            output, weights = output.squeeze(0), weights.squeeze(0)
        elif not self.batch_first:
            output = output.transpose(0, 1)
        return output, weights if need_weights else None

    def _batch_first(self, x: Tensor, is_batched: bool) -> Tensor:
        if not is_batched:
            return x.unsqueeze(0)
        return x if self.batch_first else x.transpose(0, 1)

    def _mapped(self, *sequences: Tensor) -> list[Tensor]:
        """Queries, keys and values, each through its linear map."""
        size = self.embed_dim
        parts = [slice(i * size, (i + 1) * size) for i in range(3)]
        if self.kdim == self.vdim == size:
            matrices = [self.in_proj_weight[part] for part in parts]
        else:
            matrices = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases = [None if self.in_proj_bias is None else self.in_proj_bias[part] for part in parts]
        return [F.linear(x, w, b) for x, w, b in zip(sequences, matrices, biases, strict=True)]

    def _heads(self, x: Tensor) -> Tensor:
        """(N, L, E) → (N, H, L, E/H)."""
        head_size = self.embed_dim // self.num_heads
        heads: Tensor = x.reshape(*x.shape[:2], self.num_heads, head_size).transpose(1, 2)
        return heads

    def _mask(self, padding: Tensor | None, mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor | None:
        """Both masks as one that broadcasts to (N, H, L, S): bools where a query may look, or numbers."""
        batch, heads, queries, _ = query.shape
        keys = key.shape[2]
        given = []
        if mask is not None:
            _check_shape("attn_mask", mask, (queries, keys), (batch * heads, queries, keys))
            given.append(mask if mask.ndim == 2 else mask.reshape(batch, heads, queries, keys))
        if padding is not None:
            _check_shape("key_padding_mask", padding, (batch, keys), *[(keys,)] * (batch == 1))
            given.append(padding.reshape(batch, 1, 1, keys))
        if not given:
            return None
        if all(one.dtype is bool_ for one in given):
            return logical_not(reduce(or_, given))  # type: ignore[no-any-return]
        numbers = [where(one, -inf, 0.0).to(query.dtype) if one.dtype is bool_ else one for one in given]
        return reduce(add, numbers)

    def _check(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        sizes = {"query": (query, self.embed_dim), "key": (key, self.kdim), "value": (value, self.vdim)}
        for name, (x, features) in sizes.items():
            if x.ndim != query.ndim or x.ndim not in (2, 3) or x.shape[-1] != features:
                layout = "(N, L, {})" if self.batch_first else "(L, N, {})"
                raise _misfit(name, f"{layout.format(features)} or (L, {features}), like the others", x.shape)
        if value.shape[:-1] != key.shape[:-1]:
            raise _misfit("value", (*key.shape[:-1], self.vdim), value.shape)
        batch = 0 if self.batch_first else 1
        if query.ndim == 3 and key.shape[batch] != query.shape[batch]:
            raise _misfit("key", f"a batch of {query.shape[batch]}, as many as queries", key.shape)

    def extra_repr(self) -> str:
        return f"{self.embed_dim}, num_heads={self.num_heads}, batch_first={self.batch_first}"


def _check_shape(name: str, mask: Tensor, *shapes: Shape) -> None:
    if mask.shape not in shapes:
        raise _misfit(name, " or ".join(map(str, shapes)), mask.shape)


def _misfit(name: str, expected: object, got: Shape) -> ShapeError:
    return ShapeError("the sequences or masks do not fit", argument=name, expected=expected, got=got)
