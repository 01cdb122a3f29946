"""The lessons: notebooks that come with the package, in one folder a language.

What a lesson is called and how long it takes stands in its notebook, so that a new lesson, or one in another
language, is a new file and nothing else.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.learn.exercise import Exercise, exercises
from tinygrad_cnn.learn.progress import Progress

_PACKAGE = "tinygrad_cnn_tutorials"  # the folder `tutorials/` of the project, as it is installed
_FILE = re.compile(r"(\d\d)_\w+\.ipynb")


@dataclass(frozen=True)
class Lesson:
    """A notebook with its exercises.

    Attributes:
        number: "03".
        title: what it is about.
        minutes: how long a class takes for it, exercises included.
        language: "en".
    """

    number: str
    title: str
    minutes: int
    language: str
    _file: Traversable = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name of its file."""
        return self._file.name

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """Its exercises, in order."""
        return exercises(self.number)

    def solved(self, progress: Progress) -> int:
        """How many of its exercises have been solved."""
        return sum(progress.solved(each.number) for each in self.exercises)

    def notebook(self) -> dict[str, Any]:
        """The notebook, as nbformat describes it: a fresh copy, to change as one likes."""
        content: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        return content

    def copy(self, folder: Path) -> Path:
        """A copy to work in. One that is already there stays as it is, with the answers in it.

        Raises:
            OSError: it cannot be written, with Python's own message.
        """
        target = folder / self.name
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_write(target) as file:
                file.write(self._file.read_bytes())
        return target


def languages() -> tuple[str, ...]:
    """The languages that there are lessons in.

    >>> "en" in languages()
    True
    """
    folders = (each for each in resources.files(_PACKAGE).iterdir() if each.is_dir())
    return tuple(sorted(each.name for each in folders if any(map(_is_lesson, each.iterdir()))))


def lessons(language: str = "en") -> tuple[Lesson, ...]:
    """All lessons in a language, in order.

    Raises:
        UnknownName: there are none in that language.

    >>> [lesson.title for lesson in lessons()][:2]
    ['Five-minute tour', 'A scalar learns']
    """
    if language not in languages():
        raise UnknownName.among(language, languages(), kind="language", argument="language")
    folder = resources.files(_PACKAGE).joinpath(language)
    files = sorted(filter(_is_lesson, folder.iterdir()), key=lambda file: file.name)
    return tuple(_lesson(file, language) for file in files)


def lesson(number: str, language: str = "en") -> Lesson:
    """The lesson of that number; "3" is "03", and so is the name of its file.

    Raises:
        UnknownName: there is no such lesson; shows the list.
    """
    known = {each.number: each for each in lessons(language)}
    digits = re.match(r"\d+", number)
    number = digits[0].zfill(2) if digits else number
    if number not in known:
        raise UnknownName.among(number, known, kind="lesson", argument="lesson")
    return known[number]


def _is_lesson(file: Traversable) -> bool:
    return _FILE.fullmatch(file.name) is not None


def _lesson(file: Traversable, language: str) -> Lesson:
    content = json.loads(file.read_text(encoding="utf-8"))
    heading = "".join(content["cells"][0]["source"]).partition("\n")[0]
    _, _, title = heading.lstrip("# ").partition(" · ")
    return Lesson(file.name[:2], title, content["metadata"]["tinygrad_cnn"]["minutes"], language, file)
