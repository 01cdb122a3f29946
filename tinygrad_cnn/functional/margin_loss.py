"""Margin losses: the right score should win by a margin; what wins by more costs nothing.

    hinge_loss                      max(0, margin − lead): the support vector machine's, for ±1 or for classes
    multi_margin_loss               the same for classes, averaged over them, with powers and weights
    multilabel_margin_loss          several right classes, each ahead of every wrong one
    soft_margin_loss                ln(1 + e^(−yz)): a hinge without the corner, for ±1
    multilabel_soft_margin_loss     yes or no for each class, averaged over them

Every loss takes `reduction`: "mean" (the default), "sum", or "none" for one loss a sample. Margins between
pairs and triplets of vectors are in `embedding_loss`.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import bool_
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._reduction import check_reduction, reduce_losses
from tinygrad_cnn.functional._targets import (
    check_floating,
    check_same,
    check_same_shape,
    check_signs,
    check_stretches,
    class_dim,
    class_weights,
    one_hot_like,
    side_by_side,
)
from tinygrad_cnn.ops.activation import logsigmoid, relu
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.creation import arange
from tinygrad_cnn.ops.loss import one_hot_op

__all__ = [
    "hinge_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
]


# --- one right class ------------------------------------------------------------------------------


def hinge_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """The hinge of the lectures, which PyTorch has no function for.

        two classes       max(0, margin − y · z)                    y = ±1
        several classes   Σⱼ max(0, margin + zⱼ − z_y), j ≠ y       y = 0 ... C − 1

    What decides is the shape of the target. `multi_margin_loss` is the second one divided by C.

    Args:
        input: scores z: any shape for two classes, (N, C, *) or (C,) for several.
        target: 1 and −1, of the input's shape, for two classes; class labels, integers (N, *) or (), for
            several.
        margin: by how much the right side should win.
        reduction: "mean" over the samples, "sum" or "none".

    Raises:
        LabelError: a label that names no class.
        ShapeError, DTypeError: input and target do not fit.

    Sources: Cortes and Vapnik, 1995 (two classes); Weston and Watkins, 1999 (several).

    >>> import tinygrad_cnn as tc
    >>> F = tc.functional
    >>> F.hinge_loss(tc.tensor([0.5, -2.0]), tc.tensor([1, -1]), reduction="none")
    tensor([0.5, 0. ])
    >>> F.hinge_loss(tc.tensor([[3.2, 5.1, -1.7]]), tc.tensor([0]))  # 5.1 is too high by 2.9
    tensor(2.9)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "hinge_loss")
    if target.shape == input.shape:
        check_signs(target, input, input.shape, "hinge_loss")
        return reduce_losses(relu(margin - target * input), reduction)
    dim = class_dim(input, "hinge_loss")
    hot = one_hot_like(input, target, "hinge_loss")
    return reduce_losses(_hinges(input, hot, dim, margin).sum(dim), reduction)


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Σⱼ w_y · max(0, margin + zⱼ − z_y)ᵖ / C over the wrong classes j ≠ y.

    Args:
        input: scores z, (N, C) or (C,).
        target: the right classes y, integers (N,) or (), 0 ... C − 1.
        p: 1 or 2.
        margin: by how much the right class should win.
        weight: (C,), how much a sample of each class counts; the mean is over the samples all the same.
        reduction: "mean" over the samples, "sum" or "none".

    Raises:
        ArgumentError: p is neither 1 nor 2.
        LabelError: a label that names no class.
        ShapeError, DTypeError: input and target do not fit.

    >>> import tinygrad_cnn as tc
    >>> z = tc.tensor([[0.1, 0.2, 0.4, 0.8]])
    >>> tc.functional.multi_margin_loss(z, tc.tensor([3]))
    tensor(0.325)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "multi_margin_loss")
    if p not in (1, 2):
        raise ArgumentError(
            "a hinge is taken as it is or squared", argument="p", expected="1 or 2", got=p
        ).at("multi_margin_loss")
    dim = class_dim(input, "multi_margin_loss")
    hot = one_hot_like(input, target, "multi_margin_loss")
    hinges = _hinges(input, hot, dim, margin)
    losses = (hinges if p == 1 else hinges.square()).sum(dim) / input.shape[dim]
    if weight is not None:
        losses = losses * (hot * class_weights(weight, input, "multi_margin_loss")).sum(dim)
    return reduce_losses(losses, reduction)


def _hinges(input: Tensor, hot: Tensor, dim: int, margin: float) -> Tensor:
    """max(0, margin + zⱼ − z_y) for each class j, and 0 for y itself."""
    is_right = hot.to(bool_)
    right = where(is_right, input, 0).sum(dim, keepdim=True)
    hinges: Tensor = where(is_right, 0, relu(margin - right + input))
    return hinges


# --- several right classes ------------------------------------------------------------------------


def multilabel_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """Σ max(0, 1 + zⱼ − z_y) / C over every right class y and every wrong class j.

    Args:
        input: scores z, (N, C) or (C,).
        target: of the same shape, integers: each row lists the right classes and ends with −1; what comes
            after does not count. A class that is listed twice counts twice.
        reduction: "mean" over the samples, "sum" or "none".

    Raises:
        LabelError: a label that names no class and is not −1.
        ShapeError, DTypeError: input and target do not fit.

    >>> import tinygrad_cnn as tc
    >>> z = tc.tensor([[0.1, 0.2, 0.4, 0.8]])
    >>> right = tc.tensor([[3, 0, -1, -1]])
    >>> tc.functional.multilabel_margin_loss(z, right)
    tensor(0.85)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "multilabel_margin_loss")
    check_floating("multilabel_margin_loss", input=input)
    check_same_shape(input, target, "multilabel_margin_loss")
    if input.ndim not in (1, 2):
        raise ShapeError(
            "each sample has a row of scores", argument="input", expected="(N, C) or (C,)", got=input.shape
        ).at("multilabel_margin_loss")
    classes = input.shape[-1]
    places = arange(classes, backend=input.backend)
    listed = places < where(target == -1, places, classes).amin(-1, keepdim=True)
    # (*, entries of the list, classes): which class each entry means
    means = one_hot_op(target, num_classes=classes, dim=-1, ignore_index=-1, dtype=bool_)
    means = means & listed.unsqueeze(-1)
    scores = input.unsqueeze(-2)
    right = where(means, scores, 0).sum(-1, keepdim=True)
    counts = listed.unsqueeze(-1) & ~means.any(-2, keepdim=True)
    losses = where(counts, relu(1 - right + scores), 0).sum((-2, -1)) / classes
    return reduce_losses(losses, reduction)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """−Σ (y · ln σ(z) + (1 − y) · ln σ(−z)) / C: a yes or no for each class, averaged over the classes.

    Args:
        input: scores z, (*, C).
        target: y, of the same shape and dtype, 1 for yes and 0 for no.
        weight: how much each class counts, (C,), or any shape that stretches to the input's.
        reduction: "mean" over the samples, "sum", or "none" for one loss a sample, (*).

    Raises:
        ShapeError, DTypeError: input and target are not of one shape and dtype.

    >>> import tinygrad_cnn as tc
    >>> z, y = tc.tensor([[0.0, 1000.0]]), tc.tensor([[1.0, 1.0]])
    >>> tc.functional.multilabel_soft_margin_loss(z, y)  # ln 2 and 0
    tensor(0.3466)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "multilabel_soft_margin_loss")
    check_same(input, target, "multilabel_soft_margin_loss")
    class_dim(input, "multilabel_soft_margin_loss")  # a single number has no classes
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        check_stretches(weight, input, "multilabel_soft_margin_loss")
        losses = losses * weight
    return reduce_losses(losses.sum(-1) / input.shape[-1], reduction)


def soft_margin_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """ln(1 + e^(−y · z)) for y = ±1.

    Computed as −ln σ(y · z), which large scores do not overflow (PyTorch's is infinite there).

    Args:
        input: scores z, any shape.
        target: y, 1 and −1, of the same shape: integers, or the input's dtype.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ShapeError, DTypeError: input and target do not fit.

    >>> import tinygrad_cnn as tc
    >>> z = tc.tensor([0.0, -100.0])
    >>> tc.functional.soft_margin_loss(z, tc.tensor([1, 1]), reduction="none")
    tensor([  0.6931, 100.    ])
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "soft_margin_loss")
    check_signs(target, input, input.shape, "soft_margin_loss")
    return reduce_losses(-logsigmoid(target * input), reduction)
