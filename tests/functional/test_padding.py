"""pad: in every mode, on every side, and what it refuses."""

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

NUMPY_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
LINE = tc.tensor([[1.0, 2.0, 3.0, 4.0]])


def leaf(array):
    return tc.tensor(array, requires_grad=True)


@st.composite
def frames(draw):
    """(mode, spatial sizes, (before, after) for each of them): as wide as the mode goes, or cutting."""
    mode = draw(st.sampled_from(sorted(NUMPY_MODES)))
    size = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    pairs = []
    for cells in size:
        widest = {"reflect": cells - 1, "circular": cells}.get(mode, 5)
        pairs.append(draw(st.tuples(st.integers(0, widest), st.integers(0, widest))))
    return mode, tuple(size), pairs


@settings(deadline=None, max_examples=80)
@given(frames())
def test_it_pads_as_numpy_does(drawn):
    mode, size, pairs = drawn
    x = np.random.default_rng([*size]).normal(size=(2, 1, *size))
    flat = [cells for pair in reversed(pairs) for cells in pair]
    result = F.pad(tc.tensor(x), flat, mode)
    np.testing.assert_array_equal(result.numpy(), np.pad(x, [(0, 0), (0, 0), *pairs], NUMPY_MODES[mode]))


@settings(deadline=None, max_examples=15)
@given(frames())
def test_gradients(drawn):
    mode, size, pairs = drawn
    x = leaf(np.random.default_rng([*size]).normal(size=(1, *size)))
    flat = [cells for pair in reversed(pairs) for cells in pair]
    assert gradcheck(lambda x: F.pad(x, flat, mode) ** 2, x, order=2, directions=1)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [0, 0, 1, 2, 3, 4, 0]),
        ("reflect", [3, 2, 1, 2, 3, 4, 3]),
        ("replicate", [1, 1, 1, 2, 3, 4, 4]),
        ("circular", [3, 4, 1, 2, 3, 4, 1]),
    ],
)
def test_the_modes(mode, expected):
    assert F.pad(LINE, (2, 1), mode).tolist() == [expected]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [2, 3, 4, 0, 0]),
        ("reflect", [2, 3, 4, 3, 2]),
        ("replicate", [2, 3, 4, 4, 4]),
        ("circular", [2, 3, 4, 2, 3]),
    ],
)
def test_negative_numbers_cut_cells_off(mode, expected):
    assert F.pad(LINE, (-1, 2), mode).tolist() == [expected]


def test_a_mirror_may_show_what_was_cut_off():
    assert F.pad(LINE, (-3, 3), "reflect").tolist() == [[4, 3, 2, 1]]


def test_copies_add_up_their_gradients():
    x = leaf([[1.0, 2.0, 3.0]])
    F.pad(x, (2, 2), "replicate").backward(tc.tensor([[1.0, 10.0, 100.0, 0.0, 0.0, 0.5, 0.25]]))
    assert x.grad.tolist() == [[111.0, 0.0, 0.75]]


def test_the_last_dimensions_come_first():
    result = F.pad(tc.zeros(1, 1, 2, 3, 4), (1, 0, 2, 0, 0, 3))
    assert result.shape == (1, 1, 5, 5, 5)
    assert F.pad(tc.zeros(2, 3), ()).shape == (2, 3)
    assert F.pad(tc.tensor(5.0), ()).tolist() == 5.0


def test_corners_of_a_reflection_are_reflected_twice():
    x = tc.arange(9.0).reshape(1, 3, 3)
    expected = np.pad(x.numpy()[0], 2, "reflect")
    np.testing.assert_array_equal(F.pad(x, (2, 2, 2, 2), "reflect").numpy()[0], expected)


@pytest.mark.parametrize("mode", list(NUMPY_MODES))
def test_empty_batches_integers_and_infinities(mode):
    assert F.pad(tc.zeros(0, 2, 4), (1, 2), mode).shape == (0, 2, 7)
    whole = F.pad(tc.tensor([[1, 2, 3]]), (1, 1), mode)
    assert whole.dtype is tc.int64
    values = F.pad(tc.tensor([[math.inf, math.nan, -math.inf]]), (1, 0), mode).numpy()[0, 1:]
    np.testing.assert_array_equal(values, [math.inf, math.nan, -math.inf])


def test_the_value_of_a_constant_frame():
    assert F.pad(LINE, (1, 0), value=-math.inf).tolist() == [[-math.inf, 1, 2, 3, 4]]
    assert F.pad(tc.tensor([1, 2]), (1, 0), value=7.0).tolist() == [7, 1, 2]
    assert F.pad(tc.tensor([True]), (0, 1), value=1).tolist() == [True, True]
    assert F.pad(tc.zeros(2, 0), (2, 1), value=1.0).tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize(
    ("x", "pads", "options", "error", "argument"),
    [
        (LINE, (1, 1, 1), {}, ArgumentError, "pad"),
        (LINE, (1.5, 1), {}, ArgumentTypeError, "pad"),
        (LINE, (1,) * 6, {}, ShapeError, "pad"),
        (LINE, (-3, -2), {}, ShapeError, "pad"),
        (LINE, (-5, 2), {}, ShapeError, "pad"),
        (LINE, (1, 1), {"mode": "mirror"}, ArgumentError, "mode"),
        (LINE, (4, 0), {"mode": "reflect"}, ShapeError, "pad"),
        (LINE, (0, 4), {"mode": "reflect"}, ShapeError, "pad"),
        (LINE, (5, 0), {"mode": "circular"}, ShapeError, "pad"),
        (LINE, (-1, 4), {"mode": "circular"}, ShapeError, "pad"),
        (LINE, (-3, -2), {"mode": "replicate"}, ShapeError, "pad"),
        (LINE, (-3, -2), {"mode": "reflect"}, ShapeError, "pad"),
        (LINE, (-3, -2), {"mode": "circular"}, ShapeError, "pad"),
        (LINE, (), {"mode": "reflect"}, ShapeError, "pad"),
        (LINE[0], (1, 1), {"mode": "reflect"}, ShapeError, "pad"),
        (tc.zeros(1, 1, 3, 3), (1, 1), {"mode": "circular"}, ShapeError, "pad"),
        (tc.zeros(2, 1, 0), (1, 1), {"mode": "replicate"}, ShapeError, "pad"),
        (tc.zeros(2, 1, 0), (1, 1), {"mode": "circular"}, ShapeError, "pad"),
        (LINE, (1, 1), {"mode": "reflect", "value": 3.0}, ArgumentError, "value"),
        (tc.tensor([1, 2]), (1, 1), {"value": 1.5}, DTypeError, "value"),
        (tc.tensor([1, 2]), (1, 1), {"value": math.inf}, DTypeError, "value"),
    ],
)
def test_frames_that_make_no_sense(x, pads, options, error, argument):
    with pytest.raises(error) as caught:
        F.pad(x, pads, **options)
    assert caught.value.argument == argument
    assert caught.value.op == "pad" or error is ArgumentTypeError
