"""The tests tested: a wrong gradient rule must not get past the check that all rules go through.

Every rule of the registry is replaced by wrong versions, first in ways that fit any rule, then by the
mistakes that people make in that very rule. Each time the check of `test_gradients` must raise on one of the
operation's samples; if it does not, the samples do not exercise the rule.
"""

from __future__ import annotations

import numpy as np
import pytest
from ops.differentiable import DIFFERENTIABLE, RULES, first_output

import tinygrad_cnn as tc
from tinygrad_cnn import autodiff
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import TinygradCNNError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.samples import library_operations, tensors


def noticed(op, order=1):
    """Whether the gradient check objects to the operation as it is now, on any sample."""
    for case in DIFFERENTIABLE:
        if case.op is op:
            try:
                gradcheck(first_output(case), tensors(case, "numpy"), order=order)
            except TinygradCNNError:
                return True
    return False


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


def conv_x_unrotated(g, node, w, **window):
    flipped = w.flip(dims=tuple(range(2, w.ndim)))
    return REGISTRY["conv_input_grad"](g, flipped, size=node.spec("x").shape[2:], **window)


def last_of_the_window_wins(g, node, winner, *, ceil_mode, **window):
    last = int(np.prod(window["kernel_size"])) - 1
    scatter = REGISTRY["max_pool_scatter"]
    return scatter(g, winner * 0 + last, size=node.spec("x").shape[2:], **window)


def biased_variance(g, node, x, *, dim, correction, keepdim):
    centred = x - x.mean(dim, True)
    n = x.numel() // x.mean(dim).numel()
    spread = g if keepdim else g.reshape(x.mean(dim, True).shape)
    return spread * (2 / n) * centred


def statistics_taken_for_constants(g, node, x, weight, mean, var, *, eps):
    shape = (1, -1, *(1,) * (x.ndim - 2))
    others = (0, *range(2, x.ndim))
    inverse = (var + eps).rsqrt()
    normalized = (x - mean.reshape(shape)) * inverse.reshape(shape)
    return g * (weight * inverse).reshape(shape), (g * normalized).sum(others), g.sum(others)


def without_the_sum_over_g(g, node, out, *, dim):
    return g - out.exp() * g


def spread_without_dividing(g, node, *, dim, keepdim):
    shape = node.spec("x").shape
    kept = tc.zeros(shape).sum(dim, True).shape
    return g.reshape(kept).expand(shape)


def to_every_tie_of_the_line(g, node, indices, *, dim, keepdim):
    kept = tc.zeros(node.spec("x").shape).sum(dim, True).shape
    return g.reshape(kept).expand(node.spec("x").shape)


SPECIFIC = {
    "conv x: kernel not rotated": ("conv", "x", conv_x_unrotated),
    "max pool: the last cell wins": ("max_pool", "x", last_of_the_window_wins),
    "max: everybody wins": ("max_along", "x", to_every_tie_of_the_line),
    "variance: biased": ("var", "x", biased_variance),
    "batch norm: statistics constant": ("batch_norm", "x", statistics_taken_for_constants),
    "log-softmax: no sum over g": ("log_softmax", "x", without_the_sum_over_g),
    "mean: not divided": ("mean", "x", spread_without_dividing),
    "matmul: x not transposed": ("matmul", "y", lambda g, node, x: tc.matmul(x, g)),
    "mul: own factor": ("mul", "x", lambda g, node, y: g),
    "div y: 1/y instead of 1/y²": ("div", "y", lambda g, node, y, out: -(g * out)),
    "pow x: exponent not lowered": ("pow", "x", lambda g, node, x, y: g * y * x**y),
    "pow y: no logarithm": ("pow", "y", lambda g, node, x, y: g * x**y),
    "sigmoid: 1 + σ": ("sigmoid", "x", lambda g, node, out: g * out * (1 + out)),
    "tanh: not squared": ("tanh", "x", lambda g, node, out: g * (1 - out)),
    "sqrt: of x instead of √x": ("sqrt", "x", lambda g, node, out: g / (2 * out * out)),
    "relu: passes everything": ("relu", "x", lambda g, node, out: g),
    "abs: forgets the sign": ("abs", "x", lambda g, node, x: g),
    "where: the other branch": ("where", "y", lambda g, node, condition: tc.where(condition, g, 0)),
    "maximum: the loser": ("maximum", "x", lambda g, node, x, y: tc.where(x < y, g, 0)),
    "permute: not back": ("permute", "x", lambda g, node, *, dims: g.permute(dims)),
    "clamp: passes everything": ("clamp", "x", lambda g, node, x, *, min, max: g),
    "cross-entropy: no target": (
        "softmax_cross_entropy",
        "logits",
        lambda g, node, target, log_probabilities, *, dim: g.unsqueeze(dim) * log_probabilities.exp(),
    ),
    "sort: not put back": ("sort", "x", lambda g, node, indices, *, dim: g),
    "concatenate: always the first part": (
        "cat",
        "tensors",
        lambda g, node, *, dim, position: g[
            tuple(slice(0, size) for size in node.inputs[position][0].outputs[0].shape)
        ],
    ),
}


@pytest.mark.parametrize("mistake", SPECIFIC)
def test_a_plausible_mistake_is_noticed(monkeypatch, mistake):
    name, target, wrong = SPECIFIC[mistake]
    op = REGISTRY[name]
    assert not noticed(op)
    monkeypatch.setattr(op.rules[target], "function", wrong)
    assert noticed(op)


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
    monkeypatch.setattr(autodiff, "_sum", lambda first, second, *rest: second)
    with pytest.raises(TinygradCNNError, match="wrong at element"):
        gradcheck(three_uses, x)


def test_counting_a_contribution_twice_at_a_fan_out_is_noticed(monkeypatch):
    x = tc.tensor([0.5, 1.5], dtype="float64", requires_grad=True)
    original = autodiff._sum
    monkeypatch.setattr(
        autodiff, "_sum", lambda first, second, *rest: original(original(first, second, *rest), second, *rest)
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
