"""One look at many arrays by the kernel of checks.cu, run on the CPU."""

from __future__ import annotations

from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest

from tinygrad_cnn.backend import Backend
from tinygrad_cnn.errors import NonFiniteError
from tinygrad_cnn_backends.cupy.kernels import KERNELS, checks

all_finite, any_non_finite = KERNELS["all_finite"], KERNELS["any_non_finite"]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


@pytest.fixture
def looking(gpu):
    """A backend that raises at once."""
    backend = SimpleNamespace(xp=gpu.xp)
    backend.check = lambda wrong, error: Backend.check(backend, wrong, error)
    return backend


def numbers(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, BFLOAT16])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 255, 256, 70_000, 99_999])
def test_one_bad_number_among_many_is_found(looking, dtype, bad, place):
    values = [numbers(3, 5, dtype=dtype), numbers(100_000, dtype=dtype), numbers(1, dtype=dtype)]
    values[1][place] = bad
    assert any_non_finite(looking, *values).item() is True
    with pytest.raises(NonFiniteError, match="a value is not finite") as caught:
        all_finite(looking, *values)
    assert (caught.value.argument, caught.value.got) == ("values[1]", "1 of 100000 elements are not finite")


@pytest.mark.parametrize("largest", [np.finfo(np.float32).max, -np.finfo(np.float32).max, 1e-45, 0.0, -0.0])
def test_every_finite_number_passes(looking, largest):
    values = np.full(1000, largest, np.float32)
    assert all_finite(looking, values).item() is True
    assert any_non_finite(looking, values).item() is False


@pytest.mark.parametrize("dtype", [np.float16, BFLOAT16])
def test_the_largest_number_of_16_bits_is_finite(looking, dtype):
    values = np.full(10, ml_dtypes.finfo(dtype).max, dtype)
    assert any_non_finite(looking, values, numbers(3)).item() is False


def test_more_arrays_than_a_launch_takes_and_of_two_dtypes(looking):
    count = 2 * checks.MOST_ARRAYS + 3
    values = [numbers(7, dtype=np.float64 if number % 3 else np.float32) for number in range(count)]
    assert all_finite(looking, *values).item() is True
    for number in (0, checks.MOST_ARRAYS, count - 1):
        spoiled = [value.copy() for value in values]
        spoiled[number][3] = np.nan
        with pytest.raises(NonFiniteError) as caught:
            all_finite(looking, *spoiled)
        assert caught.value.argument == f"values[{number}]"


def test_nothing_is_finite(looking):
    assert all_finite(looking, numbers(0), numbers(0, 3)).item() is True
    assert all_finite(looking).item() is True
    assert any_non_finite(looking, numbers(0)).item() is False


def test_arrays_with_gaps_and_in_any_order_of_memory(looking):
    images = np.moveaxis(numbers(2, 4, 5, 3), -1, 1)  # channels last: dense
    columns = numbers(6, 8)
    columns[:, 1::2] = np.nan  # what lies in the gaps is not looked at
    assert all_finite(looking, images, columns[:, ::2], np.broadcast_to(numbers(1, 3), (4, 3))).item() is True
    images[1, 2, 3, 4] = np.inf
    with pytest.raises(NonFiniteError):
        all_finite(looking, images)


def test_the_answer_is_handed_over_without_a_look(gpu):
    asked = []
    backend = SimpleNamespace(xp=gpu.xp, check=lambda wrong, error: asked.append((wrong, error)))
    value = numbers(3)
    value[1] = np.nan
    answer = all_finite(backend, numbers(2), value)
    ((wrong, error),) = asked
    assert (bool(answer), bool(wrong())) == (False, True)
    assert error(wrong()).argument == "values[1]"
