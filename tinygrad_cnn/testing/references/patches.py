"""Patches as columns, and columns added up to an image."""

from __future__ import annotations

import math

from tinygrad_cnn.testing.references._loops import number, places, read, table
from tinygrad_cnn.testing.references.products import cell, out_sizes


def patch_cells(size, kernel_size, stride, padding, dilation):
    """(row of the column matrix, its column, place in the image) for every cell of every patch."""
    out = out_sizes(size, kernel_size, stride, padding, dilation)
    for row, offset in enumerate(places(kernel_size)):
        for column, place in enumerate(places(out)):
            yield row, column, cell(place, offset, stride, padding, dilation)


def im2col(x, *, kernel_size, **window):
    n, channels, *size = x.shape
    cells, patches = math.prod(kernel_size), math.prod(out_sizes(size, kernel_size, **window))
    result = table((n, channels * cells, patches), lambda index: 0)
    for b, c in places((n, channels)):
        for row, column, where in patch_cells(size, kernel_size, **window):
            result[b, c * cells + row, column] = read(x[b, c], where)
    return result


def col2im(columns, *, output_size, kernel_size, **window):
    cells = math.prod(kernel_size)
    channels = columns.shape[1] // cells
    result = table((len(columns), channels, *output_size), lambda index: 0)
    for b, c in places((len(columns), channels)):
        for row, column, where in patch_cells(output_size, kernel_size, **window):
            if all(0 <= i < s for i, s in zip(where, output_size, strict=True)):
                result[(b, c, *where)] += number(columns, (b, c * cells + row, column))
    return result


REFERENCES = {"im2col": im2col, "col2im": col2im}
