"""What layers with weights share: how large they may be, and how their weights begin."""

from __future__ import annotations

import math

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.nn import init


def positive(**sizes: int) -> list[int]:
    """The sizes of a layer, checked.

    >>> positive(in_features=784, out_features=10)
    [784, 10]
    """
    for name, size in sizes.items():
        if as_index(size, argument=name) < 1:
            raise ArgumentError(f"{name} must be at least 1", argument=name, expected=">= 1", got=size)
    return list(sizes.values())


def draw_weights(weight: Tensor, bias: Tensor | None) -> None:
    """PyTorch's default for linear layers and convolutions: all uniform in ± 1/√fan_in.

    It is written there as kaiming_uniform_ with a = √5, whose gain √(2/6) makes the bound 1/√fan_in.
    """
    init.kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = init.fans(weight)
        bound = 1 / math.sqrt(fan_in)
        init.uniform_(bias, -bound, bound)


def reset_affine(weight: Tensor | None, bias: Tensor | None) -> None:
    """What normalization layers begin with: scale 1 and shift 0, where they have them."""
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)
