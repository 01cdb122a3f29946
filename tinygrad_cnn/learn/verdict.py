"""What a learner gets to see: a verdict on an answer, a hint, a solution.

    tc.learn.check("03.1", 0.455)
    ✗ 03.1 · That is ŷ2, the probability of the other class. The two add up to 1.

Nothing here raises for a wrong answer: being wrong is part of learning. Only while nbgrader grades a notebook
it does, because a cell has to fail there for its points to be lost.
"""

from __future__ import annotations

import html
import os
from typing import Any, Literal

from tinygrad_cnn.learn import answers
from tinygrad_cnn.learn.exercise import Exercise, find
from tinygrad_cnn.learn.progress import Progress
from tinygrad_cnn.ops.random import fork_random
from tinygrad_cnn.viz.theme import GREEN, LIGHT, VERMILLION

Kind = Literal["right", "mistake", "wrong", "open"]

_SIGNS: dict[Kind, str] = {"right": "✓", "mistake": "✗", "wrong": "✗", "open": "…"}
_COLOURS: dict[Kind, str] = {
    "right": GREEN,
    "mistake": VERMILLION,
    "wrong": VERMILLION,
    "open": LIGHT.input_fill,
}
_GRADING = "NBGRADER_EXECUTION"  # set while nbgrader runs a notebook: "autograde" or "validate"


class Note:
    """A few sentences, perhaps with code, that notebooks show in a frame.

    Attributes:
        text: the sentences.
        code: lines of Python, or "".
    """

    sign = "·"
    colour = LIGHT.input_fill

    def __init__(self, text: str, code: str = "") -> None:
        self.text = text
        self.code = code

    def __repr__(self) -> str:
        return f"{self.sign} {self.text}" + (f"\n\n{self.code}" if self.code else "")

    def _repr_html_(self) -> str:
        code = f'<pre style="margin: 0.6em 0 0">{html.escape(self.code)}</pre>' if self.code else ""
        return (
            f'<div style="border-left: 0.3em solid {self.colour}; padding: 0.4em 0.8em">'
            f"<b>{self.sign}</b> {html.escape(self.text)}{code}</div>"
        )


class Verdict(Note):
    """What became of an answer; true where it was right.

    Attributes:
        exercise: the exercise.
        kind: "right"; "mistake", a typical one that was recognised; "wrong" in some other way; "open", when
            nobody has answered yet.
        text: what to say about it.

    >>> verdict = check("03.1", 0.455)
    >>> verdict.kind, bool(verdict)
    ('mistake', False)
    """

    def __init__(self, exercise: Exercise, kind: Kind, text: str) -> None:
        super().__init__(f"{exercise.number} · {text}")
        self.exercise = exercise
        self.kind = kind
        self.sign = _SIGNS[kind]
        self.colour = _COLOURS[kind]

    def __bool__(self) -> bool:
        return self.kind == "right"


class WrongAnswer(AssertionError):
    """A wrong answer while nbgrader grades the notebook."""


def check(number: str, answer: Any) -> Verdict:
    """Whether an answer is right; if not, which typical mistake it shows.

    Numbers may be rounded to two or three digits, integers must be exact. Axes of length 1 do not matter.

    Args:
        number: of the exercise, such as "07.2".
        answer: a number, an array or tensor, a shape, a word, or a function, as the exercise asks.

    Returns:
        The verdict; a notebook shows it. It is remembered, see `tc.learn.lessons()`.

    Raises:
        UnknownName: there is no such exercise.
        WrongAnswer: only under nbgrader.
        Exception: whatever an answer that is a function raises when it is tried.

    >>> check("03.1", 0.545)
    ✓ 03.1 · Right.
    >>> check("03.1", ...)
    … 03.1 · Not answered yet. A hint: tc.learn.hint("03.1")
    """
    exercise = find(number)
    verdict = _judged(exercise, answer)
    if verdict.kind != "open":
        Progress.load().tried(number, bool(verdict))
    if not verdict and _GRADING in os.environ:
        raise WrongAnswer(verdict.text)
    return verdict


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    if answers.is_blank(answer):
        return Verdict(exercise, "open", f"Not answered yet. {_help(exercise)}")
    if exercise.wants_function and not callable(answer):
        return Verdict(exercise, "wrong", f"Expected a function; this is a {type(answer).__name__}.")
    got = exercise.values(answer)
    if exercise.wants_function and answers.is_blank(got):
        return Verdict(exercise, "open", f"The function returns nothing yet. {_help(exercise)}")
    with fork_random():  # drawing numbers for the right answer does not change the learner's next ones
        return _compared(exercise, got)


def _compared(exercise: Exercise, got: Any) -> Verdict:
    """The verdict on what an answer gave."""
    right = exercise.values(exercise.answer())
    if answers.same(got, right, exercise.tolerance):
        return Verdict(exercise, "right", "Right.")
    for mistake in exercise.mistakes:
        if answers.same(got, exercise.values(exercise.wrong_answer(mistake)), exercise.tolerance):
            return Verdict(exercise, "mistake", mistake.words)
    sentences = ("Not yet.", answers.oddity(got, right, exercise.tolerance), _help(exercise))
    return Verdict(exercise, "wrong", " ".join(filter(None, sentences)))


def _help(exercise: Exercise) -> str:
    return f'A hint: tc.learn.hint("{exercise.number}")'


def hint(number: str) -> Note:
    """The next hint for an exercise; after the last one, the last one again.

    Raises:
        UnknownName: there is no such exercise.

    >>> hint("03.1").text.startswith("03.1 · Hint 1 of ")
    True
    """
    exercise = find(number)
    seen = Progress.load().hinted(number, most=len(exercise.hints))
    return Note(f"{number} · Hint {seen} of {len(exercise.hints)}: {exercise.hints[seen - 1]}")


def solution(number: str) -> Note:
    """The right answer of an exercise, as code and in words.

    Raises:
        UnknownName: there is no such exercise.
    """
    exercise = find(number)
    return Note(f"{number} · {exercise.title}. {exercise.explanation}".rstrip(), exercise.source())
