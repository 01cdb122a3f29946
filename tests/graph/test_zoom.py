"""Zooming into a scope: the part, what flows in and out, and what the walk did there."""

import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import GradientError, UnknownName


@pytest.fixture
def graph():
    with tc.record():
        x = tc.tensor([[1.0, 2.0]], name="x")
        with tc.name_scope("net"):
            with tc.name_scope("one"):
                w = tc.tensor([[3.0], [4.0]], requires_grad=True, name="w")
                h = (x @ w).tanh()
            with tc.name_scope("two"):
                y = h * h + h
        loss = y.sum()
    h.name = "h"
    return tc.Graph.of(loss)


def kinds(graph):
    return {node.label or node.op: node.kind for node in graph.nodes}


def test_what_flows_in_and_out(graph):
    assert kinds(graph.zoom("net/one")) == {"x": "input", "w": "parameter", "matmul": "op", "h": "output"}
    assert kinds(graph.zoom("net/two")) == {"h": "input", "mul": "op", "add": "output"}


def test_ids_and_edges_fit_together(graph):
    part = graph.zoom("two")
    assert [node.id for node in part.nodes] == list(range(len(part.nodes)))
    assert [(edge.source, edge.target, edge.argument) for edge in part.edges] == [
        (0, 1, "x"),
        (0, 1, "y"),
        (1, 2, "x"),
        (0, 2, "y"),
    ]


def test_values_come_along(graph):
    part = graph.zoom("two")
    h = part.node("net/one/h").value.item()
    assert part.nodes[-1].value.item() == pytest.approx(h * h + h)


def test_the_events_that_happened_there(graph):
    graph.backward()
    part = graph.zoom("two")
    h = part.node("net/one/h")
    kinds = [event.kind for event in part.events]
    assert kinds.count("contribution") == len(part.edges)
    assert [event.kind for event in part.events if event.node == h.id].count("sum") == 2
    assert not any(event.kind == "visit" and event.node == h.id for event in part.events)
    sent = sum(
        event.value.item() for event in part.events if event.kind == "contribution" and event.node == h.id
    )
    assert sent == pytest.approx(2 * h.value.item() + 1)


def test_the_backward_operations_of_the_part(graph):
    graph.backward()
    part = graph.zoom("one")
    inside = [node for node in part.backward_nodes if node.origin is not None]
    assert {part.nodes[node.origin].op for node in inside} == {"matmul", "tanh"}
    ids = [node.id for node in (*part.nodes, *part.backward_nodes)]
    assert ids == list(range(len(ids)))
    assert all(edge.source in ids and edge.target in ids for edge in part.backward_edges)


@pytest.mark.parametrize("view", ["forward", "backward", "twin"])
def test_it_can_be_drawn_and_kept(graph, view, tmp_path):
    graph.backward()
    part = graph.zoom("one")
    loaded = tc.Graph.load(part.save(tmp_path / "part.json"))
    assert loaded.to_dot(view=view) == part.to_dot(view=view)


def test_zoom_of_a_zoom(graph):
    assert kinds(graph.zoom("net").zoom("two")) == kinds(graph.zoom("two"))


def test_the_whole_scope_is_the_part_of_all_inside(graph):
    assert {node.label or node.op for node in graph.zoom("net").nodes} == {
        "x",
        "w",
        "matmul",
        "h",
        "mul",
        "add",
    }


def test_an_unknown_scope_names_the_nearest(graph):
    with pytest.raises(UnknownName, match="did you mean 'net/two'"):
        graph.zoom("net/tow")


def test_two_scopes_of_one_name_are_told_apart():
    x = tc.tensor([1.0], requires_grad=True)
    for outer in ("a", "b"):
        with tc.name_scope(outer), tc.name_scope("same"):
            x = x.exp()
    graph = tc.Graph.of(x)
    with pytest.raises(UnknownName, match="2 scopes are called 'same'"):
        graph.zoom("same")
    assert len(graph.zoom("b/same").nodes) == 2


def test_a_part_cannot_be_walked_again(graph):
    with pytest.raises(GradientError):
        graph.zoom("one").backward()


def test_layers_of_a_network():
    network = tc.models.LeNet5()
    with tc.record():
        loss = F.cross_entropy(network(tc.zeros(1, 1, 28, 28)), tc.zeros(1, dtype="int64"))
    graph = tc.Graph.of(loss)
    graph.backward()
    part = graph.zoom("conv2")
    assert {node.name for node in part.nodes if node.kind == "parameter"} == {
        "LeNet5/conv2/weight",
        "LeNet5/conv2/bias",
    }
    assert len([node for node in part.nodes if node.kind == "output"]) == 1
