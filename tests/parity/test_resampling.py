"""Interpolation: results and gradients are PyTorch's, down to the cells that rounding picks."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn, torch

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

SIZE = (4, 5, 3)


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area"])
@pytest.mark.parametrize("spatial", [1, 2, 3])
@pytest.mark.parametrize(
    "options", [{"size": 3}, {"size": 7}, {"scale_factor": 2}, {"scale_factor": 1.7}, {"scale_factor": 0.6}]
)
def test_modes_for_any_number_of_dimensions(mode, spatial, options):
    parity("interpolate", randn(2, 3, *SIZE[:spatial]), mode=mode, **options)


@pytest.mark.parametrize(
    ("mode", "spatial"), [("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3)]
)
@pytest.mark.parametrize("align_corners", [None, False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"size": 1},
        {"size": 4},
        {"size": 9},
        {"scale_factor": 2},
        {"scale_factor": 1.3},
        {"scale_factor": 1.3, "recompute_scale_factor": True},
        {"scale_factor": 0.6},
    ],
)
def test_modes_that_weigh_cells(mode, spatial, align_corners, options):
    parity(
        "interpolate",
        randn(2, 2, *SIZE[:spatial]),
        mode=mode,
        align_corners=align_corners,
        **options,
    )


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize(
    "options", [{"size": (3, 4)}, {"size": (7, 20)}, {"scale_factor": (0.37, 1.6)}, {"size": 1}]
)
def test_antialias(mode, align_corners, options):
    parity(
        "interpolate",
        randn(2, 2, 9, 11),
        mode=mode,
        align_corners=align_corners,
        antialias=True,
        **options,
    )


def test_another_size_in_each_dimension():
    parity("interpolate", randn(1, 2, 4, 5), size=(2, 9))
    parity("interpolate", randn(1, 2, 4, 5), scale_factor=(2.5, 0.8), mode="bilinear")
    parity("interpolate", randn(0, 2, 4, 5), scale_factor=2, mode="bilinear")


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_nearest_picks_the_same_cell_where_rounding_decides(mode, dtype):
    for size in range(1, 60, 2):
        x = np.arange(size).reshape(1, 1, -1).astype(dtype)
        ours, theirs = tc.tensor(x), torch.tensor(x)
        for option in ({"size": 41}, {"size": 22}, {"scale_factor": 2.7}, {"scale_factor": 1.9}):
            expected = torch.nn.functional.interpolate(theirs, mode=mode, **option)
            np.testing.assert_array_equal(F.interpolate(ours, mode=mode, **option).numpy(), expected.numpy())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Upsample", {"scale_factor": 2}),
        ("Upsample", {"size": (3, 9)}),
        ("Upsample", {"scale_factor": 1.6, "mode": "bilinear", "align_corners": True}),
        ("Upsample", {"scale_factor": 1.6, "mode": "bicubic", "recompute_scale_factor": True}),
        ("UpsamplingNearest2d", {"scale_factor": 2}),
        ("UpsamplingBilinear2d", {"scale_factor": (2, 3)}),
        ("UpsamplingBilinear2d", {"size": 7}),
    ],
)
def test_upsampling_layers(name, options):
    layer_parity(name, randn(2, 3, 4, 5), **options)
