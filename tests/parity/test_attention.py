"""Attention against PyTorch: masks of every kind, causality, shared heads, rows that may look nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from parity.compare import layer_parity, parity, randn, torch

import tinygrad_cnn as tc

NAME = "scaled_dot_product_attention"
BATCHES = [(), (2,), (2, 3)]


def inputs(*batch, queries=4, keys=5, features=3, values=6):
    return randn(*batch, queries, features), randn(*batch, keys, features), randn(*batch, keys, values)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize(
    "options", [{}, {"scale": 0.3}, {"is_causal": True}, {"scale": 2.0, "is_causal": True}]
)
def test_without_a_mask(batch, options):
    parity(NAME, *inputs(*batch), **options)


@pytest.mark.parametrize(("queries", "keys"), [(1, 5), (5, 1), (5, 3), (3, 3)])
def test_causality_of_unequal_lengths(queries, keys):
    parity(NAME, *inputs(2, queries=queries, keys=keys), is_causal=True)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shape", [(4, 5), (1, 5), (4, 1)])
def test_a_mask_of_bools(batch, shape):
    parity(NAME, *inputs(*batch), attn_mask=randn(*shape) > -0.3)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("shape", [(4, 5), (1, 5), (4, 1)])
def test_a_mask_of_numbers_that_learns(batch, shape):
    parity(NAME, *inputs(*batch), randn(*shape))


def test_a_mask_for_each_head():
    parity(NAME, *inputs(2, 3), attn_mask=randn(2, 3, 4, 5) > 0)
    parity(NAME, *inputs(2, 3), attn_mask=randn(2, 1, 4, 5))


@pytest.mark.parametrize("kind", ["bools", "numbers"])
def test_a_query_that_may_look_nowhere(kind):
    allowed = np.ones((4, 5), dtype=bool)
    allowed[1] = False
    allowed[2, 1:] = False
    mask = allowed if kind == "bools" else np.where(allowed, 0.5, -np.inf)
    parity(NAME, *inputs(2), attn_mask=mask)


@pytest.mark.parametrize("heads", [1, 2, 6])
def test_shared_heads(heads):
    query, _, _ = inputs(2, 6)
    _, key, value = inputs(2, heads)
    parity(NAME, query, key, value, enable_gqa=True)
    parity(NAME, query, key, value, enable_gqa=True, is_causal=True)


def test_one_set_of_keys_for_all_queries():
    query, _, _ = inputs(3)
    parity(NAME, query, *inputs(1)[1:])


@pytest.mark.parametrize("factor", [1e3, -1e3])
def test_scores_of_any_size(factor):
    query, key, value = inputs(2)
    parity(NAME, query * factor, key, value, tolerance={"float32": {"rtol": 1e-4, "atol": 1e-3}})


@pytest.mark.parametrize(("queries", "keys"), [(0, 5), (4, 0)])
def test_nobody_asks_or_nothing_to_find(queries, keys):
    parity(NAME, *inputs(2, queries=queries, keys=keys))


def test_everything_dropped():
    parity(NAME, *inputs(2), dropout_p=1.0)


# --- several heads --------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"kdim": 3}, {"kdim": 3, "vdim": 5}], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("batch", [True, False])
def test_multihead_attention(batch, batch_first, options):
    sizes = {"kdim": 6, "vdim": 6, **options}
    query, key, value = (randn(*size) for size in [(4, 6), (5, sizes["kdim"]), (5, sizes["vdim"])])
    if batch:
        where = 0 if batch_first else 1
        query, key, value = (np.stack([x, x * 0.5 + 1], where) for x in (query, key, value))
    args = {"args": (6, 3), "batch_first": batch_first, **options}
    layer_parity("MultiheadAttention", query, key, value, **args)


def both(**options):
    """Our layer and PyTorch's with the same weights."""
    theirs = torch.nn.MultiheadAttention(6, 3, dtype=torch.float64, **options)
    ours = tc.nn.MultiheadAttention(6, 3, dtype="float64", **options)
    ours.load_state_dict({name: value.detach().numpy() for name, value in theirs.state_dict().items()})
    return ours, theirs


BLOCKED = np.triu(np.ones((4, 5), dtype=bool), 2)
PADDING = np.array([[False] * 5, [False, False, False, True, True]])


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
@pytest.mark.parametrize("padding", [None, PADDING, PADDING * -2.0], ids=["all", "bools", "numbers"])
@pytest.mark.parametrize(
    "mask",
    [None, BLOCKED, BLOCKED * -1.5, np.stack([BLOCKED, np.roll(BLOCKED, 1, 0), BLOCKED] * 2), randn(6, 4, 5)],
    ids=["all", "bools", "numbers", "bools for each", "numbers for each"],
)
@pytest.mark.parametrize("average_attn_weights", [True, False])
def test_multihead_masks(mask, padding, average_attn_weights):
    ours, theirs = both(batch_first=True)
    arrays = [randn(2, 4, 6), randn(2, 5, 6), randn(2, 5, 6)]
    results = []
    for layer, library in ((ours, tc.tensor), (theirs, torch.tensor)):
        masks = {"attn_mask": mask, "key_padding_mask": padding}
        masks = {name: one if one is None else library(one) for name, one in masks.items()}
        results.append(layer(*map(library, arrays), **masks, average_attn_weights=average_attn_weights))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_multihead_attention_without_weights():
    ours, theirs = both()
    x = randn(4, 2, 6)
    output, weights = ours(*[tc.tensor(x)] * 3, need_weights=False)
    expected, _ = theirs(*[torch.tensor(x)] * 3, need_weights=False)
    assert weights is None
    np.testing.assert_allclose(output.detach().numpy(), expected.detach().numpy(), rtol=1e-9)
