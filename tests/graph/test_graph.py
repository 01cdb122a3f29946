"""The Graph of known computations: nodes, edges, names, scopes, and the errors of those that have none."""

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentTypeError, GradientError, ReleasedGraphError, UnknownName
from tinygrad_cnn.graph import Graph, Recording


def leaf(value, name=None, **options):
    return tc.tensor(value, requires_grad=True, name=name, **options)


def test_lesson_one_is_three_nodes_and_four_edges():
    a = leaf(1.0, "a")
    b = a + a
    c = b + b
    c.name = "c"
    graph = Graph.of(c)
    assert [(node.kind, node.name, node.op, node.symbol) for node in graph.nodes] == [
        ("parameter", "a", "", ""),
        ("op", "add", "add", "+"),
        ("output", "c", "add", "+"),
    ]
    assert [(edge.source, edge.output, edge.target, edge.argument) for edge in graph.edges] == [
        (0, 0, 1, "x"),
        (0, 0, 1, "y"),
        (1, 0, 2, "x"),
        (1, 0, 2, "y"),
    ]
    assert graph.outputs == (2,)


def test_leaves_are_told_apart():
    x = tc.tensor([1.0, 2.0], name="x")
    w = leaf([3.0, 4.0], "w")
    graph = Graph.of((x * w + 5.0).sum())
    kinds = {node.name: node.kind for node in graph.nodes if node.is_leaf}
    assert kinds == {"x": "input", "w": "parameter", "5": "constant"}


def test_shapes_and_dtypes_stand_on_edges():
    x = leaf([[1.0, 2.0, 3.0]], dtype=tc.float64)
    graph = Graph.of((x @ x.T).sum())
    product = graph.node("matmul")
    assert [edge.spec.shape for edge in graph.edges if edge.target == product.id] == [(1, 3), (3, 1)]
    assert product.outputs[0].dtype is tc.float64


def test_the_second_result_of_an_operation_is_told_from_the_first():
    x = leaf([3.0, 1.0, 2.0], "x")
    values, indices = x.max(0)
    with tc.record():
        graph = Graph.of(x.max(0)[0] * 1.0)
    assert values.node.outputs != indices.shape
    assert len(graph.node("max_along").outputs) == 2
    assert {edge.output for edge in graph.edges} == {0}


def test_parameters_and_the_users_line_are_kept():
    x = leaf([[1.0, 2.0]])
    y = x.sum(1)
    node = Graph.of(y).node("sum")
    assert node.params["dim"] == (1,) or node.params["dim"] == 1
    assert "y = x.sum(1)" in node.source
    assert "test_graph.py" in node.source


def test_names_are_unique_and_counted_as_in_tensorflow():
    a = leaf(1.0, "relu_1")
    graph = Graph.of(a.relu().relu().relu())
    names = [node.name for node in graph.nodes]
    assert names == ["relu_1", "relu", "relu_2", "relu_3"]


def test_ids_do_not_depend_on_what_was_computed_before():
    def build():
        a, b = leaf(1.0, "a"), leaf(2.0, "b")
        return Graph.of((a * b + b).exp())

    first = build()
    Graph.of(leaf(1.0) + 1)
    second = build()
    assert [(n.id, n.name) for n in first.nodes] == [(n.id, n.name) for n in second.nodes]
    assert first.edges == second.edges


def test_parents_come_before_consumers():
    a = leaf(1.0)
    y = a
    for _ in range(10):
        y = y * a + y.tanh()
    assert all(edge.source < edge.target for edge in Graph.of(y).edges)


def test_several_outputs_share_one_graph():
    a = leaf(1.0, "a")
    b = a * 2
    graph = Graph.of([b, b + 1])
    assert [graph.nodes[i].op for i in graph.outputs] == ["mul", "add"]


def test_a_deep_chain_needs_no_recursion():
    y = leaf(1.0)
    for _ in range(20_000):
        y = y.neg()
    assert len(Graph.of(y).nodes) == 20_001


# --- scopes


def test_scopes_nest():
    a = leaf(1.0, "a")
    with tc.name_scope("net"):
        with tc.name_scope("one"):
            b = a.exp()
        with tc.name_scope("two"):
            c = b.exp()
    d = c.exp()
    graph = Graph.of(d)
    root = graph.scopes
    (net,) = root.children
    assert [scope.path for scope in net.children] == ["net/one", "net/two"]
    assert [scope.name for scope in net.children] == ["one", "two"]
    assert [graph.nodes[i].name for i in root.nodes] == ["exp"]
    assert [graph.nodes[i].name for i in net.children[0].nodes] == ["net/one/a", "net/one/exp"]


def test_a_parameter_lives_where_all_its_consumers_are_and_data_stays_outside():
    x, w = tc.tensor([1.0], name="x"), leaf([1.0], "w")
    with tc.name_scope("net"):
        with tc.name_scope("one"):
            y = x * w
        with tc.name_scope("two"):
            y = y * w
    graph = Graph.of(y)
    assert graph.node("net/w").scope == "net"
    assert graph.node("x").scope == ""


def test_modules_are_scopes():
    network = tc.nn.Sequential(tc.nn.Linear(3, 2), tc.nn.ReLU())
    graph = Graph.of(network(tc.ones(1, 3)))
    assert graph.node("Sequential/0/weight").kind == "parameter"
    assert graph.node("Sequential/1/relu").kind == "output"


# --- what has no graph


def test_a_leaf_has_no_history():
    with pytest.raises(GradientError, match="no history"):
        Graph.of(leaf(1.0, "a"))


def test_without_a_gradient_nothing_was_recorded():
    with tc.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(GradientError, match=r"tc\.record\(\)"):
        Graph.of(y)


def test_a_released_graph_names_record():
    loss = leaf(1.0).exp().exp()
    loss.backward()
    with pytest.raises(ReleasedGraphError, match=r"tc\.record\(\)"):
        Graph.of(loss)


@pytest.mark.parametrize(
    "question",
    [lambda graph: graph.paths("a"), lambda graph: graph.element(), lambda graph: graph.backward()],
)
def test_a_graph_released_since_it_was_made_answers_no_question(question):
    a = leaf(3.0, "a")
    L = a * a
    graph = Graph.of(L)
    L.backward()
    with pytest.raises(ReleasedGraphError, match=r"tc\.record\(\)"):
        question(graph)


@pytest.mark.parametrize("value", [3.0, [], [1.0], None])
def test_a_graph_is_made_of_tensors(value):
    with pytest.raises(ArgumentTypeError, match="tensors"):
        Graph.of(value)


def test_an_unknown_node_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'exp'"):
        Graph.of(leaf(1.0).exp()).node("exq")


# --- recording


def test_recording_keeps_every_value_after_backward():
    with tc.record() as recording:
        a = leaf(3.0, "a")
        loss = (a * 2 + 1).exp().log()
        loss.backward()
    graph = Graph.of(loss)
    assert [round(node.values[0].item(), 4) for node in graph.nodes] == [
        3.0,
        2.0,
        6.0,
        1.0,
        7.0,
        1096.6332,
        7.0,
    ]
    assert len(recording) > 5  # the backward walk's own operations too


def test_recording_works_without_gradients():
    with tc.no_grad(), tc.record():
        y = tc.tensor(2.0, name="x") * 3
    assert [node.kind for node in Graph.of(y).nodes] == ["constant", "constant", "output"]


def test_recorded_values_outlive_an_assign():
    w = leaf([1.0, 2.0], "w")
    with tc.record():
        y = w.reshape(2, 1).sum()
    w.assign([5.0, 6.0])
    graph = Graph.of(y)
    assert graph.node("w").values[0].tolist() == [1.0, 2.0]
    assert graph.nodes[1].values[0].tolist() == [[1.0], [2.0]]
    assert Graph.of(w.sum()).node("w").values[0].tolist() == [5.0, 6.0]


def test_the_graph_of_a_recording_ends_where_nothing_consumes():
    with tc.record() as recording:
        a = tc.tensor([1.0, 2.0])
        total, largest = a.sum(), a.amax()
    graph = recording.graph()
    assert [graph.nodes[i].op for i in graph.outputs] == ["sum", "amax"]
    assert {total.shape, largest.shape} == {()}


def test_an_inner_recording_leaves_no_hole_in_the_outer():
    with tc.record() as outer:
        a = tc.tensor(1.0) + 1
        with tc.record() as inner:
            a = a + 1
        a = a + 1
    assert (len(outer), len(inner)) == (3, 1)


def test_an_empty_recording_has_no_graph():
    with tc.record() as recording:
        pass
    assert isinstance(recording, Recording)
    with pytest.raises(GradientError, match="nothing was recorded"):
        recording.graph()


# --- the backward walk as data


def test_backward_keeps_visits_contributions_and_sums():
    a = leaf(1.0, "a")
    b = a + a
    graph = Graph.of(b + b)
    events = graph.backward()
    assert [(event.kind, event.node, event.value.item()) for event in events] == [
        ("visit", 2, 1.0),
        ("contribution", 1, 1.0),
        ("contribution", 1, 1.0),
        ("sum", 1, 2.0),
        ("visit", 1, 2.0),
        ("contribution", 0, 2.0),
        ("contribution", 0, 2.0),
        ("sum", 0, 4.0),
        ("visit", 0, 4.0),
    ]
    assert [event.edge for event in events if event.kind == "contribution"] == [2, 3, 0, 1]
    assert all(event.formula.startswith("∂L/∂") for event in events if event.kind == "contribution")
    assert graph.events is events


def test_backward_touches_no_grad_and_releases_nothing():
    a = leaf(2.0)
    y = a * a
    graph = Graph.of(y)
    graph.backward()
    graph.backward()
    assert a.grad is None
    y.backward()
    assert a.grad.item() == 4.0


def test_backward_of_a_vector_needs_a_start():
    a = leaf([1.0, 2.0])
    graph = Graph.of(a * 3)
    with pytest.raises(GradientError, match="scalar"):
        graph.backward()
    events = graph.backward(tc.tensor([1.0, 10.0]))
    assert events[-1].value.tolist() == [3.0, 30.0]


def test_the_graph_of_a_recording_walks_backward_too():
    with tc.record() as recording:
        a = leaf(3.0)
        a * a
    assert recording.graph().backward()[-1].value.item() == 6.0


def test_what_a_layer_keeps_is_drawn_inside_of_it():
    """Running statistics and frozen weights are constants of their layer, no data from outside."""
    import copy

    model = tc.nn.Sequential(tc.nn.Linear(3, 2), tc.nn.BatchNorm1d(2)).eval()
    model[0].weight.requires_grad_(False)
    for network in (model, copy.deepcopy(model)):
        with tc.record():
            result = network(tc.ones(4, 3))
        graph = Graph.of(result)
        kinds = {node.name: node.kind for node in graph.nodes if node.is_leaf}
        assert kinds["Sequential/0/weight"] == "constant"
        assert kinds["Sequential/0/bias"] == "parameter"
        assert kinds["Sequential/1/running_mean"] == "constant"
        assert [name for name, kind in kinds.items() if kind == "input"] == ["input"]
