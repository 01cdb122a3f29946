"""tinygrad_cnn: layers own their weights; the graph is recorded anew in every step, or the step is captured.

NumPy computes. `Captured` is how a training loop should be written; beside it stand the same loop without
`tc.capture`, and with the kernels that the lessons read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import networks as net
import numpy as np
from epochs import Recipe

import tinygrad_cnn as tc
from peers import LEARNING_RATE, MOMENTUM, Peer
from tinygrad_cnn import nn


class TinygradCNN(Peer):
    """As one writes it first: every step records its graph, and forgets it."""

    backend_options: ClassVar[dict[str, Any]] = {}

    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        tc.set_num_threads(threads)
        with self._backend():
            self.model = network_of(network)
            self.optimizer = tc.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        for parameter, weight in zip(self.model.parameters(), weights, strict=True):
            parameter.assign(weight)
        self.train_step: Callable[..., tc.Tensor] = self._train_step
        self.forward: Callable[..., tc.Tensor] = self._forward

    def _backend(self) -> AbstractContextManager[Any]:
        return tc.use_backend("numpy", **self.backend_options)

    def _train_step(self, x: tc.Tensor, y: tc.Tensor) -> tc.Tensor:
        self.optimizer.zero_grad()
        loss = tc.functional.cross_entropy(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def _forward(self, x: tc.Tensor) -> tc.Tensor:
        return self.model(x)

    def batch(self, x: Any, y: Any) -> tuple[tc.Tensor, tc.Tensor]:
        with self._backend():
            return tc.tensor(x), tc.tensor(y)

    def step(self, x: tc.Tensor, y: tc.Tensor) -> float:
        self.model.train()
        with self._backend():
            return float(self.train_step(x, y).item())

    def predict(self, x: tc.Tensor) -> np.ndarray[Any, Any]:
        self.model.eval()
        with tc.no_grad(), self._backend():
            return self.forward(x).numpy()

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
    """With the kernels that the lessons read."""

    backend_options: ClassVar[dict[str, Any]] = {"overrides": False}


class Captured(TinygradCNN):
    """The same functions, recorded once and replayed: what `tc.Trainer` does."""

    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        super().__init__(network, weights, threads=threads)
        self.train_step = tc.capture(self._train_step)
        self.forward = tc.capture(self._forward)


class Exact(Captured):
    """Without Winograd's convolutions, which round a little more."""

    backend_options: ClassVar[dict[str, Any]] = {"exact": True}


def learn(recipe: Recipe, *, seed: int, threads: int) -> Iterator[float]:
    """From the files to the accuracy after each epoch, see epochs.py."""
    tc.set_num_threads(threads)
    tc.manual_seed(seed)
    fashion = tc.data.load(recipe.dataset, root=recipe.folder)
    train_loader = tc.data.DataLoader(
        fashion.train, recipe.batch_size, shuffle=True, seed=seed, transform=fashion.standardize
    )
    test_loader = tc.data.DataLoader(fashion.test, recipe.test_batch_size, transform=fashion.standardize)
    yield from accuracies(recipe, network_of(net.LENET5), train_loader, test_loader)


def accuracies(
    recipe: Any, model: Any, train_loader: Any, test_loader: Any, **options: Any
) -> Iterator[float]:
    """The test accuracy after each epoch of a recipe; options are those of the Trainer."""
    optimizer = tc.optim.SGD(
        model.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    schedule = tc.optim.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        epochs=recipe.epochs,
        steps_per_epoch=len(train_loader),
        cycle_momentum=False,
    )
    trainer = tc.Trainer(model, optimizer, scheduler=schedule, progress=False, **options)
    for epoch in range(recipe.epochs):
        history = trainer.fit(train_loader, test_loader, epochs=epoch + 1)
        yield history["test_accuracy"][-1]


# --- from descriptions to layers ------------------------------------------------------------------


def network_of(network: net.Network) -> nn.Sequential:
    """The layers, one after the other."""
    return nn.Sequential(*map(_layer, network))


class _Residual(nn.Module):
    def __init__(self, layer: net.Residual) -> None:
        super().__init__()
        self.body = network_of(layer.body)
        self.shortcut = network_of(layer.shortcut)

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
