"""Hooks: seeing and replacing a gradient when it is complete."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _context
from tinygrad_cnn.errors import GradientError


def leaf(data, name=None):
    return tc.tensor(data, dtype="float64", requires_grad=True, name=name)


def test_a_hook_sees_the_complete_gradient_and_may_replace_it():
    x = leaf(2.0)
    y = x * 3.0
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.item()))
    y.register_hook(lambda g: g * 10.0)
    (y + y).backward()
    assert seen == [2.0]
    assert x.grad.item() == 60.0
    handle.remove()
    handle.remove()
    tc.grad(x * 1.0, x)
    assert seen == [2.0]


def test_a_hook_on_a_leaf_changes_what_is_accumulated():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g.clamp(max=3.0))
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 3.0]


def test_a_hook_that_returns_something_else():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: g.sum())
    with pytest.raises(GradientError, match="same shape and dtype"):
        (x * x).sum().backward()
    with pytest.raises(GradientError, match="never calls a hook"):
        tc.tensor(1.0).register_hook(print)


def test_backward_inside_a_hook():
    x, other = leaf(2.0), leaf(5.0)

    def hook(g):
        (other * other).backward()

    x.register_hook(hook)
    (x * x).backward()
    assert x.grad.item() == 4.0
    assert other.grad.item() == 10.0


def test_an_exception_in_a_hook_restores_everything():
    x = leaf(2.0)
    before = _context.current()

    def hook(g):
        raise ZeroDivisionError

    handle = x.register_hook(hook)
    y = x * x
    with pytest.raises(ZeroDivisionError):
        y.backward(retain_graph=True)
    assert _context.current() is before
    handle.remove()
    y.backward()
    assert x.grad.item() == 4.0
