"""The scalar engine against micrograd, on micrograd's own demo: a small MLP tells two moons apart.

    pip install micrograd
    python benchmarks/scalar.py

Three ways to the same numbers, from the same weights, in turns so that all see the same machine: micrograd's
Value; our Scalar, on the same network written with single numbers; and our tensors on the scalar backend,
where the network is three matrix products and their graph is one of Scalars all the same. 100 points,
2-16-16-1 neurons, the hinge loss and weight decay of the demo. Each prints seconds per training step.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from math import cos, pi, sin
from typing import Any

import tinygrad_cnn as tc
from tinygrad_cnn_backends.scalar import Scalar

POINTS, SIZES, DECAY = 100, (2, 16, 16, 1), 1e-4
STEPS, ROUNDS = 2, 5


def two_moons() -> tuple[list[list[float]], list[int]]:
    """Two half circles that reach into each other, a little shaken, with labels −1 and 1."""
    generator = random.Random(1337)
    points, labels = [], []
    for number in range(POINTS):
        angle, upper = pi * generator.random(), number % 2 == 0
        x, y = (cos(angle), sin(angle)) if upper else (1 - cos(angle), 0.5 - sin(angle))
        points.append([x + generator.gauss(0, 0.1), y + generator.gauss(0, 0.1)])
        labels.append(1 if upper else -1)
    return points, labels


def first_weights() -> list[list[list[float]]]:
    """For every layer, for every neuron, its weights."""
    generator = random.Random(1337)
    return [
        [[generator.uniform(-1, 1) for _ in range(inputs)] for _ in range(neurons)]
        for inputs, neurons in pairwise(SIZES)
    ]


def with_numbers(number: Callable[[float], Any], value: str) -> Callable[[], float]:
    """Train with an engine of single numbers; `value` is what it calls a number's value."""
    points, labels = two_moons()
    weights = [[[number(w) for w in row] for row in layer] for layer in first_weights()]
    biases = [[number(0.0) for _ in layer] for layer in weights]
    parameters = [w for layer in weights for row in layer for w in row] + [
        b for layer in biases for b in layer
    ]
    rates = iter(1.0 - 0.9 * step / 100 for step in range(100))

    def network(x: list[Any]) -> Any:
        for depth, (layer, bias) in enumerate(zip(weights, biases, strict=True)):
            x = [
                sum((w * v for w, v in zip(row, x, strict=True)), b)
                for row, b in zip(layer, bias, strict=True)
            ]
            if depth < len(weights) - 1:
                x = [v.relu() for v in x]
        return x[0]

    def step() -> float:
        scores = [network([number(v) for v in point]) for point in points]
        hinge = sum((1 + -label * score).relu() for label, score in zip(labels, scores, strict=True))
        loss = hinge * (1.0 / POINTS) + DECAY * sum(p * p for p in parameters)
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()
        rate = next(rates)
        for parameter in parameters:
            setattr(parameter, value, getattr(parameter, value) - rate * parameter.grad)
        return float(getattr(loss, value))

    return step


def with_tensors() -> Callable[[], float]:
    """Train with tensors on the scalar backend: the same graph of numbers, built by matrix products."""
    points, labels = two_moons()
    options: dict[str, Any] = {"dtype": "float64", "backend": "scalar"}
    weights = [tc.tensor(layer, **options) for layer in first_weights()]
    biases = [tc.zeros(neurons, **options) for neurons in SIZES[1:]]
    parameters = [*weights, *biases]
    x, y = tc.tensor(points, **options), tc.tensor(labels, **options)
    rates = iter(1.0 - 0.9 * step / 100 for step in range(100))

    def step() -> float:
        h = x
        for depth, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            h = h @ weight.T + bias
            if depth < len(weights) - 1:
                h = h.relu()
        loss = (1 - y * h[:, 0]).relu().mean()
        for parameter in parameters:
            loss = loss + DECAY * (parameter * parameter).sum()
        loss.array.item().backward()
        rate = next(rates)
        for parameter in parameters:
            gradient = tc.tensor([n.grad for n in parameter.array.flat], **options).reshape(parameter.shape)
            parameter.assign(parameter - rate * gradient)
        return loss.item()

    return step


def measure(rounds: int = ROUNDS) -> tuple[dict[str, list[float]], float]:
    """Seconds per step of each engine, round by round, and the loss that all of them end with."""
    ways = {"our Scalar": with_numbers(Scalar, "value"), "our tensors": with_tensors()}
    if find_spec("micrograd") is not None:
        from micrograd.engine import Value

        ways["micrograd"] = with_numbers(Value, "data")
    times: dict[str, list[float]] = {name: [] for name in ways}
    losses: dict[str, float] = {}
    for _ in range(rounds):
        for name, step in ways.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                losses[name] = step()
            times[name].append((time.perf_counter() - start) / STEPS)
    assert max(losses.values()) - min(losses.values()) < 1e-9, losses  # all have done the same work
    return times, losses["our Scalar"]


def main() -> None:
    times, loss = measure()
    print(f"loss {loss:.6f} after {STEPS * ROUNDS} steps, with every engine")
    reference = times.get("micrograd")
    for name, seconds in times.items():
        ratios = [theirs / ours for theirs, ours in zip(reference or [], seconds, strict=False)]
        beside = (
            f", {statistics.median(ratios):.2f} × micrograd's speed ({min(ratios):.2f}-{max(ratios):.2f})"
            if ratios
            else ""
        )
        print(f"{name:12} {statistics.median(seconds) * 1e3:7.1f} ms a step{beside}")


if __name__ == "__main__":
    main()
