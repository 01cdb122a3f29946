"""The table of what is tested: it counts, it has no empty cell without a reason, and it can fail."""

from __future__ import annotations

import json

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.testing import coverage
from tinygrad_cnn.testing._reasons import REASONS, reason_for
from tinygrad_cnn.testing.checks import QUESTIONS
from tinygrad_cnn.testing.coverage import Cell, gaps, main, measure
from tinygrad_cnn.testing.samples import library_operations

OPERATIONS = {op.name: op for op in library_operations()}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("op", OPERATIONS.values(), ids=OPERATIONS)
def test_a_cell_has_examples_or_else_a_reason(op, question):
    has_examples = next(QUESTIONS[question](op), None) is not None
    reason = reason_for(op, question)
    if has_examples:
        assert reason is None, "this reason is no longer needed"
    else:
        assert reason, "nothing tries this, and testing/_reasons.py does not say why"


def test_reasons_are_given_for_operations_that_exist_and_once():
    for sentences in REASONS.values():
        names = [name for group in sentences.values() for name in group.split()]
        assert set(names) <= set(OPERATIONS)
        assert len(names) == len(set(names))


def test_a_row_counts_what_ran():
    row = measure([REGISTRY["log_softmax"]])["log_softmax"]
    samples = len(REGISTRY["log_softmax"].samples)
    assert row["forward"] == Cell(samples * 4, (), None)  # two dtypes, two kinds of kernels
    assert row["gradient"] == Cell(samples * 2, (), None)
    assert row["second order"] == Cell(samples, (), None)
    assert row["broadcasting"] == Cell(0, (), "one input: nothing to stretch")
    assert row["errors"].passed >= 2
    assert row["numpy"].passed == row["numpy, readable"].passed == samples * 2 * 3
    assert row["meta"].passed == samples * 2
    assert set(tc.backends()) <= set(row)


def test_the_table_and_its_footnotes(capsys):
    assert main(["mul", "floor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    words = ("forward", "mul", "floor", "total")
    header, mul, floor, total = (next(line for line in lines if word in line) for word in words)
    assert set(tc.backends()) <= set(header.split())
    assert mul.split()[:3] == ["mul", "16", "8"]
    *counts, gradient, second_order = floor.split()[:4]
    assert counts == ["floor", "12"]
    assert gradient == second_order
    assert f"{gradient}  a step function: flat between the steps" in lines
    assert total.split()[:2] == ["total", "28"]


def test_json(capsys):
    assert main(["--json", "floor"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["floor"]["forward"] == {"passed": 12, "failed": [], "reason": None}
    assert table["floor"]["gradient"]["reason"] == "a step function: flat between the steps"


def test_an_example_that_fails_is_told_and_ends_with_1(monkeypatch, capsys):
    monkeypatch.setattr(REGISTRY["exp"].rules["x"], "function", lambda g, node, out: g)
    assert main(["exp"]) == 1
    printed = capsys.readouterr()
    assert "failed" in printed.out
    assert "exp, gradient: exp-0 on numpy: GradientError" in printed.err


def test_an_empty_cell_without_a_reason_is_told_and_ends_with_1(monkeypatch, capsys):
    monkeypatch.setattr(coverage, "reason_for", lambda op, column: None)
    assert main(["exp"]) == 1
    assert "exp, broadcasting: no example and no reason" in capsys.readouterr().err


def test_an_operation_that_does_not_exist(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["expp"])
    assert caught.value.code == 2
    assert "expp" in capsys.readouterr().err


def test_a_backend_that_cannot_run_here_is_a_reason(monkeypatch):
    def unavailable(name):
        raise tc.errors.BackendUnavailable("no driver", hint="install one")

    monkeypatch.setattr(coverage, "get_backend", unavailable)
    row = measure([REGISTRY["exp"]])["exp"]
    assert row["meta"] == Cell(0, (), "the meta backend cannot run here: no driver")
    assert gaps({"exp": row}) == []
