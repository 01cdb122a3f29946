"""Normalization and dropout against PyTorch: values, gradients, running statistics, layers."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn, torch

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

SHAPES = [(5, 3), (5, 3, 4), (5, 3, 4, 2), (2, 3, 2, 3, 2)]


def affine(kind, *shape):
    return {
        "neither": (None, None),
        "weight": (randn(*shape), None),
        "bias": (None, randn(*shape, 1)[..., 0]),
        "both": (randn(*shape), randn(*shape, 1)[..., 0]),
    }[kind]


each_affine = pytest.mark.parametrize("kind", ["neither", "weight", "bias", "both"])


# --- with running statistics ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@each_affine
def test_batch_norm_by_the_batch(shape, kind):
    weight, bias = affine(kind, 3)
    parity("batch_norm", randn(*shape), None, None, weight, bias, training=True, eps=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
@each_affine
def test_batch_norm_by_running_statistics(shape, kind):
    weight, bias = affine(kind, 3)
    statistics = {"running_mean": randn(3), "running_var": np.abs(randn(3, 2)[:, 0]) + 0.5}
    parity("batch_norm", randn(*shape), weight=weight, bias=bias, **statistics)


def assert_same_statistics(name, x, keywords):
    """A function of both libraries moves the running statistics alike."""
    mean, var = randn(3), np.abs(randn(3)) + 1
    mine, theirs = (
        {"running_mean": library(mean), "running_var": library(var)} for library in (tc.tensor, torch.tensor)
    )
    for _ in range(2):
        getattr(F, name)(tc.tensor(x), **mine, **keywords)
        getattr(torch.nn.functional, name)(torch.tensor(x), **theirs, **keywords)
    for key in mine:
        np.testing.assert_allclose(mine[key].numpy(), theirs[key].numpy(), rtol=1e-12, err_msg=key)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("momentum", [0.1, 0.7, 0.0, 1.0])
def test_batch_norm_moves_running_statistics(shape, momentum):
    assert_same_statistics("batch_norm", randn(*shape), {"training": True, "momentum": momentum})


@pytest.mark.parametrize("shape", SHAPES[1:])
@pytest.mark.parametrize("momentum", [0.1, 0.7])
def test_instance_norm_moves_running_statistics(shape, momentum):
    assert_same_statistics("instance_norm", randn(*shape), {"momentum": momentum})


@pytest.mark.parametrize("shape", SHAPES[1:])
@each_affine
def test_instance_norm(shape, kind):
    weight, bias = affine(kind, 3)
    parity("instance_norm", randn(*shape), weight=weight, bias=bias, eps=1e-4)
    statistics = {"running_mean": randn(3), "running_var": np.abs(randn(3)) + 0.5}
    parity("instance_norm", randn(*shape), weight=weight, bias=bias, use_input_stats=False, **statistics)


# --- without --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "normalized"), [((4,), (4,)), ((5, 4), (4,)), ((2, 3, 4), (3, 4)), ((2, 1, 3, 2), (1, 3, 2))]
)
@each_affine
def test_layer_norm(shape, normalized, kind):
    weight, bias = affine(kind, *normalized)
    parity("layer_norm", randn(*shape), normalized, weight, bias)
    parity("layer_norm", randn(*shape), normalized, weight, bias, eps=0.1)


@pytest.mark.parametrize(("shape", "normalized"), [((4,), (4,)), ((2, 3, 4), (3, 4)), ((2, 3, 4), (4,))])
@pytest.mark.parametrize("eps", [None, 1e-2, 0.0])
def test_rms_norm(shape, normalized, eps):
    parity("rms_norm", randn(*shape), normalized, eps=eps)
    parity("rms_norm", randn(*shape), normalized, randn(*normalized), eps=eps)


def test_rms_norm_of_zeros_shows_its_eps():
    parity("rms_norm", np.zeros((2, 3)), (3,), tolerance={"float64": {"rtol": 1e-9, "atol": 1e-3}})
    parity("rms_norm", np.full((2, 3), 1e-5), (3,))


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
@pytest.mark.parametrize("shape", [(2, 6, 5), (2, 6, 2, 3), (4, 24)])
@pytest.mark.parametrize("kind", ["neither", "weight", "both"])  # PyTorch 2.13 fails on a bias alone
def test_group_norm(shape, groups, kind):
    weight, bias = affine(kind, shape[1])
    parity("group_norm", randn(*shape), groups, weight, bias)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 5, 3, 2), (1, 4, 2, 1, 3)])
def test_local_response_norm(shape, size):
    parity("local_response_norm", randn(*shape), size)
    parity("local_response_norm", randn(*shape), size, alpha=0.5, beta=1.25, k=2.0)


@pytest.mark.parametrize(
    ("name", "x", "options"),
    [
        ("batch_norm", np.zeros((0, 3)), {"running_mean": None, "running_var": None, "training": True}),
        ("batch_norm", np.zeros((2, 3, 0)), {"running_mean": None, "running_var": None, "training": True}),
        ("instance_norm", np.zeros((0, 3, 2)), {}),
        ("instance_norm", np.zeros((2, 3, 0)), {}),
        ("layer_norm", np.zeros((0, 3)), {"normalized_shape": (3,)}),
        ("layer_norm", np.zeros((3, 0)), {"normalized_shape": (0,)}),
        ("rms_norm", np.zeros((0, 3)), {"normalized_shape": (3,)}),
        ("group_norm", np.zeros((0, 4, 2)), {"num_groups": 2}),
        ("group_norm", np.zeros((2, 4, 0)), {"num_groups": 2}),
        ("local_response_norm", np.zeros((2, 0, 3)), {"size": 2}),
        ("local_response_norm", np.zeros((0, 2, 3)), {"size": 2}),
    ],
)
def test_nothing_in_nothing_out(name, x, options):
    parity(name, x, **options)


EXTREMES = {
    "constant": [5.0, 5.0, 5.0, 5.0],
    "large": [1e3, -1e3, 1e3, 0.0],
    "far from 0": [1e4 + 1, 1e4 - 1, 1e4, 1e4 + 2],
    "infinite": [np.inf, 1.0, 2.0, 3.0],
    "NaN": [np.nan, 1.0, 2.0, 3.0],
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's about ∞ − ∞: here it is wanted
@pytest.mark.parametrize("row", EXTREMES)
@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_extreme_rows(name, row):
    x = np.array([EXTREMES[row]])
    parity(name, x, (4,), tolerance={"float32": {"rtol": 2e-4, "atol": 2e-4}})


# --- layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"affine": False},
        {"track_running_stats": False},
        {"momentum": None},
        {"momentum": 0.3, "eps": 0.1},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("BatchNorm1d", (4, 3)),
        ("BatchNorm1d", (4, 3, 2)),
        ("BatchNorm2d", (4, 3, 2, 3)),
        ("BatchNorm3d", (2, 3, 2, 2, 3)),
    ],
)
def test_batch_norm_layers(name, shape, options, train):
    layer_parity(name, randn(*shape), args=(3,), train=train, **options)


@pytest.mark.parametrize("train", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"affine": True},
        {"track_running_stats": True},
        {"track_running_stats": True, "affine": True},
        {"track_running_stats": True, "momentum": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("batch", [(2,), ()])
@pytest.mark.parametrize("size", [(4,), (2, 3), (2, 2, 3)])
def test_instance_norm_layers(size, batch, options, train):
    layer_parity(f"InstanceNorm{len(size)}d", randn(*batch, 3, *size), args=(3,), train=train, **options)


@pytest.mark.parametrize(
    ("name", "args", "options", "shape"),
    [
        ("LayerNorm", (4,), {}, (2, 3, 4)),
        ("LayerNorm", ((3, 4),), {"eps": 0.1}, (2, 3, 4)),
        ("LayerNorm", (4,), {"bias": False}, (2, 4)),
        ("LayerNorm", (4,), {"elementwise_affine": False}, (2, 4)),
        ("RMSNorm", (4,), {}, (2, 3, 4)),
        ("RMSNorm", ((3, 4),), {"eps": 0.1}, (2, 3, 4)),
        ("RMSNorm", (4,), {"elementwise_affine": False}, (2, 4)),
        ("GroupNorm", (2, 6), {}, (2, 6, 3)),
        ("GroupNorm", (3, 6), {"affine": False, "eps": 0.1}, (2, 6, 3, 2)),
        ("GroupNorm", (3, 6), {"bias": False}, (2, 6, 3, 2)),
        ("BatchNorm2d", (3,), {"bias": False}, (2, 3, 3, 2)),
        ("LocalResponseNorm", (3,), {"alpha": 0.1, "beta": 0.5, "k": 2.0}, (2, 5, 3, 2)),
    ],
)
def test_other_layers(name, args, options, shape):
    layer_parity(name, randn(*shape), args=args, **options)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_many_batches_leave_the_same_statistics(momentum):
    ours, theirs = (
        tc.nn.BatchNorm1d(3, momentum=momentum, dtype="float64"),
        torch.nn.BatchNorm1d(3, momentum=momentum, dtype=torch.float64),
    )
    for size in (2, 5, 3, 7):
        batch = randn(size, 3) + size
        ours(tc.tensor(batch))
        theirs(torch.tensor(batch))
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key].numpy(), value.numpy(), rtol=1e-12, err_msg=key)


# --- dropout, where chance has no say -------------------------------------------------------------


DROPOUTS = ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]


@pytest.mark.parametrize("name", DROPOUTS)
@pytest.mark.parametrize(("p", "training"), [(0.0, True), (1.0, True), (0.4, False), (1.0, False)])
def test_dropout_without_chance(name, p, training):
    shape = {"dropout1d": (2, 3, 4), "dropout3d": (2, 3, 2, 2, 2)}.get(name, (2, 3, 2, 2))
    parity(name, randn(*shape), p=p, training=training)
