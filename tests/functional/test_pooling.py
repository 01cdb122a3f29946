"""Max and average pooling: PyTorch's arguments and results, ties, NaN, padding and what hangs over."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays, windows


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


def test_case_52_nan_in_every_place_of_the_window():
    for place in range(3):
        numbers = [1.0, math.inf, -1.0]
        numbers[place] = math.nan
        x = line(*numbers, requires_grad=True)
        out, indices = F.max_pool1d(x, 3, return_indices=True)
        out.sum().backward()
        assert math.isnan(out.item())
        assert indices.item() == place
        assert x.grad.numpy().argmax() == place


def test_case_53_overlapping_windows_with_one_winner():
    x = line(1.0, 5.0, 2.0, 0.0, requires_grad=True)
    F.max_pool1d(x, 3, stride=1).sum().backward()
    assert x.grad.tolist() == [[[0.0, 2.0, 0.0, 0.0]]]


def test_a_dilated_window_of_padding_only_has_no_winner():
    x = line(3.0, 4.0, requires_grad=True)
    out = F.max_pool1d(x, 2, stride=1, padding=1, dilation=3)
    out.sum().backward()
    assert out.tolist() == [[[-math.inf]]]
    assert x.grad.tolist() == [[[0.0, 0.0]]]


@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_case_48_an_empty_batch(backend):
    x = tc.zeros(0, 2, 5, 5, requires_grad=True, backend=backend)
    for out in (*F.max_pool2d(x, 2, return_indices=True), F.avg_pool2d(x, 2)):
        assert out.shape == (0, 2, 2, 2)
    F.avg_pool2d(x, 3, padding=1, ceil_mode=True).sum().backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64"])
def test_integers_stay_integers(dtype):
    x = tc.tensor([[[100, 3, 7, 120]]], dtype=dtype)
    out, indices = F.max_pool1d(x, 2, stride=1, padding=1, return_indices=True)
    assert out.dtype is x.dtype
    assert out.tolist() == [[[100, 100, 7, 120, 120]]]
    assert indices.tolist() == [[[0, 0, 2, 3, 3]]]


def test_large_integers_are_handed_on_exactly():
    assert F.max_pool1d(tc.tensor([[[5, 2**62 + 1]]]), 2).item() == 2**62 + 1


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
    assert F.avg_pool3d(tc.ones(1, 1, 2, 2, 2), 2, divisor_override=-4).item() == -2.0
    with pytest.raises(ArgumentError, match="divided by 0"):
        F.avg_pool2d(tc.ones(1, 1, 2, 2), 2, divisor_override=0)
    with pytest.raises(ArgumentTypeError, match="divisor_override"):
        F.avg_pool2d(tc.ones(1, 1, 2, 2), 2, divisor_override=1.5)


def test_integers_have_no_average_among_integers():
    with pytest.raises(DTypeError, match="x must hold floating-point numbers"):
        F.avg_pool2d(tc.arange(16).reshape(1, 1, 4, 4), 2)


def test_infinite_elements_stay_under_their_window():
    out = F.avg_pool1d(line(math.inf, 1.0, 2.0, 4.0, math.nan, 1.0), 2)
    np.testing.assert_array_equal(out.numpy(), [[[math.inf, 3.0, math.nan]]])


def test_the_gradient_is_shared_out():
    x = line(1.0, 2.0, 3.0, 4.0, requires_grad=True)
    F.avg_pool1d(x, 2, padding=1).sum().backward()
    assert x.grad.tolist() == [[[0.5, 0.5, 0.5, 0.5]]]


def test_float32_stays_float32():
    assert F.avg_pool1d(tc.ones(1, 1, 4), 3, stride=2, padding=1, ceil_mode=True).dtype is tc.float32
    assert F.max_pool1d(tc.ones(1, 1, 4), 3).dtype is tc.float32


# --- gradients ------------------------------------------------------------------------------------


@st.composite
def calls(draw):
    """An image whose elements all differ, and a window that fits."""
    window = draw(windows(for_pooling=True))
    x = draw(arrays((*draw(st.sampled_from([(), (1,), (2,)])), 2, *window.size)))
    options = {
        "kernel_size": window.kernel_size,
        "stride": window.stride,
        "padding": tuple(max(sides) for sides in window.padding),
        "ceil_mode": draw(st.booleans()),
    }
    return len(window.size), x, options


@settings(deadline=None, max_examples=40)
@given(calls(), st.booleans())
def test_gradients_equal_differences(call, count_include_pad):
    spatial, numbers, options = call
    x = tc.tensor(numbers, requires_grad=True)
    assert gradcheck(lambda x: getattr(F, f"max_pool{spatial}d")(x, **options), x, order=2)
    average = getattr(F, f"avg_pool{spatial}d")
    assert gradcheck(lambda x: average(x, **options, count_include_pad=count_include_pad), x, order=2)


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize(
    ("options", "error", "argument"),
    [
        ({"kernel_size": 5}, ShapeError, "x"),
        ({"kernel_size": 0}, ArgumentError, "kernel_size"),
        ({"kernel_size": 2, "stride": 0}, ArgumentError, "stride"),
        ({"kernel_size": 2, "padding": 2}, ArgumentError, "padding"),
        ({"kernel_size": 2, "padding": (1, 2)}, ArgumentError, "padding"),
        ({"kernel_size": 2, "padding": -1}, ArgumentError, "padding"),
        ({"kernel_size": (2, 2, 2)}, ArgumentError, "kernel_size"),
        ({"kernel_size": 2.0}, ArgumentTypeError, "kernel_size"),
    ],
)
def test_windows_that_make_no_sense(pool, options, error, argument):
    with pytest.raises(error) as caught:
        pool(tc.zeros(1, 1, 4, 4), **options)
    assert caught.value.argument == argument


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
def test_too_few_dimensions(pool):
    with pytest.raises(ShapeError, match="4 dimensions"):
        pool(tc.zeros(4, 4), 2)
