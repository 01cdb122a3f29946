"""Logistic regression by single numbers, as on the blackboard: every path of b1, and one step of learning.

    python examples/logistic_regression.py            prints the chain rule, writes pictures beside this file
    python examples/logistic_regression.py FOLDER     writes them into a folder

Two inputs, two classes:

    z = W x + b,    h = exp(z),    H = h1 + h2,    ŷ = h / H,    L = −Σ y · ln ŷ

From b1 a change reaches L on every path there is: through h1 directly, and through H, which divides both
predictions. Along a path the local derivatives multiply, and what arrives on all paths adds up:

    ∂L/∂b1 = −y1 + y1 · h1/H + y2 · h1/H = ŷ1 − y1
"""

from __future__ import annotations

import sys
from pathlib import Path

import tinygrad_cnn as tc

WEIGHTS = [[0.65, 1.19], [0.69, -0.92]]
SAMPLES = [([0.2, 0.7], [1.0, 0.0]), ([0.8, 0.1], [0.0, 1.0]), ([0.3, 0.5], [1.0, 0.0])]
LEARNING_RATE = 0.1


def loss_graph(x: list[float], y: list[float]) -> tc.Graph:
    """The graph of the loss of one sample, with all its values, in float64."""
    with tc.record():
        inputs, target = tc.tensor(x, dtype="float64", name="x"), tc.tensor(y, dtype="float64", name="y")
        weights = tc.tensor(WEIGHTS, dtype="float64", requires_grad=True, name="W")
        bias = tc.tensor([0.0, 0.0], dtype="float64", requires_grad=True, name="b")
        z = weights @ inputs + bias
        h = z.exp()
        total = h.sum()
        predicted = h / total
        loss = -(target * predicted.log()).sum()
    z.name, h.name, total.name, predicted.name, loss.name = "z", "h", "H", "ŷ", "L"
    return tc.Graph.of(loss)


def slope(x: list[float], y: list[float]) -> float:
    """∂L/∂b1 of one sample: the sum over all paths from b1 to L."""
    return loss_graph(x, y).element().paths("b[0]").total


def main(folder: Path) -> None:
    """Follow b1 through the graph of the first sample, then take one step over all three."""
    numbers = loss_graph(*SAMPLES[0]).element()
    paths = numbers.paths("b[0]")
    print(paths)
    numbers.render(folder / "logistic_regression_forward.svg")
    numbers.render(folder / "logistic_regression_paths.svg", highlight=paths)
    numbers.render(folder / "logistic_regression_backward.svg", gradients=True)

    slopes = [slope(x, y) for x, y in SAMPLES]
    b1 = -LEARNING_RATE * sum(slopes) / len(slopes)
    print(f"∂L/∂b1 of the three samples: {', '.join(f'{each:.2f}' for each in slopes)}")
    print(f"one step with α = {LEARNING_RATE}: b1 = {b1:.3f}")
    print(f"pictures: {folder.resolve()}/logistic_regression*.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
