"""Picking and putting by index, sorting."""

from __future__ import annotations

from tinygrad_cnn.testing.references._loops import (
    common_shape,
    line_through,
    number,
    places,
    stretched,
    table,
)


def slice_places(shape, key):
    """For every place of x[key], in row-major order: (its index in the result, its index in x)."""
    ranges, kept, dim = [], [], 0
    for entry in key:
        if entry is None:
            kept.append(None)
            continue
        if isinstance(entry, int):
            ranges.append([entry % shape[dim]])
        else:
            ranges.append(list(range(shape[dim])[slice(*entry)]))
            kept.append(dim)
        dim += 1
    for rest in range(dim, len(shape)):
        ranges.append(list(range(shape[rest])))
        kept.append(rest)
    result_shape = tuple(1 if axis is None else len(ranges[axis]) for axis in kept)
    pairs = [
        (
            index,
            tuple(
                values[index[kept.index(axis)]] if axis in kept else values[0]
                for axis, values in enumerate(ranges)
            ),
        )
        for index in places(result_shape)
    ]
    return result_shape, pairs


def slice_view(x, *, key):
    shape, pairs = slice_places(x.shape, key)
    source = dict(pairs)
    return table(shape, lambda index: number(x, source[index]))


def slice_put(x, *, key, shape):
    result = table(shape, lambda index: 0)
    for index, place in slice_places(shape, key)[1]:
        result[place] = number(x, index)
    return result


def take_places(shape, indices, key):
    """For every place of x[key] with index arrays: (its index in the result, its index in x)."""
    picks = common_shape(*[index.shape for index in indices])
    positions = [position for position, entry in enumerate(key) if entry == "pick"]
    together = positions[-1] - positions[0] == len(positions) - 1
    # A slice view with one stand-in index for every picked dimension tells where the others go.
    template = tuple(0 if entry == "pick" else entry for entry in key)
    rest_shape, pairs = slice_places(shape, template)
    picked_dims = [
        position - len([entry for entry in key[:position] if entry is None]) for position in positions
    ]
    front = 0 if not together else positions[0]
    result_shape = (*rest_shape[:front], *picks, *rest_shape[front:])
    found = []
    for pick in places(picks):
        for rest, place in pairs:
            target = list(place)
            for dim, index in zip(picked_dims, indices, strict=True):
                target[dim] = number(index, stretched(index.shape, pick)) % shape[dim]
            found.append(((*rest[:front], *pick, *rest[front:]), tuple(target)))
    return result_shape, found


def take(x, *indices, key):
    shape, pairs = take_places(x.shape, indices, key)
    source = dict(pairs)
    return table(shape, lambda index: number(x, source[index]))


def put_add(x, *indices, key, shape):
    result = table(shape, lambda index: 0)
    for index, place in take_places(shape, indices, key)[1]:
        result[place] += number(x, index)
    return result


def gather(x, index, *, dim):
    dim %= x.ndim
    return table(
        index.shape, lambda place: number(x, (*place[:dim], number(index, place), *place[dim + 1 :]))
    )


def scatter_add(x, index, src, *, dim):
    dim %= x.ndim
    result = table(x.shape, lambda place: number(x, place))
    for place in places(index.shape):
        result[(*place[:dim], number(index, place), *place[dim + 1 :])] += number(src, place)
    return result


def scatter(x, index, src, *, dim):
    dim %= x.ndim
    result = table(x.shape, lambda place: number(x, place))
    for place in places(index.shape):
        result[(*place[:dim], number(index, place), *place[dim + 1 :])] = number(src, place)
    return result


def sort(x, *, dim, descending):
    dim %= max(x.ndim, 1)
    orders = {}

    def order(index):
        line = (*index[:dim], 0, *index[dim + 1 :])
        if line not in orders:
            values = line_through(x, line, dim)
            key = (lambda i: -values[i]) if descending else (lambda i: values[i])
            orders[line] = sorted(range(len(values)), key=key)  # stable: equal ones keep their order
        return orders[line][index[dim]]

    places_of = table(x.shape, order)
    return table(
        x.shape, lambda index: number(x, (*index[:dim], places_of[index], *index[dim + 1 :]))
    ), places_of


REFERENCES = {
    "slice_view": slice_view,
    "slice_put": slice_put,
    "take": take,
    "put_add": put_add,
    "gather": gather,
    "scatter_add": scatter_add,
    "scatter": scatter,
    "sort": sort,
}
