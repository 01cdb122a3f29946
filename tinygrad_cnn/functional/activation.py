"""Smooth activations: the bends between the layers.

Without a bend between them, two linear layers would be one linear layer.

    sigmoid      1 / (1 + e⁻ˣ)             tanh          (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    logsigmoid   ln σ(x)                   softplus      ln(1 + eˣ), a smooth ReLU
    gelu         x · Φ(x)                  silu          x · σ(x)
    mish         x · tanh(softplus(x))     softsign      x / (1 + |x|)
    tanhshrink   x − tanh(x)               elu, selu, celu     x, and a curve below 0

Those with a gradient rule of their own are declared in `ops/activation.py`. The others are written here as
formulas of such operations, and their gradients follow. Infinities give what the formula gives, as in
PyTorch: silu(−∞) = −∞ · 0 is NaN.

Any shape; integers become float32.
"""

from __future__ import annotations

import math

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.ops import erf, expm1, logsigmoid, sigmoid, softplus, tanh, where

__all__ = [
    "celu",
    "elu",
    "gelu",
    "logsigmoid",
    "mish",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "tanh",
    "tanhshrink",
]


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x · Φ(x), where Φ(x) is the probability that a normal number is smaller than x.

    Args:
        input: any shape.
        approximate: "none": Φ(x) = (1 + erf(x/√2)) / 2; "tanh": with tanh in place of erf, much quicker.

    Raises:
        UnknownName: another `approximate`.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", arXiv:1606.08415.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([-1.0, 0.0, 1.0])
    >>> tc.functional.gelu(x), tc.functional.gelu(x, approximate="tanh")
    (tensor([-0.1587,  0.    ,  0.8413]), tensor([-0.1588,  0.    ,  0.8412]))
    """
    if approximate == "none":
        return input * (0.5 * (1 + erf(input * math.sqrt(1 / 2))))
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (input + 0.044715 * (input * input * input))
        return 0.5 * input * (1 + tanh(inner))
    raise UnknownName.among(
        approximate, ["none", "tanh"], kind="approximation of GELU", argument="approximate"
    ).at("gelu")


def silu(input: Tensor) -> Tensor:
    """x · σ(x), also known as Swish.

    Source: Ramachandran, Zoph and Le, "Searching for Activation Functions", arXiv:1710.05941.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.silu(tc.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2689,  0.    ,  0.7311])
    """
    return input * sigmoid(input)


def mish(input: Tensor) -> Tensor:
    """x · tanh(softplus(x)).

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", arXiv:1908.08681.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.mish(tc.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.3034,  0.    ,  0.8651])
    """
    return input * tanh(softplus(input))


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|), an S between −1 and 1 that comes close to them only slowly.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.softsign(tc.tensor([-3.0, 0.0, 1.0]))
    tensor([-0.75,  0.  ,  0.5 ])
    """
    return input / (1 + input.abs())


def tanhshrink(input: Tensor) -> Tensor:
    """x − tanh(x).

    >>> import tinygrad_cnn as tc
    >>> tc.functional.tanhshrink(tc.tensor([-100.0, 0.0, 1.0]))
    tensor([-99.    ,   0.    ,   0.2384])
    """
    return input - tanh(input)


# --- below 0 a curve ------------------------------------------------------------------------------


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, alpha · (eˣ − 1) elsewhere.

    Source: Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.elu(tc.tensor([-1000.0, 0.0, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return _exponential_below_0(input, alpha, 1)


def selu(input: Tensor) -> Tensor:
    """scale · elu(x, alpha), with the two constants that keep mean 0 and variance 1 through many layers.

    Source: Klambauer et al., "Self-Normalizing Neural Networks", arXiv:1706.02515.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.selu(tc.tensor([-1000.0, 0.0, 1.0]))
    tensor([-1.7581,  0.    ,  1.0507])
    """
    return 1.0507009873554805 * elu(input, 1.6732632423543772)


def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where x > 0, alpha · (e^(x/alpha) − 1) elsewhere: an ELU without a kink at 0, whatever alpha is.

    Raises:
        ArgumentError: alpha is 0.

    Source: Barron, "Continuously Differentiable Exponential Linear Units", arXiv:1704.07483.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.celu(tc.tensor([-1000.0, 0.0, 2.0]), alpha=0.5)
    tensor([-0.5,  0. ,  2. ])
    """
    if alpha == 0:
        raise ArgumentError("celu divides by alpha", argument="alpha", expected="not 0", got=alpha).at("celu")
    return _exponential_below_0(input, alpha, alpha)


def _exponential_below_0(x: Tensor, alpha: float, divisor: float) -> Tensor:
    """x above 0, alpha · (e^(x/divisor) − 1) below, where the exponential never sees what lies above."""
    below = x <= 0
    return where(below, alpha * expm1(where(below, x, 0) / divisor), x)
