"""Rules of movements: the gradient ends up in the wrong place, or only once where it belongs twice."""

from __future__ import annotations

import math

from ops.mistakes._mistake import ops, shape_of, wrong, zeros_like_input

import tinygrad_cnn as tc


def only_one_copy(g, node):
    shape = shape_of(node)
    first = (0,) * (g.ndim - len(shape)) + tuple(slice(0, size) for size in shape)
    return g[first]


def average_of_the_copies(g, node):
    return ops.sum_to(g, shape=shape_of(node)) * (math.prod(shape_of(node)) / g.numel())


def always_the_first_part(g, node, *, position):
    shape = node.inputs[position][0].outputs[0].shape
    return g[tuple(slice(0, size) for size in shape)]


def cropped_after_instead_of_before(g, node, *, padding):
    shape = shape_of(node)
    return g[tuple(slice(after, after + size) for (_, after), size in zip(padding, shape, strict=True))]


MOVEMENT = [
    wrong("reshape", "x", "in column order", lambda g, node: g.T.reshape(shape_of(node))),
    wrong("permute", "x", "not back", lambda g, node, *, dims: g.permute(dims)),
    wrong("expand", "x", "one copy instead of their sum", only_one_copy),
    wrong("expand", "x", "the average of the copies", average_of_the_copies),
    wrong("sum_to", "x", "divided", lambda g, node: g.expand(shape_of(node)) / (1 + g.numel())),
    wrong("flip", "x", "not flipped back", lambda g, node: g),
    wrong("cat", "tensors", "always the first part", always_the_first_part),
    wrong("pad", "x", "the frame's other side", cropped_after_instead_of_before),
    wrong("pad", "x", "cropped from the corner", lambda g, node: g[tuple(map(slice, shape_of(node)))]),
    wrong(
        "slice_view",
        "x",
        "put back in reversed order",
        lambda g, node, *, key: ops.slice_put(g.flip(0), key=key, shape=shape_of(node)),
    ),
    wrong(
        "take",
        "x",
        "the places in reversed order",
        lambda g, node, indices, *, key: ops.put_add(
            g, *[index.flip(0) for index in indices], key=key, shape=shape_of(node)
        ),
    ),
    wrong(
        "gather",
        "x",
        "along the first dimension",
        lambda g, node, index: ops.scatter_add(zeros_like_input(node), index % 3, g, dim=0),
    ),
    wrong(
        "gather",
        "x",
        "only where the index says so in the first row",
        lambda g, node, index, *, dim: ops.scatter_add(
            zeros_like_input(node), index[:1].expand(index.shape), g, dim=dim
        ),
    ),
    wrong("scatter_add", "x", "as if what was there were overwritten", lambda g, node: g * 0),
    wrong("scatter_add", "src", "as it stands", lambda g, node: g[tuple(map(slice, shape_of(node, "src")))]),
    wrong("sort", "x", "not put back", lambda g, node: g),
    wrong(
        "sort",
        "x",
        "sorted once more",
        lambda g, node, indices, *, dim: ops.gather(g, indices, dim=dim),
    ),
]

# --- rows, columns, running totals ----------------------------------------------------------------


def averaged_over_its_uses(g, node, indices):
    """What `scale_grad_by_freq=True` asks for, unasked."""
    shape, key = shape_of(node, "weight"), ("pick",)
    times = ops.put_add(tc.ones(*indices.shape, dtype=g.dtype), indices, key=key, shape=shape[:1])
    return ops.put_add(g / ops.take(times, indices, key=key).unsqueeze(-1), indices, key=key, shape=shape)


def overlaps_averaged(g, node, **window):
    size = shape_of(node)[2:]
    times = ops.col2im(g * 0 + 1, output_size=size, **window)
    total = ops.col2im(g, output_size=size, **window)
    return total / tc.where(times == 0, 1, times)


def einsum_the_wrong_way_round(g, node, y, *, equation):
    of_x, of_y, of_out = equation.replace("->", ",").split(",")
    return ops.einsum(g.reshape(*reversed(g.shape)), y, equation=f"{of_out[::-1]},{of_y}->{of_x}")


def products_from_the_front(g, node, x, out, *, dim):
    return ops.cumsum(g * out, dim=dim) / x


SCANS = [
    wrong("cumsum", "x", "from the front", lambda g, node, *, dim: ops.cumsum(g, dim=dim)),
    wrong("cumsum", "x", "later sums are forgotten", lambda g, node: g),
    wrong("cumprod", "x", "from the front", products_from_the_front),
    wrong(
        "cumprod", "x", "that of a sum", lambda g, node, *, dim: ops.cumsum(g.flip(dim), dim=dim).flip(dim)
    ),
    wrong("recur", "x", "later states are forgotten", lambda g, node: g),
    wrong("recur", "factors", "the state after instead of before", lambda g, node, out: g * out),
    wrong("cummax_along", "x", "everybody leads", lambda g, node: g),
    wrong(
        "cummin_along",
        "x",
        "the last leader takes it all",
        lambda g, node, indices, *, dim: ops.scatter_add(g * 0, indices * 0 + indices.max(), g, dim=dim),
    ),
]
ROWS_AND_COLUMNS = [
    wrong("embedding", "weight", "averaged over its uses", averaged_over_its_uses),
    wrong("scatter", "x", "what was overwritten passes", lambda g, node: g),
    wrong(
        "scatter",
        "src",
        "what was overwritten itself passes",
        lambda g, node, index, *, dim: ops.gather(g, index, dim=dim),
    ),
    wrong("im2col", "x", "overlaps averaged", overlaps_averaged),
    wrong("einsum", "x", "the letters of g in reversed order", einsum_the_wrong_way_round),
]
