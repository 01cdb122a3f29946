"""The file with everything that was measured, and how a new run is merged into it.

A GPU is often lent for minutes, so a whole measurement may take several commands. Each adds its rows to the
same file; a row takes the place of the one with the same key. What was measured on another GPU, or in a dry
run, never comes into the same file.
"""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from gpu_parts import PARTS
from gpu_parts.run import Row

FORMAT = 1  # of the file; a new number wherever an older file could not be shown any more


class ResultsError(Exception):
    """A file of results cannot be read or written, or does not take these; says so in one line."""


class OtherDeviceError(ResultsError):
    """The file holds what was measured elsewhere."""


def read(file: Path) -> dict[str, Any]:
    """The results in a file.

    Raises:
        ResultsError: there is no such file, or it is none of `gpu.py`.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ResultsError(f"{file} cannot be read: {problem.strerror}") from None
    except ValueError as problem:
        raise ResultsError(f"{file} is no JSON: {problem}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ResultsError(f"{file} is no file of results that this version of gpu.py has written")
    return found


def check_writable(file: Path) -> None:
    """Find out whether `save` will be able to write that file, before anything is measured.

    Raises:
        ResultsError: it will not.
    """
    if file.is_dir():
        raise ResultsError(f"{file} cannot be written: it is a folder")
    try:
        _beside(file).touch()
        _beside(file).unlink()
    except OSError as problem:
        raise ResultsError(f"{file} cannot be written: {problem.strerror}") from None


def begin(file: Path | None, facts: dict[str, Any]) -> dict[str, Any]:
    """Results to add rows to: those of the file, if there is one, with this run's facts about the device.

    Args:
        facts: `dry_run`, `quick`, `device` (see `device.describe`) and `command` of this run.

    Raises:
        OtherDeviceError: the file is about another GPU, or a dry run, or was a quick one.
        ResultsError: it is no file of results.
    """
    empty = {"bars": [], "parts": {name: [] for name in PARTS}}
    fresh = {"format": FORMAT, **facts, "commands": [facts["command"]], **empty}
    del fresh["command"]
    if file is None or not file.exists():
        return fresh
    old = read(file)
    if _place(old) != _place(fresh):
        raise OtherDeviceError(
            f"{file} has results of {', '.join(_place(old))}; this is {', '.join(_place(fresh))}. "
            "Name another file with --json."
        )
    kept = {"bars": old["bars"], "parts": fresh["parts"] | old["parts"]}
    return fresh | kept | {"commands": old["commands"] + fresh["commands"]}


def add(results: dict[str, Any], part: str, row: Row) -> None:
    """Put a row into its part, in place of the one that it repeats."""
    rows = results["parts"][part]
    key = key_of(part, row)
    places = [place for place, old in enumerate(rows) if key_of(part, old) == key]
    if places:
        rows[places[0]] = row
    else:
        rows.append(row)


def key_of(part: str, row: Row) -> tuple[Any, ...]:
    """What tells this row from the others of its part."""
    return tuple(row[name] for name in import_module(f"gpu_parts.{part}").KEY)


def save(results: dict[str, Any], file: Path | None) -> None:
    """Write everything; whoever reads meanwhile sees the old file or the new one."""
    if file is not None:
        new = _beside(file)
        new.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        os.replace(new, file)


def _beside(file: Path) -> Path:
    """Where the next state of the file is written, before it takes its place."""
    return file.with_suffix(f"{file.suffix}.new")


def _place(results: dict[str, Any]) -> list[str]:
    kind = "a dry run" if results["dry_run"] else results["device"]["gpu"]["name"]
    return [kind, "measured quickly" if results["quick"] else "measured fully"]
