"""How a convolution learns: a 3 × 3 input, a 2 × 2 kernel, and every single number between them.

    python examples/convolution_backward.py            prints the equations, writes pictures beside this file
    python examples/convolution_backward.py FOLDER     writes them into a folder

Forward, each output is the sum of four products:

    O00 = x00·f00 + x01·f01 + x10·f10 + x11·f11        and so on for O01, O10, O11

Backward, every x and every f collects what the outputs that used it send back. Written as tensors:

    ∂L/∂F = X ⋆ ∂L/∂O                  the gradient slides over the input
    ∂L/∂X = full convolution           the kernel, rotated by 180°, slides over the gradient with zeros around

(⋆ slides without rotating, as this library's convolution does.)
"""

from __future__ import annotations

import sys
from pathlib import Path

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]
KERNEL = [[1.0, -2.0], [3.0, 4.0]]
GRADIENT = [[1.0, 0.1], [0.01, 0.001]]  # of the loss: the digits of a sum show which output sent what


def convolution() -> tc.Graph:
    """L = Σ g · (X ⋆ F), a loss whose gradient with respect to the output is `GRADIENT`."""
    with tc.record():
        x = tc.tensor([[X]], dtype="float64", requires_grad=True, name="x")
        kernel = tc.tensor([[KERNEL]], dtype="float64", requires_grad=True, name="f")
        out = F.conv2d(x, kernel)
        loss = (tc.tensor([[GRADIENT]], dtype="float64", name="g") * out).sum()
    out.name, loss.name = "O", "L"
    return tc.Graph.of(loss)


def equation(graph: tc.Graph, row: int, column: int) -> str:
    """The sum of products behind one output, read off its graph of single numbers."""
    numbers = graph.element((0, 0, row, column), of="O")
    products = []
    for node in numbers.nodes:
        if node.symbol == "·":
            factors = [numbers.nodes[edge.source].label for edge in numbers.edges if edge.target == node.id]
            products.append("·".join(map(_short, factors)))
    return f"O{row}{column} = " + " + ".join(products)


def _short(label: str) -> str:
    """`x[0, 0, 1, 2]` as the lecture writes it: x12."""
    return label[0] + "".join(letter for letter in label if letter.isdigit())[-2:]


def gradient(graph: tc.Graph, name: str) -> tc.Tensor:
    """What the backward walk of a graph has found for one of its leaves, as rows and columns."""
    found = {event.node: event.value for event in graph.events if event.kind == "visit"}
    return found[graph.node(name).id][0, 0]


def main(folder: Path) -> None:
    """Print the four equations and both gradients; draw the numbers behind O00 and behind the loss."""
    graph = convolution()
    graph.backward()
    for row in range(2):
        for column in range(2):
            print(equation(graph, row, column))
    print("∂L/∂F =", gradient(graph, "f").tolist())
    print("∂L/∂X =", gradient(graph, "x").tolist())
    graph.element((0, 0, 0, 0), of="O").render(folder / "convolution_o00.svg")
    graph.element().render(folder / "convolution_backward.svg", gradients=True)
    graph.render(folder / "convolution_twin.svg", view="twin", values=True)
    print(f"pictures: {folder.resolve()}/convolution_*.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
