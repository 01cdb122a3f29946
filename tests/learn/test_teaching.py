"""What learners and teachers get: verdicts, hints, progress, graded and solved notebooks."""

import json
import os
import warnings

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import FileFormatError, UnknownName
from tinygrad_cnn.learn.exercise import exercises
from tinygrad_cnn.learn.lessons import languages, lesson, lessons
from tinygrad_cnn.learn.notebooks import graded, solved
from tinygrad_cnn.learn.progress import Attempt, Progress, ProgressWarning


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    path = tmp_path / "kept" / "progress.json"
    monkeypatch.setenv("TINYGRAD_CNN_PROGRESS", str(path))
    return path


# --- verdicts -------------------------------------------------------------------------------------


def test_a_verdict_in_a_terminal_and_in_a_notebook():
    verdict = tc.learn.check("03.1", 0.455)
    words = "03.1 · That is ŷ2, the probability of the other class. The two add up to 1."
    assert repr(verdict) == f"✗ {words}"
    assert words in verdict._repr_html_()
    assert "✗" in verdict._repr_html_()  # not by colour alone


def test_a_wrong_answer_that_nobody_has_catalogued():
    verdict = tc.learn.check("03.1", 7.0)
    assert verdict.kind == "wrong"
    assert verdict.text == '03.1 · Not yet. A hint: tc.learn.hint("03.1")'
    assert "Expected numbers" in tc.learn.check("03.1", "a half").text


def test_checking_does_not_change_what_is_drawn_next():
    draws = []
    for checked in (False, True):
        tc.manual_seed(7)
        first = tc.rand(5)
        if checked:
            for each in exercises():
                tc.learn.check(each.number, "no answer")
        draws.append((first.tolist(), tc.rand(5).tolist()))
    assert draws[0] == draws[1]


def test_words_are_shown_as_words():
    assert "&lt;b&gt;" in tc.learn.Note("<b>", "a < b")._repr_html_()
    assert "a &lt; b" in tc.learn.Note("<b>", "a < b")._repr_html_()


def test_hints_come_one_after_the_other_and_the_last_one_stays():
    shown = [tc.learn.hint("03.4").text for _ in range(3)]
    assert [text.split(":")[0] for text in shown] == [
        "03.4 · Hint 1 of 2",
        "03.4 · Hint 2 of 2",
        "03.4 · Hint 2 of 2",
    ]


@pytest.mark.parametrize("execution", ["autograde", "validate"])
def test_under_nbgrader_a_wrong_answer_fails_its_cell(monkeypatch, execution):
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    with pytest.raises(tc.learn.WrongAnswer, match="ŷ2"):
        tc.learn.check("03.1", 0.455)
    with pytest.raises(tc.learn.WrongAnswer, match="Not answered"):
        tc.learn.check("03.1", ...)
    assert tc.learn.check("03.1", 0.545)


# --- progress -------------------------------------------------------------------------------------


def test_progress_is_kept(progress_file):
    tc.learn.check("03.2", 5.0)
    tc.learn.check("03.2", 0.787)
    tc.learn.check("03.2", 5.0)  # a later mistake takes nothing away
    tc.learn.check("03.3", ...)  # nobody has tried
    tc.learn.hint("03.4")
    kept = Progress.load()
    assert kept.path == progress_file
    assert kept.attempts == {"03.2": Attempt(tries=3, solved=True), "03.4": Attempt(hints=1)}
    assert lesson("03").solved(kept) == 1


@pytest.mark.parametrize("content", ["", "[]", "{", '{"03.1": 5}', '{"03.1": {"other": 1}}', "\x00"])
def test_a_broken_file_is_a_fresh_start(progress_file, content):
    progress_file.parent.mkdir()
    progress_file.write_text(content)
    assert Progress.load().attempts == {}
    assert tc.learn.check("03.1", 0.545)
    assert Progress.load().solved("03.1")


def test_a_place_that_cannot_be_written_is_said_and_survived(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TINYGRAD_CNN_PROGRESS", str(tmp_path / "file" / "progress.json"))
    with pytest.warns(ProgressWarning, match="TINYGRAD_CNN_PROGRESS"):
        verdict = tc.learn.check("03.1", 0.545)
    assert verdict


# --- lessons --------------------------------------------------------------------------------------


def test_lessons_are_found_where_they_are_installed():
    assert "en" in languages()
    numbers = [each.number for each in lessons()]
    assert numbers == sorted(numbers)
    assert lesson("3") == lesson("03")
    assert lesson("03").title == "Logistic regression by hand"


@pytest.mark.parametrize("ask", [lambda: lesson("99"), lambda: lessons("tlh")])
def test_what_there_is_not(ask):
    with pytest.raises(UnknownName, match=r"03|en"):
        ask()


def test_a_copy_is_made_once_and_then_left_alone(tmp_path):
    path = lesson("03").copy(tmp_path / "mine")
    assert json.loads(path.read_text())["cells"] == lesson("03").notebook()["cells"]
    path.write_text("my answers")
    assert lesson("03").copy(tmp_path / "mine") == path
    assert path.read_text() == "my answers"


# --- notebooks for teachers -----------------------------------------------------------------------


def cells(*sources):
    return {"cells": [{"cell_type": "code", "metadata": {}, "source": source} for source in sources]}


def test_exercises_are_marked_for_nbgrader():
    marked = graded(cells("import tinygrad_cnn as tc", "loss = ...", 'tc.learn.check("03.2", loss)'))
    first, answer, checks = (cell["metadata"].get("nbgrader") for cell in marked["cells"])
    assert first is None
    assert (answer["solution"], answer["grade"], answer["grade_id"]) == (True, False, "answer-03-2")
    assert (checks["solution"], checks["grade"], checks["points"]) == (False, True, 1)
    assert checks["locked"]


def test_solutions_are_filled_in_between_nbgraders_marks():
    filled = solved(cells("loss = ...", 'tc.learn.check("03.2", loss)'))
    lines = filled["cells"][0]["source"].splitlines()
    assert (lines[0], lines[-1]) == ("### BEGIN SOLUTION", "### END SOLUTION")
    assert lines[-2] == "loss = loss()"
    assert filled["cells"][0]["outputs"] == []


@pytest.mark.parametrize(
    "sources", [("x = ...", 'tc.learn.check("03.2", x)'), ("print(1)", 'tc.learn.check("03.2", loss)')]
)
def test_a_check_without_its_answer_is_refused(sources):
    with pytest.raises(FileFormatError, match=r"03\.2 has no place for its answer"):
        solved(cells(*sources))


def test_lessons_know_no_secret_switch():
    """The variable that makes a wrong answer an error is nbgrader's own."""
    assert "NBGRADER_EXECUTION" not in os.environ
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not tc.learn.check("03.1", 0.455)
