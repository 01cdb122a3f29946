"""Softmax and cross-entropy: from scores to probabilities to a loss.

    softmax(z)ᵢ = e^zᵢ / Σⱼ e^zⱼ            cross-entropy = −Σᵢ qᵢ ln softmax(z)ᵢ

Written out, the pair overflows (e¹⁰⁰⁰) and takes ln 0. Fused, it is logsumexp(z)·Σq − Σ q·z, which does
neither, and its gradient is the most beautiful line of the course: softmax(z) − q.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn._autocast import in_float32
from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    Dims,
    DType,
    HasSpec,
    Spec,
    as_index,
    float32,
    int64,
    normalize_dim,
    reduced_shape,
    require_floating,
    require_integer,
    same_floating,
)
from tinygrad_cnn.errors import ArgumentError, LabelError, ShapeError
from tinygrad_cnn.ops.arithmetic import div, mul, neg, sub
from tinygrad_cnn.ops.comparison import eq, isfinite, where
from tinygrad_cnn.ops.elementwise import exp, log
from tinygrad_cnn.ops.extremes import amax
from tinygrad_cnn.ops.movement import reshape, unsqueeze
from tinygrad_cnn.ops.reduce import sum as sum_over
from tinygrad_cnn.ops.stretching import expand


@function(method=True)
def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ over `dim`, shifted by the maximum so that nothing overflows; −∞ for all −∞, and for nothing.

    Integers become float32.

    >>> import tinygrad_cnn as tc
    >>> tc.logsumexp(tc.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    (x,) = in_float32(x if x.dtype.is_floating else x.to(float32))
    if not x.numel():
        return sub(sum_over(x, dim, keepdim), math.inf)  # nothing has no maximum; ln 0 is −∞
    # The shift cancels, so it is a constant: no gradient passes through it.
    peak = amax(x.detach(), dim, True)
    peak = where(isfinite(peak), peak, 0)
    total = log(sum_over(exp(sub(x, peak)), dim, True)) + peak
    return total if keepdim else reshape(total, shape=reduced_shape(x.shape, dim, False))


@function(method=True)
def softmax(x: Tensor, dim: int) -> Tensor:
    """Scores into probabilities along `dim`: eˣ / Σ eˣ, shifted by the maximum so that nothing overflows.

    >>> import tinygrad_cnn as tc
    >>> tc.softmax(tc.tensor([1e4, 0.0, -1e4]), 0)
    tensor([1., 0., 0.])
    """
    require_floating(x, "x")
    normalize_dim(dim, x.ndim)
    (x,) = in_float32(x)
    if not x.numel():
        return x  # nothing has no maximum
    powers = exp(sub(x, amax(x.detach(), dim, True)))
    return div(powers, sum_over(powers, dim, True))


def _one_dim(x: HasSpec, *, dim: int) -> Spec:
    require_floating(x, "x")
    normalize_dim(dim, len(x.shape))
    return Spec(x.shape, x.dtype)


@op(
    symbol="ln softmax",
    infer=_one_dim,
    autocast="float32",
    method=True,
    samples=[Sample(reals(2, 3), dim=1), Sample(reals(2, 3, 2), dim=-2)],
)
def log_softmax(B, x, *, dim):
    """ln softmax(x) along `dim`, computed as x − logsumexp(x).

    Raises:
        DTypeError: x is not floating-point.

    >>> import tinygrad_cnn as tc
    >>> tc.log_softmax(tc.tensor([1000.0, 0.0]), dim=0)
    tensor([    0., -1000.])
    """
    xp = B.xp
    if not x.size:
        return x  # nothing has no maximum
    shifted = x - xp.max(x, axis=dim, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))


@log_softmax.gradient("x", "∂L/∂x = g − softmax(x) · Σ g")
def _(g, node, out, *, dim):
    return sub(g, mul(exp(out), sum_over(g, dim, True)))


@log_softmax.as_composite
def _(x, *, dim):
    return sub(x, logsumexp(x, dim, True))


# --- labels ---------------------------------------------------------------------------------------


def _one_hot_shape(
    labels: HasSpec, *, num_classes: int, dim: int, ignore_index: int | None, dtype: DType
) -> Spec:
    require_integer(labels, "labels")
    classes = as_index(num_classes, argument="num_classes")
    if classes < 1:
        raise ArgumentError("at least one class", argument="num_classes", expected=">= 1", got=classes)
    axis = normalize_dim(dim, len(labels.shape) + 1)
    return Spec((*labels.shape[:axis], classes, *labels.shape[axis:]), dtype)


@op(
    name="one_hot",
    symbol="one-hot",
    infer=_one_hot_shape,
    nondifferentiable=("labels",),
    public=False,
    samples=[
        Sample(integers(4, high=3), num_classes=3, dim=-1, ignore_index=None, dtype=int64),
        Sample(integers(2, 4, high=3), num_classes=3, dim=1, ignore_index=2, dtype=int64),
    ],
)
def one_hot_op(B, labels, *, num_classes, dim, ignore_index, dtype):
    """A 1 at each label's place along a new dimension; all zeros for the ignored label."""
    xp = B.xp
    ignored = labels == ignore_index if ignore_index is not None else xp.zeros_like(labels, dtype=xp.bool)
    B.check(
        lambda: xp.logical_and(xp.logical_or(labels < 0, labels >= num_classes), ~ignored),
        lambda outside: label_error(B, labels, outside, num_classes),
    )
    axis = dim % (labels.ndim + 1)
    shape = tuple(-1 if i == axis else 1 for i in range(labels.ndim + 1))
    classes = xp.reshape(xp.arange(num_classes), shape)
    hits = xp.logical_and(xp.expand_dims(labels, axis=axis) == classes, ~xp.expand_dims(ignored, axis=axis))
    return xp.astype(hits, B.array_dtype(dtype))


def first_place(B: Any, mask: Any) -> tuple[int, ...]:
    """The index of the first True."""
    return tuple(int(B.to_numpy(places)[0]) for places in B.xp.nonzero(mask)) if mask.ndim else ()


def label_error(B: Any, labels: Any, outside: Any, num_classes: int) -> LabelError:
    """The error about the first label where the mask `outside` is True."""
    place = first_place(B, outside)
    label = int(B.to_numpy(labels)[place])
    position = place[0] if len(place) == 1 else place
    return LabelError(
        f"label {label} at index {position} names no class",
        argument="target",
        expected=f"0 .. {num_classes - 1}",
        got=label,
        hint="do the labels start at 1? Then subtract 1. Is the last layer as wide as the number of classes?",
    )


@function()
def one_hot(labels: Tensor, num_classes: int = -1) -> Tensor:
    """Labels as rows with a single 1: (*,) → (*, num_classes), int64.

    Args:
        labels: integers 0 .. num_classes − 1, any shape.
        num_classes: how long the rows are; −1 for as long as the largest label needs.

    Raises:
        LabelError: a label outside 0 .. num_classes − 1; names it and where it stands.
        ArgumentError: fewer than one class, or −1 without a label to count from.
        DTypeError: the labels are not integers.

    >>> import tinygrad_cnn as tc
    >>> tc.one_hot(tc.tensor([1, 0]), 3)
    tensor([[0, 1, 0],
            [1, 0, 0]])
    """
    if num_classes == -1:
        num_classes = _classes_needed(labels)
    return one_hot_op(labels, num_classes=num_classes, dim=-1, ignore_index=None, dtype=int64)


def _classes_needed(labels: Tensor) -> int:
    require_integer(labels, "labels")
    if not labels.numel():
        raise ArgumentError(
            "without a label there is no telling how many classes there are",
            argument="num_classes",
            expected="a number",
            got=-1,
        ).at("one_hot")
    return max(int(amax(labels).item()) + 1, 1)


# --- the fused pair -------------------------------------------------------------------------------


def _per_sample(logits: HasSpec, target: HasSpec, *, dim: int) -> tuple[Spec, Spec]:
    dtype = same_floating(logits, target, names=("logits", "target"))
    axis = normalize_dim(dim, len(logits.shape))
    if target.shape != logits.shape:
        raise ShapeError(
            "class probabilities need the shape of the logits",
            argument="target",
            expected=logits.shape,
            got=target.shape,
        )
    loss = Spec((*logits.shape[:axis], *logits.shape[axis + 1 :]), dtype)
    return loss, Spec(logits.shape, dtype)


@op(
    symbol="softmax CE",
    infer=_per_sample,
    outputs=("out", "log_probabilities"),
    hidden=("log_probabilities",),
    autocast="float32",
    public=False,
    samples=[
        Sample(reals(3, 4), reals(3, 4, low=0.1, high=1.0), dim=1),
        Sample(reals(2, 3, 2), reals(2, 3, 2, low=0.1, high=1.0), dim=1),
        Sample(reals(4), reals(4, low=0.1, high=1.0), dim=0),
    ],
)
def softmax_cross_entropy(B, logits, target, *, dim):
    """−Σ target · ln softmax(logits) along `dim`, one loss for each sample."""
    xp = B.xp
    shifted = logits - xp.max(logits, axis=dim, keepdims=True)
    log_probabilities = shifted - xp.log(xp.sum(xp.exp(shifted), axis=dim, keepdims=True))
    # A class of probability 0 contributes 0, also where its log-probability is −∞.
    terms = xp.where(target == 0, xp.zeros_like(target), target * log_probabilities)
    # Subtracted from 0, because −0 would be shown as the loss of an ignored sample.
    return 0 - xp.sum(terms, axis=dim), log_probabilities


@softmax_cross_entropy.gradient("logits", "∂L/∂logits = g · (softmax(logits) · Σ target − target)")
def _(g, node, target, log_probabilities, *, dim):
    probabilities = exp(log_probabilities)
    return mul(unsqueeze(g, dim), sub(mul(probabilities, sum_over(target, dim, True)), target))


@softmax_cross_entropy.gradient("target", "∂L/∂target = −g · ln softmax(logits)")
def _(g, node, log_probabilities, *, dim):
    return neg(mul(unsqueeze(g, dim), log_probabilities))


@softmax_cross_entropy.as_composite
def _(logits, target, *, dim):
    return neg(sum_over(mul(target, sub(logits, logsumexp(logits, dim, True))), dim))


# --- the mean of the losses that count ------------------------------------------------------------


@op(
    symbol="Σ/Σ",
    infer=lambda x, weights: Spec((), same_floating(x, weights, names=("x", "weights"))),
    autocast="float32",
    public=False,
    samples=[
        Sample(reals(4), reals(4, low=0.1, high=1.0)),
        Sample(reals(3), reals(3, 2, low=0.1, high=1.0)),
    ],
)
def ratio_of_sums(B, x, weights):
    """Σ x / Σ weights, and NaN where all weights are 0: the mean of nothing."""
    xp = B.xp
    total = xp.sum(weights)
    nothing = total == 0
    return xp.where(nothing, math.nan, xp.sum(x) / xp.where(nothing, 1, total))


@ratio_of_sums.gradient("x", "∂L/∂xᵢ = g / Σ weights, and 0 where all weights are 0")
def _(g, node, weights):
    return expand(_share(g, sum_over(weights)), shape=node.spec("x").shape)


@ratio_of_sums.gradient("weights", "∂L/∂weightᵢ = −g · out / Σ weights, and 0 where all weights are 0")
def _(g, node, weights, out):
    total = sum_over(weights)
    # Where there is nothing to divide by, `out` is NaN and is not looked at.
    share = mul(_share(g, total), where(eq(total, 0), 0, out))
    return neg(expand(share, shape=weights.shape))


def _share(g: Tensor, total: Tensor) -> Tensor:
    """g / total, and 0 where there is nothing to divide by."""
    nothing = eq(total, 0)
    return where(nothing, 0, div(g, where(nothing, 1, total)))
