"""Normalization layers, embeddings and similarities: parameters, state, how they look, what they do alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

SHAPES = [
    (nn.LayerNorm(4), (2, 3, 4)),
    (nn.LayerNorm((3, 4), bias=False), (2, 3, 4)),
    (nn.RMSNorm(4), (2, 4)),
    (nn.GroupNorm(2, 6), (2, 6, 3)),
    (nn.GroupNorm(6, 6, affine=False), (2, 6, 3, 2)),
    (nn.InstanceNorm1d(3), (2, 3, 4)),
    (nn.InstanceNorm1d(3), (3, 4)),
    (nn.InstanceNorm2d(3, affine=True), (2, 3, 4, 2)),
    (nn.InstanceNorm2d(3), (3, 4, 2)),
    (nn.InstanceNorm3d(3, track_running_stats=True), (2, 3, 2, 2, 2)),
    (nn.InstanceNorm3d(3), (3, 2, 2, 2)),
    (nn.BatchNorm2d(3, bias=False), (2, 3, 2, 2)),
    (nn.LocalResponseNorm(3), (2, 5, 4, 4)),
]


@pytest.mark.parametrize(("layer", "shape"), SHAPES, ids=repr)
@pytest.mark.parametrize("backend", ["numpy", "meta"])
@pytest.mark.parametrize("train", [True, False])
def test_shapes_stay(layer, shape, backend, train):
    layer = copy.deepcopy(layer).to(backend).train(train)
    assert layer(tc.ones(*shape, backend=backend)).shape == shape


STATE = {"running_mean": (3,), "running_var": (3,), "num_batches_tracked": ()}


@pytest.mark.parametrize(
    ("layer", "state"),
    [
        (nn.LayerNorm((2, 3)), {"weight": (2, 3), "bias": (2, 3)}),
        (nn.LayerNorm(3, bias=False), {"weight": (3,)}),
        (nn.LayerNorm(3, elementwise_affine=False), {}),
        (nn.RMSNorm((2, 3)), {"weight": (2, 3)}),
        (nn.RMSNorm(3, elementwise_affine=False), {}),
        (nn.GroupNorm(1, 3), {"weight": (3,), "bias": (3,)}),
        (nn.GroupNorm(1, 3, bias=False), {"weight": (3,)}),
        (nn.GroupNorm(1, 3, affine=False), {}),
        (nn.InstanceNorm2d(3), {}),
        (nn.InstanceNorm2d(3, affine=True), {"weight": (3,), "bias": (3,)}),
        (nn.InstanceNorm2d(3, track_running_stats=True), STATE),
        (nn.BatchNorm2d(3, bias=False), {"weight": (3,), **STATE}),
        (nn.Embedding(5, 3), {"weight": (5, 3)}),
        (nn.Bilinear(3, 5, 2), {"weight": (2, 3, 5), "bias": (2,)}),
        (nn.Bilinear(3, 5, 2, bias=False), {"weight": (2, 3, 5)}),
    ],
    ids=repr,
)
def test_state(layer, state):
    assert {name: value.shape for name, value in layer.state_dict().items()} == state


def test_scales_begin_with_1_and_shifts_with_0():
    for layer in (nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.InstanceNorm1d(3, affine=True), nn.BatchNorm1d(3)):
        assert layer.weight.tolist() == [1, 1, 1]
        assert layer.bias.tolist() == [0, 0, 0]
    assert nn.RMSNorm(2).weight.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("layer", "shown"),
    [
        (nn.LayerNorm(3), "LayerNorm((3,), eps=1e-05, elementwise_affine=True, bias=True)"),
        (nn.RMSNorm(3), "RMSNorm((3,), eps=None, elementwise_affine=True)"),
        (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
        (
            nn.InstanceNorm2d(3),
            "InstanceNorm2d(3, eps=1e-05, momentum=0.1, affine=False, bias=False, track_running_stats=False)",
        ),
        (nn.LocalResponseNorm(5), "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=1.0)"),
        (nn.Embedding(5, 3), "Embedding(5, 3)"),
        (
            nn.Embedding(5, 3, -1, 2.0, scale_grad_by_freq=True),
            "Embedding(5, 3, padding_idx=4, max_norm=2.0, norm_type=2.0, scale_grad_by_freq=True)",
        ),
        (nn.Bilinear(3, 5, 2), "Bilinear(in1_features=3, in2_features=5, out_features=2, bias=True)"),
        (nn.CosineSimilarity(), "CosineSimilarity(dim=1, eps=1e-08)"),
        (nn.PairwiseDistance(keepdim=True), "PairwiseDistance(p=2.0, eps=1e-06, keepdim=True)"),
    ],
)
def test_how_it_looks(layer, shown):
    assert repr(layer) == shown


@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: nn.LayerNorm(2, dtype=dtype),
        lambda dtype: nn.RMSNorm(2, dtype=dtype),
        lambda dtype: nn.GroupNorm(1, 2, dtype=dtype),
        lambda dtype: nn.InstanceNorm1d(2, affine=True, track_running_stats=True, dtype=dtype),
        lambda dtype: nn.Embedding(2, 2, dtype=dtype),
        lambda dtype: nn.Bilinear(2, 2, 2, dtype=dtype),
    ],
)
def test_another_dtype(make):
    state = make("float64").state_dict()
    assert {str(value.dtype) for name, value in state.items() if "tracked" not in name} == {"float64"}


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: nn.GroupNorm(2, 3), ArgumentError),
        (lambda: nn.GroupNorm(0, 3), ArgumentError),
        (lambda: nn.GroupNorm(1, 0), ArgumentError),
        (lambda: nn.InstanceNorm2d(-3), (ArgumentError, ShapeError)),
        (lambda: nn.LayerNorm(2.5), ArgumentTypeError),
        (lambda: nn.Embedding(0, 3), ArgumentError),
        (lambda: nn.Embedding(5, 3, padding_idx=5), ArgumentError),
        (lambda: nn.Bilinear(0, 1, 1), ArgumentError),
        (lambda: nn.Embedding.from_pretrained(tc.ones(3)), ShapeError),
        (lambda: nn.Embedding.from_pretrained(tc.tensor([[1, 2]])), DTypeError),
    ],
)
def test_what_makes_no_layer(make, error):
    with pytest.raises(error):
        make()


# --- instance normalization -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.InstanceNorm1d(3), (3,)),
        (nn.InstanceNorm1d(3), (4, 2)),
        (nn.InstanceNorm2d(3), (2, 4, 2, 2)),
        (nn.InstanceNorm2d(3), (4, 2, 2)),
        (nn.InstanceNorm3d(3), (2, 3, 2)),
    ],
    ids=repr,
)
def test_instance_norm_says_what_it_takes(layer, shape):
    with pytest.raises(ShapeError, match="does not take this input") as caught:
        layer(tc.ones(*shape))
    assert "3" in caught.value.expected


def test_instance_norm_learns_statistics_only_if_told():
    x = tc.tensor([[[1.0, 3.0]]])
    plain, tracking = nn.InstanceNorm1d(1), nn.InstanceNorm1d(1, track_running_stats=True)
    for layer in (plain, tracking):
        layer(x)
        layer.eval()
    np.testing.assert_allclose([tracking.running_mean.item(), tracking.running_var.item()], [0.2, 1.1])
    np.testing.assert_allclose(plain(x).numpy(), [[[-1, 1]]], rtol=1e-5)
    np.testing.assert_allclose(tracking(x).numpy(), (x.numpy() - 0.2) / np.sqrt(1.1 + 1e-5), rtol=1e-5)


# --- embedding ------------------------------------------------------------------------------------


def test_embedding_begins_standard_normal():
    tc.manual_seed(0)
    rows = nn.Embedding(200, 50, padding_idx=3).weight.numpy()
    assert not rows[3].any()
    rest = np.delete(rows, 3, axis=0)
    assert abs(rest.mean()) < 0.05
    assert abs(rest.std() - 1) < 0.05


def test_embedding_never_moves_its_padding_row():
    layer = nn.Embedding(4, 2, padding_idx=1)
    optimizer = tc.optim.SGD(layer.parameters(), lr=0.1)
    before = layer.weight.numpy().copy()
    layer(tc.tensor([1, 2, 2])).sum().backward()
    optimizer.step()
    np.testing.assert_allclose(before - layer.weight.numpy(), [[0, 0], [0, 0], [0.2, 0.2], [0, 0]], atol=1e-6)


def test_a_pretrained_table_is_copied_and_draws_nothing():
    tc.manual_seed(0)
    expected = tc.rand(3).tolist()
    tc.manual_seed(0)
    vectors = tc.tensor([[1.0, 2.0], [3.0, 4.0]], dtype="float64")
    layer = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=0)
    assert tc.rand(3).tolist() == expected
    assert layer.weight.requires_grad
    assert layer.weight.dtype is tc.float64
    vectors.assign(vectors * 0)
    assert layer(tc.tensor([0, 1])).tolist() == [[1, 2], [3, 4]]
    assert list(layer.state_dict()) == ["weight"]
    assert not nn.Embedding.from_pretrained(vectors).weight.requires_grad


def test_bilinear_weights_are_uniform_in_1_over_root_in1_features():
    layer = nn.Bilinear(25, 30, 40)
    for values in (layer.weight.numpy(), layer.bias.numpy()):
        assert 0.9 * 0.2 < np.abs(values).max() <= 0.2
