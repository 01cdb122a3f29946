"""Embedding, similarity and bilinear maps against PyTorch: values, gradients, layers."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn, torch

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F

NUMBERS = np.array([[1, 4, 1], [0, 4, 4]])


@pytest.mark.parametrize("numbers", [NUMBERS, NUMBERS[0], np.array(3), np.zeros((0, 2), int)], ids=np.shape)
@pytest.mark.parametrize("padding_idx", [None, 0, 4, -1])
@pytest.mark.parametrize("scale_grad_by_freq", [False, True])
def test_embedding(numbers, padding_idx, scale_grad_by_freq):
    parity(
        "embedding",
        numbers,
        randn(5, 3),
        padding_idx=padding_idx,
        scale_grad_by_freq=scale_grad_by_freq,
    )


@pytest.mark.parametrize("max_norm", [0.5, 1.5, 10.0])
@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, float("inf")])
def test_embedding_shortens_the_rows_it_uses(max_norm, norm_type):
    numbers = np.array([[1, 3], [3, 0]])
    mine, theirs = tc.tensor(randn(5, 3)), torch.tensor(randn(5, 3))
    options = {"max_norm": max_norm, "norm_type": norm_type}
    rows = F.embedding(tc.tensor(numbers), mine, **options)
    expected = torch.nn.functional.embedding(torch.tensor(numbers), theirs, **options)
    np.testing.assert_allclose(rows.numpy(), expected.numpy(), rtol=1e-12)
    np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "options", [{}, {"padding_idx": 2}, {"padding_idx": -1}, {"scale_grad_by_freq": True}, {"max_norm": 1.0}]
)
def test_embedding_layers(options):
    layer_parity("Embedding", NUMBERS, args=(5, 3), **options)


@pytest.mark.parametrize("num_classes", [-1, 5, 8])
@pytest.mark.parametrize("labels", [NUMBERS, NUMBERS[0], np.array(2)], ids=np.shape)
def test_one_hot(labels, num_classes):
    parity("one_hot", labels, num_classes=num_classes)


# --- similarity -----------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 3.0, float("inf")])
@pytest.mark.parametrize(("shape", "dim"), [((4,), 0), ((3, 4), 1), ((3, 4), 0), ((2, 3, 4), -2)])
def test_normalize(shape, dim, p):
    parity("normalize", randn(*shape), p=p, dim=dim)
    parity("normalize", randn(*shape), p=p, dim=dim, eps=1.5)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf")])
def test_normalize_of_zeros(p):
    parity("normalize", np.zeros((2, 3)), p=p)
    parity("normalize", np.zeros((2, 0)), p=p) if p < float("inf") else None


@pytest.mark.parametrize(
    ("first", "second", "dim"),
    [
        ((3,), (3,), 0),
        ((4, 3), (4, 3), 1),
        ((4, 3), (4, 3), 0),
        ((4, 3), (3,), 1),
        ((4, 1, 3), (5, 3), -1),
        ((4, 3, 2), (4, 3, 2), 1),
    ],
)
def test_cosine_similarity(first, second, dim):
    parity("cosine_similarity", randn(*first), randn(*second, 2)[..., 0], dim=dim)


def test_cosine_similarity_with_nothing():
    parity("cosine_similarity", np.zeros((2, 3)), randn(2, 3))
    parity("cosine_similarity", np.zeros((2, 0)), np.zeros((2, 0)))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.5, float("inf")])
@pytest.mark.parametrize("keepdim", [False, True])
@pytest.mark.parametrize(
    ("first", "second"), [((3,), (3,)), ((4, 3), (4, 3)), ((4, 3), (3,)), ((2, 1, 3), (4, 3))]
)
def test_pairwise_distance(first, second, p, keepdim):
    parity("pairwise_distance", randn(*first), randn(*second, 2)[..., 0], p=p, keepdim=keepdim)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_the_distance_of_a_vector_from_itself(p):
    x = np.ones((2, 3))
    parity("pairwise_distance", x, x, p=p, tolerance={"float32": {"rtol": 1e-3, "atol": 1e-5}})
    parity("pairwise_distance", x, x, p=p, eps=0.0)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("CosineSimilarity", ()),
        ("CosineSimilarity", (0, 0.1)),
        ("PairwiseDistance", ()),
        ("PairwiseDistance", (1.0, 0.1, True)),
    ],
)
def test_similarity_layers(name, args):
    layer_parity(name, randn(4, 3), randn(4, 3, 1)[..., 0], args=args)


# --- linear maps ----------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (4,), (2, 3), (0,)])
@pytest.mark.parametrize("bias", [False, True])
def test_bilinear(batch, bias):
    constants = (randn(2, 3, 5), randn(2) if bias else None)
    parity("bilinear", randn(*batch, 3), randn(*batch, 5), *constants)


@pytest.mark.parametrize("bias", [False, True])
def test_linear_layers(bias):
    layer_parity("Linear", randn(4, 3), args=(3, 5), bias=bias)
    layer_parity("Bilinear", randn(4, 3), randn(4, 5), args=(3, 5, 2), bias=bias)
