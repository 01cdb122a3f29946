"""A table of vectors that are learned, one for each number."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import use_backend
from tinygrad_cnn.dtypes import DTypeLike, float32, require_floating
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.functional.embedding import padding_row
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn._weights import positive
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.comparison import ne
from tinygrad_cnn.ops.creation import arange, zeros

__all__ = ["Embedding"]


class Embedding(Module):
    """Numbers 0 .. num_embeddings − 1 become vectors; see `functional.embedding`.

    Args:
        num_embeddings: how many rows the table has.
        embedding_dim: how long they are.
        padding_idx: the row that stands for nothing: zeros at first, and it never learns.
        max_norm: rows longer than this are shortened when they are looked up.
        norm_type: which norm measures the length.
        scale_grad_by_freq: divide the gradient of a row by how often it was looked up.
        dtype: of the table.

    Shapes:
        integers (*) → (*, embedding_dim).

    Parameters:
        weight: (num_embeddings, embedding_dim), standard normal at first.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.Embedding(10, 3, padding_idx=0)
    >>> layer, layer(tc.tensor([[1, 2], [9, 0]])).shape
    (Embedding(10, 3, padding_idx=0), (2, 2, 3))
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim = positive(
            num_embeddings=num_embeddings, embedding_dim=embedding_dim
        )
        self.padding_idx = None if padding_idx is None else padding_row(padding_idx, self.num_embeddings)
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.weight = Parameter(zeros(self.num_embeddings, self.embedding_dim, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new rows."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            rows = arange(self.num_embeddings, backend=self.weight.backend).unsqueeze(1)
            self.weight.assign(self.weight.detach() * ne(rows, self.padding_idx))

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
    ) -> Embedding:
        """A layer around a table that exists already.

        Args:
            embeddings: (num_embeddings, embedding_dim), floating; copied.
            freeze: whether the table stays as it is instead of learning on.
            padding_idx, max_norm, norm_type, scale_grad_by_freq: as for the layer; a padding row keeps its
                numbers.

        Raises:
            ShapeError: the table has not two dimensions.
            DTypeError: it does not hold floating-point numbers.

        >>> import tinygrad_cnn as tc
        >>> table = tc.tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> layer = tc.nn.Embedding.from_pretrained(table)
        >>> layer(tc.tensor([1])), layer.weight.requires_grad
        (tensor([[3., 4.]]), False)
        """
        require_floating(embeddings, "embeddings")
        if embeddings.ndim != 2:
            raise ShapeError(
                "a table has a row for each number",
                argument="embeddings",
                expected="(num_embeddings, embedding_dim)",
                got=embeddings.shape,
            )
        rows, columns = embeddings.shape
        with use_backend("meta"):  # where no numbers are drawn that nobody needs
            layer = cls(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq)
        layer.weight = Parameter(embeddings.detach().clone(), requires_grad=not freeze)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(
            x, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq
        )

    def extra_repr(self) -> str:
        facts = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            facts += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            facts += f", max_norm={self.max_norm}, norm_type={self.norm_type}"
        return facts + ", scale_grad_by_freq=True" * self.scale_grad_by_freq
