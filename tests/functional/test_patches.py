"""unfold and fold, pixel_shuffle and channel_shuffle: the same numbers in other places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.references import REFERENCES
from tinygrad_cnn.testing.strategies import arrays, windows

quick = settings(deadline=None, max_examples=30)
WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (2, 3), "padding": 1, "stride": 2},
    {"kernel_size": (3, 2), "dilation": (1, 2), "padding": (0, 2), "stride": (2, 1)},
]


def leaf(array):
    return tc.tensor(array, requires_grad=True)


def randn(*shape):
    return np.random.default_rng([*shape]).standard_normal(shape)


# --- patches as columns ---------------------------------------------------------------------------


@st.composite
def patches(draw):
    """A window, an image under it, and columns of such an image; for any number of dimensions."""
    window = draw(windows())
    n, channels = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    cells, places = int(np.prod(window.kernel_size)), int(np.prod(window.output_size))
    params = {**window.params, "kernel_size": window.kernel_size}
    del params["groups"]
    x = draw(arrays((n, channels, *window.size)))
    columns = draw(arrays((n, channels * cells, places)))
    return params, x, columns


@quick
@given(patches())
def test_columns_are_those_of_the_loops(drawn):
    params, x, columns = drawn
    out = REGISTRY["im2col"](tc.tensor(x), **params)
    np.testing.assert_array_equal(out.numpy(), REFERENCES["im2col"](x, **params).astype(float))
    back = REGISTRY["col2im"](tc.tensor(columns), output_size=x.shape[2:], **params)
    expected = REFERENCES["col2im"](columns, output_size=x.shape[2:], **params).astype(float)
    np.testing.assert_allclose(back.numpy(), expected, rtol=1e-12, atol=1e-12)


@quick
@given(patches())
def test_fold_is_the_transpose_of_unfold(drawn):
    """⟨unfold(x), c⟩ = ⟨x, fold(c)⟩ on any window."""
    params, *numbers = drawn
    x, columns = map(tc.tensor, numbers)
    there = (REGISTRY["im2col"](x, **params) * columns).sum()
    back = (x * REGISTRY["col2im"](columns, output_size=x.shape[2:], **params)).sum()
    assert there.item() == pytest.approx(back.item(), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("window", WINDOWS)
def test_gradients_of_unfold_and_fold(window):
    x = leaf(randn(1, 2, 4, 5))
    columns = leaf(F.unfold(x, **window).detach().numpy())
    assert gradcheck(lambda x: F.unfold(x, **window) ** 2, x, order=2, directions=2)
    assert gradcheck(lambda columns: F.fold(columns, (4, 5), **window) ** 2, columns, order=2, directions=2)


def seen(size, kernel_size, dilation=1, padding=0, stride=1):
    """How many windows look at each cell of a line."""
    last = size + padding - dilation * (kernel_size - 1)
    looked_at = [
        first + cell * dilation for first in range(-padding, last, stride) for cell in range(kernel_size)
    ]
    return [looked_at.count(place) for place in range(size)]


@pytest.mark.parametrize("window", WINDOWS)
def test_fold_after_unfold_counts_the_patches_that_see_a_pixel(window):
    x = tc.tensor(randn(2, 3, 6, 5))
    folded = F.fold(F.unfold(x, **window), (6, 5), **window)
    rows, columns = (
        seen(
            size,
            **{name: value[axis] if isinstance(value, tuple) else value for name, value in window.items()},
        )
        for axis, size in enumerate((6, 5))
    )
    np.testing.assert_allclose(folded.numpy(), x.numpy() * np.outer(rows, columns), rtol=1e-12)


@pytest.mark.parametrize("window", WINDOWS)
def test_a_convolution_is_a_product_with_the_columns(window):
    x, kernel = tc.tensor(randn(2, 3, 6, 7)), window["kernel_size"]
    w = tc.tensor(randn(4, 3, *(kernel if isinstance(kernel, tuple) else (kernel,) * 2)))
    options = {name: value for name, value in window.items() if name != "kernel_size"}
    convolved = F.conv2d(x, w, **options)
    product = w.reshape(4, -1) @ F.unfold(x, **window)
    np.testing.assert_allclose(product.reshape(convolved.shape).numpy(), convolved.numpy(), rtol=1e-10)


def test_one_image_and_no_image():
    x = tc.tensor(randn(2, 4, 5))
    columns = F.unfold(x, 2)
    assert columns.shape == (8, 12)
    np.testing.assert_array_equal(columns.numpy(), F.unfold(x[None], 2)[0].numpy())
    np.testing.assert_array_equal(
        F.fold(columns, (4, 5), 2).numpy(), F.fold(columns[None], (4, 5), 2)[0].numpy()
    )
    assert F.unfold(tc.zeros(0, 2, 4, 5), 2).shape == (0, 8, 12)
    assert F.fold(tc.zeros(0, 8, 12), (4, 5), 2).shape == (0, 2, 4, 5)


def test_infinities_and_nan_stay_where_they_are():
    x = tc.tensor([[[1.0, float("inf")], [float("nan"), 2.0]]])
    np.testing.assert_array_equal(F.fold(F.unfold(x, 1), 2, 1).numpy(), x.numpy())


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: F.unfold(tc.zeros(1, 2, 4, 5), 6), ShapeError, "x"),
        (lambda: F.unfold(tc.zeros(4, 5), 2), ShapeError, "x"),
        (lambda: F.unfold(tc.zeros(1, 2, 4, 5), 2, padding=-1), ArgumentError, "padding"),
        (lambda: F.unfold(tc.zeros(1, 2, 4, 5), 2, stride=0), ArgumentError, "stride"),
        (lambda: F.unfold(tc.zeros(1, 2, 4, 5), (2, 2, 2)), ArgumentError, "kernel_size"),
        (lambda: F.unfold(tc.zeros(1, 2, 4, 5, dtype="int64"), 2), DTypeError, "x"),
        (lambda: F.fold(tc.zeros(1, 8, 11), (4, 5), 2), ShapeError, "columns"),
        (lambda: F.fold(tc.zeros(1, 7, 12), (4, 5), 2), ShapeError, "columns"),
        (lambda: F.fold(tc.zeros(8), (4, 5), 2), ShapeError, "columns"),
        (lambda: F.fold(tc.zeros(1, 8, 12), (1, 5), 2), ShapeError, "output_size"),
        (lambda: F.fold(tc.zeros(1, 8, 12), (4, 5), 0), ArgumentError, "kernel_size"),
        (lambda: F.fold(tc.zeros(1, 8, 12, dtype="int64"), (4, 5), 2), DTypeError, "columns"),
    ],
)
def test_columns_that_do_not_fit(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
    assert caught.value.op in ("im2col", "col2im") or argument == "kernel_size"


# --- channels and pixels --------------------------------------------------------------------------


def test_pixel_shuffle_makes_tiles_of_channels():
    x = randn(2, 3 * 4, 2, 5)
    out = F.pixel_shuffle(tc.tensor(x), 2).numpy()
    for n, c, h, w in np.ndindex(*out.shape):
        assert out[n, c, h, w] == x[n, c * 4 + h % 2 * 2 + w % 2, h // 2, w // 2]


@pytest.mark.parametrize("shape", [(9, 2, 3), (2, 9, 2, 3), (1, 2, 18, 1, 1), (0, 9, 2, 3)])
def test_pixel_unshuffle_undoes_it(shape):
    x = tc.tensor(randn(*shape))
    there = F.pixel_shuffle(x, 3)
    assert there.shape == (*shape[:-3], shape[-3] // 9, shape[-2] * 3, shape[-1] * 3)
    np.testing.assert_array_equal(F.pixel_unshuffle(there, 3).numpy(), x.numpy())


def test_channel_shuffle_deals_the_channels():
    x = randn(1, 6, 2, 2)
    out = F.channel_shuffle(tc.tensor(x), 3).numpy()
    np.testing.assert_array_equal(out, x[:, [0, 2, 4, 1, 3, 5]])


def test_shuffles_take_any_dtype_and_pass_gradients_on():
    assert F.pixel_shuffle(tc.zeros(4, 1, 1, dtype="int64"), 2).dtype is tc.int64
    assert F.channel_shuffle(tc.zeros(1, 4, 1, dtype="bool"), 2).dtype is tc.bool
    x = leaf(randn(1, 8, 2, 2))
    assert gradcheck(lambda x: F.pixel_shuffle(x, 2) ** 2, x, order=2, directions=2)
    assert gradcheck(lambda x: F.pixel_unshuffle(x, 2) ** 2, x, order=2, directions=2)
    assert gradcheck(lambda x: F.channel_shuffle(x, 4) ** 2, x, order=2, directions=2)


@pytest.mark.parametrize(
    ("function", "shape", "number", "error", "argument"),
    [
        (F.pixel_shuffle, (1, 3, 2, 2), 2, ShapeError, "input"),
        (F.pixel_shuffle, (4, 2), 2, ShapeError, "input"),
        (F.pixel_shuffle, (4, 2, 2), 0, ArgumentError, "upscale_factor"),
        (F.pixel_unshuffle, (1, 3, 4), 2, ShapeError, "input"),
        (F.pixel_unshuffle, (1, 4, 4), -1, ArgumentError, "downscale_factor"),
        (F.channel_shuffle, (1, 8, 1), 3, ShapeError, "input"),
        (F.channel_shuffle, (8, 1), 2, ShapeError, "input"),
        (F.channel_shuffle, (1, 8, 1), 0, ArgumentError, "groups"),
    ],
)
def test_shuffles_that_do_not_come_out_even(function, shape, number, error, argument):
    with pytest.raises(error) as caught:
        function(tc.zeros(*shape), number)
    assert (caught.value.argument, caught.value.op) == (argument, function.__name__)
