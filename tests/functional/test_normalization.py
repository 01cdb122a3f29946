"""Normalization: statistics, running statistics, gradients, and what the functions refuse."""

from __future__ import annotations

import numpy as np
import pytest
from functional.refusals import refusals
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.ops.normalize import standardize
from tinygrad_cnn.testing import gradcheck
from tinygrad_cnn.testing.strategies import arrays


def drawn(*shape):
    return tc.tensor(np.random.default_rng([*shape]).normal(5, 3, shape), requires_grad=True)


# --- standardizing --------------------------------------------------------------------------------


@st.composite
def standardized(draw):
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple))
    dims = draw(st.sets(st.integers(0, len(shape) - 1), min_size=1).map(sorted).map(tuple))
    return draw(arrays(shape)), dims, draw(st.sampled_from([1e-2, 0.5, 2.0]))


@settings(deadline=None, max_examples=40)
@given(standardized())
def test_standardizing_any_dimensions(drawn):
    x, dims, eps = drawn
    out, mean, var = standardize(tc.tensor(x), dims=dims, eps=eps)
    np.testing.assert_allclose(mean.numpy(), x.mean(dims, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(var.numpy(), x.var(dims, keepdims=True), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(out.numpy() * np.sqrt(var.numpy() + eps) + mean.numpy(), x, rtol=1e-12)


@settings(deadline=None, max_examples=10)
@given(standardized())
def test_gradients_of_standardizing(drawn):
    x, dims, eps = drawn
    function = lambda value: standardize(value, dims=dims, eps=eps)[0]  # noqa: E731
    assert gradcheck(function, tc.tensor(x, requires_grad=True), order=2)


@pytest.mark.parametrize("value", [12345.678, 1e6 + 0.1])
def test_equal_numbers_become_0_however_large(value):
    """The rounding error of the mean would be blown up by 1/√eps."""
    out = F.layer_norm(tc.full((3, 49), value), 49)
    assert np.abs(out.numpy()).max() < 1e-4


def test_case_20_numbers_far_from_0_keep_their_variance():
    noise = np.random.default_rng(1).normal(0, 0.01, (4, 256))
    x = (1e4 + noise).astype("float32")
    expected = (x.astype("float64") - x.mean(1, dtype="float64", keepdims=True)) / x.std(
        1, dtype="float64", keepdims=True
    )
    np.testing.assert_allclose(F.layer_norm(tc.tensor(x), 256, eps=1e-12).numpy(), expected, atol=1e-3)
    channels = F.batch_norm(tc.tensor(x.T), None, None, training=True, eps=1e-12)
    np.testing.assert_allclose(channels.numpy(), expected.T, atol=1e-3)


# --- batch normalization --------------------------------------------------------------------------


def test_the_batch_gets_mean_0_and_variance_1_in_every_channel():
    out = F.batch_norm(drawn(8, 2, 4, 4), None, None, training=True, eps=1e-12).numpy()
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


@pytest.mark.parametrize("shape", [(0, 2, 3, 3), (4, 2, 0, 3)])
def test_case_44_an_empty_batch_leaves_running_statistics(shape):
    for name, options in (("batch_norm", {"training": True}), ("instance_norm", {})):
        mean, var = tc.full((2,), 3.0), tc.full((2,), 4.0)
        out = getattr(F, name)(tc.zeros(*shape), mean, var, **options)
        assert out.shape == shape
        assert (mean.tolist(), var.tolist()) == ([3.0, 3.0], [4.0, 4.0])


def test_running_statistics_take_the_place_of_the_batch():
    x = np.random.default_rng(0).normal(size=(3, 2, 2))
    mean, var, w, b = (np.array(pair) for pair in ([1.0, 2.0], [4.0, 9.0], [3.0, 0.5], [0.1, 0.2]))
    column = (slice(None), None)
    expected = (x - mean[column]) / np.sqrt(var[column] + 1e-5) * w[column] + b[column]
    tensors = [tc.tensor(a) for a in (x, mean, var, w, b)]
    np.testing.assert_allclose(F.batch_norm(*tensors, eps=1e-5).numpy(), expected, rtol=1e-12)
    used = F.instance_norm(*tensors, use_input_stats=False, eps=1e-5)
    np.testing.assert_allclose(used.numpy(), expected, rtol=1e-12)


def test_gradients_of_the_running_form_reach_weight_and_bias():
    x = tc.tensor([[2.0], [4.0]], dtype="float64", requires_grad=True)
    w, b = (tc.tensor([v], dtype="float64", requires_grad=True) for v in (3.0, 0.0))
    one = tc.ones(1, dtype="float64")
    F.batch_norm(x, one, one, w, b, eps=1e-9).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), [4.0], rtol=1e-8)
    np.testing.assert_allclose(b.grad.numpy(), [2.0])
    np.testing.assert_allclose(x.grad.numpy(), [[3.0], [3.0]], rtol=1e-8)


def test_instance_statistics_are_averaged_over_the_batch():
    mean, var = tc.zeros(1), tc.ones(1)
    x = tc.tensor([[[1.0, 3.0]], [[10.0, 14.0]]])  # means 2 and 12, unbiased variances 2 and 8
    F.instance_norm(x, mean, var, momentum=0.5)
    assert (mean.item(), var.item()) == (3.5, 3.0)


@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_updating_running_statistics_is_not_recorded(name):
    mean, var = tc.zeros(1), tc.ones(1)
    options = {"training": True} if name == "batch_norm" else {}
    getattr(F, name)(tc.tensor([[[1.0, 3.0]]], requires_grad=True), mean, var, **options)
    assert mean.is_leaf
    assert not var.requires_grad
    assert mean.item() != 0


# --- the others -----------------------------------------------------------------------------------


def test_the_four_differ_only_in_what_they_average_over():
    x = drawn(2, 4, 3, 3)
    axes = {
        (0, 2, 3): F.batch_norm(x, None, None, training=True),
        (2, 3): F.instance_norm(x),
        (1, 2, 3): F.layer_norm(x, (4, 3, 3)),
    }
    for over, out in axes.items():
        mean, var = (f(x.numpy(), axis=over, keepdims=True) for f in (np.mean, np.var))
        np.testing.assert_allclose(out.numpy(), (x.numpy() - mean) / np.sqrt(var + 1e-5), rtol=1e-9)
    np.testing.assert_allclose(F.group_norm(x, 4).numpy(), axes[2, 3].numpy(), rtol=1e-12)
    np.testing.assert_allclose(F.group_norm(x, 1).numpy(), axes[1, 2, 3].numpy(), rtol=1e-12)


def test_group_norm_with_a_bias_alone():
    x, bias = drawn(2, 4, 3), tc.tensor([0.0, 1.0, 2.0, 3.0], dtype="float64")
    expected = F.group_norm(x, 2).numpy() + np.arange(4.0)[:, None]
    np.testing.assert_allclose(F.group_norm(x, 2, bias=bias).numpy(), expected, rtol=1e-12)


def test_case_45_a_constant_row():
    x = tc.full((2, 3), 7.0, requires_grad=True)
    out = F.layer_norm(x, 3)
    (out * tc.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert out.tolist() == [[0.0] * 3] * 2
    assert np.isfinite(x.grad.numpy()).all()
    np.testing.assert_allclose(x.grad.numpy()[0], (np.array([1, 2, 4]) - 7 / 3) / np.sqrt(1e-5), rtol=1e-5)


def test_rms_norm_by_hand():
    out = F.rms_norm(tc.tensor([[3.0, 4.0]]), 2, tc.tensor([1.0, 10.0]), eps=0.5)
    np.testing.assert_allclose(out.numpy(), [[3 / np.sqrt(13), 40 / np.sqrt(13)]], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "eps"), [("float32", 2.0**-23), ("float64", 2.0**-52)])
def test_rms_norm_takes_the_eps_of_its_dtype(dtype, eps):
    x = tc.tensor([1e-9], dtype=dtype)
    np.testing.assert_allclose(F.rms_norm(x, 1).item(), 1e-9 / np.sqrt(1e-18 + eps), rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_local_response_norm_by_loops(size):
    x = np.random.default_rng(2).normal(size=(2, 5, 3))
    expected = np.empty_like(x)
    for n, c, i in np.ndindex(*x.shape):
        window = range(max(c - size // 2, 0), min(c + (size - 1) // 2, 4) + 1)
        power = sum(x[n, k, i] ** 2 for k in window) / size
        expected[n, c, i] = x[n, c, i] / (2 + 0.3 * power) ** 0.75
    out = F.local_response_norm(tc.tensor(x), size, alpha=0.3, beta=0.75, k=2.0)
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12)


MEAN, VARIANCE = tc.full((4,), 5.0, dtype="float64"), tc.full((4,), 9.0, dtype="float64")
FUNCTIONS = {
    "batch norm": (lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), (3, 4, 2)),
    "batch norm, used": (lambda x, w, b: F.batch_norm(x, MEAN, VARIANCE, w, b), (3, 4, 2)),
    "instance norm": (lambda x, w, b: F.instance_norm(x, weight=w, bias=b), (3, 4, 2)),
    "group norm": (lambda x, w, b: F.group_norm(x, 2, w, b), (3, 4, 2)),
    "layer norm": (lambda x, w, b: F.layer_norm(x, 4, w, b), (3, 2, 4)),
    "rms norm": (lambda x, w, b: F.rms_norm(x, 4, w) + b, (3, 2, 4)),
    "local response norm": (
        lambda x, w, b: F.local_response_norm(x, 3, 0.5) * w[:, None] + b[:, None],
        (3, 4, 2),
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients(name):
    function, shape = FUNCTIONS[name]
    assert gradcheck(function, [drawn(*shape), drawn(4), drawn(4)], order=2)


# --- errors ---------------------------------------------------------------------------------------


ROWS, VECTOR, DOUBLE = tc.ones(4, 3), tc.ones(3), tc.ones(3, dtype="float64")
IMAGES = tc.ones(2, 3, 4)
test_what_is_refused = refusals(
    {
        "eps 0 in training": (
            lambda: F.batch_norm(ROWS, None, None, training=True, eps=0.0),
            ArgumentError,
            "eps",
        ),
        "eps < 0": (lambda: F.batch_norm(ROWS, VECTOR, VECTOR, eps=-1e-5), ArgumentError, "eps"),
        "eps < 0, layers": (lambda: F.layer_norm(ROWS, 3, eps=-1e-5), ArgumentError, "eps"),
        "eps < 0, rms": (lambda: F.rms_norm(ROWS, 3, eps=-1e-5), ArgumentError, "eps"),
        "eps NaN": (lambda: F.group_norm(ROWS, 1, eps=float("nan")), ArgumentError, "eps"),
        "nothing to use": (lambda: F.batch_norm(ROWS, None, None), ArgumentTypeError, "running_mean"),
        "nothing to use instead": (
            lambda: F.instance_norm(IMAGES, use_input_stats=False),
            ArgumentTypeError,
            "running_mean",
        ),
        "half of the statistics": (
            lambda: F.batch_norm(ROWS, VECTOR, None, training=True),
            ArgumentTypeError,
            "running_var",
        ),
        "the other half": (lambda: F.instance_norm(IMAGES, None, VECTOR), ArgumentTypeError, "running_mean"),
        "a row has no channels": (lambda: F.batch_norm(VECTOR, VECTOR, VECTOR), ShapeError, "input"),
        "nor has it groups": (lambda: F.group_norm(VECTOR, 1), ShapeError, "input"),
        "weight of one": (
            lambda: F.batch_norm(ROWS, VECTOR, VECTOR, weight=tc.ones(1)),
            ShapeError,
            "weight",
        ),
        "bias of one": (lambda: F.group_norm(ROWS, 3, bias=tc.ones(1)), ShapeError, "bias"),
        "mixed dtypes": (
            lambda: F.batch_norm(ROWS, VECTOR, DOUBLE, training=True),
            DTypeError,
            "running_var",
        ),
        "mixed dtypes, groups": (lambda: F.group_norm(ROWS, 3, DOUBLE), DTypeError, "weight"),
        "mixed dtypes, layers": (lambda: F.layer_norm(ROWS, 3, VECTOR, DOUBLE), DTypeError, "bias"),
        "integers": (lambda: F.layer_norm(tc.ones(4, 3, dtype="int64"), 3), DTypeError, "input"),
        "one place": (lambda: F.instance_norm(tc.ones(2, 3, 1)), ShapeError, "input"),
        "no place": (lambda: F.instance_norm(ROWS), ShapeError, "input"),
        "one value in a group": (lambda: F.group_norm(tc.ones(1, 3), 3), ShapeError, "input"),
        "3 into 2": (lambda: F.group_norm(ROWS, 2), ArgumentError, "num_groups"),
        "no groups": (lambda: F.group_norm(ROWS, 0), ArgumentError, "num_groups"),
        "half a group": (lambda: F.group_norm(ROWS, 0.5), ArgumentTypeError, "num_groups"),
        "another end": (lambda: F.layer_norm(ROWS, (4,)), ShapeError, "input"),
        "too long an end": (lambda: F.rms_norm(VECTOR, (3, 3)), ShapeError, "input"),
        "no end": (lambda: F.layer_norm(ROWS, ()), ArgumentError, "normalized_shape"),
        "weight of a layer": (lambda: F.layer_norm(ROWS, (3,), tc.ones(1)), ShapeError, "weight"),
        "bias of a layer": (lambda: F.layer_norm(ROWS, (3,), VECTOR, tc.ones(1, 3)), ShapeError, "bias"),
        "weight of rms": (lambda: F.rms_norm(ROWS, (3,), tc.ones(4)), ShapeError, "weight"),
        "no neighbours": (lambda: F.local_response_norm(IMAGES, 0), ArgumentError, "size"),
        "no places": (lambda: F.local_response_norm(ROWS, 3), ShapeError, "input"),
    }
)


@pytest.mark.parametrize("other", [tc.ones(2), tc.ones(3, dtype="float64")], ids=["shape", "dtype"])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_nothing_is_updated_when_one_of_the_statistics_does_not_fit(name, other):
    mean, options = tc.zeros(3), {"training": True} if name == "batch_norm" else {}
    with pytest.raises((ShapeError, DTypeError)) as caught:
        getattr(F, name)(IMAGES, mean, other, **options)
    assert caught.value.argument == "running_var"
    assert mean.tolist() == [0, 0, 0]
