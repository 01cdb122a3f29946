"""What every loss does in the end: many losses become one number.

"mean"   their average          "sum"   their sum          "none"   all of them, one a sample
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.ops.loss import ratio_of_sums

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, loss: str, known: Sequence[str] = REDUCTIONS) -> None:
    """Refuse a misspelt reduction before anything is computed."""
    if reduction not in known:
        error = UnknownName.among(str(reduction), known, kind="reduction", argument="reduction")
        raise error.at(loss)


def reduce_losses(losses: Tensor, reduction: str, weights: Tensor | None = None) -> Tensor:
    """The losses as `reduction` wants them; with weights, which are in the losses already, the mean divides
    by their sum instead of by the number of losses.

    >>> import tinygrad_cnn as tc
    >>> reduce_losses(tc.tensor([2.0, 12.0]), "mean", weights=tc.tensor([1.0, 3.0]))
    tensor(3.5)
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    mean: Tensor = losses.mean() if weights is None else ratio_of_sums(losses, weights)
    return mean
