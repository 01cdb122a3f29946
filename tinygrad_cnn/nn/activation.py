"""Smooth activations as modules, to stand between the layers of a `Sequential`.

Each is a function of `functional/activation.py` with its settings; there they are described. ReLU and others
of straight pieces are in `nn/piecewise.py`, those that look at neighbours in `nn/softmax.py`.
"""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.nn._function import FunctionModule

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "LogSigmoid",
    "Mish",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "Tanh",
    "Tanhshrink",
]


class Sigmoid(FunctionModule):
    """1 / (1 + e⁻ˣ), an S between 0 and 1.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Sigmoid()(tc.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0. , 0.5, 1. ])
    """

    function = F.sigmoid


class LogSigmoid(FunctionModule):
    """ln σ(x), without overflow.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.LogSigmoid()(tc.tensor([-20.0, 0.0]))
    tensor([-20.    ,  -0.6931])
    """

    function = F.logsigmoid


class Tanh(FunctionModule):
    """The hyperbolic tangent, an S between −1 and 1.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Tanh()(tc.tensor([-100.0, 0.0, 100.0]))
    tensor([-1.,  0.,  1.])
    """

    function = F.tanh


class Tanhshrink(FunctionModule):
    """x − tanh(x).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Tanhshrink()(tc.tensor([-100.0, 0.0, 1.0]))
    tensor([-99.    ,   0.    ,   0.2384])
    """

    function = F.tanhshrink


class Softsign(FunctionModule):
    """x / (1 + |x|).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softsign()(tc.tensor([-3.0, 0.0, 1.0]))
    tensor([-0.75,  0.  ,  0.5 ])
    """

    function = F.softsign


class Softplus(FunctionModule):
    """ln(1 + e^(βx)) / β, a smooth ReLU; x itself where βx > threshold.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Softplus()(tc.tensor([0.0, 30.0]))
    tensor([ 0.6931, 30.    ])
    """

    function = F.softplus

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self._keep(beta=beta, threshold=threshold)


class GELU(FunctionModule):
    """x · Φ(x), Φ being the normal distribution; approximate="tanh" is quicker.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.GELU()(tc.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.    ,  0.8413])
    """

    function = F.gelu

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self._keep(approximate=approximate)


class SiLU(FunctionModule):
    """x · σ(x), also known as Swish.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.SiLU()(tc.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2689,  0.    ,  0.7311])
    """

    function = F.silu


class Mish(FunctionModule):
    """x · tanh(softplus(x)).

    >>> import tinygrad_cnn as tc
    >>> tc.nn.Mish()(tc.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.3034,  0.    ,  0.8651])
    """

    function = F.mish


class ELU(FunctionModule):
    """x where x > 0, alpha · (eˣ − 1) elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ELU()(tc.tensor([-1000.0, 0.0, 2.0]))
    tensor([-1.,  0.,  2.])
    """

    function = F.elu

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self._keep(alpha=alpha)


class CELU(ELU):
    """x where x > 0, alpha · (e^(x/alpha) − 1) elsewhere.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.CELU(0.5)(tc.tensor([-1000.0, 0.0, 2.0]))
    tensor([-0.5,  0. ,  2. ])
    """

    function = F.celu


class SELU(FunctionModule):
    """The ELU that keeps mean 0 and variance 1 through many layers.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.SELU()(tc.tensor([-1000.0, 0.0, 1.0]))
    tensor([-1.7581,  0.    ,  1.0507])
    """

    function = F.selu
