"""Activations of straight pieces: ReLU and its relatives, and cheap stand-ins for smooth curves.

    relu           max(x, 0)                                relu6         and at most 6
    leaky_relu     a small slope below 0                    prelu, rrelu  a learned one, a random one
    threshold      one value up to a threshold              hardtanh      cut off below and above
    hardsigmoid    relu6(x + 3) / 6                         hardswish     x · hardsigmoid(x)
    hardshrink     0 in the middle                          softshrink    and the rest moved towards 0

At a kink the slope is PyTorch's: 0 for all that are cut off, and that of the branch x ≤ 0 for leaky ReLUs.
Any shape. Integers stay integers unless fractions are made of them; NaN stays NaN.
"""

from __future__ import annotations

from tinygrad_cnn._autocast import narrowed
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import require_floating, same_floating
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops import leaky_relu, rand, relu, where

__all__ = [
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "prelu",
    "relu",
    "relu6",
    "rrelu",
    "softshrink",
    "threshold",
]


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x, cut off at min_val and max_val; at the bounds themselves the slope is 0 (that of `clamp` is 1).

    Raises:
        ArgumentError: min_val is larger than max_val.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.hardtanh(tc.tensor([-3.0, 0.5, 3.0]))
    tensor([-1. ,  0.5,  1. ])
    """
    if min_val > max_val:
        raise ArgumentError(
            "min_val is above max_val", argument="min_val", expected=f"<= {max_val}", got=min_val
        ).at("hardtanh")
    return where(input <= min_val, min_val, where(input >= max_val, max_val, input))


def relu6(input: Tensor) -> Tensor:
    """min(max(x, 0), 6): a ReLU whose results fit into few bits.

    Source: Krizhevsky, "Convolutional Deep Belief Networks on CIFAR-10", 2010.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.relu6(tc.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return hardtanh(input, 0, 6)


def hardsigmoid(input: Tensor) -> Tensor:
    """relu6(x + 3) / 6: a sigmoid of three straight pieces.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.hardsigmoid(tc.tensor([-3.0, 0.0, 3.0]))
    tensor([0. , 0.5, 1. ])
    """
    return relu6(input + 3) / 6


def hardswish(input: Tensor) -> Tensor:
    """x · hardsigmoid(x).

    Source: Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.hardswish(tc.tensor([-1.5, 1.5, 3.0]))
    tensor([-0.375,  1.125,  3.   ])
    """
    return input * hardsigmoid(input)


def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """x where x > threshold, value elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.threshold(tc.tensor([0.0, 1.0, 2.0]), 1, -5)
    tensor([-5., -5.,  2.])
    """
    return where(input <= threshold, value, input)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, weight · x elsewhere: a leaky ReLU that learns its slope.

    Args:
        input: (N, C, *), or (N,) or () which count as one channel; floating.
        weight: the slope, one number () or (1,), or one a channel (C,).

    Raises:
        ShapeError: neither one slope nor one a channel.
        DTypeError: input and weight of different dtypes, or not floating.

    Source: He et al., "Delving Deep into Rectifiers", arXiv:1502.01852.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.prelu(tc.tensor([[-2.0, -2.0], [3.0, 3.0]]), tc.tensor([0.1, 0.5]))
    tensor([[-0.2, -1. ],
            [ 3. ,  3. ]])
    """
    input, weight = narrowed(input, weight)
    same_floating(input, weight, names=("input", "weight"))
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ShapeError(
            "prelu needs one slope, or one a channel",
            argument="weight",
            expected=f"(1,) or ({channels},)",
            got=weight.shape,
        ).at("prelu")
    per_channel = (1, weight.numel(), *(1,) * (input.ndim - 2)) if input.ndim > 1 else ()
    slope = weight.reshape(per_channel)
    positive = input > 0
    return where(positive, input, slope * where(positive, 0, input))


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False) -> Tensor:
    """A leaky ReLU whose slope below 0 is drawn anew for every number, between lower and upper.

    Args:
        input: any shape, floating.
        lower, upper: where the slopes are.
        training: False takes the slope in the middle.

    Raises:
        ArgumentError: lower is larger than upper.

    Source: Xu et al., "Empirical Evaluation of Rectified Activations", arXiv:1505.00853.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.rrelu(tc.tensor([-8.0, 2.0]), 0.25, 0.75)
    tensor([-4.,  2.])
    """
    require_floating(input, "input")
    if lower > upper:
        raise ArgumentError("lower is above upper", argument="lower", expected=f"<= {upper}", got=lower).at(
            "rrelu"
        )
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    slope = lower + (upper - lower) * rand(*input.shape, dtype=input.dtype, backend=input.backend)
    return where(input > 0, input, input * slope)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where −lambd ≤ x ≤ lambd, x elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.hardshrink(tc.tensor([-1.0, 0.5, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return where((input >= -lambd) & (input <= lambd), 0, input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, and 0 where it would go past.

    Raises:
        ArgumentError: lambd is negative.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.softshrink(tc.tensor([-1.0, 0.25, 2.0]))
    tensor([-0.5,  0. ,  1.5])
    """
    if lambd < 0:
        raise ArgumentError(
            "numbers move towards 0, not away", argument="lambd", expected=">= 0", got=lambd
        ).at("softshrink")
    return input - input.clamp(-lambd, lambd)
