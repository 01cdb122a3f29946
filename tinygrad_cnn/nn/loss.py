"""Losses for classes and probabilities: `loss = nn.CrossEntropyLoss()`, then `loss(logits, labels)`.

Arguments, shapes and errors are those of the functions in `tinygrad_cnn.functional`.
"""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.functional.loss import NOTHING_IGNORED
from tinygrad_cnn.nn._loss import Loss

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "FocalLoss",
    "KLDivLoss",
    "NLLLoss",
    "SigmoidFocalLoss",
]


class BCELoss(Loss):
    """−y · ln p − (1 − y) · ln(1 − p), of a probability for yes; as `functional.binary_cross_entropy`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.BCELoss()(tc.tensor([0.8, 0.3]), tc.tensor([1.0, 0.0]))
    tensor(0.2899)
    """

    function = F.binary_cross_entropy

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(weight=weight, reduction=reduction)


class BCEWithLogitsLoss(Loss):
    """The same of a logit, and stable; as `functional.binary_cross_entropy_with_logits`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.BCEWithLogitsLoss()(tc.tensor([0.0, -100.0]), tc.tensor([1.0, 0.0]))
    tensor(0.3466)
    """

    function = F.binary_cross_entropy_with_logits

    def __init__(
        self,
        weight: Tensor | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__()
        self._keep(weight=weight, reduction=reduction, pos_weight=pos_weight)


class NLLLoss(Loss):
    """Minus the log-probability of the right class; as `functional.nll_loss`.

    >>> import tinygrad_cnn as tc
    >>> log_probabilities = tc.log(tc.tensor([[0.25, 0.75]]))
    >>> tc.nn.NLLLoss()(log_probabilities, tc.tensor([1]))
    tensor(0.2877)
    """

    function = F.nll_loss

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = NOTHING_IGNORED, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self._keep(weight=weight, ignore_index=ignore_index, reduction=reduction)


class CrossEntropyLoss(Loss):
    """−Σ q · ln softmax(logits), for classes; as `functional.cross_entropy`.

    >>> import tinygrad_cnn as tc
    >>> criterion = tc.nn.CrossEntropyLoss()
    >>> criterion(tc.tensor([[0.0, 0.0]]), tc.tensor([1]))
    tensor(0.6931)
    """

    function = F.cross_entropy

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = NOTHING_IGNORED,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self._keep(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )


class FocalLoss(Loss):
    """Cross-entropy that looks away from what is already known; as `functional.focal_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.FocalLoss()(tc.tensor([[0.0, 0.0]]), tc.tensor([1]))  # ln 2 / 4
    tensor(0.1733)
    """

    function = F.focal_loss

    def __init__(
        self,
        weight: Tensor | None = None,
        gamma: float = 2.0,
        ignore_index: int = NOTHING_IGNORED,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self._keep(weight=weight, gamma=gamma, ignore_index=ignore_index, reduction=reduction)


class SigmoidFocalLoss(Loss):
    """The focal loss of a logit for yes; as `functional.sigmoid_focal_loss`, also without a reduction.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.SigmoidFocalLoss()(tc.tensor([0.0, 0.0]), tc.tensor([1.0, 0.0]))
    tensor([0.0433, 0.13  ])
    """

    function = F.sigmoid_focal_loss

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none") -> None:
        super().__init__()
        self._keep(alpha=alpha, gamma=gamma, reduction=reduction)


class KLDivLoss(Loss):
    """Σ p · (ln p − ln q), of ln q and p; as `functional.kl_div`, where the divergence is "batchmean".

    >>> import tinygrad_cnn as tc
    >>> p, q = tc.tensor([[0.8, 0.2]]), tc.tensor([[0.5, 0.5]])
    >>> tc.nn.KLDivLoss(reduction="batchmean")(q.log(), p)
    tensor(0.1927)
    """

    function = F.kl_div

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__()
        self._keep(reduction=reduction, log_target=log_target)
