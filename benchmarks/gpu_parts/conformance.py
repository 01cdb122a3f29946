"""The backend's own tests on this GPU: a fast step that computes something else would be worth nothing.

They are those of `tests/backends/test_cupy_gpu.py`, run by pytest in a process of their own and told that a
GPU has to be there. Each outcome is written down at once (`outcomes.py`), so that there is something to show
when the time is up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gpu_parts.run import Measured, Row, Run, Say, Tables

KEY = ("backend",)

HERE = Path(__file__).parents[1]
ON_GPU = ("tests/backends/test_cupy_gpu.py",)
# Without a GPU, a few of the same tests on NumPy, to see that all this works.
DRY = (
    *("-p", "tinygrad_cnn.testing.plugin", "--pyargs", "tinygrad_cnn.testing.conformance"),
    *("--backend", "numpy", "-k", "relu or windows"),
)


def measure(run: Run, say: Say) -> Measured:
    """One row: how many tests passed and failed, and which failed."""
    say("conformance: the tests of the backend")
    row = {"backend": "numpy" if run.dry_run else "cupy"}
    if find_spec("pytest") is None:
        yield {**row, "left_out": "pytest is not installed"}
    else:
        yield row | outcomes(DRY if run.dry_run else ON_GPU, patience=run.patience)


def outcomes(arguments: tuple[str, ...], *, patience: float) -> Row:
    """Run pytest with these arguments, for so many seconds at most."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcomes"
        file.touch()
        own = ("-p", "gpu_parts.outcomes", "-p", "no:cacheprovider", "--outcomes", str(file))
        environment = {**os.environ, "TINYGRAD_CNN_REQUIRE_GPU": "1", "PYTHONPATH": _path()}
        # -P: the tests are of the installed package, and not of the folder of that name beside them.
        command = [sys.executable, "-P", "-m", "pytest", "-q", *own, *arguments]
        try:
            ended = subprocess.run(
                command,
                cwd=HERE.parent,
                env=environment,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
            )
        except subprocess.TimeoutExpired:
            stopped = f"stopped after {patience:g} s"
        else:
            # Status 0 and 1: the tests have passed, or some have not. Anything else is no result.
            said = (ended.stdout + ended.stderr).strip().splitlines()
            stopped = "" if ended.returncode in (0, 1) else f"pytest: {said[-1] if said else 'no answer'}"
        reports = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    counts = Counter(report["outcome"] for report in reports)
    failed = {report["test"]: report["why"] for report in reports if report["outcome"] == "failed"}
    passed = {name: counts[name] for name in ("passed", "failed", "skipped")}
    return {**passed, "failures": failed, "stopped": stopped}


def failure(row: Row) -> str | None:
    """Why the tests show nothing, or show that something is wrong; None if they were run, and none failed."""
    if "left_out" in row:
        return f"no conformance test has been run: {row['left_out']}"
    if row["failed"]:
        return f"{row['failed']} of {row['failed'] + row['passed']} conformance tests have failed"
    if row["stopped"]:
        return f"not all conformance tests have been run: {row['stopped']}"
    return None if row["passed"] else "no conformance test has been run: all were skipped"


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    for row in rows:
        title = f"conformance of the {row['backend']} backend"
        title += ", a few of its tests" if found["dry_run"] else ""
        if "left_out" in row:
            yield title, [["passed", "failed", "skipped"], ["–"] * 3], [row["left_out"]]
            continue
        notes = [f"{test.partition('::')[2] or test}: {why}" for test, why in row["failures"].items()]
        counts = [str(row[name]) for name in ("passed", "failed", "skipped")]
        shown = notes[:20] + [f"and {len(notes) - 20} more"] * (len(notes) > 20)
        yield (
            title,
            [["passed", "failed", "skipped"], counts],
            [row["stopped"]] * bool(row["stopped"]) + shown,
        )


def _path() -> str:
    """Where the other process finds `gpu_parts`, besides everything that this one finds."""
    return os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
