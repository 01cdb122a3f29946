"""tinygrad_cnn: layers own their weights, the graph is recorded anew in every step, NumPy computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import networks as net
import numpy as np

import tinygrad_cnn as tc
from peers import LEARNING_RATE, MOMENTUM, Peer
from tinygrad_cnn import nn


class TinygradCNN(Peer):
    backend_options: ClassVar[dict[str, Any]] = {}

    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        tc.set_num_threads(threads)
        with self._backend():
            self.model = nn.Sequential(*map(_layer, network))
            self.optimizer = tc.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        for parameter, weight in zip(self.model.parameters(), weights, strict=True):
            parameter.assign(weight)

    def _backend(self) -> AbstractContextManager[Any]:
        return tc.use_backend("numpy", **self.backend_options)

    def batch(self, x: Any, y: Any) -> tuple[tc.Tensor, tc.Tensor]:
        with self._backend():
            return tc.tensor(x), tc.tensor(y)

    def step(self, x: tc.Tensor, y: tc.Tensor) -> float:
        with self._backend():
            self.model.train()
            self.optimizer.zero_grad()
            loss = tc.functional.cross_entropy(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            return float(loss.item())

    def predict(self, x: tc.Tensor) -> np.ndarray[Any, Any]:
        self.model.eval()
        with tc.no_grad(), self._backend():
            return self.model(x).numpy()

    def loader(self, images: Any, labels: Any, batch_size: int) -> Iterator[tuple[tc.Tensor, tc.Tensor]]:
        dataset = tc.data.ArrayDataset(images, labels)
        scale = tc.data.ToFloat()
        batches = tc.data.DataLoader(dataset, batch_size, shuffle=True, drop_last=True, transform=scale)
        while True:
            epoch = iter(batches)
            while (batch := self._next(epoch)) is not None:
                yield batch

    def _next(self, epoch: Iterator[Any]) -> Any:
        with self._backend():
            return next(epoch, None)


class Readable(TinygradCNN):
    backend_options: ClassVar[dict[str, Any]] = {"overrides": False}


class _Residual(nn.Module):
    def __init__(self, layer: net.Residual) -> None:
        super().__init__()
        self.body = nn.Sequential(*map(_layer, layer.body))
        self.shortcut = nn.Sequential(*map(_layer, layer.shortcut))

    def forward(self, x: tc.Tensor) -> tc.Tensor:
        total: tc.Tensor = self.body(x) + self.shortcut(x)
        return total


class _GlobalMean(nn.Module):
    def forward(self, x: tc.Tensor) -> tc.Tensor:
        return x.mean(dim=(2, 3))


def _layer(layer: net.Layer) -> nn.Module:
    match layer:
        case net.Conv(inputs, outputs, kernel, stride, padding, bias):
            return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=bias)
        case net.BatchNorm(channels):
            return nn.BatchNorm2d(channels)
        case net.ReLU():
            return nn.ReLU()
        case net.MaxPool(size):
            return nn.MaxPool2d(size)
        case net.Flatten():
            return nn.Flatten()
        case net.GlobalMean():
            return _GlobalMean()
        case net.Dropout(p):
            return nn.Dropout(p)
        case net.Linear(inputs, outputs):
            return nn.Linear(inputs, outputs)
        case net.Residual():
            return _Residual(layer)
