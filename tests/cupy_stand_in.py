"""CuPy made of NumPy (`backends/cupy_of_numpy`), in place of CuPy for as long as a test takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "backends" / "cupy_of_numpy"


@contextmanager
def installed() -> Iterator[Any]:
    """`import cupy` finds the stand-in; afterwards it finds again what it found before."""
    real = _forget()
    sys.path.insert(0, str(FOLDER))
    try:
        yield import_module("cupy")
    finally:
        sys.path.remove(str(FOLDER))
        _forget()
        sys.modules.update(real)


def _forget() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.split(".")[0] in ("cupy", "cupyx")]
    return {name: sys.modules.pop(name) for name in names}
