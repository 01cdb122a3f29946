"""Losses and normalization by their formulas."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_cnn.testing.references._loops import line_through, mean, number, places, table, total, var


def log_softmax(x, *, dim):
    dim %= x.ndim
    return table(
        x.shape,
        lambda index: number(x, index) - math.log(total([math.exp(v) for v in line_through(x, index, dim)])),
    )


def softmax_cross_entropy(logits, target, *, dim):
    dim %= logits.ndim
    logs = log_softmax(logits, dim=dim)
    shape = logits.shape[:dim] + logits.shape[dim + 1 :]
    losses = table(
        shape,
        lambda place: (
            -total(
                [
                    number(target, (*place[:dim], i, *place[dim:])) * logs[(*place[:dim], i, *place[dim:])]
                    for i in range(logits.shape[dim])
                ]
            )
        ),
    )
    return losses, logs


def ratio_of_sums(x, weights):
    def sum_of(array):
        return total([number(array, index) for index in places(array.shape)])

    return table((), lambda index: sum_of(x) / sum_of(weights))


def one_hot_op(labels, *, num_classes, dim, ignore_index, dtype):
    axis = dim % (labels.ndim + 1)
    shape = (*labels.shape[:axis], num_classes, *labels.shape[axis:])

    def hit(index):
        label = number(labels, index[:axis] + index[axis + 1 :])
        return int(label == index[axis] and label != ignore_index)

    return table(shape, hit)


def channel_values(x, channel):
    return [number(x, index) for index in places(x.shape) if index[1] == channel]


def batch_norm(x, weight, bias, *, eps):
    means = [mean(channel_values(x, c)) for c in range(x.shape[1])]
    variances = [var(channel_values(x, c), correction=0) for c in range(x.shape[1])]

    def normalized(index):
        c = index[1]
        scaled = (number(x, index) - means[c]) / math.sqrt(variances[c] + eps)
        return scaled * number(weight, (c,)) + number(bias, (c,))

    return table(x.shape, normalized), np.array(means), np.array(variances)


def batch_norm_grad(g, x, weight, mean, var, *, eps):
    def scaled(index):
        return (number(x, index) - number(mean, (index[1],))) / math.sqrt(number(var, (index[1],)) + eps)

    normalized = table(x.shape, scaled)
    product_of_both = table(x.shape, lambda index: number(g, index) * normalized[index])
    n = x.size // x.shape[1]
    bias_grad = [total(channel_values(g, c)) for c in range(x.shape[1])]
    weight_grad = [
        total([product_of_both[index] for index in places(x.shape) if index[1] == c])
        for c in range(x.shape[1])
    ]

    def x_grad(index):
        c = index[1]
        inner = number(g, index) - bias_grad[c] / n - normalized[index] * weight_grad[c] / n
        return number(weight, (c,)) / math.sqrt(number(var, (c,)) + eps) * inner

    return table(x.shape, x_grad), np.array(weight_grad), np.array(bias_grad)


REFERENCES = {
    "log_softmax": log_softmax,
    "softmax_cross_entropy": softmax_cross_entropy,
    "ratio_of_sums": ratio_of_sums,
    "one_hot": one_hot_op,
    "batch_norm": batch_norm,
    "batch_norm_grad": batch_norm_grad,
}
