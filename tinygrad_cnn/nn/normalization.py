"""Normalization layers that look at one image, or one place, at a time, and remember nothing."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, Shape, as_shape, float32
from tinygrad_cnn.functional.normalization import check_groups
from tinygrad_cnn.nn._function import FunctionModule
from tinygrad_cnn.nn._weights import positive, reset_affine
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.creation import zeros

__all__ = [
    "GroupNorm",
    "LayerNorm",
    "LocalResponseNorm",
    "RMSNorm",
]


class LayerNorm(Module):
    """The last dimensions together get mean 0 and variance 1, then a learned scale and shift.

    Args:
        normalized_shape: the sizes of the last dimensions.
        eps: added to the variance before its root is taken.
        elementwise_affine: False leaves scale and shift out.
        bias: False leaves out the shift alone.
        dtype: of the parameters.

    Shapes:
        (*, *normalized_shape) → the same.

    Parameters:
        weight, bias: of normalized_shape, 1 and 0 at first.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.LayerNorm(2)
    >>> layer, layer(tc.tensor([[1.0, 3.0], [10.0, 30.0]])).detach()
    (LayerNorm((2,), eps=1e-05, elementwise_affine=True, bias=True), tensor([[-1.,  1.],
            [-1.,  1.]]))
    """

    def __init__(
        self,
        normalized_shape: int | Shape,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape, argument="normalized_shape")
        self.eps, self.elementwise_affine = eps, elementwise_affine
        shape, affine = self.normalized_shape, elementwise_affine
        self.weight = Parameter(zeros(*shape, dtype=dtype)) if affine else None
        self.bias = Parameter(zeros(*shape, dtype=dtype)) if affine and bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        reset_affine(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        facts = f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        return f"{facts}, bias={self.bias is not None}"


class RMSNorm(Module):
    """The last dimensions together get a mean square of 1, then a learned scale; see `functional.rms_norm`.

    Args:
        normalized_shape: the sizes of the last dimensions.
        eps: added to the mean square; None for the distance from 1 to the next number of the dtype.
        elementwise_affine: False leaves the scale out.
        dtype: of the parameter.

    Shapes:
        (*, *normalized_shape) → the same.

    Parameters:
        weight: of normalized_shape, 1 at first.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.RMSNorm(2)(tc.tensor([1.0, 7.0])).detach()
    tensor([0.2, 1.4])
    """

    def __init__(
        self,
        normalized_shape: int | Shape,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape, argument="normalized_shape")
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight = Parameter(zeros(*self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        reset_affine(self.weight, None)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Groups of channels of every image get mean 0 and variance 1, then each channel its scale and shift.

    Args:
        num_groups: into how many groups the channels are dealt.
        num_channels: C, the number of channels.
        eps: added to the variance before its root is taken.
        affine: False leaves scale and shift out.
        bias: False leaves out the shift alone.
        dtype: of the parameters.

    Shapes:
        (N, C, *S) → the same.

    Parameters:
        weight, bias: (C,), 1 and 0 at first.

    Raises:
        ArgumentError: the channels cannot be dealt into so many groups.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.GroupNorm(2, 6)
    >>> layer, layer(tc.rand(1, 6, 4, 4)).shape
    (GroupNorm(2, 6, eps=1e-05, affine=True, bias=True), (1, 6, 4, 4))
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        bias: bool = True,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__()
        (self.num_channels,) = positive(num_channels=num_channels)
        self.num_groups = check_groups(num_groups, self.num_channels, "GroupNorm")
        self.eps, self.affine = eps, affine
        self.weight = Parameter(zeros(self.num_channels, dtype=dtype)) if affine else None
        self.bias = Parameter(zeros(self.num_channels, dtype=dtype)) if affine and bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every scale to 1 and every shift to 0."""
        reset_affine(self.weight, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        facts = f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
        return f"{facts}, bias={self.bias is not None}"


# --- by the neighbouring channels -----------------------------------------------------------------


class LocalResponseNorm(FunctionModule):
    """AlexNet's normalization of every number by its neighbours in other channels.

    The paper's α is not divided by the size: see `functional.local_response_norm`.

    Args:
        size: how many channels count as neighbours.
        alpha, beta, k: see the function.

    Shapes:
        (N, C, *S) → the same.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)  # AlexNet's
    LocalResponseNorm(5, alpha=0.0005, beta=0.75, k=2.0)
    """

    function = F.local_response_norm
    shown = ("alpha", "beta", "k")
    size: int

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self._keep(size=size, alpha=alpha, beta=beta, k=k)

    def extra_repr(self) -> str:
        return f"{self.size}, {super().extra_repr()}"
