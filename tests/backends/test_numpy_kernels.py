"""The NumPy backend's fast kernels against loops that visit one window and one cell at a time."""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn_backends.numpy.kernels import KERNELS, threads

conv, conv_input_grad, conv_weight_grad = (
    KERNELS[name] for name in ("conv", "conv_input_grad", "conv_weight_grad")
)
max_pool, max_pool_scatter, max_pool_gather = (
    KERNELS[name] for name in ("max_pool", "max_pool_scatter", "max_pool_gather")
)
sum_pool, sum_pool_input_grad = KERNELS["sum_pool"], KERNELS["sum_pool_input_grad"]
batch_norm, batch_norm_grad = KERNELS["batch_norm"], KERNELS["batch_norm_grad"]
relu, where = KERNELS["relu"], KERNELS["where"]

# `kernels.conv` is the function; the module of the same name is found by import only.
conv_module = importlib.import_module("tinygrad_cnn_backends.numpy.kernels.conv")
normalize_module = importlib.import_module("tinygrad_cnn_backends.numpy.kernels.normalize")

B = None  # the kernels are handed a backend and do not look at it
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13}


# --- what the strategies draw ---------------------------------------------------------------------


@dataclass(frozen=True)
class Windows:
    """A window moving over images, and the loops that say where it goes."""

    batch: int
    size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    ceil_mode: bool = False

    @property
    def output_size(self) -> tuple[int, ...]:
        return tuple(map(self._windows_along, range(len(self.size))))

    def _windows_along(self, axis: int) -> int:
        """Count the windows by moving one until it leaves."""
        before, after = self.padding[axis]
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
        count = 0
        while True:
            first = count * self.stride[axis] - before
            more = first + reach < self.size[axis] + after
            if (
                self.ceil_mode
            ):  # it may hang over if the last one left pixels; it must not start on the padding
                more = first - self.stride[axis] + reach < self.size[axis] + after - 1
                more = (count == 0 or more) and first < self.size[axis]
            if not more:
                return count
            count += 1

    def places(self):
        """(window, cell, pixel) index tuples; pixel is None on the padding."""
        cells = list(itertools.product(*map(range, self.kernel_size)))
        for window in itertools.product(*map(range, self.output_size)):
            for cell in cells:
                pixel = tuple(
                    o * s - before + k * d
                    for o, s, (before, _), k, d in zip(
                        window, self.stride, self.padding, cell, self.dilation, strict=True
                    )
                )
                inside = all(0 <= p < size for p, size in zip(pixel, self.size, strict=True))
                yield window, cell, pixel if inside else None

    def number(self, cell: tuple[int, ...]) -> int:
        return int(np.ravel_multi_index(cell, self.kernel_size))

    @property
    def sliding(self) -> dict[str, tuple]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}


@st.composite
def windows(draw, *, pooling: bool = False) -> Windows:
    ndim = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(ndim))

    kernel_size, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    most = 1 if pooling else 3
    padding = tuple(zip(each(0, most), each(0, most), strict=True))
    room = each(0, 4 if ndim < 3 else 2)
    size = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + r
        for d, k, p, r in zip(dilation, kernel_size, padding, room, strict=True)
    )
    batch = draw(st.sampled_from([0, 1, 2, 5, 40]))  # 40: long rows, see SHORT_ROW in conv.py
    return Windows(batch, size, kernel_size, stride, padding, dilation, pooling and draw(st.booleans()))


def relaid(x: np.ndarray, order: str) -> np.ndarray:
    """The same numbers, lying in memory in another way."""
    if order == "reversed":
        return x[..., ::-1].copy()[..., ::-1]
    if order == "batch last":
        return np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0)
    if order == "fortran":
        return np.asfortranarray(x)
    if order == "strided":
        return np.repeat(x, 2, axis=-1)[..., ::2]
    return x.copy()


orders = st.sampled_from(["contiguous", "reversed", "batch last", "fortran", "strided"])
seeds = st.integers(0, 2**32 - 1)
floats = st.sampled_from([np.float32, np.float64])


def normal(seed: int, shape: tuple[int, ...], dtype: type, order: str = "contiguous") -> np.ndarray:
    return relaid(np.random.default_rng(seed).standard_normal(shape).astype(dtype), order)


def assert_close(actual: np.ndarray, expected: np.ndarray, dtype: type) -> None:
    """Equal shapes and dtypes, and differences small beside the largest number."""
    assert actual.dtype == dtype
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=TOLERANCE[dtype])


# --- convolution ----------------------------------------------------------------------------------


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


@st.composite
def convolutions(draw):
    sweep, groups = draw(windows()), draw(st.integers(1, 3))
    channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    x_shape = (sweep.batch, groups * channels, *sweep.size)
    w_shape = (groups * filters, channels, *sweep.kernel_size)
    g_shape = (sweep.batch, groups * filters, *sweep.output_size)
    dtype, seed = draw(floats), draw(seeds)
    arrays = [
        normal(seed + number, shape, dtype, draw(orders))
        for number, shape in enumerate((x_shape, w_shape, g_shape))
    ]
    block = draw(st.sampled_from([1, 500, conv_module.BLOCK_NUMBERS]))
    return sweep, groups, dtype, arrays, block


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_conv_equals_loops(case):
    sweep, groups, dtype, (x, w, _), block = case
    few = slice(0, 3)  # the loops are slow; the adjoint identities below see the whole batch
    with mock.patch.object(conv_module, "BLOCK_NUMBERS", block):
        out = conv(B, x, w, groups=groups, **sweep.sliding)
    assert out.shape == (sweep.batch, w.shape[0], *sweep.output_size)
    assert_close(out[few], conv_by_loops(x[few], w, sweep, groups), dtype)


@given(convolutions())
@settings(max_examples=150, deadline=None)
def test_conv_and_its_gradients_are_adjoint(case):
    """⟨conv(x, w), g⟩ = ⟨x, conv_input_grad(g, w)⟩ = ⟨w, conv_weight_grad(x, g)⟩."""
    sweep, groups, dtype, (x, w, g), block = case
    with mock.patch.object(conv_module, "BLOCK_NUMBERS", block):
        out = conv(B, x, w, groups=groups, **sweep.sliding)
        dx = conv_input_grad(B, g, w, size=sweep.size, groups=groups, **sweep.sliding)
        dw = conv_weight_grad(B, x, g, kernel_size=sweep.kernel_size, groups=groups, **sweep.sliding)
    assert (dx.shape, dw.shape) == (x.shape, w.shape)
    assert dx.dtype == dw.dtype == out.dtype == dtype
    products = [np.vdot(a.astype(float), b.astype(float)) for a, b in ((out, g), (x, dx), (w, dw))]
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


def test_conv_of_an_empty_batch():
    """Case 48: an empty output, and a weight gradient of exactly zero."""
    sliding = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}
    x, w = np.zeros((0, 3, 8, 8), np.float32), np.ones((4, 3, 3, 3), np.float32)
    out = conv(B, x, w, **sliding)
    assert out.shape == (0, 4, 8, 8)
    assert conv_input_grad(B, out, w, size=(8, 8), **sliding).shape == x.shape
    dw = conv_weight_grad(B, x, out, kernel_size=(3, 3), **sliding)
    np.testing.assert_array_equal(dw, np.zeros((4, 3, 3, 3)))


def test_conv_padding_may_exceed_the_kernel():
    """Case 47: whole windows on the padding see zeros."""
    sweep = Windows(1, (1, 1), (3, 3), (1, 1), ((4, 4), (4, 4)), (1, 1))
    x, w = np.full((1, 1, 1, 1), 2.0), normal(0, (1, 1, 3, 3), np.float64)
    out = conv(B, x, w, groups=1, **sweep.sliding)
    assert out.shape == (1, 1, 7, 7)
    assert np.count_nonzero(out) == 9
    np.testing.assert_array_equal(out[0, 0, 2:5, 2:5], 2 * w[0, 0, ::-1, ::-1])


# --- pooling --------------------------------------------------------------------------------------


def max_pool_by_loops(x: np.ndarray, sweep: Windows) -> tuple[np.ndarray, np.ndarray]:
    shape = (*x.shape[:2], *sweep.output_size)
    out, winner = np.full(shape, -np.inf), np.zeros(shape, int)
    seen = np.zeros(sweep.output_size, bool)
    for window, cell, pixel in sweep.places():
        if pixel is None:
            continue
        for n, c in itertools.product(range(x.shape[0]), range(x.shape[1])):
            value, best = x[n, c, *pixel], out[n, c, *window]
            if not seen[window] or value > best or (math.isnan(value) and not math.isnan(best)):
                out[n, c, *window], winner[n, c, *window] = value, sweep.number(cell)
        seen[window] = True
    return out, winner


@given(windows(pooling=True), floats, orders, seeds, st.sampled_from(["normal", "ties", "special"]))
@settings(max_examples=150, deadline=None)
def test_max_pool_equals_loops(sweep, dtype, order, seed, values):
    x = normal(seed, (min(sweep.batch, 3), 2, *sweep.size), dtype)
    if values == "ties":
        x = np.round(x)
    if values == "special":
        x = np.random.default_rng(seed).choice([np.nan, -np.inf, -np.inf, np.inf, 1.0], x.shape).astype(dtype)
    x = relaid(x, order)
    out, winner = max_pool(B, x, kernel_size=sweep.kernel_size, ceil_mode=sweep.ceil_mode, **sweep.sliding)
    expected_out, expected_winner = max_pool_by_loops(x, sweep)
    assert (out.dtype, winner.dtype) == (dtype, np.uint8)
    np.testing.assert_array_equal(out, expected_out)
    np.testing.assert_array_equal(winner, expected_winner)


@given(windows(pooling=True), floats, orders, seeds)
@settings(max_examples=100, deadline=None)
def test_scatter_and_gather_go_to_the_winners(sweep, dtype, order, seed):
    batch = min(sweep.batch, 3)
    x = normal(seed, (batch, 2, *sweep.size), dtype, order)
    pooling = {"kernel_size": sweep.kernel_size, **sweep.sliding}
    out, winner = max_pool(B, x, ceil_mode=sweep.ceil_mode, **pooling)
    real = np.isfinite(out)  # a dilated window may lie on padding only; then nothing is read or written
    np.testing.assert_array_equal(
        max_pool_gather(B, x, relaid(winner, order), **pooling), np.where(real, out, 0)
    )

    g = normal(seed + 1, out.shape, dtype, order)
    expected = np.zeros(x.shape)
    for window, cell, pixel in sweep.places():
        if pixel is not None:
            expected[:, :, *pixel] += g[:, :, *window] * (winner[:, :, *window] == sweep.number(cell))
    dx = max_pool_scatter(B, g, relaid(winner, order), size=sweep.size, **pooling)
    assert_close(dx, expected, dtype)


def test_scatter_of_an_infinite_gradient_reaches_the_winner_only():
    x = np.array([[[1.0, 3.0, 2.0, 0.0]]])
    pooling = {"kernel_size": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}
    _, winner = max_pool(B, x, ceil_mode=False, **pooling)
    dx = max_pool_scatter(B, np.array([[[np.inf, np.nan]]]), winner, size=(4,), **pooling)
    np.testing.assert_array_equal(dx, [[[0, np.inf, np.nan, 0]]])


def test_large_windows_count_their_cells_in_int32():
    x = normal(0, (2, 1, 16, 17), np.float32)
    out, winner = max_pool(
        B, x, kernel_size=(16, 17), stride=(1, 1), padding=((0, 0),) * 2, dilation=(1, 1), ceil_mode=False
    )
    assert winner.dtype == np.int32
    np.testing.assert_array_equal(winner.ravel(), x.reshape(2, -1).argmax(axis=1))
    np.testing.assert_array_equal(out.ravel(), x.reshape(2, -1).max(axis=1))


def test_overlapping_windows_share_a_winner():
    """Case 53: k3 s1 on [1, 5, 2, 0] gives the gradient [0, 2, 0, 0]."""
    pooling = {"kernel_size": (3,), "stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
    out, winner = max_pool(B, np.array([[[1.0, 5.0, 2.0, 0.0]]]), ceil_mode=False, **pooling)
    dx = max_pool_scatter(B, np.ones_like(out), winner, size=(4,), **pooling)
    np.testing.assert_array_equal(dx, [[[0, 2, 0, 0]]])


@given(windows(pooling=True), floats, orders, seeds)
@settings(max_examples=100, deadline=None)
def test_sum_pool_equals_loops(sweep, dtype, order, seed):
    dense = Windows(
        sweep.batch,
        sweep.size,
        sweep.kernel_size,
        sweep.stride,
        sweep.padding,
        (1,) * len(sweep.size),
        sweep.ceil_mode,
    )
    pooling = {
        "kernel_size": dense.kernel_size,
        "stride": dense.stride,
        "padding": dense.padding,
        "ceil_mode": dense.ceil_mode,
    }
    x = normal(seed, (dense.batch, 2, *dense.size), dtype, order)
    g = normal(seed + 1, (dense.batch, 2, *dense.output_size), dtype, order)
    expected, expected_dx = np.zeros(g.shape), np.zeros(x.shape)
    for window, _, pixel in dense.places():
        if pixel is not None:
            expected[:, :, *window] += x[:, :, *pixel]
            expected_dx[:, :, *pixel] += g[:, :, *window]
    assert_close(sum_pool(B, x, **pooling), expected, dtype)
    assert_close(sum_pool_input_grad(B, g, size=dense.size, **pooling), expected_dx, dtype)


# --- batch normalisation --------------------------------------------------------------------------

image_shapes = st.tuples(st.sampled_from([1, 2, 5]), st.integers(1, 4)).flatmap(
    lambda front: st.lists(st.integers(1, 4), max_size=3).map(lambda spatial: (*front, *spatial))
)


def batch_norm_in_float64(x, weight, bias, eps):
    x, axes = x.astype(float), (0, *range(2, x.ndim))
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    return (x - mean) / np.sqrt(var + eps) * weight.reshape(per_channel) + bias.reshape(per_channel)


@given(image_shapes, floats, orders, seeds, st.sampled_from([1, 1 << 18]))
@settings(max_examples=80, deadline=None)
def test_batch_norm_equals_its_definition(shape, dtype, order, seed, block):
    x = normal(seed, shape, dtype, order)
    weight, bias = normal(seed + 1, shape[1:2], dtype), normal(seed + 2, shape[1:2], dtype)
    with mock.patch.object(normalize_module, "BLOCK_NUMBERS", block):
        out, mean, var = batch_norm(B, x, weight, bias, eps=1e-3)
    axes = (0, *range(2, x.ndim))
    assert_close(mean, x.mean(axis=axes, dtype=float), dtype)
    assert_close(var, x.var(axis=axes, dtype=float), dtype)
    np.testing.assert_allclose(
        out, batch_norm_in_float64(x, weight, bias, 1e-3), rtol=0, atol=100 * TOLERANCE[dtype]
    )
    assert out.dtype == dtype


@given(image_shapes, orders, seeds, st.sampled_from([1, 1 << 18]))
@settings(max_examples=30, deadline=None)
def test_batch_norm_gradients_equal_central_differences(shape, order, seed, block):
    x, g = normal(seed, shape, np.float64, order), normal(seed + 3, shape, np.float64, order)
    weight, bias = normal(seed + 1, shape[1:2], np.float64), normal(seed + 2, shape[1:2], np.float64)
    _, mean, var = batch_norm(B, x, weight, bias, eps=0.1)
    with mock.patch.object(normalize_module, "BLOCK_NUMBERS", block):
        gradients = batch_norm_grad(B, g, x, weight, mean, var, eps=0.1)
    for number, (argument, gradient) in enumerate(zip((x, weight, bias), gradients, strict=True)):
        expected = np.zeros(argument.shape)
        for entry in np.ndindex(argument.shape):
            losses = []
            for step in (1e-5, -1e-5):
                arguments = [x.copy(), weight.copy(), bias.copy()]
                arguments[number][entry] += step
                losses.append((g * batch_norm_in_float64(*arguments, 0.1)).sum())
            expected[entry] = (losses[0] - losses[1]) / 2e-5
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-7)


def test_batch_norm_is_accurate_far_from_zero():
    """Case 20: 10000 ± 0.01 in float32; the squares of such numbers have no room for the difference."""
    x = (1e4 + 0.01 * np.random.default_rng(0).standard_normal((64, 2, 28, 28))).astype(np.float32)
    one, zero = np.ones(2, np.float32), np.zeros(2, np.float32)
    out, mean, var = batch_norm(B, x, one, zero, eps=1e-8)
    exact = x.astype(float)
    np.testing.assert_allclose(mean, exact.mean(axis=(0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(out, batch_norm_in_float64(x, one, zero, 1e-8), atol=1e-3)

    g = normal(1, x.shape, np.float32)
    dx, dweight, _ = batch_norm_grad(B, g, x, one, mean, var, eps=1e-8)
    statistics = exact.mean(axis=(0, 2, 3)), exact.var(axis=(0, 2, 3))
    arguments = [a.astype(float) for a in (g, x, one)]
    exact_dx, exact_dweight, _ = batch_norm_grad(B, *arguments, *statistics, eps=1e-8)
    np.testing.assert_allclose(dx, exact_dx, atol=1e-3 * np.abs(exact_dx).max())
    np.testing.assert_allclose(dweight, exact_dweight, atol=1e-3 * np.abs(exact_dweight).max())


def test_batch_norm_of_a_constant_channel_is_the_bias():
    x = np.full((4, 1, 3), 0.1, np.float32)
    out, _, var = batch_norm(B, x, np.ones(1, np.float32), np.full(1, 7, np.float32), eps=1e-5)
    assert 0 <= var[0] < 1e-15
    np.testing.assert_allclose(out, 7, atol=1e-4)


# --- elementwise ----------------------------------------------------------------------------------

SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_relu_keeps_nan_and_infinity(dtype):
    x = np.array(SPECIAL, dtype)
    out = relu(B, x)
    np.testing.assert_array_equal(out, np.array([np.nan, np.nan, np.inf, 0, 0, 0, 1.5, 0], dtype))
    assert out.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("shapes", [((8, 8), (8, 8)), ((8, 8), ()), ((), (8, 8)), ((8, 1), (8,)), ((), ())])
def test_where_equals_numpy_bit_by_bit(dtype, shapes):
    rng = np.random.default_rng(0)
    pool = SPECIAL if np.dtype(dtype).kind == "f" else [0, 1, 3, 7]
    x, y = (np.array(rng.choice(pool, shape)).astype(dtype) for shape in shapes)
    for condition in (rng.random((8, 8)) < 0.5, np.array(True), (rng.random((8, 8)) < 0.5).T):
        out, expected = where(B, condition, x, y), np.where(condition, x, y)
        assert (out.shape, out.dtype) == (expected.shape, expected.dtype)
        assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_where_with_a_zero_for_the_rest(zero):
    g = np.array([*SPECIAL, *SPECIAL], np.float32)
    condition = np.arange(16) < 8
    out = where(B, condition, g, np.array(zero, np.float32))
    assert out.tobytes() == np.where(condition, g, np.float32(zero)).tobytes()


def test_where_of_two_dtypes():
    out = where(B, np.array([True, False]), np.array([1, 2]), np.array([0.5, 0.25], np.float32))
    np.testing.assert_array_equal(out, [1.0, 0.25])


# --- what holds for all of them -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_kernel_is_called_as_the_operation_it_replaces(name):
    """The same number of arrays, and parameters of the same names."""
    backend, *parameters = inspect.signature(KERNELS[name]).parameters.values()
    assert backend.name == "B"
    operation = REGISTRY[name]
    arrays = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
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
