"""Dropout: while training, some numbers are thrown away at random, so that none is relied upon.

    dropout                  each number is set to 0 with probability p
    dropout1d, 2d, 3d        whole channels are: neighbouring pixels know too much of each other
    alpha_dropout            numbers are set to what SELU gives for −∞, so that mean and variance stay
    feature_alpha_dropout    the same for whole channels

The numbers that stay are multiplied by 1 / (1 − p): the expected sum does not change, and nothing needs to be
rescaled when the network is used.

The masks come from the library's seed and counter (`tc.manual_seed`), so a run can be repeated, on any
backend. With `training=False`, or p = 0, every function gives its input back and draws nothing.
"""

from __future__ import annotations

import math

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import require_floating
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops.random import check_probability, dropout_mask

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

SELU_AT_MINUS_INFINITY = -1.7580993408473766  # −λα of Klambauer et al.


def dropout(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """x with each element zeroed with probability p and the others scaled by 1 / (1 − p).

    Args:
        input: any shape, floating.
        p: the probability of a zero, 0 ... 1.
        training: False returns the input as it is.

    Raises:
        ArgumentError: p is not a probability.
        DTypeError: the input is not floating-point.

    Source: Srivastava et al., "Dropout", JMLR 15 (2014).

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0)
    >>> sorted(set(tc.functional.dropout(tc.ones(1000), 0.5).tolist()))
    [0.0, 2.0]
    """
    return _zeroed(input, p, training)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Drop whole channels of lines (N, C, L), or of one line (C, L); the rest as for `dropout2d`.

    >>> import tinygrad_cnn as tc
    >>> y = tc.functional.dropout1d(tc.ones(100, 4), 0.5)
    >>> bool((y == y[:, :1]).all())
    True
    """
    return _channels_zeroed(input, p, training, spatial=1)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Drop whole channels: each one of each image with probability p, the others scaled by 1 / (1 − p).

    Args:
        input: images (N, C, H, W), or one image (C, H, W). (PyTorch 2.13 still takes three dimensions for
            lines (N, C, L), and announces that it will not.)
        p: the probability that a channel becomes 0.
        training: False returns the input as it is.

    Raises:
        ArgumentError: p is not a probability.
        ShapeError: the input has other dimensions.
        DTypeError: the input is not floating-point.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", CVPR 2015,
    arXiv:1411.4280.

    >>> import tinygrad_cnn as tc
    >>> y = tc.functional.dropout2d(tc.ones(8, 16, 5, 5), 0.5)
    >>> bool((y == y[:, :, :1, :1]).all())
    True
    """
    return _channels_zeroed(input, p, training, spatial=2)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True) -> Tensor:
    """Drop whole channels of volumes (N, C, D, H, W), or of one (C, D, H, W); the rest as for `dropout2d`.

    >>> import tinygrad_cnn as tc
    >>> y = tc.functional.dropout3d(tc.ones(8, 16, 2, 2, 2), 0.5)
    >>> bool((y == y[:, :, :1, :1, :1]).all())
    True
    """
    return _channels_zeroed(input, p, training, spatial=3)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False) -> Tensor:
    """Dropout for networks of SELUs: mean 0 and variance 1 stay what they are.

    What is dropped becomes α' = −λα ≈ −1.758, the value of SELU at −∞. Then everything is scaled and shifted
    to a·x + b with a = 1/√((1 − p)(1 + p·α'²)) and b = −a·p·α'.

    Args:
        input: any shape, floating.
        p: the probability of being dropped; 1 gives zeros.
        training: False, the default as in PyTorch, returns the input as it is.

    Raises:
        ArgumentError: p is not a probability.
        DTypeError: the input is not floating-point.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017, arXiv:1706.02515.

    >>> import tinygrad_cnn as tc
    >>> tc.manual_seed(0)
    >>> y = tc.functional.alpha_dropout(tc.randn(100_000), 0.2, training=True)
    >>> round(abs(y.mean().item()), 1), round(y.std().item(), 1)
    (0.0, 1.0)
    """
    return _saturated(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, *S).

    Raises:
        ShapeError: the input has no channels: fewer than two dimensions.
        ArgumentError, DTypeError: as for `alpha_dropout`.

    >>> import tinygrad_cnn as tc
    >>> y = tc.functional.feature_alpha_dropout(tc.ones(8, 16, 5, 5), 0.5, training=True)
    >>> bool((y == y[:, :, :1, :1]).all())
    True
    """
    if input.ndim < 2:
        raise ShapeError(
            "the input needs a batch and a channel dimension",
            argument="input",
            expected="(N, C, *S)",
            got=input.shape,
        ).at("feature_alpha_dropout")
    return _saturated(input, p, training, together=tuple(range(2, input.ndim)))


# --- two ways to drop -----------------------------------------------------------------------------


def _zeroed(x: Tensor, p: float, training: bool, together: tuple[int, ...] | None = None) -> Tensor:
    """Dropped numbers become 0; `together` names the dimensions that share their fate."""
    if _does_nothing(x, p, training):
        return x
    keep = dropout_mask(x.shape, p, x.backend, together)
    scale = 0.0 if p == 1 else 1 / (1 - p)
    return x * (keep.to(x.dtype) * scale)


def _channels_zeroed(x: Tensor, p: float, training: bool, *, spatial: int) -> Tensor:
    if x.ndim not in (spatial + 1, spatial + 2):
        size = ", ".join("DHW"[-spatial:]) if spatial > 1 else "L"
        raise ShapeError(
            f"channels have {spatial} spatial dimension{'s' if spatial > 1 else ''}",
            argument="input",
            expected=f"(N, C, {size}) or (C, {size})",
            got=x.shape,
        ).at(f"dropout{spatial}d")
    return _zeroed(x, p, training, together=tuple(range(x.ndim - spatial, x.ndim)))


def _saturated(x: Tensor, p: float, training: bool, together: tuple[int, ...] | None = None) -> Tensor:
    """Dropped numbers become SELU's lowest value, and the whole is brought back to mean 0 and variance 1."""
    if _does_nothing(x, p, training):
        return x
    if p == 1:
        return x * 0.0
    keep = dropout_mask(x.shape, p, x.backend, together).to(x.dtype)
    lowest = SELU_AT_MINUS_INFINITY
    scale = 1 / math.sqrt((1 - p) * (1 + p * lowest**2))
    return x * (keep * scale) + ((1 - keep) * lowest - p * lowest) * scale


def _does_nothing(x: Tensor, p: float, training: bool) -> bool:
    require_floating(x, "input")
    check_probability(p)
    return not training or p == 0
