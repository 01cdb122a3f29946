"""Threads that wait for work: one fewer than the parts of a batch, since the caller computes too.

NumPy lets go of Python's global lock while it computes, so two threads really compute at the same time; only
the Python between two array functions is done by one after the other, which is why a plan has so little of
it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cache
from queue import SimpleQueue

from . import threads
from .memory import Work


class Workers:
    """Runs several functions at once, each in a thread that has been waiting for it.

    >>> done = []
    >>> Workers(2).run([lambda: done.append("here"), lambda: done.append("there")])
    >>> sorted(done)
    ['here', 'there']
    """

    def __init__(self, count: int) -> None:
        self._others = [_Worker() for _ in range(count - 1)]
        self._lock = threading.Lock()  # whoever comes second, from another thread, waits for all of them

    def run(self, jobs: Sequence[Work]) -> None:
        """Run all; returns when all have ended. The error of the first job that has one is raised.

        Jobs within a job are done by its own thread, one after the other.
        """
        if len(jobs) == 1 or getattr(_inside, "a_job", False):
            for job in jobs:
                job()
            return
        with self._lock:
            _inside.a_job = True
            try:
                error = self._run(jobs)
            finally:
                _inside.a_job = False
        if error is not None:
            raise error

    def _run(self, jobs: Sequence[Work]) -> BaseException | None:
        started: list[tuple[_Worker, object]] = []
        error: BaseException | None = None
        try:
            for worker, job in zip(self._others, jobs[1:], strict=True):
                started.append((worker, worker.start(job)))
            jobs[0]()
        except BaseException as raised:
            error = raised
        for worker, ticket in started:
            later = worker.wait(ticket)
            error = error or later
        return error


_inside = threading.local()


class _Worker:
    """A thread with a box for jobs and a box for what became of them.

    Ctrl-C may interrupt its master anywhere, but never in the middle of putting something into a box. Every
    job has a ticket, so that what became of a forgotten one is not taken for the next one's.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[object, Work]] = SimpleQueue()
        self._ended: SimpleQueue[tuple[object, BaseException | None]] = SimpleQueue()
        threading.Thread(target=self._serve, name="tinygrad_cnn worker", daemon=True).start()

    def start(self, job: Work) -> object:
        """Hand over a job; returns its ticket."""
        ticket = object()
        self._jobs.put((ticket, job))
        return ticket

    def wait(self, ticket: object) -> BaseException | None:
        """Wait for the end of that job; its error, or the interruption that came meanwhile."""
        interruption: BaseException | None = None
        while True:
            try:
                ended, error = self._ended.get()
            except KeyboardInterrupt as raised:  # it still computes, on memory that is shared
                interruption = raised
                continue
            if ended is ticket:
                return interruption or error

    def _serve(self) -> None:
        _inside.a_job = True
        with threads.calm():  # every thread has its own
            while True:
                self._ended.put(_tried(*self._jobs.get()))


def _tried(ticket: object, job: Work) -> tuple[object, BaseException | None]:
    try:
        job()
    except BaseException as error:
        return ticket, error
    return ticket, None


@cache
def workers(count: int) -> Workers:
    """The threads of this process for so many parts; they are shared, and wait for the next work."""
    return Workers(count)


# A process that was forked has none of its parent's threads, and would wait for them forever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=workers.cache_clear)
