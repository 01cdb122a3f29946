"""The stubs that editors and type checkers read are what the registry says now."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tinygrad_cnn._op import FUNCTIONS, METHODS
from tinygrad_cnn._tensor import Tensor

ROOT = Path(__file__).parent.parent.parent
specification = importlib.util.spec_from_file_location("write_stubs", ROOT / "scripts" / "write_stubs.py")
write_stubs = importlib.util.module_from_spec(specification)
specification.loader.exec_module(write_stubs)
STUBS = dict(write_stubs.stubs())


@pytest.mark.parametrize("path", STUBS, ids=lambda path: path.name)
def test_stubs_are_current(path):
    assert path.read_text(encoding="utf-8") == STUBS[path], "run python scripts/write_stubs.py"


def test_stubs_show_everything():
    methods, functions = STUBS.values()
    for name in METHODS:
        assert f"    def {name}(" in methods
    for name in FUNCTIONS:
        assert f"\ndef {name}(" in functions
    operators = [name for name in vars(Tensor) if name.startswith("__r") and name.endswith("__")]
    for name in ["__add__", "__matmul__", "__neg__", "T", "mT", *operators]:
        if name not in ("__repr__", "__reduce_ex__"):
            assert f"    def {name}(self" in methods
