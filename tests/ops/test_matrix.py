"""The matrix: every operation, every question of `tinygrad_cnn.testing.checks`, every example of it.

What is tried, and how, follows from the operations' declarations; the checks say it in words. The same
examples are counted by `python -m tinygrad_cnn.testing.coverage`.
"""

from __future__ import annotations

import pytest

from tinygrad_cnn.testing.checks import examples
from tinygrad_cnn.testing.references import REFERENCES
from tinygrad_cnn.testing.refusals import CATALOGUE
from tinygrad_cnn.testing.samples import cases, has_gradient, library_operations


def each_example(question):
    return pytest.mark.parametrize("example", examples(question), ids=str)


@each_example("forward")
def test_forward_equals_loops(example):
    example.run()


@each_example("gradient")
def test_gradients_of_first_order(example):
    example.run()


@each_example("second order")
def test_case_16_gradients_of_second_order(example):
    example.run()


@each_example("broadcasting")
def test_broadcasting_is_stretching(example):
    example.run()


@each_example("errors")
def test_wrong_inputs_are_refused(example):
    example.run()


@pytest.mark.parametrize("refusal", CATALOGUE, ids=str)
def test_the_refusal_names_the_users_line(refusal):
    with pytest.raises(refusal.error) as caught:
        refusal.call()
    assert caught.value.argument == refusal.argument
    assert str(caught.value.where).startswith("test_matrix.py:")


def test_every_operation_has_a_reference():
    assert {op.name for op in library_operations()} == set(REFERENCES)


def test_every_rule_has_a_case():
    with_rules = {op.name for op in library_operations() if op.rules}
    assert with_rules == {case.op.name for case in cases() if has_gradient(case)}
