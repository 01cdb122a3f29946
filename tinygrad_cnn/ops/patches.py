"""Patches of an image as columns, and columns added up to an image again.

A convolution multiplies its kernel with every patch of the image. Write the patches side by side as the
columns of a matrix (`im2col`, image to columns), and it is one matrix product:

    [[1, 2, 3],      kernel size 2      [[1, 2, 4, 5],       the four patches from left to right,
     [4, 5, 6],            →             [2, 3, 5, 6],       each of them read row by row
     [7, 8, 9]]                          [4, 5, 7, 8],
                                         [5, 6, 8, 9]]

`col2im` goes the other way: it puts every column back where it was taken from and adds what overlaps. It does
not undo `im2col` (the 5 above would come back as 4 · 5); it is its transpose, and so each of the two is the
other's gradient.

Source: Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for Document
Processing" (2006).
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.dtypes import HasSpec, Shape, Spec, require_floating
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops._windows import Padding, add_windows
from tinygrad_cnn.ops.window import check_layout
from tinygrad_cnn.windows import window_output_shape

_SAMPLES: tuple[dict[str, Any], ...] = (
    {"kernel_size": (2, 3), "stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": ((1, 0), (1, 2)), "dilation": (1, 2)},
)


def _columns_shape(
    x: HasSpec, *, kernel_size: Shape, stride: Shape, padding: Padding, dilation: Shape
) -> Spec:
    require_floating(x, "x")
    check_layout(x, len(kernel_size), "x", "(N, C")
    n, channels, *size = x.shape
    places = window_output_shape(tuple(size), kernel_size, stride, padding, dilation)
    return Spec((n, channels * math.prod(kernel_size), math.prod(places)), x.dtype)


@op(
    symbol="im2col",
    infer=_columns_shape,
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), **_SAMPLES[0]),
        Sample(reals(1, 2, 5, 4), **_SAMPLES[1]),
        Sample(reals(2, 2, 6), kernel_size=(2,), stride=(3,), padding=((1, 1),), dilation=(2,)),
        Sample(reals(0, 2, 4, 5), **_SAMPLES[0]),
    ],
)
def im2col(B, x, *, kernel_size, stride, padding, dilation):
    """The patches of x (N, C, *S) as columns (N, C · cells, places), zeros where they leave the image."""
    spatial = len(kernel_size)
    windows = B.windows(B.pad(x, ((0, 0), (0, 0), *padding), 0.0), kernel_size, stride, dilation)
    places = windows.shape[2 : 2 + spatial]
    # (N, C, *places, *cells) -> (N, C, *cells, *places)
    order = (0, 1, *range(2 + spatial, 2 + 2 * spatial), *range(2, 2 + spatial))
    shape = (x.shape[0], x.shape[1] * math.prod(kernel_size), math.prod(places))
    return B.xp.reshape(B.xp.permute_dims(windows, order), shape)


@im2col.gradient("x", "∂L/∂x = col2im(g): every column back where it was taken from, overlaps added")
def _(g, node, **window):
    return col2im(g, output_size=node.spec("x").shape[2:], **window)


def _image_shape(
    columns: HasSpec,
    *,
    output_size: Shape,
    kernel_size: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
) -> Spec:
    require_floating(columns, "columns")
    check_layout(columns, 1, "columns", "(N, C · cells")
    places = window_output_shape(output_size, kernel_size, stride, padding, dilation, argument="output_size")
    n, rows, found = columns.shape
    cells, wanted = math.prod(kernel_size), math.prod(places)
    if rows % cells or found != wanted:
        raise ShapeError(
            f"an image of {output_size} has {wanted} patches of {cells} cells a channel",
            argument="columns",
            expected=f"(N, C · {cells}, {wanted})",
            got=columns.shape,
        )
    return Spec((n, rows // cells, *output_size), columns.dtype)


@op(
    symbol="col2im",
    infer=_image_shape,
    public=False,
    samples=[
        Sample(reals(2, 12, 9), output_size=(4, 5), **_SAMPLES[0]),
        Sample(reals(1, 6, 10), output_size=(5, 4), **_SAMPLES[1]),
        Sample(reals(0, 12, 9), output_size=(4, 5), **_SAMPLES[0]),
    ],
)
def col2im(B, columns, *, output_size, kernel_size, stride, padding, dilation):
    """Columns (N, C · cells, places) put back where `im2col` takes them from, overlaps added: (N, C, *S)."""
    cells = math.prod(kernel_size)
    places = window_output_shape(output_size, kernel_size, stride, padding, dilation)
    n, rows, _ = columns.shape
    by_cell = B.xp.moveaxis(B.xp.reshape(columns, (n, rows // cells, cells, *places)), 2, 0)
    return add_windows(B, by_cell, output_size, kernel_size, stride, padding, dilation)


@col2im.gradient("columns", "∂L/∂columns = im2col(g)")
def _(g, node, *, kernel_size, stride, padding, dilation):
    return im2col(g, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
