"""The computation graph that the lecture draws first: two layers, one row of boxes.

    python examples/graph_slide.py            writes its pictures beside this file
    python examples/graph_slide.py FOLDER     writes them into a folder

    v = W1 x        W1: 4 × 10 zeros, x: 10 × 1
    h = σ(v)
    z = W2 h        W2: 2 × 4 zeros
    ŷ = softmax(z)

The steps are called as TensorFlow calls its operations. Softmax consists of several, so it is a name scope,
closed on the slide; its box opens in the second picture. Nobody has learned anything yet: every class gets ½.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F


def two_layers() -> tc.Graph:
    """The graph of ŷ, with all its values."""
    with tc.record():
        x = tc.tensor([[float(row)] for row in range(10)], name="x")
        weights1 = tc.tensor([[0.0] * 10] * 4, requires_grad=True, name="W1")
        weights2 = tc.tensor([[0.0] * 4] * 2, requires_grad=True, name="W2")
        v = weights1 @ x
        h = F.sigmoid(v)
        z = weights2 @ h
        with tc.name_scope("Softmax"):
            powers = z.exp()
            predicted = powers / powers.sum(0, keepdim=True)
    v.name, h.name, z.name, predicted.name = "MatMul", "Sigmoid", "MatMul_1", "ŷ"
    return tc.Graph.of(predicted)


def main(folder: Path) -> None:
    """Draw the graph, once closed as on the slide and once open with its values."""
    graph = two_layers()
    graph.render(folder / "graph_slide.svg", fold="Softmax")
    graph.render(folder / "graph_slide_values.svg", values=True)
    print(f"pictures: {folder.resolve()}/graph_slide*.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
