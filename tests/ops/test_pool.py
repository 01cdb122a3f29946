"""What the operations of pooling refuse, and how max pooling chooses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError
from tinygrad_cnn.testing.references import REFERENCES
from tinygrad_cnn.testing.strategies import windows

max_pool, scatter, gather, sum_pool, spread = (
    REGISTRY[name]
    for name in ("max_pool", "max_pool_scatter", "max_pool_gather", "sum_pool", "sum_pool_input_grad")
)
SUM = {"kernel_size": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}
MAX = {**SUM, "dilation": (1, 1)}
IMAGE, POOLED, WINNER = tc.zeros(2, 3, 4, 5), tc.zeros(2, 3, 2, 2), tc.zeros(2, 3, 2, 2, dtype="uint8")


# --- errors, before anything is computed ----------------------------------------------------------

WRONG_WINDOWS = [
    ({"kernel_size": (2,)}, ShapeError, ("x", "size")),
    ({"kernel_size": (2, 0)}, ArgumentError, ("kernel_size",)),
    ({"kernel_size": (6, 2)}, ShapeError, ("x", "size")),
    ({"stride": (2,)}, ArgumentError, ("stride",)),
    ({"stride": (0, 1)}, ArgumentError, ("stride",)),
    ({"padding": ((0, 0),)}, ArgumentError, ("padding",)),
    ({"padding": ((0, -1), (0, 0))}, ArgumentError, ("padding",)),
    ({"padding": ((0, 0), (0, 2))}, ArgumentError, ("padding",)),
]


@pytest.mark.parametrize(("change", "error", "arguments"), WRONG_WINDOWS)
@pytest.mark.parametrize(
    ("operation", "inputs", "params"),
    [
        (max_pool, (IMAGE,), {**MAX, "ceil_mode": False}),
        (scatter, (POOLED, WINNER), {**MAX, "size": (4, 5)}),
        (gather, (IMAGE, WINNER), MAX),
        (sum_pool, (IMAGE,), {**SUM, "ceil_mode": True}),
        (spread, (POOLED,), {**SUM, "size": (4, 5), "ceil_mode": False}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_windows_that_make_no_sense(operation, inputs, params, change, error, arguments):
    with pytest.raises(error) as caught:
        operation(*inputs, **{**params, **change})
    assert caught.value.op == operation.name
    assert caught.value.argument in arguments


@pytest.mark.parametrize(
    ("call", "error", "argument"),
    [
        (lambda: max_pool(IMAGE, **{**MAX, "dilation": (1,)}, ceil_mode=False), ArgumentError, "dilation"),
        (lambda: max_pool(IMAGE, **{**MAX, "dilation": (0, 1)}, ceil_mode=False), ArgumentError, "dilation"),
        (lambda: max_pool(IMAGE.to("int64"), **MAX, ceil_mode=False), DTypeError, "x"),
        (lambda: sum_pool(IMAGE.to("int64"), **SUM, ceil_mode=False), DTypeError, "x"),
        (lambda: scatter(POOLED, WINNER, **MAX, size=(4, 6)), ShapeError, "grad"),
        (lambda: scatter(POOLED, WINNER, **MAX, size=(4,)), ShapeError, "size"),
        (lambda: scatter(POOLED, WINNER[:1], **MAX, size=(4, 5)), ShapeError, "winner"),
        (lambda: scatter(POOLED, POOLED, **MAX, size=(4, 5)), DTypeError, "winner"),
        (lambda: gather(IMAGE, WINNER[:, :1], **MAX), ShapeError, "winner"),
        (lambda: gather(IMAGE, WINNER[..., :1], **MAX), ShapeError, "winner"),
        (lambda: gather(IMAGE, POOLED, **MAX), DTypeError, "winner"),
        (lambda: spread(POOLED, **SUM, size=(4, 5), ceil_mode=True), ShapeError, "grad"),
        (lambda: spread(POOLED[0], **SUM, size=(4, 5), ceil_mode=False), ShapeError, "grad"),
    ],
)
def test_inputs_that_do_not_fit(call, error, argument):
    with pytest.raises(error) as caught:
        call()
    assert caught.value.argument == argument
    assert str(caught.value.where).startswith("test_pool.py:")


def test_both_counts_of_windows_fit():
    """A gradient rule knows the size of the result, not how it was rounded."""
    for ceil_mode in (False, True):
        x = tc.zeros(1, 1, 5, 5, requires_grad=True)
        max_pool(x, **MAX, ceil_mode=ceil_mode)[0].sum().backward()
        assert x.grad.shape == x.shape


# --- how the winner is found ----------------------------------------------------------------------


@st.composite
def contests(draw):
    """Images of few different values, NaN and infinities among them, and a window that may be dilated."""
    window = draw(windows(for_pooling=True))
    dilation = tuple(draw(st.integers(1, 2)) for _ in window.size)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, window.kernel_size, strict=True)]
    size = tuple(max(s, r - sum(p)) for s, r, p in zip(window.size, reach, window.padding, strict=True))
    values = [-math.inf, -1.0, 0.0, 2.0, math.inf, math.nan]
    x = np.random.default_rng(draw(st.integers(0, 2**32 - 1))).choice(values, (2, 1, *size))
    return x, {
        "kernel_size": window.kernel_size,
        "stride": window.stride,
        "padding": window.padding,
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }


@settings(deadline=None, max_examples=60)
@given(contests())
def test_readable_and_fast_kernels_choose_the_same(contest):
    x, params = contest
    expected, places = REFERENCES["max_pool"](x, **params)
    for overrides in (True, False):
        with tc.use_backend("numpy", overrides=overrides):
            out, winner = max_pool(tc.tensor(x), **params)
        np.testing.assert_array_equal(out.numpy(), expected.astype(float))
        np.testing.assert_array_equal(winner.numpy(), places.astype(int))


class Element:
    """A number that is told from its equals."""

    def __init__(self, value):
        self.value = value

    def __gt__(self, other):
        return self.value > getattr(other, "value", other)

    def __eq__(self, other):
        return self.value == getattr(other, "value", other)

    __hash__ = None


def test_the_element_itself_is_handed_on():
    """On a backend of objects, where equal numbers have different histories."""
    elements = [Element(value) for value in (1.0, 3.0, 3.0, math.nan, -math.inf, -math.inf, -5.0, math.nan)]
    x = np.array(elements, dtype=object).reshape(1, 1, 8)
    window = {"kernel_size": (3,), "stride": (2,), "padding": ((1, 1),), "dilation": (1,), "ceil_mode": False}
    with np.errstate(invalid="ignore"):  # Python compares NaN, and NumPy notices
        out, winner = max_pool.kernel(tc.get_backend("numpy"), x, **window)
    chosen = [1, 3, 3, 7]  # of [pad 0 1], [1 2 3], [3 4 5], [5 6 7]
    assert [element is elements[k] for element, k in zip(out.ravel(), chosen, strict=True)] == [True] * 4
    assert winner.tolist() == [[[2, 2, 0, 2]]]
