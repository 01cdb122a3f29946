"""Reductions: the elements that meet in one place, as a list of numbers."""

from __future__ import annotations

import math

from tinygrad_cnn.testing.references._loops import (
    axes_of,
    largest,
    line_through,
    mean,
    number,
    places,
    product,
    smallest,
    table,
    total,
    var,
)


def lines(x, dim, keepdim):
    """The shape of a reduction, and for each of its places the indices of x that meet there."""
    axes = axes_of(dim, x.ndim)
    groups = {}
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    for index in places(kept):
        place = index if keepdim else tuple(i for axis, i in enumerate(index) if axis not in axes)
        groups[place] = []
    for index in places(x.shape):
        place = tuple(0 if axis in axes else i for axis, i in enumerate(index))
        if not keepdim:
            place = tuple(i for axis, i in enumerate(place) if axis not in axes)
        groups[place].append(index)
    shape = kept if keepdim else tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    return shape, groups


def reduction(function):
    def reference(x, *, dim=None, keepdim=False, **params):
        shape, groups = lines(x, dim, keepdim)
        return table(shape, lambda place: function([number(x, index) for index in groups[place]], **params))

    return reference


def first_place(values, wanted):
    for place, value in enumerate(values):
        if value == wanted:
            return place
    raise AssertionError(f"{wanted} is not among {values}")


FORMULAS = {
    "sum": total,
    "mean": mean,
    "var": var,
    "std": lambda values, *, correction: math.sqrt(var(values, correction=correction)),
    "prod_along": product,
    "amax": largest,
    "amin": smallest,
    "argmax": lambda values: first_place(values, largest(values)),
    "argmin": lambda values: first_place(values, smallest(values)),
    "all": lambda values: 0 not in values,
    "any": lambda values: total([value != 0 for value in values]) > 0,
    "euclidean_norm": lambda values: math.sqrt(total([value * value for value in values])),
}


def max_along(x, *, dim, keepdim):
    return tuple(reduction(FORMULAS[name])(x, dim=dim, keepdim=keepdim) for name in ("amax", "argmax"))


def min_along(x, *, dim, keepdim):
    return tuple(reduction(FORMULAS[name])(x, dim=dim, keepdim=keepdim) for name in ("amin", "argmin"))


def products_of_others(x, *, dim):
    def others(index):
        values = line_through(x, index, dim)
        return product(values[: index[dim]] + values[index[dim] + 1 :])

    return table(x.shape, others)


REFERENCES = {
    **{name: reduction(formula) for name, formula in FORMULAS.items()},
    "max_along": max_along,
    "min_along": min_along,
    "products_of_others": products_of_others,
}
