"""What the tests of this folder share; and what of it is no test."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

# The sample distribution is installed by a test, not collected; one of its modules raises on purpose.
collect_ignore = ["sample_backend"]

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    """The files of the folder benchmarks, by name; scripts there import each other without a package."""
    before = set(sys.modules)
    sys.path.insert(0, str(BENCHMARKS))
    yield import_module
    sys.path.remove(str(BENCHMARKS))
    for name in set(sys.modules) - before:
        if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
