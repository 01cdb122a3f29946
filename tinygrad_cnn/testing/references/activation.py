"""Activations, number by number."""

from __future__ import annotations

import math

from tinygrad_cnn.testing.references.elementwise import elementwise


def softplus(x, *, beta, threshold):
    return x if beta * x > threshold else math.log(1 + math.exp(beta * x)) / beta


def clamp(x, *, min, max):
    if min is not None and x < min:
        return min
    return max if max is not None and x > max else x


FORMULAS = {
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": softplus,
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x, *, negative_slope: x if x > 0 else negative_slope * x,
    "clamp": clamp,
}

REFERENCES = {name: elementwise(formula) for name, formula in FORMULAS.items()}
