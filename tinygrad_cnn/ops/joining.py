"""Joining tensors, cutting them apart, and putting a frame around them.

Each is the other's gradient: what was joined is cut apart, what was padded is cropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, as_index, as_shape, normalize_dim
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.ops.movement import unsqueeze


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
    name="cat",
    symbol="cat",
    infer=_concatenated,
    autocast="widest",
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
        sizes = [step] * (size // step) + ([size % step] if size % step or not size else [])
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
    return split(x, -(-size // chunks) or [0] * chunks, dim)


@function(method=True)
def unbind(x: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Every slice along `dim`, without that dimension.

    >>> import tinygrad_cnn as tc
    >>> tc.unbind(tc.tensor([[1, 2], [3, 4]]))
    (tensor([1, 2]), tensor([3, 4]))
    """
    axis = normalize_dim(dim, x.ndim)
    if not x.ndim:
        raise ShapeError("a 0-d tensor has no slices", argument="x", hint="x.reshape(1)")
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
    if not x.dtype.is_floating and not float(value).is_integer():
        raise DTypeError(
            f"{x.dtype} does not hold this value",
            argument="value",
            expected="a whole number",
            got=value,
            hint="x.to('float32')",
        )
    return Spec(
        tuple(size + before + after for size, (before, after) in zip(x.shape, padding, strict=True)), x.dtype
    )


@op(
    name="pad",
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
