"""Losses as modules: `criterion = nn.CrossEntropyLoss()`, then `criterion(logits, labels)`."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.functional.loss import NOTHING_IGNORED
from tinygrad_cnn.nn.module import Module

__all__ = ["CrossEntropyLoss", "L1Loss", "MSELoss", "NLLLoss"]


class NLLLoss(Module):
    """Minus the log-probability of the right class; arguments as for `functional.nll_loss`.

    >>> import tinygrad_cnn as tc
    >>> log_probabilities = tc.log(tc.tensor([[0.25, 0.75]]))
    >>> tc.nn.NLLLoss()(log_probabilities, tc.tensor([1]))
    tensor(0.2877)
    """

    weight: Tensor | None

    def __init__(
        self, weight: Tensor | None = None, ignore_index: int = NOTHING_IGNORED, reduction: str = "mean"
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.ignore_index, self.reduction = ignore_index, reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(NLLLoss):
    """−Σ q · ln softmax(logits), for classes; arguments as for `functional.cross_entropy`.

    >>> import tinygrad_cnn as tc
    >>> criterion = tc.nn.CrossEntropyLoss()
    >>> criterion(tc.tensor([[0.0, 0.0]]), tc.tensor([1]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: int = NOTHING_IGNORED,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class MSELoss(Module):
    """(x − y)², the squared error; arguments as for `functional.mse_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MSELoss()(tc.tensor([1.0, 2.0]), tc.tensor([0.0, 5.0]))
    tensor(5.)
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, self.reduction)


class L1Loss(MSELoss):
    """|x − y|, the absolute error; arguments as for `functional.l1_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.L1Loss()(tc.tensor([1.0, 2.0]), tc.tensor([0.0, 5.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, self.reduction)
