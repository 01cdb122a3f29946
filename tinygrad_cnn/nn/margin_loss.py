"""Losses with a margin: `loss = nn.TripletMarginLoss()`, then `loss(anchor, positive, negative)`.

Arguments, shapes and errors are those of the functions in `tinygrad_cnn.functional`.
"""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.nn._loss import Loss

__all__ = [
    "CosineEmbeddingLoss",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "MarginRankingLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "SoftMarginLoss",
    "TripletMarginLoss",
]


class HingeLoss(Loss):
    """max(0, margin − lead), for ±1 or for classes; as `functional.hinge_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.HingeLoss()(tc.tensor([[3.2, 5.1, -1.7]]), tc.tensor([0]))
    tensor(2.9)
    """

    function = F.hinge_loss

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(margin=margin, reduction=reduction)


class SoftMarginLoss(Loss):
    """ln(1 + e^(−yz)), for ±1; as `functional.soft_margin_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.SoftMarginLoss()(tc.tensor([0.0]), tc.tensor([1]))
    tensor(0.6931)
    """

    function = F.soft_margin_loss

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(reduction=reduction)


class MultiMarginLoss(Loss):
    """The hinge for classes, averaged over them; as `functional.multi_margin_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MultiMarginLoss()(tc.tensor([[0.1, 0.2, 0.4, 0.8]]), tc.tensor([3]))
    tensor(0.325)
    """

    function = F.multi_margin_loss

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self._keep(p=p, margin=margin, weight=weight, reduction=reduction)


class MultiLabelMarginLoss(Loss):
    """Every right class ahead of every wrong one; as `functional.multilabel_margin_loss`.

    >>> import tinygrad_cnn as tc
    >>> z, right = tc.tensor([[0.1, 0.2, 0.4, 0.8]]), tc.tensor([[3, 0, -1, -1]])
    >>> tc.nn.MultiLabelMarginLoss()(z, right)
    tensor(0.85)
    """

    function = F.multilabel_margin_loss

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(reduction=reduction)


class MultiLabelSoftMarginLoss(Loss):
    """A yes or no for each class; as `functional.multilabel_soft_margin_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MultiLabelSoftMarginLoss()(tc.tensor([[0.0, 0.0]]), tc.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """

    function = F.multilabel_soft_margin_loss

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(weight=weight, reduction=reduction)


class MarginRankingLoss(Loss):
    """Of two numbers the right one higher; as `functional.margin_ranking_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MarginRankingLoss()(tc.tensor([1.0]), tc.tensor([3.0]), tc.tensor([1]))
    tensor(2.)
    """

    function = F.margin_ranking_loss

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(margin=margin, reduction=reduction)


class HingeEmbeddingLoss(Loss):
    """Small distances for 1, large ones for −1; as `functional.hinge_embedding_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.HingeEmbeddingLoss()(tc.tensor([0.25, 0.25]), tc.tensor([1, -1]))
    tensor(0.5)
    """

    function = F.hinge_embedding_loss

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(margin=margin, reduction=reduction)


class CosineEmbeddingLoss(Loss):
    """1 − cosine for 1, cosine − margin for −1; as `functional.cosine_embedding_loss`.

    >>> import tinygrad_cnn as tc
    >>> one, two = tc.tensor([[1.0, 0.0]]), tc.tensor([[0.0, 2.0]])
    >>> tc.nn.CosineEmbeddingLoss()(one, two, tc.tensor([1]))
    tensor(1.)
    """

    function = F.cosine_embedding_loss

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(margin=margin, reduction=reduction)


class TripletMarginLoss(Loss):
    """An anchor closer to its like than to its unlike; as `functional.triplet_margin_loss`.

    >>> import tinygrad_cnn as tc
    >>> anchor, positive, negative = tc.zeros(1, 2), tc.ones(1, 2), tc.tensor([[3.0, 4.0]])
    >>> tc.nn.TripletMarginLoss(margin=6.0)(anchor, positive, negative)
    tensor(2.4142)
    """

    function = F.triplet_margin_loss

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self._keep(margin=margin, p=p, eps=eps, swap=swap, reduction=reduction)
