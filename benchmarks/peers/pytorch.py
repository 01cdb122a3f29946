"""PyTorch: layers own their weights; eager records a graph in every step, torch.compile compiles it once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import networks as net
import torch
from epochs import Recipe
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
from workloads import TEST, TRAIN, read

from peers import LEARNING_RATE, MOMENTUM, Peer


class PyTorch(Peer):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        torch.set_num_threads(threads)
        self.model: Any = network_of(network)
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


# --- training from the files to the accuracy, see epochs.py ---------------------------------------


def learn(recipe: Recipe, *, seed: int, threads: int) -> Iterator[float]:
    """The fast way with a dataset that fits into memory: a batch is a tensor indexed with numbers."""

    def batches(images: Any, labels: Any) -> Iterator[tuple[Any, Any]]:
        for chosen in torch.randperm(len(images)).split(recipe.batch_size):
            yield images[chosen], labels[chosen]

    return _learn(recipe, batches, seed, threads)


def learn_from_loader(recipe: Recipe, *, seed: int, threads: int) -> Iterator[float]:
    """The way of the tutorials: a DataLoader, which collects a batch image by image."""

    def batches(images: Any, labels: Any) -> Iterator[tuple[Any, Any]]:
        yield from DataLoader(TensorDataset(images, labels), recipe.batch_size, shuffle=True)

    return _learn(recipe, batches, seed, threads)


def _learn(recipe: Recipe, batches: Callable[..., Any], seed: int, threads: int) -> Iterator[float]:
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    train_x, train_y = map(torch.tensor, read(recipe.folder, TRAIN))
    test_x, test_y = map(torch.tensor, read(recipe.folder, TEST))
    train_x, test_x = ((x.float() / 255 - recipe.mean) / recipe.std for x in (train_x, test_x))
    model = network_of(net.LENET5)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        epochs=recipe.epochs,
        steps_per_epoch=-(-len(train_x) // recipe.batch_size),
        cycle_momentum=False,
    )
    for _ in range(recipe.epochs):
        model.train()
        total = 0.0
        for x, y in batches(train_x, train_y):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(y)  # everybody watches the loss
        model.eval()
        with torch.inference_mode():
            guesses = torch.cat([model(x).argmax(1) for x in test_x.split(recipe.test_batch_size)])
        yield float((guesses == test_y).float().mean())


# --- from descriptions to layers ------------------------------------------------------------------


def network_of(network: net.Network) -> nn.Sequential:
    """The layers, one after the other."""
    return nn.Sequential(*map(_layer, network))


class _Residual(nn.Module):
    def __init__(self, layer: net.Residual) -> None:
        super().__init__()
        self.body = network_of(layer.body)
        self.shortcut = network_of(layer.shortcut)

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
