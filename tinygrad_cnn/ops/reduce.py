"""Reductions: many elements become one, along some dimensions or all of them.

The gradient goes the other way: what was summed is spread out again. `restore` gives a reduced result its
dimensions back, and broadcasting does the spreading.
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
    require_floating,
)
from tinygrad_cnn.errors import ArgumentTypeError, ShapeError
from tinygrad_cnn.ops._infer import zeros
from tinygrad_cnn.ops.elementwise import abs, div, eq, exp, isfinite, log, maximum, minimum, mul, sub, where
from tinygrad_cnn.ops.indexing import scatter_add
from tinygrad_cnn.ops.movement import cat, expand, reshape

_ALONG = (
    Sample(reals(2, 3, 4)),
    Sample(reals(2, 3, 4), dim=1),
    Sample(reals(2, 3, 4), dim=(0, -1), keepdim=True),
    Sample(reals()),
)
_ONE_DIM = (Sample(reals(2, 3, 4), dim=1), Sample(reals(3, 2), dim=-1, keepdim=True))


def restore(reduced: Tensor, shape: Shape, dim: Dims, keepdim: bool) -> Tensor:
    """A reduction's result with its dimensions back as size 1, ready to broadcast against the input."""
    if keepdim:
        return reduced
    return reshape(reduced, shape=reduced_shape(shape, dim, True))


def _axes(dim: Dims, ndim: int) -> tuple[int, ...]:
    return normalize_dims(dim, ndim)


def _reduced(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    return Spec(reduced_shape(x.shape, dim, keepdim), x.dtype)


def _reduced_total(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    """Sums and products of small integers are counted in int64, so that they do not overflow."""
    dtype = x.dtype if x.dtype.is_floating else int64
    return Spec(reduced_shape(x.shape, dim, keepdim), dtype)


def _reduced_floating(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    require_floating(x, "x")
    return _reduced(x, dim=dim, keepdim=keepdim)


def _reduced_bool(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    return Spec(reduced_shape(x.shape, dim, keepdim), bool_)


def _reduced_nonempty(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    if 0 in [x.shape[axis] for axis in normalize_dims(dim, len(x.shape))]:
        raise ShapeError(
            "an empty set has no largest or smallest element",
            argument="x",
            expected="at least one element along dim",
            got=f"shape {x.shape}, dim={dim}",
        )
    return _reduced(x, dim=dim, keepdim=keepdim)


# --- sums -----------------------------------------------------------------------------------------


@op(symbol="Σ", infer=_reduced_total, method=True, samples=[*_ALONG, Sample(reals(0, 2), dim=0)])
def sum(B, x, *, dim=None, keepdim=False):
    """The sum over `dim` (an int, several, or None for all); 0 for nothing."""
    dtype = None if "float" in str(x.dtype) else B.xp.int64
    return B.xp.sum(x, axis=_axes(dim, x.ndim), keepdims=keepdim, dtype=dtype)


@sum.gradient("x", "∂L/∂xᵢ = g for every i")
def _(g, node, *, dim, keepdim):
    shape = node.spec("x").shape
    return expand(restore(g, shape, dim, keepdim), shape=shape)


@op(symbol="mean", infer=_reduced_floating, method=True, samples=_ALONG)
def mean(B, x, *, dim=None, keepdim=False):
    """The arithmetic mean over `dim`; NaN for nothing."""
    axes = _axes(dim, x.ndim)
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
    return _reduced_floating(x, dim=dim, keepdim=keepdim)


@op(symbol="var", infer=_reduced_spread, method=True, samples=_ALONG[:3])
def var(B, x, *, dim=None, correction=1, keepdim=False):
    """The variance over `dim`: Σ (x − mean)² / (n − correction).

    In two passes, mean first: accurate where mean² is far larger than the variance. With the default
    correction of 1 it is the unbiased estimate (Bessel), with 0 the variance of the numbers themselves.
    """
    axes = _axes(dim, x.ndim)
    n = count(tuple(x.shape[axis] for axis in axes))
    if n - correction <= 0:
        return B.xp.sum(x, axis=axes, keepdims=keepdim) * math.nan
    centred = x - B.xp.sum(x, axis=axes, keepdims=True) * (1 / n)
    return B.xp.sum(centred * centred, axis=axes, keepdims=keepdim) * (1 / (n - correction))


@var.gradient("x", "∂L/∂xᵢ = g · 2 (xᵢ − mean) / (n − correction)")
def _(g, node, x, *, dim, correction, keepdim):
    scale = 2 / _freedom(x.shape, dim, correction)
    return mul(mul(restore(g, x.shape, dim, keepdim), scale), sub(x, mean(x, dim, True)))


@op(symbol="std", infer=_reduced_spread, method=True, samples=_ALONG[:3])
def std(B, x, *, dim=None, correction=1, keepdim=False):
    """The standard deviation over `dim`, the root of `var`; its slope at 0 is taken as 0."""
    return B.xp.sqrt(var.kernel(B, x, dim=dim, correction=correction, keepdim=keepdim))


@std.gradient("x", "∂L/∂xᵢ = g · (xᵢ − mean) / ((n − correction) · out), and 0 where out = 0")
def _(g, node, x, out, *, dim, correction, keepdim):
    constant = eq(out, 0)
    slope = where(constant, 0, div(g, mul(where(constant, 1, out), _freedom(x.shape, dim, correction))))
    return mul(restore(slope, x.shape, dim, keepdim), sub(x, mean(x, dim, True)))


def _freedom(shape: Shape, dim: Dims, correction: int) -> float:
    """n − correction, NaN where there is nothing left to divide by."""
    return _count_along(shape, dim) - correction or math.nan


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
    public=False,
    samples=[Sample(reals(2, 3), dim=1, keepdim=False), Sample(reals(5), dim=0, keepdim=True)],
)
def prod_along(B, x, *, dim, keepdim):
    """The product along one dimension; 1 for nothing."""
    dtype = None if "float" in str(x.dtype) else B.xp.int64
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
    if dim is not None:
        return prod_along(x, dim=dim, keepdim=keepdim)
    flat = prod_along(reshape(x, shape=(-1,)), dim=0, keepdim=False)
    return reshape(flat, shape=(1,) * x.ndim) if keepdim else flat


# --- extremes -------------------------------------------------------------------------------------


@op(symbol="max", infer=_reduced_nonempty, method=True, samples=_ALONG)
def amax(B, x, *, dim=None, keepdim=False):
    """The largest element over `dim`; ties share the gradient evenly, NaN wins over everything."""
    return B.xp.max(x, axis=_axes(dim, x.ndim), keepdims=keepdim)


@op(symbol="min", infer=_reduced_nonempty, method=True, samples=_ALONG)
def amin(B, x, *, dim=None, keepdim=False):
    """The smallest element over `dim`; ties share the gradient evenly, NaN wins over everything."""
    return B.xp.min(x, axis=_axes(dim, x.ndim), keepdims=keepdim)


def _shared_by_winners(g, node, x, out, *, dim, keepdim):
    wins = eq(x, restore(out, x.shape, dim, keepdim)).to(x.dtype)
    winners = sum(wins, dim, True)
    return mul(div(restore(g, x.shape, dim, keepdim), winners), wins)


amax.gradient("x", "∂L/∂xᵢ = g / (number of winners) where xᵢ is the largest, else 0")(_shared_by_winners)
amin.gradient("x", "∂L/∂xᵢ = g / (number of winners) where xᵢ is the smallest, else 0")(_shared_by_winners)


def _index_of_extreme(x: HasSpec, *, dim: int | None, keepdim: bool) -> Spec:
    if dim is not None:
        normalize_dim(dim, len(x.shape))
    return Spec(_reduced_nonempty(x, dim=dim, keepdim=keepdim).shape, int64)


@op(symbol="argmax", infer=_index_of_extreme, method=True, samples=[*_ONE_DIM, Sample(reals(2, 3))])
def argmax(B, x, *, dim=None, keepdim=False):
    """The index of the first largest element, along `dim` or in the flattened tensor."""
    return B.xp.argmax(x, axis=dim, keepdims=keepdim)


@op(symbol="argmin", infer=_index_of_extreme, method=True, samples=[*_ONE_DIM, Sample(reals(2, 3))])
def argmin(B, x, *, dim=None, keepdim=False):
    """The index of the first smallest element, along `dim` or in the flattened tensor."""
    return B.xp.argmin(x, axis=dim, keepdims=keepdim)


# --- logic ----------------------------------------------------------------------------------------


@op(symbol="∀", infer=_reduced_bool, method=True, samples=_ALONG)
def all(B, x, *, dim=None, keepdim=False):
    """True where every element over `dim` is non-zero."""
    return B.xp.all(x != 0, axis=_axes(dim, x.ndim), keepdims=keepdim)


@op(symbol="∃", infer=_reduced_bool, method=True, samples=_ALONG)
def any(B, x, *, dim=None, keepdim=False):
    """True where some element over `dim` is non-zero."""
    return B.xp.any(x != 0, axis=_axes(dim, x.ndim), keepdims=keepdim)


# --- compositions ---------------------------------------------------------------------------------


@function(method=True)
def logsumexp(x: Tensor, dim: Dims, keepdim: bool = False) -> Tensor:
    """ln Σ eˣ over `dim`, shifted by the maximum so that nothing overflows; −∞ for all −∞.

    >>> import tinygrad_cnn as tc
    >>> tc.logsumexp(tc.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    # The shift cancels, so it is a constant: no gradient passes through it.
    peak = amax(x.detach(), dim, True)
    peak = where(isfinite(peak), peak, 0)
    total = log(sum(exp(sub(x, peak)), dim, True)) + peak
    return total if keepdim else reshape(total, shape=reduced_shape(x.shape, dim, False))


@op(symbol="‖x‖", infer=_reduced_floating, public=False, samples=_ALONG[:3])
def euclidean_norm(B, x, *, dim=None, keepdim=False):
    """The square root of the sum of squares; its slope at 0 is taken as 0."""
    return B.xp.sqrt(B.xp.sum(x * x, axis=_axes(dim, x.ndim), keepdims=keepdim))


@euclidean_norm.gradient("x", "∂L/∂x = g · x / ‖x‖, and 0 where ‖x‖ = 0")
def _(g, node, x, out, *, dim, keepdim):
    zero = eq(out, 0)
    return mul(restore(where(zero, 0, div(g, where(zero, 1, out))), x.shape, dim, keepdim), x)


@function(method=True)
def norm(x: Tensor, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`; p may be 1, 2, any positive number or ±infinity.

    >>> import tinygrad_cnn as tc
    >>> tc.norm(tc.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if not isinstance(p, (int, float)) or p == 0:
        raise ArgumentTypeError("p must be a non-zero number", argument="p", expected="2, 1, inf, ...", got=p)
    if p == 2:
        return euclidean_norm(x, dim, keepdim)
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(abs(x), dim, keepdim)
    if p == 1:
        return sum(abs(x), dim, keepdim)
    return sum(abs(x) ** p, dim, keepdim) ** (1 / p)


@function(method=True)
def max(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise.

    Over everything ties share the gradient; along a dimension the first winner takes it all.

    >>> import tinygrad_cnn as tc
    >>> tc.max(tc.tensor([[1.0, 5.0], [7.0, 2.0]]), dim=1)
    (tensor([5., 7.]), tensor([1, 0]))
    """
    if dim is None:
        return amax(x, None, keepdim)
    if isinstance(dim, Tensor):
        return maximum(x, dim)
    return max_along(x, dim=dim, keepdim=keepdim)


@function(method=True)
def min(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise.

    >>> import tinygrad_cnn as tc
    >>> tc.min(tc.tensor([3.0, 1.0, 2.0]))
    tensor(1.)
    """
    if dim is None:
        return amin(x, None, keepdim)
    if isinstance(dim, Tensor):
        return minimum(x, dim)
    return min_along(x, dim=dim, keepdim=keepdim)


def _extreme_with_index(x: HasSpec, *, dim: int, keepdim: bool) -> tuple[Spec, Spec]:
    normalize_dim(dim, len(x.shape))
    values = _reduced_nonempty(x, dim=dim, keepdim=keepdim)
    return values, Spec(values.shape, int64)


def _at(xp, x, index, dim):
    """The elements of x at an index kept as a dimension of size 1."""
    return xp.take_along_axis(x, index, axis=dim) if x.ndim else x


@op(
    symbol="max",
    infer=_extreme_with_index,
    outputs=("values", "indices"),
    public=False,
    samples=_ONE_DIM,
)
def max_along(B, x, *, dim, keepdim=False):
    """The first largest element along one dimension, and its index."""
    index = B.xp.argmax(x, axis=dim, keepdims=True)
    values = _at(B.xp, x, index, dim)
    shape = reduced_shape(x.shape, dim, keepdim)
    return B.xp.reshape(values, shape), B.xp.reshape(index, shape)


@op(
    symbol="min",
    infer=_extreme_with_index,
    outputs=("values", "indices"),
    public=False,
    samples=_ONE_DIM,
)
def min_along(B, x, *, dim, keepdim=False):
    """The first smallest element along one dimension, and its index."""
    index = B.xp.argmin(x, axis=dim, keepdims=True)
    values = _at(B.xp, x, index, dim)
    shape = reduced_shape(x.shape, dim, keepdim)
    return B.xp.reshape(values, shape), B.xp.reshape(index, shape)


def _to_the_winner(g, node, indices, *, dim, keepdim):
    shape, dtype = node.spec("x")
    place = restore(indices, shape, dim, keepdim)
    return scatter_add(zeros(shape, dtype, g), place, restore(g, shape, dim, keepdim), dim=dim)


max_along.gradient("x", "∂L/∂x = g at the winner, 0 elsewhere")(_to_the_winner)
min_along.gradient("x", "∂L/∂x = g at the winner, 0 elsewhere")(_to_the_winner)
