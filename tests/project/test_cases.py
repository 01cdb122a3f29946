"""Every acceptance case of the engine, the operations, the layers and the optimizers has a test of its name.

The cases are numbered: 1 to 16 the graph, 17 to 24 elements and reductions, 25 to 31 indexing, layout and
dtype, 32 to 40 losses, 41 to 45 layers, 46 to 54 convolution and pooling, 55 to 57 optimizers. A test that
shows one is called `test_case_07_...`; one case may have several.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SOURCES = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py") if path != Path(__file__)}
NAMED = re.compile(r"^def test_case_(\d\d)_", re.MULTILINE)
SHOWN = {int(number) for source in SOURCES.values() for number in NAMED.findall(source)}


@pytest.mark.parametrize("number", range(1, 58))
def test_a_case_has_a_test_named_after_it(number):
    assert number in SHOWN


def test_random_examples_are_drawn_under_hypothesis_own_health_checks():
    assert [path.name for path, source in SOURCES.items() if "suppress_health_check" in source] == []
