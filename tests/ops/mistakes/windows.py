"""Rules of matrix products, convolution and pooling: turned round, shifted, not summed."""

from __future__ import annotations

import math

from ops.mistakes._mistake import ops, shape_of, wrong

import tinygrad_cnn as tc


def stack_not_summed(g, node, x):
    """For stacks that were broadcast: the first one's gradient instead of all of them."""
    full = x.mT @ g if x.ndim > 1 and g.ndim > 1 else tc.outer(x, g) if x.ndim == g.ndim == 1 else x * 0
    shape = shape_of(node, "y")
    return full[(0,) * (full.ndim - len(shape)) + tuple(map(slice, shape))]


PRODUCTS = [
    wrong("matmul", "y", "x is not transposed", lambda g, node, x: x @ g),
    wrong("matmul", "x", "y is not transposed", lambda g, node, y: g @ y),
    wrong("matmul", "y", "not summed over the stack", stack_not_summed),
]


def kernel_not_rotated(g, node, w, **window):
    turned = w.flip(tuple(range(2, w.ndim)))
    return ops.conv_input_grad(g, turned, size=shape_of(node)[2:], **window)


def stride_forgotten(g, node, w, *, stride, padding, dilation, groups):
    return ops.conv_input_grad(
        g,
        w,
        size=shape_of(node)[2:],
        stride=(1,) * len(stride),
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def dilation_forgotten(g, node, w, *, stride, padding, dilation, groups):
    return ops.conv_input_grad(
        g,
        w,
        size=shape_of(node)[2:],
        stride=stride,
        padding=padding,
        dilation=(1,) * len(stride),
        groups=groups,
    )


def padding_of_the_other_side(g, node, w, *, stride, padding, dilation, groups):
    swapped = tuple((after, before) for before, after in padding)
    return ops.conv_input_grad(
        g, w, size=shape_of(node)[2:], stride=stride, padding=swapped, dilation=dilation, groups=groups
    )


def weight_of_the_first_image(g, node, x, **window):
    return ops.conv_weight_grad(x[:1], g[:1], kernel_size=shape_of(node, "w")[2:], **window)


def weight_averaged_over_the_batch(g, node, x, **window):
    total = ops.conv_weight_grad(x, g, kernel_size=shape_of(node, "w")[2:], **window)
    return total / max(len(x), 1)


def weight_rotated(g, node, x, **window):
    total = ops.conv_weight_grad(x, g, kernel_size=shape_of(node, "w")[2:], **window)
    return total.flip(tuple(range(2, total.ndim)))


def groups_exchanged(g, node, x, **window):
    return ops.conv_weight_grad(x.flip(1), g, kernel_size=shape_of(node, "w")[2:], **window)


CONVOLUTION = [
    wrong("conv", "x", "the kernel is not rotated", kernel_not_rotated),
    wrong("conv", "x", "the stride is forgotten", stride_forgotten),
    wrong("conv", "x", "the dilation is forgotten", dilation_forgotten),
    wrong("conv", "x", "the padding of the other side", padding_of_the_other_side),
    wrong("conv", "w", "the first image only", weight_of_the_first_image),
    wrong("conv", "w", "averaged over the batch", weight_averaged_over_the_batch),
    wrong("conv", "w", "rotated", weight_rotated),
    wrong("conv", "w", "the channels of another group", groups_exchanged),
]


# --- pooling ---------------------------------------------------------------------------------------


def last_of_the_window_wins(g, node, winner, *, ceil_mode, **window):
    last = math.prod(window["kernel_size"]) - 1
    return ops.max_pool_scatter(g, winner * 0 + last, size=shape_of(node)[2:], **window)


def everybody_in_the_window(g, node, *, dilation, **window):
    return ops.sum_pool_input_grad(g, size=shape_of(node)[2:], **window)


def winners_overwrite_each_other(g, node, winner, *, ceil_mode, **window):
    """Right where windows do not overlap."""
    size = shape_of(node)[2:]
    total = ops.max_pool_scatter(g, winner, size=size, **window)
    times = ops.max_pool_scatter(g * 0 + 1, winner, size=size, **window)
    return tc.where(times > 1, total / times, total)


def divided_by_the_window(g, node, *, kernel_size, **window):
    total = ops.sum_pool_input_grad(g, size=shape_of(node)[2:], kernel_size=kernel_size, **window)
    return total / math.prod(kernel_size)


def pool_stride_forgotten(g, node, *, stride, **window):
    return ops.sum_pool_input_grad(g, size=shape_of(node)[2:], stride=(1,) * len(stride), **window)


POOLING = [
    wrong("max_pool", "x", "the last cell wins", last_of_the_window_wins),
    wrong("max_pool", "x", "everybody in the window", everybody_in_the_window),
    wrong("max_pool", "x", "overlapping windows do not add up", winners_overwrite_each_other),
    wrong("sum_pool", "x", "divided by the window", divided_by_the_window),
    wrong("sum_pool", "x", "the stride is forgotten", pool_stride_forgotten),
]
