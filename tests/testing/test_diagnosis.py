"""What `gradcheck` says about a wrong rule: which one it is, on which line, and the likely mistake in it."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _walk
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import GradientError
from tinygrad_cnn.testing import gradcheck


def leaf(*shape, name=None):
    """Numbers that are all different and away from 0."""
    total = int(np.prod(shape))
    numbers = (np.random.default_rng(3).permutation(total) - total / 2) / total + 0.03
    return tc.tensor(numbers.reshape(shape), requires_grad=True, name=name)


def blame(fn, inputs, **options):
    with pytest.raises(GradientError) as caught:
        gradcheck(fn, inputs, **options)
    return caught.value


@pytest.fixture
def wrong(monkeypatch):
    """Replace one rule of one operation."""

    def replace(op, name, function):
        monkeypatch.setattr(REGISTRY[op].rules[name], "function", function)

    return replace


# --- which rule -----------------------------------------------------------------------------------


def network(x, w, b):
    hidden = (x @ w + b).tanh()  # the line of tanh
    return (hidden * hidden).mean(1).exp()


def test_the_wrong_rule_in_a_network_is_named_with_its_formula_and_line(wrong):
    inputs = [leaf(2, 3, name="x"), leaf(3, 4), leaf(4)]
    assert gradcheck(network, inputs, order=2)
    wrong("tanh", "x", lambda g, node, out: g * (1 - out))
    error = blame(network, inputs)
    assert error.op == "tanh"
    assert "the line of tanh" in str(error.where)
    assert "the rule of tanh for x (∂L/∂x = g · (1 − tanh²x))" in error.hint
    assert "input 0 (x) is wrong at element (0, 0)" in error.problem
    assert error.argument == "inputs[0]"


def test_of_an_operation_with_several_inputs_the_one_whose_rule_is_wrong_is_named(wrong):
    wrong("matmul", "y", lambda g, node, x: (x.mT @ g) * 3)
    error = blame(lambda x, y: (x @ y).sin(), [leaf(2, 3), leaf(3, 2)])
    assert error.op == "matmul"
    assert "for y" in error.hint
    assert "3 times the right one" in error.hint


def test_a_rule_that_forgets_its_own_gradient_is_named_at_second_order(wrong):
    wrong("sigmoid", "x", lambda g, node, out: g * (out * (1 - out)).detach())
    assert gradcheck(lambda x: x.exp().sigmoid(), leaf(3))
    error = blame(lambda x: x.exp().sigmoid(), leaf(3), order=2)
    assert error.op == "sigmoid"
    assert "second-order gradient" in error.problem
    assert "the gradient of the rule of sigmoid for x" in error.hint
    assert "zero everywhere: is the value detached" in error.hint


def test_a_rule_used_by_another_rule_is_named_at_second_order(wrong):
    """The gradient of sin calls cos, whose own rule nothing but the second order asks for."""
    wrong("cos", "x", lambda g, node, x: g * x.sin())
    assert gradcheck(lambda x: x.sin(), leaf(3))
    error = blame(lambda x: x.sin(), leaf(3), order=2)
    assert error.op == "cos"
    assert "the sign is flipped" in error.hint


def test_a_rule_that_forgets_where_its_gradient_came_from(wrong):
    wrong("sigmoid", "x", lambda g, node, out: g.detach() * out * (1 - out))
    error = blame(lambda x: x.exp().sigmoid(), leaf(3), order=2)
    assert error.op == "sigmoid"
    assert "the second-order gradient of" in error.problem


def test_an_input_computed_before_is_no_obstacle(wrong):
    x = leaf(3)
    before = x * 2
    wrong("exp", "x", lambda g, node, out: -(g * out))
    error = blame(lambda x: (x * before.detach()).exp() + before, x)
    assert error.op == "exp"
    error = blame(lambda x: x.exp() * before, x)
    assert error.op == "exp"


def test_a_mistake_outside_all_rules_is_told_from_one_inside():
    error = blame(lambda x: x * x.detach(), leaf(3))
    assert error.op is None
    assert error.hint.startswith("every rule is right by itself; 0.5 times")


# --- the likely mistake ---------------------------------------------------------------------------


WINDOW = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}


def conv(x, w):
    return REGISTRY["conv"](x, w, **WINDOW)


def turned(w):
    return w.flip((2, 3))


def unrotated(g, node, w, **window):
    return REGISTRY["conv_input_grad"](g, turned(w), size=node.spec("x").shape[2:], **window)


def rotated_result(g, node, x, **window):
    found = REGISTRY["conv_weight_grad"](x, g, kernel_size=node.spec("w").shape[2:], **window)
    return turned(found)


def to_the_last(g, node, indices, *, dim, keepdim):
    """The gradient of a maximum, always at the last element of each row."""
    return tc.cat([g.unsqueeze(1) * 0, g.unsqueeze(1) * 0, g.unsqueeze(1)], 1)


SQUARE, IMAGE, KERNEL = leaf(3, 3), leaf(2, 1, 4, 4), leaf(2, 1, 2, 2)
MISTAKES = {
    "zero": ("exp", "x", lambda g, node, out: g * 0, tc.exp, [SQUARE], "zero everywhere"),
    "not finite": ("exp", "x", lambda g, node, out: g * out / 0, tc.exp, [SQUARE], "not finite"),
    "sign": ("cos", "x", lambda g, node, x: g * x.sin(), tc.cos, [SQUARE], "sign is flipped"),
    "factor": ("square", "x", lambda g, node, x: g * x, tc.square, [SQUARE], "0.5 times the right one"),
    "missing unbroadcast": (
        "matmul",
        "y",
        lambda g, node, x: x[0].unsqueeze(1) * g[0],
        tc.matmul,
        [leaf(4, 3), leaf(3, 2)],
        "only the first of 4 places along dimension 0 of the result counts: a missing sum",
    ),
    "unrotated kernel": ("conv", "x", unrotated, conv, [IMAGE, KERNEL], "right for w rotated by 180°"),
    "rotated kernel": ("conv", "w", rotated_result, conv, [IMAGE, KERNEL], "right numbers, rotated by 180°"),
    "transposed weight": (
        "matmul",
        "x",
        lambda g, node, y: g @ y,
        tc.matmul,
        [leaf(2, 3), SQUARE],
        "right for y transposed: a transposed weight",
    ),
    "transposed": ("exp", "x", lambda g, node, out: (g * out).T, tc.exp, [SQUARE], "numbers, transposed"),
    "reversed": ("exp", "x", lambda g, node, out: (g * out).flip(0), tc.exp, [leaf(3)], "reversed order"),
    "wrong place": (
        "max_along",
        "x",
        to_the_last,
        lambda x: x.max(1)[0],
        [tc.tensor([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]], dtype="float64", requires_grad=True)],
        "in the wrong places: shifted, permuted, or the wrong winner",
    ),
    "few elements": (
        "exp",
        "x",
        lambda g, node, out: g * out * tc.tensor([1.0, 1.0, 1.5], dtype="float64"),
        tc.exp,
        [leaf(3)],
        "only 1 of 3 elements",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_likely_mistake_is_named(wrong, mistake):
    name, target, rule, fn, inputs, words = MISTAKES[mistake]
    assert gradcheck(fn, inputs)
    wrong(name, target, rule)
    error = blame(fn, inputs)
    assert error.op == name
    assert f"the rule of {name} for {target}" in error.hint
    assert words in error.hint


def test_a_kink_is_not_called_a_wrong_rule():
    point = tc.tensor([1.0, 0.0], dtype="float64", requires_grad=True)
    error = blame(lambda x: (x * 2).relu(), point)
    assert error.op == "relu"
    assert "a kink" in error.hint


def test_a_kink_beside_a_wrong_rule_does_not_draw_the_blame(wrong):
    wrong("exp", "x", lambda g, node, out: g * 2 * out)
    point = tc.tensor([1.0, 0.0], dtype="float64", requires_grad=True)
    assert blame(lambda x: x.relu().exp(), point).op == "exp"


# --- between the rules ----------------------------------------------------------------------------


def test_a_missing_sum_at_a_fan_out_is_named(monkeypatch):
    monkeypatch.setattr(_walk, "added", lambda first, second, *rest: second)
    error = blame(lambda x: x.exp() * x.exp() + x.sin(), leaf(2, name="x"))
    assert "contributions meet at x: a missing sum at a fan-out" in error.hint


def test_a_hook_that_changes_the_gradient_is_named():
    def hooked(x):
        y = x.exp()
        y.register_hook(lambda g: g * 2)
        return y.sin()

    assert "a hook on exp changes the gradient" in blame(hooked, leaf(2)).hint


# --- large inputs ---------------------------------------------------------------------------------


def test_along_directions_a_large_input_costs_a_few_evaluations():
    calls = []

    def counted(x):
        calls.append(1)
        return (x * x).tanh()

    assert gradcheck(counted, leaf(100_000), directions=3)
    assert len(calls) < 12


def test_along_directions_the_one_wrong_element_of_many_is_found(wrong):
    nudge = np.zeros(50_000)
    nudge[31_337] = 1e-2
    wrong("exp", "x", lambda g, node, out: g * out + tc.tensor(nudge))
    error = blame(tc.exp, leaf(50_000), directions=2)
    assert error.op == "exp"
    assert "element (31337,)" in error.problem


def test_one_projection_can_be_blind_where_several_are_not(wrong):
    """A rule that is right only for the first direction in which the output is weighted."""
    assert gradcheck(tc.exp, leaf(3), projections=1)
    first = []

    def right_once(g, node, out):
        first.append(1)
        return g * out * (1 if len(first) == 1 else 2)

    wrong("exp", "x", right_once)
    assert gradcheck(tc.exp, leaf(3), projections=1)
    first.clear()
    assert "wrong at element" in blame(tc.exp, leaf(3), projections=2).problem


@pytest.mark.parametrize("option", ["projections", "directions"])
def test_numbers_of_tries_that_make_no_sense(option):
    with pytest.raises(tc.errors.ArgumentError) as caught:
        gradcheck(tc.exp, leaf(3), **{option: 0})
    assert caught.value.argument == option
