"""Gradient rules that break their contract: found when declared or when run, and nothing is left behind."""

from __future__ import annotations

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _context
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import GradientError


def leaf(data, name=None):
    return tc.tensor(data, dtype="float64", requires_grad=True, name=name)


def broken(rule):
    """A new operation whose gradient rule is `rule`."""

    @tc.op(symbol="?", infer=lambda x: Spec(x.shape, x.dtype), public=False)
    def doubled(B, x):
        """2x."""
        return x * 2

    doubled.gradient("x", "∂L/∂x = ?")(rule)
    del REGISTRY["doubled"]
    return doubled


@pytest.mark.parametrize(
    "rule",
    [lambda g, node: g.sum(), lambda g, node: g.to("float32"), lambda g, node: g.reshape(1, 2)],
    ids=["shape", "dtype", "ndim"],
)
def test_a_rule_that_returns_another_shape_or_dtype(rule):
    operation = broken(rule)
    x = leaf([1.0, 2.0])
    y = operation(x).sum()  # the user's line
    with pytest.raises(GradientError, match="another shape or dtype") as caught:
        y.backward()
    assert caught.value.op == "doubled"
    assert caught.value.argument == "x"
    assert "the user's line" in str(caught.value)


def test_an_exception_in_a_rule_restores_the_context():
    def rule(g, node):
        raise ZeroDivisionError

    x = leaf([1.0, 2.0])
    y = broken(rule)(x).sum()
    before = _context.current()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert _context.current() is before
    assert tc.is_grad_enabled()


def test_an_error_of_an_operation_in_a_rule_shows_the_forward_line():
    x = leaf([1.0, 2.0])
    y = broken(lambda g, node: g @ tc.ones(3, dtype="float64"))(x)  # forward was here
    with pytest.raises(tc.errors.ShapeError, match="rows of length 2") as caught:
        y.sum().backward()
    assert "forward was here" in str(caught.value) or "g @" in str(caught.value)


@pytest.mark.parametrize(
    "rule", [lambda x: x, lambda g, node, missing: g, lambda node, g: g], ids=["names", "unknown", "order"]
)
def test_a_rule_is_checked_when_it_is_declared(rule):
    with pytest.raises(GradientError):
        broken(rule)
    REGISTRY.pop("doubled", None)


def test_a_rule_for_several_inputs_is_told_which_are_needed():
    asked = []

    @tc.op(symbol="x+y", infer=lambda x, y: tc.Spec(x.shape, x.dtype), public=False)
    def total(B, x, y):
        """The sum, with one rule for both inputs."""
        return x + y

    @total.gradient("x", "y", "∂L/∂x = ∂L/∂y = g")
    def _(g, node, *, needs):
        asked.append(needs)
        return g, g

    x, y = tc.tensor(1.0, requires_grad=True), tc.tensor(2.0, requires_grad=True)
    tc.grad(total(x, y), [x, y])
    tc.grad(total(x, y), [y])
    tc.grad(total(1.0, y), [y])
    assert asked == [("x", "y"), ("y",), ("y",)]
