"""How alike two vectors are, as modules."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.nn._function import FunctionModule

__all__ = ["CosineSimilarity", "PairwiseDistance"]


class CosineSimilarity(FunctionModule):
    """The cosine of the angle between two vectors; see `functional.cosine_similarity`.

    Args:
        dim: along which the vectors lie.
        eps: a shorter vector counts as of this length.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.CosineSimilarity(dim=0)(tc.tensor([1.0, 0.0]), tc.tensor([0.0, 2.0]))
    tensor(0.)
    """

    function = F.cosine_similarity

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self._keep(dim=dim, eps=eps)


class PairwiseDistance(FunctionModule):
    """The distance between two vectors; see `functional.pairwise_distance`.

    Args:
        p: which norm measures it.
        eps: added to every difference.
        keepdim: leave the last dimension in place, as size 1.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.PairwiseDistance(p=1)(tc.zeros(1, 2), tc.tensor([[3.0, 4.0]]))
    tensor([7.])
    """

    function = F.pairwise_distance

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self._keep(p=p, eps=eps, keepdim=keepdim)
