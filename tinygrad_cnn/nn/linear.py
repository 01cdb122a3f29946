"""The linear layer, its relative for pairs, and modules that only pass on what they get."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, float32
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn._function import FunctionModule
from tinygrad_cnn.nn._weights import draw_weights, positive
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.creation import zeros

__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]


class Linear(Module):
    """y = x Wᵀ + b: every output is a weighted sum of all inputs.

    Args:
        in_features, out_features: how many numbers go in and come out.
        bias: False leaves b out.
        dtype: of weight and bias.

    Shapes:
        (*, in_features) → (*, out_features).

    Parameters:
        weight: (out_features, in_features), uniform in ± 1/√in_features.
        bias: (out_features,), likewise.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.Linear(784, 10)
    >>> layer, layer(tc.zeros(64, 784)).shape
    (Linear(in_features=784, out_features=10, bias=True), (64, 10))
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, dtype: DTypeLike = float32
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = positive(in_features=in_features, out_features=out_features)
        self.weight = Parameter(zeros(self.out_features, self.in_features, dtype=dtype))
        self.bias = Parameter(zeros(self.out_features, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        draw_weights(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Bilinear(Module):
    """yₖ = x₁ᵀ Wₖ x₂ + bₖ: every output is a weighted sum of all products of two inputs' features.

    Args:
        in1_features, in2_features, out_features: how many numbers go in and come out.
        bias: False leaves b out.
        dtype: of weight and bias.

    Shapes:
        (*, in1_features) and (*, in2_features) → (*, out_features).

    Parameters:
        weight: (out_features, in1_features, in2_features), uniform in ± 1/√in1_features.
        bias: (out_features,), likewise.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.Bilinear(3, 5, 2)
    >>> layer(tc.zeros(8, 3), tc.zeros(8, 5)).shape
    (8, 2)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = positive(
            in1_features=in1_features, in2_features=in2_features, out_features=out_features
        )
        shape = (self.out_features, self.in1_features, self.in2_features)
        self.weight = Parameter(zeros(*shape, dtype=dtype))
        self.bias = Parameter(zeros(self.out_features, dtype=dtype)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        bound = 1 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}"
        return f"{sizes}, out_features={self.out_features}, bias={self.bias is not None}"


class Flatten(FunctionModule):
    """Images (N, C, H, W) become rows (N, C·H·W), for a linear layer.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Flatten()(tc.zeros(2, 16, 5, 5)).shape
    (2, 400)
    """

    function = F.flatten

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self._keep(start_dim=start_dim, end_dim=end_dim)


class Unflatten(Module):
    """One dimension cut up into several, the other way round than `Flatten`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Unflatten(1, (16, 5, 5))(tc.zeros(2, 400)).shape
    (2, 16, 5, 5)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Identity(Module):
    """Gives back what it got: takes the place of a layer that is not wanted.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Identity()(tc.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x
