"""Dropout as modules, so that `train()` and `eval()` switch it."""

from __future__ import annotations

from typing import Any

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.nn._function import FunctionModule
from tinygrad_cnn.ops.random import check_probability

__all__ = [
    "AlphaDropout",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
]


class _Dropout(FunctionModule):
    """What every dropout layer is: a probability, and a function that is told whether the network learns."""

    def __init__(self, p: float = 0.5) -> None:
        check_probability(p)
        super().__init__()
        self._keep(p=p)

    def forward(self, x: Tensor) -> Any:
        return super().forward(x, training=self.training)


class Dropout(_Dropout):
    """While training, zero each element with probability p and scale the others by 1 / (1 − p).

    Raises:
        ArgumentError: p is not a probability.

    >>> import tinygrad_cnn as tc
    >>> drop = tc.nn.Dropout(0.5).eval()
    >>> drop(tc.ones(3))
    tensor([1., 1., 1.])
    """

    function = F.dropout


class Dropout1d(_Dropout):
    """While training, zero whole channels of lines (N, C, L) or (C, L); see `functional.dropout1d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Dropout1d(0.2)
    Dropout1d(p=0.2)
    """

    function = F.dropout1d


class Dropout2d(_Dropout):
    """While training, zero whole channels of images (N, C, H, W) or (C, H, W); see `functional.dropout2d`.

    >>> import tinygrad_cnn as tc
    >>> y = tc.nn.Dropout2d(0.5)(tc.ones(8, 16, 5, 5))
    >>> sorted(set(y.flatten().tolist()))
    [0.0, 2.0]
    """

    function = F.dropout2d


class Dropout3d(_Dropout):
    """While training, zero whole channels of volumes (N, C, D, H, W) or (C, D, H, W).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Dropout3d()(tc.ones(1, 2, 3, 3, 3)).shape
    (1, 2, 3, 3, 3)
    """

    function = F.dropout3d


class AlphaDropout(_Dropout):
    """Dropout for networks of SELUs, which keeps mean 0 and variance 1; see `functional.alpha_dropout`.

    >>> import tinygrad_cnn as tc
    >>> net = tc.nn.Sequential(tc.nn.Linear(8, 8), tc.nn.AlphaDropout(0.1))
    >>> net(tc.ones(2, 8)).shape
    (2, 8)
    """

    function = F.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, *S).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.FeatureAlphaDropout(0.1)(tc.ones(2, 3, 4, 4)).shape
    (2, 3, 4, 4)
    """

    function = F.feature_alpha_dropout
