"""DeZero: layers own their weights, the graph is recorded anew in every step, NumPy computes.

DeZero's backward pass multiplies by Python numbers it has turned into float64 arrays; under NumPy 2 such a
product is float64. So the gradient is brought back to float32 right below the loss, which its own code does
not do: without this line DeZero would be half as fast as it can be.
"""

from __future__ import annotations

from typing import Any

import networks as net
import numpy as np

np.int = int  # type: ignore[attr-defined]  # gone from NumPy 1.24 on; DeZero was written before

import dezero  # noqa: E402
import dezero.functions as F  # noqa: E402
import dezero.layers as L  # noqa: E402
from dezero.optimizers import MomentumSGD  # noqa: E402

from peers import LEARNING_RATE, MOMENTUM, Peer  # noqa: E402


class DeZero(Peer):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        self.model = _Sequence(network, iter(weights))
        self.optimizer = MomentumSGD(LEARNING_RATE, MOMENTUM).setup(self.model)

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        return x, y

    def step(self, x: Any, y: Any) -> float:
        loss = F.softmax_cross_entropy(_Float32()(self.model(x)), y)
        self.model.cleargrads()
        loss.backward()
        self.optimizer.update()
        return float(loss.data)

    def predict(self, x: Any) -> np.ndarray[Any, Any]:
        with dezero.test_mode(), dezero.no_grad():
            return np.asarray(self.model(x).data)


class _Float32(dezero.Function):
    """The identity; what flows back through it is float32 again."""

    def forward(self, x: Any) -> Any:
        return x

    def backward(self, gradient: Any) -> Any:
        return dezero.Variable(gradient.data.astype(np.float32))


class _Sequence(dezero.Model):
    """Layers one after the other; DeZero finds parameters among the attributes, so layers get names."""

    def __init__(self, network: net.Network, weights: Any) -> None:
        super().__init__()
        self.layers = []
        for number, description in enumerate(network):
            layer = _layer(description, weights)
            setattr(self, f"layer{number}", layer)
            self.layers.append(layer)

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


class _Residual(dezero.Model):
    def __init__(self, layer: net.Residual, weights: Any) -> None:
        super().__init__()
        self.body = _Sequence(layer.body, weights)
        self.shortcut = _Sequence(layer.shortcut, weights)

    def forward(self, x: Any) -> Any:
        return self.body(x) + self.shortcut(x)


class _BatchNorm(L.BatchNorm):
    """The library's, with the ε of everybody else (its own is 2e-5)."""

    def __init__(self, channels: int, weights: Any) -> None:
        super().__init__()
        self.gamma.data, self.beta.data = next(weights).copy(), next(weights).copy()
        self.avg_mean.data, self.avg_var.data = np.zeros(channels, np.float32), np.ones(channels, np.float32)

    def __call__(self, x: Any) -> Any:
        decay = 1 - net.BATCH_NORM_MOMENTUM
        running = (self.avg_mean.data, self.avg_var.data)
        return F.batch_nrom(x, self.gamma, self.beta, *running, decay, net.BATCH_NORM_EPSILON)


def _layer(layer: net.Layer, weights: Any) -> Any:
    """A layer with its weights, or a function where there are none."""
    match layer:
        case net.Conv(inputs, outputs, kernel, stride, padding, bias):
            made = L.Conv2d(outputs, kernel, stride, padding, nobias=not bias, in_channels=inputs)
            made.W.data = next(weights).copy()
            if bias:
                made.b.data = next(weights).copy()
            return made
        case net.BatchNorm(channels):
            return _BatchNorm(channels, weights)
        case net.ReLU():
            return F.relu
        case net.MaxPool(size):
            return lambda x: F.pooling(x, size, stride=size)
        case net.Flatten():
            return F.flatten
        case net.GlobalMean():
            return lambda x: F.sum(F.sum(x, axis=3), axis=2) * np.float32(1 / (x.shape[2] * x.shape[3]))
        case net.Dropout(p):
            return lambda x: F.dropout(x, p)
        case net.Linear(inputs, outputs):
            made = L.Linear(outputs, in_size=inputs)
            made.W.data, made.b.data = next(weights).T.copy(), next(weights).copy()
            return made
        case net.Residual():
            return _Residual(layer, weights)
