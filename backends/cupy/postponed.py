"""Checks that nobody waits for.

Operations look at values: is this label a class, is that gradient finite? To answer, the GPU would have to
finish all it has been asked to do, and would then stand still until the next kernel is asked for. So while a
training loop runs ahead (`Backend.ahead`), an answer only goes into a mark on the device, also when a graph
is replayed; the mark is looked at now and then, and at the latest when numbers come back to the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tinygrad_cnn.backend import Array
from tinygrad_cnn.errors import LateError


class Postponed:
    """The mark of one backend.

    Attributes:
        mark: a bool on the device; True once a check has failed. None until somebody runs ahead.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        self.mark: Array = None
        self._is_ahead: ContextVar[bool] = ContextVar("is_ahead", default=False)
        self._may_be_set = False

    @property
    def is_ahead(self) -> bool:
        """Whether checks are postponed here and now."""
        return self._is_ahead.get()

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Postpone checks inside."""
        if self.mark is None:
            self.mark = self._xp.zeros((), dtype=self._xp.bool)
        self._may_be_set = True
        token = self._is_ahead.set(True)
        try:
            yield
        finally:
            self._is_ahead.reset(token)

    def note(self, wrong: Array) -> None:
        """Set the mark if there is a True among these bools on the device."""
        self._xp.logical_or(self.mark, self._xp.any(wrong) if wrong.ndim else wrong, out=self.mark)

    def look_back(self) -> None:
        """Raise `LateError` if the mark is set, and take it away."""
        if not self._may_be_set or self.is_ahead:
            return
        self._may_be_set = False
        if bool(self.mark):
            self.mark[...] = False  # the same memory, whose address a recorded graph knows
            raise LateError(
                "a check of values has failed in some step since the last look",
                expected="labels and indices in range, finite losses and gradients",
                got="something else; weights and results since then are worth nothing",
                hint="to see which operation it is, run the step eagerly: step.step(...), not step(...)",
            )
