"""Modes: scopes, recording, anomaly detection, the line of the user's code."""

from __future__ import annotations

import math
import threading

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _context
from tinygrad_cnn.errors import ArgumentTypeError, NonFiniteError, ReleasedGraphError


def leaf(data, name=None):
    return tc.tensor(data, requires_grad=True, name=name)


# --- scopes ---------------------------------------------------------------------------------------


def test_scopes_nest_and_end():
    a = leaf(2.0)
    with tc.name_scope("block1"):
        with tc.name_scope("conv1"):
            inner = a * a
        outer = inner + a
    after = outer + a
    assert (inner.node.scope, outer.node.scope, after.node.scope) == ("block1/conv1", "block1", "")


@pytest.mark.parametrize("name", ["", "a/b", None, 3])
def test_a_scope_needs_a_plain_name(name):
    with pytest.raises(ArgumentTypeError, match="a scope needs a name"), tc.name_scope(name):
        pass
    assert _context.current().scope == ""


def test_a_scope_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), tc.name_scope("conv1"):
        raise ZeroDivisionError
    assert _context.current().scope == ""


def test_a_gradient_knows_the_scope_and_the_edge_it_belongs_to():
    x = leaf(3.0)
    with tc.name_scope("square"):
        y = x * x
    (slope,) = tc.grad(y.exp(), x, create_graph=True)
    nodes, stack = set(), [slope.node]
    while stack:
        node = stack.pop()
        if node not in nodes:
            nodes.add(node)
            stack.extend(parent for parent, _ in node.inputs)
    of_mul = [node for node in nodes if node.origin is not None and node.origin.consumer is y.node]
    assert of_mul
    assert {node.scope for node in of_mul} == {"square"}
    assert {node.origin.argument for node in of_mul} == {"x", "y"}


def test_scopes_are_per_thread():
    seen = []
    with tc.name_scope("main"):
        thread = threading.Thread(target=lambda: seen.append((leaf(1.0) * 2.0).node.scope))
        thread.start()
        thread.join()
    assert seen == [""]


# --- the user's line ------------------------------------------------------------------------------


def helper(x):
    return x * 2.0  # the line inside the helper


def test_a_node_remembers_the_users_line():
    y = leaf(1.0).exp()  # the line of exp
    assert y.node.source.text.endswith("# the line of exp")
    assert y.node.source.function == "test_a_node_remembers_the_users_line"
    assert str(y.node.source).startswith("test_context.py:")
    assert helper(leaf(1.0)).node.source.text.endswith("# the line inside the helper")


def test_a_composition_is_one_line_of_the_user():
    y = tc.softmax(leaf([1.0, 2.0]), 0)  # softmax here
    node = y.node
    while node.inputs:
        assert node.source.text.endswith("# softmax here")
        node = node.inputs[0][0]


# --- anomaly mode ---------------------------------------------------------------------------------


def test_anomaly_mode_names_the_first_operation_that_made_a_nan():
    x = leaf([1.0, -1.0])
    with x.backend.step(), tc.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        x.log().exp()  # the logarithm of -1
    assert caught.value.op == "log"
    assert "the logarithm of -1" in str(caught.value)
    assert "1 of 2 elements" in str(caught.value)


def test_anomaly_mode_watches_the_backward_pass():
    x = leaf([0.0, 1.0])
    y = x.sqrt()  # slope 1/0
    with tc.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        y.sum().backward()
    assert "gradient of sqrt" in str(caught.value)
    assert "slope 1/0" in str(caught.value)


def test_anomaly_mode_lets_infinities_pass_that_came_in():
    x = tc.tensor([math.inf, 1.0])
    with x.backend.step(), tc.detect_anomaly():
        assert (x * 2.0).tolist() == [math.inf, 2.0]
        with pytest.raises(NonFiniteError, match="came in with x"):
            x - x
    with x.backend.step():
        assert math.isnan((x - x).tolist()[0])  # and outside nobody looks


# --- modes end in any order of exceptions ---------------------------------------------------------


@pytest.mark.parametrize("mode", [tc.no_grad, tc.enable_grad, tc.detect_anomaly])
def test_a_mode_object_can_be_entered_again(mode):
    before = _context.current()
    one = mode()
    with one, one:
        pass
    with pytest.raises(ZeroDivisionError), one:
        raise ZeroDivisionError
    assert _context.current() is before


def test_a_decorated_function_runs_in_several_threads():
    barrier = threading.Barrier(3)
    seen = []

    @tc.no_grad()
    def work():
        barrier.wait()
        seen.append(tc.is_grad_enabled())
        barrier.wait()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    barrier.wait()
    assert tc.is_grad_enabled()
    barrier.wait()
    for thread in threads:
        thread.join()
    assert seen == [False, False]


# --- recording ------------------------------------------------------------------------------------


def test_recording_keeps_every_node_and_value():
    recorded = []
    x = tc.tensor([1.0, 2.0])
    with _context.changed(recording=recorded):
        y = (x * 3.0).sum()
    assert [node.name for node in recorded] == ["mul", "sum"]
    assert recorded[0].values[0].tolist() == [3.0, 6.0]
    assert not y.requires_grad


def test_backward_while_recording_releases_nothing():
    x = leaf([1.0, 2.0])
    with tc.record():
        y = (x * x).sum()
        y.backward()
        y.backward()
    assert x.grad.tolist() == [4.0, 8.0]


def test_what_was_recorded_stays_when_the_walk_comes_later():
    x = leaf([1.0, 2.0])
    with tc.record():
        y = (x * x).sum()
    z = y * 2.0  # not recorded
    z.backward()
    y.backward()
    assert x.grad.tolist() == [6.0, 12.0]
    assert len(tc.Graph.of(y).nodes) == 3
    with pytest.raises(ReleasedGraphError):
        z.backward()
