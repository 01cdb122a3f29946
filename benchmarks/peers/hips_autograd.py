"""HIPS autograd: NumPy code, traced as it runs; a convolution is the library's own, by einsum.

The way of the library's convolutional example: `autograd.scipy.signal.convolve` for convolutions (it turns
the kernel around, as mathematicians do, hence the kernel is turned first), a reshape and a maximum for
pooling. There is no compiled kernel for either, which is what the times show.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import networks as net
import numpy as np
from autograd import value_and_grad
from autograd.scipy.signal import convolve
from autograd.scipy.special import logsumexp
from autograd.tracer import getval

from peers import LEARNING_RATE, MOMENTUM, Peer


class Autograd(Peer):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        self.network = network
        self.weights = [weight.copy() for weight in weights]
        self.velocities = [np.zeros_like(weight) for weight in weights]
        self.statistics: list[list[Any]] = []  # running mean and variance of each batch norm
        self.random = np.random.default_rng(0)
        self.value_and_grad = value_and_grad(self._loss)

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        return x, y

    def step(self, x: Any, y: Any) -> float:
        loss, gradients = self.value_and_grad(self.weights, x, y)
        for weight, velocity, gradient in zip(self.weights, self.velocities, gradients, strict=True):
            velocity *= MOMENTUM
            velocity += gradient
            weight -= LEARNING_RATE * velocity
        return float(loss)

    def predict(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(_Run(self, self.weights, training=False)(self.network, x))

    def _loss(self, weights: Any, x: Any, y: Any) -> Any:
        logits = _Run(self, weights, training=True)(self.network, x)
        return anp.mean(logsumexp(logits, axis=1) - logits[np.arange(len(y)), y])


class _Run:
    """One forward pass: hands out the weights, and the places of the running statistics, in order."""

    def __init__(self, peer: Autograd, weights: Any, training: bool) -> None:
        self.peer, self.training = peer, training
        self.weights = iter(weights)
        self.batch_norms = 0

    def __call__(self, network: net.Network, x: Any) -> Any:
        for layer in network:
            x = self._apply(layer, x)
        return x

    def _apply(self, layer: net.Layer, x: Any) -> Any:
        match layer:
            case net.Conv():
                return self._convolution(layer, x)
            case net.BatchNorm(channels):
                return self._batch_norm(channels, x)
            case net.ReLU():
                return anp.maximum(x, np.float32(0))
            case net.MaxPool(size):
                n, channels, height, width = x.shape
                x = x[:, :, : height - height % size, : width - width % size]
                blocks = anp.reshape(x, (n, channels, height // size, size, width // size, size))
                return anp.max(anp.max(blocks, axis=3), axis=4)
            case net.Flatten():
                return anp.reshape(x, (len(x), -1))
            case net.GlobalMean():
                return anp.mean(x, axis=(2, 3))
            case net.Dropout(p):
                if not self.training or p == 0:
                    return x
                mask = self.peer.random.random(x.shape, dtype=np.float32) >= p
                return x * (mask / np.float32(1 - p))
            case net.Linear():
                weight, bias = next(self.weights), next(self.weights)
                return anp.dot(x, weight.T) + bias
            case net.Residual():
                return self(layer.body, x) + self(layer.shortcut, x)

    def _convolution(self, layer: net.Conv, x: Any) -> Any:
        edge = (layer.padding, layer.padding)
        x = anp.pad(x, ((0, 0), (0, 0), edge, edge), "constant") if layer.padding else x
        turned = next(self.weights)[:, :, ::-1, ::-1]
        y = convolve(x, turned, axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")
        y = y[:, :, :: layer.stride, :: layer.stride]
        return y + anp.reshape(next(self.weights), (1, -1, 1, 1)) if layer.bias else y

    def _batch_norm(self, channels: int, x: Any) -> Any:
        scale, shift = (anp.reshape(next(self.weights), (1, -1, 1, 1)) for _ in range(2))
        mean, variance = self._statistics(channels, x)
        return (x - mean) * (scale / anp.sqrt(variance + np.float32(net.BATCH_NORM_EPSILON))) + shift

    def _statistics(self, channels: int, x: Any) -> tuple[Any, Any]:
        """Of the batch while training, the stored ones otherwise."""
        if self.batch_norms == len(self.peer.statistics):
            zeros, ones = np.zeros((1, channels, 1, 1), np.float32), np.ones((1, channels, 1, 1), np.float32)
            self.peer.statistics.append([zeros, ones])
        running = self.peer.statistics[self.batch_norms]
        self.batch_norms += 1
        if not self.training:
            return running[0], running[1]
        mean = anp.mean(x, axis=(0, 2, 3), keepdims=True)
        variance = anp.mean((x - mean) ** 2, axis=(0, 2, 3), keepdims=True)
        count, rate = x.size // channels, np.float32(net.BATCH_NORM_MOMENTUM)
        unbiased = getval(variance) * np.float32(count / (count - 1))
        for place, value in enumerate((getval(mean), unbiased)):
            running[place] = running[place] + rate * (value - running[place])
        return mean, variance
