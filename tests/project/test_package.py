"""The package as it is installed: what it imports, says of itself, and ships."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_cnn as tc
import tinygrad_cnn_backends

PACKAGES = [tc, tinygrad_cnn_backends]
FILES = [path for package in PACKAGES for path in sorted(Path(package.__file__).parent.rglob("*.py"))]


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = modules_after("import tinygrad_cnn")
    heavy = {"numpy", "matplotlib", "typer", "rich", "pygraphviz", "graphviz", "hypothesis", "pytest"}
    rooms = {f"tinygrad_cnn.{room}" for room in ("nn", "viz", "data", "train", "io", "cli", "testing")}
    assert loaded & (heavy | rooms) == set()
    assert not any(name.startswith("tinygrad_cnn_backends") for name in loaded)


def test_gradcheck_needs_neither_hypothesis_nor_pytest():
    assert modules_after("from tinygrad_cnn.testing import gradcheck") & {"hypothesis", "pytest"} == set()


def test_the_version_is_that_of_the_distribution():
    assert tc.__version__ == importlib.metadata.version("tinygrad-cnn")
    assert re.fullmatch(r"\d+\.\d+\.\d+", tc.__version__)


def test_types_are_shipped():
    for package in PACKAGES:
        assert (Path(package.__file__).parent / "py.typed").is_file()
    for stub in ("_methods.pyi", "ops/__init__.pyi"):
        assert (Path(tc.__file__).parent / stub).is_file()


def test_every_package_is_listed():
    """A sub-package that `pyproject.toml` forgets is missing from the wheel."""
    found = {
        name
        for package in PACKAGES
        for _, name, is_package in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if is_package
    }
    pyproject = Path(__file__).parent.parent.parent / "pyproject.toml"
    assert {name for name in found if f'"{name}"' not in pyproject.read_text(encoding="utf-8")} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_module_says_what_it_is(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)


def public_things():
    """Every function and class that a user reaches as `tc.<room>.<name>`."""
    rooms = [
        tc,
        *(getattr(tc, room) for room in ("functional", "nn", "optim", "io", "data", "models", "testing")),
    ]
    for room in rooms:
        for name in getattr(room, "__all__", None) or dir(room):
            value = getattr(room, name)
            if not name.startswith("_") and callable(value) and value.__module__.startswith("tinygrad_cnn"):
                yield pytest.param(value, id=f"{room.__name__}.{name}")


@pytest.mark.parametrize("thing", list(public_things()))
def test_public_things_are_documented(thing):
    assert inspect.getdoc(thing)


def test_every_public_name_exists():
    for room in ("functional", "nn", "optim", "io", "viz", "data", "models", "metrics", "train", "testing"):
        module = importlib.import_module(f"tinygrad_cnn.{room}")
        assert getattr(tc, room) is module
        assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == []
    for name in dir(tc):
        getattr(tc, name)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        tc.nonsense  # noqa: B018


def test_every_public_name_is_exported():
    """Strict type checkers let nobody use a name that a typed package imports and does not list."""
    public = {
        name for name in dir(tc) if not name.startswith("_") and not inspect.ismodule(getattr(tc, name))
    }
    assert public - set(tc.__all__) == set()
    assert all(hasattr(tc, name) for name in tc.__all__)
