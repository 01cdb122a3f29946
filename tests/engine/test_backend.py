"""Backends: how one is chosen, what is refused, and that randomness is the same everywhere."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import backend as registry
from tinygrad_cnn.errors import (
    ArgumentError,
    BackendError,
    BackendUnavailable,
    DataDependentShape,
    UnknownName,
)
from tinygrad_cnn.testing.references.random import philox


def test_the_order_of_choice(monkeypatch):
    assert tc.get_backend().name == "numpy"
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, "meta")
    assert tc.get_backend().name == "meta"
    with tc.use_backend("numpy") as chosen:
        assert tc.get_backend() is chosen
        assert tc.zeros(1).backend is chosen
        assert tc.zeros(1, backend="meta").backend.name == "meta"
    assert tc.zeros(1).backend.name == "meta"
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, "")
    assert tc.get_backend().name == "numpy"


def test_use_backend_nests_and_ends_with_an_exception():
    with tc.use_backend("meta"):
        with tc.use_backend("numpy"):
            assert tc.zeros(1).backend.name == "numpy"
        assert tc.zeros(1).backend.name == "meta"
    with pytest.raises(ZeroDivisionError), tc.use_backend("meta"):
        raise ZeroDivisionError
    assert tc.get_backend().name == "numpy"


def test_a_thread_starts_with_the_default():
    seen = []
    with tc.use_backend("meta"):
        thread = threading.Thread(target=lambda: seen.append(tc.get_backend().name))
        thread.start()
        thread.join()
    assert seen == ["numpy"]


def test_one_backend_object_for_each_set_of_options():
    fast, readable = tc.get_backend("numpy"), tc.get_backend("numpy", overrides=False)
    assert tc.get_backend("numpy") is fast
    assert tc.get_backend("numpy", overrides=False) is readable is not fast
    assert readable.kernels == {}
    assert fast.kernels


def test_an_unknown_backend_shows_the_list_and_the_nearest():
    with pytest.raises(UnknownName, match="no backend named 'nunpy'") as caught:
        tc.use_backend("nunpy").__enter__()
    assert "did you mean 'numpy'?" in str(caught.value)
    assert "meta, numpy" in caught.value.expected


def test_an_unknown_backend_in_the_environment(monkeypatch):
    monkeypatch.setenv(registry.ENVIRONMENT_VARIABLE, "cuda")
    with pytest.raises(UnknownName, match="'cuda'"):
        tc.zeros(1)


@pytest.mark.parametrize(
    ("called", "meant"), [("gpu", "cupy"), ("cuda", "cupy"), ("cuda:0", "cupy"), ("cpu", "numpy")]
)
def test_a_device_is_answered_with_its_backend(called, meant):
    for ask in (tc.get_backend, tc.zeros(1).to):
        with pytest.raises(UnknownName, match=f"'{called}'") as caught:
            ask(called)
        assert caught.value.hint == f"did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("name", "option", "expected", "hint"),
    [
        ("numpy", {"colour": "red"}, "overrides=True, exact=False", None),
        ("numpy", {"overides": False}, "overrides=True, exact=False", "did you mean 'overrides'?"),
        ("numpy", {"overrides": True, "tf32": True}, "overrides=True, exact=False", "cupy', tf32=True"),
        ("scalar", {"overrides": True}, "no options", None),
    ],
)
def test_options_that_a_backend_does_not_have(name, option, expected, hint):
    with pytest.raises(BackendError) as caught:
        tc.get_backend(name, **option)
    error = caught.value
    wrong, value = list(option.items())[-1]
    assert error.problem == f"the {name} backend has no option {wrong!r}"
    assert (error.argument, error.expected, error.got) == (wrong, expected, f"{wrong}={value!r}")
    assert hint in error.hint if hint else error.hint is None
    assert error.__cause__ is None  # Python's own message would only repeat it
    assert error.__suppress_context__


class BrokenEntryPoint:
    """An entry point as the packaging machinery gives it."""

    name = "broken"
    module = "builtins"
    value = "nowhere:Backend"

    def __init__(self, load):
        self.load = load


def install(monkeypatch, load):
    monkeypatch.setattr(registry, "_entry_points", lambda: {"broken": BrokenEntryPoint(load)})


def test_a_backend_that_cannot_be_imported_says_why(monkeypatch):
    def load():
        raise ImportError("libcuda.so.1: cannot open shared object file")

    install(monkeypatch, load)
    with pytest.raises(BackendUnavailable, match=r"libcuda\.so\.1") as caught:
        tc.get_backend("broken")
    assert caught.value.hint.startswith("install what it needs")


def test_an_entry_point_that_makes_no_backend(monkeypatch):
    install(monkeypatch, lambda: dict)
    with pytest.raises(BackendError, match="does not make a backend"):
        tc.get_backend("broken")


# --- meta -----------------------------------------------------------------------------------------


def test_meta_has_shapes_and_no_values():
    with tc.use_backend("meta"):
        x = tc.zeros(10**6, 10**6, requires_grad=True)
        y = (x @ x).relu().sum(0)
        assert y.shape == (10**6,)
        y.sum().backward()
        assert x.grad.shape == x.shape
        for ask in (x.numpy, x.sum().item, x.tolist, lambda: bool(x.sum() > 0)):
            with pytest.raises(DataDependentShape):
                ask()
        with pytest.raises(DataDependentShape):
            x[x > 0]
        with pytest.raises(DataDependentShape):
            x.nonzero()
        with pytest.raises(tc.errors.ShapeError):
            x @ tc.zeros(3)


# --- randomness -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_the_reference_has_the_published_values(counter, key, words):
    """The known answers of Random123, the library of the paper's authors."""
    number = sum(word << 32 * place for place, word in enumerate(counter))
    assert philox(key[0] | key[1] << 32, number) == [int(word, 16) for word in words.split()]


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 3])
def test_words_are_those_of_the_reference(seed):
    backend = tc.get_backend("numpy")
    words = backend.random_bits(np.int64(seed), np.int64(2**32 - 1), 8).tolist()
    assert words == philox(seed, 2**32 - 1) + philox(seed, 2**32)


def test_one_seed_one_sequence():
    tc.manual_seed(3)
    first = [tc.rand(5).tolist(), tc.randn(2, 2).tolist(), tc.rand(3, dtype="float64").tolist()]
    tc.manual_seed(3)
    assert first == [tc.rand(5).tolist(), tc.randn(2, 2).tolist(), tc.rand(3, dtype="float64").tolist()]
    tc.manual_seed(4)
    assert first[0] != tc.rand(5).tolist()
    tc.manual_seed(0)


def test_the_distributions_are_what_they_say():
    tc.manual_seed(0)
    uniform, normal = tc.rand(40_000).numpy(), tc.randn(40_000, dtype="float64").numpy()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert abs(uniform.mean() - 0.5) < 0.01
    assert abs(uniform.var() - 1 / 12) < 0.005
    assert abs(normal.mean()) < 0.02
    assert abs(normal.var() - 1) < 0.03
    assert abs((normal**4).mean() - 3) < 0.2


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, "a", True])
def test_what_is_no_seed(seed):
    with pytest.raises((ArgumentError, tc.errors.ArgumentTypeError)) as caught:
        tc.manual_seed(seed)
    assert caught.value.argument == "seed"


def test_use_backend_without_with_says_that_it_does_nothing():
    def forgotten():
        tc.use_backend("meta")
        gc.collect()

    with pytest.warns(RuntimeWarning, match="by itself changes nothing"):
        forgotten()


def test_options_that_fail_inside_of_a_backend(monkeypatch):
    def made(size, **more):
        return dict(range(size))

    install(monkeypatch, lambda: made)
    for options, reason in [
        ({"size": "x"}, "interpreted as an integer"),
        ({"other": 1}, "missing 1 required"),
    ]:
        with pytest.raises(BackendError, match=f"does not take these options: .*{reason}") as caught:
            tc.get_backend("broken", **options)
        assert isinstance(caught.value.__cause__, TypeError)


def test_use_backend_refuses_a_wrong_option_at_once():
    with pytest.raises(BackendError, match="no option 'exakt'"):
        tc.use_backend("numpy", exakt=True)


def test_use_backend_decorates_functions_and_nests():
    @tc.use_backend("meta")
    def made():
        return tc.zeros(2).backend.name

    assert (made(), made()) == ("meta", "meta")
    with tc.use_backend("meta"), tc.use_backend("numpy"):
        assert tc.zeros(2).backend.name == "numpy"
    assert tc.zeros(2).backend.name == "numpy"
