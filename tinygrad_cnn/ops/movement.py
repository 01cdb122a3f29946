"""Operations that move elements without changing them: reshape, transpose, join, cut, pad.

None of them computes anything, so every gradient rule is the opposite movement: what was reshaped is
reshaped back, what was joined is cut apart, what was padded is cropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import attach, function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    HasSpec,
    Shape,
    Spec,
    as_index,
    as_shape,
    count,
    normalize_dim,
    normalize_dims,
)
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DimensionError, DTypeError, ShapeError
from tinygrad_cnn.ops._infer import UNARY, unary

# --- the same numbers, the same places ------------------------------------------------------------


@op(symbol="=", infer=unary, view=True, public=False, samples=UNARY)
def alias(B, x):
    """Another tensor with the same memory and its own place in the graph."""
    return x


@alias.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


@op(symbol="copy", infer=unary, method=True, samples=UNARY)
def clone(B, x):
    """A copy in memory of its own; gradients pass through."""
    return B.xp.asarray(x, copy=True)


@clone.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


# --- the same numbers, another shape --------------------------------------------------------------


def _reshaped(x: HasSpec, *, shape: Shape) -> Spec:
    sizes = tuple(
        as_index(size, argument="shape") for size in (shape if isinstance(shape, tuple) else (shape,))
    )
    total = count(x.shape)
    if sizes.count(-1) == 1:
        rest = count(tuple(size for size in sizes if size != -1))
        if rest and total % rest == 0:
            sizes = tuple(total // rest if size == -1 else size for size in sizes)
    if any(size < 0 for size in sizes) or count(sizes) != total:
        raise ShapeError(
            f"{total} elements do not fill that shape",
            argument="shape",
            expected=f"sizes whose product is {total}; one of them may be -1",
            got=f"{shape} from {x.shape}",
        )
    return Spec(sizes, x.dtype)


@op(
    symbol="reshape",
    infer=_reshaped,
    view=True,
    public=False,
    samples=[
        Sample(reals(2, 6), shape=(3, 4)),
        Sample(reals(2, 3, 2), shape=(2, -1)),
        Sample(reals(), shape=(1,)),
    ],
)
def reshape_op(B, x, *, shape):
    """The same elements in row-major order under another shape."""
    return B.xp.reshape(x, shape)


@reshape_op.gradient("x", "∂L/∂x = g, in the shape of x")
def _(g, node):
    return reshape_op(g, shape=node.spec("x").shape)


def _sizes(sizes: tuple[Any, ...], shape: Any) -> tuple[Any, ...]:
    """`f(2, 3)`, `f((2, 3))` and `f(shape=(2, 3))` mean the same."""
    if shape is not None:
        sizes = (shape,)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        return tuple(sizes[0])
    return sizes


@function(method=True)
def reshape(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements, in the same order, under another shape; one size may be −1 ("what is left").

    >>> import tinygrad_cnn as tc
    >>> tc.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    return reshape_op(x, shape=_sizes(sizes, shape))


@attach
def view(self: Tensor, *sizes: Any) -> Tensor:
    """The same as `reshape` (PyTorch's other name for it)."""
    return reshape_op(self, shape=_sizes(sizes, None))


@function(method=True)
def flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dimensions start_dim .. end_dim as one: (N, C, H, W) → (N, C·H·W) with start_dim=1.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 4).flatten(1).shape
    (2, 12)
    """
    first = normalize_dim(start_dim, x.ndim, argument="start_dim")
    last = normalize_dim(end_dim, x.ndim, argument="end_dim")
    if first > last:
        raise DimensionError(
            "start_dim comes after end_dim", argument="start_dim", expected=f"<= {last}", got=first
        )
    # The size is spelled out: -1 would be ambiguous for an empty batch.
    return reshape_op(x, shape=(*x.shape[:first], count(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@function(method=True)
def squeeze(x: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Without the dimensions of size 1 (or only those named by `dim`).

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(1, 3, 1).squeeze(0).shape
    (3, 1)
    """
    dims = normalize_dims(dim, x.ndim)
    return reshape_op(
        x, shape=tuple(size for axis, size in enumerate(x.shape) if size != 1 or axis not in dims)
    )


@function(method=True)
def unsqueeze(x: Tensor, dim: int) -> Tensor:
    """With a new dimension of size 1 at position `dim`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).unsqueeze(1).shape
    (2, 1, 3)
    """
    axis = normalize_dim(dim, x.ndim + 1)
    return reshape_op(x, shape=(*x.shape[:axis], 1, *x.shape[axis:]))


def _permuted(x: HasSpec, *, dims: Shape) -> Spec:
    ndim = len(x.shape)
    if len(dims) != ndim:
        raise DimensionError(
            "a permutation names every dimension once",
            argument="dims",
            expected=f"{ndim} dimensions",
            got=dims,
        )
    normalize_dims(dims, ndim, argument="dims")
    return Spec(tuple(x.shape[dim] for dim in dims), x.dtype)


@op(
    symbol="permute",
    infer=_permuted,
    view=True,
    public=False,
    samples=[Sample(reals(2, 3, 4), dims=(2, 0, 1)), Sample(reals(2, 3), dims=(-1, 0))],
)
def permute_op(B, x, *, dims):
    """The dimensions in another order."""
    return B.xp.permute_dims(x, dims)


@permute_op.gradient("x", "∂L/∂x = g, permuted back")
def _(g, node, *, dims):
    order = [dim % len(dims) for dim in dims]
    return permute_op(g, dims=tuple(order.index(axis) for axis in range(len(order))))


@function(method=True)
def permute(x: Tensor, *dims: Any) -> Tensor:
    """The dimensions in another order: `images.permute(0, 2, 3, 1)` turns NCHW into NHWC.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 5).permute(2, 0, 1).shape
    (5, 2, 3)
    """
    return permute_op(x, dims=_sizes(dims, None))


@function(method=True)
def transpose(x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Two dimensions exchanged.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3, 5).transpose(0, -1).shape
    (5, 3, 2)
    """
    order = list(range(x.ndim))
    first = normalize_dim(dim0, x.ndim, argument="dim0")
    second = normalize_dim(dim1, x.ndim, argument="dim1")
    if order:
        order[first], order[second] = second, first
    return permute_op(x, dims=tuple(order))


def _transposed(self: Tensor) -> Tensor:
    """The matrix transposed (all dimensions reversed)."""
    return permute_op(self, dims=tuple(reversed(range(self.ndim))))


def _matrices_transposed(self: Tensor) -> Tensor:
    """The last two dimensions exchanged: a stack of transposed matrices."""
    return transpose(self, -2, -1)


Tensor.T = property(_transposed)  # type: ignore[attr-defined]
Tensor.mT = property(_matrices_transposed)  # type: ignore[attr-defined]


def _expanded(x: HasSpec, *, shape: Shape) -> Spec:
    padded = (1,) * (len(shape) - len(x.shape)) + x.shape
    resolved = tuple(
        old if new == -1 and position >= len(shape) - len(x.shape) else new
        for position, (old, new) in enumerate(zip(padded, shape, strict=False))
    )
    fits = len(padded) == len(shape) and all(
        old in (1, new) for old, new in zip(padded, resolved, strict=True)
    )
    if not fits or any(size < 0 for size in resolved):
        raise ShapeError(
            "only dimensions of size 1 can be stretched",
            argument="shape",
            expected=f"a shape that {x.shape} broadcasts to",
            got=shape,
        )
    return Spec(resolved, x.dtype)


@op(
    symbol="expand",
    infer=_expanded,
    view=True,
    public=False,
    samples=[
        Sample(reals(3, 1), shape=(2, 3, 4)),
        Sample(reals(), shape=(2,)),
        Sample(reals(2, 1), shape=(-1, 3)),
    ],
)
def expand_op(B, x, *, shape):
    """Dimensions of size 1 repeated, without copying."""
    extra = len(shape) - x.ndim
    resolved = tuple(x.shape[i - extra] if size == -1 else size for i, size in enumerate(shape))
    return B.xp.broadcast_to(x, resolved)


@expand_op.gradient("x", "∂L/∂x = Σ g over what was repeated")
def _(g, node):
    return sum_to(g, shape=node.spec("x").shape)


@op(
    symbol="Σ→",
    infer=lambda x, *, shape: Spec(shape, x.dtype),
    public=False,
    samples=[Sample(reals(2, 3, 4), shape=(3, 1)), Sample(reals(2, 3), shape=())],
)
def sum_to(B, x, *, shape):
    """The sum that undoes a broadcast from `shape`: gradients of stretched operands end up here."""
    extra = x.ndim - len(shape)
    stretched = [axis + extra for axis, size in enumerate(shape) if size == 1 and x.shape[axis + extra] != 1]
    total = B.xp.sum(x, axis=(*range(extra), *stretched), keepdims=True)
    return B.xp.reshape(total, shape)


@sum_to.gradient("x", "∂L/∂x = g, broadcast")
def _(g, node):
    return expand_op(g, shape=node.spec("x").shape)


@function(method=True)
def expand(x: Tensor, *sizes: Any, shape: Any = None) -> Tensor:
    """Dimensions of size 1 stretched to new sizes without copying; −1 keeps a size.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([[1.0], [2.0]]).expand(-1, 3)
    tensor([[1., 1., 1.],
            [2., 2., 2.]])
    """
    return expand_op(x, shape=_sizes(sizes, shape))


@function()
def broadcast_to(x: Tensor, shape: Shape) -> Tensor:
    """x stretched to `shape` by NumPy's broadcasting rule."""
    return expand_op(x, shape=as_shape(shape))


def _flipped(x: HasSpec, *, dims: Any) -> Spec:
    normalize_dims(dims, len(x.shape), argument="dims")
    return Spec(x.shape, x.dtype)


@op(
    symbol="flip",
    infer=_flipped,
    view=True,
    method=True,
    samples=[Sample(reals(2, 3), dims=(0, 1)), Sample(reals(3), dims=0)],
)
def flip(B, x, *, dims):
    """The order of elements reversed along each of `dims`."""
    return B.xp.flip(x, axis=dims)


@flip.gradient("x", "∂L/∂x = g, flipped back")
def _(g, node, *, dims):
    return flip(g, dims=dims)


# --- joining and cutting --------------------------------------------------------------------------


def _concatenated(*tensors: HasSpec, dim: int) -> Spec:
    first = tensors[0]
    axis = normalize_dim(dim, len(first.shape))
    if not first.shape:
        raise ShapeError("0-d tensors have no dimension to join along", argument="tensors", hint="tc.stack")
    rest = first.shape[:axis] + first.shape[axis + 1 :]
    for number, other in enumerate(tensors):
        if len(other.shape) != len(first.shape) or other.shape[:axis] + other.shape[axis + 1 :] != rest:
            raise ShapeError(
                f"tensor {number} does not fit the first one",
                argument=f"tensors[{number}]",
                expected=f"{(*first.shape[:axis], '*', *first.shape[axis + 1 :])}".replace("'", ""),
                got=other.shape,
            )
        if other.dtype is not first.dtype:
            raise DTypeError(
                f"tensor {number} has another dtype than the first",
                argument=f"tensors[{number}]",
                expected=first.dtype,
                got=other.dtype,
            )
    joined = 0
    for other in tensors:
        joined += other.shape[axis]
    return Spec((*first.shape[:axis], joined, *first.shape[axis + 1 :]), first.dtype)


@op(
    symbol="cat",
    infer=_concatenated,
    public=False,
    samples=[
        Sample(reals(2, 1), reals(2, 3), dim=1),
        Sample(reals(0, 2), reals(3, 2), reals(1, 2), dim=0),
        Sample(reals(3), dim=-1),
    ],
)
def concatenate(B, *tensors, dim):
    """Tensors joined along an existing dimension."""
    return B.xp.concat(tensors, axis=dim)


@concatenate.gradient("tensors", "∂L/∂xᵢ = the part of g that came from xᵢ")
def _(g, node, *, dim, position):
    axis = normalize_dim(dim, g.ndim)
    sizes = [parent.outputs[index].shape[axis] for parent, index in node.inputs]
    start = 0
    for size in sizes[:position]:
        start += size
    return g[(slice(None),) * axis + (slice(start, start + sizes[position]),)]


def _tensors(tensors: Any) -> list[Any]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, (list, tuple)) or not tensors:
        raise ArgumentTypeError(
            "a sequence of tensors is needed",
            argument="tensors",
            expected="a non-empty list or tuple of tensors",
            got="one tensor" if isinstance(tensors, Tensor) else repr(tensors)[:60],
            hint="tc.cat([a, b], dim=0)",
        )
    for number, part in enumerate(tensors):
        if not isinstance(part, Tensor):
            raise ArgumentTypeError(
                "only tensors can be joined",
                argument=f"tensors[{number}]",
                expected="Tensor",
                got=repr(part)[:60],
                hint="tc.tensor(...) makes one",
            )
    return list(tensors)


@function()
def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors joined along an existing dimension; all other sizes must agree.

    >>> import tinygrad_cnn as tc
    >>> tc.cat([tc.zeros(1, 2), tc.ones(1, 2)])
    tensor([[0., 0.],
            [1., 1.]])
    """
    return concatenate(*_tensors(tensors), dim=dim)


@function()
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Tensors of one shape joined along a new dimension.

    >>> import tinygrad_cnn as tc
    >>> tc.stack([tc.tensor(1.0), tc.tensor(2.0)])
    tensor([1., 2.])
    """
    parts = _tensors(tensors)
    for number, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise ShapeError(
                f"tensor {number} has another shape than the first",
                argument=f"tensors[{number}]",
                expected=parts[0].shape,
                got=part.shape,
            )
    return concatenate(*[unsqueeze(part, dim) for part in parts], dim=dim)


@function(method=True)
def split(x: Tensor, split_size: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along `dim` into pieces of `split_size` (the last may be smaller), or of the sizes listed.

    >>> import tinygrad_cnn as tc
    >>> [part.tolist() for part in tc.arange(5).split(2)]
    [[0, 1], [2, 3], [4]]
    """
    axis = normalize_dim(dim, x.ndim)
    if not x.ndim:
        raise ShapeError("a 0-d tensor cannot be cut", argument="x", hint="x.reshape(1)")
    size = x.shape[axis]
    if isinstance(split_size, (list, tuple)):
        sizes = list(as_shape(list(split_size), argument="split_size"))
        total = 0
        for one in sizes:
            total += one
        if total != size:
            raise ShapeError(
                "the pieces do not add up",
                argument="split_size",
                expected=f"sizes that sum to {size}",
                got=f"{sizes}, sum {total}",
            )
    else:
        step = as_index(split_size, argument="split_size")
        if step < 1:
            raise ArgumentError(
                "a piece needs a positive size", argument="split_size", expected=">= 1", got=step
            )
        sizes = [step] * (size // step) + ([size % step] if size % step else [])
    pieces, start = [], 0
    for one in sizes:
        pieces.append(x[(slice(None),) * axis + (slice(start, start + one),)])
        start += one
    return tuple(pieces)


@function(method=True)
def chunk(x: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """x cut along `dim` into at most `chunks` pieces of equal size (the last may be smaller).

    >>> import tinygrad_cnn as tc
    >>> [part.shape for part in tc.zeros(7, 2).chunk(3)]
    [(3, 2), (3, 2), (1, 2)]
    """
    if as_index(chunks, argument="chunks") < 1:
        raise ArgumentError("at least one piece", argument="chunks", expected=">= 1", got=chunks)
    size = x.shape[normalize_dim(dim, x.ndim)] if x.ndim else 0
    return split(x, -(-size // chunks) or 1, dim)


@function(method=True)
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Every slice along `dim`, without that dimension."""
    axis = normalize_dim(dim, x.ndim)
    return tuple(x[(slice(None),) * axis + (i,)] for i in range(x.shape[axis]))


# --- a frame around it ----------------------------------------------------------------------------


def _padded(x: HasSpec, *, padding: Sequence[tuple[int, int]], value: float) -> Spec:
    if len(padding) != len(x.shape) or any(before < 0 or after < 0 for before, after in padding):
        raise ShapeError(
            "padding is a pair (before, after), not negative, for each dimension",
            argument="padding",
            expected=f"{len(x.shape)} pairs",
            got=padding,
        )
    return Spec(
        tuple(size + before + after for size, (before, after) in zip(x.shape, padding, strict=True)), x.dtype
    )


@op(
    symbol="pad",
    infer=_padded,
    public=False,
    samples=[
        Sample(reals(2, 3), padding=((1, 0), (2, 1)), value=0.0),
        Sample(reals(0, 2), padding=((1, 1), (0, 0)), value=3.0),
    ],
)
def pad_constant(B, x, *, padding, value=0.0):
    """x with a frame of one value: (before, after) cells for each dimension."""
    return B.pad(x, padding, value)


@pad_constant.gradient("x", "∂L/∂x = g without the frame")
def _(g, node, *, padding):
    shape = node.spec("x").shape
    return g[tuple(slice(before, before + size) for (before, _), size in zip(padding, shape, strict=True))]
