"""The backward pass as data: its operations, what they belong to, what was saved, formulas with numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn._formula import rule_for, with_numbers


def leaf(value, name=None, **options):
    return tc.tensor(value, requires_grad=True, name=name, **options)


def network_loss():
    tc.manual_seed(0)
    model = tc.nn.Sequential(
        tc.nn.Conv2d(1, 2, 3),
        tc.nn.BatchNorm2d(2),
        tc.nn.ReLU(),
        tc.nn.MaxPool2d(2),
        tc.nn.Flatten(),
        tc.nn.Linear(8, 3),
    )
    with tc.record():
        loss = F.cross_entropy(model(tc.rand(2, 1, 6, 6)), tc.tensor([0, 2]))
    return model, loss


@pytest.fixture(scope="module")
def walked():
    model, loss = network_loss()
    graph = tc.Graph.of(loss)
    graph.backward()
    return model, loss, graph


def test_visits_at_leaves_are_the_gradients(walked):
    model, loss, graph = walked
    loss.backward(retain_graph=True)
    found = {
        graph.nodes[event.node].name: event.value.numpy()
        for event in graph.events
        if event.kind == "visit" and graph.nodes[event.node].kind == "parameter"
    }
    assert len(found) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(found[f"Sequential/{name.replace('.', '/')}"], parameter.grad.numpy())


def test_every_event_knows_the_operations_that_made_it(walked):
    graph = walked[2]
    everything = [*graph.nodes, *graph.backward_nodes]
    assert [node.id for node in everything] == list(range(len(everything)))
    for event in graph.events:
        result = everything[event.result].values[event.output]
        np.testing.assert_array_equal(result.numpy(), event.value.numpy())
        for place in event.nodes:
            assert everything[place].origin == (
                event.node if event.kind != "contribution" else graph.edges[event.edge].target
            )
    made = [place for event in graph.events for place in event.nodes]
    operations = [node.id for node in graph.backward_nodes if node.op]
    assert sorted(made) == operations


def test_saved_values_flow_from_the_forward_pass_into_the_backward_one(walked):
    graph = walked[2]
    conv = graph.node("Sequential/0/conv")
    saved = {each.name: (graph.nodes[each.source].name, each.bytes) for each in conv.saved}
    assert saved == {"x": ("input", 2 * 36 * 4)}  # the images need no gradient, so the kernel is not kept
    weight_grad = next(node for node in graph.backward_nodes if node.op == "conv_weight_grad")
    sources = [edge.source for edge in graph.backward_edges if edge.target == weight_grad.id]
    assert conv.saved[0].source in sources
    assert weight_grad.name.startswith("∂/")
    assert weight_grad.origin == conv.id


def test_walking_twice_gives_the_same(walked):
    graph = tc.Graph.of(walked[1])
    first = graph.backward()
    names = [node.name for node in graph.backward_nodes]
    second = graph.backward()
    assert [event.kind for event in first] == [event.kind for event in second]
    assert [node.name for node in graph.backward_nodes] == names
    assert [edge.source for edge in graph.backward_edges if edge.source >= len(graph.nodes)]


def test_a_walk_records_nothing_for_others(walked):
    with tc.record() as recording:
        graph = tc.Graph.of(leaf(2.0) * 3.0)
        count = len(recording)
        graph.backward()
    assert len(recording) == count


def test_a_second_order_graph_comes_from_the_same_code():
    x = leaf(3.0, "x", dtype="float64")
    (slope,) = tc.grad(x**3, x, create_graph=True)
    graph = tc.Graph.of(slope)
    graph.backward()
    visit = next(
        event for event in graph.events if graph.nodes[event.node].name == "x" and event.kind == "visit"
    )
    assert visit.value.item() == 18.0  # 6x


def test_values_are_there_where_something_saved_them():
    """Without tc.record() only leaves and what the rules need are alive."""
    x = leaf([0.5, 1.5], "x")
    y = x.exp() * 2.0 + 1.0
    graph = tc.Graph.of(y.sum())
    known = {node.name: node.value is not None for node in graph.nodes}
    assert known["x"]
    assert known["exp"]  # its own rule keeps the result
    assert not known["add"]


def test_names_of_intermediate_results_are_shown():
    x = leaf([0.5], "x")
    h = x.tanh()
    h.name = "h"
    graph = tc.Graph.of(h * 2.0)
    assert graph.node("h").op == "tanh"
    h.name = "other"
    assert tc.Graph.of(h * 2.0).node("other").label == "other"


# --- formulas with numbers ------------------------------------------------------------------------


def test_single_numbers_are_written_into_the_formula():
    w, x = leaf(-0.5, "w"), tc.tensor(3.0, name="x")
    with tc.record():
        y = (w * x).tanh()
    graph = tc.Graph.of(y)
    shown = [event.numbers for event in graph.backward() if event.kind == "contribution"]
    assert shown == ["1 · (1 − tanh²(−1.5)) = 0.180707", "0.180707 · 3 = 0.54212"]


def test_arrays_are_not():
    graph = tc.Graph.of((leaf([1.0, 2.0]) * 2.0).sum())
    assert [event.numbers for event in graph.backward() if event.kind == "contribution"] == ["", ""]


def test_parameters_are_numbers_too():
    graph = tc.Graph.of(F.leaky_relu(leaf(-2.0), 0.1))
    numbers = [event.numbers for event in graph.backward() if event.numbers]
    assert numbers == ["1 where (−2) > 0, else 0.1 · 1 = 0.1"]


@pytest.mark.parametrize(
    ("formula", "values", "result", "shown"),
    [
        ("∂L/∂x = g", {"g": -1.5}, -1.5, "−1.5"),
        ("∂L/∂x = −g", {"g": -1.5}, 1.5, "−(−1.5) = 1.5"),
        ("∂L/∂x = g · y · xʸ⁻¹", {"g": 1, "x": 2, "y": 3}, 12, "1 · 3 · (2)^(3 − 1) = 12"),
        ("∂L/∂x = g · max(x, 0)", {"g": 1, "x": 2}, 2, "1 · max(2, 0) = 2"),
        ("∂L/∂x = g · unknown", {"g": 2}, 4, "2 · unknown = 4"),
    ],
)
def test_formulas(formula, values, result, shown):
    assert with_numbers(formula, values, result) == shown


def test_a_rule_for_several_shows_the_part_that_is_meant():
    formula = "∂L/∂x = g · w; ∂L/∂weight = Σ g"
    assert rule_for(formula, "weight") == "∂L/∂weight = Σ g"
    assert rule_for(formula, "x") == "∂L/∂x = g · w"
    assert rule_for("∂L/∂y = g", "x") == "∂L/∂y = g"
