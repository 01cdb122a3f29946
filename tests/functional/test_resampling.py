"""interpolate: where each place of the result comes from, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck

LINE = tc.tensor([[[0.0, 8.0]]])
IMAGE = tc.arange(12.0).reshape(1, 1, 3, 4)
NAN = math.nan


def leaf(*shape):
    return tc.tensor(np.random.default_rng([*shape]).normal(size=shape), requires_grad=True)


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"size": 5}, [0, 0, 0, 8, 8]),
        ({"size": 5, "mode": "nearest-exact"}, [0, 0, 8, 8, 8]),
        ({"size": 4, "mode": "linear"}, [0, 2, 6, 8]),
        ({"size": 5, "mode": "linear", "align_corners": True}, [0, 2, 4, 6, 8]),
        ({"size": 1, "mode": "linear"}, [4]),
        ({"size": 1, "mode": "linear", "align_corners": True}, [0]),
        ({"size": 3, "mode": "area"}, [0, 4, 8]),
        ({"scale_factor": 1.9}, [0, 0, 8]),
        ({"scale_factor": 1.75, "mode": "linear"}, [0, 20 / 7, 52 / 7]),
        ({"scale_factor": 1.75, "mode": "linear", "recompute_scale_factor": True}, [0, 4, 8]),
    ],
)
def test_a_line_of_two(options, expected):
    np.testing.assert_allclose(F.interpolate(LINE, **options).numpy()[0, 0], expected, rtol=1e-6)


def test_bicubic_follows_the_curve_of_keys():
    """Half way between two cells, a = −¾ gives the four around −3/32, 19/32, 19/32, −3/32."""
    x = tc.tensor([[[[1.0, 2.0, 4.0, 8.0]]]])
    out = F.interpolate(x, size=(1, 7), mode="bicubic", align_corners=True)
    assert out.numpy()[0, 0, 0, 3] == pytest.approx((19 * (2 + 4) - 3 * (1 + 8)) / 32, rel=1e-6)
    np.testing.assert_allclose(out.numpy()[0, 0, 0, ::2], [1, 2, 4, 8], rtol=1e-6)


def test_antialias_sees_what_plain_interpolation_steps_over():
    stripes = tc.tensor([[[[0.0, 1.0] * 8]]])
    plain = F.interpolate(stripes, size=(1, 5), mode="bilinear").numpy().ravel()
    smooth = F.interpolate(stripes, size=(1, 5), mode="bilinear", antialias=True).numpy().ravel()
    assert np.ptp(plain) > 0.5
    np.testing.assert_allclose(smooth, 0.5, atol=0.06)


# --- in general -----------------------------------------------------------------------------------

WEIGHED = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}


@st.composite
def enlargements(draw):
    mode = draw(st.sampled_from(["nearest", "nearest-exact", "area", *WEIGHED]))
    spatial = WEIGHED.get(mode) or draw(st.integers(1, 3))
    sizes = st.lists(st.integers(1, 5), min_size=spatial, max_size=spatial).map(tuple)
    align = draw(st.sampled_from([None, False, True])) if mode in WEIGHED else None
    return draw(sizes), {"size": draw(sizes), "mode": mode, "align_corners": align}


@settings(deadline=None, max_examples=60)
@given(enlargements())
def test_a_flat_image_stays_flat_and_its_gradient_is_shared_out(drawn):
    size, options = drawn
    x = tc.full((1, 2, *size), 3.0, dtype="float64").requires_grad_()
    out = F.interpolate(x, **options)
    assert out.shape == (1, 2, *options["size"])
    np.testing.assert_allclose(out.numpy(), 3.0, rtol=1e-12)
    out.sum().backward()
    assert x.grad.sum().item() == pytest.approx(out.numel())


@settings(deadline=None, max_examples=20)
@given(enlargements())
def test_gradients(drawn):
    size, options = drawn
    assert gradcheck(lambda x: F.interpolate(x, **options) ** 2, leaf(1, 1, *size), order=2, directions=1)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_linear_interpolation_is_numpys(old, new, align_corners):
    x = np.random.default_rng([old, new]).normal(size=old)
    places = (
        np.arange(new) * (old - 1) / max(new - 1, 1)
        if align_corners
        else (np.arange(new) + 0.5) * old / new - 0.5
    )
    out = F.interpolate(tc.tensor(x[None, None]), size=new, mode="linear", align_corners=align_corners)
    np.testing.assert_allclose(out.numpy()[0, 0], np.interp(places, np.arange(old), x), rtol=1e-9, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 60))
def test_nearest_takes_the_cell_that_whole_numbers_say(old, new):
    x = tc.arange(old).reshape(1, 1, old)
    down = F.interpolate(x.to("float64"), size=new).numpy()[0, 0]
    middle = F.interpolate(x.to("float64"), size=new, mode="nearest-exact").numpy()[0, 0]
    assert down.tolist() == [place * old // new for place in range(new)]
    assert middle.tolist() == [(2 * place + 1) * old // (2 * new) for place in range(new)]


def test_dimensions_are_independent():
    x = leaf(2, 3, 4, 5).detach()
    both = F.interpolate(x, size=(7, 3), mode="bilinear")
    rows = F.interpolate(x.permute(0, 1, 3, 2).reshape(2, 15, 4), size=7, mode="linear")
    rows = rows.reshape(2, 3, 5, 7).permute(0, 1, 3, 2)
    apart = F.interpolate(rows.reshape(2, 21, 5), size=3, mode="linear").reshape(2, 3, 7, 3)
    np.testing.assert_allclose(both.numpy(), apart.numpy(), rtol=1e-12)


def test_nearest_takes_any_dtype_and_any_value():
    assert F.interpolate(tc.tensor([[[1, 2]]]), scale_factor=2).tolist() == [[[1, 1, 2, 2]]]
    assert F.interpolate(tc.tensor([[[True, False]]]), size=1).dtype is tc.bool
    odd = tc.tensor([[[math.inf, NAN]]])
    np.testing.assert_array_equal(F.interpolate(odd, size=4).numpy(), [[[math.inf, math.inf, NAN, NAN]]])


def test_an_infinity_reaches_only_its_neighbours():
    x = tc.tensor([[[1.0, 2.0, math.inf, 4.0, 5.0]]])
    out = F.interpolate(x, size=10, mode="linear").numpy()[0, 0]
    np.testing.assert_array_equal(np.isfinite(out), [True] * 3 + [False] * 4 + [True] * 3)
    assert (out[3:7] == math.inf).all()


def test_empty_batches():
    assert F.interpolate(tc.zeros(0, 2, 4, 4), size=3, mode="bilinear").shape == (0, 2, 3, 3)
    assert F.interpolate(tc.zeros(0, 2, 4), scale_factor=0.5).shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("x", "options", "error", "argument"),
    [
        (LINE, {}, ArgumentError, "size"),
        (LINE, {"size": 2, "scale_factor": 2.0}, ArgumentError, "size"),
        (LINE, {"size": 0}, ArgumentError, "size"),
        (LINE, {"size": 2.5}, ArgumentTypeError, "size"),
        (IMAGE, {"size": (2,)}, ArgumentError, "size"),
        (LINE, {"scale_factor": 0.1}, ArgumentError, "scale_factor"),
        (LINE, {"scale_factor": -1.0}, ArgumentError, "scale_factor"),
        (LINE, {"scale_factor": NAN}, ArgumentError, "scale_factor"),
        (LINE, {"scale_factor": "2"}, ArgumentTypeError, "scale_factor"),
        (IMAGE, {"scale_factor": (2, 2, 2)}, ArgumentError, "scale_factor"),
        (LINE, {"size": 2, "recompute_scale_factor": True}, ArgumentError, "recompute_scale_factor"),
        (LINE, {"size": 2, "mode": "cubic"}, ArgumentError, "mode"),
        (LINE, {"size": 2, "mode": "bilinear"}, ShapeError, "input"),
        (IMAGE[0, 0], {"size": 2}, ShapeError, "input"),
        (tc.zeros(1, 1, 0), {"size": 2}, ShapeError, "input"),
        (LINE, {"size": 2, "align_corners": False}, ArgumentError, "align_corners"),
        (IMAGE, {"size": 2, "mode": "area", "align_corners": True}, ArgumentError, "align_corners"),
        (LINE, {"size": 2, "mode": "linear", "antialias": True}, ArgumentError, "antialias"),
        (IMAGE.to("int64"), {"size": 2, "mode": "bilinear"}, DTypeError, "input"),
    ],
)
def test_what_makes_no_sense(x, options, error, argument):
    with pytest.raises(error) as caught:
        F.interpolate(x, **options)
    assert caught.value.argument == argument
