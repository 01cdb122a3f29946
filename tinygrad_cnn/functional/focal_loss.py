"""The focal loss: cross-entropy that looks away from what is already known.

    FL = −αₜ · (1 − pₜ)^γ · ln pₜ        pₜ: the probability given to the right answer

Of a thousand places in an image, a handful show an object. Cross-entropy adds up the small losses of the
easy background until they outweigh the objects; the factor (1 − pₜ)^γ takes them away. With γ = 0 it is
cross-entropy again.

Source: Lin, Goyal, Girshick, He and Dollár, arXiv:1708.02002, equations 4 and 5.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.functional._reduction import check_reduction, reduce_losses
from tinygrad_cnn.functional._targets import check_same, class_dim, class_weights, one_hot_like, side_by_side
from tinygrad_cnn.functional.loss import NOTHING_IGNORED, binary_cross_entropy_with_logits, nll_loss
from tinygrad_cnn.ops.activation import sigmoid
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.elementwise import expm1
from tinygrad_cnn.ops.loss import log_softmax

__all__ = ["focal_loss", "sigmoid_focal_loss"]


def focal_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    gamma: float = 2.0,
    ignore_index: int = NOTHING_IGNORED,
    reduction: str = "mean",
) -> Tensor:
    """−w_y · (1 − p_y)^γ · ln p_y, where p = softmax(z) and y is the right one of several classes.

    Args:
        input: logits z, (N, C, *) or (C,).
        target: the right classes y, integers (N, *) or ().
        weight: (C,), how much each class counts: the paper's α.
        gamma: γ ≥ 0; `cross_entropy` is γ = 0.
        ignore_index, reduction: as for `cross_entropy`, also the mean by weights.

    Raises:
        ArgumentError: a negative gamma.
        LabelError, ShapeError, DTypeError: as for `cross_entropy`.

    >>> import tinygrad_cnn as tc
    >>> logits, labels = tc.tensor([[2.0, 0.0], [2.0, 0.0]]), tc.tensor([0, 1])  # one easy, one hard
    >>> tc.functional.cross_entropy(logits, labels, reduction="none")
    tensor([0.1269, 2.1269])
    >>> tc.functional.focal_loss(logits, labels, reduction="none")
    tensor([0.0018, 1.6501])
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "focal_loss")
    _check_gamma(gamma, "focal_loss")
    dim = class_dim(input, "focal_loss")
    surprise = nll_loss(log_softmax(input, dim), target, None, ignore_index, "none")
    losses = _power(-expm1(-surprise), gamma) * surprise  # 1 − p = 1 − e^(ln p)
    counted = one_hot_like(input, target, "focal_loss", ignore_index)
    if weight is not None:
        counted = counted * class_weights(weight, input, "focal_loss")
    counted = counted.sum(dim)
    return reduce_losses(losses * counted, reduction, counted)


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none"
) -> Tensor:
    """−αₜ · (1 − pₜ)^γ · ln pₜ for yes or no, where p = σ(z).

    Name, arguments and defaults, also of `reduction`, are those of `torchvision.ops.sigmoid_focal_loss`.

    Args:
        inputs: logits z, any shape.
        targets: 1 for yes, 0 for no, of the same shape and dtype.
        alpha: 0 ... 1, how much a yes counts; a no counts 1 − alpha. −1 for no such weights.
        gamma: γ ≥ 0.
        reduction: "none", "mean" over all elements, or "sum".

    Raises:
        ArgumentError: a negative gamma, or an alpha that is neither a share nor −1.
        ShapeError, DTypeError: inputs and targets are not of one shape and dtype.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.sigmoid_focal_loss(tc.tensor([2.0, -2.0]), tc.ones(2))  # one easy, one hard
    tensor([0.0005, 0.4125])
    """
    loss = "sigmoid_focal_loss"
    inputs, targets = side_by_side(inputs, targets)
    check_reduction(reduction, loss)
    _check_gamma(gamma, loss)
    if not (0 <= alpha <= 1 or alpha == -1):
        raise ArgumentError(
            "alpha is a share", argument="alpha", expected="0 <= alpha <= 1, or -1", got=alpha
        ).at(loss)
    check_same(inputs, targets, loss, ("inputs", "targets"))
    surprise = binary_cross_entropy_with_logits(inputs, targets, reduction="none")
    doubt = sigmoid(inputs) * (1 - targets) + sigmoid(-inputs) * targets  # 1 − pₜ
    losses = _power(doubt, gamma) * surprise
    if alpha >= 0:
        losses = losses * (alpha * targets + (1 - alpha) * (1 - targets))
    return reduce_losses(losses, reduction)


def _check_gamma(gamma: float, loss: str) -> None:
    if not gamma >= 0:
        raise ArgumentError("gamma is negative", argument="gamma", expected="gamma >= 0", got=gamma).at(loss)


def _power(doubt: Tensor, gamma: float) -> Tensor:
    """(1 − pₜ)^γ, with slope 0 where nothing is in doubt: the loss has none there, but 0^(γ−1) is infinite
    for γ < 1.
    """
    certain = doubt == 0
    power: Tensor = where(certain, 0, where(certain, 1, doubt) ** gamma)
    return power
