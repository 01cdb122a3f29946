"""Every exercise: its answer is right, each catalogued mistake is recognised as itself, help is there."""

import re

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.learn.exercise import exercise, exercises

EXERCISES = exercises()
MISTAKES = [(each, mistake) for each in EXERCISES for mistake in each.mistakes]


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.number)
def test_the_right_answer_is_right(each):
    verdict = tc.learn.check(each.number, each.answer())
    assert verdict.kind == "right"
    assert verdict


@pytest.mark.parametrize(
    ("each", "mistake"), MISTAKES, ids=[f"{each.number}-{each.mistakes.index(m)}" for each, m in MISTAKES]
)
def test_a_mistake_is_recognised_as_the_one_it_is(each, mistake):
    verdict = tc.learn.check(each.number, each.wrong_answer(mistake))
    assert verdict.kind == "mistake"
    assert verdict.text == f"{each.number} · {mistake.words}"
    assert not verdict


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.number)
def test_an_exercise_helps(each):
    assert each.title
    assert each.explanation.endswith(".")
    assert len(each.hints) >= 2
    assert len(each.mistakes) >= 1
    sentences = [*each.hints, *(mistake.words for mistake in each.mistakes)]
    assert all(re.search(r"[.?!]$", words) for words in sentences)
    assert len(set(sentences)) == len(sentences)
    assert tc.learn.check(each.number, ...).kind == "open"


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.number)
def test_the_solution_is_shown_as_code(each):
    note = tc.learn.solution(each.number)
    assert note.code.startswith(f"def {each.name}(")
    assert '"""' not in note.code
    assert each.explanation in note.text
    compile(note.code, each.number, "exec")


def test_numbers_follow_one_another():
    for lesson in {each.lesson for each in EXERCISES}:
        numbers = [each.number for each in exercises(lesson)]
        assert numbers == [f"{lesson}.{place}" for place in range(1, len(numbers) + 1)]
        assert 3 <= len(numbers) <= 6


def test_a_number_is_given_once():
    with pytest.raises(ArgumentError, match="number of its own"):
        exercise("03.1", hints=["."])


@pytest.mark.parametrize("ask", [lambda n: tc.learn.check(n, 1), tc.learn.hint, tc.learn.solution])
def test_an_exercise_that_does_not_exist(ask):
    with pytest.raises(UnknownName, match=r"03\.1"):
        ask("3.1")


def test_a_lesson_that_does_not_exist():
    with pytest.raises(UnknownName, match="lesson"):
        exercises("99")
