"""What every declaration of an operation must have."""

from __future__ import annotations

import doctest
import inspect

import pytest
from ops.differentiable import RULES

import tinygrad_cnn as tc
from tinygrad_cnn._op import FUNCTIONS, METHODS, REGISTRY
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.testing.samples import library_operations

each_op = pytest.mark.parametrize("op", library_operations(), ids=lambda op: op.name)
each_rule = pytest.mark.parametrize(("op", "name"), RULES, ids=[f"{op.name}-{name}" for op, name in RULES])


@each_op
def test_an_operation_explains_itself(op):
    assert op.__doc__
    assert op.symbol


@each_op
def test_an_operation_has_samples_that_fit(op):
    assert op.samples
    for sample in op.samples:
        assert len(sample.inputs) == len(op.input_names) or op.variadic
        assert set(sample.params) <= set(op.param_names)
        assert set(op.param_names) <= set(sample.params) | set(op.defaults)


@each_op
def test_every_input_has_a_rule_or_says_that_it_has_none(op):
    if op.rules:
        assert set(op.input_names) == set(op.rules) | op.nondifferentiable
        assert not set(op.rules) & op.nondifferentiable
    else:
        assert op.nondifferentiable <= set(op.input_names)


@each_rule
def test_a_rule_has_a_formula_with_its_input_and_the_gradient(op, name):
    formula = op.rules[name].formula
    assert formula.startswith("∂L/∂")
    assert "=" in formula


@each_rule
def test_a_rule_that_serves_several_inputs_gives_each_a_formula(op, name):
    rule = op.rules[name]
    assert name in rule.targets
    assert rule.formula.count("∂L/∂") >= len(rule.targets)


@each_op
def test_an_operation_is_reached_by_its_name(op):
    assert REGISTRY[op.name] is op
    if op.name in FUNCTIONS and FUNCTIONS[op.name] is op:
        assert getattr(tc, op.name) is op
    if METHODS.get(op.name) is op:
        assert getattr(Tensor, op.name) is op


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_public_functions_are_exported_and_documented(name):
    assert getattr(tc, name) is FUNCTIONS[name]
    assert name in tc.ops.__all__
    assert inspect.getdoc(FUNCTIONS[name])


@pytest.mark.parametrize(
    "op", [op for op in library_operations() if ">>>" in op.__doc__], ids=lambda op: op.name
)
def test_examples_in_declarations_run(op):
    """An operation is not a function, so doctest passes it over."""
    test = doctest.DocTestParser().get_doctest(op.__doc__, {}, op.name, None, None)
    printed = []
    assert doctest.DocTestRunner().run(test, out=printed.append).failed == 0, "".join(printed)


def test_nothing_public_is_called_op():
    assert [name for name in FUNCTIONS if name.endswith("_op")] == []


def test_adding_an_operation_touches_one_file():
    """Declared here and nowhere else, it computes, records, broadcasts and has gradients and a signature."""
    from tinygrad_cnn.ops._infer import binary

    @tc.op(symbol="x²y", infer=binary, promotes="kind", broadcasts=True, public=False)
    def square_times(B, x, y):
        """x² · y."""
        return x * x * y

    try:

        @square_times.gradient("x", "∂L/∂x = g · 2xy")
        def _(g, node, x, y):
            return g * 2 * x * y

        @square_times.gradient("y", "∂L/∂y = g · x²")
        def _(g, node, x):
            return g * x * x

        x = tc.tensor([[0.5], [-1.5]], dtype="float64", requires_grad=True)
        y = tc.tensor([1.0, 2.0, 3.0], dtype="float64", requires_grad=True)
        assert tc.testing.gradcheck(square_times, [x, y], order=2)
        assert list(inspect.signature(square_times).parameters) == ["x", "y"]
    finally:
        del REGISTRY["square_times"]
