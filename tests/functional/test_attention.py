"""Attention: where a query looks, where it may not, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from functional.refusals import refusals
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays

attend = F.scaled_dot_product_attention


def by_loops(query, key, value, allowed, scale):
    """One query at a time, one key at a time."""
    out = np.zeros((len(query), value.shape[1]))
    for i, q in enumerate(query):
        seen = [j for j in range(len(key)) if allowed[i, j]]
        powers = [math.exp(scale * sum(a * b for a, b in zip(q, key[j], strict=True))) for j in seen]
        for j, power in zip(seen, powers, strict=True):
            out[i] += power / sum(powers) * value[j]
    return out


@st.composite
def questions(draw):
    queries, keys, features, values = (draw(st.integers(1, 4)) for _ in range(4))
    shapes = [(queries, features), (keys, features), (keys, values)]
    allowed = np.array([[draw(st.booleans()) for _ in range(keys)] for _ in range(queries)], dtype=bool)
    return [draw(arrays(shape)) for shape in shapes], allowed


@settings(deadline=None, max_examples=50)
@given(questions(), st.sampled_from([None, 0.3]))
def test_any_mask_by_loops(drawn, scale):
    numbers, allowed = drawn
    used = 1 / math.sqrt(numbers[0].shape[1]) if scale is None else scale
    expected = by_loops(*numbers, allowed, used)
    out = attend(*map(tc.tensor, numbers), tc.tensor(allowed), scale=scale)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-9, atol=1e-12)
    as_numbers = np.where(allowed, 0.0, -np.inf)
    out = attend(*map(tc.tensor, numbers), tc.tensor(as_numbers), scale=scale)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=8)
@given(questions())
def test_gradients(drawn):
    numbers, allowed = drawn
    leaves = [tc.tensor(x / 4, requires_grad=True) for x in numbers]
    mask = tc.tensor(allowed)
    assert gradcheck(lambda q, k, v: attend(q, k, v, mask), leaves, order=2)


def test_a_mask_of_numbers_has_a_gradient():
    shapes = [(2, 3), (4, 3), (4, 2), (2, 4)]
    leaves = [tc.tensor(np.random.default_rng([*s]).normal(size=s), requires_grad=True) for s in shapes]
    assert gradcheck(attend, leaves, order=2)


def test_a_query_that_matches_one_key_gets_its_value():
    keys = tc.eye(3) * 100
    values = tc.tensor([[1.0], [2.0], [3.0]])
    assert attend(keys[[2, 0]], keys, values).tolist() == [[3.0], [1.0]]


@pytest.mark.parametrize(("queries", "keys"), [(3, 3), (2, 4), (4, 2)])
def test_causal_is_a_triangle_of_ones(queries, keys):
    generator = np.random.default_rng(0)
    q, k, v = (tc.tensor(generator.normal(size=s)) for s in [(queries, 2), (keys, 2), (keys, 2)])
    triangle = tc.tensor(np.tril(np.ones((queries, keys), dtype=bool)))
    np.testing.assert_allclose(
        attend(q, k, v, is_causal=True).numpy(), attend(q, k, v, triangle).numpy(), rtol=1e-12
    )


def test_the_future_has_no_influence():
    x = tc.tensor(np.random.default_rng(0).normal(size=(5, 4)), requires_grad=True)
    attend(x, x, x, is_causal=True)[2].sum().backward()
    assert (x.grad.numpy()[3:] == 0).all()
    assert (x.grad.numpy()[:3] != 0).all()


@pytest.mark.parametrize("kind", ["bools", "numbers"])
def test_a_query_that_may_look_nowhere_gets_0_and_sends_0_back(kind):
    leaves = [tc.tensor(np.ones(s), requires_grad=True) for s in [(2, 3), (4, 3), (4, 2)]]
    allowed = tc.tensor([[False] * 4, [True] * 4])
    mask = allowed if kind == "bools" else tc.where(allowed, 0.0, -math.inf).to("float64")
    out = attend(*leaves, mask)
    out.sum().backward()
    assert out.tolist() == [[0, 0], [1, 1]]
    for leaf in leaves:
        assert np.isfinite(leaf.grad.numpy()).all()
    assert leaves[0].grad.tolist()[0] == [0, 0, 0]


@pytest.mark.parametrize("size", [1e3, 1e4])
def test_large_scores_do_not_overflow(size):
    x = tc.tensor([[size, -size]], requires_grad=True)
    out = attend(x, tc.cat([x, -x], 0), tc.tensor([[1.0], [2.0]]))
    out.sum().backward()
    assert out.tolist() == [[1.0]]
    assert np.isfinite(x.grad.numpy()).all()


def test_dropout_takes_weights_away():
    tc.manual_seed(0)
    values = tc.eye(200)
    out = attend(tc.zeros(1, 2), tc.zeros(200, 2), values, dropout_p=0.25)
    kept = out.numpy() > 0
    assert 30 < (~kept).sum() < 70
    np.testing.assert_allclose(out.numpy()[kept], 1 / 200 / 0.75, rtol=1e-6)


def test_neighbouring_queries_share_a_head():
    generator = np.random.default_rng(0)
    q, k, v = (tc.tensor(generator.normal(size=s)) for s in [(2, 6, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4)])
    out = attend(q, k, v, enable_gqa=True)
    for head in range(6):
        expected = attend(q[:, head], k[:, head // 3], v[:, head // 3])
        np.testing.assert_allclose(out[:, head].numpy(), expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    "shapes", [((0, 4), (3, 4), (3, 2)), ((2, 4), (0, 4), (0, 2)), ((2, 0), (3, 0), (3, 2))]
)
def test_sizes_of_0(shapes):
    out = attend(*(tc.ones(*shape) for shape in shapes))
    assert out.shape == (shapes[0][0], 2)
    assert np.isin(out.numpy(), [0, 1]).all()


Q, K, V = tc.ones(2, 3), tc.ones(4, 3), tc.ones(4, 5)
HEADS = tc.ones(3, 2, 4)
TWO_HEADS = tc.ones(2, 2, 4)
test_what_is_refused = refusals(
    {
        "a vector": (lambda: attend(Q[0], K, V), ShapeError, "query"),
        "keys of another length": (lambda: attend(Q, tc.ones(4, 2), V), ShapeError, "key"),
        "values for other keys": (lambda: attend(Q, K, tc.ones(3, 5)), ShapeError, "value"),
        "dtypes": (lambda: attend(Q, K, V.to("float64")), DTypeError, "value"),
        "integers": (lambda: attend(Q.to("int64"), K, V), DTypeError, "query"),
        "two masks": (lambda: attend(Q, K, V, tc.ones(2, 4), is_causal=True), ArgumentError, "attn_mask"),
        "mask of doubles": (lambda: attend(Q, K, V, tc.ones(2, 4, dtype="float64")), DTypeError, "attn_mask"),
        "mask of integers": (lambda: attend(Q, K, V, tc.ones(2, 4, dtype="int64")), DTypeError, "attn_mask"),
        "mask for more": (lambda: attend(Q, K, V, tc.ones(3, 2, 4)), ShapeError, "attn_mask"),
        "mask for others": (lambda: attend(Q, K, V, tc.ones(2, 3)), ShapeError, "attn_mask and the scores"),
        "no probability": (lambda: attend(Q, K, V, dropout_p=1.5), ArgumentError, "dropout_p"),
        "2 heads for 3": (lambda: attend(HEADS, TWO_HEADS, TWO_HEADS, enable_gqa=True), ArgumentError, "key"),
        "no heads": (lambda: attend(Q, K, V, enable_gqa=True), ArgumentError, "key"),
    }
)
