"""Rules of reductions: not divided, divided too often, the wrong winner."""

from __future__ import annotations

import math

from ops.mistakes._mistake import ops, shape_of, spread, wrong


def mean_over_all_elements(g, node, *, dim, keepdim):
    return spread(g, node, dim, keepdim) / math.prod(shape_of(node))


def keepdim_forgotten(g, node):
    return g.expand(shape_of(node))


def biased_variance(g, node, x, *, dim, keepdim):
    n = x.numel() // x.sum(dim, True).numel()
    return spread(g, node, dim, keepdim) * (2 / n) * (x - x.mean(dim, True))


def variance_without_the_mean(g, node, x, *, dim, correction, keepdim):
    n = x.numel() // x.sum(dim, True).numel()
    return spread(g, node, dim, keepdim) * (2 / (n - correction)) * x


def variance_without_the_2(g, node, x, *, dim, correction, keepdim):
    n = x.numel() // x.sum(dim, True).numel()
    return spread(g, node, dim, keepdim) / (n - correction) * (x - x.mean(dim, True))


def deviation_not_divided_by_itself(g, node, x, *, dim, correction, keepdim):
    n = x.numel() // x.sum(dim, True).numel()
    return spread(g, node, dim, keepdim) / (n - correction) * (x - x.mean(dim, True))


def everybody_wins(g, node, *, dim, keepdim):
    return spread(g, node, dim, keepdim)


def the_smallest_wins(g, node, x, *, dim, keepdim):
    return spread(g, node, dim, keepdim) * (x == x.amin(dim, True)).to(x.dtype)


def the_first_element_wins(g, node, indices, *, dim, keepdim):
    whole = spread(g, node, dim, keepdim)
    place = indices if keepdim else indices.unsqueeze(dim)
    return ops.scatter_add(whole * 0, place * 0, g if keepdim else g.unsqueeze(dim), dim=dim)


REDUCTIONS = [
    wrong("sum", "x", "keepdim is forgotten", keepdim_forgotten),
    wrong("mean", "x", "not divided", everybody_wins),
    wrong("mean", "x", "divided by all elements", mean_over_all_elements),
    wrong("var", "x", "biased", biased_variance),
    wrong("var", "x", "the mean is not subtracted", variance_without_the_mean),
    wrong("var", "x", "the 2 is forgotten", variance_without_the_2),
    wrong("std", "x", "not divided by the deviation", deviation_not_divided_by_itself),
    wrong(
        "prod_along",
        "x",
        "its own factor too",
        lambda g, node, out, *, dim, keepdim: spread(g * out, node, dim, keepdim),
    ),
    wrong("amax", "x", "everybody wins", everybody_wins),
    wrong("amax", "x", "the smallest wins", the_smallest_wins),
    wrong("max_along", "x", "everybody wins", everybody_wins),
    wrong("max_along", "x", "the first element wins", the_first_element_wins),
    wrong("min_along", "x", "the first element wins", the_first_element_wins),
    wrong(
        "euclidean_norm",
        "x",
        "not divided by the norm",
        lambda g, node, x, *, dim, keepdim: spread(g, node, dim, keepdim) * x,
    ),
]
