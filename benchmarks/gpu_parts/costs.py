"""What a training step costs at the very least: its arithmetic, and what has to go through memory.

    arithmetic   2 operations for each product of a convolution or linear layer, forward; twice that backward,
                 for the gradients of the input and of the weight. (Images need no gradient.)
    memory       each layer reads its input and writes its output; backward it reads the output's gradient
                 and what it has kept of its input, and writes the input's gradient. ReLU costs nothing,
                 because it can be done while its input is written. Weights: read twice, their gradient
                 written and read, they and their momentum read and written.

No step gets by with less unless it fuses more than that, so these are what its time is compared with.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import NamedTuple, TypeAlias

import networks as net
from workloads import Workload

Shape: TypeAlias = tuple[int, ...]

_WEIGHT_PASSES = 8  # read in forward and backward; gradient written, read; weight and momentum read, written


class Cost(NamedTuple):
    """Floating-point operations and bytes of one training step."""

    operations: int
    bytes: int


class _Passed(NamedTuple):
    """A layer, and the shapes of one image before and after it."""

    layer: net.Layer
    before: Shape
    after: Shape


def of_step(workload: Workload, *, itemsize: int = 4) -> Cost:
    """What a step of this workload costs; `itemsize` is that of the numbers between layers."""
    operations = numbers = weights = 0
    is_first = True
    for layer, before, after in _passed(workload.network, workload.image):
        products, parameters = _products(layer, after)
        operations += 2 * products * (2 if is_first else 3)
        if not isinstance(layer, (net.ReLU, net.Flatten, net.Dropout)):
            forward = prod(before) + prod(after)
            backward = prod(after) + prod(before) * (1 if is_first else 2)
            numbers += forward + backward
            is_first = False
        weights += parameters
    images = workload.batch
    return Cost(images * operations, itemsize * images * numbers + 4 * _WEIGHT_PASSES * weights)


def _products(layer: net.Layer, after: Shape) -> tuple[int, int]:
    """Multiplications for one image, forward; and the number of parameters."""
    match layer:
        case net.Conv(inputs, outputs, kernel):
            weights = inputs * outputs * kernel**2
            return weights * prod(after[1:]), weights + outputs * layer.bias
        case net.Linear(inputs, outputs):
            return inputs * outputs, (inputs + 1) * outputs
        case net.BatchNorm(channels):
            return 0, 2 * channels
    return 0, 0


def _passed(network: net.Network, shape: Shape) -> Iterator[_Passed]:
    """Every layer with its shapes; the sum of a residual block stands as the block itself."""
    for layer in network:
        if isinstance(layer, net.Residual):
            inside = list(_passed(layer.body, shape))
            yield from inside
            yield from _passed(layer.shortcut, shape)
            shape = inside[-1].after
            yield _Passed(layer, shape, shape)
        else:
            after = _after(layer, shape)
            yield _Passed(layer, shape, after)
            shape = after


def _after(layer: net.Layer, shape: Shape) -> Shape:
    match layer:
        case net.Conv(_, outputs, kernel, stride, padding):
            return outputs, *((size + 2 * padding - kernel) // stride + 1 for size in shape[1:])
        case net.MaxPool(size):
            return shape[0], *(places // size for places in shape[1:])
        case net.Flatten():
            return (prod(shape),)
        case net.GlobalMean():
            return shape[:1]
        case net.Linear(_, outputs):
            return (outputs,)
    return shape
