"""Matrix products and convolution: sums of products, one term at a time."""

from __future__ import annotations

import itertools

from tinygrad_cnn.testing.references._loops import common_shape, number, places, stretched, table, total


def matmul(x, y):
    left = x.shape if x.ndim > 1 else (1, *x.shape)
    right = y.shape if y.ndim > 1 else (*y.shape, 1)
    stack = common_shape(left[:-2], right[:-2]) if left[:-2] or right[:-2] else ()

    def entry(index):
        batch, i, j = index[: len(stack)], index[len(stack)], index[len(stack) + 1]
        own_x, own_y = stretched(left[:-2], batch), stretched(right[:-2], batch)
        return total(
            [
                number(x, (*own_x, i, k) if x.ndim > 1 else (k,))
                * number(y, (*own_y, k, j) if y.ndim > 1 else (k,))
                for k in range(left[-1])
            ]
        )

    full = table((*stack, left[-2], right[-1]), entry)
    shape = stack + ((left[-2],) if x.ndim > 1 else ()) + ((right[-1],) if y.ndim > 1 else ())
    return full.reshape(shape)


def einsum(x, y, *, equation):
    """Every letter runs through its dimension; a product is added where the result's letters say."""
    of_x, of_y, of_out = equation.replace("->", ",").split(",")
    size = dict(zip(of_x + of_y, (*x.shape, *y.shape), strict=True))
    result = table(tuple(size[letter] for letter in of_out), lambda index: 0)
    for values in places(tuple(size.values())):
        at = dict(zip(size, values, strict=True))
        at_x, at_y, at_out = (tuple(at[letter] for letter in letters) for letters in (of_x, of_y, of_out))
        result[at_out] += number(x, at_x) * number(y, at_y)
    return result


def cell(place, offset, stride, padding, dilation):
    """Where a cell of a window lies in the image; may be outside."""
    return tuple(
        p * s - before + o * d
        for p, o, s, (before, _), d in zip(place, offset, stride, padding, dilation, strict=True)
    )


def out_size(size, kernel, stride, padding, dilation, ceil_mode=False):
    """Count the windows by sliding one along until it no longer fits."""
    windows, start, end = 0, -padding[0], size + padding[1]
    while True:
        last = start + (kernel - 1) * dilation
        hangs_over = ceil_mode and windows > 0 and start - stride + (kernel - 1) * dilation < end - 1
        if not (last < end or (hangs_over and start < size)):
            return windows
        windows, start = windows + 1, start + stride


def out_sizes(spatial, kernel, stride, padding, dilation, ceil_mode=False):
    return tuple(
        out_size(*one, ceil_mode) for one in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )


def conv_terms(n, channels, size, filters, kernel, out, groups, **window):
    """Every (image place, kernel place, output place) whose product is one term of a convolution."""
    per_group, filters_per_group = channels // groups, filters // groups
    for b, o, c in itertools.product(range(n), range(filters), range(per_group)):
        channel = o // filters_per_group * per_group + c
        for place, offset in itertools.product(places(out), places(kernel)):
            where = cell(place, offset, **window)
            if not [i for i, s in zip(where, size, strict=True) if not 0 <= i < s]:
                yield (b, channel, *where), (o, c, *offset), (b, o, *place)


def conv(x, w, *, stride, padding, dilation, groups):
    out = out_sizes(x.shape[2:], w.shape[2:], stride, padding, dilation)
    result = table((x.shape[0], w.shape[0], *out), lambda index: 0)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    for at_x, at_w, at_out in conv_terms(
        *x.shape[:2], x.shape[2:], w.shape[0], w.shape[2:], out, groups, **window
    ):
        result[at_out] += number(x, at_x) * number(w, at_w)
    return result


def conv_input_grad(grad, w, *, size, stride, padding, dilation, groups):
    channels = w.shape[1] * groups
    result = table((grad.shape[0], channels, *size), lambda index: 0)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    for at_x, at_w, at_out in conv_terms(
        grad.shape[0], channels, size, w.shape[0], w.shape[2:], grad.shape[2:], groups, **window
    ):
        result[at_x] += number(grad, at_out) * number(w, at_w)
    return result


def conv_weight_grad(x, grad, *, kernel_size, stride, padding, dilation, groups):
    filters = grad.shape[1]
    result = table((filters, x.shape[1] // groups, *kernel_size), lambda index: 0)
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    for at_x, at_w, at_out in conv_terms(
        *x.shape[:2], x.shape[2:], filters, kernel_size, grad.shape[2:], groups, **window
    ):
        result[at_w] += number(x, at_x) * number(grad, at_out)
    return result


REFERENCES = {
    "matmul": matmul,
    "einsum": einsum,
    "conv": conv,
    "conv_input_grad": conv_input_grad,
    "conv_weight_grad": conv_weight_grad,
}
