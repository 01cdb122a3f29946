"""Dropout: while training, each number is set to 0 with probability p, so that none is relied upon.

Those that stay are multiplied by 1 / (1 − p): the expected sum does not change, and nothing needs to be
rescaled when the network is used.

Source: Srivastava et al., "Dropout", JMLR 15 (2014).
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import require_floating
from tinygrad_cnn.ops.random import check_probability, dropout_mask

__all__ = ["dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element zeroed with probability p and the others scaled by 1 / (1 − p).

    The mask comes from the library's seed and counter (`tc.manual_seed`), so a run can be repeated, on any
    backend.

    Args:
        input: any shape, floating.
        p: the probability of a zero, 0 ... 1.
        training: False returns the input as it is.

    Raises:
        ArgumentError: p is not a probability.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0)
    >>> sorted(set(tc.functional.dropout(tc.ones(1000), 0.5).tolist()))
    [0.0, 2.0]
    """
    require_floating(input, "input")
    check_probability(p)
    if not training or p == 0:
        return input
    keep = dropout_mask(input.shape, p, input.backend)
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return input * (keep.to(input.dtype) * scale)
