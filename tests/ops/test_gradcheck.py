"""The check itself: what it finds, what it says, what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, GradientError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.samples import arrays, cases, library_operations


def leaf(data, name=None):
    return tc.tensor(data, dtype="float64", requires_grad=True, name=name)


def test_right_gradients_pass():
    x, w = leaf(np.linspace(-1, 1, 6).reshape(2, 3)), leaf([0.5, -1.5, 2.0])
    assert gradcheck(lambda x, w: (x * w).tanh().sum(1), [x, w], order=2)
    assert gradcheck(lambda x: x.sort()[0], leaf([3.0, 1.0, 2.0]), order=2)
    assert gradcheck(lambda x: (x.sin(), x.argmax(), x * x), leaf([3.0, 1.0]), order=2)
    assert gradcheck(lambda x, constant: x * constant, [leaf([1.0]), tc.tensor([2.0], dtype="float64")])
    assert gradcheck(lambda x: x.sum(), leaf(np.zeros((0, 3))), order=2)
    assert x.grad is None


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        (lambda g: g * 0.0, "zero everywhere"),
        (lambda g: -g, "the sign is flipped"),
        (lambda g: g * 2.0, "2 times the right one"),
        (lambda g: g * 0.5, "0.5 times the right one"),
        (lambda g: g.flip(0), "in reversed order"),
        (lambda g: g * tc.tensor([1.0, 1.0, 1.5], dtype="float64"), "only 1 of 3 elements"),
        (lambda g: g / 0.0, "not finite"),
    ],
)
def test_a_wrong_gradient_is_named_with_its_likely_cause(wrong, cause):
    def with_wrong_gradient(x):
        y = x * 1.0
        y.register_hook(wrong)
        return (y * y * y).sum()

    with pytest.raises(GradientError, match="of input 0") as caught:
        gradcheck(with_wrong_gradient, leaf([0.5, 1.5, 2.5], name="x"))
    assert "(x)" in str(caught.value)
    assert "central differences" in caught.value.expected
    assert cause in caught.value.hint


def test_the_element_and_the_input_are_named():
    x, w = leaf([[1.0, 2.0], [3.0, 4.0]]), leaf([[1.0, 1.0], [1.0, 1.0]])
    detach_one = tc.tensor([[False, False], [True, False]])
    with pytest.raises(GradientError, match=r"input 1 is wrong at element \(1, 0\)") as caught:
        gradcheck(lambda x, w: x * tc.where(detach_one, w.detach(), w), [x, w])
    assert caught.value.argument == "inputs[1]"


def test_a_kink_is_told_from_a_wrong_rule():
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda x: x.relu(), leaf([0.0]))
    assert "a kink" in caught.value.hint


def test_a_mistake_of_second_order():
    def only_first_order(x):
        y = x * 1.0
        y.register_hook(lambda g: g.detach())
        return y**3

    assert gradcheck(only_first_order, leaf([1.0, 2.0]))
    with pytest.raises(GradientError, match="second-order"):
        gradcheck(only_first_order, leaf([1.0, 2.0]), order=2)


def test_a_function_that_draws_random_numbers():
    counter = itertools.count()
    with pytest.raises(GradientError, match="called again"):
        gradcheck(lambda x: x * float(next(counter)), leaf([1.0]))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: gradcheck(tc.exp, tc.tensor([1.0], requires_grad=True)), DTypeError),
        (lambda: gradcheck(tc.exp, tc.tensor([1.0], dtype="float64")), GradientError),
        (lambda: gradcheck(tc.exp, [np.ones(2)]), ArgumentTypeError),
        (lambda: gradcheck(tc.exp, leaf([1.0]), order=3), ArgumentError),
    ],
)
def test_what_it_refuses(call, error):
    with pytest.raises(error):
        call()


# --- the samples that the matrix runs on ----------------------------------------------------------


@pytest.mark.parametrize("case", cases(), ids=str)
def test_samples_are_distinct_repeatable_and_away_from_kinks(case):
    drawn = arrays(case)
    for first, again in zip(drawn, arrays(case), strict=True):
        np.testing.assert_array_equal(first, again)
    if case.op.name == "batch_norm_grad":  # its last two inputs are statistics of another
        drawn = drawn[:3]
    for array, draw in zip(drawn, case.sample.inputs, strict=False):
        assert array.shape == draw.shape
        if draw.kind == "reals":
            assert (array >= draw.low).all()
            assert (array <= draw.high).all()
            assert (np.abs(array * 10 - np.round(array * 10)) > 0.01).all()
    numbers = np.concatenate([array.ravel() for array in drawn if array.dtype.kind == "f"] or [np.zeros(0)])
    assert np.diff(np.sort(numbers)).min(initial=1.0) > 1e-3


def test_every_sample_is_a_case():
    assert len(cases()) == sum(len(op.samples) for op in library_operations())
