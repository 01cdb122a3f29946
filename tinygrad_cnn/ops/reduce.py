"""Reductions: many elements become one, along some dimensions or all of them.

The gradient goes the other way: what was summed is spread out again. `restore` gives a reduced result its
dimensions back, and broadcasting does the spreading.

`keepdim=True` leaves the reduced dimensions in place, as size 1. A `dim` that is not there is a
DimensionError; an average of integers is a DTypeError.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    Dims,
    HasSpec,
    Shape,
    Spec,
    as_index,
    bool_,
    count,
    int64,
    normalize_dim,
    normalize_dims,
    reduced_shape,
)
from tinygrad_cnn.ops._infer import ALONG, reduced_floating
from tinygrad_cnn.ops.arithmetic import div, mul, sub
from tinygrad_cnn.ops.comparison import eq, where
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.movement import reshape
from tinygrad_cnn.ops.stretching import expand


def restore(reduced: Tensor, shape: Shape, dim: Dims, keepdim: bool) -> Tensor:
    """A reduction's result with its dimensions back as size 1, ready to broadcast against the input."""
    if keepdim:
        return reduced
    return reshape(reduced, shape=reduced_shape(shape, dim, True))


def _reduced_total(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    """Sums and products of small integers are counted in int64, so that they do not overflow."""
    dtype = x.dtype if x.dtype.is_floating else int64
    return Spec(reduced_shape(x.shape, dim, keepdim), dtype)


def _reduced_bool(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    return Spec(reduced_shape(x.shape, dim, keepdim), bool_)


# --- sums -----------------------------------------------------------------------------------------


@op(
    symbol="Σ",
    infer=_reduced_total,
    autocast="float32",
    method=True,
    samples=[*ALONG, Sample(reals(3, 3), dim=1), Sample(reals(0, 2), dim=0)],
)
def sum(B, x, *, dim=None, keepdim=False):
    """The sum over `dim` (an int, several, or None for all); 0 for nothing.

    Integers and bools are counted in int64.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tc.sum(x), tc.sum(x, dim=0), tc.sum(x, dim=1, keepdim=True).shape
    (tensor(10.), tensor([4., 6.]), (2, 1))
    """
    dtype = B.xp.int64 if B.xp.isdtype(x.dtype, ("integral", "bool")) else None
    return B.xp.sum(x, axis=normalize_dims(dim, x.ndim), keepdims=keepdim, dtype=dtype)


@sum.gradient("x", "∂L/∂xᵢ = g for every i")
def _(g, node, *, dim, keepdim):
    shape = node.spec("x").shape
    return expand(restore(g, shape, dim, keepdim), shape=shape)


@op(symbol="mean", infer=reduced_floating, method=True, samples=ALONG)
def mean(B, x, *, dim=None, keepdim=False):
    """The arithmetic mean over `dim`; NaN for nothing.

    >>> import tinygrad_cnn as tc
    >>> tc.mean(tc.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([1.5, 3.5])
    """
    axes = normalize_dims(dim, x.ndim)
    n = count(tuple(x.shape[axis] for axis in axes))
    total = B.xp.sum(x, axis=axes, keepdims=keepdim)
    return total * (1 / n) if n else total * math.nan


@mean.gradient("x", "∂L/∂xᵢ = g / n")
def _(g, node, *, dim, keepdim):
    shape = node.spec("x").shape
    n = _count_along(shape, dim)
    spread = expand(restore(g, shape, dim, keepdim), shape=shape)
    return mul(spread, 1 / n) if n else spread


def _count_along(shape: Shape, dim: Dims) -> int:
    return count(tuple(shape[axis] for axis in normalize_dims(dim, len(shape))))


def _reduced_spread(x: HasSpec, *, dim: Dims, correction: int, keepdim: bool) -> Spec:
    as_index(correction, argument="correction")
    return reduced_floating(x, dim=dim, keepdim=keepdim)


@op(symbol="var", infer=_reduced_spread, autocast="float32", method=True, samples=ALONG[:3])
def var(B, x, *, dim=None, correction=1, keepdim=False):
    """The variance over `dim`: Σ (x − mean)² / (n − correction).

    In two passes, mean first: accurate where mean² is far larger than the variance. With the default
    correction of 1 it is the unbiased estimate (Bessel), with 0 the variance of the numbers themselves.
    Where n ≤ correction it is Σ (x − mean)² / 0.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0, 3.0])
    >>> tc.var(x), tc.var(x, correction=0)
    (tensor(1.), tensor(0.6667))
    """
    axes = normalize_dims(dim, x.ndim)
    n = count(tuple(x.shape[axis] for axis in axes))
    centred = x - B.xp.sum(x, axis=axes, keepdims=True) * (1 / max(n, 1))
    total = B.xp.sum(centred * centred, axis=axes, keepdims=keepdim)
    if n <= correction:
        total = B.xp.where(total == 0, math.nan, total)  # 0 / 0, which NumPy would warn of
    return total * _per_freedom(x.shape, dim, correction)


@var.gradient("x", "∂L/∂xᵢ = g · 2 (xᵢ − mean) / (n − correction)")
def _(g, node, x, *, dim, correction, keepdim):
    scale = 2 * _per_freedom(x.shape, dim, correction)
    return mul(mul(restore(g, x.shape, dim, keepdim), scale), sub(x, mean(x, dim, True)))


@op(symbol="std", infer=_reduced_spread, autocast="float32", method=True, samples=ALONG[:3])
def std(B, x, *, dim=None, correction=1, keepdim=False):
    """The standard deviation over `dim`, the root of `var`; its slope at 0 is taken as 0.

    >>> import tinygrad_cnn as tc
    >>> tc.std(tc.tensor([1.0, 3.0, 5.0]))
    tensor(2.)
    """
    return B.xp.sqrt(var.kernel(B, x, dim=dim, correction=correction, keepdim=keepdim))


@std.gradient("x", "∂L/∂xᵢ = g · (xᵢ − mean) / ((n − correction) · out), and 0 where out = 0")
def _(g, node, x, out, *, dim, correction, keepdim):
    constant = eq(out, 0)
    share = _per_freedom(x.shape, dim, correction)
    slope = where(constant, 0, mul(div(g, where(constant, 1, out)), share))
    return mul(restore(slope, x.shape, dim, keepdim), sub(x, mean(x, dim, True)))


def _per_freedom(shape: Shape, dim: Dims, correction: int) -> float:
    """1 / (n − correction), and infinite where the correction leaves nothing to divide by."""
    freedom = _count_along(shape, dim) - correction
    return 1 / freedom if freedom > 0 else math.inf


# --- products -------------------------------------------------------------------------------------


def _along_one(x: HasSpec, *, dim: int, keepdim: bool) -> Spec:
    normalize_dim(dim, len(x.shape))
    return _reduced_total(x, dim=dim, keepdim=keepdim)


@op(
    symbol="Π of others",
    infer=lambda x, *, dim: Spec(x.shape, x.dtype),
    public=False,
    samples=[Sample(reals(2, 3), dim=1)],
)
def products_of_others(B, x, *, dim):
    """For every element along `dim`, the product of all the others, without dividing (zeros are fine)."""
    xp = B.xp
    ones = xp.ones_like(x[(slice(None),) * dim + (slice(0, 1),)])
    before = xp.cumulative_prod(xp.concat([ones, x], axis=dim), axis=dim)
    after = xp.cumulative_prod(xp.concat([ones, xp.flip(x, axis=dim)], axis=dim), axis=dim)
    inner = (slice(None),) * dim + (slice(0, -1),)
    return before[inner] * xp.flip(after[inner], axis=dim)


@op(
    symbol="Π",
    infer=_along_one,
    autocast="float32",
    public=False,
    samples=[Sample(reals(2, 3), dim=1, keepdim=False), Sample(reals(5), dim=0, keepdim=True)],
)
def prod_along(B, x, *, dim, keepdim):
    """The product along one dimension; 1 for nothing."""
    dtype = B.xp.int64 if B.xp.isdtype(x.dtype, ("integral", "bool")) else None
    return B.xp.prod(x, axis=dim, keepdims=keepdim, dtype=dtype)


@prod_along.gradient("x", "∂L/∂xᵢ = g · Π of the other xⱼ")
def _(g, node, x, *, dim, keepdim):
    others = products_of_others(x, dim=normalize_dim(dim, x.ndim))
    return mul(restore(g, x.shape, dim, keepdim), others)


@prod_along.as_composite
def _(x, *, dim, keepdim):
    """A tree of products: halves are multiplied until one is left."""
    dim = normalize_dim(dim, x.ndim)
    front = (slice(None),) * dim
    while (n := x.shape[dim]) > 1:
        half = n // 2
        product = mul(x[(*front, slice(0, half))], x[(*front, slice(half, 2 * half))])
        if n % 2:
            last = x[(*front, slice(n - 1, n))]
            first = mul(product[(*front, slice(0, 1))], last)
            x = cat([first, product[(*front, slice(1, half))]], dim)
        else:
            x = product
    return x if keepdim else reshape(x, shape=reduced_shape(x.shape, dim, False))


@function(method=True)
def prod(x: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The product of all elements, or along one dimension; 1 for nothing.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([2.0, 0.0, 3.0, 4.0], requires_grad=True)
    >>> tc.prod(x).backward()
    >>> x.grad
    tensor([ 0., 24.,  0.,  0.])
    """
    if dim is not None and x.ndim:
        return prod_along(x, dim=dim, keepdim=keepdim)
    normalize_dims(dim, x.ndim)
    flat = prod_along(reshape(x, shape=(-1,)), dim=0, keepdim=False)
    return reshape(flat, shape=(1,) * x.ndim) if keepdim else flat


# --- logic ----------------------------------------------------------------------------------------


@op(symbol="∀", infer=_reduced_bool, method=True, samples=ALONG)
def all(B, x, *, dim=None, keepdim=False):
    """True where every element over `dim` is non-zero.

    >>> import tinygrad_cnn as tc
    >>> tc.all(tc.tensor([[True, True], [True, False]]), dim=1)
    tensor([ True, False])
    """
    return B.xp.all(x != 0, axis=normalize_dims(dim, x.ndim), keepdims=keepdim)


@op(symbol="∃", infer=_reduced_bool, method=True, samples=ALONG)
def any(B, x, *, dim=None, keepdim=False):
    """True where some element over `dim` is non-zero.

    >>> import tinygrad_cnn as tc
    >>> tc.any(tc.tensor([[True, False], [False, False]]), dim=1)
    tensor([ True, False])
    """
    return B.xp.any(x != 0, axis=normalize_dims(dim, x.ndim), keepdims=keepdim)
