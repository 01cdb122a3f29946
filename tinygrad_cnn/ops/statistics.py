"""Numbers that describe many numbers: pairs of mean and spread, the middle one, quantiles, counts.

All are compositions of reductions and sorting.
"""

from __future__ import annotations

import math
from typing import Any, overload

from tinygrad_cnn._op import function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Dims, normalize_dim, reduced_shape, require_floating
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.ops._results import ValuesAndIndices
from tinygrad_cnn.ops.comparison import isnan, ne, where
from tinygrad_cnn.ops.gather import gather_op
from tinygrad_cnn.ops.joining import stack
from tinygrad_cnn.ops.movement import reshape, squeeze
from tinygrad_cnn.ops.numbers import lerp
from tinygrad_cnn.ops.reduce import any as any_over
from tinygrad_cnn.ops.reduce import mean, std, var
from tinygrad_cnn.ops.reduce import sum as sum_over
from tinygrad_cnn.ops.sorting import kthvalue, sort


@function()
def var_mean(
    x: Tensor, dim: Dims = None, *, correction: int = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The pair (variance, mean) over `dim`, as `var` and `mean` give them.

    >>> import tinygrad_cnn as tc
    >>> tc.var_mean(tc.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    return var(x, dim, correction, keepdim), mean(x, dim, keepdim)


@function()
def std_mean(
    x: Tensor, dim: Dims = None, *, correction: int = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """The pair (standard deviation, mean) over `dim`, as `std` and `mean` give them.

    >>> import tinygrad_cnn as tc
    >>> tc.std_mean(tc.tensor([1.0, 3.0, 5.0]))
    (tensor(2.), tensor(3.))
    """
    return std(x, dim, correction, keepdim), mean(x, dim, keepdim)


@function(method=True)
def count_nonzero(x: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over `dim` are not 0, in int64.

    >>> import tinygrad_cnn as tc
    >>> tc.count_nonzero(tc.tensor([[0, 1], [2, 3]]), dim=0)
    tensor([1, 2])
    """
    return sum_over(ne(x, 0), dim)


@overload
def median(x: Tensor, dim: None = None, keepdim: bool = False) -> Tensor: ...
@overload
def median(x: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...
@function(method=True)
def median(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor | ValuesAndIndices:
    """The middle element, of two middle ones the smaller; NaN if there is one.

    Over everything a tensor; along `dim` the pair (values, indices). One element takes the whole gradient.

    Raises:
        ShapeError: the median of nothing along a dimension; over everything it is NaN.

    >>> import tinygrad_cnn as tc
    >>> tc.median(tc.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    >>> tc.median(tc.tensor([[5.0, 1.0, 3.0]]), dim=1).indices
    tensor([2])
    """
    if dim is None:
        return median(reshape(x, -1), 0).values if x.numel() else mean(x)
    axis = normalize_dim(dim, x.ndim)
    if not x.ndim:
        return kthvalue(x, 1)
    n = x.shape[axis]
    if not n:
        raise ShapeError("an empty set has no middle", argument="x", expected="a size > 0", got=x.shape)
    values, indices = sort(x, axis)
    # NaN is sorted to the end, and wins.
    place = where(any_over(isnan(x), axis, True), n - 1, (n - 1) // 2)
    middle = [gather_op(t, place, dim=axis) for t in (values, indices)]
    return ValuesAndIndices(*(middle if keepdim else [squeeze(t, axis) for t in middle]))


@function(method=True)
def quantile(
    x: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The value below which a fraction q of the elements lies; NaN if one is NaN.

    Args:
        x: floating-point.
        q: one fraction in 0 .. 1, or a vector of them, which becomes a new first dimension.
        dim: along which; None for all elements.
        keepdim: leaves the dimension in place, as size 1.
        interpolation: between neighbours: "linear", "lower", "higher", "nearest" or "midpoint".

    Raises:
        ArgumentError: a fraction outside 0 .. 1, or an unknown interpolation.
        ShapeError: the quantile of nothing.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([0.0, 10.0, 20.0, 30.0])
    >>> tc.quantile(x, 0.5), tc.quantile(x, tc.tensor([0.0, 0.25]))
    (tensor(15.), tensor([0. , 7.5]))
    """
    require_floating(x, "x")
    flat = dim is None or not x.ndim
    axis = 0 if flat else normalize_dim(dim, x.ndim)
    ordered = sort(reshape(x, -1) if flat else x, axis).values
    n = ordered.shape[axis]
    if not n:
        raise ShapeError("an empty set has no quantile", argument="x", expected="a size > 0", got=x.shape)
    shape = reduced_shape(x.shape, dim, keepdim)

    def at(place: int) -> Tensor:
        return ordered[(slice(None),) * axis + (place,)]

    results = []
    for fraction in _fractions(q):
        low, high, weight = _neighbours(fraction * (n - 1), interpolation)
        value = at(low) if low == high else lerp(at(low), at(high), weight)
        results.append(reshape(where(isnan(at(n - 1)), at(n - 1), value), shape=shape))
    return stack(results) if isinstance(q, Tensor) and q.ndim else results[0]


def _fractions(q: float | Tensor) -> list[float]:
    numbers: list[Any] = reshape(q, -1).tolist() if isinstance(q, Tensor) and q.ndim < 2 else [q]
    for number in numbers:
        if not isinstance(number, (int, float)):
            raise ArgumentTypeError(
                "q is a fraction or a vector of them", argument="q", expected="0 .. 1", got=repr(q)
            )
        if not 0 <= number <= 1:
            raise ArgumentError("q is a fraction", argument="q", expected="0 <= q <= 1", got=number)
    return numbers


def _neighbours(position: float, interpolation: str) -> tuple[int, int, float]:
    """The two places around a position between them, and how far it is on the way to the second."""
    low, high = math.floor(position), math.ceil(position)
    nearest = round(position)
    known = {
        "linear": (low, high, position - low),
        "lower": (low, low, 0.0),
        "higher": (high, high, 0.0),
        "nearest": (nearest, nearest, 0.0),
        "midpoint": (low, high, 0.5),
    }
    if interpolation not in known:
        raise ArgumentError(
            "an unknown interpolation",
            argument="interpolation",
            expected=f"one of {', '.join(known)}",
            got=interpolation,
        )
    return known[interpolation]
