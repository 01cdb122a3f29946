"""The NumPy backend's fast kernels against loops that visit one window and one cell at a time."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest
from kernel_arrays import (
    normal,
    relaid,
)

from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn_backends.numpy.kernels import KERNELS, PREPARE, threads
from tinygrad_cnn_backends.numpy.kernels.memory import Arena

B = None  # the kernels are handed a backend and do not look at it

# --- what holds for all of them -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_kernel_is_called_as_the_operation_it_replaces(name):
    """The same number of arrays, and parameters of the same names."""
    backend, *parameters = inspect.signature(KERNELS[name]).parameters.values()
    assert backend.name == "B"
    operation = REGISTRY[name]
    arrays = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    assert len(arrays) == len(operation.input_names)
    assert {p.name for p in parameters if p.kind is p.KEYWORD_ONLY} == set(operation.param_names)


def calls():
    """One call of every kernel, on shapes for which BLAS uses its threads."""
    x, w = normal(0, (16, 8, 20, 20), np.float32), normal(1, (16, 8, 3, 3), np.float32)
    g, condition = normal(2, (16, 16, 20, 20), np.float32), normal(3, x.shape, np.float32) > 0
    weight, bias = normal(4, (8,), np.float32), normal(5, (8,), np.float32)
    sliding = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
    pooling = {"kernel_size": (1, 1), "stride": (1, 1), "padding": ((0, 0), (0, 0))}
    dense = {**pooling, "dilation": (1, 1)}
    winner = np.zeros(x.shape, np.uint8)
    return {
        "conv": ((x, w), {**sliding, "groups": 1}),
        "conv_input_grad": ((g, w), {**sliding, "groups": 1, "size": (20, 20)}),
        "conv_weight_grad": ((x, g), {**sliding, "groups": 1, "kernel_size": (3, 3)}),
        "max_pool": ((x,), {**dense, "ceil_mode": False}),
        "max_pool_scatter": ((x, winner), {**dense, "size": (20, 20)}),
        "max_pool_gather": ((x, winner), dense),
        "sum_pool": ((x,), {**pooling, "ceil_mode": False}),
        "sum_pool_input_grad": ((x,), {**pooling, "ceil_mode": False, "size": (20, 20)}),
        "batch_norm": ((x, weight, bias), {"eps": 1e-5}),
        "batch_norm_grad": ((x, x, weight, weight, weight**2), {"eps": 1e-5}),
        "all_finite": ((x, weight), {}),
        "relu": ((x,), {}),
        "where": ((condition, x, x), {}),
    }


def results(name: str, arrays: tuple[np.ndarray, ...], params: dict) -> tuple[np.ndarray, ...]:
    result = KERNELS[name](B, *arrays, **params)
    return result if isinstance(result, tuple) else (result,)


def test_every_kernel_is_called_below():
    assert calls().keys() == KERNELS.keys()


@pytest.mark.parametrize("name", sorted(KERNELS))
@pytest.mark.parametrize("order", ["contiguous", "batch last"])
def test_kernels_are_pure(name, order):
    """Inputs are not written, results are new memory, and a second call gives the same bits."""
    arrays, params = calls()[name]
    arrays = tuple(relaid(array, order) for array in arrays)
    for array in arrays:
        array.flags.writeable = False
    first, second = results(name, arrays, params), results(name, arrays, params)
    for one, again in zip(first, second, strict=True):
        assert one.tobytes() == again.tobytes()
        assert not any(np.shares_memory(one, array) for array in arrays)
    for one, other in itertools.combinations(first, 2):
        assert not np.shares_memory(one, other)


@pytest.mark.parametrize("name", sorted(PREPARE.keys() & KERNELS.keys()))
@pytest.mark.parametrize("order", ["contiguous", "batch last"])
def test_prepared_kernels_read_the_numbers_while_working(name, order):
    """Prepared with other numbers, into memory full of NaN and from an arena that others use."""
    arrays, params = calls()[name]
    arrays = tuple(relaid(array, order) for array in arrays)
    expected = results(name, arrays, params)
    outputs = tuple(np.empty_like(result) for result in expected)
    arena = Arena()
    numbers = [array.copy() for array in arrays]
    for array in (*arrays, *outputs):
        array.fill(99)
    arena.begin()
    work = PREPARE[name](B, arena, *arrays, *outputs, **params)
    for _ in range(2):
        for array, now in zip(arrays, numbers, strict=True):
            array[...] = now
        arena.begin()
        arena.take((arena.nbytes,), np.uint8).fill(255)
        work()
        for output, result in zip(outputs, expected, strict=True):
            assert output.tobytes() == result.tobytes()
            output.fill(99)


@pytest.fixture
def number_of_threads():
    before = threads.get_num_threads()
    yield before
    threads.set_num_threads(before)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_results_do_not_depend_on_threads_beyond_rounding(name, number_of_threads):
    arrays, params = calls()[name]
    threads.set_num_threads(1)
    alone = results(name, arrays, params)
    threads.set_num_threads(2)
    for one, two in zip(alone, results(name, arrays, params), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-4)


# --- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, -1])
def test_no_threads_at_all(n):
    with pytest.raises(ArgumentError, match="thread"):
        threads.set_num_threads(n)


@pytest.mark.parametrize("n", [1.5, True, "2"])
def test_threads_are_whole(n):
    with pytest.raises(ArgumentTypeError):
        threads.set_num_threads(n)


def test_threads_from_the_environment(monkeypatch, number_of_threads):
    monkeypatch.setenv(threads.ENVIRONMENT_VARIABLE, "1")
    threads.set_num_threads_from_environment()
    assert threads.get_num_threads() == 1

    monkeypatch.delenv(threads.ENVIRONMENT_VARIABLE)
    threads.set_num_threads_from_environment()
    assert threads.get_num_threads() == 1  # not set: nothing changes


@pytest.mark.parametrize("text", ["many", "0", "-2", "1.5"])
def test_nonsense_in_the_environment(monkeypatch, text, number_of_threads):
    monkeypatch.setenv(threads.ENVIRONMENT_VARIABLE, text)
    with pytest.raises(ArgumentError, match=threads.ENVIRONMENT_VARIABLE):
        threads.set_num_threads_from_environment()
    assert threads.get_num_threads() == number_of_threads
