"""Losses for numbers: by hand, at the corners, and what must not be broadcast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError, UnknownName
from tinygrad_cnn.testing import gradcheck

PAIRED = [F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss, F.poisson_nll_loss]


def f64(data, **options):
    return tc.tensor(data, dtype="float64", **options)


def leaf(data):
    return f64(data, requires_grad=True)


@pytest.mark.parametrize(
    ("loss", "each", "slope"),
    [
        (F.mse_loss, [0.0, 9.0, 0.25], [0.0, 6.0, -1.0]),
        (F.l1_loss, [0.0, 3.0, 0.5], [0.0, 1.0, -1.0]),
        (F.huber_loss, [0.0, 2.5, 0.125], [0.0, 1.0, -0.5]),
        (F.smooth_l1_loss, [0.0, 2.5, 0.125], [0.0, 1.0, -0.5]),
    ],
)
def test_differences(loss, each, slope):
    x, y = leaf([1.0, 5.0, 2.0]), f64([1.0, 2.0, 2.5])
    assert loss(x, y, reduction="none").tolist() == each
    assert loss(x, y, reduction="sum").item() == sum(each)
    assert loss(x, y).item() == pytest.approx(sum(each) / 3)
    loss(x, y, reduction="sum").backward()
    assert x.grad.tolist() == slope


def test_where_the_square_ends():
    z = leaf([0.5, -0.5, 2.0, -2.0, math.inf, -math.inf])
    losses = F.huber_loss(z, tc.zeros(6, dtype="float64"), delta=0.5, reduction="none")
    assert losses.tolist() == [0.125, 0.125, 0.875, 0.875, math.inf, math.inf]
    losses.sum().backward()
    assert z.grad.tolist() == [0.5, -0.5, 0.5, -0.5, 0.5, -0.5]


def test_smooth_l1_is_huber_divided_by_beta():
    x, y = f64([-3.0, 0.1, 4.0]), f64([0.2, 0.3, 0.4])
    smooth = F.smooth_l1_loss(x, y, beta=0.3, reduction="none")
    np.testing.assert_allclose(smooth.numpy(), F.huber_loss(x, y, "none", 0.3).numpy() / 0.3, rtol=1e-12)
    flat = F.smooth_l1_loss(x, y, beta=0, reduction="none")
    assert flat.tolist() == F.l1_loss(x, y, reduction="none").tolist()


def test_weights():
    x, y, w = f64([1.0, 2.0]), f64([0.0, 0.0]), f64([1.0, 3.0])
    assert F.mse_loss(x, y, weight=w).item() == 13 / 4
    assert F.l1_loss(x, y, weight=w).item() == 7 / 4
    assert F.huber_loss(x, y, weight=w).item() == 5 / 2  # as PyTorch: by their number
    assert F.l1_loss(x, y, "sum", w).item() == 7
    assert F.l1_loss(x, y, "none", w).tolist() == [1, 6]


@pytest.mark.parametrize("log_input", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_poisson_is_the_surprise_at_a_count(log_input, full):
    rates, counts = [0.5, 3.0, 20.0], [0.0, 2.0, 17.0]
    x = f64(rates).log() if log_input else f64(rates)
    losses = F.poisson_nll_loss(x, f64(counts), log_input, full, reduction="none").tolist()
    for loss, rate, count in zip(losses, rates, counts, strict=True):
        surprise = rate - count * math.log(rate) + (math.lgamma(count + 1) if full else 0)
        assert loss == pytest.approx(surprise, abs=0.05)


def test_a_count_of_0_has_a_gradient():
    y = leaf([0.0, 1.0, 4.0])
    F.poisson_nll_loss(f64([0.3, 0.3, 0.3]), y, full=True, reduction="sum").backward()
    np.testing.assert_allclose(y.grad.numpy(), [-0.3, -0.3, -0.3 + math.log(4) + 1 / 8])


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("shape", [(2, 3), (2, 1), (2,), (1, 3), None])
def test_gaussian_by_its_formula(full, shape):
    x, y = [[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]], [[1.5, 2.0, 0.0], [1.0, 1.0, 1.0]]
    v = 0.7 if shape is None else np.linspace(0.2, 2.0, math.prod(shape)).reshape(shape)
    spread = np.broadcast_to(v[:, None] if shape == (2,) else v, (2, 3))
    losses = F.gaussian_nll_loss(f64(x), f64(y), v if shape is None else f64(v), full, reduction="none")
    for i, j in np.ndindex(2, 3):
        density = math.exp(-((x[i][j] - y[i][j]) ** 2) / (2 * spread[i, j])) / math.sqrt(spread[i, j])
        constant = math.log(2 * math.pi) / 2 if full else 0
        assert losses[i, j].item() == pytest.approx(-math.log(density) + constant)


def test_small_variances_keep_their_gradient():
    v = leaf([0.0, 0.2])
    losses = F.gaussian_nll_loss(f64([1.0, 1.0]), f64([0.0, 0.0]), v, eps=0.2, reduction="none")
    assert losses[0].item() == losses[1].item()
    losses.sum().backward()
    assert v.grad[0].item() == v.grad[1].item() == pytest.approx((5 - 25) / 2)


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize("loss", PAIRED)
def test_case_39_nothing_is_broadcast(loss):
    with pytest.raises(ShapeError, match="does not broadcast") as caught:
        loss(tc.zeros(3, 1), tc.zeros(3))
    assert (caught.value.argument, caught.value.op) == ("target", loss.__name__)


@pytest.mark.parametrize("loss", PAIRED)
def test_dtypes_are_not_mixed(loss):
    for other in ("float64", "int64"):
        with pytest.raises(DTypeError) as caught:
            loss(tc.zeros(3), tc.zeros(3, dtype=other))
        assert (caught.value.argument, caught.value.op) == ("target", loss.__name__)


@pytest.mark.parametrize("loss", [*PAIRED, F.gaussian_nll_loss])
def test_unknown_reductions(loss):
    more = [tc.ones(2)] if loss is F.gaussian_nll_loss else []
    with pytest.raises(UnknownName) as caught:
        loss(tc.zeros(2), tc.zeros(2), *more, reduction="avg")
    assert caught.value.argument == "reduction"


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.huber_loss])
def test_weights_are_not_broadcast(loss):
    with pytest.raises(ShapeError) as caught:
        loss(tc.zeros(2, 3), tc.zeros(2, 3), weight=tc.ones(3))
    assert caught.value.argument == "weight"


@pytest.mark.parametrize(
    ("loss", "options"),
    [(F.huber_loss, {"delta": 0.0}), (F.huber_loss, {"delta": math.nan}), (F.smooth_l1_loss, {"beta": -1.0})],
)
def test_corners_of_no_width(loss, options):
    with pytest.raises(ArgumentError) as caught:
        loss(tc.zeros(2), tc.zeros(2), **options)
    assert caught.value.argument == next(iter(options))


@pytest.mark.parametrize(
    ("var", "error"),
    [
        (tc.tensor([1.0, -1.0]), ArgumentError),
        (-1.0, ArgumentError),
        (tc.ones(3), ShapeError),
        (tc.ones(2, 2), ShapeError),
        (tc.ones(2, dtype="float64"), DTypeError),
    ],
)
def test_variances_that_make_no_sense(var, error):
    with pytest.raises(error) as caught:
        F.gaussian_nll_loss(tc.zeros(2), tc.zeros(2), var)
    assert caught.value.argument == "var"


# --- gradients ------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=4)
@given(
    numbers=arrays("float64", (3, 2, 2), elements=st.floats(0.2, 3), unique=True),
    reduction=st.sampled_from(["mean", "sum", "none"]),
)
def test_gradients(numbers, reduction):
    x, y, w = map(leaf, numbers)

    def check(loss, *inputs, **options):
        assert gradcheck(lambda *all: loss(*all, reduction=reduction, **options), inputs, order=2)

    check(lambda x, y, w, reduction: F.mse_loss(x, y, reduction, w), x, y, w)
    check(F.gaussian_nll_loss, x, y, w, full=True)
    far = leaf(numbers[1] + 5)
    check(F.poisson_nll_loss, x, far, full=True, log_input=False)
    for delta in (0.5, 10.0):  # beyond the square, and within
        check(F.huber_loss, x, far, delta=delta)
        check(F.smooth_l1_loss, x, far, beta=delta)
    check(F.l1_loss, x, far)
