"""Operations that move elements."""

from __future__ import annotations

from tinygrad_cnn.testing.references._loops import (
    axes_of,
    flat_position,
    number,
    places,
    product,
    read,
    stretched,
    table,
)


def reshape_op(x, *, shape):
    known = product([size for size in shape if size != -1])
    shape = tuple(x.size // known if size == -1 else size for size in shape)
    in_order = [number(x, index) for index in places(x.shape)]
    return table(shape, lambda index: in_order[flat_position(shape, index)])


def permute_op(x, *, dims):
    dims = [dim % x.ndim for dim in dims]

    def source(index):
        place = [0] * x.ndim
        for new, old in enumerate(dims):
            place[old] = index[new]
        return number(x, tuple(place))

    return table(tuple(x.shape[dim] for dim in dims), source)


def expand_op(x, *, shape):
    extra = len(shape) - x.ndim
    sizes = tuple(x.shape[axis - extra] if size == -1 else size for axis, size in enumerate(shape))
    return table(sizes, lambda index: number(x, stretched(x.shape, index)))


def sum_to(x, *, shape):
    result = table(shape, lambda index: 0)
    for index in places(x.shape):
        result[stretched(shape, index)] += number(x, index)
    return result


def flip(x, *, dims):
    axes = axes_of(dims, x.ndim)
    return table(
        x.shape,
        lambda index: number(
            x, tuple(x.shape[axis] - 1 - i if axis in axes else i for axis, i in enumerate(index))
        ),
    )


def concatenate(*tensors, dim):
    axis = dim % tensors[0].ndim
    owners = [(part, i) for part in tensors for i in range(part.shape[axis])]
    shape = (*tensors[0].shape[:axis], len(owners), *tensors[0].shape[axis + 1 :])

    def source(index):
        part, place = owners[index[axis]]
        return number(part, (*index[:axis], place, *index[axis + 1 :]))

    return table(shape, source)


def pad_constant(x, *, padding, value):
    shape = tuple(size + before + after for size, (before, after) in zip(x.shape, padding, strict=True))
    return table(shape, lambda index: read(x, [i - p[0] for i, p in zip(index, padding, strict=True)], value))


REFERENCES = {
    "reshape": reshape_op,
    "permute": permute_op,
    "expand": expand_op,
    "sum_to": sum_to,
    "flip": flip,
    "cat": concatenate,
    "pad": pad_constant,
}
