"""The chain rule as a sum over paths: counted, multiplied, added up, and equal to the gradient."""

from __future__ import annotations

import math

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import GradientError, UnknownName


def leaf(value, name):
    return tc.tensor(value, requires_grad=True, name=name, dtype="float64")


def named(value, name):
    value.name = name
    return value


def test_a_product_of_local_derivatives_along_each_path():
    x, y = leaf(2.0, "x"), leaf(5.0, "y")
    p = named(x * y, "p")
    L = named(p * x, "L")
    paths = tc.Graph.of(L).paths("x")
    assert [path.factors for path in paths.paths] == [
        (("∂p/∂x", 5.0), ("∂L/∂p", 2.0)),
        (("∂L/∂x", 10.0),),
    ]
    assert [path.value for path in paths.paths] == [10.0, 10.0]
    assert (paths.count, paths.total, paths.name) == (2, 20.0, "∂L/∂x")
    assert paths.edges == {0, 2, 3}


def test_it_is_written_as_on_the_blackboard():
    b = leaf(-2.0, "b")
    z = named(b * b, "z")
    L = named(z.exp() * z, "L")
    lines = str(tc.Graph.of(L).paths("b")).splitlines()
    assert lines[0] == "∂L/∂b over 4 paths"
    assert "(−2)" in lines[1]
    assert lines[-1].startswith("sum = −1091.9")


def test_the_sum_over_paths_is_the_gradient():
    a, b = leaf(0.7, "a"), leaf(-1.3, "b")
    h = (a * b + a).tanh()
    L = h * h / (a.exp() + b * b) - h
    for value, gradient in zip((a, b), tc.grad(L, (a, b), retain_graph=True), strict=True):
        paths = tc.Graph.of(L).paths(value.name)
        assert paths.total == pytest.approx(gradient.item(), abs=1e-13)
        assert sum(path.value for path in paths.paths) == pytest.approx(gradient.item(), abs=1e-13)
        assert len(paths.paths) == paths.count


def test_between_two_numbers_on_the_way():
    a = leaf(2.0, "a")
    b = named(a * a, "b")
    c = named(b * b, "c")
    L = named(c + b, "L")
    graph = tc.Graph.of(L)
    assert (graph.paths("b", "c").total, graph.paths("b").total) == (8.0, 9.0)


def test_tensors_stand_for_their_nodes():
    a, other = leaf(2.0, "a"), leaf(1.0, "b")
    b = named(a * a, "b")
    L = named(b * b, "L")
    graph = tc.Graph.of(L)
    assert str(graph.paths(a, L)) == str(graph.paths("a", "L"))
    assert graph.paths(b).total == 8.0
    with pytest.raises(GradientError, match="took no part"):
        graph.paths(other)
    with tc.record():
        dead = named((a * -1.0).relu(), "dead")
    assert "dead ReLU" in tc.Graph.of(dead).explain(a).sentence


def test_too_many_paths_are_counted_and_grouped():
    x = y = leaf(1.5, "x")
    for _ in range(40):
        y = y + y
    L = named(y, "L")
    paths = tc.Graph.of(L).paths("x")
    assert paths.count == 2**40
    assert paths.total == 2.0**40
    assert [(path.count, path.value) for path in paths.paths] == [(2**39, 2.0**39)] * 2
    assert "1,099,511,627,776 paths, too many to write down" in str(paths)
    assert "the rest of 549,755,813,888 paths" in str(paths)
    assert x.grad is None


def test_a_thousand_paths_are_still_written_down():
    x = leaf(1.0, "x")
    parts = [named(x * float(i), f"p{i}") for i in range(1000)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    paths = tc.Graph.of(total).paths("x")
    assert paths.count == len(paths.paths) == 1000
    assert paths.total == math.comb(1000, 2)


def test_tensors_are_zoomed_first():
    x = leaf([1.0, 2.0], "x")
    graph = tc.Graph.of((x * x).sum())
    with pytest.raises(GradientError) as caught:
        graph.paths("x")
    assert "element" in caught.value.hint
    assert graph.element().paths("x[1]").total == 4.0


def test_no_path_and_no_node():
    x, y = leaf(1.0, "x"), tc.tensor(2.0, name="y", dtype="float64")
    graph = tc.Graph.of(named(x * y, "L"))
    with pytest.raises(GradientError, match="no path leads from y to L"):
        graph.paths("y")
    with pytest.raises(UnknownName):
        graph.paths("z")


def test_a_loaded_graph_of_numbers_knows_its_paths(tmp_path):
    x = leaf([1.0, 2.0], "x")
    zoomed = tc.Graph.of((x * x).sum()).element()
    back = tc.Graph.load(zoomed.save(tmp_path / "zoomed.json"))
    assert str(back.paths("x[0]")) == str(zoomed.paths("x[0]"))
