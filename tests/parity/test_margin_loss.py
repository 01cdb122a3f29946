"""Losses with a margin, for classes, pairs and triplets: PyTorch's results and gradients."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn

REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
INFINITE = pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
SHAPES = pytest.mark.parametrize("shape", [(), (5,), (4, 3), (2, 3, 2), (0, 3)])
CLASSES = np.array([1.0, 2.0, 0.5, 3.0])
EXTREME = np.array([1e3, -1e3, np.inf, -np.inf, np.nan])


def reals(*shape):
    return np.asarray(2 * randn(1, *shape)[0])


def signs(*shape):
    return np.asarray(np.random.default_rng(2).choice([-1, 1], shape))


def labels(*shape):
    return np.asarray(np.random.default_rng(1).integers(0, 4, shape))


# --- classes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4), (4,), (0, 4)])
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("margin", [1.0, 0.3, -0.5])
@pytest.mark.parametrize("weight", [None, CLASSES])
@REDUCTIONS
def test_multi_margin(shape, p, margin, weight, reduction):
    if not shape[0] and reduction != "none":
        return  # PyTorch returns whatever the memory holds
    target = labels(*shape[:-1])
    parity("multi_margin_loss", reals(*shape), target, p=p, margin=margin, weight=weight, reduction=reduction)


@pytest.mark.parametrize(
    "target",
    [
        [[3, 0, -1, 1], [-1, 2, 2, 2], [0, 1, 2, 3], [2, 2, -1, -1]],
        [1, -1, 0, 0],
        [-1, -1, -1, -1],
    ],
)
@REDUCTIONS
def test_multilabel_margin(target, reduction):
    target = np.array(target)
    parity("multilabel_margin_loss", reals(*target.shape), target, reduction=reduction)


@pytest.mark.parametrize("shape", [(5, 4), (4,), (2, 3, 4), (0, 4)])
@pytest.mark.parametrize("weight", [None, CLASSES, CLASSES[:1]])
@REDUCTIONS
def test_multilabel_soft_margin(shape, weight, reduction):
    target = np.abs(np.cos(reals(*shape)))
    parity("multilabel_soft_margin_loss", reals(*shape), target, weight=weight, reduction=reduction)


@SHAPES
@REDUCTIONS
def test_soft_margin(shape, reduction):
    parity("soft_margin_loss", reals(*shape), target=signs(*shape).astype(float), reduction=reduction)


# --- pairs and triplets ---------------------------------------------------------------------------


@SHAPES
@pytest.mark.parametrize("margin", [0, 1.0, -0.3])
@pytest.mark.parametrize("dtype", [int, float])
@REDUCTIONS
def test_pairs_of_numbers(shape, margin, dtype, reduction):
    one, two = reals(*shape), np.asarray(randn(1, *shape)[0])
    y = np.asarray(signs(*shape), dtype)
    parity("margin_ranking_loss", one, two, y, margin=margin, reduction=reduction)
    parity("hinge_embedding_loss", one, target=y, margin=margin, reduction=reduction)


@pytest.mark.parametrize("shape", [(5, 3), (3,), (0, 3)])
@pytest.mark.parametrize("margin", [0, 0.3, -0.3])
@REDUCTIONS
def test_pairs_of_vectors(shape, margin, reduction):
    one, two = reals(*shape), randn(2, *shape)[1]
    target = signs(*shape[:-1])
    parity("cosine_embedding_loss", one, two, target, margin=margin, reduction=reduction)


def test_vectors_without_a_direction():
    zeros = np.zeros((2, 3))
    single = {"float64": {"rtol": 1e-8}}  # PyTorch's constant is 10⁻¹² in single precision
    parity("cosine_embedding_loss", zeros, zeros, np.array([1, -1]))
    parity("cosine_embedding_loss", zeros, reals(2, 3), np.array([1, -1]), tolerance=single)


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3)])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("swap", [False, True])
@REDUCTIONS
def test_triplets(shape, p, swap, reduction):
    anchor, positive, negative = randn(3, *shape)
    for margin in (0.5, 2.0):
        options = {"margin": margin, "p": p, "swap": swap, "reduction": reduction}
        parity("triplet_margin_loss", anchor, positive, negative, **options, eps=1e-3)


# --- corners --------------------------------------------------------------------------------------


@INFINITE
def test_where_a_hinge_touches_0():
    """PyTorch's hinges between classes pass no gradient there, the others all of it."""
    one, none = np.array([1.0, 0.0]), np.zeros(2)
    parity("multi_margin_loss", one, np.array(0))
    parity("multilabel_margin_loss", one, np.array([0, -1]))
    parity("hinge_embedding_loss", one, target=np.array([-1, -1]), reduction="none")
    parity("margin_ranking_loss", one, none, np.array([1, 1]), margin=1.0, reduction="none")
    parity("triplet_margin_loss", none, none, np.array([0.0, 1.0]), eps=0.0)


@INFINITE
def test_extreme_scores():
    ones = np.ones(5, int)
    parity("hinge_embedding_loss", EXTREME, target=ones, reduction="none")
    parity("hinge_embedding_loss", EXTREME, target=-ones, reduction="none")
    parity("margin_ranking_loss", EXTREME, np.zeros(5), ones, reduction="none")
    for place in range(4):
        scores = np.array([0.5, EXTREME[place], -1.0])
        for label in range(3):
            parity("multi_margin_loss", scores, np.array(label))
            parity("multilabel_margin_loss", scores, np.array([label, -1, -1]))


# --- layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arrays", "options"),
    [
        ("MultiMarginLoss", (reals(5, 4), labels(5)), {"p": 2, "margin": 0.4, "weight": CLASSES}),
        ("MultiLabelMarginLoss", (reals(2, 4), np.array([[1, 0, -1, -1], [2, -1, -1, -1]])), {}),
        ("MultiLabelSoftMarginLoss", (reals(5, 4), np.cos(randn(5, 4)) ** 2), {"weight": CLASSES}),
        ("HingeEmbeddingLoss", (reals(5), signs(5)), {"margin": 2.0, "reduction": "sum"}),
        ("MarginRankingLoss", (reals(5), randn(5), signs(5)), {"margin": 0.5}),
        ("CosineEmbeddingLoss", (reals(5, 3), randn(5, 3), signs(5)), {"margin": 0.1}),
        ("TripletMarginLoss", (*randn(3, 5, 4),), {"margin": 2.0, "p": 1.0, "eps": 1e-3, "swap": True}),
    ],
)
def test_layers(name, arrays, options):
    layer_parity(name, *arrays, **options)
