"""The tests tested: a wrong gradient rule must not get past the check that all rules go through.

Every rule of the registry is replaced by wrong versions, first in ways that fit any rule, then by the
mistakes that people make in that very rule (`mistakes`). Each time the check of `test_matrix` must raise on
one of the operation's samples; if it does not, the samples do not exercise the rule.
"""

from __future__ import annotations

import numpy as np
import pytest
from ops.differentiable import DIFFERENTIABLE, RULES, first_output
from ops.mistakes import MISTAKES, WRONG_KERNELS

import tinygrad_cnn as tc
from tinygrad_cnn import _walk
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import TinygradCNNError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing._differences import Measure, first_mismatch, gradient_of
from tinygrad_cnn.testing.checks import forward_equals_loops
from tinygrad_cnn.testing.samples import cases, library_operations, tensors


def noticed(op, order=1):
    """Whether the comparison that `gradcheck` makes objects to the operation as it is now, on any sample."""
    return any(objects(case, order) for case in DIFFERENTIABLE if case.op is op)


def objects(case, order):
    try:
        return has_wrong_numbers(case, order)
    except TinygradCNNError:
        return True


def has_wrong_numbers(case, order=1):
    function, points = first_output(case), tensors(case, "numpy")
    if order == 2:
        function, points = gradient_of(function, points)
    return first_mismatch(function, points, Measure()) is not None


# --- mistakes that fit every rule -----------------------------------------------------------------


def one_element_off(value):
    nudge = np.zeros(value.shape)
    if nudge.size:
        nudge.flat[0] = 1e-3
    return value + tc.tensor(nudge, dtype=value.dtype)


def backwards(value):
    return value.flip(dims=tuple(range(value.ndim)))


GENERAL = {
    "doubled": lambda value: value * 2,
    "sign flipped": lambda value: -value,
    "zero": lambda value: value * 0,
    "one element off": one_element_off,
    "places reversed": backwards,
}
# What is zero everywhere (the slope of a step function) or alike everywhere is not changed by these.
HARMLESS = {
    ("sign", "x"): {"doubled", "sign flipped", "zero", "places reversed"},
    ("ratio_of_sums", "x"): {"places reversed"},
    ("ratio_of_sums", "weights"): {"places reversed"},
}


def replace_rule(monkeypatch, op, name, mutate):
    rule = op.rules[name]
    position, original = rule.targets.index(name), rule.function

    def wrong(*args, **params):
        value = original(*args, **params)
        if len(rule.targets) == 1:
            return mutate(value)
        return (*value[:position], mutate(value[position]), *value[position + 1 :])

    monkeypatch.setattr(rule, "function", wrong)


each_rule = pytest.mark.parametrize(("op", "name"), RULES, ids=[f"{op.name}-{name}" for op, name in RULES])


@pytest.mark.parametrize("mistake", GENERAL)
@each_rule
def test_a_wrong_rule_is_noticed(monkeypatch, op, name, mistake):
    replace_rule(monkeypatch, op, name, GENERAL[mistake])
    assert noticed(op) is (mistake not in HARMLESS.get((op.name, name), ()))


@each_rule
def test_a_rule_that_forgets_the_second_order_is_noticed(monkeypatch, op, name):
    if op.composite is not None:  # there the second order goes through the composite
        monkeypatch.setattr(
            op, "composite", lambda *inputs, **params: op(*[x.detach() for x in inputs], **params)
        )
    replace_rule(monkeypatch, op, name, lambda value: value.detach())
    assert noticed(op, order=2) is (op.name != "sign")


# --- mistakes that people make --------------------------------------------------------------------


def declare_again(monkeypatch, op, targets, rule):
    """Give an operation another rule for some inputs, until the end of the test."""
    for name in ("rules", "_saves"):
        monkeypatch.setattr(op, name, dict(getattr(op, name)))
    for name in ("_rules", "saves_something"):
        monkeypatch.setattr(op, name, getattr(op, name))
    op.gradient(*targets, formula=op.rules[targets[0]].formula)(rule)


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_a_plausible_mistake_is_noticed(monkeypatch, mistake):
    op = REGISTRY[mistake.op]
    declare_again(monkeypatch, op, mistake.targets, mistake.rule)
    assert noticed(op)
    # By its numbers on some sample; a shape that does not fit would hide a sample that tells nothing.
    if "stride is forgotten" not in mistake.words and "dilation is forgotten" not in mistake.words:
        assert any(shows(case) for case in DIFFERENTIABLE if case.op is op)


def shows(case):
    try:
        return has_wrong_numbers(case)
    except TinygradCNNError:
        return False


def test_the_catalogue_is_large_and_says_everything_once():
    assert len(MISTAKES) >= 40
    assert len({str(mistake) for mistake in MISTAKES}) == len(MISTAKES)


def test_the_right_rule_declared_again_is_not_called_a_mistake(monkeypatch):
    declare_again(monkeypatch, REGISTRY["mul"], ["x"], lambda g, node, y: g * y)
    assert not noticed(REGISTRY["mul"])


@pytest.mark.parametrize("mistake", WRONG_KERNELS, ids=str)
def test_a_wrong_forward_pass_is_noticed(monkeypatch, mistake):
    op = REGISTRY[mistake.op]
    assert computes_what_it_means(op)
    monkeypatch.setattr(op, "kernel", mistake.kernel)
    assert not computes_what_it_means(op)


def computes_what_it_means(op):
    """Whether the operation as it is now equals plain loops on all samples."""
    readable = tc.get_backend("numpy", overrides=False)
    try:
        for case in cases(op):
            forward_equals_loops(case, readable, "float64")
    except AssertionError:
        return False
    return True


# --- mistakes in the driver -----------------------------------------------------------------------

BROADCASTING = [op for op in library_operations() if op.broadcasts and op.rules]


@pytest.mark.parametrize("op", BROADCASTING, ids=lambda op: op.name)
def test_a_missing_unbroadcast_is_noticed(monkeypatch, op):
    monkeypatch.setattr(op, "broadcasts", False)
    assert noticed(op)


def three_uses(x):
    y = x.exp()
    return y * y + y


def test_overwriting_at_a_fan_out_is_noticed(monkeypatch):
    x = tc.tensor([0.5, 1.5], dtype="float64", requires_grad=True)
    assert gradcheck(three_uses, x)
    monkeypatch.setattr(_walk, "added", lambda first, second, *rest: second)
    with pytest.raises(TinygradCNNError, match="wrong at element"):
        gradcheck(three_uses, x)


def test_counting_a_contribution_twice_at_a_fan_out_is_noticed(monkeypatch):
    x = tc.tensor([0.5, 1.5], dtype="float64", requires_grad=True)
    original = _walk.added
    monkeypatch.setattr(
        _walk, "added", lambda first, second, *rest: original(original(first, second, *rest), second, *rest)
    )
    with pytest.raises(TinygradCNNError, match="wrong at element"):
        gradcheck(three_uses, x)


@pytest.mark.parametrize("name", ["take", "gather"])
def test_overwriting_repeated_indices_is_noticed(monkeypatch, name):
    def overwrite(self, target, index, value):
        result = target.copy()
        result[index] = value
        return result

    backend = tc.get_backend("numpy")
    monkeypatch.setattr(type(backend), "scatter_add", overwrite)
    assert noticed(REGISTRY[name])
