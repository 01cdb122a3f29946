"""Every way to convolve of the NumPy backend against loops over windows and cells, and how one is chosen."""

from __future__ import annotations

import itertools
import math
from contextlib import ExitStack
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import TOLERANCE, Windows, assert_close, floats, normal, orders, relaid, seeds, windows

from tinygrad_cnn_backends.numpy.kernels import (
    KERNELS,
    PREPARE,
    col2im,
    conv_choice,
    im2col,
    shared_rows,
    winograd,
)
from tinygrad_cnn_backends.numpy.kernels.conv_choice import Problem
from tinygrad_cnn_backends.numpy.kernels.memory import Arena, empty_batch_last
from tinygrad_cnn_backends.numpy.kernels.sliding import Sliding

conv, conv_input_grad, conv_weight_grad = (
    KERNELS[name] for name in ("conv", "conv_input_grad", "conv_weight_grad")
)

B = None  # the kernels are handed a backend and look at nothing but `exact`
CHOICES = ("way_forward", "way_to_input_grad", "way_to_weight_grad")


def conv_by_loops(x: np.ndarray, w: np.ndarray, sweep: Windows, groups: int) -> np.ndarray:
    filters, channels = w.shape[0] // groups, w.shape[1]
    out = np.zeros((x.shape[0], w.shape[0], *sweep.output_size))
    for window, cell, pixel in sweep.places():
        if pixel is None:
            continue
        for n, o, c in itertools.product(range(x.shape[0]), range(w.shape[0]), range(channels)):
            of_group = o // filters * channels + c
            out[n, o, *window] += float(x[n, of_group, *pixel]) * float(w[o, c, *cell])
    return out


def only(way, block: int | None = None):
    """Whatever would be chosen, compute this way, in blocks of so many numbers."""
    patches = ExitStack()
    for choice in CHOICES:
        patches.enter_context(mock.patch.object(conv_choice, choice, return_value=way))
    if block is not None:
        patches.enter_context(mock.patch.object(way, "BLOCK_NUMBERS", block))
    return patches


# --- the right numbers ----------------------------------------------------------------------------


@st.composite
def convolutions(draw, sweeps=None, max_groups=3, dtypes=floats):
    sweep, groups = draw(sweeps if sweeps is not None else windows()), draw(st.integers(1, max_groups))
    channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    x_shape = (sweep.batch, groups * channels, *sweep.size)
    w_shape = (groups * filters, channels, *sweep.kernel_size)
    g_shape = (sweep.batch, groups * filters, *sweep.output_size)
    dtype, seed = draw(dtypes), draw(seeds)
    arrays = [
        normal(seed + number, shape, dtype, draw(orders))
        for number, shape in enumerate((x_shape, w_shape, g_shape))
    ]
    return sweep, groups, dtype, arrays, draw(st.sampled_from([50, 1000, None]))


@st.composite
def sharing(draw) -> Windows:
    """Windows of which neighbours share rows."""
    sweep = draw(windows().filter(lambda sweep: sweep.kernel_size[0] > 1))
    return Windows(
        sweep.batch,
        sweep.size,
        sweep.kernel_size,
        (draw(st.integers(1, sweep.kernel_size[0] - 1)), *sweep.stride[1:]),
        sweep.padding,
        (1, *sweep.dilation[1:]),
    )


@st.composite
def three_by_three(draw) -> Windows:
    """Windows for Winograd, over images of any number of tiles, whole and in part."""
    padding = tuple((draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(2))
    size = tuple(draw(st.integers(max(1, 3 - sum(around)), 9)) for around in padding)
    return Windows(draw(st.sampled_from([1, 2, 5, 40])), size, (3, 3), (1, 1), padding, (1, 1))


WAYS = {
    im2col: convolutions(),
    shared_rows: convolutions(sharing()),
    winograd: convolutions(three_by_three(), max_groups=1, dtypes=st.just(np.float32)),
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.rpartition(".")[2])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_conv_equals_loops(way, data):
    sweep, groups, dtype, (x, w, _), block = data.draw(WAYS[way])
    few = slice(0, 2)  # the loops are slow; the adjoint identities below see the whole batch
    with only(way, block):
        out = conv(B, x, w, groups=groups, **sweep.sliding)
    assert out.shape == (sweep.batch, w.shape[0], *sweep.output_size)
    assert_close(out[few], conv_by_loops(x[few], w, sweep, groups), dtype)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.rpartition(".")[2])
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_conv_and_its_gradients_are_adjoint(way, data):
    """⟨conv(x, w), g⟩ = ⟨x, conv_input_grad(g, w)⟩ = ⟨w, conv_weight_grad(x, g)⟩."""
    sweep, groups, dtype, (x, w, g), block = data.draw(WAYS[way])
    with only(way, block):
        out = conv(B, x, w, groups=groups, **sweep.sliding)
        dw = conv_weight_grad(B, x, g, kernel_size=sweep.kernel_size, groups=groups, **sweep.sliding)
    backwards = {"size": sweep.size, "groups": groups, **sweep.sliding}
    with only(col2im, block):
        dxs = [conv_input_grad(B, g, w, **backwards)]
    if set(sweep.stride) == {1}:
        with only(way, block):
            dxs.append(conv_input_grad(B, g, w, **backwards))
    pairs = [(out, g), (w, dw), *((x, dx) for dx in dxs)]
    assert all(a.shape == b.shape and a.dtype == b.dtype == dtype for a, b in pairs)
    products = [np.vdot(a.astype(float), b.astype(float)) for a, b in pairs]
    size = 1 + np.linalg.norm(out) * np.linalg.norm(g)
    np.testing.assert_allclose(products, products[0], rtol=0, atol=TOLERANCE[dtype] * size)


def test_conv_gradients_equal_loops_over_unit_gradients():
    """Every entry of both Jacobians, not only their sum: one unit gradient at a time."""
    sweep = Windows(2, (4, 5), (2, 3), (1, 2), ((1, 0), (0, 2)), (2, 1))
    x, w = normal(0, (2, 4, *sweep.size), np.float64), normal(1, (6, 2, 2, 3), np.float64)
    dx_columns, dw_columns = [], []
    for number in range(2 * 6 * math.prod(sweep.output_size)):
        g = np.zeros((2, 6, *sweep.output_size))
        g.flat[number] = 1
        dx_columns.append(conv_input_grad(B, g, w, size=sweep.size, groups=2, **sweep.sliding).ravel())
        dw_columns.append(
            conv_weight_grad(B, x, g, kernel_size=sweep.kernel_size, groups=2, **sweep.sliding).ravel()
        )
    for column, entry in enumerate(itertools.islice(np.ndindex(x.shape), 0, None, 7)):
        unit = np.zeros_like(x)
        unit[entry] = 1
        expected = conv_by_loops(unit, w, sweep, 2).ravel()
        np.testing.assert_allclose(np.array(dx_columns)[:, column * 7], expected, atol=1e-14)
    for column, entry in enumerate(itertools.islice(np.ndindex(w.shape), 0, None, 7)):
        unit = np.zeros_like(w)
        unit[entry] = 1
        expected = conv_by_loops(x, unit, sweep, 2).ravel()
        np.testing.assert_allclose(np.array(dw_columns)[:, column * 7], expected, atol=1e-14)


SAME = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}


@pytest.mark.parametrize(("batch", "channels", "filters"), [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)])
def test_sums_of_nothing(batch, channels, filters):
    """Case 48: an empty output, or one of zeros, and gradients of exactly zero."""
    x, w = np.ones((batch, channels, 8, 8), np.float32), np.ones((filters, channels, 3, 3), np.float32)
    out = conv(B, x, w, **SAME)
    np.testing.assert_array_equal(out, np.zeros((batch, filters, 8, 8)))
    dx = conv_input_grad(B, out, w, size=(8, 8), **SAME)
    np.testing.assert_array_equal(dx, np.zeros_like(x))
    dw = conv_weight_grad(B, x, out, kernel_size=(3, 3), **SAME)
    np.testing.assert_array_equal(dw, np.zeros_like(w))

    bias = np.arange(filters, dtype=np.float32)
    PREPARE["conv"](B, Arena(), x, w, out, **SAME, bias=bias, relu=True)()
    np.testing.assert_array_equal(out, np.broadcast_to(bias[:, None, None], out.shape))


def test_conv_padding_may_exceed_the_kernel():
    """Case 47: whole windows on the padding see zeros."""
    sweep = Windows(1, (1, 1), (3, 3), (1, 1), ((4, 4), (4, 4)), (1, 1))
    x, w = np.full((1, 1, 1, 1), 2.0), normal(0, (1, 1, 3, 3), np.float64)
    out = conv(B, x, w, groups=1, **sweep.sliding)
    assert out.shape == (1, 1, 7, 7)
    assert np.count_nonzero(out) == 9
    np.testing.assert_array_equal(out[0, 0, 2:5, 2:5], 2 * w[0, 0, ::-1, ::-1])


def test_a_stride_may_lead_onto_the_padding():
    """As many windows as pixels, each one pixel wide, but not the same ones."""
    sweep = Windows(1, (2,), (1,), (2,), ((0, 1),), (1,))
    x, w = np.array([[[3.0, 4.0]]]), np.array([[[2.0]]])
    np.testing.assert_array_equal(conv(B, x, w, groups=1, **sweep.sliding), [[[6.0, 0.0]]])


# --- what a captured step asks for ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "groups"), [(im2col, 1), (im2col, 2), (shared_rows, 1), (shared_rows, 2), (winograd, 1)]
)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("relu", [False, True])
def test_bias_and_relu_come_after(way, groups, bias, relu):
    """The same bits as afterwards, in blocks that end in the middle of a row and in the middle of a tile."""
    x = normal(0, (7, 4, 9, 10), np.float32, "batch last")
    w, b = normal(1, (6, 4 // groups, 3, 3), np.float32), normal(2, (6,), np.float32)
    params = {**SAME, "groups": groups}
    out = empty_batch_last((7, 6, 9, 10), np.float32)
    with only(way, 2000):
        expected = conv(B, x, w, **params)
        arena = Arena()
        arena.begin()
        PREPARE["conv"](B, arena, x, w, out, **params, bias=b if bias else None, relu=relu)()
    if bias:
        expected += b[:, None, None]
    if relu:
        expected = np.maximum(expected, np.float32(0))
    np.testing.assert_array_equal(out, expected)
    assert np.count_nonzero(out < 0) > 0 or relu


LAYERS = {  # batch, channels, size, filters, kernel, stride, padding
    "vgg": (64, 64, 56, 64, 3, 1, 1),
    "stem": (64, 3, 224, 64, 7, 2, 3),
    "bottleneck": (64, 256, 56, 64, 1, 1, 0),
    "large": (16, 64, 224, 64, 3, 1, 1),
    "wide": (1, 3, 2000, 16, 3, 1, 1),
    "depthwise": (64, 64, 56, 64, 3, 1, 1),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_scratch_memory_does_not_grow_with_the_image(layer):
    """24 MB for images of up to 200 MB."""
    batch, channels, size, filters, kernel, stride, padding = LAYERS[layer]
    groups = channels if layer == "depthwise" else 1
    output_size = (size + 2 * padding - kernel) // stride + 1
    x = empty_batch_last((batch, channels, size, size), np.float32)
    out = empty_batch_last((batch, filters, output_size, output_size), np.float32)
    w = np.empty((filters, channels // groups, kernel, kernel), np.float32)
    around = ((padding, padding),) * 2
    sliding = {"stride": (stride,) * 2, "padding": around, "dilation": (1, 1), "groups": groups}
    for exact in (False, True):
        backend = SimpleNamespace(exact=exact)
        for name, arrays, params in (
            ("conv", (x, w, out), {}),
            ("conv_input_grad", (out, w, x), {"size": (size, size)}),
            ("conv_weight_grad", (x, out, w), {"kernel_size": (kernel, kernel)}),
        ):
            arena = Arena()
            arena.begin()
            PREPARE[name](backend, arena, *arrays, **sliding, **params)
            assert arena.nbytes < 24 << 20, (name, exact)


@pytest.mark.parametrize("shapes", [((1, 1, 28, 28), (6, 1, 5, 5), 2), ((1, 6, 14, 14), (16, 6, 5, 5), 0)])
def test_a_single_image_takes_few_calls(shapes):
    """For LeNet on one image the calls cost as much as the numbers."""
    x_shape, w_shape, padding = shapes
    x, w = normal(0, x_shape, np.float32, "batch last"), normal(1, w_shape, np.float32)
    params = {**SAME, "padding": ((padding, padding),) * 2}
    out = np.empty_like(conv(B, x, w, **params))
    with mock.patch("tinygrad_cnn_backends.numpy.kernels.conv.replay") as replay:
        PREPARE["conv"](B, Arena(), x, w, out, **params, bias=w[:, 0, 0, 0].copy(), relu=True)
    (steps,) = replay.call_args.args
    assert len(steps) <= 6


# --- Winograd -------------------------------------------------------------------------------------


def test_winograds_identity_holds_for_every_pixel_and_cell():
    """out = Aᵀ [(G w) ⊙ (Bᵀ x)] in one dimension, for all unit vectors x and w."""
    a_t, g, b_t = winograd.matrices()
    for pixel, cell in itertools.product(range(6), range(3)):
        expected = [float(i + cell == pixel) for i in range(4)]
        np.testing.assert_allclose(a_t @ (g[:, cell] * b_t[:, pixel]), expected, rtol=0, atol=1e-14)


def test_the_transforms_of_pixels_and_outputs_are_exact_in_float32():
    a_t, _, b_t = winograd.matrices()
    np.testing.assert_array_equal(winograd.OUTPUT, np.kron(a_t, a_t))
    np.testing.assert_array_equal(winograd.INPUT, np.kron(b_t, b_t))


DISTRIBUTIONS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "after relu": lambda rng, shape: np.maximum(rng.standard_normal(shape), 0),
    "all equal": lambda rng, shape: np.full(shape, 1 / 3),
    "heavy tails": lambda rng, shape: rng.standard_cauchy(shape),
    "sparse": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.02),
    "signs": lambda rng, shape: np.sign(rng.standard_normal(shape)) / 3,
}
distributions, channel_counts = st.sampled_from(sorted(DISTRIBUTIONS)), st.sampled_from([1, 7, 64])


def largest(array: np.ndarray) -> float:
    return float(np.abs(array).max(initial=0))


@given(three_by_three(), channel_counts, channel_counts, st.tuples(*[distributions] * 3), seeds)
@settings(max_examples=60, deadline=None)
def test_winograd_keeps_its_error_bound(sweep, channels, filters, kinds, seed):
    """Against float64, relative to the largest number that so large inputs could give."""
    shapes = (
        (sweep.batch, channels, *sweep.size),
        (filters, channels, 3, 3),
        (sweep.batch, filters, *sweep.output_size),
    )
    rng = np.random.default_rng(seed)
    arrays = [
        DISTRIBUTIONS[kind](rng, shape).astype(np.float32) for kind, shape in zip(kinds, shapes, strict=True)
    ]
    x, w, g = (array.astype(float) for array in arrays)
    cases = [
        (conv, (0, 1), {}, largest(x) * np.abs(w).sum((1, 2, 3)).max()),
        (conv_input_grad, (2, 1), {"size": sweep.size}, largest(g) * np.abs(w).sum((0, 2, 3)).max()),
        (conv_weight_grad, (0, 2), {"kernel_size": (3, 3)}, largest(x) * np.abs(g).sum((0, 2, 3)).max()),
    ]
    for kernel, chosen, params, scale in cases:
        params = {**params, "groups": 1, **sweep.sliding}
        with only(winograd):
            result = kernel(B, *(arrays[i] for i in chosen), **params)
        expected = kernel(B, *((x, w, g)[i] for i in chosen), **params)
        assert largest(result - expected) <= winograd.ERROR_BOUND * scale


def test_the_error_bound_means_something():
    """A usual layer comes near: within a factor of 1000, and within 4e-6 of the largest output."""
    x, w = normal(0, (8, 64, 16, 16), np.float32), normal(1, (64, 64, 3, 3), np.float32)
    with only(winograd):
        out = conv(B, x, w, **SAME)
    exact = conv(B, x.astype(float), w.astype(float), **SAME)
    error = largest(out - exact)
    assert error < 4e-6 * largest(exact)
    assert error > 1e-3 * winograd.ERROR_BOUND * largest(x) * np.abs(w).sum((1, 2, 3)).max()


# --- the choice -----------------------------------------------------------------------------------


def problem(
    batch, channels, size, filters, *, kernel=3, stride=1, padding=1, groups=1, dtype=np.float32, exact=False
):
    output_size = (size + 2 * padding - kernel) // stride + 1
    of_one_dimension = (size, output_size, kernel, stride, 1, -padding)
    sliding = Sliding(*((number, number) for number in of_one_dimension))
    return Problem(sliding, groups, channels // groups, filters // groups, batch, np.dtype(dtype), exact)


CHOSEN = [
    (problem(64, 64, 16, 64), winograd, winograd),
    (problem(64, 128, 8, 128), winograd, winograd),
    (problem(64, 32, 32, 32), winograd, winograd),
    (problem(1, 256, 28, 256), winograd, winograd),
    (problem(64, 64, 16, 64, exact=True), shared_rows, shared_rows),
    (problem(64, 3, 32, 32), shared_rows, col2im),  # few channels: the transforms do not pay
    (problem(1, 64, 8, 64), im2col, im2col),  # few tiles: the kernel's transform does not pay
    (problem(32, 6, 14, 16, kernel=5, padding=0), shared_rows, shared_rows),
    (problem(64, 16, 32, 32, stride=2), shared_rows, col2im),
    (problem(64, 64, 16, 64, kernel=1, padding=0), im2col, im2col),
    (problem(64, 64, 16, 64, kernel=1, stride=2, padding=0), im2col, col2im),
]


@pytest.mark.parametrize(("case", "forward", "input_grad"), CHOSEN)
def test_the_way_that_was_measured_to_be_fastest_is_chosen(case, forward, input_grad):
    assert conv_choice.way_forward(case) is conv_choice.way_to_weight_grad(case) is forward
    assert conv_choice.way_to_input_grad(case) is input_grad


@pytest.mark.parametrize(
    "case",
    [
        problem(64, 64, 16, 64, exact=True),
        problem(64, 64, 16, 64, dtype=np.float64),
        problem(64, 64, 16, 64, groups=2),
        problem(64, 64, 16, 64, stride=2),
        problem(64, 64, 16, 64, kernel=5, padding=2),
    ],
)
def test_no_winograd(case):
    for choice in CHOICES:
        assert getattr(conv_choice, choice)(case) is not winograd


def test_an_exact_backend_does_without_winograd():
    x, w = normal(0, (64, 64, 8, 8), np.float32), normal(1, (64, 64, 3, 3), np.float32)
    usual, exact = (conv(SimpleNamespace(exact=exact), x, w, **SAME) for exact in (False, True))
    with only(winograd):
        np.testing.assert_array_equal(usual, conv(B, x, w, **SAME))
    with only(shared_rows):
        np.testing.assert_array_equal(exact, conv(B, x, w, **SAME))
    assert (usual != exact).any()


@given(convolutions())
@settings(max_examples=30, deadline=None)
def test_the_choice_and_the_bits_do_not_depend_on_addresses(case):
    sweep, groups, _, (x, w, _), _ = case
    first = conv(B, x, w, groups=groups, **sweep.sliding)
    elsewhere = [np.empty(array.nbytes + 64, np.uint8) for array in (x, w)]
    moved = []
    for memory, array in zip(elsewhere, (x, w), strict=True):
        place = memory[4 * array.itemsize :][: array.nbytes].view(array.dtype).reshape(array.shape)
        np.copyto(place, array)
        moved.append(place)
    np.testing.assert_array_equal(conv(B, *moved, groups=groups, **sweep.sliding), first)


@pytest.mark.parametrize("order", ["contiguous", "reversed", "fortran", "strided"])
def test_winograd_takes_images_in_any_order(order):
    x, w = normal(0, (5, 3, 9, 9), np.float32), normal(1, (4, 3, 3, 3), np.float32)
    with only(winograd):
        expected = conv(B, relaid(x, "batch last"), w, **SAME)
        np.testing.assert_array_equal(conv(B, relaid(x, order), w, **SAME), expected)
