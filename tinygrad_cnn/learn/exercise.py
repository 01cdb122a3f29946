"""What an exercise is: a question, its right answer, and the wrong ones that show a typical mistake.

All three are declared together, as functions that compute them with the library itself:

    @exercise("07.2", hints=["Which outputs does x11 touch?", "..."])
    def input_gradient():
        '''∂L/∂X of the small convolution

        Each input gets back what it gave: the kernel, turned around, slides over ∂L/∂O.'''
        return F.conv2d(F.pad(g, (1, 1, 1, 1)), f.flip((2, 3)))

    @input_gradient.mistake("The kernel has to be rotated by 180° before it slides over the gradient.")
    def _():
        return F.conv2d(F.pad(g, (1, 1, 1, 1)), f)

A wrong answer teaches most when it is recognised: whoever forgot to rotate the kernel hears that, and not
just "wrong". Whether the mistakes really lead to different answers, and are told apart, is tested for all.

Where the answer is itself a function, `samples` holds the arguments that it is tried with, and the functions
that are declared are right and wrong versions of it.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from importlib import import_module, resources
from typing import Any

import numpy as np

from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.ops.random import fork_random

TOLERANCE = 0.01  # relative: people round to two or three digits on the way

_CATALOGUE = "tinygrad_cnn.learn.exercises"
_registry: dict[str, Exercise] = {}
_NUMBER = re.compile(r"\d\d\.\d+")


class Mistake:
    """A typical mistake: the answer that it leads to, and what to say to whoever made it.

    Attributes:
        words: what was probably done, and what should have been.
        solve: computes the wrong answer; or is it, where an answer is a function.
    """

    def __init__(self, words: str, solve: Callable[..., Any]) -> None:
        self.words = words
        self.solve = solve


class Exercise:
    """A question with its right answer, hints, and typical mistakes.

    Attributes:
        number: "07.2" is the second exercise of lesson 07.
        name: of the function that solves it, and of the variable that holds the answer in the notebook.
        title: what is asked for, in one line.
        explanation: why the answer is what it is; shown with the solution.
        hints: each says a little more than the one before.
        samples: the arguments to try an answer with that is itself a function; none where it is a value.
        tolerance: relative, for numbers that are not integers.
        mistakes: in the order in which they are looked for.
    """

    def __init__(
        self,
        number: str,
        solve: Callable[..., Any],
        *,
        hints: Sequence[str],
        samples: Sequence[tuple[Any, ...]],
        tolerance: float,
    ) -> None:
        title, _, explanation = inspect.cleandoc(solve.__doc__ or "").partition("\n")
        self.number = number
        self.name = solve.__name__
        self.title = title
        self.explanation = " ".join(explanation.split())
        self.hints = tuple(hints)
        self.samples = tuple(samples)
        self.tolerance = tolerance
        self.mistakes: list[Mistake] = []
        self._solve = solve

    @property
    def lesson(self) -> str:
        """The number of its lesson."""
        return self.number.partition(".")[0]

    @property
    def wants_function(self) -> bool:
        """Whether the answer is a function."""
        return bool(self.samples)

    def answer(self) -> Any:
        """The right answer; a function where one is asked for."""
        return self._solve if self.wants_function else self._solve()

    def wrong_answer(self, mistake: Mistake) -> Any:
        """The answer that a mistake leads to; a function where one is asked for."""
        return mistake.solve if self.wants_function else mistake.solve()

    def values(self, answer: Any) -> Any:
        """What is compared: the answer, or what it gives for each of the samples where it is a function."""
        return tuple(answer(*fresh(each)) for each in self.samples) if self.wants_function else answer

    def mistake(self, words: str) -> Callable[[Callable[..., Any]], Mistake]:
        """Declare a typical mistake: the decorated function makes it, `words` say what it was."""

        def declare(solve: Callable[..., Any]) -> Mistake:
            made = Mistake(words, solve)
            self.mistakes.append(made)
            return made

        return declare

    def solution(self) -> str:
        """The code that answers the exercise in the notebook: it gives the variable its value."""
        return self.source() if self.wants_function else f"{self.source()}\n\n\n{self.name} = {self.name}()"

    def source(self) -> str:
        """The code of the function that computes the right answer, or is it."""
        lines = textwrap.dedent(inspect.getsource(self._solve))
        code = lines[lines.index(f"def {self.name}(") :]
        documented = re.compile(r'\n\s+r?"""(?:[^"]|"(?!""))*"""', re.DOTALL)
        return documented.sub("", code, count=1).rstrip()

    def __repr__(self) -> str:
        return f"<Exercise {self.number}: {self.title}>"


def fresh(sample: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments of a sample, copied: a learner's function may change its lists and arrays."""
    return tuple(_copied(argument) for argument in sample)


def _copied(argument: Any) -> Any:
    if isinstance(argument, (list, tuple)):
        return type(argument)(_copied(each) for each in argument)
    return argument.copy() if isinstance(argument, np.ndarray) else argument


def exercise(
    number: str,
    *,
    hints: Sequence[str],
    samples: Sequence[tuple[Any, ...]] = (),
    tolerance: float = TOLERANCE,
) -> Callable[[Callable[..., Any]], Exercise]:
    """Declare an exercise: the decorated function computes the right answer.

    Its docstring begins with a line that says what is asked for; the rest explains the answer.

    Args:
        number: of the lesson and of the exercise, "07.2".
        hints: at least one, from vague to plain.
        samples: tuples of arguments; given, the answer is a function, tried on each of them.
        tolerance: relative, for numbers that are not integers.

    Raises:
        ArgumentError: a number of another form, or one that is taken.
    """
    if not _NUMBER.fullmatch(number) or number in _registry:
        raise ArgumentError(
            "every exercise has a number of its own", argument="number", expected="like '07.2'", got=number
        )

    def declare(solve: Callable[..., Any]) -> Exercise:
        made = Exercise(number, solve, hints=hints, samples=samples, tolerance=tolerance)
        _registry[number] = made
        return made

    return declare


def exercises(lesson: str | None = None) -> tuple[Exercise, ...]:
    """All exercises, or those of one lesson, in order.

    Raises:
        UnknownName: there is no such lesson.

    >>> exercises("03")[0]
    <Exercise 03.1: ŷ1 of the second sample>
    """
    known = _lessons()
    if lesson is not None and lesson not in known:
        raise UnknownName.among(lesson, known, kind="lesson", argument="lesson")
    with fork_random():  # some lessons draw numbers
        for each in known if lesson is None else [lesson]:
            import_module(f"{_CATALOGUE}.lesson_{each}")
    found = [each for each in _registry.values() if lesson in (None, each.lesson)]
    return tuple(sorted(found, key=lambda each: tuple(map(int, each.number.split(".")))))


def find(number: str) -> Exercise:
    """The exercise of that number.

    Raises:
        UnknownName: there is none; names the nearest.
    """
    number = str(number)  # 3.1 is not the name of an exercise, and is told so
    lesson = number.partition(".")[0]
    known = {each.number: each for each in exercises(lesson if lesson in _lessons() else None)}
    if number not in known:
        raise UnknownName.among(number, known, kind="exercise", argument="number")
    return known[number]


def _lessons() -> list[str]:
    """The numbers of the lessons that have exercises."""
    files = resources.files(_CATALOGUE).iterdir()
    written = (re.fullmatch(r"lesson_(\d\d)\.py", file.name) for file in files)
    return sorted(found[1] for found in written if found)
