"""Losses for numbers: `loss = nn.HuberLoss()`, then `loss(predictions, measurements)`.

Arguments, shapes and errors are those of the functions in `tinygrad_cnn.functional`.
"""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.nn._loss import Loss

__all__ = ["GaussianNLLLoss", "HuberLoss", "L1Loss", "MSELoss", "PoissonNLLLoss", "SmoothL1Loss"]


class MSELoss(Loss):
    """(x − y)², the squared error; as `functional.mse_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.MSELoss()(tc.tensor([1.0, 2.0]), tc.tensor([0.0, 5.0]))
    tensor(5.)
    """

    function = F.mse_loss

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(reduction=reduction)


class L1Loss(Loss):
    """|x − y|, the absolute error; as `functional.l1_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.L1Loss()(tc.tensor([1.0, 2.0]), tc.tensor([0.0, 5.0]))
    tensor(2.)
    """

    function = F.l1_loss

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(reduction=reduction)


class HuberLoss(Loss):
    """Squared near 0, absolute beyond delta; as `functional.huber_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.HuberLoss()(tc.tensor([1.0, 2.0]), tc.tensor([0.0, 5.0]))
    tensor(1.5)
    """

    function = F.huber_loss

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__()
        self._keep(reduction=reduction, delta=delta)


class SmoothL1Loss(Loss):
    """The Huber loss divided by its beta; as `functional.smooth_l1_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.SmoothL1Loss(beta=2.0)(tc.tensor([1.0, 2.0]), tc.tensor([0.0, 5.0]))
    tensor(1.125)
    """

    function = F.smooth_l1_loss

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__()
        self._keep(reduction=reduction, beta=beta)


class PoissonNLLLoss(Loss):
    """λ − y · ln λ, for counts; as `functional.poisson_nll_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.PoissonNLLLoss()(tc.tensor([0.0, 1.0]), tc.tensor([1.0, 3.0]))
    tensor(0.3591)
    """

    function = F.poisson_nll_loss

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self._keep(log_input=log_input, full=full, eps=eps, reduction=reduction)


class GaussianNLLLoss(Loss):
    """(ln v + (x − y)²/v) / 2, called with x, y and v; as `functional.gaussian_nll_loss`.

    >>> import tinygrad_cnn as tc
    >>> x, y, v = tc.tensor([0.0]), tc.tensor([1.0]), tc.tensor([4.0])
    >>> tc.nn.GaussianNLLLoss()(x, y, v)
    tensor(0.8181)
    """

    function = F.gaussian_nll_loss

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__()
        self._keep(full=full, eps=eps, reduction=reduction)
