"""Pooling: what lies under a window."""

from __future__ import annotations

import math

from tinygrad_cnn.testing.references._loops import number, places, read, table, total
from tinygrad_cnn.testing.references.products import cell, out_sizes


def max_pool(x, *, kernel_size, stride, padding, dilation, ceil_mode):
    out = out_sizes(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)

    def best(index):
        """(value, position in the window): the first of equals, NaN over everything, never the padding."""
        found = None
        for position, offset in enumerate(places(kernel_size)):
            where = cell(index[2:], offset, stride, padding, dilation)
            value = read(x[index[:2]], where, None)
            if value is None:
                continue
            if found is None or value > found[0] or (math.isnan(value) and not math.isnan(found[0])):
                found = (value, position)
        return found or (-math.inf, 0)  # a dilated window may meet nothing but padding

    winners = table((*x.shape[:2], *out), best)
    return (
        table(winners.shape, lambda index: winners[index][0]),
        table(winners.shape, lambda index: winners[index][1]),
    )


def winner_cell(winner, index, kernel_size, **window):
    offset = list(places(kernel_size))[number(winner, index)]
    return cell(index[2:], offset, **window)


def max_pool_scatter(grad, winner, *, size, **window):
    result = table((*grad.shape[:2], *size), lambda index: 0)
    for index in places(grad.shape):
        where = winner_cell(winner, index, **window)
        if is_inside(where, size):
            result[(*index[:2], *where)] += number(grad, index)
    return result


def max_pool_gather(x, winner, **window):
    """0 for a winner on the padding."""
    return table(winner.shape, lambda index: read(x[index[:2]], winner_cell(winner, index, **window)))


def is_inside(where, size):
    return not [i for i, s in zip(where, size, strict=True) if not 0 <= i < s]


def sum_pool(x, *, kernel_size, stride, padding, ceil_mode):
    ones = (1,) * len(kernel_size)
    out = out_sizes(x.shape[2:], kernel_size, stride, padding, ones, ceil_mode)
    return table(
        (*x.shape[:2], *out),
        lambda index: total(
            [
                read(x[index[:2]], cell(index[2:], offset, stride, padding, ones))
                for offset in places(kernel_size)
            ]
        ),
    )


def sum_pool_input_grad(grad, *, size, kernel_size, stride, padding, ceil_mode):
    ones = (1,) * len(kernel_size)
    result = table((*grad.shape[:2], *size), lambda index: 0)
    for index in places(grad.shape):
        for offset in places(kernel_size):
            where = cell(index[2:], offset, stride, padding, ones)
            if is_inside(where, size):
                result[(*index[:2], *where)] += number(grad, index)
    return result


REFERENCES = {
    "max_pool": max_pool,
    "max_pool_scatter": max_pool_scatter,
    "max_pool_gather": max_pool_gather,
    "sum_pool": sum_pool,
    "sum_pool_input_grad": sum_pool_input_grad,
}
