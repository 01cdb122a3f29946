"""How many windows fit into an image, against sliding one over it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_cnn import windows
from tinygrad_cnn.errors import ArgumentError, ShapeError


@settings(deadline=None)
@given(
    size=st.integers(1, 12),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
    dilation=st.integers(1, 3),
)
def test_windows_are_counted_by_sliding(size, kernel, stride, before, after, dilation):
    starts = range(-before, size + after - dilation * (kernel - 1), stride)
    got = windows.window_output_size(size, kernel, stride, (before, after), dilation)
    assert max(got, 0) == len(starts)


@pytest.mark.parametrize(
    ("window", "argument", "error"),
    [
        ({"kernel": (0,)}, "kernel_size", ArgumentError),
        ({"stride": (0,)}, "stride", ArgumentError),
        ({"dilation": (0,)}, "dilation", ArgumentError),
        ({"padding": ((-1, 0),)}, "padding", ArgumentError),
        ({"kernel": (9,)}, "x", ShapeError),
        ({"dilation": (5,)}, "x", ShapeError),
    ],
)
def test_case_46_windows_that_cannot_be(window, argument, error):
    right = {"kernel": (2,), "stride": (1,), "padding": ((0, 0),), "dilation": (1,)}
    with pytest.raises(error) as caught:
        windows.window_output_shape((5,), **{**right, **window})
    assert caught.value.argument == argument
