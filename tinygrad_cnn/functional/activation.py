"""Activations: the bends between the layers.

Without them a stack of linear layers would be one linear layer. Each is an operation (or a composition of
some), declared with its gradient in `ops/activation.py` and `ops/loss.py`; here are their names.

    relu          max(x, 0)
    leaky_relu    x, or negative_slope · x where x is negative
    sigmoid       1 / (1 + e⁻ˣ)                 tanh         (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    softplus      ln(1 + eˣ), a smooth ReLU     logsigmoid   ln sigmoid(x)
    softmax       eˣ / Σ eˣ along `dim`         log_softmax  ln softmax(x), without overflow
"""

from tinygrad_cnn.ops.activation import leaky_relu, logsigmoid, relu, sigmoid, softplus, tanh
from tinygrad_cnn.ops.loss import log_softmax, softmax

__all__ = ["leaky_relu", "log_softmax", "logsigmoid", "relu", "sigmoid", "softmax", "softplus", "tanh"]
