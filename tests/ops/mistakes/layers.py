"""Rules of normalization and losses: terms forgotten, statistics taken for constants."""

from __future__ import annotations

import math

from ops.mistakes._mistake import ops, shape_of, wrong


def normalized(x, mean, var, eps):
    shape = (1, -1, *(1,) * (x.ndim - 2))
    inverse = (var + eps).rsqrt().reshape(shape)
    return (x - mean.reshape(shape)) * inverse, inverse, (0, *range(2, x.ndim)), shape


def statistics_constant(g, node, x, weight, mean, var, *, eps):
    standard, inverse, others, shape = normalized(x, mean, var, eps)
    return g * weight.reshape(shape) * inverse, (g * standard).sum(others), g.sum(others)


def variance_constant(g, node, x, weight, mean, var, *, eps):
    standard, inverse, others, shape = normalized(x, mean, var, eps)
    centred = g - g.mean(others, True)
    return centred * weight.reshape(shape) * inverse, (g * standard).sum(others), g.sum(others)


def bias_averaged(g, node, x, weight, mean, var, *, eps):
    x_grad, weight_grad, _ = ops.batch_norm_grad(g, x, weight, mean, var, eps=eps)
    return x_grad, weight_grad, g.mean((0, *range(2, x.ndim)))


def weight_of_the_raw_input(g, node, x, weight, mean, var, *, eps):
    x_grad, _, bias_grad = ops.batch_norm_grad(g, x, weight, mean, var, eps=eps)
    return x_grad, (g * x).sum((0, *range(2, x.ndim))), bias_grad


def scores_without_the_target(g, node, log_probabilities, *, dim):
    return g.unsqueeze(dim) * log_probabilities.exp()


def target_taken_for_probabilities(g, node, target, log_probabilities, *, dim):
    return g.unsqueeze(dim) * (log_probabilities.exp() - target)


def standardized_with_constant_statistics(g, node, var, *, eps):
    return g * (var + eps).rsqrt()


def standardized_with_a_constant_variance(g, node, var, *, dims, eps):
    return (g - g.mean(dims, True)) * (var + eps).rsqrt()


def standardized_by_the_deviation_cubed(g, node, out, var, *, dims, eps):
    slope = g - g.mean(dims, True) - out * (g * out).mean(dims, True)
    return slope * (var + eps) ** -1.5


NORMALIZATION_AND_LOSSES = [
    wrong("standardize", "x", "the statistics are constants", standardized_with_constant_statistics),
    wrong("standardize", "x", "the variance is a constant", standardized_with_a_constant_variance),
    wrong("standardize", "x", "the deviation cubed", standardized_by_the_deviation_cubed),
    wrong(
        "binary_cross_entropy",
        "p",
        "the second term is forgotten",
        lambda g, node, p, target: -(g * target / p),
    ),
    wrong("binary_cross_entropy", "p", "that of the scores", lambda g, node, p, target: g * (p - target)),
    wrong(
        "binary_cross_entropy",
        "target",
        "the sign is forgotten",
        lambda g, node, p: g * (p.log() - (1 - p).log()),
    ),
    wrong("batch_norm", "x weight bias", "the statistics are constants", statistics_constant),
    wrong("batch_norm", "x weight bias", "the variance is a constant", variance_constant),
    wrong("batch_norm", "x weight bias", "the bias averaged over the batch", bias_averaged),
    wrong(
        "batch_norm", "x weight bias", "the weight sees x before it is normalized", weight_of_the_raw_input
    ),
    wrong("log_softmax", "x", "the Jacobian's second term is forgotten", lambda g, node: g),
    wrong("log_softmax", "x", "no sum over g", lambda g, node, out: g - out.exp() * g),
    wrong("softmax_cross_entropy", "logits", "the target is forgotten", scores_without_the_target),
    wrong("softmax_cross_entropy", "logits", "Σ target taken for 1", target_taken_for_probabilities),
    wrong(
        "softmax_cross_entropy",
        "target",
        "the sign is forgotten",
        lambda g, node, log_probabilities, *, dim: g.unsqueeze(dim) * log_probabilities,
    ),
    wrong(
        "ratio_of_sums",
        "x",
        "divided by how many there are",
        lambda g, node: g.expand(shape_of(node)) / math.prod(shape_of(node)),
    ),
]
