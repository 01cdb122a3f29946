"""Choosing among cuDNN's plans by the clock, once, and remembering it.

cuDNN's order of plans is a guess. Timing them all finds the quickest, but a clock never shows the same twice:
another run would choose another plan here and there, which adds in another order, and its last digits would
differ. So what was chosen goes into a file, and whoever finds it there does not time again.

A file holds for one GPU and one version of cuDNN. That of others is refused, and not silently made anew: who
names a file wants the plans that are in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import BackendError

WARM_UP, RUNS, ROUNDS = 2, 10, 3


class Choices:
    """The names of plans by the text of their keys, kept in a JSON file.

    Args:
        path: the file; made with the first choice if there is none.
        device: the GPU's name.
        version: cuDNN's.

    Raises:
        BackendError: the file is none of this kind, or one of another device or version.
    """

    def __init__(self, path: str | os.PathLike[str], device: str, version: str) -> None:
        self.path = Path(path)
        self._made_for = {"device": device, "cuDNN": version}
        self._plans: dict[str, str] = self._read() if self.path.exists() else {}

    def get(self, key: object) -> str | None:
        """The name of the plan that was chosen for a key, if one was."""
        return self._plans.get(str(key))

    def keep(self, key: object, name: str) -> None:
        """Remember a choice, also for runs to come."""
        self._plans[str(key)] = name
        content = {**self._made_for, "plans": dict(sorted(self._plans.items()))}
        with atomic_write(self.path) as file:
            file.write(json.dumps(content, indent=1).encode())

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            plans: dict[str, str] = content["plans"]
            found = {fact: content[fact] for fact in self._made_for}
        except (ValueError, KeyError, TypeError) as error:
            raise BackendError(
                f"{self.path} does not hold a choice of plans",
                argument="benchmark",
                expected='JSON with "device", "cuDNN" and "plans"',
                hint="name another file, which need not exist",
            ) from error
        if found != self._made_for:
            raise BackendError(
                f"{self.path} holds a choice made elsewhere",
                argument="benchmark",
                expected=", ".join(f"{fact} {value}" for fact, value in self._made_for.items()),
                got=", ".join(f"{fact} {value}" for fact, value in found.items()),
                hint="name another file, which need not exist; or delete this one to have plans timed again",
            )
        return plans


def quickest(cupy: Any, candidates: Iterable[int], run: Callable[[int], None]) -> int:
    """The candidate whose runs take the least time on the device; of equals, the first.

    One whose workspace does not fit into memory is left out.

    Args:
        cupy: the module.
        candidates: at least one that can run.
        run: asks the device to run a candidate once.
    """
    times = {}
    for candidate in candidates:
        try:
            times[candidate] = _milliseconds(cupy, partial(run, candidate))
        except cupy.cuda.memory.OutOfMemoryError:
            continue
    return min(times, key=times.__getitem__)


def _milliseconds(cupy: Any, run: Callable[[], None]) -> float:
    """The time of RUNS runs; the best of some rounds, because what disturbs only ever makes it longer."""
    for _ in range(WARM_UP):
        run()
    rounds = []
    for _ in range(ROUNDS):
        start, end = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        for _ in range(RUNS):
            run()
        end.record()
        end.synchronize()
        rounds.append(float(cupy.cuda.get_elapsed_time(start, end)))
    return min(rounds)
