"""The same elements several times: copies of the whole, of every element, along the axes of a grid.

    repeat, tile         1 2 → 1 2 1 2
    repeat_interleave    1 2 → 1 1 2 2

All are compositions of reshape and expand, so their gradients are sums over the copies.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import attach, function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, as_shape, broadcast, int64, normalize_dim, require_integer
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.ops.movement import listed, reshape, reshape_op
from tinygrad_cnn.ops.rearrange import atleast_1d, ravel
from tinygrad_cnn.ops.stretching import expand_op


def _repeated(x: Tensor, times: Shape) -> Tensor:
    """The whole tensor several times along each dimension, of which `times` may name more in front."""
    shape = (1,) * (len(times) - x.ndim) + x.shape
    spread = reshape_op(x, shape=tuple(size for one in shape for size in (1, one)))
    spread = expand_op(spread, shape=tuple(size for pair in zip(times, shape, strict=True) for size in pair))
    return reshape_op(spread, shape=tuple(n * size for n, size in zip(times, shape, strict=True)))


def _times(sizes: tuple[Any, ...], argument: str) -> Shape:
    return as_shape(listed(sizes, None), argument=argument)


@attach
def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """The whole tensor that many times along each dimension; more numbers than dimensions add some in front.

    Raises:
        ShapeError: fewer numbers than dimensions (`tile` takes those).

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = _times(repeats, "repeats")
    if len(times) < self.ndim:
        raise ShapeError(
            "every dimension needs its number of repeats",
            argument="repeats",
            expected=f"{self.ndim} numbers or more",
            got=times,
            hint="tc.tile repeats the last dimensions",
        )
    return _repeated(self, times)


@function(method=True)
def tile(x: Tensor, *dims: Any) -> Tensor:
    """Like `repeat`; numbers that are missing in front count as 1.

    >>> import tinygrad_cnn as tc
    >>> tc.tile(tc.tensor([[1], [2]]), (3,))
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    times = _times(dims, "dims")
    return _repeated(x, (1,) * (x.ndim - len(times)) + times)


@function(method=True)
def repeat_interleave(x: Tensor, repeats: int | Tensor, dim: int | None = None) -> Tensor:
    """Every element several times in a row along `dim`; of the flattened tensor when dim is None.

    Args:
        x: of any dtype.
        repeats: how many times; a vector of integers says it for each element along `dim`.
        dim: the dimension that grows.

    >>> import tinygrad_cnn as tc
    >>> tc.repeat_interleave(tc.tensor([1, 2, 3]), tc.tensor([1, 0, 2]))
    tensor([1, 3, 3])
    """
    if dim is None:
        x, dim = ravel(x), 0
    axis = normalize_dim(dim, x.ndim)
    x = atleast_1d(x)
    size = x.shape[axis]
    if isinstance(repeats, Tensor):
        require_integer(repeats, "repeats")
        numbers = repeats.reshape(-1).tolist() * (size if repeats.numel() == 1 else 1)
        if len(numbers) != size or min(numbers, default=0) < 0:
            raise ShapeError(
                "every element needs its number of repeats, not negative",
                argument="repeats",
                expected=f"{size} numbers",
                got=numbers,
            )
        picks = [place for place, times in enumerate(numbers) for _ in range(times)]
        return x[(slice(None),) * axis + (tensor(picks, dtype=int64, backend=x.backend),)]
    (times,) = as_shape(repeats, argument="repeats")
    front, back = x.shape[: axis + 1], x.shape[axis + 1 :]
    spread = expand_op(reshape_op(x, shape=(*front, 1, *back)), shape=(*front, times, *back))
    return reshape_op(spread, shape=(*front[:-1], size * times, *back))


# --- lining up ------------------------------------------------------------------------------------


@function()
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors stretched to their common shape, without copying.

    >>> import tinygrad_cnn as tc
    >>> [x.shape for x in tc.broadcast_tensors(tc.zeros(3, 1), tc.zeros(4))]
    [(3, 4), (3, 4)]
    """
    shape = broadcast(*[x.shape for x in tensors]) if tensors else ()
    return tuple(expand_op(x, shape=shape) for x in tensors)


@function()
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid, one tensor for each axis.

    Args:
        tensors: vectors or numbers, the marks on each axis.
        indexing: "ij" for rows first, as a matrix; "xy" for columns first, as a picture's (x, y).

    >>> import tinygrad_cnn as tc
    >>> y, x = tc.meshgrid(tc.arange(2), tc.arange(3))
    >>> y.tolist(), x.tolist()
    ([[0, 0, 0], [1, 1, 1]], [[0, 1, 2], [0, 1, 2]])
    """
    axes = listed(tensors, None)
    if indexing not in ("ij", "xy"):
        raise ArgumentError("an unknown order", argument="indexing", expected="'ij' or 'xy'", got=indexing)
    for number, axis in enumerate(axes):
        if not isinstance(axis, Tensor) or axis.ndim > 1:
            raise ArgumentTypeError(
                "an axis is a vector or a number",
                argument=f"tensors[{number}]",
                expected="a Tensor of 1 dimension",
                got=repr(getattr(axis, "shape", axis)),
            )
    if indexing == "xy" and len(axes) > 1:
        second, first, *rest = meshgrid(axes[1], axes[0], *axes[2:])
        return (first, second, *rest)
    shape = tuple(axis.numel() for axis in axes)
    return tuple(
        expand_op(reshape(axis, [-1 if place == number else 1 for place in range(len(axes))]), shape=shape)
        for number, axis in enumerate(axes)
    )
