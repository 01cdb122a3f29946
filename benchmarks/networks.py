"""The networks of the benchmark, described as data: each peer builds them in its own words.

A network is a sequence of layers. The five of the benchmark are those of `tinygrad_cnn.models` (a test holds
them equal). Two are for GPUs: FASHION_CNN, to reach 93 % on Fashion-MNIST, and RESNET18 in the form for small
images, whose stem is one 3 × 3 convolution with no pooling after it. The others are made for questions such
as "how does the time grow with the depth?". Weights come from NumPy, so that everybody starts from the same
ones, in the layout and order of PyTorch: convolutions (out, in, height, width), linear layers (out, in), a
layer's weight before its bias.

Nothing is imported but the standard library until weights are wanted: the process that compares the others
stays small.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod, sqrt
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Conv:
    """A 2-d convolution with square windows."""

    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    bias: bool = True


@dataclass(frozen=True)
class BatchNorm:
    """Over N, H and W, with ε = 1e-5 and running statistics that move by 0.1."""

    channels: int


@dataclass(frozen=True)
class ReLU:
    """max(x, 0)."""


@dataclass(frozen=True)
class MaxPool:
    """Windows of size × size that do not overlap."""

    size: int = 2


@dataclass(frozen=True)
class Flatten:
    """All but the batch into one axis."""


@dataclass(frozen=True)
class GlobalMean:
    """The mean over all places: (N, C, H, W) → (N, C)."""


@dataclass(frozen=True)
class Dropout:
    """Zeros with probability p while training, the rest divided by 1 − p."""

    p: float


@dataclass(frozen=True)
class Linear:
    """x Wᵀ + b."""

    in_features: int
    out_features: int


@dataclass(frozen=True)
class Residual:
    """body(x) + shortcut(x); an empty shortcut is x itself."""

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()


Layer: TypeAlias = Conv | BatchNorm | ReLU | MaxPool | Flatten | GlobalMean | Dropout | Linear | Residual
Network: TypeAlias = tuple[Layer, ...]

BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM = 1e-5, 0.1

# --- those of the benchmark -----------------------------------------------------------------------


def _conv3(in_channels: int, out_channels: int, stride: int = 1) -> tuple[Layer, ...]:
    """What modern networks are made of: a 3 × 3 convolution and batch normalization."""
    return Conv(in_channels, out_channels, 3, stride, padding=1, bias=False), BatchNorm(out_channels)


def _block(in_channels: int, channels: int, stride: int) -> tuple[Layer, ...]:
    """A block of ResNet: learns what to add to its input."""
    body = (*_conv3(in_channels, channels, stride), ReLU(), *_conv3(channels, channels))
    shortcut: tuple[Layer, ...] = ()
    if in_channels != channels:
        shortcut = (Conv(in_channels, channels, 1, stride, bias=False), BatchNorm(channels))
    return Residual(body, shortcut), ReLU()


LENET5: Network = (
    *(Conv(1, 6, 5, padding=2), ReLU(), MaxPool()),
    *(Conv(6, 16, 5), ReLU(), MaxPool(), Flatten()),
    *(Linear(400, 120), ReLU(), Linear(120, 84), ReLU(), Linear(84, 10)),
)
MLP: Network = (Flatten(), Linear(784, 256), ReLU(), Linear(256, 128), ReLU(), Linear(128, 10))
SMALL_CNN: Network = (
    *(*_conv3(1, 32), ReLU(), MaxPool()),
    *(*_conv3(32, 64), ReLU(), MaxPool(), Flatten()),
    *(Linear(3136, 128), ReLU(), Dropout(0.5), Linear(128, 10)),
)
SMALL_VGG: Network = (
    *(*_conv3(3, 32), ReLU(), *_conv3(32, 32), ReLU(), MaxPool()),
    *(*_conv3(32, 64), ReLU(), *_conv3(64, 64), ReLU(), MaxPool()),
    *(*_conv3(64, 128), ReLU(), *_conv3(128, 128), ReLU(), MaxPool()),
    *(Flatten(), Linear(2048, 10)),
)
RESNET20: Network = (
    *(*_conv3(3, 16), ReLU()),
    *(*_block(16, 16, 1), *_block(16, 16, 1), *_block(16, 16, 1)),
    *(*_block(16, 32, 2), *_block(32, 32, 1), *_block(32, 32, 1)),
    *(*_block(32, 64, 2), *_block(64, 64, 1), *_block(64, 64, 1)),
    *(GlobalMean(), Linear(64, 10)),
)
FASHION_CNN: Network = (
    *(*_conv3(1, 32), ReLU(), *_conv3(32, 64), ReLU(), MaxPool()),
    *(*_conv3(64, 128), ReLU(), MaxPool(), *_conv3(128, 128), ReLU()),
    *(GlobalMean(), Linear(128, 10)),
)
RESNET18: Network = (
    *(*_conv3(3, 64), ReLU()),
    *(*_block(64, 64, 1), *_block(64, 64, 1)),
    *(*_block(64, 128, 2), *_block(128, 128, 1)),
    *(*_block(128, 256, 2), *_block(256, 256, 1)),
    *(*_block(256, 512, 2), *_block(512, 512, 1)),
    *(GlobalMean(), Linear(512, 10)),
)


def plain(depth: int, width: int) -> Network:
    """`depth` 3 × 3 convolutions of `width` channels on grey images of any size: a network to stretch."""
    channels = (1, *(width for _ in range(depth)))
    layers = [layer for before, after in pairwise(channels) for layer in (*_conv3(before, after), ReLU())]
    return (*layers, GlobalMean(), Linear(width, 10))


def without_dropout(network: Network) -> Network:
    """The same network, with nothing left to chance: now the losses of two peers can be compared."""
    return tuple(replace(layer, p=0.0) if isinstance(layer, Dropout) else layer for layer in network)


# --- weights --------------------------------------------------------------------------------------


def _parameters(network: Network) -> Iterator[tuple[tuple[int, ...], float]]:
    """The shape of each parameter, in PyTorch's order, and the mean of its first values."""
    for layer in network:
        match layer:
            case Conv():
                yield (layer.out_channels, layer.in_channels, layer.kernel_size, layer.kernel_size), 0.0
                if layer.bias:
                    yield (layer.out_channels,), 0.0
            case BatchNorm():
                yield (layer.channels,), 1.0
                yield (layer.channels,), 0.0
            case Linear():
                yield (layer.out_features, layer.in_features), 0.0
                yield (layer.out_features,), 0.0
            case Residual():
                yield from _parameters((*layer.body, *layer.shortcut))


def first_weights(network: Network, seed: int = 0) -> list[Any]:
    """Float32 arrays to start from: He's normal distribution; vectors are a little off their mean.

    (Off it, because a peer that forgot a bias which is all zeros would go unnoticed.)
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    return [
        generator.normal(mean, sqrt(2 / prod(shape[1:])) if len(shape) > 1 else 0.05, shape).astype(
            np.float32
        )
        for shape, mean in _parameters(network)
    ]
