"""Zoom to single numbers: the same values and gradients as the tensor engine's, to the last digits."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, GradientError, IndexingError, UnknownName


def leaf(value, name, **options):
    return tc.tensor(value, requires_grad=True, name=name, dtype="float64", **options)


def numbers(*shape):
    return np.random.default_rng([*shape]).standard_normal(shape)


def gradients(zoomed):
    """What the scalar walk says of every named leaf."""
    return {
        zoomed.nodes[event.node].name: event.value.item()
        for event in zoomed.backward()
        if event.kind == "visit" and zoomed.nodes[event.node].kind == "parameter"
    }


def small_network():
    x = leaf(numbers(1, 1, 5, 5), "x")
    w, b = leaf(numbers(2, 1, 2, 2), "w"), leaf(numbers(2), "b")
    v = leaf(numbers(3, 8), "v")
    with tc.record():
        h = F.max_pool2d(F.relu(F.conv2d(x, w, b)), 2)
        loss = F.cross_entropy(F.linear(h.flatten(1), v), tc.tensor([1]))
    return loss, [x, w, b, v]


def test_a_network_agrees_at_both_levels():
    loss, leaves = small_network()
    zoomed = tc.Graph.of(loss).element()
    assert zoomed.nodes[-1].value.item() == pytest.approx(loss.item(), abs=1e-12)
    found = gradients(zoomed)
    for tensor, gradient in zip(leaves, tc.grad(loss, leaves), strict=True):
        for index, expected in np.ndenumerate(gradient.numpy()):
            name = f"{tensor.name}[{', '.join(map(str, index))}]"
            assert found.get(name, 0.0) == pytest.approx(expected, abs=1e-12)


ACTIVATIONS = ["tanh", "sigmoid", "relu", "softplus", "gelu", "elu", "silu", "leaky_relu"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_value_on_the_way_agrees(name):
    x = leaf([0.3, -1.2], "x")
    with tc.record():
        y = getattr(F, name)(x).sum()
    graph = tc.Graph.of(y)
    for node in graph.nodes:
        for index in np.ndindex(*node.outputs[0].shape):
            if node.op and node.outputs[0].dtype.is_floating:
                value = graph.element(index, of=node.name).nodes[-1].value.item()
                assert value == pytest.approx(node.value.numpy()[index], abs=1e-12)


def test_one_element_of_a_convolution_is_its_products():
    """O00 = x00·f00 + x01·f01 + x10·f10 + x11·f11, the first of the lecture's four equations."""
    x, f = leaf(np.arange(1.0, 10).reshape(1, 1, 3, 3), "X"), leaf([[[[0.1, 0.2], [0.3, 0.4]]]], "F")
    with tc.record():
        o = F.conv2d(x, f)
    zoomed = tc.Graph.of(o).element((0, 0, 0, 1))
    assert [node.symbol for node in zoomed.nodes if node.op].count("·") == 4
    assert [node.symbol for node in zoomed.nodes if node.op].count("+") == 3
    used = {node.name for node in zoomed.nodes if node.is_leaf}
    cells = [(0, 1), (0, 2), (1, 1), (1, 2)]
    kernel = [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert used == {f"X[0, 0, {i}, {j}]" for i, j in cells} | {f"F[0, 0, {i}, {j}]" for i, j in kernel}
    assert gradients(zoomed)["F[0, 0, 1, 0]"] == 5.0  # the cell of X it was multiplied with
    assert zoomed.nodes[-1].name == "conv[0, 0, 0, 1]"


def test_depth_says_how_many_operations_to_look_into():
    x = leaf([1.0, 2.0], "x")
    with tc.record():
        h = x.exp()
        h.name = "h"
        y = (h * h).sum()
    graph = tc.Graph.of(y)
    sizes = [len(graph.element(depth=depth).nodes) for depth in (1, 2, 3, None)]
    assert sizes == [3, 5, 7, 7]
    assert {node.name for node in graph.element(depth=2).nodes if node.is_leaf} == {"h[0]", "h[1]"}
    assert "h[0]" in {node.label for node in graph.element().nodes}


def test_a_float32_graph_is_zoomed_in_float64():
    x = tc.tensor([0.1, 0.7], requires_grad=True, name="x")
    zoomed = tc.Graph.of((x * x).sum()).element()
    assert zoomed.nodes[0].outputs[0].dtype is tc.float64
    assert zoomed.nodes[0].value.item() == float(np.float32(0.1))


def test_masks_and_labels_are_not_numbers_of_the_graph():
    x = leaf([1.0, -2.0, 3.0], "x")
    with tc.record():
        y = tc.where(x > 0, x, x * 0.5).sum() + x[[0, 0]].sum()
    zoomed = tc.Graph.of(y).element()
    assert {node.name for node in zoomed.nodes if node.is_leaf} == {"x[0]", "x[1]", "x[2]", "0.5"}
    assert gradients(zoomed) == {"x[0]": 3.0, "x[1]": 0.5, "x[2]": 1.0}


def test_fan_outs_are_summed_step_by_step():
    a = leaf(1.0, "a")
    b = a + a
    zoomed = tc.Graph.of(b + b).element()
    assert [(e.kind, e.value.item()) for e in zoomed.backward()] == [
        ("visit", 1.0),
        ("contribution", 1.0),
        ("contribution", 1.0),
        ("sum", 2.0),
        ("visit", 2.0),
        ("contribution", 2.0),
        ("contribution", 2.0),
        ("sum", 4.0),
        ("visit", 4.0),
    ]


def test_errors_say_what_to_do():
    x = leaf(numbers(3, 4), "x")
    y = (x.exp() @ x.T).tanh()
    graph = tc.Graph.of(y)
    with pytest.raises(IndexingError, match="an index for every dimension"):
        graph.element(0)
    with pytest.raises(IndexingError):
        graph.element((0, 3))
    with pytest.raises(UnknownName):
        graph.element((0, 0), of="nothing")
    with pytest.raises(ArgumentError, match="numbers"):
        graph.element((0, 0), most_nodes=3)
    unknown = (x.detach().exp() + 1.0) * x  # the sum was kept by the product, the exponential by nobody
    with pytest.raises(GradientError) as caught:
        tc.Graph.of(unknown + 1.0).element((0, 0), depth=1)
    assert "tc.record()" in caught.value.hint
