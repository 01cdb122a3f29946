"""Errors: each is built from parts, shows the user's line, and is the built-in exception one would expect."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import pickle
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _source, errors
from tinygrad_cnn import functional as F
from tinygrad_cnn.errors import ShapeError, TinygradCNNError, UnknownName

CLASSES = [
    value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, TinygradCNNError)
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_class_explains_itself(kind):
    assert kind.__doc__
    error = kind("a thing is wrong", argument="x", expected=3, got=4, hint="use 3")
    text = str(error)
    assert text.splitlines()[0] == "a thing is wrong"
    for part in ("argument: x", "expected: 3", "got:      4", "try:      use 3"):
        assert part in text


@pytest.mark.parametrize("kind", [k for k in CLASSES if k is not TinygradCNNError], ids=lambda k: k.__name__)
def test_every_error_is_a_built_in_one_too(kind):
    builtin = [base for base in kind.__mro__ if base.__module__ == "builtins"]
    assert builtin[0] not in (Exception, BaseException, object)


def test_an_error_shows_operation_argument_both_values_and_the_line():
    with pytest.raises(ShapeError) as caught:
        tc.ones(2, 3) @ tc.ones(2, 3)  # the line that is shown
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("matmul: ")
    assert lines[1:4] == [
        "  argument: y",
        "  expected: a second-to-last size of 3",
        "  got:      (2, 3) @ (2, 3)",
    ]
    assert lines[4].startswith("  at:       test_errors.py:")
    assert lines[4].endswith("# the line that is shown")
    assert lines[5].startswith("  try:      ")


def test_an_error_crosses_process_borders():
    with pytest.raises(ShapeError) as caught:
        tc.ones(2, 3) @ tc.ones(2, 3)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is ShapeError
    assert str(again) == str(caught.value)


def test_the_first_operation_named_stays():
    error = ShapeError("wrong").at("inner").at("outer")
    assert str(error).startswith("inner: wrong")


def test_unknown_names_show_the_list_and_the_nearest():
    error = UnknownName.among("lenet", ["mlp", "lenet5"], kind="model", argument="name")
    assert "one of lenet5, mlp" in str(error)
    assert "did you mean 'lenet5'?" in str(error)
    assert UnknownName.among("xyz", ["mlp"], kind="model").hint is None
    assert "none is known" in str(UnknownName.among("xyz", [], kind="model"))


@pytest.mark.parametrize(
    ("mistake", "argument", "advice"),
    [
        (lambda model: model(tc.ones(2, 1, 28, 28).to("uint8")), "x", "x.to('float32')"),
        (lambda model: model(tc.ones(2, 1, 28, 28, dtype="float64")), "x", "x.to('float32')"),
        (lambda model: tc.ones(2, 3, dtype="float64") @ tc.ones(3, 2), "x", "x.to('float32')"),
        (lambda model: tc.ones(2, 3).sum(axis=1), "axis", "did you mean 'dim'?"),
        (
            lambda model: tc.functional.conv2d(tc.ones(2, 8, 8, 3), tc.ones(4, 3, 3, 3)),
            "w",
            "x.permute(0, 3, 1, 2)",
        ),
        (lambda model: F.conv2d(tc.ones(2, 8, 8), tc.ones(4, 1, 3, 3)), "w", "x[:, None]"),
        (
            lambda model: tc.save(model.state_dict(), "w.safetensors"),
            "path",
            "tc.save('weights.safetensors', model)",
        ),
    ],
)
def test_beginners_mistakes_get_advice_that_helps(mistake, argument, advice):
    with pytest.raises(TinygradCNNError) as caught:
        mistake(tc.models.LeNet5())
    assert caught.value.argument == argument
    assert advice in caught.value.hint


def test_an_infer_that_says_no_shape():
    careless = tc.op(symbol="?", infer=lambda x: x, public=False)(lambda B, x: x)
    with pytest.raises(TinygradCNNError, match="must say the result's shape and dtype"):
        careless(tc.ones(2))


def helper_module(folder, source):
    """A module of a package that is written into a folder."""
    (folder / "helping").mkdir()
    (folder / "helping" / "__init__.py").write_text(source)
    spec = importlib.util.spec_from_file_location("helping", folder / "helping" / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lines_of_a_backend_are_not_the_users(tmp_path, monkeypatch):
    monkeypatch.setattr(_source, "_libraries", list(_source._libraries))
    helping = helper_module(
        tmp_path, "from tinygrad_cnn._source import user_line\ndef where():\n    return user_line()\n"
    )
    monkeypatch.setitem(sys.modules, "helping", helping)
    assert str(helping.where()).startswith("__init__.py:3")
    _source.add_library(helping)
    assert str(helping.where()).startswith(Path(__file__).name)


def test_a_context_manager_in_between_is_not_the_users_line():
    @contextlib.contextmanager
    def refusing():
        try:
            yield
        finally:
            with tc.name_scope("inner"):
                pass
            raise ShapeError("no")

    with pytest.raises(ShapeError) as caught, refusing():
        pass
    assert str(caught.value.where).startswith(Path(__file__).name)


def test_where_ipython_cannot_name_its_cells_the_file_is_named(monkeypatch):
    """IPython 7, as on Colab."""
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(compile=object())
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert str(_source.user_line(depth=1)).startswith(Path(__file__).name)
