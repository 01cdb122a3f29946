"""Small steps of many layers in one launch: the kernels of upkeep.cu, run on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_arrays import normal

from tinygrad_cnn_backends.cupy.kernels import upkeep
from tinygrad_cnn_backends.cupy.kernels.upkeep import Average, copy_arrays, count_up, update_averages

SHAPES = [(4, 3, 5, 2), (6, 1, 5, 5), (3, 7, 1, 1), (5, 4), (7,), (), (0, 3), (2, 3, 4), (2, 3, 2, 2, 3)]
MANY = SHAPES * 8  # more than a launch takes


def channels_last(array):
    """The same numbers, with the second dimension innermost in memory."""
    return array if array.ndim < 3 else np.moveaxis(np.moveaxis(array, 1, -1).copy(), -1, 1)


ORDERS = {
    "by rows": np.array,
    "channels last": channels_last,
    "backwards": lambda array: np.asfortranarray(array)[...],
    "with gaps": lambda array: np.repeat(array[..., None], 2, axis=-1)[..., 0],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_copies_lie_by_rows(gpu, order, dtype):
    sources = [order(normal(seed, shape, dtype)) for seed, shape in enumerate(MANY)]
    targets = [np.full(source.shape, 99, dtype) for source in sources]
    copy_arrays(sources, targets)
    for source, target in zip(sources, targets, strict=True):
        np.testing.assert_array_equal(target, source)


def test_what_has_its_channels_last_is_read_where_it_lies(gpu):
    for shape in SHAPES:
        source = channels_last(normal(0, shape, np.float32))
        assert source.size == 0 or upkeep._copyable(source) is source
    transposed = normal(0, (5, 4), np.float32).T
    assert upkeep._copyable(transposed) is transposed
    assert upkeep._copyable(transposed[:, ::2]) is not transposed


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_averages(gpu, dtype):
    sizes = [16, 1, 1000, 0, *range(1, 70)]
    averages = [
        Average(normal(n, (n,), dtype), normal(n + 1, (n,), dtype), keep, take, scale)
        for n, (keep, take, scale) in zip(sizes, [(0.9, 0.1, 1.0), (0.5, 0.25, 16 / 15)] * 40, strict=False)
    ]
    expected = [
        dtype(one.keep) * one.average + dtype(one.take) * (dtype(one.scale) * one.x) for one in averages
    ]
    update_averages(averages)
    for one, other in zip(averages, expected, strict=True):
        np.testing.assert_array_equal(one.average, other)


@pytest.mark.parametrize("many", [0, 1, upkeep.MOST_ARRAYS, upkeep.MOST_ARRAYS + 1])
def test_counters(gpu, many):
    counters = [np.array(number) for number in range(many)]
    count_up(counters, list(range(10, 10 + many)))
    assert [int(counter) for counter in counters] == [10 + 2 * number for number in range(many)]


@pytest.mark.parametrize("guard", [False, True])
def test_counters_wait_for_a_guard(gpu, guard):
    counters = [np.array(number) for number in range(3)]
    count_up(counters, [10] * 3, np.array(guard))
    assert [int(counter) for counter in counters] == [number + 10 * guard for number in range(3)]


def test_nothing_is_nothing_to_do(gpu):
    copy_arrays([], [])
    update_averages([])
    update_averages([Average(np.ones(0), np.ones(0), 0.9, 0.1, 1.0)])
