"""A graph as TensorBoard reads it: names, scopes, inputs, shapes, and what is known about each node."""

import re
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.dtypes import DTYPES, Spec
from tinygrad_cnn.errors import GradientError, OptionalDependencyError

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
from event_files import read_events, read_graph, read_values
from tensorboardX.proto.types_pb2 import DataType

from tinygrad_cnn.io.event_file import EventFile
from tinygrad_cnn.io.tensorboard import graph_def

NODE_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_./\-]*")


@pytest.fixture(scope="module")
def lenet():
    """One step of LeNet-5, walked backward."""
    tc.manual_seed(0)
    model = tc.models.LeNet5()
    with tc.record():
        x = tc.randn(2, 1, 28, 28)
        x.name = "images"
        loss = F.cross_entropy(model(x), tc.tensor([1, 2]))
        loss.name = "loss"
    graph = tc.Graph.of(loss)
    graph.backward()
    return graph


def nodes_of(graph, **options):
    return {node.name: node for node in graph_def(graph, **options).node}


def shapes_of(node):
    return [tuple(dim.size for dim in shape.dim) for shape in node.attr["_output_shapes"].list.shape]


# --- the graph ------------------------------------------------------------------------------------


def test_a_file_holds_the_graph(lenet, tmp_path):
    assert lenet.to_tensorboard(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    version, graph = read_events(tmp_path / "a" / "b")
    assert version.file_version == "brain.Event:2"
    assert graph.wall_time > 1.7e9
    written = read_graph(tmp_path / "a" / "b")
    assert list(written) == [node.name for node in graph_def(lenet).node]


def test_every_node_has_its_name_operation_shape_and_dtype(lenet):
    written = graph_def(lenet).node
    for node, expected in zip(written, lenet.nodes, strict=True):
        assert node.name == expected.name  # nothing awkward in this one
        leaves = {"input": "Placeholder", "parameter": "VariableV2", "constant": "Const"}
        assert node.op == (expected.op or leaves[expected.kind])
        assert shapes_of(node) == [spec.shape for spec in expected.outputs]
        dtype = node.attr["T" if expected.op else "dtype"].type
        assert (
            DataType.Name(dtype)
            == {"float32": "DT_FLOAT", "int64": "DT_INT64"}[expected.outputs[0].dtype.name]
        )


def test_scopes_are_what_stands_before_the_slash(lenet):
    scopes = {name.rpartition("/")[0] for name in nodes_of(lenet)}
    layers = {f"LeNet5/{layer}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")}
    assert scopes == {"", "LeNet5"} | layers


def test_inputs_are_names_in_the_order_of_the_arguments(lenet):
    nodes = nodes_of(lenet)
    assert list(nodes["images"].input) == []
    assert list(nodes["LeNet5/conv1/conv"].input) == ["images", "LeNet5/conv1/weight"]
    assert list(nodes["LeNet5/conv1/add"].input) == ["LeNet5/conv1/conv", "LeNet5/conv1/reshape"]
    assert list(nodes["LeNet5/fc1/matmul"].input) == ["LeNet5/reshape", "LeNet5/fc1/permute"]


def test_an_operand_that_comes_twice_is_named_twice():
    a = tc.tensor(1.0, requires_grad=True, name="a")
    assert list(nodes_of(tc.Graph.of(a + a))["add"].input) == ["a", "a"]


def test_a_second_result_has_its_number():
    with tc.record() as recording:
        x = tc.tensor([[3.0, 1.0, 2.0]], name="x")
        _, indices = x.max(1, keepdim=True)
        tc.gather(x, 1, indices)
    nodes = nodes_of(recording.graph())
    assert list(nodes["gather"].input) == ["x", "max_along:1"]
    assert shapes_of(nodes["max_along"]) == [(1, 1), (1, 1)]


def test_details_of_a_convolution(lenet):
    attributes = nodes_of(lenet)["LeNet5/conv1/conv"].attr
    assert list(attributes["stride"].list.i) == [1, 1]
    assert attributes["groups"].i == 1
    assert attributes["padding"].s == b"((2, 2), (2, 2))"
    assert b"test_tensorboard.py:" in attributes["line"].s
    assert b"F.cross_entropy(model(x), tc.tensor([1, 2]))" in attributes["line"].s
    assert attributes["saved"].s == b"x: 6,272 bytes"
    assert attributes["saved_bytes"].i == 2 * 28 * 28 * 4


def test_parameters_of_every_type():
    @tc.op(symbol="?", infer=lambda x, **params: Spec(x.shape, x.dtype), public=False)
    def probe(B, x, *, flag, size, huge, rate, words, dtype, nothing):
        """Do nothing."""
        return x

    with tc.record() as recording:
        probe(
            tc.tensor([1.0]),
            flag=True,
            size=3,
            huge=2**80,
            rate=1e-5,
            words="läuft",
            dtype=tc.int8,
            nothing=None,
        )
    attributes = nodes_of(recording.graph())["probe"].attr
    assert attributes["flag"].b is True
    assert attributes["size"].i == 3
    assert attributes["huge"].s == str(2**80).encode()
    assert attributes["rate"].s == b"1e-05"
    assert attributes["words"].placeholder == "läuft"
    assert attributes["dtype"].s == b"int8"
    assert attributes["nothing"].s == b"None"


def test_a_single_number_is_shown():
    w = tc.tensor(0.65, requires_grad=True, name="w")
    nodes = nodes_of(tc.Graph.of(w * 2))
    assert nodes["w"].attr["value"].s == b"0.65"
    assert nodes["2"].op == "Const"
    assert nodes["2"].attr["value"].s == b"2"


def test_every_dtype_has_a_name_there():
    for name, dtype in DTYPES.items():
        with tc.record() as recording:
            tc.tensor([0, 1]).to(dtype).reshape(2, 1)
        node = nodes_of(recording.graph())["reshape"]
        short = {"float16": "half", "float32": "float", "float64": "double"}.get(name, name)
        assert DataType.Name(node.attr["T"].type) == f"DT_{short.upper()}"


def test_numbers_of_the_scalar_level():
    x = tc.tensor([1.0, 2.0], name="x")
    w = tc.tensor([3.0, 4.0], requires_grad=True, name="w")
    nodes = nodes_of(tc.Graph.of(x @ w).element())
    assert {"x_0", "x_1", "w_0", "w_1"} <= set(nodes)
    assert nodes["w_1"].attr["label"].s == b"w[1]"
    assert nodes["w_1"].attr["value"].s == b"4"


def test_where_there_is_no_value_none_is_shown(tmp_path):
    with tc.use_backend("meta"), tc.record() as recording:
        tc.full((), 3.0).exp()
    assert "value" not in nodes_of(recording.graph())["exp"].attr
    w = tc.tensor(0.65, requires_grad=True, name="w")
    path = tc.Graph.of(w * 2).save(tmp_path / "trace.json", most_elements=0)  # all values summed up
    assert "value" not in nodes_of(tc.Graph.load(path))["w"].attr


# --- the backward pass ----------------------------------------------------------------------------


def test_the_backward_pass_is_in_a_scope_of_its_own(lenet):
    nodes = nodes_of(lenet, backward=True)
    backward = {name: node for name, node in nodes.items() if name.startswith("gradients/")}
    assert len(backward) == len(lenet.backward_nodes)
    assert len(nodes) == len(lenet.nodes) + len(backward)
    convolution = backward["gradients/LeNet5/conv2/conv_weight_grad"]
    assert convolution.attr["gradient_of"].s == b"LeNet5/conv2/conv"
    assert convolution.attr["rule"].placeholder == "∂L/∂w = x ⋆ g"
    assert convolution.input[0] == "LeNet5/max_pool"  # the value that the forward pass has saved
    assert convolution.input[1].startswith("gradients/")


def test_without_asking_there_is_no_backward_pass(lenet):
    assert not [name for name in nodes_of(lenet) if name.startswith("gradients")]


def test_inputs_name_nodes_that_came_before_and_results_that_exist(lenet):
    results = {}
    for node in graph_def(lenet, backward=True).node:
        for name, _, output in (text.partition(":") for text in node.input):
            assert int(output or 0) < results[name]
        results[node.name] = len(shapes_of(node))
    edges = [*lenet.edges, *lenet.backward_edges]
    assert sum(len(node.input) for node in graph_def(lenet, backward=True).node) == len(edges)


def test_asking_for_the_backward_pass_walks_it():
    a = tc.tensor(3.0, requires_grad=True, name="a")
    graph = tc.Graph.of(a * a)
    assert "gradients/mul" in nodes_of(graph, backward=True)
    assert a.grad is None


def test_where_no_walk_begins_there_is_no_backward_pass():
    x = tc.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(GradientError):
        graph_def(tc.Graph.of(x * x), backward=True)


def test_a_trace_from_a_file_gives_the_same(lenet, tmp_path):
    loaded = tc.Graph.load(lenet.save(tmp_path / "trace.json"))
    assert graph_def(loaded, backward=True) == graph_def(lenet, backward=True)


# --- awkward names --------------------------------------------------------------------------------


def labelled(labels):
    """A graph of leaves with these names."""
    leaves = [tc.tensor([1.0], requires_grad=True, name=label) for label in labels]
    return tc.Graph.of(tc.cat(leaves))


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("ŷ", "y_hat"),
        ("ŷ[0]", "y_hat_0"),
        ("x̄", "x_bar"),
        ("two__lines", "two__lines"),
        ("é", "e"),
        ("γ", "gamma"),
        ("Δθ", "delta_theta"),
        ("W₁", "W1"),
        ("∂L/∂x", "L_x"),
        ("w[0, 1]", "w_0_1"),
        ("a b:c^d", "a_b_c_d"),
        ("_hidden", "hidden"),
        ("−0.5", "minus_0.5"),
        ("-1", "minus_1"),
        ("1e-05", "1e-05"),
        ("layer.weight-2", "layer.weight-2"),
        ("🙂", "unnamed"),
        ("half \ud83d", "half"),
        ("/", "unnamed"),
    ],
)
def test_a_name_gets_the_letters_that_tensorflow_allows(label, name):
    node = graph_def(labelled([label, "other"])).node[0]
    assert node.name == name
    shown = node.attr["label"].s.decode() or node.attr["label"].placeholder
    assert shown == label.replace("\ud83d", "?")


def test_names_that_become_the_same_are_counted():
    names = [node.name for node in graph_def(labelled(["a b", "a:b", "a_b", "a_b_1"])).node]
    assert names == ["a_b", "a_b_1", "a_b_2", "a_b_1_1", "cat"]


def test_scopes_that_become_the_same_stay_two():
    x = tc.tensor(1.0, requires_grad=True, name="x")
    with tc.name_scope("a b"), tc.name_scope("in"):
        y = x.exp()
    with tc.name_scope("a:b"), tc.name_scope("in"):
        z = y.exp()
    assert list(nodes_of(tc.Graph.of(z)))[1:] == ["a_b/in/exp", "a_b_1/in/exp"]


def test_a_scope_called_gradients_is_not_the_backward_pass():
    x = tc.tensor(3.0, requires_grad=True, name="x")
    with tc.name_scope("gradients"):
        y = x * x
    names = set(nodes_of(tc.Graph.of(y), backward=True))
    assert {"gradients_1/mul", "gradients/gradients/mul"} <= names


texts = st.text(max_size=8) | st.text("ab/_-. :", max_size=6)


@given(
    labels=st.lists(texts.filter(bool), min_size=1, max_size=6),
    scopes=st.lists(texts.map(lambda text: text.replace("/", "")).filter(bool), max_size=4),
)
def test_every_name_is_allowed_and_its_own_and_in_its_scope(labels, scopes):
    leaves = [tc.tensor([1.0], requires_grad=True, name=label) for label in labels]
    value = tc.cat(leaves)
    for scope in scopes:
        with tc.name_scope(scope):
            value = value.sin() + leaves[0]
    graph = tc.Graph.of(value.sum())
    names = [node.name for node in graph_def(graph, backward=True).node]
    assert len(set(names)) == len(names)
    assert all(NODE_NAME.fullmatch(name) and "//" not in name and name[-1] != "/" for name in names)
    boxes = {}
    for node, name in zip(graph.nodes, names, strict=False):
        boxes.setdefault(node.scope, set()).add(name.rpartition("/")[0])
    assert all(len(box) == 1 for box in boxes.values())  # a scope is one box
    assert len(set.union(*boxes.values())) == len(boxes)  # and no other scope's


# --- the file -------------------------------------------------------------------------------------


def test_files_of_the_same_second_are_two(lenet, tmp_path):
    a = tc.tensor(1.0, requires_grad=True, name="a")
    lenet.to_tensorboard(tmp_path)
    tc.Graph.of(a + a).to_tensorboard(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    assert list(read_graph(tmp_path)) == ["a", "add"]  # the newest is the one that counts


def test_what_is_written_comes_back(tmp_path):
    events = EventFile(tmp_path, first_step=5)
    events.scalar("loss", 0.1, step=6)
    events.histogram("weights", np.array([[-1.0, 0.0], [0.0, 3.0]]), step=7)
    events.flush()
    version, start, scalar, histogram = read_events(tmp_path)  # readable before it is closed
    assert version.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (5, start.session_log.START)
    assert (scalar.step, scalar.summary.value[0].tag) == (6, "loss")
    assert scalar.summary.value[0].simple_value == pytest.approx(0.1)
    counted = histogram.summary.value[0].histo
    assert (counted.min, counted.max, counted.num, counted.sum, counted.sum_squares) == (-1, 3, 4, 2, 10)
    assert sum(counted.bucket) == 4
    events.close()


def test_a_histogram_leaves_out_what_is_not_finite(tmp_path):
    events = EventFile(tmp_path)
    events.histogram("some", np.array([np.nan, 1.0, np.inf, 2.0], dtype=np.float32), step=1)
    events.histogram("none", np.array([np.nan, -np.inf]), step=1)
    events.histogram("empty", np.zeros((0, 3)), step=1)
    events.close()
    ((_, counted),) = read_values(tmp_path).pop("some")
    assert (counted.num, counted.min, counted.max) == (2, 1, 2)
    assert set(read_values(tmp_path)) == {"some"}


def test_a_folder_that_cannot_be_made_is_reported_in_pythons_words(lenet, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="file"):
        lenet.to_tensorboard(tmp_path / "file")


@pytest.mark.parametrize("missing", ["tensorboardX", "PIL"])
def test_without_the_library_the_way_to_it_is_named(lenet, tmp_path, monkeypatch, missing):
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(OptionalDependencyError) as caught:
        lenet.to_tensorboard(tmp_path / "logs")
    assert "tinygrad-cnn[tensorboard]" in caught.value.hint
    assert missing in caught.value.got
    assert not (tmp_path / "logs").exists()
