"""Random numbers for weights, drawn on the host: one seed gives the same weights on every backend.

    uniform, normal    as they are
    truncated_normal   normal numbers inside of an interval
    orthogonal         a matrix whose rows (or columns) have length 1 and stand at right angles
    scattered          True in some places of each column

Each takes a shape and a dtype and returns a tensor of the host's backend; `filled` brings it to the weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import get_backend
from tinygrad_cnn.dtypes import DType, float64
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.random import HOST, rand, randn
from tinygrad_cnn.ops.sorting import sort

uniform = partial(rand, backend=HOST)
normal = partial(randn, backend=HOST)


def truncated_normal(*shape: int, dtype: DType, mean: float, std: float, a: float, b: float) -> Tensor:
    """Normal numbers, each drawn again until it lies in a ... b.

    Where hardly any would, numbers uniform in a ... b are drawn instead, and each is kept with a probability
    that follows the bell.
    """
    in_reach = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    peak = min(max(mean, a), b)  # where in a ... b the bell is highest

    low, high = max(a, peak - 9 * std), min(b, peak + 9 * std)  # further out it is 10⁻¹⁷ as high

    def propose() -> tuple[Tensor, Tensor]:
        """Numbers, and which of them cannot be kept."""
        if in_reach > 0.3:
            numbers = normal(*shape, dtype=dtype) * std + mean
            return numbers, (numbers < a).logical_or(numbers > b)
        numbers = (uniform(*shape, dtype=dtype) * (high - low) + low).clamp(low, high)
        log_height = (((peak - mean) / std) ** 2 - ((numbers - mean) / std) ** 2) / 2
        return numbers, uniform(*shape, dtype=dtype) > log_height.exp()

    numbers, refused = propose()
    while bool(refused.any()):
        again, refused_again = propose()
        numbers = where(refused, again, numbers)
        refused = refused.logical_and(refused_again)
    return numbers


def _normal_cdf(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def orthogonal(rows: int, columns: int, *, dtype: DType) -> Tensor:
    """A random matrix Q with Q Qᵀ = 1 or Qᵀ Q = 1, whichever is possible; every such one is as likely.

    Source: Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the AMS
    54 (2007), arXiv:math-ph/0609050: the Q of a QR decomposition, once R has a positive diagonal.
    """
    host = get_backend(HOST)
    numbers = normal(max(rows, columns), min(rows, columns), dtype=dtype)
    q, r = host.xp.linalg.qr(numbers.array)
    tall = tensor(q * host.xp.sign(host.xp.linalg.diagonal(r)), dtype=dtype, backend=host)
    return tall if rows >= columns else tall.T


def scattered(rows: int, columns: int, chosen: int) -> Tensor:
    """True in `chosen` places of each column, every choice being as likely."""
    lots = uniform(rows, columns, dtype=float64)
    if chosen == 0:
        return lots < 0
    return lots <= sort(lots, dim=0).values[chosen - 1]


def filled(tensor: Tensor, numbers: Callable[[], Tensor]) -> Tensor:
    """The tensor, overwritten with numbers that may come from the host; meta has no numbers."""
    if not tensor.backend.executes:
        return tensor
    with no_grad():
        return tensor.assign(numbers().to(tensor.backend))
