"""The largest and the smallest: which element wins, and who gets its gradient.

Over several dimensions (`amax`) ties share the gradient; along one (`max` with indices) the first winner
takes it all. NaN wins over everything. Indices are int64. An empty set has no extreme: a ShapeError.
"""

from __future__ import annotations

from typing import overload

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Dims, HasSpec, Spec, int64, normalize_dim, normalize_dims, reduced_shape
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops._infer import ALONG, ONE_DIM, reduced, zeros_for
from tinygrad_cnn.ops._results import ValuesAndIndices
from tinygrad_cnn.ops.arithmetic import div, maximum, minimum, mul
from tinygrad_cnn.ops.comparison import eq, isnan, logical_or
from tinygrad_cnn.ops.gather import scatter_add_op
from tinygrad_cnn.ops.reduce import restore
from tinygrad_cnn.ops.reduce import sum as sum_over


def _reduced_nonempty(x: HasSpec, *, dim: Dims, keepdim: bool) -> Spec:
    if 0 in [x.shape[axis] for axis in normalize_dims(dim, len(x.shape))]:
        raise ShapeError(
            "an empty set has no largest or smallest element",
            argument="x",
            expected="at least one element along dim",
            got=f"shape {x.shape}, dim={dim}",
        )
    return reduced(x, dim=dim, keepdim=keepdim)


@op(symbol="max", infer=_reduced_nonempty, method=True, samples=ALONG)
def amax(B, x, *, dim=None, keepdim=False):
    """The largest element over `dim`; ties share the gradient evenly, NaN wins over everything.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([3.0, 7.0, 7.0], requires_grad=True)
    >>> tc.amax(x).backward()
    >>> x.grad
    tensor([0. , 0.5, 0.5])
    """
    return B.xp.max(x, axis=normalize_dims(dim, x.ndim), keepdims=keepdim)


@op(symbol="min", infer=_reduced_nonempty, method=True, samples=ALONG)
def amin(B, x, *, dim=None, keepdim=False):
    """The smallest element over `dim`; ties share the gradient evenly, NaN wins over everything.

    >>> import tinygrad_cnn as tc
    >>> tc.amin(tc.tensor([[3.0, 1.0], [4.0, 2.0]]), dim=(0, 1))
    tensor(1.)
    """
    return B.xp.min(x, axis=normalize_dims(dim, x.ndim), keepdims=keepdim)


def _shared_by_winners(g, node, x, out, *, dim, keepdim):
    # Where there is a NaN it is the result, and equals nothing, not even itself.
    wins = logical_or(eq(x, restore(out, x.shape, dim, keepdim)), isnan(x)).to(x.dtype)
    winners = sum_over(wins, dim, True)
    return mul(div(restore(g, x.shape, dim, keepdim), winners), wins)


amax.gradient("x", "∂L/∂xᵢ = g / (number of winners) where xᵢ is the largest, else 0")(_shared_by_winners)
amin.gradient("x", "∂L/∂xᵢ = g / (number of winners) where xᵢ is the smallest, else 0")(_shared_by_winners)


def _index_of_extreme(x: HasSpec, *, dim: int | None, keepdim: bool) -> Spec:
    if dim is not None:
        normalize_dim(dim, len(x.shape))
    return Spec(_reduced_nonempty(x, dim=dim, keepdim=keepdim).shape, int64)


@op(symbol="argmax", infer=_index_of_extreme, method=True, samples=[*ONE_DIM, Sample(reals(2, 3))])
def argmax(B, x, *, dim=None, keepdim=False):
    """The index of the first largest element, along `dim` or in the flattened tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.argmax(tc.tensor([[3.0, 7.0], [9.0, 2.0]]), dim=1)
    tensor([1, 0])
    """
    return B.xp.argmax(x, axis=dim, keepdims=keepdim)


@op(symbol="argmin", infer=_index_of_extreme, method=True, samples=[*ONE_DIM, Sample(reals(2, 3))])
def argmin(B, x, *, dim=None, keepdim=False):
    """The index of the first smallest element, along `dim` or in the flattened tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.argmin(tc.tensor([[3.0, 7.0], [9.0, 2.0]]))
    tensor(3)
    """
    return B.xp.argmin(x, axis=dim, keepdims=keepdim)


@overload
def max(x: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor: ...
@overload
def max(x: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...
@function(method=True)
def max(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | ValuesAndIndices:
    """The largest element; along `dim`, the pair (values, indices); against a tensor, elementwise.

    Over everything ties share the gradient; along a dimension the first winner takes it all.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> tc.max(x), tc.max(x, dim=1).values, tc.max(x, dim=1).indices
    (tensor(7.), tensor([5., 7.]), tensor([1, 0]))
    """
    if dim is None:
        return amax(x, None, keepdim)
    if isinstance(dim, Tensor):
        return maximum(x, dim)
    return ValuesAndIndices(*max_along(x, dim=dim, keepdim=keepdim))


@overload
def min(x: Tensor, dim: Tensor | None = None, keepdim: bool = False) -> Tensor: ...
@overload
def min(x: Tensor, dim: int, keepdim: bool = False) -> ValuesAndIndices: ...
@function(method=True)
def min(x: Tensor, dim: int | Tensor | None = None, keepdim: bool = False) -> Tensor | ValuesAndIndices:
    """The smallest element; along `dim`, the pair (values, indices); against a tensor, elementwise.

    >>> import tinygrad_cnn as tc
    >>> tc.min(tc.tensor([3.0, 1.0, 2.0]))
    tensor(1.)
    """
    if dim is None:
        return amin(x, None, keepdim)
    if isinstance(dim, Tensor):
        return minimum(x, dim)
    return ValuesAndIndices(*min_along(x, dim=dim, keepdim=keepdim))


def _extreme_with_index(x: HasSpec, *, dim: int, keepdim: bool) -> tuple[Spec, Spec]:
    normalize_dim(dim, len(x.shape))
    values = _reduced_nonempty(x, dim=dim, keepdim=keepdim)
    return values, Spec(values.shape, int64)


def _chosen(B, x, index, dim, keepdim):
    """The elements of x at an index that keeps `dim` as size 1, and that index: (values, indices)."""
    values = B.xp.take_along_axis(x, index, axis=dim) if x.ndim else x
    shape = reduced_shape(x.shape, dim, keepdim)
    return B.xp.reshape(values, shape), B.xp.reshape(index, shape)


@op(
    symbol="max",
    infer=_extreme_with_index,
    outputs=("values", "indices"),
    public=False,
    samples=ONE_DIM,
)
def max_along(B, x, *, dim, keepdim=False):
    """The first largest element along one dimension, and its index."""
    return _chosen(B, x, B.xp.argmax(x, axis=dim, keepdims=True), dim, keepdim)


@op(
    symbol="min",
    infer=_extreme_with_index,
    outputs=("values", "indices"),
    public=False,
    samples=ONE_DIM,
)
def min_along(B, x, *, dim, keepdim=False):
    """The first smallest element along one dimension, and its index."""
    return _chosen(B, x, B.xp.argmin(x, axis=dim, keepdims=True), dim, keepdim)


def _to_the_winner(g, node, indices, *, dim, keepdim):
    shape, dtype = node.spec("x")
    if not shape:
        return g
    place = restore(indices, shape, dim, keepdim)
    return scatter_add_op(zeros_for(shape, dtype, g), place, restore(g, shape, dim, keepdim), dim=dim)


max_along.gradient("x", "∂L/∂x = g at the winner, 0 elsewhere")(_to_the_winner)
min_along.gradient("x", "∂L/∂x = g at the winner, 0 elsewhere")(_to_the_winner)
