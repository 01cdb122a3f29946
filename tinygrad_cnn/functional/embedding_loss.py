"""Losses for pairs and triplets: what belongs together should be close, everything else apart by a margin.

    margin_ranking_loss      of two scores, the one that should be higher is
    hinge_embedding_loss     of distances: small for pairs that belong together (1), large for others (−1)
    cosine_embedding_loss    of two vectors, by the angle between them
    triplet_margin_loss      an anchor is closer to the positive example than to the negative one

Targets are 1 and −1, integers or numbers of the inputs' dtype. Every loss takes `reduction`: "mean" (the
default), "sum", or "none". Where a hinge touches 0 it still passes the gradient, as in PyTorch.
"""

from __future__ import annotations

from tinygrad_cnn._autocast import in_float32
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._reduction import check_reduction, reduce_losses
from tinygrad_cnn.functional._targets import check_same, check_signs, side_by_side
from tinygrad_cnn.functional.similarity import pairwise_distance
from tinygrad_cnn.ops.activation import clamp
from tinygrad_cnn.ops.arithmetic import minimum
from tinygrad_cnn.ops.comparison import where

__all__ = ["cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "triplet_margin_loss"]


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    """max(0, margin − y · (x₁ − x₂)): y = 1 wants the first number higher, y = −1 the second.

    Args:
        input1, input2: x₁ and x₂, of one shape and dtype.
        target: y, 1 and −1, of the same shape.
        margin: by how much.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ShapeError, DTypeError: the three do not fit.

    >>> import tinygrad_cnn as tc
    >>> one, two = tc.tensor([2.0, 2.0]), tc.tensor([1.5, 3.0])
    >>> tc.functional.margin_ranking_loss(one, two, tc.tensor([1, 1]), reduction="none")
    tensor([0., 1.])
    """
    input1, target = side_by_side(input1, target)
    (input2,) = in_float32(input2)
    check_reduction(reduction, "margin_ranking_loss")
    check_same(input1, input2, "margin_ranking_loss", ("input1", "input2"))
    check_signs(target, input1, input1.shape, "margin_ranking_loss")
    return reduce_losses(clamp(margin - target * (input1 - input2), min=0), reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, reduction: str = "mean"
) -> Tensor:
    """x where y = 1, and max(0, margin − x) where y = −1.

    Args:
        input: distances x, any shape.
        target: y, 1 and −1, of the same shape. (Elsewhere both are added, as in PyTorch.)
        margin: how far apart is far enough.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ShapeError, DTypeError: input and target do not fit.

    Source: Hadsell, Chopra and LeCun, CVPR 2006.

    >>> import tinygrad_cnn as tc
    >>> distances = tc.tensor([0.2, 0.2, 3.0])
    >>> tc.functional.hinge_embedding_loss(distances, tc.tensor([1, -1, -1]), reduction="none")
    tensor([0.2, 0.8, 0. ])
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "hinge_embedding_loss")
    check_signs(target, input, input.shape, "hinge_embedding_loss")
    near = where(target == -1, 0, input)
    far = where(target == 1, 0, clamp(margin - input, min=0))
    return reduce_losses(near + far, reduction)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, reduction: str = "mean"
) -> Tensor:
    """1 − cos where y = 1, and max(0, cos − margin) where y = −1; cos is that of the angle between vectors.

    Args:
        input1, input2: vectors (N, D) or (D,), of one shape and dtype.
        target: y, 1 and −1, (N,) or ().
        margin: −1 ... 1, the cosine that is small enough.
        reduction: "mean" over the pairs, "sum" or "none".

    Raises:
        ShapeError, DTypeError: the three do not fit.

    >>> import tinygrad_cnn as tc
    >>> one, two = tc.tensor([[1.0, 0.0], [1.0, 0.0]]), tc.tensor([[0.0, 2.0], [3.0, 3.0]])
    >>> tc.functional.cosine_embedding_loss(one, two, tc.tensor([1, -1]), reduction="none")
    tensor([1.    , 0.7071])
    """
    input1, target = side_by_side(input1, target)
    (input2,) = in_float32(input2)
    check_reduction(reduction, "cosine_embedding_loss")
    check_same(input1, input2, "cosine_embedding_loss", ("input1", "input2"))
    if input1.ndim not in (1, 2):
        raise ShapeError(
            "vectors have an angle", argument="input1", expected="(N, D) or (D,)", got=input1.shape
        ).at("cosine_embedding_loss")
    check_signs(target, input1, input1.shape[:-1], "cosine_embedding_loss")
    # PyTorch's constant: the vector 0 has no direction and gets cosine 0.
    square1, square2 = (x.square().sum(-1) + 1e-12 for x in (input1, input2))
    cosine = (input1 * input2).sum(-1) / (square1 * square2).sqrt()
    losses = where(target == 1, 1 - cosine, where(target == -1, clamp(cosine - margin, min=0), 0))
    return reduce_losses(losses, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + d(anchor, positive) − d(anchor, negative)), where d(x, y) = ‖x − y + eps‖ₚ.

    Args:
        anchor, positive, negative: vectors (*, D), of one shape and dtype.
        margin: > 0, by how much the positive should be closer.
        p: of the norm.
        eps: keeps the distance of equal vectors away from the corner of the norm.
        swap: take d(positive, negative) for the last distance where it is smaller.
        reduction: "mean" over the triplets, "sum" or "none".

    Raises:
        ArgumentError: the margin is not above 0.
        ShapeError, DTypeError: the three are not of one shape and dtype.

    Sources: Schroff, Kalenichenko and Philbin, arXiv:1503.03832; swap: Balntas et al., BMVC 2016.

    >>> import tinygrad_cnn as tc
    >>> anchor, positive, negative = tc.tensor([[0.0, 0.0]]), tc.tensor([[0.0, 1.0]]), tc.tensor([[1.5, 0.0]])
    >>> tc.functional.triplet_margin_loss(anchor, positive, negative)
    tensor(0.5)
    """
    check_reduction(reduction, "triplet_margin_loss")
    if not margin > 0:
        raise ArgumentError(
            "without a margin all vectors may be equal", argument="margin", expected="margin > 0", got=margin
        ).at("triplet_margin_loss")
    anchor, positive, negative = in_float32(anchor, positive, negative)
    check_same(anchor, positive, "triplet_margin_loss", ("anchor", "positive"))
    check_same(anchor, negative, "triplet_margin_loss", ("anchor", "negative"))

    close, far = (pairwise_distance(anchor, other, p, eps) for other in (positive, negative))
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce_losses(clamp(margin + close - far, min=0), reduction)
