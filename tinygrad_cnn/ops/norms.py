"""Norms: how long a vector is.

‖x‖ₚ = (Σ |xᵢ|ᵖ)^(1/p)        p = 2 Euclid's, 1 the sum of sizes, ∞ the largest, 0 how many are not 0
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import function, op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Dims, normalize_dims, require_floating
from tinygrad_cnn.errors import ArgumentTypeError
from tinygrad_cnn.ops._infer import ALONG, reduced_floating
from tinygrad_cnn.ops.arithmetic import abs as absolute
from tinygrad_cnn.ops.arithmetic import div, mul, sign
from tinygrad_cnn.ops.comparison import eq, where
from tinygrad_cnn.ops.elementwise import pow as power
from tinygrad_cnn.ops.extremes import amax, amin
from tinygrad_cnn.ops.reduce import restore
from tinygrad_cnn.ops.reduce import sum as sum_over


@op(symbol="‖x‖", infer=reduced_floating, autocast="float32", public=False, samples=ALONG[:3])
def euclidean_norm(B, x, *, dim=None, keepdim=False):
    """The square root of the sum of squares; its slope at 0 is taken as 0."""
    return B.xp.sqrt(B.xp.sum(x * x, axis=normalize_dims(dim, x.ndim), keepdims=keepdim))


@euclidean_norm.gradient("x", "∂L/∂x = g · x / ‖x‖, and 0 where ‖x‖ = 0")
def _(g, node, x, out, *, dim, keepdim):
    zero = eq(out, 0)
    return mul(restore(where(zero, 0, div(g, where(zero, 1, out))), x.shape, dim, keepdim), x)


@function(method=True)
def norm(x: Tensor, p: float | str = "fro", dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`, of all elements by default; its slope at 0 is taken as 0.

    Args:
        x: floating-point.
        p: any number, ±infinity, or "fro" (Frobenius's: 2). 0 counts the elements that are not 0.
        dim: over which dimensions; None for all.
        keepdim: leaves them in place, as size 1.

    Raises:
        ArgumentTypeError: p is nothing of that.
        DTypeError: x holds integers.

    >>> import math
    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([3.0, -4.0])
    >>> tc.norm(x), tc.norm(x, 1), tc.norm(x, math.inf), tc.norm(x, 0)
    (tensor(5.), tensor(7.), tensor(4.), tensor(2.))
    """
    if p in (2, "fro"):
        return euclidean_norm(x, dim, keepdim)
    if not isinstance(p, (int, float)):
        raise ArgumentTypeError("p is a number", argument="p", expected="2, 1, inf, 'fro' ...", got=repr(p))
    require_floating(x, "x")
    if p == 0:
        return sum_over(absolute(sign(x)), dim, keepdim)
    magnitude = absolute(x)
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(magnitude, dim, keepdim)
    if p == 1:
        return sum_over(magnitude, dim, keepdim)
    return _root(sum_over(_flat_at_zero(magnitude, p), dim, keepdim), p)


def _flat_at_zero(magnitude: Tensor, p: float) -> Tensor:
    """|x|ᵖ; where p < 1 it has an infinite slope at 0, which is taken as 0."""
    if p > 1:
        return power(magnitude, p)
    zero = eq(magnitude, 0)
    return where(zero, 0 if p > 0 else math.inf, power(where(zero, 1, magnitude), p))


def _root(total: Tensor, p: float) -> Tensor:
    zero = eq(total, 0)
    return where(zero, 0, power(where(zero, 1, total), 1 / p))
