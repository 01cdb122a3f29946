"""The step player, as far as Python makes it: what the page holds, what is said, and what is asked.

What the page does with it is tested in a browser, in tests/browser.
"""

from __future__ import annotations

import builtins
import json
import re
import shutil
import webbrowser
from html.parser import HTMLParser

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import GradientError, OptionalDependencyError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.player.drawing import drawing
from tinygrad_cnn.viz.player.mistakes import WORDS, is_asked, typical_mistakes
from tinygrad_cnn.viz.player.story import tell
from tinygrad_cnn.viz.wording import called


def leaf(data, name, requires_grad=True):
    return tc.tensor(data, dtype="float64", requires_grad=requires_grad, name=name)


def walked(make):
    """The graph of what a function computes, with its backward walk."""
    with tc.record():
        result = make()
    graph = Graph.of(result)
    graph.backward()
    return graph


@pytest.fixture
def fan_out():
    def make():
        w, x = leaf(0.2, "w"), leaf(-0.187, "x", requires_grad=False)
        L = w * x + w
        L.name = "L"
        return L

    return walked(make)


# --- the page -------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a browser finds in the page."""

    def __init__(self, text):
        super().__init__()
        self.attributes = []
        self.scripts = {}
        self._open = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [(tag, *pair) for pair in attrs]
        self._open = dict(attrs).get("id", tag) if tag == "script" else None

    def handle_data(self, data):
        if self._open is not None:
            self.scripts[self._open] = self.scripts.get(self._open, "") + data

    def handle_endtag(self, tag):
        self._open = None

    def values(self, name):
        return [value for _, attribute, value in self.attributes if attribute == name]


def test_the_page_holds_everything_and_asks_for_nothing(fan_out):
    page = Page(fan_out.to_html())
    assert [pair for pair in page.attributes if pair[1] in ("src", "srcset", "xlink:href", "action")] == []
    assert page.values("href") == []
    policy = next(value for value in page.values("content") if value and "default-src" in value)
    assert policy.startswith("default-src 'none'")
    assert json.loads(page.scripts["trace"]) == {
        **json.loads(fan_out.to_json()),
        "backward_nodes": json.loads(page.scripts["trace"])["backward_nodes"],
    }


def test_a_trace_from_a_file_makes_the_same_page(tmp_path):
    def make():
        x = leaf(np.arange(25.0).reshape(1, 1, 5, 5) % 7, "x")
        return F.max_pool2d(F.conv2d(x, leaf(np.ones((1, 1, 2, 2)), "w")), 2).sum()

    graph = walked(make)
    graph.save(tmp_path / "trace.json")
    assert Graph.load(tmp_path / "trace.json").to_html() == graph.to_html()


def test_case_68_any_name_survives():
    name = "</script><!-- <b>&\"'\\ \n 😀 ${x} $title"

    def make():
        return leaf(2.0, name) * 3

    graph = walked(make)
    page = Page(graph.to_html(title=name))
    assert json.loads(page.scripts["trace"])["nodes"][0]["label"] == name
    assert json.loads(page.scripts["lesson"])["names"] == list(called(graph).values())
    assert set(page.scripts) == {"trace", "lesson", "script"}


def test_numbers_that_json_cannot_write():
    def make():
        return (leaf([0.0, -1.0], "x").log() * leaf([0.0, 1.0], "w")).sum()

    with np.errstate(all="ignore"):
        page = Page(walked(make).to_html())
    for part in ("trace", "lesson"):
        json.loads(page.scripts[part], parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert "NaN" in page.scripts["trace"]


def test_large_tensors_are_summed_up():
    graph = walked(lambda: (leaf(np.ones((100, 100)), "x") * 2).sum())
    assert json.loads(Page(graph.to_html()).scripts["trace"])["nodes"][0]["values"][0]["mean"] == 1
    whole = json.loads(Page(graph.to_html(most_elements=100_000)).scripts["trace"])
    assert whole["nodes"][0]["values"][0]["data"] == [1] * 10_000


def test_without_graphviz_it_says_what_to_install(fan_out, monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pygraphviz":
            raise ImportError("No module named 'pygraphviz'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(OptionalDependencyError, match="Graphviz"):
        fan_out.to_html()


# --- tc.viz.step ----------------------------------------------------------------------------------


def test_step_walks_backward_and_writes_the_page(tmp_path):
    a = leaf(3.0, "a")
    player = tc.viz.step(a * a, tmp_path / "square.html")
    assert [event.kind for event in player.events] == [
        "visit",
        "contribution",
        "contribution",
        "sum",
        "visit",
    ]
    assert (tmp_path / "square.html").read_text(encoding="utf-8") == player.html
    assert player.save(tmp_path / "again.html").read_text(encoding="utf-8") == player.html
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["again.html", "square.html"]


def test_step_plays_a_walk_that_has_been_made(fan_out):
    events = fan_out.events
    assert tc.viz.step(fan_out).events is events


def test_what_needs_no_gradient_is_played_forward():
    with tc.record() as recording:
        _ = leaf(2.0, "x", requires_grad=False) * 3
    player = tc.viz.step(recording.graph())
    assert player.events == []
    assert (
        "mul = x · 3 = 2 · 3 = 6." in json.loads(Page(player.html).scripts["lesson"])["steps"][0]["sentence"]
    )


def test_a_notebook_shows_it_in_a_frame_of_its_own(fan_out):
    player = tc.viz.step(fan_out)
    (frame,) = Page(player._repr_mimebundle_()["text/html"]).values("srcdoc")
    assert frame == player.html


def test_no_browser_is_opened_unless_asked(fan_out, monkeypatch, tmp_path):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    tc.viz.step(fan_out, tmp_path / "a.html")
    assert opened == []
    tc.viz.step(fan_out, tmp_path / "a.html", open=True)
    tc.viz.step(fan_out, open=True)
    assert opened[0] == (tmp_path / "a.html").as_uri()
    assert re.fullmatch(r"file://.*/step\.html", opened[1])


def test_a_leaf_cannot_be_stepped_through():
    with pytest.raises(GradientError, match="no history"):
        tc.viz.step(leaf(1.0, "a"))


def test_a_result_of_several_numbers_needs_to_be_told_where_to_start():
    with pytest.raises(GradientError):
        tc.viz.step(leaf([1.0, 2.0], "a") * 2)


# --- the drawing ----------------------------------------------------------------------------------


def deep():
    x = leaf([1.0], "x", requires_grad=False)
    for _ in range(15):
        x = x * leaf([2.0], "w") + leaf([1.0], "b")
    return x.sum()


def many_consumers():
    w = leaf(2.0, "w")
    total = w * 1.0
    for _ in range(12):
        total = total * w
    return total


def doubled():
    a = leaf(1.0, "a")
    b = a + a
    return b + b


@pytest.mark.parametrize("make", [deep, many_consumers, doubled])
def test_every_node_and_edge_is_marked(make):
    graph = walked(make)
    page = Page(drawing(graph))
    assert {int(value) for value in page.values("data-node")} == set(range(len(graph.nodes)))
    assert sorted(int(value) for value in page.values("data-edge")) == list(range(len(graph.edges)))


def test_the_drawing_follows_the_background_and_has_no_ids(fan_out):
    page = Page(drawing(fan_out))
    assert any(value.startswith("light-dark(#") for value in page.values("fill"))
    assert page.values("id") == []
    assert page.values("xlink:title") == []


def test_nodes_can_be_reached_by_keyboard_and_have_names(fan_out):
    page = Page(drawing(fan_out))
    assert len(page.values("tabindex")) == len(fan_out.nodes)
    assert "w, parameter" in page.values("aria-label")


# --- what is said ---------------------------------------------------------------------------------


def test_forward_comes_first_and_then_the_walk(fan_out):
    scenes = tell(fan_out)
    assert [scene.kind for scene in scenes] == ["forward"] * 2 + [event.kind for event in fan_out.events]
    assert scenes[0].sentence == "mul = w · x = 0.2 · (−0.187) = −0.0374."
    assert scenes[1].sentence == "L = mul + w = −0.0374 + 0.2 = 0.1626."


def test_questions_hide_what_the_sentence_says(fan_out):
    scenes = [scene for scene in tell(fan_out) if is_asked(fan_out, scene)]
    assert [scene.question for scene in scenes] == [
        "The walk starts at L. What is ∂L/∂L?",
        "From this edge ∂L/∂mul gets g. How much is that?",
        "From this edge ∂L/∂w gets g. How much is that?",
        "From this edge ∂L/∂w gets g · x. How much is that?",
        "Both contributions have arrived at w. What is ∂L/∂w?",
    ]


def test_large_gradients_are_not_asked_for():
    graph = walked(lambda: (leaf(np.ones((9, 9)), "x") * 2).sum())
    assert [scene.node for scene in tell(graph) if is_asked(graph, scene)] == [graph.outputs[0]]


# --- typical mistakes -----------------------------------------------------------------------------


def mistakes_at(graph, title):
    """The wrong answers at the scene of that title, by the kind of mistake, as arrays."""
    scene = next(scene for scene in tell(graph) if scene.title == title and is_asked(graph, scene))
    shape = graph.events[scene.event].value.shape
    return {
        mistake.kind: [np.reshape(answer, shape).tolist() for answer in mistake.answers]
        for mistake in typical_mistakes(graph, scene)
    }


def test_forgot_to_sum_at_a_fan_out(fan_out):
    found = mistakes_at(fan_out, "∂L/∂w")  # 1 − 0.187 = 0.813
    assert sorted(found["sum"]) == [pytest.approx(-0.187), 1.0]
    assert found["sign"] == [pytest.approx(-0.813)]


def test_forgot_to_unbroadcast():
    g = [[1.0, 2.0], [3.0, 5.0], [4.0, 8.0]]
    graph = walked(
        lambda: ((leaf(np.ones((3, 2)), "x") + leaf([0.0, 0.0], "b")) * tc.tensor(g, dtype="float64")).sum()
    )
    found = mistakes_at(graph, "b ← add")  # [8, 15]
    assert found["broadcast"] == [*g, [pytest.approx(8 / 3), 5.0]]


def test_forgot_to_transpose_a_factor():
    x, W, g = [[1.0, 2.0], [0.0, 3.0]], [[5.0, 7.0], [-1.0, 4.0]], [[1.0, -2.0], [3.0, 0.5]]
    graph = walked(lambda: ((leaf(x, "x") @ leaf(W, "W")) * tc.tensor(g, dtype="float64")).sum())
    right = np.transpose(x) @ g
    assert mistakes_at(graph, "W ← matmul")["transpose"] == [right.T.tolist(), (np.array(x) @ g).tolist()]
    assert (np.array(g) @ W).tolist() in mistakes_at(graph, "x ← matmul")["transpose"]


def test_forgot_to_transpose_a_weight_back():
    g = np.array([[1.0, -2.0, 4.0], [3.0, 0.5, 6.0]])
    graph = walked(lambda: (leaf(np.ones((3, 2)), "W").T * tc.tensor(g)).sum())
    assert mistakes_at(graph, "W ← permute")["transpose"] == [g.reshape(3, 2).tolist()]


def test_forgot_to_rotate_the_kernel():
    w = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    graph = walked(lambda: F.conv2d(leaf(np.ones((1, 1, 2, 2)), "x"), leaf(w, "w")).sum())
    # One window, so each cell of x gets its own cell of w; unrotated, that of the opposite corner.
    assert mistakes_at(graph, "x ← conv")["rotation"] == [[[[[4.0, 3.0], [2.0, 1.0]]]]]
    assert "rotation" not in mistakes_at(graph, "w ← conv")


def test_rotation_of_a_transposed_convolution():
    w = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    g = tc.tensor([[[[1.0, 0.0], [0.0, 0.0]]]], dtype="float64")
    graph = walked(lambda: (F.conv_transpose2d(leaf([[[[5.0]]]], "x"), leaf(w, "w")) * g).sum())
    name = next(node.name for node in graph.nodes if node.op == "conv_input_grad")
    assert mistakes_at(graph, f"x ← {name}")["rotation"] == [[[[[4.0]]]]]  # and 1.0 is right


def test_wrong_winner_of_a_max_pooling():
    x = [[[[1.0, 9.0], [4.0, 2.0]]]]
    graph = walked(lambda: (F.max_pool2d(leaf(x, "x"), 2) * 5).sum())
    wrong = mistakes_at(graph, "x ← max_pool")["winner"]
    runner_up, smallest, everywhere = [[0, 0], [5, 0]], [[5, 0], [0, 0]], [[5, 5], [5, 5]]
    assert wrong == [[[each]] for each in (runner_up, smallest, everywhere)]


def test_wrong_winner_among_equals_and_past_the_edge():
    x = [[[[7.0, 7.0, 3.0]]]]
    graph = walked(lambda: F.max_pool2d(leaf(x, "x"), (1, 2), stride=2, ceil_mode=True).sum())
    assert [[[[0.0, 1.0, 1.0]]]] in mistakes_at(graph, "x ← max_pool")["winner"]


@pytest.mark.parametrize(
    ("take", "wrong"),
    [
        (lambda x: x.amax(), [[0.0, 1.0], [0.0, 0.0]]),
        (lambda x: x.amin(), [[0.0, 0.0], [0.0, 1.0]]),
        (lambda x: x.max(dim=1)[0].sum(), [[0.0, 1.0], [1.0, 0.0]]),
        (lambda x: x.amax(dim=(0, 1), keepdim=True).sum(), [[0.0, 1.0], [0.0, 0.0]]),
    ],
)
def test_wrong_winner_of_a_reduction(take, wrong):
    graph = walked(lambda: take(leaf([[9.0, 6.0], [2.0, 4.0]], "x")) * 1.0)
    reduction = next(node.name for node in graph.nodes if node.op.startswith(("am", "max")))
    assert wrong in mistakes_at(graph, f"x ← {reduction}")["winner"]


def test_wrong_winner_of_two_tensors_and_of_relu():
    graph = walked(lambda: (tc.maximum(leaf([1.0, 5.0], "a"), leaf([2.0, 3.0], "b")) * 4).sum())
    assert mistakes_at(graph, "a ← maximum")["winner"] == [[4.0, 0.0]]
    graph = walked(lambda: (F.relu(leaf([1.0, -5.0], "a")) * 4).sum())
    assert mistakes_at(graph, "a ← relu")["winner"] == [[0.0, 4.0], [4.0, 4.0]]


def test_a_mistake_that_leads_to_the_right_answer_is_none():
    graph = walked(lambda: leaf(0.0, "a") * leaf(0.0, "b"))
    assert mistakes_at(graph, "a ← mul") == {}


def test_a_trace_from_a_file_knows_the_same_mistakes(tmp_path):
    def make():
        x = leaf(np.arange(16.0).reshape(1, 1, 4, 4), "x")
        y = F.conv2d(x, leaf(np.arange(4.0).reshape(1, 1, 2, 2), "w"), padding=1, stride=2)
        return F.max_pool2d(y, 2).sum()

    graph = walked(make)
    loaded = Graph.load(graph.save(tmp_path / "trace.json"))
    for mine, theirs in zip(tell(graph), tell(loaded), strict=True):
        if is_asked(graph, mine):
            assert typical_mistakes(graph, mine) == typical_mistakes(loaded, theirs)


def test_every_mistake_has_words():
    graph = walked(lambda: leaf(2.0, "a") * leaf(3.0, "b"))
    lesson = json.loads(Page(graph.to_html()).scripts["lesson"])
    assert (
        set(lesson["words"]) == set(WORDS) == {"sum", "broadcast", "transpose", "rotation", "winner", "sign"}
    )


def test_what_needs_no_gradient_plays_forward_in_a_notebook_too():
    with tc.record():
        y = F.conv2d(tc.ones(1, 1, 3, 3), tc.ones(1, 1, 2, 2))
    shown = tc.viz.step(y)._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html", "image/svg+xml"}
    assert "∂" not in shown["image/svg+xml"]
