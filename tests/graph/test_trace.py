"""A graph in a file: everything comes back, nothing damaged is believed."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn._digest import Digest
from tinygrad_cnn.errors import FileFormatError, GradientError


def lesson():
    """A small network with everything a trace can hold, walked backward."""
    with tc.record():
        x = tc.tensor([[1.0, -2.0, 0.5]], name="x")
        with tc.name_scope("layer"):
            w = tc.tensor(np.linspace(-1, 1, 6).reshape(2, 3), requires_grad=True, dtype="float32", name="w")
            h = (x @ w.T).relu()
            h.name = "h"
        loss = F.cross_entropy(h, tc.tensor([1]))
        loss.name = "loss"
    graph = tc.Graph.of(loss)
    graph.backward()
    return graph


@pytest.fixture(scope="module")
def graph():
    return lesson()


def reloaded(graph, tmp_path):
    return tc.Graph.load(graph.save(tmp_path / "trace.json"))


def same(one, other):
    return (one is None and other is None) or np.array_equal(one.numpy(), other.numpy(), equal_nan=True)


def test_everything_comes_back(graph, tmp_path):
    back = reloaded(graph, tmp_path)
    assert back.edges == graph.edges
    assert back.backward_edges == graph.backward_edges
    pairs = zip([*graph.nodes, *graph.backward_nodes], [*back.nodes, *back.backward_nodes], strict=True)
    for node, other in pairs:
        for field in ("id", "kind", "name", "label", "op", "symbol", "scope", "outputs", "source", "saved"):
            assert getattr(node, field) == getattr(other, field)
        assert (node.requires_grad, node.origin) == (other.requires_grad, other.origin)
        assert all(map(same, node.values, other.values))
    for event, other in zip(graph.events, back.events, strict=True):
        for field in ("kind", "node", "edge", "formula", "numbers", "nodes", "result", "output"):
            assert getattr(event, field) == getattr(other, field)
        assert same(event.value, other.value)
        assert event.value.dtype is other.value.dtype


def test_a_loaded_graph_is_drawn_and_stepped_without_the_engine(graph, tmp_path):
    back = reloaded(graph, tmp_path)
    assert back.to_dot() == graph.to_dot()
    assert len(back.backward()) == len(graph.events)
    assert [scope.path for scope in back.scopes.children] == ["layer"]
    with pytest.raises(GradientError, match="comes from a file"):
        back.element()


def test_a_trace_without_a_walk_says_so(tmp_path):
    a = tc.tensor(2.0, requires_grad=True)
    back = reloaded(tc.Graph.of(a * a), tmp_path)
    with pytest.raises(GradientError, match=r"before its backward\(\)"):
        back.backward()


def test_numbers_that_json_cannot_write_are_words(tmp_path):
    with tc.record():
        a = tc.tensor([math.inf, -math.inf, math.nan, 0.0], requires_grad=True, name="a")
        y = a * 2.0
    text = tc.Graph.of(y).to_json()
    assert '["Infinity","-Infinity","NaN",0.0]' in text
    json.loads(text, parse_constant=pytest.fail)  # bare NaN is no JSON
    back = reloaded(tc.Graph.of(y), tmp_path).node("a").value.numpy()
    np.testing.assert_array_equal(back, [math.inf, -math.inf, math.nan, 0.0])


def test_large_tensors_are_summed_up(tmp_path):
    numbers = np.arange(3 * 100 * 80.0).reshape(1, 3, 100, 80)
    numbers[0, 0, 0, :3] = [math.nan, math.inf, 0.0]
    with tc.record():
        x = tc.tensor(numbers, requires_grad=True, name="x")
        y = x * 2.0
    path = tc.Graph.of(y).save(tmp_path / "large.json")
    value = tc.Graph.load(path).node("x").value
    assert isinstance(value, Digest)
    assert value.shape == (1, 3, 100, 80)
    assert (value.minimum, value.maximum) == (0.0, 23999.0)
    assert (value.zeros, value.nan, value.infinite) == (1, 1, 1)
    assert value.mean == pytest.approx(numbers[np.isfinite(numbers)].mean())
    assert sum(value.counts) == np.isfinite(numbers).sum()
    assert (len(value.image), len(value.image[0])) == (50, 60)  # three channels side by side, thinned out
    assert path.stat().st_size < 200_000
    assert tc.Graph.load(tc.Graph.of(y).save(path, most_elements=10**6)).node("x").value.shape == (
        1,
        3,
        100,
        80,
    )


@pytest.mark.parametrize(
    "label", ["</script><b>", "<!--", "]]>", "\u2028", "🙂 \\ \" '", "half \ud83d", "\x00"]
)
def test_any_label_survives_inside_a_script_element(label, tmp_path):
    a = tc.tensor(1.0, requires_grad=True, name=label)
    graph = tc.Graph.of(a + a)
    text = graph.to_json()
    assert "<" not in text
    assert "\u2028" not in text
    assert reloaded(graph, tmp_path).nodes[0].label == label.replace("\ud83d", "?")


# --- what is no trace -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a trace"),
        (b'{"format": "something else"}', "not a trace"),
        (b'{"format": "tinygrad_cnn.trace", "version": 2}', "another version"),
        (b'{"format": "tinygrad_cnn.trace", "version": 1}', "damaged"),
    ],
)
def test_what_is_no_trace_says_why(content, message, tmp_path):
    path = tmp_path / "trace.json"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        tc.Graph.load(path)


def test_a_missing_file_is_reported_in_pythons_words(tmp_path):
    with pytest.raises(FileNotFoundError):
        tc.Graph.load(tmp_path / "nothing.json")


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places(child, (*path, key))


TRACE = json.loads(lesson().to_json())
PLACES = list(places(TRACE))


@given(place=st.sampled_from(PLACES), other=st.sampled_from([None, -1, 10**9, "x", [], {}, [1], 0.5, True]))
def test_a_damaged_trace_is_read_or_refused(place, other):
    """Whatever is put where, nothing but our own error comes of it."""
    damaged = copy.deepcopy(TRACE)
    spot = damaged
    if not place:
        damaged = other
    else:
        for key in place[:-1]:
            spot = spot[key]
        spot[place[-1]] = other
    try:
        graph = tc.Graph.from_json(damaged)
    except FileFormatError:
        return
    graph.to_json()


@pytest.mark.parametrize(
    ("place", "value", "named"),
    [
        (("nodes", 1, "kind"), "wizard", "nodes[1]"),
        (("nodes", 0, "id"), 5, "nodes[0]"),
        (("nodes", 2, "outputs"), [], "nodes[2]"),
        (("edges", 0, "source"), 99, "edges[0]"),
        (("events", 3, "node"), -1, "events[3]"),
        (("events", 2, "edge"), 10_000, "events[2]"),
        (("nodes", 0, "values", 0, "data"), [1.0], "nodes[0]"),
        (("nodes", 0, "values", 0, "data", 1), "one", "nodes[0]"),
        (("nodes", 0, "outputs", 0, "dtype"), "float8", "nodes[0]"),
        (("backward_nodes", 0, "params"), None, "backward_nodes[0]"),
    ],
)
def test_a_damaged_entry_is_named(place, value, named):
    damaged = copy.deepcopy(TRACE)
    spot = damaged
    for key in place[:-1]:
        spot = spot[key]
    spot[place[-1]] = value
    with pytest.raises(FileFormatError) as caught:
        tc.Graph.from_json(damaged)
    assert caught.value.argument == named
