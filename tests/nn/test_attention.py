"""Attention with several heads: what it is made of, what it may not look at, what it refuses."""

from __future__ import annotations

import numpy as np
from functional.refusals import refusals

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn import nn
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck


def drawn(*shape):
    return tc.tensor(np.random.default_rng([*shape]).normal(size=shape), requires_grad=True)


def test_one_head_that_maps_nothing_is_plain_attention():
    layer = nn.MultiheadAttention(3, 1, batch_first=True, dtype="float64")
    layer.in_proj_weight.assign(tc.cat([tc.eye(3, dtype="float64")] * 3, 0))
    layer.out_proj.weight.assign(tc.eye(3, dtype="float64"))
    q, k, v = drawn(2, 4, 3), drawn(2, 5, 3), drawn(2, 5, 3) * 2
    output, weights = layer(q, k, v)
    np.testing.assert_allclose(output.numpy(), F.scaled_dot_product_attention(q, k, v).numpy(), rtol=1e-12)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1, rtol=1e-12)


def test_heads_see_only_their_own_features():
    layer = nn.MultiheadAttention(4, 2, dtype="float64")
    x = drawn(3, 4)
    _, before = layer(x, x, x, average_attn_weights=False)
    rows = tc.tensor([[1.0], [1], [9], [9]], dtype="float64")  # of the queries' map: the second head's
    layer.in_proj_weight.assign(layer.in_proj_weight * tc.cat([rows, tc.ones(8, 1, dtype="float64")], 0))
    _, after = layer(x, x, x, average_attn_weights=False)
    assert before.shape == (2, 3, 3)
    np.testing.assert_array_equal(before.numpy()[0], after.numpy()[0])
    assert (before.numpy()[1] != after.numpy()[1]).all()


def test_the_order_of_batch_and_sequence():
    tc.manual_seed(0)
    first = nn.MultiheadAttention(4, 2, batch_first=True)
    tc.manual_seed(0)
    second = nn.MultiheadAttention(4, 2)
    x = tc.rand(3, 5, 4)
    output, weights = first(x, x, x)
    turned = x.transpose(0, 1)
    other, same_weights = second(turned, turned, turned)
    np.testing.assert_array_equal(output.numpy(), other.transpose(0, 1).numpy())
    np.testing.assert_array_equal(weights.numpy(), same_weights.numpy())


def test_padding_has_no_influence():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = tc.rand(1, 5, 4)
    short, _ = layer(x, x[:, :3], x[:, :3])
    padded, weights = layer(x, x, x, key_padding_mask=tc.tensor([[False] * 3 + [True] * 2]))
    np.testing.assert_allclose(short.numpy(), padded.numpy(), rtol=1e-5)
    assert not weights.numpy()[:, :, 3:].any()


def test_a_query_that_may_look_nowhere_gets_the_last_bias():
    layer = nn.MultiheadAttention(4, 2)
    layer.out_proj.bias.assign(tc.tensor([1.0, 2.0, 3.0, 4.0]))
    x = tc.rand(2, 4)
    output, weights = layer(x, x, x, attn_mask=tc.tensor([[True, True], [False, False]]))
    assert output.tolist()[0] == [1, 2, 3, 4]
    assert weights.tolist()[0] == [0, 0]
    output.sum().backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in layer.parameters())


def test_gradients():
    layer = nn.MultiheadAttention(4, 2, kdim=3, dtype="float64")
    mask = tc.tensor(np.tril(np.ones((2, 3))))
    assert gradcheck(
        lambda q, k, v: layer(q, k, v, attn_mask=mask)[0], [drawn(2, 4), drawn(3, 3), drawn(3, 4)], order=2
    )


def test_dropout_only_while_training():
    layer = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = tc.rand(6, 4)
    tc.manual_seed(0)
    assert (layer(x, x, x, average_attn_weights=False)[1].numpy() == 0).any()
    layer.eval()
    assert (layer(x, x, x, average_attn_weights=False)[1].numpy() > 0).all()


def test_weights_begin_as_pytorchs():
    layer = nn.MultiheadAttention(64, 4)
    bound = np.sqrt(6 / (64 + 3 * 64))
    assert 0.98 * bound < np.abs(layer.in_proj_weight.numpy()).max() <= bound
    assert not layer.in_proj_bias.numpy().any()
    assert not layer.out_proj.bias.numpy().any()
    assert 0.98 / 8 < np.abs(layer.out_proj.weight.numpy()).max() <= 1 / 8


def test_how_it_looks():
    assert repr(nn.MultiheadAttention(4, 2)).startswith(
        "MultiheadAttention(\n  4, num_heads=2, batch_first=False\n  (out_proj): Linear("
    )


LAYER = nn.MultiheadAttention(4, 2)
X, SINGLE = tc.ones(5, 2, 4), tc.ones(5, 4)
test_what_is_refused = refusals(
    {
        "features": (lambda: LAYER(X, tc.ones(5, 2, 3), X), ShapeError, "key"),
        "dimensions": (lambda: LAYER(X, X, SINGLE), ShapeError, "value"),
        "too many dimensions": (lambda: LAYER(tc.ones(1, 5, 2, 4), X, X), ShapeError, "query"),
        "keys without values": (lambda: LAYER(X, X, X[:3]), ShapeError, "value"),
        "another batch": (lambda: LAYER(X[:, :1], X, X), ShapeError, "key"),
        "mask": (lambda: LAYER(X, X, X, attn_mask=tc.ones(5, 4)), ShapeError, "attn_mask"),
        "mask of doubles": (
            lambda: LAYER(X, X, X, attn_mask=tc.ones(5, 5, dtype="float64")),
            DTypeError,
            "attn_mask",
        ),
        "padding": (lambda: LAYER(X, X, X, tc.ones(5, 2)), ShapeError, "key_padding_mask"),
        "padding of one": (lambda: LAYER(X, X, X, tc.ones(5)), ShapeError, "key_padding_mask"),
        "dtypes": (lambda: LAYER(X, X.to("float64"), X), DTypeError, "input"),
        "3 heads": (lambda: nn.MultiheadAttention(4, 3), ArgumentError, "num_heads"),
        "no heads": (lambda: nn.MultiheadAttention(4, 0), ArgumentError, "num_heads"),
        "dropout": (lambda: nn.MultiheadAttention(4, 2, 2.0), ArgumentError, "dropout"),
    }
)
