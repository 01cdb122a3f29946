"""Batch normalization and dropout, while training and afterwards."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

# --- batch normalization --------------------------------------------------------------------------


def test_the_batch_gets_mean_0_and_variance_1_in_every_channel():
    x = tc.tensor(np.random.default_rng(0).normal(5, 3, (8, 2, 4, 4)))
    out = F.batch_norm(x, None, None, training=True, eps=1e-12).numpy()
    np.testing.assert_allclose(out.mean((0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(out.var((0, 2, 3)), 1, rtol=1e-9)


def test_case_42_one_value_a_channel():
    with pytest.raises(ShapeError, match="more than one value a channel"):
        F.batch_norm(tc.zeros(1, 3), None, None, training=True)
    with pytest.raises(ShapeError, match="more than one value a channel"):
        F.batch_norm(tc.zeros(1, 3, 1, 1), None, None, training=True)


def test_case_43_running_statistics_take_the_unbiased_variance():
    mean, var = tc.zeros(1), tc.ones(1)
    F.batch_norm(tc.tensor([[1.0], [3.0]]), mean, var, training=True, momentum=0.1)
    np.testing.assert_allclose(mean.numpy(), [0.2], rtol=1e-6)
    np.testing.assert_allclose(var.numpy(), [1.1], rtol=1e-6)


def test_case_44_an_empty_batch_leaves_running_statistics():
    mean, var = tc.full((2,), 3.0), tc.full((2,), 4.0)
    out = F.batch_norm(tc.zeros(0, 2, 3, 3), mean, var, training=True)
    assert out.shape == (0, 2, 3, 3)
    assert (mean.tolist(), var.tolist()) == ([3.0, 3.0], [4.0, 4.0])


def test_running_statistics_take_the_place_of_the_batch():
    x = np.random.default_rng(0).normal(size=(3, 2, 2))
    mean, var, w, b = (np.array(pair) for pair in ([1.0, 2.0], [4.0, 9.0], [3.0, 0.5], [0.1, 0.2]))
    out = F.batch_norm(*(tc.tensor(a) for a in (x, mean, var, w, b)), eps=1e-5)
    column = (slice(None), None)
    expected = (x - mean[column]) / np.sqrt(var[column] + 1e-5) * w[column] + b[column]
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12)


def test_gradients_of_the_running_form_reach_weight_and_bias():
    x = tc.tensor([[2.0], [4.0]], dtype="float64", requires_grad=True)
    w, b = (tc.tensor([v], dtype="float64", requires_grad=True) for v in (3.0, 0.0))
    one = tc.ones(1, dtype="float64")
    F.batch_norm(x, one, one, w, b, eps=1e-9).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), [4.0], rtol=1e-8)
    np.testing.assert_allclose(b.grad.numpy(), [2.0])
    np.testing.assert_allclose(x.grad.numpy(), [[3.0], [3.0]], rtol=1e-8)


def test_updating_running_statistics_is_not_recorded():
    mean, var = tc.zeros(1), tc.ones(1)
    F.batch_norm(tc.tensor([[1.0], [3.0]], requires_grad=True), mean, var, training=True)
    assert mean.is_leaf
    assert not var.requires_grad


@pytest.mark.parametrize("eps", [0.0, -1e-5])
def test_eps_must_be_positive(eps):
    with pytest.raises(ArgumentError, match="eps"):
        F.batch_norm(tc.zeros(2, 3), None, None, training=True, eps=eps)


def test_using_it_without_running_statistics():
    with pytest.raises(ArgumentTypeError, match="training batch"):
        F.batch_norm(tc.zeros(2, 3), None, None)


@pytest.mark.parametrize("training", [True, False])
def test_a_row_has_no_channels(training):
    with pytest.raises(ShapeError, match="a batch and a channel dimension"):
        F.batch_norm(tc.zeros(3), tc.zeros(3), tc.ones(3), training=training)


def test_nothing_is_updated_when_one_of_the_statistics_does_not_fit():
    mean = tc.zeros(3)
    with pytest.raises(ShapeError) as caught:
        F.batch_norm(tc.ones(4, 3), mean, tc.ones(2), training=True)
    assert caught.value.argument == "running_var"
    assert mean.tolist() == [0, 0, 0]


@pytest.mark.parametrize("training", [True, False])
def test_a_weight_for_each_channel(training):
    with pytest.raises(ShapeError) as caught:
        F.batch_norm(tc.zeros(2, 3), tc.zeros(3), tc.ones(3), weight=tc.ones(1), training=training)
    assert caught.value.argument == "weight"


# --- dropout --------------------------------------------------------------------------------------


def test_case_41_p_1_drops_everything():
    assert F.dropout(tc.ones(5), 1.0).tolist() == [0.0] * 5


def test_case_41_p_0_is_the_identity():
    x = tc.ones(5)
    assert F.dropout(x, 0.0) is x


def test_case_41_evaluation_is_the_identity_and_draws_nothing():
    tc.manual_seed(0)
    expected = tc.rand(3).tolist()
    tc.manual_seed(0)
    x = tc.ones(5)
    assert F.dropout(x, 0.5, training=False) is x
    assert tc.rand(3).tolist() == expected


@pytest.mark.parametrize("p", [1.1, -0.1, "a lot", True])
@pytest.mark.parametrize("training", [True, False])
def test_case_41_p_is_a_probability(p, training):
    with pytest.raises(ArgumentError, match="probability"):
        F.dropout(tc.ones(5), p, training=training)


def test_integers_are_refused():
    with pytest.raises(DTypeError):
        F.dropout(tc.tensor([1, 2]), 0.5)


def test_a_share_of_p_is_dropped_and_the_mean_stays():
    tc.manual_seed(0)
    x = tc.ones(100_000, requires_grad=True)
    out = F.dropout(x, 0.2)
    assert abs((out == 0).to("float32").mean().item() - 0.2) < 0.005
    assert abs(out.mean().item() - 1) < 0.005
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), out.numpy())


def test_one_seed_one_mask():
    masks = []
    for _ in range(2):
        tc.manual_seed(7)
        masks.append([F.dropout(tc.ones(50), 0.5).tolist() for _ in range(2)])
    assert masks[0] == masks[1]
    assert masks[0][0] != masks[0][1]
