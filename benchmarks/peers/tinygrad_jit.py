"""tinygrad: layers own their weights; nothing is computed until a result is wanted, and TinyJit replays it.

It compiles with clang, which has to be on the path (`environment.py` takes care of that).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networks as net
import numpy as np
from tinygrad import Context, Tensor, TinyJit, nn
from tinygrad.nn.optim import SGD

from peers import LEARNING_RATE, MOMENTUM, Peer


class Tinygrad(Peer):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        values = iter(weights)
        self.layers = [_layer(layer, values) for layer in network]
        parameters = nn.state.get_parameters(self.layers)
        self.optimizer = SGD(parameters, lr=LEARNING_RATE, momentum=MOMENTUM)
        self._step = TinyJit(self._train)
        self._predict = TinyJit(lambda x: x.sequential(self.layers).realize())

    def _train(self, x: Tensor, y: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        loss = x.sequential(self.layers).sparse_categorical_crossentropy(y).backward()
        return loss.realize(*self.optimizer.schedule_step())

    def batch(self, x: Any, y: Any) -> tuple[Tensor, Tensor]:
        return Tensor(x).realize(), Tensor(y.astype(np.int32)).realize()

    def step(self, x: Tensor, y: Tensor) -> float:
        with Context(TRAINING=1):
            return float(self._step(x, y).item())

    def predict(self, x: Tensor) -> np.ndarray[Any, Any]:
        return np.asarray(self._predict(x).numpy())


class _Residual:
    def __init__(self, layer: net.Residual, values: Iterator[Any]) -> None:
        self.body = [_layer(each, values) for each in layer.body]
        self.shortcut = [_layer(each, values) for each in layer.shortcut]

    def __call__(self, x: Tensor) -> Tensor:
        return x.sequential(self.body) + x.sequential(self.shortcut)


def _layer(layer: net.Layer, values: Iterator[Any]) -> Any:
    """A layer with its weights, or a function where there are none."""
    match layer:
        case net.Conv(inputs, outputs, kernel, stride, padding, bias):
            return _filled(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=bias), values)
        case net.BatchNorm(channels):
            return _filled(nn.BatchNorm(channels), values)
        case net.ReLU():
            return Tensor.relu
        case net.MaxPool(size):
            return lambda x: x.max_pool2d((size, size))
        case net.Flatten():
            return lambda x: x.flatten(1)
        case net.GlobalMean():
            return lambda x: x.mean(axis=(2, 3))
        case net.Dropout(p):
            return lambda x: x.dropout(p)
        case net.Linear(inputs, outputs):
            return _filled(nn.Linear(inputs, outputs), values)
        case net.Residual():
            return _Residual(layer, values)


def _filled(layer: Any, values: Iterator[Any]) -> Any:
    layer.weight = Tensor(next(values))
    if layer.bias is not None:
        layer.bias = Tensor(next(values))
    return layer
