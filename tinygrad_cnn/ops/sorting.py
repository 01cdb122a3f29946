"""Order: sort, the k largest, the k-th, the different ones.

Sorting is a gather whose indices come from the values, so its gradient goes back to where each value came
from. Equal elements keep their order, NaN counts as the largest, and 0-d tensors are lists of one.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, as_index, bool_, int64, normalize_dim
from tinygrad_cnn.errors import ArgumentError, DataDependentShape
from tinygrad_cnn.ops._infer import zeros_for
from tinygrad_cnn.ops._results import ValuesAndIndices
from tinygrad_cnn.ops.comparison import ne
from tinygrad_cnn.ops.creation import full, ones_like, zeros_like
from tinygrad_cnn.ops.gather import scatter_add_op, scatter_op
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.ops.movement import reshape, squeeze
from tinygrad_cnn.ops.scan import cumsum
from tinygrad_cnn.ops.subscript import nonzero


def _sorted_shape(x: HasSpec, *, dim: int, descending: bool) -> tuple[Spec, Spec]:
    normalize_dim(dim, len(x.shape))
    return Spec(x.shape, x.dtype), Spec(x.shape, int64)


@op(
    name="sort",
    symbol="sort",
    infer=_sorted_shape,
    outputs=("values", "indices"),
    public=False,
    samples=[
        Sample(reals(3, 4), dim=1, descending=False),
        Sample(reals(3, 4), dim=0, descending=True),
        Sample(reals(4), dim=-1, descending=False),
    ],
)
def sort_op(B, x, *, dim, descending):
    """The elements along one dimension in order, and where each came from."""
    if not x.ndim:
        return B.xp.asarray(x, copy=True), B.xp.zeros((), dtype=B.xp.int64)
    order = _order(B, x, dim, descending)
    return B.xp.take_along_axis(x, order, axis=dim), order


def _order(B: Any, x: Any, dim: int, descending: bool) -> Any:
    """Indices that sort x; descending sorts the reversed array, so that equal elements keep their order."""
    xp = B.xp
    if not descending:
        return xp.argsort(x, axis=dim, stable=True)
    backwards = xp.flip(xp.argsort(xp.flip(x, axis=dim), axis=dim, stable=True), axis=dim)
    return x.shape[dim] - 1 - backwards


@sort_op.gradient("x", "∂L/∂x = each g at the place its value came from")
def _(g, node, indices, *, dim):
    shape, dtype = node.spec("x")
    return scatter_add_op(zeros_for(shape, dtype, g), indices, g, dim=dim) if shape else g


@function(method=True)
def sort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> ValuesAndIndices:
    """The elements along `dim` in order, and where each came from.

    Equal ones keep their order, whatever `stable` says.

    >>> import tinygrad_cnn as tc
    >>> values, indices = tc.sort(tc.tensor([3.0, 1.0, 2.0]))
    >>> values, indices
    (tensor([1., 2., 3.]), tensor([1, 2, 0]))
    """
    return ValuesAndIndices(*sort_op(x, dim=dim, descending=descending))


@function(method=True)
def argsort(x: Tensor, dim: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort x along `dim`.

    >>> import tinygrad_cnn as tc
    >>> tc.argsort(tc.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return sort(x, dim, descending).indices


@function(method=True)
def topk(x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> ValuesAndIndices:
    """The k largest (or smallest) elements along `dim`, and their indices; in order, whatever `sorted` says.

    Raises:
        ArgumentError: k is negative or more than there are.

    >>> import tinygrad_cnn as tc
    >>> tc.topk(tc.tensor([1.0, 4.0, 2.0, 3.0]), 2).indices
    tensor([1, 3])
    """
    axis = normalize_dim(dim, x.ndim)
    _check_rank(k, _length(x, axis), least=0)
    values, indices = sort(x, dim, largest)
    if not x.ndim:
        return ValuesAndIndices(values, indices)
    front = (slice(None),) * axis + (slice(0, k),)
    return ValuesAndIndices(values[front], indices[front])


@function(method=True)
def kthvalue(x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> ValuesAndIndices:
    """The k-th smallest element along `dim`, counted from 1, and its index.

    Raises:
        ArgumentError: k is not one of 1 .. size.

    >>> import tinygrad_cnn as tc
    >>> tc.kthvalue(tc.tensor([30.0, 10.0, 20.0]), 2).values
    tensor(20.)
    """
    axis = normalize_dim(dim, x.ndim)
    _check_rank(k, _length(x, axis), least=1)
    values, indices = sort(x, dim)
    return ValuesAndIndices(*(_ranked(t, k - 1, axis, keepdim) for t in (values, indices)))


def _length(x: Tensor, axis: int) -> int:
    return x.shape[axis] if x.ndim else 1


def _check_rank(k: int, size: int, *, least: int) -> None:
    if not least <= as_index(k, argument="k") <= size:
        raise ArgumentError(f"{k} of {size} elements", argument="k", expected=f"{least} .. {size}", got=k)


def _ranked(t: Tensor, place: int, axis: int, keepdim: bool) -> Tensor:
    """The slice at one place of a sorted dimension."""
    if not t.ndim:
        return t
    key: tuple[Any, ...] = (slice(None),) * axis + (slice(place, place + 1),)
    return t[key] if keepdim else squeeze(t[key], axis)


@function(method=True)
def unique(
    x: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False
) -> Tensor | tuple[Tensor, ...]:
    """The different elements in ascending order (whatever `sorted` says); a constant, without gradient.

    Args:
        x: of any shape and dtype. Every NaN counts as different from every other.
        sorted: accepted as PyTorch's; the result is always in order.
        return_inverse: also where each element of x is found in the result, in the shape of x.
        return_counts: also how often each occurs.

    Raises:
        DataDependentShape: on a backend without values; how many there are depends on them.

    >>> import tinygrad_cnn as tc
    >>> tc.unique(tc.tensor([3, 1, 3, 2]), return_counts=True)
    (tensor([1, 2, 3]), tensor([1, 1, 2]))
    """
    if not x.backend.executes:
        raise DataDependentShape(f"the {x.backend.name} backend has no values to compare", argument="x")
    flat = reshape(x.detach(), -1)
    values, order = sort(flat)
    changes = cat([ones_like(values[:1]).to(bool_), ne(values[1:], values[:-1])])
    (starts,) = nonzero(changes, as_tuple=True)
    results = [values[starts]]
    if return_inverse:
        group = cumsum(changes.to(int64), 0) - 1
        results.append(reshape(scatter_op(zeros_like(group), order, group, dim=0), x.shape))
    if return_counts:
        ends = cat([starts[1:], full((min(1, flat.numel()),), flat.numel(), backend=x.backend)])
        results.append(ends - starts)
    return results[0] if len(results) == 1 else tuple(results)
