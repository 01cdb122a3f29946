"""The CuPy backend on a stand-in for CuPy made of NumPy (`cupy_of_numpy`): no GPU is needed, none is tested.

The conformance kit shows that the backend asks CuPy for the right things; the tests below it look at what the
kit cannot see: where a value is looked at, what becomes of options, and of errors that only a GPU makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from cupy_stand_in import installed

import tinygrad_cnn as tc
from tinygrad_cnn._source import add_library
from tinygrad_cnn.errors import BackendError, OutOfMemory
from tinygrad_cnn.testing.conformance import *  # noqa: F403
from tinygrad_cnn_backends.cupy import CupyBackend, memory


@pytest.fixture(scope="module")
def cupy():
    with installed() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def backend(cupy):
    """The backend that the conformance kit tries: array functions only, as NumPy compiles no kernels."""
    add_library(sys.modules[CupyBackend.__module__])  # as when it is found by its name
    return CupyBackend(overrides=False)


# --- in and out


def test_arrays_of_the_device_are_not_numpys(backend):
    x = tc.ones(3, backend=backend)
    assert type(x.array).__module__.startswith("cupy")
    with pytest.raises(TypeError, match="Unsupported type"):
        x.array + np.ones(3)
    with pytest.raises(TypeError, match="Implicit conversion"):
        np.asarray(x.array)


def test_numbers_and_host_arrays_become_constants_on_the_device(backend):
    x = tc.ones(2, backend=backend) * 2 + np.array([1.0, 2.0], np.float32)
    assert x.backend is backend
    assert x.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("number", [True, 3, 2**63 - 1, 0.1])
def test_a_number_is_written_by_a_kernel_and_not_copied(backend, cupy, monkeypatch, number):
    monkeypatch.setattr(cupy, "array", lambda *_, **__: pytest.fail("a copy from the host"))
    assert backend.to_numpy(backend.asarray(number)).item() == number
    assert backend.to_numpy(backend.xp.asarray(number)).item() == number


def test_tensors_move_to_the_host_and_back(backend):
    x = tc.arange(6.0, backend=backend).reshape(2, 3)
    assert x.T.to("numpy").to(backend).tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


def test_what_is_assigned_may_lie_in_the_same_memory(backend):
    target = backend.asarray([1.0, 2.0, 3.0])
    backend.assign(target[:2], target[1:])
    assert backend.to_numpy(target).tolist() == [2.0, 3.0, 3.0]


def test_assign_does_not_convert(backend):
    with pytest.raises(TypeError):
        backend.assign(backend.full((2,), 0, tc.float32), backend.full((2,), 1, tc.float64))


def test_a_training_step_looks_at_no_value_by_itself(backend, cupy):
    """Operations that check values do (`checks.all_finite`, labels); nothing of this backend does."""
    x = tc.ones(4, 1, 8, 8, backend=backend)
    with tc.use_backend(backend):
        model = tc.nn.Sequential(
            tc.nn.Conv2d(1, 2, 3), tc.nn.BatchNorm2d(2), tc.nn.ReLU(), tc.nn.MaxPool2d(2), tc.nn.Dropout(0.5)
        )
        optimizer = tc.optim.Adam(model.parameters())
        cupy.synchronizations.clear()
        loss = (model(x) ** 2).mean()
        loss.backward()
        optimizer.step()
    assert not cupy.synchronizations


# --- where CuPy's functions differ

QUOTIENTS = [(1.0, 0.1), (-1.0, 0.1), (5.0, np.inf), (-5.0, np.inf), (6.0, -3.0), (0.0, -2.0), (7.5, 2.0)]
QUOTIENTS += [(1.0, 0.0), (0.0, 0.0), (np.nan, 1.0), (np.inf, 2.0), (-1e-20, 3.0)]


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_quotients_of_floats_are_rounded_down_as_in_numpy(backend, cupy, name, dtype):
    x, y = np.array(QUOTIENTS, dtype).T
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x, y)
    found = backend.to_numpy(getattr(backend.xp, name)(cupy.array(x), cupy.array(y)))
    np.testing.assert_array_equal(found, expected)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(expected[numbers]))
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("name", ["floor_divide", "remainder"])
def test_quotients_of_integers_are_cupys(backend, cupy, name):
    x, y = np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2])
    found = backend.to_numpy(getattr(backend.xp, name)(cupy.array(x), cupy.array(y)))
    np.testing.assert_array_equal(found, getattr(np, name)(x, y))


def test_a_name_that_cupy_does_not_have_is_missing(backend):
    with pytest.raises(AttributeError):
        _ = backend.xp.no_such_function


# --- adding at repeated places

INDICES = {
    "rows": (np.array([0, 2, 0, 0, 1, 2, 0]),),
    "a row and a slice": (np.array([[1, 1], [0, 2]]), slice(None), np.array([[0, 3], [2, 2]])),
    "negative": (np.array([-1, 2, -1]),),
    "nothing": (np.array([], np.int64),),
    "slices only": (slice(0, 2), slice(None)),
}


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "uint8"])
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_repeated_places_receive_every_value(cupy, index, dtype, deterministic):
    chosen = CupyBackend(overrides=False, deterministic=deterministic)
    target = np.arange(3 * 2 * 4).reshape(3, 2, 4).astype(dtype)
    value = (np.arange(target[index].size).reshape(target[index].shape) % 5).astype(dtype)
    on_device = tuple(cupy.array(part) if isinstance(part, np.ndarray) else part for part in index)
    found = chosen.scatter_add(cupy.array(target), on_device, cupy.array(value))
    np.add.at(target, index, value)
    np.testing.assert_array_equal(chosen.to_numpy(found), target)


def test_in_order_means_without_atomic_additions(backend, cupy, monkeypatch):
    import cupyx

    monkeypatch.setattr(cupyx, "scatter_add", lambda *_: pytest.fail("the order is left to chance"))
    index = (cupy.array(np.zeros(1000, np.int64)),)
    values = np.random.default_rng(0).standard_normal(1000)
    total = backend.scatter_add(cupy.zeros((1,)), index, cupy.array(values))
    assert backend.to_numpy(total)[0] == pytest.approx(values.sum(), rel=1e-14)


# --- options


@pytest.mark.parametrize("option", ["overrides", "deterministic", "tf32"])
def test_an_option_is_true_or_false(cupy, option):
    with pytest.raises(BackendError, match=f"{option} is a switch"):
        CupyBackend(**{option: 1})


def test_tf32_is_for_matrix_products_of_float32_and_for_nothing_else(cupy):
    backend = CupyBackend(overrides=False, tf32=True)
    long, one = 1 + 2**-11 + 2**-20, tc.ones(1, 1, backend=backend)  # more than 10 digits after the point
    x = one * long
    assert (x @ one).item() == 1 + 2**-10
    assert (x + one).item() == 2 + 2**-11 + 2**-20
    assert (x.to(tc.float64) @ one.to(tc.float64)).item() == long
    backend = CupyBackend(overrides=False)
    x, one = x.to(backend), one.to(backend)
    assert (x @ one).item() == long


def test_tf32_is_refused_where_there_is_none(cupy, monkeypatch):
    monkeypatch.setattr(cupy.cuda.Device, "compute_capability", "75")
    with pytest.raises(BackendError, match="does not multiply in TF32"):
        CupyBackend(tf32=True)


# --- around operations


def test_synchronize_waits_for_the_device(backend, cupy):
    before = cupy.cuda.Device.times_synchronized
    backend.synchronize()
    assert cupy.cuda.Device.times_synchronized == before + 1


def test_memory_is_told_apart(backend):
    gib = 2**30
    assert backend.memory() == {"used": 2 * gib, "held": 3 * gib, "free": 5 * gib, "total": 8 * gib}


def test_info_says_what_computes_where(backend):
    info = backend.info()
    assert info["device"] == "a GPU made of NumPy (number 0)"
    assert info["compute capability"] == "9.0"
    assert info["driver"] == "CUDA 13.0"
    assert info["memory"] == "5.0 GiB free of 8.0 GiB"
    assert info["matrix products"] == "cuBLAS"
    assert info["own kernels"] == "none"
    assert "max_pool" in CupyBackend().info()["own kernels"]
    assert CupyBackend(tf32=True).info()["matrix products"] == "cuBLAS, float32 in TF32"


def test_out_of_memory_names_operation_line_and_a_batch_that_fits(backend, cupy, monkeypatch):
    def refuse(*_):
        raise cupy.cuda.memory.OutOfMemoryError(12 * 2**30)

    x = tc.ones(512, 3, backend=backend)
    monkeypatch.setattr(backend.xp, "exp", refuse, raising=False)
    with pytest.raises(OutOfMemory) as caught:
        x.exp()
    assert str(caught.value).splitlines()[:3] == [
        "exp: the GPU has no memory left: 12.0 GiB was asked for",
        "  expected: at most 6.0 GiB",
        "  got:      2.0 GiB in tensors, 8.0 GiB on the device",
    ]
    assert str(caught.value.where).startswith(Path(__file__).name)
    # (2 + 12) GiB for 512; there are 2 + 6, which is enough for 292
    assert caught.value.hint.startswith("if 512 is the batch: 256, by proportion, fits")


def test_out_of_memory_while_making_a_tensor(backend, cupy, monkeypatch):
    def refuse(*_, **__):
        raise cupy.cuda.memory.OutOfMemoryError(12 * 2**30)

    monkeypatch.setattr(cupy, "full", refuse)
    with pytest.raises(OutOfMemory, match=r"12.0 GiB was asked for") as caught:
        tc.zeros(3, backend=backend)
    assert caught.value.hint == "keep fewer tensors, or a smaller model"
    assert "tc.zeros(3, backend=backend)" in str(caught.value.where)


def test_a_smaller_batch_is_suggested_only_if_there_is_one():
    assert memory.fitting_batch(512, needed=100, there=100) == 256
    assert memory.fitting_batch(3, needed=100, there=99) == 2
    assert memory.fitting_batch(1, needed=100, there=50) is None
    assert memory.fitting_batch(64, needed=100, there=1) is None
