"""Computations to step through: small enough to follow by hand, and one whole network.

    fan-out               b = a + a; c = b + b: where a value is used twice, its gradients add up
    logistic-regression   two inputs, two classes, softmax and cross-entropy, number by number
    convolution           a 3 × 3 image under a 2 × 2 kernel, and both gradients
    lenet5                LeNet-5 with fresh weights looks at one image of clothing

The first three are in float64, with the numbers that lectures work out on the blackboard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tinygrad_cnn import data, functional, models
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.graph import Graph, record
from tinygrad_cnn.ops.random import manual_seed


def graph_of(name: str) -> Graph:
    """The graph of an example, with all its values, walked backward.

    Raises:
        UnknownName: there is no such example; shows the list and the nearest match.

    >>> [node.name for node in graph_of("fan-out").nodes]
    ['a', 'b', 'c']
    """
    if name not in COMPUTATIONS:
        raise UnknownName.among(name, COMPUTATIONS, kind="example", argument="--example")
    with record():
        result = COMPUTATIONS[name]()
    graph = Graph.of(result)
    graph.backward()
    # A node's line is the innermost one outside of this package, and here that is of no use to anybody.
    graph.nodes = [replace(node, source="") for node in graph.nodes]
    graph.backward_nodes = [replace(node, source="") for node in graph.backward_nodes]
    return graph


def _number(value: float, name: str, *, learns: bool = False) -> Tensor:
    return tensor(value, dtype="float64", requires_grad=learns, name=name)


def _called(name: str, value: Tensor) -> Tensor:
    value.name = name
    return value


def _fan_out() -> Tensor:
    a = _number(1.0, "a", learns=True)
    b = _called("b", a + a)
    return _called("c", b + b)


def _logistic_regression() -> Tensor:
    """One input x of the class 1, as scalars: z = W x + b, h = eᶻ, ŷ = h / H, L = −Σ y ln ŷ."""
    x = [_number(value, name) for name, value in (("x1", 0.2), ("x2", 0.7))]
    weights = [
        [_number(value, f"w{row}{column}", learns=True) for column, value in enumerate(values, 1)]
        for row, values in enumerate(((0.65, 1.19), (0.69, -0.92)), 1)
    ]
    biases = [_number(0.0, f"b{row}", learns=True) for row in (1, 2)]
    y = [_number(value, name) for name, value in (("y1", 1.0), ("y2", 0.0))]

    z = []
    for row, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
        products = [_called(f"p{row}{column}", w[column - 1] * x[column - 1]) for column in (1, 2)]
        z.append(_called(f"z{row}", _called(f"s{row}", products[0] + products[1]) + b))
    h = [_called(f"h{row}", each.exp()) for row, each in enumerate(z, 1)]
    total = _called("H", h[0] + h[1])
    predicted = [_called(f"ŷ{row}", each / total) for row, each in enumerate(h, 1)]
    logs = [_called(f"l{row}", each.log()) for row, each in enumerate(predicted, 1)]
    parts = [
        _called(f"t{row}", target * log) for row, (target, log) in enumerate(zip(y, logs, strict=True), 1)
    ]
    return _called("L", -_called("S", parts[0] + parts[1]))


def _convolution() -> Tensor:
    def leaf(rows: list[list[float]], name: str) -> Tensor:
        return tensor([[rows]], dtype="float64", requires_grad=True, name=name)

    image = leaf([[0, 1, 2], [3, 4, 5], [6, 7, 8]], "X")
    kernel = leaf([[0, 1], [2, 3]], "F")
    return _called("L", _called("O", functional.conv2d(image, kernel)).sum())


def _lenet5() -> Tensor:
    manual_seed(0)
    clothing = data.load("fashion-mini")
    images, labels = next(iter(data.DataLoader(clothing.test, 1, transform=clothing.standardize)))
    images.name, labels.name = "images", "labels"
    return _called("L", functional.cross_entropy(models.LeNet5()(images), labels))


COMPUTATIONS: dict[str, Callable[[], Tensor]] = {
    "fan-out": _fan_out,
    "logistic-regression": _logistic_regression,
    "convolution": _convolution,
    "lenet5": _lenet5,
}
