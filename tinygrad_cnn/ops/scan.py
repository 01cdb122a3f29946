"""Scans: every element of the result sees all elements before it along one dimension.

    cumsum    s₁ = x₁,   sᵢ = sᵢ₋₁ + xᵢ
    cumprod   p₁ = x₁,   pᵢ = pᵢ₋₁ · xᵢ
    recur     s₁ = x₁,   sᵢ = aᵢ · sᵢ₋₁ + xᵢ        (the others are its special cases)

What comes first in a scan touches everything after it, so a gradient collects from the end backward: the
gradient of a scan is a scan in the other direction.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, int64, normalize_dim, require_floating, same_floating
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops._infer import zeros_for
from tinygrad_cnn.ops._results import ValuesAndIndices
from tinygrad_cnn.ops.arithmetic import mul
from tinygrad_cnn.ops.creation import full
from tinygrad_cnn.ops.gather import scatter_add_op
from tinygrad_cnn.ops.joining import cat, stack, unbind
from tinygrad_cnn.ops.mirror import flip_op
from tinygrad_cnn.ops.numbers import logaddexp

_ALONG_ONE = (Sample(reals(2, 3), dim=1), Sample(reals(4, 2), dim=-2), Sample(reals(3), dim=0))


def _total_so_far(x: HasSpec, *, dim: int) -> Spec:
    """Small integers are counted in int64, so that they do not overflow."""
    normalize_dim(dim, len(x.shape))
    return Spec(x.shape, x.dtype if x.dtype.is_floating else int64)


def _wide(B: Any, x: Any) -> Any:
    return B.xp.int64 if B.xp.isdtype(x.dtype, ("integral", "bool")) else None


# --- sums -----------------------------------------------------------------------------------------


@op(symbol="Σ≤", infer=_total_so_far, autocast="float32", method=True, samples=_ALONG_ONE)
def cumsum(B, x, *, dim):
    """The sums of the first 1, 2, 3 ... elements along `dim`; integers and bools are counted in int64.

    >>> import tinygrad_cnn as tc
    >>> tc.cumsum(tc.tensor([1.0, 2.0, 3.0]), dim=0)
    tensor([1., 3., 6.])
    """
    total = B.xp.cumulative_sum(B.xp.reshape(x, x.shape or (1,)), axis=dim, dtype=_wide(B, x))
    return B.xp.reshape(total, x.shape)


@cumsum.gradient("x", "∂L/∂xᵢ = gᵢ + gᵢ₊₁ + ... + gₙ")
def _(g, node, *, dim):
    return _backward(cumsum(_backward(g, dim), dim), dim)


def _backward(x: Tensor, dim: int) -> Tensor:
    """The last element first."""
    return flip_op(x, dims=dim)


# --- products -------------------------------------------------------------------------------------


@op(symbol="Π≤", infer=_total_so_far, autocast="float32", method=True, samples=_ALONG_ONE)
def cumprod(B, x, *, dim):
    """The products of the first 1, 2, 3 ... elements along `dim`; integers and bools give int64.

    Its gradient does not divide, so zeros in x are fine.

    >>> import tinygrad_cnn as tc
    >>> tc.cumprod(tc.tensor([1.0, 2.0, 3.0, 4.0]), dim=0)
    tensor([ 1.,  2.,  6., 24.])
    """
    product = B.xp.cumulative_prod(B.xp.reshape(x, x.shape or (1,)), axis=dim, dtype=_wide(B, x))
    return B.xp.reshape(product, x.shape)


@cumprod.gradient("x", "∂L/∂xᵢ = pᵢ₋₁ · sᵢ with sᵢ = gᵢ + xᵢ₊₁ · sᵢ₊₁, from the end")
def _(g, node, x, out, *, dim):
    # ∂pₖ/∂xᵢ is the product of all factors up to k but xᵢ: those before, times those after.
    return mul(_delayed(out, dim, 1), _recur_backward(g, x, dim))


def _delayed(x: Tensor, dim: int, first: float) -> Tensor:
    """Every element one place later; the last is dropped, `first` moves up."""
    if not x.ndim:
        return full((), first, dtype=x.dtype, backend=x.backend)
    front = (slice(None),) * normalize_dim(dim, x.ndim)
    start = x[(*front, slice(0, 1))]
    constant = full(start.shape, first, dtype=x.dtype, backend=x.backend)
    return cat([constant, x[(*front, slice(0, -1))]], dim)


def _recur_backward(x: Tensor, factors: Tensor, dim: int) -> Tensor:
    """sᵢ = factorsᵢ₊₁ · sᵢ₊₁ + xᵢ: the recurrence from the end."""
    return _backward(recur(_backward(x, dim), _delayed(_backward(factors, dim), dim, 0), dim=dim), dim)


def _recurrence(x: HasSpec, factors: HasSpec, *, dim: int) -> Spec:
    same_floating(x, factors, names=("x", "factors"))
    normalize_dim(dim, len(x.shape))
    if x.shape != factors.shape:
        raise ShapeError("each step has its factor", argument="factors", expected=x.shape, got=factors.shape)
    return Spec(x.shape, x.dtype)


@op(
    symbol="a·s+x",
    infer=_recurrence,
    public=False,
    samples=[Sample(reals(2, 3), reals(2, 3), dim=1), Sample(reals(4, 2), reals(4, 2), dim=0)],
)
def recur(B, x, factors, *, dim):
    """The linear recurrence sᵢ = factorsᵢ · sᵢ₋₁ + xᵢ along one dimension, from s₀ = 0."""
    if not x.size or not x.ndim:
        return B.xp.asarray(x, copy=True)
    steps, along = _steps(x, dim), _steps(factors, dim)
    states = [steps[0]]
    for step, factor in zip(steps[1:], along[1:], strict=True):
        states.append(step + factor * states[-1])
    return B.xp.concat(states, axis=dim)


def _steps(x: Any, dim: int) -> list[Any]:
    """The slices of an array along one dimension, which stays as size 1."""
    front = (slice(None),) * (dim % x.ndim)
    return [x[(*front, slice(i, i + 1))] for i in range(x.shape[dim])]


@recur.gradient("x", "∂L/∂xᵢ = tᵢ with tᵢ = gᵢ + aᵢ₊₁ · tᵢ₊₁, from the end")
def _(g, node, factors, *, dim):
    return _recur_backward(g, factors, dim)


@recur.gradient("factors", "∂L/∂aᵢ = tᵢ · sᵢ₋₁")
def _(g, node, factors, out, *, dim):
    return mul(_recur_backward(g, factors, dim), _delayed(out, dim, 0))


# --- the largest so far ---------------------------------------------------------------------------


def _extreme_so_far(x: HasSpec, *, dim: int) -> tuple[Spec, Spec]:
    normalize_dim(dim, len(x.shape))
    return Spec(x.shape, x.dtype), Spec(x.shape, int64)


def _running(B, x, dim, beats):
    """The best so far and where it stands; of equal ones the latest, and NaN once it has come."""
    xp = B.xp
    if not x.size or not x.ndim:
        return xp.asarray(x, copy=True), xp.zeros(x.shape, dtype=xp.int64)
    first, *rest = _steps(x, dim)
    values, places = [first], [xp.zeros(first.shape, dtype=xp.int64)]
    for place, new in enumerate(rest, start=1):
        wins = beats(new, values[-1]) | (new != new)  # NaN is not equal to itself
        values.append(xp.where(wins, new, values[-1]))
        places.append(xp.where(wins, place, places[-1]))
    return xp.concat(values, axis=dim), xp.concat(places, axis=dim)


@op(
    symbol="max≤",
    infer=_extreme_so_far,
    outputs=("values", "indices"),
    public=False,
    samples=_ALONG_ONE,
)
def cummax_along(B, x, *, dim):
    """The largest element so far along one dimension, and its index."""
    return _running(B, x, dim, lambda new, best: new >= best)


@op(
    symbol="min≤",
    infer=_extreme_so_far,
    outputs=("values", "indices"),
    public=False,
    samples=_ALONG_ONE,
)
def cummin_along(B, x, *, dim):
    """The smallest element so far along one dimension, and its index."""
    return _running(B, x, dim, lambda new, best: new <= best)


def _to_those_who_led(g, node, indices, *, dim):
    shape, dtype = node.spec("x")
    return scatter_add_op(zeros_for(shape, dtype, g), indices, g, dim=dim) if shape else g


cummax_along.gradient("x", "∂L/∂xᵢ = Σ g over the places where xᵢ was the largest so far")(_to_those_who_led)
cummin_along.gradient("x", "∂L/∂xᵢ = Σ g over the places where xᵢ was the smallest so far")(_to_those_who_led)


@function(method=True)
def cummax(x: Tensor, dim: int) -> ValuesAndIndices:
    """The largest element so far along `dim`, and its index (of equal ones the latest); NaN stays.

    >>> import tinygrad_cnn as tc
    >>> tc.cummax(tc.tensor([1.0, 3.0, 2.0]), dim=0).values
    tensor([1., 3., 3.])
    """
    return ValuesAndIndices(*cummax_along(x, dim=dim))


@function(method=True)
def cummin(x: Tensor, dim: int) -> ValuesAndIndices:
    """The smallest element so far along `dim`, and its index (of equal ones the latest); NaN stays.

    >>> import tinygrad_cnn as tc
    >>> tc.cummin(tc.tensor([2.0, 3.0, 1.0]), dim=0).values
    tensor([2., 2., 1.])
    """
    return ValuesAndIndices(*cummin_along(x, dim=dim))


@function(method=True)
def logcumsumexp(x: Tensor, dim: int) -> Tensor:
    """ln Σ eˣ over the first 1, 2, 3 ... elements along `dim`: a chain of `logaddexp`, without overflow.

    >>> import tinygrad_cnn as tc
    >>> tc.logcumsumexp(tc.tensor([1000.0, 1000.0]), dim=0)
    tensor([1000.    , 1000.6932])
    """
    require_floating(x, "x")
    normalize_dim(dim, x.ndim)
    if not x.numel() or not x.ndim:
        return x.clone()
    sums: list[Tensor] = []
    for step in unbind(x, dim):
        sums.append(logaddexp(sums[-1], step) if sums else step)
    return stack(sums, dim)
