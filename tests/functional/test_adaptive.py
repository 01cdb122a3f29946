"""Adaptive and global pooling: which cells a window covers, what it makes of them, who gets the gradient."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays


@st.composite
def calls(draw):
    """An image, and the size that it is to get; windows of all kinds are among them."""
    spatial = draw(st.integers(1, 3))
    size, wanted = (
        draw(st.tuples(*[st.integers(1, {1: 9, 2: 6, 3: 4}[spatial])] * spatial)) for _ in range(2)
    )
    front = draw(st.sampled_from([(2,), (1, 2), (0, 2)]))
    return spatial, draw(arrays((*front, *size))), wanted


def windows(size, wanted):
    """For each element of the result, its place and the slices that its window covers, by the definition."""
    for place in itertools.product(*map(range, wanted)):
        yield (
            place,
            tuple(
                slice(math.floor(i * n / m), math.ceil((i + 1) * n / m))
                for i, n, m in zip(place, size, wanted, strict=True)
            ),
        )


@settings(deadline=None, max_examples=60)
@given(calls())
def test_adaptive_pools_equal_their_definition(call):
    spatial, x, wanted = call
    average = getattr(F, f"adaptive_avg_pool{spatial}d")(tc.tensor(x), wanted)
    largest, indices = getattr(F, f"adaptive_max_pool{spatial}d")(tc.tensor(x), wanted, return_indices=True)
    assert average.shape == largest.shape == indices.shape == (*x.shape[:-spatial], *wanted)
    size = x.shape[-spatial:]
    numbers = np.arange(np.prod(size)).reshape(size)
    for image in np.ndindex(x.shape[:-spatial]):
        for place, window in windows(size, wanted):
            cells = x[(*image, *window)]
            assert average[(*image, *place)].item() == pytest.approx(cells.mean(), rel=1e-12, abs=1e-12)
            assert largest[(*image, *place)].item() == cells.max()
            assert indices[(*image, *place)].item() == numbers[window].ravel()[cells.argmax()]


@settings(deadline=None, max_examples=25)
@given(calls())
def test_gradients_equal_differences(call):
    spatial, numbers, wanted = call
    x = tc.tensor(numbers, requires_grad=True)
    for name in ("adaptive_avg_pool", "adaptive_max_pool"):
        assert gradcheck(lambda x, n=name: getattr(F, f"{n}{spatial}d")(x, wanted), x, order=2)


def test_overlapping_windows_share_out_and_add_up():
    x = tc.tensor([[1.0, 9.0, 2.0, 9.0, 3.0]], requires_grad=True)
    F.adaptive_avg_pool1d(x, 3).sum().backward()
    np.testing.assert_allclose(
        x.grad.numpy(), [[1 / 2, 1 / 2 + 1 / 3, 1 / 3, 1 / 3 + 1 / 2, 1 / 2]], rtol=1e-6
    )
    x.grad = None
    F.adaptive_max_pool1d(x, 3).sum().backward()  # windows [0 1], [1 2 3], [3 4]
    assert x.grad.tolist() == [[0.0, 2.0, 0.0, 1.0, 0.0]]


def test_case_52_the_first_of_equals_wins_row_by_row():
    x = tc.tensor([[[0.0, 0.0, 5.0], [0.0, 5.0, 5.0], [5.0, 0.0, 0.0]]], requires_grad=True)
    out, indices = F.adaptive_max_pool2d(x, 1, return_indices=True)
    out.sum().backward()
    assert indices.tolist() == [[[2]]]
    assert x.grad.tolist() == [[[0, 0, 1], [0, 0, 0], [0, 0, 0]]]


def test_case_52_all_minus_infinity_and_nan():
    out, indices = F.adaptive_max_pool2d(tc.full((1, 3, 3), -math.inf), 2, return_indices=True)
    assert out.tolist() == [[[-math.inf] * 2] * 2]
    assert indices.tolist() == [[[0, 1], [3, 4]]]
    out, indices = F.adaptive_max_pool1d(tc.tensor([[1.0, math.nan, math.nan]]), 1, return_indices=True)
    assert math.isnan(out.item())
    assert indices.item() == 1


def test_infinite_elements_stay_under_their_window():
    x = tc.tensor([[2.0, 1.0, 3.0, math.inf, math.nan, 1.0, 2.0]])  # windows [0 1 2], [2 3 4], [4 5 6]
    np.testing.assert_array_equal(F.adaptive_avg_pool1d(x, 3).numpy(), [[2.0, math.nan, math.nan]])
    x = tc.tensor([[1.0, math.inf, 3.0, 4.0, 2.0]], requires_grad=True)  # windows [0 1], [1 2 3], [3 4]
    out = F.adaptive_avg_pool1d(x, 3)
    out.sum().backward()
    assert out.tolist() == [[math.inf, math.inf, 3.0]]
    np.testing.assert_allclose(x.grad.numpy(), [[1 / 2, 5 / 6, 1 / 3, 5 / 6, 1 / 2]], rtol=1e-6)


def test_none_keeps_a_size():
    x = tc.zeros(2, 3, 4, 5)
    assert F.adaptive_avg_pool2d(x, (None, 1)).shape == (2, 3, 4, 1)
    assert F.adaptive_max_pool2d(x, (2, None)).shape == (2, 3, 2, 5)


def test_a_result_of_no_cells():
    assert F.adaptive_avg_pool2d(tc.zeros(2, 3, 4, 5), (0, 2)).shape == (2, 3, 0, 2)
    out, indices = F.adaptive_max_pool1d(tc.zeros(3, 4), 0, return_indices=True)
    assert out.shape == indices.shape == (3, 0)


@pytest.mark.parametrize("backend", ["numpy", "meta"])
def test_other_backends_and_dtypes(backend):
    for dtype in ("float32", "float64"):
        x = tc.zeros(2, 3, 5, 7, dtype=dtype, backend=backend)
        for out in (F.adaptive_avg_pool2d(x, 3), F.adaptive_max_pool2d(x, 3), F.global_avg_pool(x)):
            assert out.dtype is x.dtype
            assert out.backend is x.backend
    assert F.adaptive_max_pool1d(tc.arange(5).reshape(1, 5), 2).tolist() == [[2, 4]]


@pytest.mark.parametrize("pool", [F.adaptive_avg_pool2d, F.adaptive_max_pool2d])
@pytest.mark.parametrize(
    ("shape", "output_size", "error", "argument"),
    [
        ((4, 4), 2, ShapeError, "input"),
        ((1, 1, 1, 4, 4), 2, ShapeError, "input"),
        ((1, 2, 0, 4), 2, ShapeError, "input"),
        ((1, 4, 4), -1, ArgumentError, "output_size"),
        ((1, 4, 4), (2, -1), ArgumentError, "output_size"),
        ((1, 4, 4), (2,), ArgumentError, "output_size"),
        ((1, 4, 4), (2, 2, 2), ArgumentError, "output_size"),
        ((1, 4, 4), (), ArgumentError, "output_size"),
        ((1, 4, 4), 2.0, ArgumentTypeError, "output_size"),
    ],
)
def test_refused(pool, shape, output_size, error, argument):
    with pytest.raises(error) as caught:
        pool(tc.zeros(*shape), output_size)
    assert caught.value.argument == argument
    assert str(caught.value.where).startswith("test_adaptive.py:")


def test_integers_have_no_average_among_integers():
    for size in (2, 3):  # windows side by side, and overlapping
        with pytest.raises(DTypeError, match="input must hold floating-point numbers"):
            F.adaptive_avg_pool1d(tc.arange(4).reshape(1, 4), size)


# --- global pooling -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(5,), (2, 3), (2, 1, 3)])
def test_one_number_for_each_channel(size):
    x = np.random.default_rng(0).standard_normal((2, 3, *size))
    flat = x.reshape(2, 3, -1)
    np.testing.assert_allclose(F.global_avg_pool(tc.tensor(x)).numpy(), flat.mean(2), rtol=1e-12)
    np.testing.assert_array_equal(F.global_max_pool(tc.tensor(x)).numpy(), flat.max(2))
    for pool in (F.global_avg_pool, F.global_max_pool):
        assert pool(tc.tensor(x), keepdim=True).shape == (2, 3, *(1,) * len(size))
        assert gradcheck(pool, tc.tensor(x, requires_grad=True), order=2)


def test_global_pools_are_adaptive_pools_of_size_1():
    x = tc.tensor(np.round(np.random.default_rng(0).standard_normal((2, 3, 4, 5))), requires_grad=True)
    for ours, adaptive in (
        (F.global_avg_pool, F.adaptive_avg_pool2d),
        (F.global_max_pool, F.adaptive_max_pool2d),
    ):
        results = [ours(x, keepdim=True), adaptive(x, 1)]
        pairs = [(out.numpy(), tc.grad(out.sum(), [x])[0].numpy()) for out in results]
        for one, other in zip(*pairs, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("pool", [F.global_avg_pool, F.global_max_pool])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 0, 4)])
def test_global_pools_need_places(pool, shape):
    with pytest.raises(ShapeError, match="global pooling needs") as caught:
        pool(tc.zeros(*shape))
    assert caught.value.argument == "input"
