"""Losses for segmentation: `loss = nn.SoftDiceLoss()`, then `loss(probabilities, masks)`.

Arguments, shapes and errors are those of the functions in `functional`; torch.nn has none of these.
"""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.functional.loss import NOTHING_IGNORED
from tinygrad_cnn.nn._loss import Loss

__all__ = ["LovaszSoftmaxLoss", "SoftDiceLoss", "SoftJaccardLoss", "SoftTverskyLoss"]


class SoftDiceLoss(Loss):
    """1 − 2 Σp·g / (Σp + Σg); as `functional.soft_dice_loss`.

    >>> import tinygrad_cnn as tc
    >>> p, g = tc.tensor([[[0.9, 0.9, 0.1, 0.1]]]), tc.tensor([[[1, 1, 0, 0]]])
    >>> tc.nn.SoftDiceLoss(smooth=0)(p, g)
    tensor(0.1)
    """

    function = F.soft_dice_loss

    def __init__(self, smooth: float = 1.0, squared: bool = False, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(smooth=smooth, squared=squared, reduction=reduction)


class SoftJaccardLoss(Loss):
    """1 − Σp·g / (Σp + Σg − Σp·g); as `functional.soft_jaccard_loss`.

    >>> import tinygrad_cnn as tc
    >>> p, g = tc.tensor([[[0.9, 0.9, 0.1, 0.1]]]), tc.tensor([[[1, 1, 0, 0]]])
    >>> tc.nn.SoftJaccardLoss(smooth=0)(p, g)
    tensor(0.1818)
    """

    function = F.soft_jaccard_loss

    def __init__(self, smooth: float = 1.0, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(smooth=smooth, reduction=reduction)


class SoftTverskyLoss(Loss):
    """Dice that weighs what was found too much and what was missed; as `functional.soft_tversky_loss`.

    >>> import tinygrad_cnn as tc
    >>> p, g = tc.tensor([[[0.9, 0.9, 0.1, 0.1]]]), tc.tensor([[[1, 1, 0, 0]]])
    >>> tc.nn.SoftTverskyLoss(alpha=0.3, beta=0.7, smooth=0)(p, g)
    tensor(0.1)
    """

    function = F.soft_tversky_loss

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth: float = 1.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self._keep(alpha=alpha, beta=beta, smooth=smooth, reduction=reduction)


class LovaszSoftmaxLoss(Loss):
    """The convex surrogate of 1 − Jaccard; as `functional.lovasz_softmax_loss`.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[[0.8, 0.4, 0.3], [0.2, 0.6, 0.7]]])
    >>> tc.nn.LovaszSoftmaxLoss()(p, tc.tensor([[0, 0, 1]]))
    tensor(0.4333)
    """

    function = F.lovasz_softmax_loss

    def __init__(
        self,
        classes: str = "present",
        per_image: bool = False,
        ignore_index: int = NOTHING_IGNORED,
    ) -> None:
        super().__init__()
        self._keep(classes=classes, per_image=per_image, ignore_index=ignore_index)
