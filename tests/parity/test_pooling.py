"""Pools of all kinds, called as PyTorch's: results, indices and gradients agree."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from parity.compare import TOLERANCES, layer_parity, parity, randn, spread, torch

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

SIZE = (7, 6, 5)
each_spatial = pytest.mark.parametrize("spatial", [1, 2, 3])


def images(spatial, *front):
    return spread(*(front or (2, 2)), *SIZE[:spatial])


# --- the largest, and back ------------------------------------------------------------------------


@each_spatial
@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    [
        *itertools.product([2, 3], [None, 1, 2], [0, 1], [1], [False, True]),
        *itertools.product([2], [None, 1, 3], [0, 1], [2], [False, True]),
    ],
)
def test_max_pool(spatial, kernel_size, stride, padding, dilation, ceil_mode):
    parity(
        f"max_pool{spatial}d",
        images(spatial),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
        return_indices=True,
    )


def test_max_pool_options_of_each_dimension():
    options = {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "dilation": (2, 3)}
    parity("max_pool2d", images(2), **options)
    parity("max_pool3d", images(3), kernel_size=(1, 3, 2), stride=(2, 1, 1), return_indices=True)


@each_spatial
@pytest.mark.parametrize("front", [(3,), (0, 3)], ids=["no batch", "empty batch"])
def test_pools_of_other_batches(spatial, front):
    x = images(spatial, *front)
    parity(f"max_pool{spatial}d", x, kernel_size=2, return_indices=True)
    parity(f"avg_pool{spatial}d", x, kernel_size=3, padding=1, ceil_mode=True)
    parity(f"lp_pool{spatial}d", np.abs(x), 3, 2)
    parity(f"adaptive_avg_pool{spatial}d", x, 4)
    parity(f"adaptive_max_pool{spatial}d", x, 4, return_indices=True)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
def test_max_pool_of_integers(dtype):
    x = (randn(1, 2, 5, 6) * 50).astype(dtype)
    parity("max_pool2d", x, kernel_size=2, padding=1, return_indices=True)


@pytest.mark.parametrize("name", ["max_pool2d", "adaptive_max_pool2d"])
@pytest.mark.parametrize("low", [-math.inf, -math.nan])
def test_extreme_elements(name, low):
    x = images(2)
    x[:, :, 1:5, 2:] = low
    x[0, 0] = -math.inf
    if math.isnan(low):  # of several NaNs PyTorch names the last, we the first: no indices
        parity(name, x, 2, ours=forward_of(F, name), theirs=forward_of(torch.nn.functional, name))
    else:
        parity(name, x, 2, return_indices=True)


def forward_of(library, name):
    return lambda x, size: getattr(library, name)(x, size).detach()


@each_spatial
@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding", "larger"),
    [(2, None, 0, 0), (2, None, 0, 1), (3, 3, 1, 0), (1, 2, 0, 1)],
)
@pytest.mark.parametrize("front", [(2, 2), (2,), (0, 2)])
def test_max_unpool(spatial, kernel_size, stride, padding, larger, front):
    x = images(spatial, *front)
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    _, indices = getattr(F, f"max_pool{spatial}d")(tc.tensor(x), **window, return_indices=True)
    pooled = spread(*indices.shape)
    name = f"max_unpool{spatial}d"
    step = stride or kernel_size
    smallest = [(n - 1) * step + kernel_size - 2 * padding for n in pooled.shape[-spatial:]]
    if not larger and smallest >= list(x.shape[-spatial:]):
        parity(name, pooled, indices.numpy(), **window)
    sizes = x.shape[-spatial:]
    parity(name, pooled, indices.numpy(), **window, output_size=sizes)
    if len(front) == 2:
        parity(name, pooled, indices.numpy(), **window, output_size=x.shape)


def test_max_unpool_of_windows_with_one_winner():
    x = torch.tensor([[[1.0, 5.0, 2.0, 0.0]]])
    values, indices = torch.nn.functional.max_pool1d(x, 3, 1, return_indices=True)
    expected = torch.nn.functional.max_unpool1d(values, indices, 3, 1)
    found = F.max_unpool1d(tc.tensor(values.numpy()), tc.tensor(indices.numpy()), 3, 1)
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


# --- averages -------------------------------------------------------------------------------------


@each_spatial
@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    list(itertools.product([2, 3], [None, 1, 2], [0, 1], [False, True], [False, True])),
)
def test_avg_pool(spatial, kernel_size, stride, padding, ceil_mode, count_include_pad):
    options = {
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": padding,
        "ceil_mode": ceil_mode,
        "count_include_pad": count_include_pad,
    }
    parity(f"avg_pool{spatial}d", images(spatial), **options)
    if spatial > 1 and stride == 2:
        for divisor in (5, -1):
            parity(f"avg_pool{spatial}d", images(spatial), **options, divisor_override=divisor)


@each_spatial
@pytest.mark.parametrize("p", [1, 2, 3, 4.0, 0.5, 2.5, -1, -2.0, math.inf, -math.inf])
@pytest.mark.parametrize(("kernel_size", "stride", "ceil_mode"), [(2, None, False), (3, 2, True)])
def test_lp_pool(spatial, p, kernel_size, stride, ceil_mode):
    x = images(spatial) / 10
    if p not in (2, 4.0, -2.0, math.inf, -math.inf):
        x = np.abs(x)
    parity(f"lp_pool{spatial}d", x, p, kernel_size, stride=stride, ceil_mode=ceil_mode)


@pytest.mark.parametrize("p", [1, 2, 3, 4, 0.5, -1, math.inf, -math.inf])
@pytest.mark.parametrize(
    "pair",
    [(0.0, 0.0), (1.0, -1.0), (-2.0, 1.0), (-2.0, -3.0), (0.0, 2.0), (math.inf, 1.0), (-math.inf, 1.0)],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_lp_pool_at_its_corners(p, pair):
    """A sum of 0, below 0 (whose root is NaN), and infinite."""
    parity("lp_pool1d", np.array([[pair]]), p, 2)


def test_lp_pool_of_integers():
    x = np.arange(16).reshape(1, 4, 4)  # they become float32; with p = 2 PyTorch would average integers
    parity("lp_pool2d", x, 2.0, 2, tolerance={"float64": TOLERANCES["float32"]})


# --- a given size ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 5, 6, 7])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 11])
def test_adaptive_pools_of_a_line(size, number):
    parity("adaptive_avg_pool1d", spread(2, 3, size), number)
    parity("adaptive_max_pool1d", spread(2, 3, size), number, return_indices=True)


@each_spatial
def test_adaptive_pools_to_nothing(spatial):
    for name in (f"adaptive_avg_pool{spatial}d", f"adaptive_max_pool{spatial}d"):
        # PyTorch has no backward pass for nothing
        parity(
            name, images(spatial), 0, ours=forward_of(F, name), theirs=forward_of(torch.nn.functional, name)
        )


@each_spatial
@pytest.mark.parametrize("output_size", [1, 2, 3, (4, 3, 2), (7, 1, 4), (9, 8, 7)])
def test_adaptive_pools(spatial, output_size):
    wanted = output_size if isinstance(output_size, int) else output_size[:spatial]
    parity(f"adaptive_avg_pool{spatial}d", images(spatial), wanted)
    parity(f"adaptive_max_pool{spatial}d", images(spatial), wanted, return_indices=True)


@pytest.mark.parametrize("output_size", [(None, 3), (2, None), (None, None)])
def test_adaptive_pools_that_keep_a_size(output_size):
    parity("adaptive_avg_pool2d", images(2), output_size)
    parity("adaptive_max_pool2d", images(2), output_size, return_indices=True)
    parity("adaptive_max_pool3d", images(3), (*output_size, 2), return_indices=True)


def test_adaptive_pools_with_ties():
    x = np.round(randn(3, 4, 7, 5))
    parity("adaptive_max_pool2d", x, (3, 4), return_indices=True)


def test_adaptive_average_of_infinite_elements():
    for numbers in ([1.0, math.inf, 2.0, -3.0, 4.0], [math.inf, 1.0, 2.0, -math.inf, math.nan]):
        parity("adaptive_avg_pool1d", np.array([numbers]), 3)
        parity("adaptive_avg_pool1d", np.array([numbers]), 4)


# --- layers ---------------------------------------------------------------------------------------

LAYERS = [
    ("MaxPool", (3,), {"stride": 2, "padding": 1, "return_indices": True}),
    ("MaxPool", (2, 1, 1, 2), {"ceil_mode": True}),
    ("AvgPool", (3, 2, 1, True), {"count_include_pad": False}),
    ("LPPool", (2, 3, 2), {"ceil_mode": True}),
    ("AdaptiveAvgPool", (3,), {}),
    ("AdaptiveMaxPool", (3,), {"return_indices": True}),
]


@each_spatial
@pytest.mark.parametrize(("name", "args", "options"), LAYERS)
def test_layers(spatial, name, args, options):
    layer_parity(f"{name}{spatial}d", images(spatial), args=args, **options)


@each_spatial
def test_unpooling_layers(spatial):
    x = spread(2, 2, *(4, 6, 2)[:spatial])
    _, indices = getattr(tc.nn, f"MaxPool{spatial}d")(2, return_indices=True)(tc.tensor(x))
    layer_parity(f"MaxUnpool{spatial}d", spread(*indices.shape), indices.numpy(), args=(2,))


def test_a_divisor_of_ones_own():
    layer_parity("AvgPool2d", images(2), args=(2,), divisor_override=3)
    layer_parity("AvgPool3d", images(3), args=(2, 1, 0, False, True, 7))


@pytest.mark.parametrize(
    ("name", "args"),
    [("MaxPool2d", (2,)), ("AvgPool3d", (2, 1)), ("LPPool1d", (2, 3)), ("AdaptiveAvgPool2d", (3,))],
)
def test_layers_show_the_same(name, args):
    assert repr(getattr(tc.nn, name)(*args)) == repr(getattr(torch.nn, name)(*args))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(
    ("kernel_size", "stride", "padding"), [(5, 5, 0), (5, 2, 0), ((5, 3), 2, (0, 1)), (5, 1, 2)]
)
def test_ceil_mode_lets_a_large_window_begin_inside(name, kernel_size, stride, padding):
    parity(name, spread(2, 2, 4, 4), kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=True)
