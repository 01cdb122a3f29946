"""Dropout as a module, so that `train()` and `eval()` switch it."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.ops.random import check_probability

__all__ = ["Dropout"]


class Dropout(Module):
    """While training, zero each element with probability p and scale the others by 1 / (1 − p).

    Raises:
        ArgumentError: p is not a probability.

    >>> import tinygrad_cnn as tc
    >>> drop = tc.nn.Dropout(0.5).eval()
    >>> drop(tc.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        check_probability(p)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
