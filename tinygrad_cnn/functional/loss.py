"""Losses for classes and probabilities: how surprised a network is by the truth.

    cross_entropy(logits, target)             −ln of the probability given to the right class
    nll_loss(log_softmax(z), target)          the second half of it
    binary_cross_entropy(p, target)           for yes or no, of a probability
    binary_cross_entropy_with_logits(z, ...)  for yes or no, of any number: σ and logarithm in one, and stable
    kl_div(ln q, p)                           how far a distribution q is from p

Every loss takes `reduction`: "mean" (the default), "sum", or "none" for one loss a sample. Classes are
dimension 1 of the logits (N, C, *), or dimension 0 of a single sample (C,). Logarithms are natural.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import bool_
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._reduction import REDUCTIONS, check_reduction, reduce_losses
from tinygrad_cnn.functional._targets import (
    check_floating,
    check_same,
    check_stretches,
    class_dim,
    class_weights,
    one_hot_like,
    side_by_side,
)
from tinygrad_cnn.ops.activation import logsigmoid
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.loss import one_hot, softmax_cross_entropy
from tinygrad_cnn.ops.probability import binary_cross_entropy_op, within

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "kl_div",
    "nll_loss",
    "one_hot",
]

NOTHING_IGNORED = -100  # PyTorch's default for ignore_index: a label that no data set uses


# --- one of several classes -----------------------------------------------------------------------


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = NOTHING_IGNORED,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−Σ q · ln softmax(z), where q is 1 at the right class and 0 elsewhere, or given as probabilities.

    Args:
        input: logits z, (N, C, *) or (C,): any numbers, the higher the likelier. No softmax before it.
        target: the right classes, integers (N, *) or (), 0 ... C − 1; or probabilities of the input's shape
            and dtype.
        weight: (C,), how much each class counts; None for 1.
        ignore_index: samples with this label count nothing (integer targets only).
        reduction: "mean": over the samples that count, by their weights; "sum"; or "none".
        label_smoothing: ε in 0 ... 1: q becomes (1 − ε) · q + ε/C, so that no class is ever certain.

    Returns:
        A scalar, or (N, *) with reduction "none". The mean over no samples at all is NaN, with gradient 0.

    Raises:
        LabelError: a label that is neither a class nor ignored; names it and where it stands.
        ShapeError: target and input do not fit.
        DTypeError: targets of another dtype than integers or the input's.
        ArgumentError: label_smoothing outside 0 ... 1, or ignore_index with probabilities.

    Source of label smoothing: Szegedy et al., arXiv:1512.00567, section 7.

    >>> import tinygrad_cnn as tc
    >>> logits = tc.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    >>> tc.functional.cross_entropy(logits, tc.tensor([0, 2]))
    tensor(0.4076)
    """
    input, target = side_by_side(input, target)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            "label_smoothing is a share of the probability",
            argument="label_smoothing",
            expected="0 <= label_smoothing <= 1",
            got=label_smoothing,
        ).at("cross_entropy")
    check_reduction(reduction, "cross_entropy")
    dim = class_dim(input, "cross_entropy")
    weights = None if weight is None else class_weights(weight, input, "cross_entropy")
    if target.dtype.is_floating:
        _check_probabilities(input, target, ignore_index)
        counted = None
        wanted = target
    else:
        wanted = one_hot_like(input, target, "cross_entropy", ignore_index)
        counted = wanted if weights is None else wanted * weights
    if label_smoothing:
        even = label_smoothing / input.shape[dim]
        # An ignored sample has no class at all and must not get even shares of them.
        share = even if counted is None else wanted.sum(dim, keepdim=True) * even
        wanted = wanted * (1 - label_smoothing) + share
    if weights is not None:
        wanted = wanted * weights
    losses: Tensor = softmax_cross_entropy(input, wanted, dim=dim)
    return reduce_losses(losses, reduction, counted)


def _check_probabilities(input: Tensor, target: Tensor, ignore_index: int) -> None:
    check_floating("cross_entropy", input=input, target=target)
    if target.shape != input.shape:
        raise ShapeError(
            "class probabilities need the shape of the logits",
            argument="target",
            expected=input.shape,
            got=target.shape,
            hint="are these class labels? Then target.to('int64')",
        ).at("cross_entropy")
    if ignore_index != NOTHING_IGNORED:
        raise ArgumentError(
            "probabilities have no label that could be ignored",
            argument="ignore_index",
            expected="integer targets",
            got=f"ignore_index={ignore_index} and targets of {target.dtype}",
        ).at("cross_entropy")


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = NOTHING_IGNORED,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-probability of the right class ("negative log-likelihood").

    Args:
        input: log-probabilities (N, C, *) or (C,), such as `log_softmax` gives.
        target: the right classes, integers (N, *) or ().
        weight, ignore_index, reduction: as for `cross_entropy`.

    Raises:
        LabelError, ShapeError, DTypeError: as for `cross_entropy`.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[0.5, 0.25, 0.25]])
    >>> tc.functional.nll_loss(p.log(), tc.tensor([0]))
    tensor(0.6931)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "nll_loss")
    hot = one_hot_like(input, target, "nll_loss", ignore_index)
    weights = None if weight is None else class_weights(weight, input, "nll_loss")
    counted = hot if weights is None else hot * weights
    # Chosen, not multiplied: 0 · −∞ of an impossible class would be NaN.
    right = where(hot.to(bool_), input if weights is None else input * weights, 0.0)
    return reduce_losses(-right.sum(class_dim(input, "nll_loss")), reduction, counted)


# --- yes or no ------------------------------------------------------------------------------------


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """−y · ln p − (1 − y) · ln(1 − p): the surprise at y, seen with probability p for yes.

    No logarithm is taken to be below −100, so a certain and wrong guess costs 100 and not infinity.

    Args:
        input: probabilities p in 0 ... 1, any shape, such as `sigmoid` gives.
        target: y, of the same shape and dtype: 1 for yes, 0 for no, or something between.
        weight: how much each element counts; stretches to the input's shape.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ArgumentError: a probability below 0 or above 1; names it and where it stands. (NaN passes.)
        ShapeError, DTypeError: input and target are not of one shape and dtype.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([0.9, 0.9, 1.0])
    >>> tc.functional.binary_cross_entropy(p, tc.tensor([1.0, 0.0, 0.0]), reduction="none")
    tensor([  0.1054,   2.3026, 100.    ])
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "binary_cross_entropy")
    check_same(input, target, "binary_cross_entropy")
    p = within(input, low=0, high=1, argument="input", loss="binary_cross_entropy")
    y = within(target, low=0, high=1, argument="target", loss="binary_cross_entropy")
    losses: Tensor = binary_cross_entropy_op(p, y)
    return reduce_losses(_weighted(losses, weight, "binary_cross_entropy"), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """`binary_cross_entropy` of σ(z), computed without σ: −y · ln σ(z) − (1 − y) · ln σ(−z).

    As ln σ(−z) = ln σ(z) − z, the loss is (1 − y) · z − ln σ(z), and ln σ is computed without overflow.

    Args:
        input: logits z, any numbers, any shape.
        target: y, of the same shape and dtype: 1 for yes, 0 for no, or something between.
        weight: how much each element counts; stretches to the input's shape.
        reduction: "mean" over all elements, "sum" or "none".
        pos_weight: how much a yes counts against a no, for classes that are rarely there; stretches to the
            input's shape: (C,) for logits (N, C).

    Raises:
        ShapeError, DTypeError: input and target are not of one shape and dtype.

    >>> import tinygrad_cnn as tc
    >>> z = tc.tensor([0.0, -100.0])
    >>> tc.functional.binary_cross_entropy_with_logits(z, tc.ones(2), reduction="none")
    tensor([  0.6931, 100.    ])
    """
    loss = "binary_cross_entropy_with_logits"
    input, target = side_by_side(input, target)
    check_reduction(reduction, loss)
    check_same(input, target, loss)
    surprise: Tensor = -logsigmoid(input)
    if pos_weight is not None:
        check_stretches(pos_weight, input, loss, "pos_weight")
        surprise = surprise * ((pos_weight - 1) * target + 1)
    return reduce_losses(_weighted((1 - target) * input + surprise, weight, loss), reduction)


def _weighted(losses: Tensor, weight: Tensor | None, loss: str) -> Tensor:
    if weight is None:
        return losses
    check_stretches(weight, losses, loss)
    return losses * weight


# --- distributions --------------------------------------------------------------------------------


def kl_div(input: Tensor, target: Tensor, reduction: str = "mean", log_target: bool = False) -> Tensor:
    """The Kullback-Leibler divergence D(p ‖ q) = Σ p · (ln p − ln q): what taking q for p costs.

    Mind the order: the input is ln q, the target is p.

    Args:
        input: log-probabilities ln q, any shape, such as `log_softmax` gives.
        target: probabilities p of the same shape and dtype; 0 · ln 0 counts as 0.
        reduction: "batchmean" is the divergence: the sum, divided by the size of dimension 0; "mean" divides
            by the number of elements and so by the classes too; "sum"; or "none", the terms.
        log_target: the target is ln p.

    Raises:
        ShapeError, DTypeError: input and target are not of one shape and dtype.

    Source: Kullback and Leibler, Annals of Mathematical Statistics 22 (1951).

    >>> import tinygrad_cnn as tc
    >>> import math
    >>> p, q = tc.tensor([[0.8, 0.2]]), tc.tensor([[0.5, 0.5]])
    >>> tc.functional.kl_div(q.log(), p, reduction="batchmean") / math.log(2)  # in bits
    tensor(0.2781)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "kl_div", (*REDUCTIONS, "batchmean"))
    check_same(input, target, "kl_div")
    if log_target:
        terms = target.exp() * (target - input)
    else:
        impossible = target == 0
        terms = target * where(impossible, 1, target).log() - target * input
    if reduction == "batchmean":
        return terms.sum(tuple(range(1, terms.ndim))).mean()
    return reduce_losses(terms, reduction)
