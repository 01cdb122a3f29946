"""Activations of straight pieces as modules: ReLU and its relatives.

Each is a function of `functional/piecewise.py` with its settings; there they are described. `PReLU` is the
only one that learns.
"""

from __future__ import annotations

from typing import Any

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, float32
from tinygrad_cnn.nn._function import FunctionModule
from tinygrad_cnn.nn._weights import positive
from tinygrad_cnn.nn.init import constant_
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.creation import zeros

__all__ = [
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Softshrink",
    "Threshold",
]


class ReLU(FunctionModule):
    """max(x, 0).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReLU()(tc.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    function = F.relu


class ReLU6(FunctionModule):
    """min(max(x, 0), 6).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReLU6()(tc.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """

    function = F.relu6


class LeakyReLU(FunctionModule):
    """x where x > 0, negative_slope · x elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LeakyReLU(0.1)(tc.tensor([-10.0, 2.0]))
    tensor([-1.,  2.])
    """

    function = F.leaky_relu

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self._keep(negative_slope=negative_slope)


class PReLU(Module):
    """A leaky ReLU that learns its slope.

    Args:
        num_parameters: 1 for one slope everywhere, or the number of channels for one each.
        init: the first slope.
        dtype: of the slopes.

    Shapes:
        (N, C, *) → the same.

    Parameters:
        weight: (num_parameters,), the slopes; weight decay would pull them towards a plain ReLU.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.PReLU()
    >>> layer(tc.tensor([-8.0, 2.0])).detach()
    tensor([-2.,  2.])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: DTypeLike = float32) -> None:
        super().__init__()
        (self.num_parameters,) = positive(num_parameters=num_parameters)
        self.init = init
        self.weight = Parameter(zeros(self.num_parameters, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set every slope back to the first one."""
        constant_(self.weight, self.init)

    def forward(self, x: Tensor) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(FunctionModule):
    """A leaky ReLU whose slopes are drawn anew while training, between lower and upper; later their middle.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.RReLU(0.25, 0.75).eval()(tc.tensor([-8.0, 2.0]))
    tensor([-4.,  2.])
    """

    function = F.rrelu

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        super().__init__()
        self._keep(lower=lower, upper=upper)

    def forward(self, x: Tensor) -> Any:
        return super().forward(x, training=self.training)


class Threshold(FunctionModule):
    """x where x > threshold, value elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Threshold(1, -5)(tc.tensor([0.0, 1.0, 2.0]))
    tensor([-5., -5.,  2.])
    """

    function = F.threshold

    def __init__(self, threshold: float, value: float) -> None:
        super().__init__()
        self._keep(threshold=threshold, value=value)


class Hardtanh(FunctionModule):
    """x, cut off at min_val and max_val.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Hardtanh()(tc.tensor([-3.0, 0.5, 3.0]))
    tensor([-1. ,  0.5,  1. ])
    """

    function = F.hardtanh

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        super().__init__()
        self._keep(min_val=min_val, max_val=max_val)


class Hardsigmoid(FunctionModule):
    """relu6(x + 3) / 6.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Hardsigmoid()(tc.tensor([-3.0, 0.0, 3.0]))
    tensor([0. , 0.5, 1. ])
    """

    function = F.hardsigmoid


class Hardswish(FunctionModule):
    """x · hardsigmoid(x).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Hardswish()(tc.tensor([-1.5, 1.5, 3.0]))
    tensor([-0.375,  1.125,  3.   ])
    """

    function = F.hardswish


class Hardshrink(FunctionModule):
    """0 where −lambd ≤ x ≤ lambd, x elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Hardshrink()(tc.tensor([-1.0, 0.5, 2.0]))
    tensor([-1.,  0.,  2.])
    """

    function = F.hardshrink
    lambd: float

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self._keep(lambd=lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Hardshrink):
    """x moved towards 0 by lambd, and 0 where it would go past.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softshrink()(tc.tensor([-1.0, 0.25, 2.0]))
    tensor([-0.5,  0. ,  1.5])
    """

    function = F.softshrink
