"""PyTorch: layers own their weights; eager records a graph in every step, torch.compile compiles it once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import networks as net
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from peers import LEARNING_RATE, MOMENTUM, Peer


class PyTorch(Peer):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        torch.set_num_threads(threads)
        self.model: Any = nn.Sequential(*map(_layer, network))
        with torch.no_grad():
            for parameter, weight in zip(self.model.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(weight))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        return torch.from_numpy(x), torch.from_numpy(y)

    def step(self, x: Any, y: Any) -> float:
        self.model.train()
        self.optimizer.zero_grad()
        loss = nn.functional.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    def predict(self, x: Any) -> Any:
        self.model.eval()
        with torch.inference_mode():
            return self.model(x).numpy()

    def loader(self, images: Any, labels: Any, batch_size: int) -> Iterator[tuple[Any, Any]]:
        """A whole batch by one index: the fast way. To collect single images is far slower."""
        dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
        order = BatchSampler(RandomSampler(dataset), batch_size, drop_last=True)
        batches = DataLoader(dataset, sampler=order, batch_size=None)
        while True:
            for x, y in batches:
                yield x.float() / 255, y


class Compiled(PyTorch):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        super().__init__(network, weights, threads=threads)
        self.model = torch.compile(self.model)


class _Residual(nn.Module):
    def __init__(self, layer: net.Residual) -> None:
        super().__init__()
        self.body = nn.Sequential(*map(_layer, layer.body))
        self.shortcut = nn.Sequential(*map(_layer, layer.shortcut))

    def forward(self, x: Any) -> Any:
        return self.body(x) + self.shortcut(x)


class _GlobalMean(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.mean(dim=(2, 3))


def _layer(layer: net.Layer) -> nn.Module:
    match layer:
        case net.Conv(inputs, outputs, kernel, stride, padding, bias):
            return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=bias)
        case net.BatchNorm(channels):
            return nn.BatchNorm2d(channels)
        case net.ReLU():
            return nn.ReLU(inplace=True)
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
