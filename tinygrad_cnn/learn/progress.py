"""What a learner has solved, kept from one day to the next in a small file.

The file is made for one person on one machine; nothing is sent anywhere. Where it cannot be written (a shared
computer, a read-only image) learning goes on without it, after one warning.
"""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path

import platformdirs

from tinygrad_cnn._files import atomic_write

ENVIRONMENT_VARIABLE = "TINYGRAD_CNN_PROGRESS"  # another place for the file


class ProgressWarning(UserWarning):
    """What has been solved could not be kept."""


@dataclass
class Attempt:
    """What happened at one exercise.

    Attributes:
        tries: how many answers were checked.
        hints: how many hints were shown.
        solved: whether one was right.
    """

    tries: int = 0
    hints: int = 0
    solved: bool = False


@dataclass
class Progress:
    """What happened at which exercise.

    Attributes:
        path: the file.
        attempts: by the number of the exercise.

    >>> Progress(Path("progress.json"), {"03.1": Attempt(tries=2, solved=True)}).solved("03.1")
    True
    """

    path: Path
    attempts: dict[str, Attempt] = field(default_factory=dict)

    @classmethod
    def load(cls) -> Progress:
        """Read the file; none, or one that cannot be read, is a fresh start."""
        path = _path()
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, {number: Attempt(**attempt) for number, attempt in stored.items()})
        except (OSError, ValueError, TypeError, AttributeError):
            return cls(path)

    def tried(self, number: str, right: bool) -> None:
        """Remember an answer."""
        attempt = self._of(number)
        attempt.tries += 1
        attempt.solved = attempt.solved or right
        self._save()

    def hinted(self, number: str, most: int) -> int:
        """Remember that a hint was asked for; the number of the hint to show."""
        attempt = self._of(number)
        attempt.hints = min(attempt.hints + 1, most)
        self._save()
        return attempt.hints

    def solved(self, number: str) -> bool:
        """Whether an exercise was answered rightly once."""
        return number in self.attempts and self.attempts[number].solved

    def _of(self, number: str) -> Attempt:
        return self.attempts.setdefault(number, Attempt())

    def _save(self) -> None:
        content = {number: asdict(attempt) for number, attempt in sorted(self.attempts.items())}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(self.path) as file:
                file.write(json.dumps(content, indent=1).encode())
        except OSError as error:
            warnings.warn(
                f"what you solve is not remembered: {self.path} cannot be written ({error.strerror}); "
                f"{ENVIRONMENT_VARIABLE} names another place",
                ProgressWarning,
                stacklevel=4,
            )


def _path() -> Path:
    named = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("tinygrad_cnn") / "progress.json"
