"""A plug-in for pytest that writes down every outcome as soon as it is known: `-p gpu_parts.outcomes`.

So whoever started the tests has what there is, also when time runs out half-way.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def pytest_addoption(parser: Any) -> None:
    parser.addoption("--outcomes", metavar="FILE", type=Path, help="a line of JSON for each test")


class _Writer:
    def __init__(self, file: Path) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report: Any) -> None:
        # A test counts once: when it was called, or when what comes before or after went wrong.
        if report.when == "call" or report.outcome != "passed":
            self.write(report)

    def pytest_collectreport(self, report: Any) -> None:
        if report.outcome != "passed":
            self.write(report)

    def write(self, report: Any) -> None:
        last = report.longreprtext.strip().splitlines()[-1:] if report.outcome == "failed" else []
        line = {"test": report.nodeid, "outcome": report.outcome, "why": "".join(last)[:300]}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def pytest_configure(config: Any) -> None:
    config.pluginmanager.register(_Writer(config.getoption("--outcomes")))
