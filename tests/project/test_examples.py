"""Every public name shows by an example what it does.

That the examples are right is seen by running them: `pytest --doctest-modules --pyargs tinygrad_cnn`, and for
the operations tests/ops/test_declarations.py.
"""

from __future__ import annotations

import importlib
import types

import pytest

from tinygrad_cnn._op import FUNCTIONS, METHODS
from tinygrad_cnn._tensor import Tensor

ROOMS = [
    "tinygrad_cnn",
    *(
        f"tinygrad_cnn.{room}"
        for room in (
            "data",
            "dtypes",
            "functional",
            "graph",
            "io",
            "metrics",
            "models",
            "nn",
            "nn.init",
            "nn.utils",
            "optim",
            "testing",
            "train",
            "viz",
        )
    ),
]

# Names that need no example of their own, and why.
EXCEPTIONS = {
    "tinygrad_cnn.viz.renderer": "its answer is a fact of the machine it runs on",
    "tinygrad_cnn.dtypes.HasSpec": "a protocol: it describes arguments and is never called",
    **dict.fromkeys(
        (f"Tensor.{name}" for name in ("grad", "is_leaf", "ndim", "node", "numel", "requires_grad", "size")),
        "the example of Tensor shows its facts together",
    ),
}


def names_in(module):
    """What a room offers; without `__all__`, what is written there."""
    listed = getattr(module, "__all__", None)
    home = module.__name__ if module.__name__ != "tinygrad_cnn" else "tinygrad_cnn."
    for name in listed or dir(module):
        value = getattr(module, name)
        if isinstance(value, types.ModuleType) or name.startswith("_") or not callable(value):
            continue
        if listed or value.__module__.startswith(home):
            yield f"{module.__name__}.{name}", value


def documented():
    """Everything with a docstring that a student may ask for, by the name to ask for it."""
    for room in ROOMS:
        yield from names_in(importlib.import_module(room))
    for name, function in FUNCTIONS.items():
        yield f"tinygrad_cnn.{name}", function
    for name, method in {**vars(Tensor), **METHODS}.items():
        is_fact = isinstance(method, property)
        if not name.startswith("_") and (is_fact or callable(method)):
            yield f"Tensor.{name}", method.fget if is_fact else method


DOCUMENTED = dict(documented())


@pytest.mark.parametrize("name", sorted(set(DOCUMENTED) - set(EXCEPTIONS)))
def test_it_has_an_example(name):
    docstring = DOCUMENTED[name].__doc__  # its own: a class does not inherit this one
    assert docstring, f"{name} has no docstring"
    assert ">>>" in docstring, f"{name} has no example"


def test_the_search_finds_what_is_public():
    """Otherwise the test above would be content with nothing."""
    for name in (
        "tinygrad_cnn.add",
        "tinygrad_cnn.Tensor",
        "tinygrad_cnn.nn.Linear",
        "Tensor.item",
        "Tensor.T",
    ):
        assert name in DOCUMENTED
    assert set(EXCEPTIONS) <= set(DOCUMENTED)


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_are_needed(name):
    """Who has got an example leaves the list."""
    assert ">>>" not in (DOCUMENTED[name].__doc__ or "")
