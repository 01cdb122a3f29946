"""Folding: which scopes close, what a closed one says, and which are drawn as one."""

import time
from itertools import pairwise

import pytest
from viz.networks import leaf, lenet_graph, resnet_graph

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, UnknownName
from tinygrad_cnn.viz import views


def shapes(graph, **options):
    return {shape.title: shape for shape in graph.draw(**options).picture.shapes}


def folded(graph, **options):
    return [name for name, shape in shapes(graph, **options).items() if shape.role == "fold"]


@pytest.fixture(scope="module")
def lenet():
    return lenet_graph()


@pytest.fixture(scope="module")
def resnet():
    graph = resnet_graph()
    graph.backward()
    return graph


@pytest.mark.parametrize(
    ("fold", "closed"),
    [
        (0, ["LeNet5"]),
        (1, ["conv1", "conv2", "fc1", "fc2", "fc3"]),
        (9, []),
        ("conv1", ["conv1"]),
        ("LeNet5/fc1", ["fc1"]),
        (["conv1", "LeNet5/conv2"], ["conv1", "conv2"]),
        (["LeNet5", "conv1"], ["LeNet5"]),
    ],
)
def test_by_depth_by_name_by_path(lenet, fold, closed):
    assert folded(lenet, fold=fold) == closed


def test_a_last_name_closes_every_scope_of_that_name(resnet):
    boxes = [shape for shape in resnet.draw(fold="bn1").picture.shapes if shape.role == "fold"]
    assert len(boxes) == 9


def test_a_box_says_what_comes_out_and_how_much_it_learns(lenet):
    box = shapes(lenet, fold=1)["conv2"]
    assert [block.text for block in box.blocks] == ["(2, 16, 10, 10)", "2,416 parameters"]
    assert "1 ⋆" in " ".join(box.facts)


def test_the_box_of_everything_holds_the_output(lenet):
    with tc.name_scope("all"):
        graph = tc.Graph.of(leaf(1.0).exp())
    assert shapes(graph, fold=0)["all"].final
    assert not shapes(lenet, fold=1)["conv1"].final


def test_an_unknown_scope_names_the_nearest(lenet):
    with pytest.raises(UnknownName, match="did you mean 'LeNet5/conv1'"):
        lenet.draw(fold="LeNet5/konv1")


@pytest.mark.parametrize("fold", [1.5, -1, True, [1]])
def test_what_is_neither_depth_nor_name(lenet, fold):
    with pytest.raises(ArgumentTypeError, match="what to fold is a depth, or the names of scopes"):
        lenet.draw(fold=fold)


# --- repeated blocks


def chain(*widths):
    network = tc.nn.Sequential(*(tc.nn.Linear(one, two) for one, two in pairwise(widths)))
    return tc.Graph.of(network(tc.ones(1, widths[0])))


def boxes(graph, **options):
    drawn = graph.draw(fold=1, **options).picture.shapes
    return [(shape.title, shape.subtitle) for shape in drawn if shape.role == "fold"]


def test_equal_blocks_in_a_row_are_one_with_their_number():
    assert boxes(chain(4, 4, 4, 4)) == [("0 … 2", "× 3")]
    assert boxes(chain(4, 4, 4, 4), repeats=False) == [("0", ""), ("1", ""), ("2", "")]


def test_blocks_of_another_size_are_not_repeated():
    assert boxes(chain(4, 4, 3, 3)) == [("0", ""), ("1", ""), ("2", "")]


def test_parameters_of_repeated_blocks_are_said_for_each():
    box = shapes(chain(4, 4, 4), fold=1)["0 … 1"]
    assert box.blocks[1].text == "20 parameters each"


def test_blocks_side_by_side():
    class Branches(tc.nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = tc.nn.Linear(3, 3), tc.nn.Linear(3, 3)

        def forward(self, x):
            return self.left(x) * self.right(x)

    graph = tc.Graph.of(Branches()(tc.ones(1, 3)))
    assert boxes(graph) == [("left … right", "× 2")]


def test_blocks_with_something_else_between_them_stay_apart():
    class Between(tc.nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = tc.nn.Linear(3, 3), tc.nn.Linear(3, 3)

        def forward(self, x):
            return self.two(self.one(x).relu())

    assert boxes(tc.Graph.of(Between()(tc.ones(1, 3)))) == [("one", ""), ("two", "")]


def test_the_blocks_of_resnet(resnet):
    drawn = [shape for shape in resnet.draw(fold=2).picture.shapes if shape.role == "fold"]
    assert [(shape.scope, shape.title, shape.subtitle) for shape in drawn][:3] == [
        ("ResNet18/layer1", "0 … 1", "× 2"),
        ("ResNet18/layer2", "0", ""),
        ("ResNet18/layer2", "1", ""),
    ]


# --- size and time


@pytest.mark.parametrize("view", ["forward", "backward", "twin"])
@pytest.mark.parametrize("fold", [1, 2])
def test_resnet_18_folded_in_three_seconds(resnet, view, fold, tmp_path):
    start = time.process_time()
    resnet.render(tmp_path / "resnet.svg", view=view, fold=fold)
    assert time.process_time() - start < 3


def test_too_many_nodes_says_how_many_and_which_fold_would_do(lenet, monkeypatch):
    monkeypatch.setattr(views, "MOST_SHAPES", 20)
    with pytest.raises(ArgumentError, match=f"this drawing has {len(lenet.nodes)} nodes") as caught:
        lenet.draw()
    drawn = len(lenet.draw(fold=1).picture.shapes)
    assert caught.value.hint == f"close its scopes: fold=1 draws {drawn} nodes"


def test_too_many_nodes_without_scopes(monkeypatch):
    monkeypatch.setattr(views, "MOST_SHAPES", 1)
    with pytest.raises(ArgumentError, match=r"draw a part of it: graph\.zoom"):
        tc.Graph.of(leaf(1.0).exp()).draw()


@pytest.mark.parametrize("view", ["forward", "twin"])
def test_boxes_come_in_the_order_of_computation_however_old_their_parameters_are(view):
    """In a second pass the parameters have been recorded before the data."""
    network = tc.nn.Sequential(tc.nn.Linear(3, 3), tc.nn.ReLU(), tc.nn.Linear(3, 2))
    drawn = []
    for _ in range(2):
        loss = F.cross_entropy(network(tc.ones(1, 3)), tc.tensor([1]))
        picture = tc.Graph.of(loss).draw(view=view, fold=1).picture
        places = {shape.key: place for place, shape in enumerate(picture.shapes)}
        forward = [arrow for arrow in picture.arrows if arrow.flow == "value"]
        assert all(places[arrow.start] < places[arrow.end] for arrow in forward)
        drawn.append([(shape.title, shape.result) for shape in picture.shapes if shape.role == "fold"])
    assert drawn[0] == drawn[1]
