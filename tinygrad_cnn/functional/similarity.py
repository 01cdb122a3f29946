"""How alike two vectors are: the angle between them, the distance between them.

cosine_similarity     x₁·x₂ / (‖x₁‖ ‖x₂‖)     1 the same direction, 0 at right angles, −1 opposite
pairwise_distance     ‖x₁ − x₂‖
normalize             x / ‖x‖                  only the direction is left
"""

from __future__ import annotations

from tinygrad_cnn._autocast import in_float32
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import broadcast, require_floating
from tinygrad_cnn.ops.activation import clamp
from tinygrad_cnn.ops.norms import norm
from tinygrad_cnn.ops.stretching import expand

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """x / max(‖x‖ₚ, eps) along `dim`: vectors of length 1.

    Args:
        input: any shape, floating.
        p: which norm measures the length (see `tc.norm`).
        dim: along which the vectors lie.
        eps: a shorter vector is divided by this instead; so 0 stays 0.

    Returns:
        The same shape.

    Raises:
        DTypeError: the input is not floating-point.
        DimensionError: there is no such dimension.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.normalize(tc.tensor([[3.0, 4.0], [0.0, 0.0]]))
    tensor([[0.6, 0.8],
            [0. , 0. ]])
    """
    require_floating(input, "input")
    (input,) = in_float32(input)
    result: Tensor = input / clamp(norm(input, p, dim, keepdim=True), min=eps)
    return result


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x₁·x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along `dim`: the cosine of the angle between two vectors.

    Args:
        x1, x2: floating, of shapes that broadcast.
        dim: along which the vectors lie, counted in the broadcast shape.
        eps: a shorter vector counts as of this length; so 0 is at right angles to everything. (The gradient
            is that of this formula; PyTorch's ignores the maximum.)

    Returns:
        The broadcast shape without `dim`.

    Raises:
        DTypeError: an input is not floating-point.
        ShapeError: the shapes do not broadcast.
        DimensionError: there is no such dimension.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[1.0, 0.0]])
    >>> tc.functional.cosine_similarity(x, tc.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]]))
    tensor([ 1.,  0., -1.])
    """
    require_floating(x1, "x1")
    require_floating(x2, "x2")
    x1, x2 = in_float32(x1, x2)
    shape = broadcast(x1.shape, x2.shape, names=("x1", "x2"))
    first, second = (normalize(expand(x, shape=shape), dim=dim, eps=eps) for x in (x1, x2))
    return (first * second).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """‖x₁ − x₂ + eps‖ₚ along the last dimension: the distance between two vectors.

    Args:
        x1, x2: (*, D), floating, of shapes that broadcast.
        p: which norm measures the distance (see `tc.norm`).
        eps: added to every difference, so that the distance has a slope also where the vectors are equal.
        keepdim: leave the last dimension in place, as size 1.

    Returns:
        (*), or (*, 1) with `keepdim`.

    Raises:
        DTypeError: an input is not floating-point.
        ShapeError: the shapes do not broadcast.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.pairwise_distance(tc.tensor([[0.0, 0.0]]), tc.tensor([[3.0, 4.0]]))
    tensor([5.])
    """
    require_floating(x1, "x1")
    require_floating(x2, "x2")
    x1, x2 = in_float32(x1, x2)
    return norm(x1 - x2 + eps, p, -1, keepdim)
