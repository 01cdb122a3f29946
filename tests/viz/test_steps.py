"""The sentences of a backward walk, word for word, and what a player shows beside them."""

import json
import time

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.cli import examples
from tinygrad_cnn.errors import GradientError
from tinygrad_cnn.viz.steps import sentence, steps
from tinygrad_cnn.viz.wording import called


def leaf(value, name):
    return tc.tensor(value, requires_grad=True, name=name)


def graph_of(result):
    return tc.Graph.of(result)


def sentences(result):
    return [step.sentence for step in steps(graph_of(result))]


def named(value, name):
    value.name = name
    return value


# --- the lectures, word for word


def test_lesson_one():
    assert [step.sentence for step in steps(examples.graph_of("fan-out"))] == [
        "The walk starts at c. L is c itself, so ∂L/∂c = 1.",
        "∂L/∂b gets g = 1 from this edge; b is used once more, so it is not finished.",
        "∂L/∂b gets g = 1 from this edge; it is the last of 2, and they add up.",
        "∂L/∂b = 1 + 1 = 2: at a fan-out the contributions add up. All have come, so it is finished.",
        "∂L/∂b = 2 is finished. b now passes it on to a (twice).",
        "∂L/∂a gets g = 2 from this edge; a is used once more, so it is not finished.",
        "∂L/∂a gets g = 2 from this edge; it is the last of 2, and they add up.",
        "∂L/∂a = 2 + 2 = 4: at a fan-out the contributions add up. All have come, so it is finished.",
        "∂L/∂a = 4 is finished. a is a leaf, so this is the gradient that was wanted.",
    ]


def test_logistic_regression():
    told = {step.sentence for step in steps(examples.graph_of("logistic-regression"))}
    assert told >= {
        "The walk starts at L. ∂L/∂L = 1.",
        "∂L/∂S gets −g = −(1) = −1 from this edge; S has no other consumer, so it is finished.",
        "∂L/∂t1 = −1 is finished. t1 now passes it on to l1.",
        "∂L/∂ŷ1 gets g / ŷ1 = −1 / 0.812905 = −1.23016 from this edge; "
        "ŷ1 has no other consumer, so it is finished.",
        "∂L/∂h1 gets g / H = −1.23016 / 3.22245 = −0.381746 from this edge; "
        "h1 has one more consumer, so it is not finished.",
        "∂L/∂H gets −g · ŷ1 / H = −(−1.23016) · 0.812905 / 3.22245 = 0.310323 from this edge; "
        "it is the last of 2, and they add up.",
        "∂L/∂h1 = −0.381746 + 0.310323 = −0.0714226: at a fan-out the contributions add up. "
        "All have come, so it is finished.",
        "∂L/∂z1 gets g · exp(z1) = −0.0714226 · exp(0.963) = −0.187095 from this edge; "
        "z1 has no other consumer, so it is finished.",
        "∂L/∂b1 = −0.187095 is finished. b1 is a leaf, so this is the gradient that was wanted.",
        "∂L/∂w11 gets g · x1 = −0.187095 · 0.2 = −0.0374189 from this edge; "
        "w11 has no other consumer, so it is finished.",
    }


def test_convolution():
    assert [step.sentence for step in steps(examples.graph_of("convolution"))] == [
        "The walk starts at L. ∂L/∂L = 1.",
        "From this edge ∂L/∂O gets g for every i, here [[1, 1], [1, 1]]; "
        "O has no other consumer, so it is finished.",
        "∂L/∂O = [[1, 1], [1, 1]] is finished. O now passes it on to X and F.",
        "From this edge ∂L/∂X gets g ∗ F, the full convolution: g ⋆ rot180(F) with zeros around g, "
        "here [[0, 1, 1], [2, 6, 4], [2, 5, 3]]; X has no other consumer, so it is finished.",
        "∂L/∂F gets X ⋆ g = [[8, 12], [20, 24]] from this edge; F has no other consumer, so it is finished.",
        "∂L/∂F = [[8, 12], [20, 24]] is finished. F is a leaf, so this is the gradient that was wanted.",
        "∂L/∂X = [[0, 1, 1], [2, 6, 4], [2, 5, 3]] is finished. "
        "X is a leaf, so this is the gradient that was wanted.",
    ]


@pytest.mark.parametrize("lesson", ["fan-out", "logistic-regression", "convolution", "lenet5"])
def test_a_trace_tells_the_same(lesson, tmp_path):
    graph = examples.graph_of(lesson)
    loaded = tc.Graph.load(graph.save(tmp_path / "trace.json"))
    assert [step.sentence for step in steps(loaded)] == [step.sentence for step in steps(graph)]


# --- fan-outs


def test_the_words_of_the_model_sentence():
    x, w = tc.tensor(0.2, name="x"), leaf(0.65, "w")
    told = sentences(named((w * x) * -0.187 + w, "L"))
    assert told[1].endswith(
        "∂L/∂mul_1 gets g = 1 from this edge; mul_1 has no other consumer, so it is finished."
    )
    assert told[2] == "∂L/∂w gets g = 1 from this edge; w has one more consumer, so it is not finished."
    assert (
        "∂L/∂w gets g · x = −0.187 · 0.2 = −0.0374 from this edge; it is the last of 2, and they add up."
        in told
    )
    assert "∂L/∂w = 1 − 0.0374 = 0.9626: at a fan-out the contributions add up." in told[-2]


@pytest.mark.parametrize(
    ("consumers", "words"),
    [(3, "two more consumers"), (4, "three more consumers"), (6, "5 more consumers")],
)
def test_how_many_consumers_are_missing(consumers, words):
    w = leaf(1.0, "w")
    total = w.exp()
    for _ in range(consumers - 1):
        total = total + w.exp()
    first = next(line for line in sentences(total) if "∂L/∂w gets" in line)
    assert first.endswith(f"from this edge; w has {words}, so it is not finished.")


def test_one_consumer_may_use_a_value_several_times():
    w = leaf([1.0], "w")
    told = sentences(tc.cat([w, w, w, w]).sum())
    assert [line.partition("; ")[2] for line in told if "∂L/∂w gets" in line] == [
        "w is used 3 times more, so it is not finished.",
        "w is used twice more, so it is not finished.",
        "w is used once more, so it is not finished.",
        "it is the last of 4, and they add up.",
    ]
    assert "∂L/∂w = [1] + [1] + [1] so far" not in told[4]
    assert [line for line in told if "so far" in line] == [
        "∂L/∂w = 1 + 1 = 2 so far; w is used twice more, so it is not finished.",
        "∂L/∂w = 1 + 1 + 1 = 3 so far; w is used once more, so it is not finished.",
    ]


def test_a_long_sum_is_shortened():
    w = leaf(1.0, "w")
    total = w * 1
    for factor in range(2, 9):
        total = total + w * factor
    assert "∂L/∂w = 8 + 7 + … + 1 = 36: at a fan-out" in sentences(total)[-2]


def test_large_arrays_are_summed_up():
    w = leaf(np.arange(100.0).tolist(), "w")
    told = sentences((w * w + w).sum())
    assert (
        "∂L/∂w is finished: numbers of shape (100,) from 1 to 199. "
        "w is a leaf, so this is the gradient that was wanted." in told
    )
    assert any(
        "∂L/∂w = the sum of 3, numbers of shape (100,) from 1 to 199: at a fan-out" in line for line in told
    )
    assert any("gets g · w from this edge, numbers of shape (100,) from 0 to 99;" in line for line in told)


# --- names and formulas


def test_the_formula_has_the_names_of_the_graph():
    """The declaration's x and y may be the user's y and x."""
    x, y = leaf(3.0, "x"), leaf(2.0, "y")
    told = sentences(named(y / x, "q"))
    assert told[1].startswith("∂L/∂y gets g / x = 1 / 3 = 0.333333 from this edge")
    assert told[2].startswith("∂L/∂x gets −g · q / x = −(1) · 0.666667 / 3 = −0.222222 from this edge")


def test_powers_are_written_with_names():
    told = sentences(leaf(3.0, "base") ** leaf(2.0, "e"))
    assert told[1].startswith("∂L/∂base gets g · e · base^(e − 1) = 1 · 2 · (3)^(2 − 1) = 6 from this edge")


def test_without_the_values_there_are_still_names():
    """Outside of `tc.record()` only what the rules need is kept: of exp its result."""
    told = sentences((leaf(0.0, "w") + 1.0).exp())
    assert (
        told[1]
        == "∂L/∂add gets g · exp(add) = 2.71828 from this edge; add has no other consumer, so it is finished."
    )


def test_words_in_a_formula_are_no_sum():
    assert sentences(leaf(0.5, "z").relu())[1].startswith(
        "From this edge ∂L/∂z gets g where z > 0, else 0, here 1;"
    )


def test_what_was_broadcast_is_summed():
    told = sentences((tc.tensor([[1.0, 2.0], [3.0, 4.0]], name="x") * leaf([1.0, 1.0], "w")).sum())
    assert any(
        line.startswith("From this edge ∂L/∂w gets g · x, summed over what it was broadcast to, here [4, 6];")
        for line in told
    )


def test_normalized_is_not_the_input():
    """The x of x̂ is another number than x."""
    layer = tc.nn.BatchNorm1d(2)
    told = sentences(layer(leaf([[1.0, 2.0], [3.0, 5.0], [4.0, 4.0]], "features"))[0].sum())
    assert any("BatchNorm1d" not in line and "∂L/∂weight gets Σ g·x̂" in line for line in told)
    assert any("∂L/∂features gets weight/√(var+ε) · (g − avg(g) − x̂ · avg(g·x̂))" in line for line in told)


def test_a_node_is_called_by_the_end_of_its_name_that_is_its_own():
    network = tc.nn.Sequential(tc.nn.Linear(2, 2), tc.nn.ReLU(), tc.nn.Linear(2, 1))
    graph = graph_of(network(tc.ones(1, 2)).sum())
    names = {graph.nodes[place].name: name for place, name in called(graph).items()}
    assert names["Sequential/0/weight"] == "0.weight"
    assert names["Sequential/2/weight"] == "2.weight"
    assert names["Sequential/1/relu"] == "relu"


@pytest.mark.parametrize("name", ['"', "<b>", "[b]", "\\", "🙂", "x/y"])
def test_any_name_is_spoken(name):
    assert f"∂L/∂{name} = 5 is finished" in sentences(leaf(3.0, name) * 5)[-1]


def test_a_sentence_is_one_line():
    assert "∂L/∂two lines = 5 is finished" in sentences(leaf(3.0, "two\nlines") * 5)[-1]


# --- where the walk starts


def test_a_walk_that_starts_with_a_gradient():
    w = leaf([1.0, 2.0], "w")
    graph = graph_of(named(w * 3, "y"))
    graph.backward(tc.tensor([1.0, 10.0]))
    assert steps(graph)[0].sentence == "The walk starts at y, with ∂L/∂y = [1, 10]."


def test_an_output_that_others_consume_has_a_start_of_its_own():
    a = leaf(1.0, "a")
    b = named(a * 2, "b")
    graph = graph_of([b, named(b * 5, "c")])
    told = steps(graph)
    assert [step.sentence for step in told[:4]] == [
        "The walk starts at c, with ∂L/∂c = 1.",
        "∂L/∂b gets g · 5 = 1 · 5 = 5 from this edge; it is the last of 2, and they add up.",
        "∂L/∂b = 1 + 5 = 6: at a fan-out the contributions add up. All have come, so it is finished.",
        "∂L/∂b = 6 is finished. b now passes it on to a.",
    ]
    assert [term.item() for term in told[2].terms] == [1.0, 5.0]


# --- unusual values


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (0.0, "numbers of shape (20,), all of them 0"),
        (float("nan"), "numbers of shape (20,), 20 of them NaN"),
        (float("inf"), "numbers of shape (20,), 20 of them infinite"),
    ],
)
def test_unusual_gradients(factor, words):
    graph = graph_of((leaf([1.0] * 20, "w") * factor).sum())
    assert f"∂L/∂w is finished: {words}. w is a leaf" in steps(graph)[-1].sentence


def test_a_gradient_of_minus_zero_is_zero():
    assert sentences(-(leaf(3.0, "w") * 0.0))[-1].startswith("∂L/∂w = 0 is finished.")


def test_shapes_alone_are_stepped_through_too():
    with tc.use_backend("meta"):
        told = sentences((tc.zeros(3, requires_grad=True) * 2).sum())
    assert told[-1].startswith("∂L/∂parameter is finished: numbers of shape (3,).")


# --- what a player shows


def test_a_step_of_a_contribution():
    graph = examples.graph_of("logistic-regression")
    step = next(step for step in steps(graph) if step.consumer is not None and step.name == "w11")
    assert step.consumer.label == "p11"
    assert step.edge.argument == "x"
    assert step.incoming.item() == pytest.approx(-0.187095, abs=1e-6)
    assert step.formula == "g · x1"
    assert step.event.numbers == "−0.187095 · 0.2 = −0.0374189"
    assert step.total is step.event.value
    assert (step.coming, step.finished) == ((), True)


def test_the_running_sum():
    graph = examples.graph_of("fan-out")
    rows = [
        (step.name, step.total.item(), [t.item() for t in step.terms], len(step.coming), step.finished)
        for step in steps(graph)
    ]
    assert rows == [
        ("c", 1.0, [], 0, True),
        ("b", 1.0, [1.0], 1, False),
        ("b", 1.0, [1.0, 1.0], 0, False),  # has arrived, and is added in the next step
        ("b", 2.0, [1.0, 1.0], 0, True),
        ("b", 2.0, [1.0, 1.0], 0, True),
        ("a", 2.0, [2.0], 1, False),
        ("a", 2.0, [2.0, 2.0], 0, False),
        ("a", 4.0, [2.0, 2.0], 0, True),
        ("a", 4.0, [2.0, 2.0], 0, True),
    ]


def test_the_last_totals_are_the_gradients_of_backward():
    tc.manual_seed(3)
    model = tc.models.LeNet5()
    images, labels = tc.randn(2, 1, 28, 28), tc.tensor([3, 1])
    with tc.record():
        loss = F.cross_entropy(model(images), labels)
    totals = {step.node.name: step.total for step in steps(tc.Graph.of(loss)) if step.event.kind == "visit"}
    loss.backward()
    for name, parameter in model.named_parameters():
        np.testing.assert_array_equal(
            totals[f"LeNet5/{name.replace('.', '/')}"].numpy(), parameter.grad.numpy()
        )


def test_a_new_walk_is_told_anew():
    graph = graph_of(leaf([1.0, 2.0], "w") * 3)
    graph.backward(tc.tensor([1.0, 1.0]))
    before = steps(graph)
    assert steps(graph) is before
    graph.backward(tc.tensor([2.0, 2.0]))
    assert steps(graph)[-1].total.tolist() == [6.0, 6.0]


def test_one_sentence_after_another_is_quick():
    """Asking for each sentence by its number takes no longer than telling all."""
    y = leaf(1.0, "w")
    for _ in range(1000):
        y = y * 1.0
    graph = graph_of(y)
    events = graph.backward()
    start = time.process_time()
    told = [sentence(graph, place) for place in range(len(events))]
    assert time.process_time() - start < 2
    assert told == [step.sentence for step in steps(graph)]


def test_a_trace_without_a_walk(tmp_path):
    loaded = tc.Graph.load(graph_of(leaf(1.0, "w") * 2).save(tmp_path / "trace.json"))
    with pytest.raises(GradientError, match="before its backward"):
        steps(loaded)


def test_a_trace_whose_events_make_no_sense_is_told_all_the_same(tmp_path):
    """A trace is data from anywhere: contributions before their time, sums of nothing."""
    path = examples.graph_of("fan-out").save(tmp_path / "trace.json")
    trace = json.loads(path.read_text())
    trace["events"] = trace["events"][::-1]
    assert len(steps(tc.Graph.from_json(trace))) == 9
