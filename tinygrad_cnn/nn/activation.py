"""Activations as modules, to stand between the layers of a `Sequential`."""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.functional import leaky_relu
from tinygrad_cnn.nn.module import Module

__all__ = ["LeakyReLU", "LogSoftmax", "ReLU", "Sigmoid", "Softmax", "Tanh"]


class ReLU(Module):
    """max(x, 0).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReLU()(tc.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.relu()


class LeakyReLU(Module):
    """x where x > 0, negative_slope · x elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LeakyReLU(0.1)(tc.tensor([-10.0, 2.0]))
    tensor([-1.,  2.])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = leaky_relu(x, self.negative_slope)
        return output

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class Sigmoid(Module):
    """1 / (1 + e⁻ˣ).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Sigmoid()(tc.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0. , 0.5, 1. ])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.sigmoid()


class Tanh(Module):
    """The hyperbolic tangent.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Tanh()(tc.tensor([-100.0, 0.0, 100.0]))
    tensor([-1.,  0.,  1.])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


class Softmax(Module):
    """Scores into probabilities along `dim`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softmax(dim=1)(tc.tensor([[0.0, 0.0], [9.0, 9.0]]))
    tensor([[0.5, 0.5],
            [0.5, 0.5]])
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """ln softmax along `dim`, without overflow.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LogSoftmax(dim=1)(tc.tensor([[0.0, 0.0]]))
    tensor([[-0.6931, -0.6931]])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.log_softmax(self.dim)
