"""What learners and teachers get: verdicts, hints, progress, graded and solved notebooks."""

import json
import os
import re
import warnings

import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import FileFormatError, UnknownName
from tinygrad_cnn.learn.exercise import Exercise, exercises
from tinygrad_cnn.learn.exercises.lesson_03 import W, X, labels
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
    assert "Expected numbers; this is text; remove the quotes." in tc.learn.check("03.1", "0.5").text


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


def test_hints_come_one_after_the_other_and_stay():
    shown = [tc.learn.hint("03.4").text for _ in range(3)]
    assert [re.findall(r"Hint (\d) of 2", text) for text in shown] == [["1"], ["1", "2"], ["1", "2"]]


def test_a_solution_can_be_pasted_into_its_cell():
    for each in exercises("03"):
        names = {"tc": tc, "F": F, "W": W, "X": X, "labels": labels}
        exec(tc.learn.solution(each.number).code, names)
        assert tc.learn.check(each.number, names[each.name])


# --- functions as answers -------------------------------------------------------------------------


def doubled(numbers):
    """Twice each number

    Nothing is changed in place.
    """
    return [2 * number for number in numbers]


@pytest.fixture
def ask(monkeypatch):
    """An exercise that asks for a function."""
    asked = Exercise("99.1", doubled, hints=["."], samples=[([1.0, 2.0],), ([3.0],)], tolerance=0.01)
    monkeypatch.setattr("tinygrad_cnn.learn.verdict.find", lambda number: asked)
    return lambda answer: tc.learn.check("99.1", answer)


def test_a_function_is_tried(ask):
    assert ask(lambda numbers: [number + number for number in numbers])
    assert ask(doubled).text == "99.1 · Right."


def test_a_function_may_spoil_its_arguments(ask):
    def spoils(numbers):
        taken = [2 * numbers.pop() for _ in range(len(numbers))]
        return taken[::-1]

    assert ask(spoils)
    assert ask(spoils)
    assert not ask(lambda numbers: numbers)


def test_what_a_wrong_function_gives_is_shown(ask):
    assert "doubled([1.0, 2.0]) gives [1.0, 2.0], and should give [2.0, 4.0]." in ask(list).text
    assert "doubled([3.0]) gives [7.0]" in ask(lambda x: [2.0, 4.0] if len(x) > 1 else [7.0]).text


def test_a_function_that_fails_is_an_answer_too(ask):
    verdict = ask(lambda numbers: numbers / 0)
    assert verdict.kind == "wrong"
    assert "doubled([1.0, 2.0]) fails: TypeError: unsupported operand" in verdict.text
    assert "at: verdict = ask(lambda numbers: numbers / 0)" in verdict.text


def test_no_function_and_a_function_that_returns_nothing(ask):
    assert "Expected a function; this is a list." in ask([2.0]).text
    verdict = ask(lambda numbers: None)
    assert verdict.kind == "open"
    assert "printing is not returning" in verdict.text


# --- under nbgrader -------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", ["autograde", "validate"])
def test_under_nbgrader_a_wrong_answer_fails_its_cell(monkeypatch, execution):
    monkeypatch.setenv("NBGRADER_EXECUTION", execution)
    with pytest.raises(tc.learn.WrongAnswer, match="ŷ2"):
        tc.learn.check("03.1", 0.455)
    with pytest.raises(tc.learn.WrongAnswer, match="Not answered"):
        tc.learn.check("03.1", ...)
    assert tc.learn.check("03.1", 0.545)
    assert Progress.load().attempts == {}  # this is not the teacher's progress


def test_a_verdict_is_shown_but_is_not_the_result_of_its_cell(monkeypatch):
    """As a result, nbgrader would take it for a number of points."""
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(display, "display", lambda data, raw: shown.append(data))
    verdict = tc.learn.check("03.1", 0.545)
    verdict._ipython_display_()
    assert shown == [{"text/plain": repr(verdict), "text/html": verdict._repr_html_()}]


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
    assert lesson("3") == lesson("03") == lesson(lesson("03").name)
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
    assert (lines[0], lines[2], lines[-1]) == ("loss = ...", "### BEGIN SOLUTION", "### END SOLUTION")
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
