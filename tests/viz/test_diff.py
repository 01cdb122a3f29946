"""Comparing two graphs: what was added, removed, changed, as text and as a drawing."""

import pytest
from viz.networks import leaf, lenet_graph, resnet_graph

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.viz.picture import SIGNS


def names(nodes):
    return [node.name for node in nodes]


def graph_of(network):
    return tc.Graph.of(network(tc.ones(4, 3)))


def test_a_graph_and_itself():
    graph = lenet_graph()
    difference = graph.diff(lenet_graph())
    assert str(difference) == "0 added, 0 removed, 0 changed"
    assert {shape.mark for shape in difference.picture.shapes} == {""}
    assert {arrow.mark for arrow in difference.picture.arrows} == {""}


def test_an_operation_in_between_does_not_shift_the_others():
    x = leaf([1.0, 2.0], "x")
    difference = tc.Graph.of(x.exp().exp()).diff(tc.Graph.of(x.exp().relu().exp()))
    assert names(difference.added) == ["relu"]
    assert not difference.removed
    assert not difference.changed


def test_with_and_without_batch_norm():
    plain = graph_of(nn.Sequential(nn.Linear(3, 2), nn.ReLU()))
    normed = graph_of(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU()))
    difference = plain.diff(normed)
    assert {node.op for node in difference.added if node.op} >= {"batch_norm"}
    back = normed.diff(plain)
    assert {node.op for node in back.removed if node.op} >= {"batch_norm"}


def test_parameters_that_changed():
    x = leaf([[1.0, -2.0]], "x")
    difference = tc.Graph.of(x.sum(0)).diff(tc.Graph.of(x.sum(1)))
    (change,) = difference.changed
    assert any(fact.startswith("dim: ") for fact in change.facts)
    assert "(2,) → (1,)" in change.facts


def test_train_against_eval_says_it_once_for_all_layers():
    text = str(resnet_graph().diff(resnet_graph(train=False)))
    assert "− batch_norm" in text
    assert "ResNet18/bn1 and 19 more: " in text
    assert len(text.splitlines()) < 6


def test_dropout_in_training_alone():
    network = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5))
    difference = graph_of(network).diff(graph_of(network.eval()))
    assert difference.removed
    assert not any(node.op == "matmul" for node in (*difference.removed, *difference.added))


# --- drawn


@pytest.fixture(scope="module")
def drawn():
    x = leaf([1.0, 2.0], "x")
    return tc.Graph.of(x.exp().sum()).diff(tc.Graph.of(x.tanh().sum(keepdim=True)))


def test_both_graphs_are_in_one_picture(drawn):
    marks = {shape.title: shape.mark for shape in drawn.picture.shapes}
    assert marks == {"x": "", "eˣ": "removed", "tanh": "added", "Σ": "changed"}
    arrows = sorted(arrow.mark for arrow in drawn.picture.arrows)
    assert arrows == ["added", "added", "removed", "removed"]
    assert len({arrow.key for arrow in drawn.picture.arrows}) == 4


def test_signs_as_well_as_colours(drawn):
    dot = drawn.draw().to_dot()
    mermaid = drawn.draw().to_mermaid()
    for sign in SIGNS.values():
        assert f">{sign}</B>" in dot
    assert "#126; Σ" in mermaid


def test_it_renders_in_every_format(drawn, tmp_path):
    for format in ("svg", "png", "mmd", "tex", "dot"):
        assert drawn.render(tmp_path / f"d.{format}", theme="dark").stat().st_size
    assert drawn._repr_svg_().startswith("<?xml")


def test_a_closed_scope_shows_that_something_in_it_changed():
    before = graph_of(nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.ReLU(), nn.Linear(2, 2))))
    after = graph_of(nn.Sequential(nn.Linear(3, 2), nn.Sequential(nn.Tanh(), nn.Linear(2, 2))))
    shapes = before.diff(after).draw(fold=1).picture.shapes
    marks = {shape.title: shape.mark for shape in shapes if shape.role == "fold"}
    assert marks == {"0": "", "1": "changed"}
