"""Images per second of a LeNet-5 training step, beside PyTorch.

    python benchmarks/train.py                    # needs `pip install torch` for the comparison
    python benchmarks/train.py --rounds 40        # narrower quartiles

Every contender starts from the same weights and sees the same batches: forward, backward, SGD with momentum.
They take turns, a few steps each, so that whatever else the machine is doing falls on all of them alike, and
are compared turn by turn: the figure to read is the median of those ratios, with its quartiles. The losses
stand beside the speeds: a fast step that computes something else would be worth nothing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_cnn as tc

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

BATCH_SIZE = 64
LEARNING_RATE = 0.005
MOMENTUM = 0.9
PAUSE = 0.1  # seconds: the threads of one contender's library go to sleep before the next one starts

Batch = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@dataclass
class Contender:
    """Something that can take a training step, and what was measured of it."""

    name: str
    step: Callable[[Any, Any], float]
    batches: Iterator[tuple[Any, Any]]
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def take_turn(self, steps: int) -> None:
        """Take `steps` steps; note the losses and the images per second."""
        batches = [next(self.batches) for _ in range(steps)]
        start = time.perf_counter()
        self.losses += [self.step(x, y) for x, y in batches]
        self.rates.append(steps * BATCH_SIZE / (time.perf_counter() - start))


def images(count: int) -> list[Batch]:
    """`count` batches of Fashion-MNIST (of the embedded part if the whole is not on this machine)."""
    try:
        dataset = tc.data.load("fashion-mnist", download=False)
    except tc.errors.DownloadError:
        dataset = tc.data.load("fashion-mini")
    print(f"{dataset.name}, batches of {BATCH_SIZE}, float32")
    x = (dataset.train.images / 255).astype(np.float32)
    y = dataset.train.labels.astype(np.int64)
    starts = [number * BATCH_SIZE % (len(x) - BATCH_SIZE) for number in range(count)]
    return [(x[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]) for start in starts]


def tinygrad_cnn_contender(
    name: str, weights: Iterable[np.ndarray[Any, Any]], batches: list[Batch], **options: Any
) -> Contender:
    """LeNet-5 on the NumPy backend, with the backend's options."""
    with tc.use_backend("numpy", **options):
        model = tc.models.LeNet5()
        optimizer = tc.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        tensors = [(tc.tensor(x), tc.tensor(y)) for x, y in batches]
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.assign(weight)

    def step(x: tc.Tensor, y: tc.Tensor) -> float:
        with tc.use_backend("numpy", **options):
            optimizer.zero_grad()
            loss = tc.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return float(loss.item())

    return Contender(name, step, iter(tensors))


def torch_contender(weights: Iterable[np.ndarray[Any, Any]], batches: list[Batch], threads: int) -> Contender:
    """The same network in PyTorch, eager."""
    torch.set_num_threads(threads)
    nn = torch.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(weight))
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    tensors = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]
    return Contender(f"PyTorch {torch.__version__}, eager", step, iter(tensors))


def quartiles(values: list[float], digits: int) -> str:
    """Median and, in brackets, first and third quartile."""
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return f"{median:,.{digits}f} ({first:,.{digits}f} .. {third:,.{digits}f})"


def report(contenders: list[Contender], peer: Contender | None, steps: int) -> None:
    """One row a contender: speed, speed in parts of PyTorch's, last loss, how far the first losses are apart.

    Only the first `steps` of them, since training multiplies a difference in rounding with every step.
    """
    print(f"{'':32}{'images/s':>26}{'of PyTorch':>24}{'last loss':>12}{'first apart':>13}")
    for contender in contenders:
        row = f"{contender.name:32}{quartiles(contender.rates, 0):>26}"
        if peer is not None:
            ratios = [mine / other for mine, other in zip(contender.rates, peer.rates, strict=True)]
            row += f"{quartiles(ratios, 2):>24}"
        else:
            row += f"{'(not installed)':>24}"
        reference = contenders[0] if peer is None else peer
        pairs = zip(contender.losses[:steps], reference.losses, strict=False)
        apart = max(abs(mine - other) for mine, other in pairs)
        print(f"{row}{contender.losses[-1]:>12.4f}{apart:>13.0e}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Images per second of a LeNet-5 training step.")
    parser.add_argument("--rounds", type=int, default=15, help="how often each contender has its turn")
    parser.add_argument("--steps", type=int, default=10, help="training steps in one turn")
    parser.add_argument("--threads", type=int, default=2, help="threads for everybody")
    options = parser.parse_args()

    tc.set_num_threads(options.threads)
    batches = images((options.rounds + 1) * options.steps)
    tc.manual_seed(0)
    weights = [parameter.numpy().copy() for parameter in tc.models.LeNet5().parameters()]
    contenders = [
        tinygrad_cnn_contender("tinygrad_cnn, fast kernels", weights, batches),
        tinygrad_cnn_contender("tinygrad_cnn, readable kernels", weights, batches, overrides=False),
    ]
    peer = None
    if torch is not None:
        peer = torch_contender(weights, batches, options.threads)
        contenders.append(peer)

    for turn in range(options.rounds + 1):
        for contender in contenders:
            time.sleep(PAUSE)
            contender.take_turn(options.steps)
            if turn == 0:
                contender.rates.clear()  # the first turn warms up
    report(contenders, peer, options.steps)


if __name__ == "__main__":
    main()
