"""Standardizing by its formula, and rows looked up in a table."""

from __future__ import annotations

import math

from tinygrad_cnn.testing.references._loops import axes_of, mean, number, places, table, var


def standardize(x, *, dims, eps):
    axes = axes_of(dims, x.ndim)
    reduced = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))

    def peers(place):
        """The numbers that share their statistics with this place."""
        return [
            number(x, index)
            for index in places(x.shape)
            if all(axis in axes or index[axis] == place[axis] for axis in range(x.ndim))
        ]

    def standardized(place):
        numbers = peers(place)
        return (number(x, place) - mean(numbers)) / math.sqrt(var(numbers, correction=0) + eps)

    return (
        table(x.shape, standardized),
        table(reduced, lambda place: mean(peers(place))),
        table(reduced, lambda place: var(peers(place), correction=0)),
    )


def embedding(indices, weight, *, padding_idx, scale_grad_by_freq):
    shape = (*indices.shape, weight.shape[1])
    return table(shape, lambda place: number(weight, (number(indices, place[:-1]), place[-1])))


REFERENCES = {"standardize": standardize, "embedding": embedding}
