"""Activations along a dimension as modules: softmax and its relatives, and gates.

Each is a function of `functional/softmax.py`. A network that learns by `CrossEntropyLoss` needs no softmax at
its end: the loss has it inside.
"""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.nn._function import FunctionModule
from tinygrad_cnn.nn.module import Module

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


class _Along(FunctionModule):
    """What activations along a dimension share."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self._keep(dim=dim)


class Softmax(_Along):
    """Scores into probabilities along `dim`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softmax(dim=1)(tc.tensor([[0.0, 0.0], [9.0, 9.0]]))
    tensor([[0.5, 0.5],
            [0.5, 0.5]])
    """

    function = F.softmax


class LogSoftmax(_Along):
    """ln softmax along `dim`, without overflow.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LogSoftmax(dim=1)(tc.tensor([[0.0, 0.0]]))
    tensor([[-0.6931, -0.6931]])
    """

    function = F.log_softmax


class Softmin(_Along):
    """softmax(−x) along `dim`: the smallest gets the most.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softmin(dim=0)(tc.tensor([1e4, 0.0, -1e4]))
    tensor([0., 0., 1.])
    """

    function = F.softmin


class Softmax2d(Module):
    """Softmax over the channels at every place of an image.

    Shapes:
        (N, C, H, W) or (C, H, W) → the same.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softmax2d()(tc.zeros(1, 4, 2, 2)).sum(1)
    tensor([[[1., 1.],
             [1., 1.]]])
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim not in (3, 4):
            raise ShapeError(
                "Softmax2d takes images", argument="x", expected="(N, C, H, W) or (C, H, W)", got=x.shape
            )
        return F.softmax(x, -3)


class GLU(_Along):
    """a · σ(b), where a and b are the two halves of x along `dim`: b opens or closes a.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.GLU()(tc.tensor([3.0, 5.0, 0.0, 100.0]))
    tensor([1.5, 5. ])
    """

    function = F.glu

    def __init__(self, dim: int = -1) -> None:
        super().__init__(dim)
