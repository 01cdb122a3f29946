"""Dropout: how much is dropped, what is dropped together, what stays on average, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck

LOWEST = -1.7580993408473766  # of SELU: −λα
SHAPES = {
    "dropout": (64, 50),
    "dropout1d": (64, 50, 3),
    "dropout2d": (64, 50, 3, 2),
    "dropout3d": (64, 50, 3, 2, 2),
    "alpha_dropout": (64, 50),
    "feature_alpha_dropout": (64, 50, 3),
}
each_dropout = pytest.mark.parametrize("name", SHAPES)
each_of_channels = pytest.mark.parametrize("name", [name for name in SHAPES if len(SHAPES[name]) > 2])


def drop(name, x, p, training=True):
    return getattr(F, name)(x, p, training=training)


@each_dropout
def test_case_41_p_1_drops_everything(name):
    assert not drop(name, tc.ones(*SHAPES[name]), 1.0).numpy().any()


@each_dropout
def test_case_41_p_0_is_the_identity(name):
    x = tc.ones(*SHAPES[name])
    assert drop(name, x, 0.0) is x


@each_dropout
def test_case_41_evaluation_is_the_identity_and_draws_nothing(name):
    tc.manual_seed(0)
    expected = tc.rand(3).tolist()
    tc.manual_seed(0)
    x = tc.ones(*SHAPES[name])
    assert drop(name, x, 0.5, training=False) is x
    drop(name, x, 0.0)
    assert tc.rand(3).tolist() == expected


@pytest.mark.parametrize("p", [1.1, -0.1, float("nan"), "a lot", True])
@pytest.mark.parametrize("training", [True, False])
@each_dropout
def test_case_41_p_is_a_probability(name, p, training):
    with pytest.raises(ArgumentError, match="probability") as caught:
        drop(name, tc.ones(*SHAPES[name]), p, training=training)
    assert caught.value.argument == "p"


@each_dropout
def test_integers_are_refused(name):
    with pytest.raises(DTypeError) as caught:
        drop(name, tc.ones(*SHAPES[name], dtype="int64"), 0.5)
    assert caught.value.argument == "input"


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@each_dropout
def test_a_share_of_p_is_dropped(name, p):
    """3200 numbers or channels: four standard deviations are at most 0.036."""
    tc.manual_seed(0)
    out = drop(name, tc.zeros(*SHAPES[name]) + 3.0, p).numpy()
    values, counts = np.unique(out, return_counts=True)
    assert len(values) == 2
    lower = counts[np.argmin(values)] / out.size
    assert abs(lower - p) < 4 * np.sqrt(p * (1 - p) / 3200)


@pytest.mark.parametrize("name", [name for name in SHAPES if "alpha" not in name])
def test_what_stays_is_scaled_so_that_the_mean_stays(name):
    tc.manual_seed(1)
    out = drop(name, tc.ones(*SHAPES[name], dtype="float64"), 0.2).numpy()
    np.testing.assert_allclose(np.unique(out), [0, 1.25])
    assert abs(out.mean() - 1) < 0.05


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_0_and_variance_1(name, p):
    tc.manual_seed(2)
    shape = (500, 400) if name == "alpha_dropout" else (500, 400, 2)
    x = tc.tensor(np.random.default_rng(0).standard_normal(shape))
    out = drop(name, x, p).numpy()
    assert abs(out.mean()) < 0.02
    assert abs(out.var() - 1) < 0.02


def test_alpha_dropout_by_its_formula():
    p, x = 0.3, np.linspace(-1, 1, 200)
    a = 1 / np.sqrt((1 - p) * (1 + p * LOWEST**2))
    b = -a * p * LOWEST
    out = F.alpha_dropout(tc.tensor(x), p, training=True).numpy()
    dropped = np.isclose(out, a * LOWEST + b, rtol=1e-12)
    assert 20 < dropped.sum() < 100
    np.testing.assert_allclose(out[~dropped], (a * x + b)[~dropped], rtol=1e-12)


# --- whole channels -------------------------------------------------------------------------------


@each_of_channels
def test_a_channel_is_dropped_as_a_whole(name):
    tc.manual_seed(0)
    out = drop(name, tc.ones(*SHAPES[name]), 0.5).numpy()
    planes = out.reshape(64, 50, -1)
    assert (planes == planes[:, :, :1]).all()
    first, second = planes[0, :, 0], planes[1, :, 0]
    assert (first != second).any()  # but every image on its own


@pytest.mark.parametrize("name", ["dropout1d", "dropout2d", "dropout3d"])
def test_a_single_image_without_a_batch(name):
    tc.manual_seed(0)
    out = drop(name, tc.ones(*SHAPES[name][1:]), 0.5).numpy().reshape(50, -1)
    assert (out == out[:, :1]).all()
    assert 5 < (out[:, 0] == 0).sum() < 45


@pytest.mark.parametrize("name", ["dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"])
@pytest.mark.parametrize("training", [True, False])
def test_channels_need_their_dimensions(name, training):
    wrong = (5,) if name == "feature_alpha_dropout" else (2,) * (len(SHAPES[name]) + 1)
    with pytest.raises(ShapeError) as caught:
        drop(name, tc.ones(*wrong), 0.5, training=training)
    assert caught.value.argument == "input"


@each_dropout
def test_nothing_is_dropped_from_nothing(name):
    shape = (0, *SHAPES[name][1:])
    assert drop(name, tc.zeros(*shape), 0.5).shape == shape


# --- gradients and seeds --------------------------------------------------------------------------


def from_the_same_seed(name, p):
    def function(x):
        tc.manual_seed(3)
        return drop(name, x, p)

    return function


@pytest.mark.parametrize("p", [0.4, 1.0])
@each_dropout
def test_gradients(name, p):
    x = np.random.default_rng(0).normal(size=(2, 3, *SHAPES[name][2:]))
    assert gradcheck(from_the_same_seed(name, p), tc.tensor(x, requires_grad=True), order=2)


@each_dropout
def test_the_gradient_is_mask_times_scale(name):
    x = tc.ones(*SHAPES[name], dtype="float64", requires_grad=True)
    out = drop(name, x, 0.3)
    out.sum().backward()
    scale = 1 / 0.7 if "alpha" not in name else 1 / np.sqrt(0.7 * (1 + 0.3 * LOWEST**2))
    kept = out.numpy() == out.numpy().max()
    np.testing.assert_allclose(x.grad.numpy(), np.where(kept, scale, 0), rtol=1e-12)


@each_dropout
def test_one_seed_one_mask(name):
    masks = []
    for _ in range(2):
        tc.manual_seed(7)
        masks.append([drop(name, tc.ones(*SHAPES[name]), 0.5).numpy() for _ in range(2)])
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0][0] != masks[0][1]).any()


def test_0_d():
    assert F.dropout(tc.tensor(2.0), 0.5).item() in (0.0, 4.0)


@each_dropout
def test_the_dtype_stays(name):
    for dtype in ("float32", "float64"):
        assert drop(name, tc.ones(*SHAPES[name], dtype=dtype), 0.5).dtype.name == dtype
