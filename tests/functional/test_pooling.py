"""Max and average pooling: PyTorch's arguments and results, ties, NaN, padding and what hangs over."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ShapeError


def line(*numbers, **options):
    return tc.tensor([[numbers]], **options)


# --- the largest ----------------------------------------------------------------------------------


def test_case_52_the_first_of_equals_wins():
    x = line(2.0, 2.0, 1.0, 1.0, requires_grad=True)
    out, indices = F.max_pool1d(x, 2, return_indices=True)
    out.sum().backward()
    assert indices.tolist() == [[[0, 2]]]
    assert x.grad.tolist() == [[[1.0, 0.0, 1.0, 0.0]]]


def test_case_52_all_minus_infinity():
    x = line(-math.inf, -math.inf, requires_grad=True)
    out, indices = F.max_pool1d(x, 2, return_indices=True)
    out.backward(tc.ones(1, 1, 1))
    assert (out.item(), indices.item()) == (-math.inf, 0)
    assert x.grad.tolist() == [[[1.0, 0.0]]]


def test_case_52_nan_propagates():
    out, indices = F.max_pool1d(line(1.0, math.nan, 5.0, 2.0), 2, return_indices=True)
    np.testing.assert_array_equal(out.numpy(), [[[math.nan, 5.0]]])
    assert indices.tolist() == [[[1, 2]]]


def test_case_52_padding_never_wins():
    out, indices = F.max_pool1d(line(-3.0, -2.0), 2, padding=1, return_indices=True)
    assert out.tolist() == [[[-3.0, -2.0]]]
    assert indices.tolist() == [[[0, 1]]]


def test_case_53_overlapping_windows_with_one_winner():
    x = line(1.0, 5.0, 2.0, 0.0, requires_grad=True)
    F.max_pool1d(x, 3, stride=1).sum().backward()
    assert x.grad.tolist() == [[[0.0, 2.0, 0.0, 0.0]]]


def test_indices_count_through_the_plane_of_each_channel():
    x = tc.tensor(np.arange(32.0).reshape(1, 2, 4, 4))
    _, indices = F.max_pool2d(x, 2, return_indices=True)
    assert indices.dtype is tc.int64
    assert indices.tolist() == [[[[5, 7], [13, 15]]] * 2]


@pytest.mark.parametrize("options", [{}, {"padding": 1}, {"stride": 1, "dilation": 2}, {"ceil_mode": True}])
def test_the_winners_stand_where_the_indices_say(options):
    x = tc.tensor(np.random.default_rng(3).standard_normal((2, 3, 7, 5)))
    out, indices = F.max_pool2d(x, (3, 2), **options, return_indices=True)
    flat = np.take_along_axis(x.numpy().reshape(2, 3, 35), indices.numpy().reshape(2, 3, -1), axis=2)
    np.testing.assert_array_equal(flat.reshape(out.shape), out.numpy())


def test_a_window_of_a_whole_image_has_more_cells_than_a_byte_counts():
    x = tc.zeros(1, 1, 28, 28).numpy().copy()
    x[0, 0, 27, 20] = 1
    x = tc.tensor(x, requires_grad=True)
    out, indices = F.max_pool2d(x, 28, return_indices=True)
    out.sum().backward()
    assert indices.item() == 27 * 28 + 20
    np.testing.assert_array_equal(x.grad.numpy(), x.numpy())


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_an_image_without_a_batch(pool):
    x = tc.tensor(np.random.default_rng(0).standard_normal((3, 6, 4)))
    np.testing.assert_array_equal(pool(x, 2).numpy(), pool(x[None], 2)[0].numpy())


def test_three_dimensions():
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 4, 4))
    cubes = x.reshape(1, 2, 2, 2, 2, 2, 2, 2)
    np.testing.assert_array_equal(F.max_pool3d(tc.tensor(x), 2).numpy(), cubes.max((3, 5, 7)))
    np.testing.assert_allclose(F.avg_pool3d(tc.tensor(x), 2).numpy(), cubes.mean((3, 5, 7)))


# --- the average ----------------------------------------------------------------------------------


def test_case_54_what_hangs_over_is_not_counted():
    out = F.avg_pool1d(tc.ones(1, 1, 4, dtype="float64"), 3, stride=2, padding=1, ceil_mode=True)
    np.testing.assert_allclose(out.numpy(), [[[2 / 3, 1, 1 / 2]]])


def test_padding_not_counted():
    out = F.avg_pool1d(tc.ones(1, 1, 4), 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)
    assert out.tolist() == [[[1.0, 1.0, 1.0]]]


def test_another_divisor():
    assert F.avg_pool2d(tc.ones(1, 1, 2, 2), 2, divisor_override=8).item() == 0.5
    with pytest.raises(ArgumentError, match="divided by 0"):
        F.avg_pool2d(tc.ones(1, 1, 2, 2), 2, divisor_override=0)


def test_the_gradient_is_shared_out():
    x = line(1.0, 2.0, 3.0, 4.0, requires_grad=True)
    F.avg_pool1d(x, 2, padding=1).sum().backward()
    assert x.grad.tolist() == [[[0.5, 0.5, 0.5, 0.5]]]


def test_float32_stays_float32():
    assert F.avg_pool1d(tc.ones(1, 1, 4), 3, stride=2, padding=1, ceil_mode=True).dtype is tc.float32
    assert F.max_pool1d(tc.ones(1, 1, 4), 3).dtype is tc.float32


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"kernel_size": 5}, ShapeError),
        ({"kernel_size": 0}, ArgumentError),
        ({"kernel_size": 2, "stride": 0}, ArgumentError),
        ({"kernel_size": 2, "padding": 2}, ArgumentError),
        ({"kernel_size": 2, "padding": -1}, ArgumentError),
        ({"kernel_size": (2, 2, 2)}, ArgumentError),
    ],
)
def test_windows_that_make_no_sense(pool, options, error):
    with pytest.raises(error):
        pool(tc.zeros(1, 1, 4, 4), **options)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_too_few_dimensions(pool):
    with pytest.raises(ShapeError, match="4 dimensions"):
        pool(tc.zeros(4, 4), 2)
