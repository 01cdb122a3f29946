"""Scans: each element of the result from the list of those before it."""

from __future__ import annotations

from tinygrad_cnn.testing.references._loops import largest, line_through, product, smallest, table, total


def scan(function):
    def reference(x, *, dim):
        dim %= x.ndim
        return table(x.shape, lambda index: function(line_through(x, index, dim)[: index[dim] + 1]))

    return reference


def last_place(values, wanted):
    return max(place for place, value in enumerate(values) if value == wanted)


def recur(x, factors, *, dim):
    """Written out: every xⱼ arrives multiplied by all factors after it."""
    dim %= x.ndim

    def state(index):
        end = index[dim] + 1
        steps, along = line_through(x, index, dim)[:end], line_through(factors, index, dim)[:end]
        return total([step * product(along[place + 1 :]) for place, step in enumerate(steps)])

    return table(x.shape, state)


def with_places(found):
    values = scan(found)
    places = scan(lambda line: last_place(line, found(line)))
    return lambda x, *, dim: (values(x, dim=dim), places(x, dim=dim))


REFERENCES = {
    "cumsum": scan(total),
    "cumprod": scan(product),
    "recur": recur,
    "cummax_along": with_places(largest),
    "cummin_along": with_places(smallest),
}
