"""What a backend must do to be called one.

    pytest -p tinygrad_cnn.testing.plugin --pyargs tinygrad_cnn.testing.conformance --backend NAME

Every operation of the registry is run on the backend and compared with the readable kernel on NumPy: values,
shapes, dtypes, gradients. Then the few functions that a backend brings itself: memory in and out, windows,
scattering, padding, random words; and a captured step is replayed. A backend without values
(`executes = False`) is asked for shapes and dtypes only.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tinygrad_cnn._capture import capture
from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.autodiff import grad
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTYPES, DType, Spec, float32, float64, int64
from tinygrad_cnn.functional import dropout
from tinygrad_cnn.ops.creation import ones
from tinygrad_cnn.ops.random import manual_seed, rand
from tinygrad_cnn.optim import SGD
from tinygrad_cnn.testing.samples import Case, cases, has_gradient, tensors

READABLE = get_backend("numpy", overrides=False)
WIDE = ("float64", "float32")  # what every operation is tried in
TOLERANCE = {"float64": 1e-11, "float32": 1e-4, "float16": 4e-3, "bfloat16": 3e-2}
# What a convolutional network is made of, and is trained with in 16 bits.
OF_NETWORKS = (
    *("add", "mul", "where", "cast", "relu", "sum", "mean", "matmul", "softmax_cross_entropy"),
    *("conv", "conv_input_grad", "conv_weight_grad", "batch_norm", "batch_norm_grad", "standardize"),
    *("max_pool", "max_pool_scatter", "sum_pool", "sum_pool_input_grad"),
)

each_case = pytest.mark.parametrize("case", cases(), ids=str)
each_dtype = pytest.mark.parametrize("dtype", WIDE)


@pytest.fixture
def executing(backend: Backend) -> Backend:
    """The backend, when it has values to compare."""
    if not backend.executes:
        pytest.skip(f"the {backend.name} backend has no values")
    return backend


# --- operations -----------------------------------------------------------------------------------


def call(case: Case, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    """The operation's public outputs."""
    results = case.op(*inputs, **case.sample.params)
    return results if isinstance(results, tuple) else (results,)


def assert_close(got: Any, expected: NDArray[Any], dtype: str) -> None:
    """Real numbers up to rounding, in relation to the largest; integers and bools exactly."""
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected)
        return
    scale = float(np.abs(expected).max(initial=1.0))
    np.testing.assert_allclose(got, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def held(backend: Backend, dtype: DType) -> DType:
    """The dtype in which the backend's arrays hold numbers of a dtype: that one, or a wider one."""
    return backend.dtype_of(backend.full((), 0, dtype))


@each_dtype
@each_case
def test_shapes_and_dtypes_are_the_inferred_ones(backend: Backend, case: Case, dtype: str) -> None:
    results = call(case, tensors(case, backend, dtype=dtype))
    expected = call(case, tensors(case, READABLE, dtype=dtype))
    assert [Spec(r.shape, r.dtype) for r in results] == [Spec(e.shape, e.dtype) for e in expected]
    for result in results:
        assert tuple(result.array.shape) == result.shape
        assert backend.dtype_of(result.array) is held(backend, result.dtype)


@each_dtype
@each_case
def test_values_equal_the_readable_kernel(executing: Backend, case: Case, dtype: str) -> None:
    inputs = tensors(case, executing, dtype=dtype)
    before = [value.numpy().copy() for value in inputs]
    results = call(case, inputs)
    expected = call(case, tensors(case, READABLE, dtype=dtype))
    for result, reference in zip(results, expected, strict=True):
        assert_close(result.numpy(), reference.numpy(), dtype)
    if not case.op.mutates:
        for value, old in zip(inputs, before, strict=True):
            np.testing.assert_array_equal(value.numpy(), old, "a kernel has written into its input")


@each_dtype
@pytest.mark.parametrize("case", [case for case in cases() if has_gradient(case)], ids=str)
def test_gradients_equal_the_readable_kernels(executing: Backend, case: Case, dtype: str) -> None:
    found, expected = (_gradients(case, chosen, dtype) for chosen in (executing, READABLE))
    for gradient, reference in zip(found, expected, strict=True):
        assert_close(gradient, reference, dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", cases(*[REGISTRY[name] for name in OF_NETWORKS]), ids=str)
def test_floats_of_16_bits_are_rounded_once(executing: Backend, case: Case, dtype: str) -> None:
    """Equal to the readable kernel in float32, up to the rounding of what comes out of an operation."""
    require(dtype)
    results = call(case, tensors(case, executing, dtype=dtype, requires_grad=False))
    inputs = tensors(case, READABLE, dtype=dtype, requires_grad=False)
    expected = call(case, [value.to(float32) if value.dtype.is_narrow else value for value in inputs])
    for result, reference in zip(results, expected, strict=True):
        assert_close(result.to(float64).numpy(), reference.to(float64).numpy(), dtype)
    if has_gradient(case):
        found, expected_gradients = (_gradients(case, chosen, dtype) for chosen in (executing, READABLE))
        for gradient, one in zip(found, expected_gradients, strict=True):
            assert_close(gradient.astype(float), one.astype(float), dtype)


def require(dtype: str) -> None:
    """NumPy has no bfloat16 of its own."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes", reason="ml_dtypes brings bfloat16; it is not installed")


def _gradients(case: Case, backend: Backend, dtype: str) -> list[NDArray[Any]]:
    inputs = tensors(case, backend, dtype=dtype)
    output = call(case, inputs)[0]
    weights = np.linspace(-1, 2, output.numel()).reshape(output.shape)
    seed = tensor(weights, dtype=output.dtype, backend=backend)
    found = grad(output, [value for value in inputs if value.requires_grad], seed)
    return [gradient.numpy() for gradient in found if gradient is not None]


def test_overrides_are_of_known_operations(backend: Backend) -> None:
    assert set(backend.kernels) <= set(REGISTRY)


# --- memory in and out ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", DTYPES)
def test_arrays_go_in_and_come_out(executing: Backend, name: str) -> None:
    require(name)
    data = np.array([[0, 1, 1], [1, 0, 1]]).astype(name)
    array = executing.asarray(data)
    dtype = executing.dtype_of(array)
    assert dtype is held(executing, DTYPES[name])
    assert (dtype.kind, dtype.itemsize) >= (DTYPES[name].kind, DTYPES[name].itemsize)
    back = executing.to_numpy(array)
    assert isinstance(back, np.ndarray)
    assert back.dtype.name == dtype.name
    np.testing.assert_array_equal(back, data)


def test_asarray_copies_and_orders(executing: Backend) -> None:
    data = np.arange(6.0).reshape(2, 3)
    array = executing.asarray(data.T)
    data[:] = 0
    np.testing.assert_array_equal(executing.to_numpy(array), np.arange(6.0).reshape(2, 3).T)
    assert executing.dtype_of(executing.asarray([1, 2], float32)) is held(executing, float32)


def test_full_and_assign(executing: Backend) -> None:
    array = executing.full((2, 3), 7, int64)
    np.testing.assert_array_equal(executing.to_numpy(array), np.full((2, 3), 7))
    part = array[:, 1]  # a view: writing into it is seen by the whole
    executing.assign(part, executing.full((2,), 1, int64))
    np.testing.assert_array_equal(executing.to_numpy(array), [[7, 1, 7], [7, 1, 7]])


def test_results_are_not_changed_by_a_later_assign(executing: Backend) -> None:
    weight = tensor([1.0, 2.0], backend=executing)
    before = weight * 3
    weight.assign(tensor([5.0, 6.0], backend=executing))
    assert before.tolist() == [3.0, 6.0]
    assert weight.tolist() == [5.0, 6.0]


# --- what the array standard lacks ----------------------------------------------------------------

WINDOWS = [
    ((7,), (3,), (1,), (1,)),
    ((7,), (3,), (2,), (2,)),
    ((5, 6), (2, 3), (2, 1), (1, 2)),
    ((4, 3, 5), (2, 1, 3), (1, 2, 2), (2, 1, 1)),
]


@pytest.mark.parametrize(("size", "kernel", "stride", "dilation"), WINDOWS)
def test_windows(executing: Backend, size: Any, kernel: Any, stride: Any, dilation: Any) -> None:
    x = np.arange(2.0 * math.prod(size)).reshape(2, *size)
    got = executing.to_numpy(executing.windows(executing.asarray(x), kernel, stride, dilation))
    places = [
        (s - d * (k - 1) - 1) // st + 1 for s, k, st, d in zip(size, kernel, stride, dilation, strict=True)
    ]
    assert got.shape == (2, *places, *kernel)
    for place in itertools.product(*map(range, places)):
        for cell in itertools.product(*map(range, kernel)):
            where = tuple(p * st + c * d for p, st, c, d in zip(place, stride, cell, dilation, strict=True))
            np.testing.assert_array_equal(got[(slice(None), *place, *cell)], x[(slice(None), *where)])


def test_scatter_add_counts_repeated_places(executing: Backend) -> None:
    target = executing.asarray([1.0, 1.0, 1.0], float64)
    index = (executing.asarray([0, 2, 0], int64),)
    result = executing.scatter_add(target, index, executing.asarray([1.0, 2.0, 4.0], float64))
    assert executing.to_numpy(result).tolist() == [6.0, 1.0, 3.0]
    assert executing.to_numpy(target).tolist() == [1.0, 1.0, 1.0]


def test_pad(executing: Backend) -> None:
    x = np.arange(6.0).reshape(2, 3)
    got = executing.pad(executing.asarray(x), ((1, 0), (0, 2)), 9.0)
    np.testing.assert_array_equal(executing.to_numpy(got), np.pad(x, ((1, 0), (0, 2)), constant_values=9.0))


@each_dtype
def test_erf(executing: Backend, dtype: str) -> None:
    points = [-3.0, -0.5, 0.0, 0.1, 2.0, math.inf]
    got = executing.to_numpy(executing.erf(executing.asarray(points, DTYPES[dtype])))
    assert got.dtype.name == held(executing, DTYPES[dtype]).name
    np.testing.assert_allclose(got, [math.erf(x) for x in points], rtol=TOLERANCE[dtype] / 10)


# --- random words ---------------------------------------------------------------------------------

# Philox4x32-10 of an all-zero counter and key: the first of the known answers that its authors publish.
ZEROS = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def _words(backend: Backend, seed: int, counter: int, n: int) -> list[int]:
    drawn = backend.random_bits(backend.asarray(seed, int64), backend.asarray(counter, int64), n)
    words: list[int] = backend.to_numpy(drawn).tolist()
    return words


def test_random_words_have_the_published_values(executing: Backend) -> None:
    assert _words(executing, 0, 0, 4) == ZEROS


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63 - 1])
@pytest.mark.parametrize("counter", [0, 5, 2**32 - 1, 2**40])
def test_random_words_are_those_of_numpy(executing: Backend, seed: int, counter: int) -> None:
    assert _words(executing, seed, counter, 11) == _words(READABLE, seed, counter, 11)


def test_random_words_depend_only_on_their_place(executing: Backend) -> None:
    words = _words(executing, 3, 10, 12)
    assert words[4:] == _words(executing, 3, 11, 8)
    assert words[:5] == _words(executing, 3, 10, 5)
    assert _words(executing, 3, 10, 0) == []


def test_one_seed_means_the_same_masks_on_every_backend(executing: Backend) -> None:
    """Also when weights, which are drawn on the host, were made before."""

    def dropped(chosen: Backend) -> Any:
        manual_seed(3)
        rand(5, backend=chosen)
        return dropout(ones(4, 9, backend=chosen), 0.5).numpy()

    np.testing.assert_array_equal(dropped(executing), dropped(READABLE))


# --- captured steps -------------------------------------------------------------------------------


def test_a_captured_step_does_what_the_step_does(executing: Backend) -> None:
    """A parameter, momentum, a running mean, dropout: five calls, replayed and not."""

    def losses(wrap: Any) -> list[float]:
        manual_seed(0)
        numbers = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
        w = tensor(numbers[:2].copy(), dtype=float64, backend=executing, requires_grad=True)
        mean = tensor([0.0, 0.0, 0.0], dtype=float64, backend=executing)
        optimizer = SGD([w], lr=0.1, momentum=0.9)

        def step(x: Tensor) -> Tensor:
            optimizer.zero_grad()
            h = dropout((x @ w.T).tanh(), 0.25)
            mean.assign(mean * 0.9 + w.detach().mean(0) * 0.1)
            loss = (h * h).mean() + (mean * mean).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = wrap(step)
        return [run(tensor(numbers * k, dtype=float64, backend=executing)).item() for k in range(1, 6)]

    np.testing.assert_allclose(losses(capture), losses(lambda step: step), rtol=1e-12)
