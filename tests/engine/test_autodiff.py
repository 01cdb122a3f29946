"""The backward walk: its events, and what people call."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _context
from tinygrad_cnn._walk import Contribution, Sum, Visit, walk
from tinygrad_cnn.errors import ArgumentTypeError, GradientError, ReleasedGraphError


def leaf(data, name=None):
    return tc.tensor(data, dtype="float64", requires_grad=True, name=name)


def told(event):
    """An event as a line of text."""
    if isinstance(event, Visit):
        return f"visit {event.node.name} with {event.cotangent.item():g}"
    if isinstance(event, Contribution):
        return f"{event.edge.consumer.name}.{event.edge.argument} sends {event.value.item():g}"
    assert isinstance(event, Sum)
    return f"at {event.node.name} sum {event.value.item():g}"


# --- the events -----------------------------------------------------------------------------------


def test_the_walk_tells_every_step():
    a = leaf(3.0, name="a")
    b = a * a
    c = b + a
    seed = tc.tensor(1.0, dtype="float64")
    assert [told(event) for event in walk([c], [seed])] == [
        "visit add with 1",
        "add.x sends 1",
        "add.y sends 1",
        "visit mul with 1",
        "mul.x sends 3",
        "at a sum 4",
        "mul.y sends 3",
        "at a sum 7",
        "visit a with 7",
    ]


def test_a_node_is_visited_once_and_after_all_its_consumers():
    a = leaf(1.0, name="a")
    value = a
    for _ in range(20):  # 2²⁰ paths, 21 visits
        value = value + value
    visits = [
        event.node.serial
        for event in walk([value], [tc.tensor(1.0, dtype="float64")])
        if isinstance(event, Visit)
    ]
    assert len(visits) == 21
    assert visits == sorted(visits, reverse=True)


def test_only_what_leads_to_the_inputs_is_walked():
    a, b = leaf(2.0, name="a"), leaf(3.0, name="b")
    y = a.exp() * b.sin()
    walked = {
        event.node.name
        for event in walk([y], [tc.tensor(1.0, dtype="float64")], inputs=[b])
        if isinstance(event, Visit)
    }
    assert walked == {"mul", "sin", "b"}


def test_no_context_stays_changed_across_a_yield():
    x = leaf(2.0)
    before = _context.current()
    events = walk([x * x + x], [tc.tensor(1.0, dtype="float64")], create_graph=True)
    for event in events:
        assert _context.current() is before
        assert event is not None


def test_closing_the_walk_half_way_leaves_nothing_behind():
    x = leaf(2.0)
    y = (x * x).exp()
    before = _context.current()
    events = walk([y], [tc.tensor(1.0, dtype="float64")], retain_graph=True)
    next(events)
    next(events)
    events.close()
    assert _context.current() is before
    y.backward()
    assert x.grad.item() == pytest.approx(4 * np.exp(4))


def test_release_happens_after_a_node_is_walked():
    x = leaf(2.0)
    y = x * x
    events = walk([y.exp()], [tc.tensor(1.0, dtype="float64")])
    released = [(told(event).split()[0], y.node.released) for event in events]
    assert released[-1] == ("visit", True)
    assert not released[0][1]
    assert y.item() == 4.0  # a Tensor's own value stays
    assert y.node.saved == {}
    assert y.node.inputs == ()


# --- grad() ---------------------------------------------------------------------------------------


def test_grad_of_intermediate_results():
    x = leaf([1.0, 2.0])
    y = x * 3.0
    loss = (y * y).sum()
    by_y, by_x = tc.grad(loss, [y, x])
    assert by_y.tolist() == [6.0, 12.0]
    assert by_x.tolist() == [18.0, 36.0]
    assert x.grad is None


def test_grad_of_several_outputs_sums_them():
    x = leaf(2.0)
    seeds = [tc.tensor(1.0, dtype="float64"), tc.tensor(10.0, dtype="float64")]
    assert tc.grad([x * x, x * 3.0], x)[0].item() == 7.0
    assert tc.grad([x * x, x * 3.0], x, seeds)[0].item() == 34.0
    assert tc.grad([x * x, x * 3.0], x, [None, seeds[1]])[0].item() == 34.0
    y = x * x
    assert tc.grad([y, y], x)[0].item() == 8.0


def test_grad_of_an_output_that_is_also_an_input():
    x = leaf(2.0)
    y = x * x
    by_y, by_x = tc.grad(y, [y, x])
    assert (by_y.item(), by_x.item()) == (1.0, 4.0)
    assert tc.grad(x, x)[0].item() == 1.0


def test_the_same_input_twice():
    x = leaf(2.0)
    first, second = tc.grad(x * x, [x, x])
    assert first.item() == second.item() == 4.0


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda x: tc.grad(x * x, tc.tensor(1.0)), "input 0 does not require"),
        (lambda x: tc.grad([], x), "gradients are taken of tensors"),
        (lambda x: tc.grad(x * x, [1.0]), "gradients are taken of tensors"),
        (lambda x: tc.grad([x * x, x], x, [None]), "its own starting gradient"),
        (lambda x: tc.grad(x * x, x, 1.0), "must be a tensor"),
    ],
)
def test_what_grad_refuses(call, problem):
    with pytest.raises((GradientError, ArgumentTypeError), match=problem):
        call(leaf(2.0))


def test_create_graph_keeps_the_graph_and_backward_accumulates():
    x = leaf(3.0)
    y = x**3
    (slope,) = tc.grad(y, x, create_graph=True)
    (slope * slope).backward()  # d(9x⁴)/dx
    assert x.grad.item() == 36 * 27.0
    y.backward()
    assert x.grad.item() == 36 * 27.0 + 27.0


def test_gradients_require_no_gradient_unless_asked():
    x = leaf([1.0, 2.0])
    (x * x).sum().backward()
    assert not x.grad.requires_grad
    assert x.grad.is_leaf
    assert not tc.grad((x * x).sum(), x)[0].requires_grad
    assert tc.grad((x * x).sum(), x, create_graph=True)[0].requires_grad


def test_backward_under_no_grad_still_computes():
    x = leaf(2.0)
    y = x * x
    with tc.no_grad():
        y.backward()
    assert x.grad.item() == 4.0


def test_a_detached_part_contributes_nothing():
    x = leaf(2.0)
    (x * x.detach()).backward()
    assert x.grad.item() == 2.0


def test_freezing_between_forward_and_backward_is_respected():
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    w.requires_grad_(False)
    y.backward()
    assert x.grad.item() == 3.0
    assert w.grad is None


def test_a_graph_released_by_grad():
    x = leaf(2.0)
    y = x * x
    tc.grad(y, x)
    with pytest.raises(ReleasedGraphError):
        tc.grad(y, x)
    z = x * x
    tc.grad(z, x, retain_graph=True)
    assert tc.grad(z, x)[0].item() == 4.0


# --- .grad ----------------------------------------------------------------------------------------


def test_retain_grad():
    x = leaf([1.0, 2.0])
    y = x * 2.0
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 8.0]
    assert x.grad.tolist() == [8.0, 16.0]
    with pytest.raises(GradientError, match="cannot retain"):
        tc.tensor(1.0).retain_grad()


def test_grad_must_look_like_its_tensor():
    x = leaf([1.0, 2.0])
    x.grad = tc.zeros(2, dtype="float64")
    x.grad = None
    for wrong in (tc.zeros(3, dtype="float64"), tc.zeros(2)):
        with pytest.raises(GradientError, match="looks like its tensor"):
            x.grad = wrong


def test_gradients_of_views_share_nothing():
    x = leaf(np.ones((2, 3)))
    y = x.T.reshape(-1).flip(0)
    y.retain_grad()
    y.sum().backward()
    assert not np.shares_memory(x.grad.array, y.grad.array)
    assert x.grad.tolist() == [[1.0] * 3] * 2
