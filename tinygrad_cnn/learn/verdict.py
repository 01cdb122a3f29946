"""What a learner gets to see: a verdict on an answer, a hint, a solution.

    tc.learn.check("03.1", 0.455)
    ✗ 03.1 · That is ŷ2, the probability of the other class. The two add up to 1.

Nothing here raises for a wrong answer: being wrong is part of learning. Only while nbgrader grades a notebook
it does, because a cell has to fail there for its points to be lost.
"""

from __future__ import annotations

import html
import os
import traceback
from typing import Any, Literal

from tinygrad_cnn.learn import answers
from tinygrad_cnn.learn.exercise import Exercise, find, fresh
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

    def _ipython_display_(self) -> None:
        """Shown, and not the result of its cell: nbgrader would take that for a number of points."""
        from IPython.display import display

        display({"text/plain": repr(self), "text/html": self._repr_html_()}, raw=True)

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
        The verdict; a notebook shows it. It is remembered; `tinygrad-cnn learn` shows how far you are.

    Raises:
        UnknownName: there is no such exercise.
        WrongAnswer: only under nbgrader.

    >>> check("03.1", 0.545)
    ✓ 03.1 · Right.
    >>> check("03.1", ...)
    … 03.1 · Not answered yet. A hint: tc.learn.hint("03.1")
    """
    exercise = find(number)
    verdict = _judged(exercise, answer)
    if _GRADING in os.environ:  # what a student has solved is not the teacher's progress
        if not verdict:
            raise WrongAnswer(verdict.text)
    elif verdict.kind != "open":
        Progress.load().tried(exercise.number, bool(verdict))
    return verdict


def _judged(exercise: Exercise, answer: Any) -> Verdict:
    if answers.is_blank(answer):
        return Verdict(exercise, "open", f"Not answered yet. {_help(exercise)}")
    with fork_random():  # drawing numbers for the right answer does not change the learner's next ones
        right = exercise.values(exercise.answer())
    if exercise.wants_function:
        return _judged_function(exercise, answer, right)
    if answers.same(answer, right, exercise.tolerance):
        return Verdict(exercise, "right", "Right.")
    return _wrong(exercise, answer, answers.oddity(answer, right, exercise.tolerance))


def _judged_function(exercise: Exercise, answer: Any, right: tuple[Any, ...]) -> Verdict:
    """The verdict on a function: each of its results is compared, and the first wrong one is shown."""
    if not callable(answer):
        return Verdict(exercise, "wrong", f"Expected a function; this is a {type(answer).__name__}.")
    got = []
    for sample in exercise.samples:
        try:
            got.append(answer(*fresh(sample)))
        except Exception as error:
            return Verdict(exercise, "wrong", f"{_call(exercise, sample)} fails: {_said(error)}")
    if answers.is_blank(got):
        words = "The function returns nothing yet; printing is not returning."
        return Verdict(exercise, "open", f"{words} {_help(exercise)}")
    for sample, one, other in zip(exercise.samples, got, right, strict=True):
        if not answers.same(one, other, exercise.tolerance):
            words = f"gives {answers.shown(one)}, and should give {answers.shown(other)}."
            return _wrong(exercise, tuple(got), f"{_call(exercise, sample)} {words}")
    return Verdict(exercise, "right", "Right.")


def _wrong(exercise: Exercise, got: Any, words: str) -> Verdict:
    """The mistake that leads to this answer; where none is known, what is odd about it."""
    for mistake in exercise.mistakes:
        with fork_random():
            wrong = exercise.values(exercise.wrong_answer(mistake))
        if answers.same(got, wrong, exercise.tolerance):
            return Verdict(exercise, "mistake", mistake.words)
    return Verdict(exercise, "wrong", " ".join(filter(None, ("Not yet.", words, _help(exercise)))))


def _call(exercise: Exercise, sample: tuple[Any, ...]) -> str:
    return f"{exercise.name}({', '.join(answers.shown(each, most=40) for each in sample)})"


def _said(error: Exception) -> str:
    """What went wrong in a learner's function, and on which of its lines."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first one is ours
    line = f", at: {frames[0].line}" if frames and frames[0].line else ""
    return f"{type(error).__name__}: {error}{line}"


def _help(exercise: Exercise) -> str:
    return f'A hint: tc.learn.hint("{exercise.number}")'


def hint(number: str) -> Note:
    """The hints for an exercise: the first one, and one more each time.

    Raises:
        UnknownName: there is no such exercise.

    >>> hint("03.1").text.startswith("03.1 · Hint 1 of ")
    True
    """
    exercise = find(number)
    seen = Progress.load().hinted(exercise.number, most=len(exercise.hints))
    numbered = [
        f"Hint {place} of {len(exercise.hints)}: {words}" for place, words in enumerate(exercise.hints, 1)
    ]
    return Note(" ".join([f"{exercise.number} ·", *numbered[:seen]]))


def solution(number: str) -> Note:
    """The right answer of an exercise, as code for its cell and in words.

    Raises:
        UnknownName: there is no such exercise.

    >>> print(solution("03.3").code)
    def paths_of_b2():
        return 3
    <BLANKLINE>
    <BLANKLINE>
    paths_of_b2 = paths_of_b2()
    """
    exercise = find(number)
    return Note(f"{exercise.number} · {exercise.title}. {exercise.explanation}".rstrip(), exercise.solution())
