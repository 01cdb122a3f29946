"""Tensors out of nothing: zeros, ones, ranges, the identity.

They are constants, not operations: nothing flows into them, so they have no gradient rule. Options that all
of them take: `dtype`, `requires_grad` (begin a graph here) and `backend` (by default the one in force).
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import attach, function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTypeLike, as_dtype, as_index, as_shape, bool_, float32, int64
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return as_shape(
        list(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else list(shape)
    )


def _require_numbers(**arguments: object) -> None:
    for name, value in arguments.items():
        if not hasattr(value, "__float__"):
            raise ArgumentTypeError(
                f"{name} must be a number", argument=name, expected="a number", got=repr(value)
            )


@function()
def full(
    shape: Any,
    fill_value: float,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    name: str | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor filled with one value; int64 for an int, bool for a bool, float32 otherwise.

    >>> import tinygrad_cnn as tc
    >>> tc.full((2, 2), 7.0)
    tensor([[7., 7.],
            [7., 7.]])
    """
    _require_numbers(fill_value=fill_value)
    own = bool_ if isinstance(fill_value, bool) else int64 if isinstance(fill_value, int) else float32
    target, sizes = get_backend(backend), as_shape(shape)
    kind = own if dtype is None else as_dtype(dtype)
    result = Tensor(target.full(sizes, fill_value, kind), sizes, kind, target)
    result.name = name
    return result.requires_grad_() if requires_grad else result


@function()
def zeros(*shape: Any, dtype: DTypeLike = float32, **options: Any) -> Tensor:
    """A tensor of zeros; options as for `full`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).shape
    (2, 3)
    """
    return full(_sizes(shape), 0, dtype=dtype, **options)


@function()
def ones(*shape: Any, dtype: DTypeLike = float32, **options: Any) -> Tensor:
    """A tensor of ones; options as for `full`.

    >>> import tinygrad_cnn as tc
    >>> tc.ones(2)
    tensor([1., 1.])
    """
    return full(_sizes(shape), 1, dtype=dtype, **options)


# --- like another tensor: its shape, dtype and backend --------------------------------------------


@function()
def full_like(x: Tensor, fill_value: float, *, dtype: DTypeLike | None = None, **options: Any) -> Tensor:
    """One value in the shape of x, with its dtype if no other is named, on its backend.

    >>> import tinygrad_cnn as tc
    >>> tc.full_like(tc.zeros(2), 7)
    tensor([7., 7.])
    """
    return full(x.shape, fill_value, dtype=dtype or x.dtype, **{"backend": x.backend, **options})


@function()
def zeros_like(x: Tensor, *, dtype: DTypeLike | None = None, **options: Any) -> Tensor:
    """Zeros in the shape of x, with its dtype if no other is named, on its backend.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros_like(tc.tensor([[1, 2], [3, 4]]))
    tensor([[0, 0],
            [0, 0]])
    """
    return full_like(x, 0, dtype=dtype, **options)


@function()
def ones_like(x: Tensor, *, dtype: DTypeLike | None = None, **options: Any) -> Tensor:
    """Ones in the shape of x, with its dtype if no other is named, on its backend.

    >>> import tinygrad_cnn as tc
    >>> tc.ones_like(tc.tensor([[1, 2], [3, 4]]))
    tensor([[1, 1],
            [1, 1]])
    """
    return full_like(x, 1, dtype=dtype, **options)


@attach
def new_full(self: Tensor, size: Any, fill_value: float, *, dtype: DTypeLike | None = None) -> Tensor:
    """A tensor of any size filled with one value, with the dtype and backend of this one.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(3).new_full((2,), 7)
    tensor([7, 7])
    """
    return full(size, fill_value, dtype=dtype or self.dtype, backend=self.backend)


@attach
def new_zeros(self: Tensor, *size: Any, dtype: DTypeLike | None = None) -> Tensor:
    """Zeros of any size, with the dtype and backend of this tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(3).new_zeros(2)
    tensor([0, 0])
    """
    return new_full(self, _sizes(size), 0, dtype=dtype)


@attach
def new_ones(self: Tensor, *size: Any, dtype: DTypeLike | None = None) -> Tensor:
    """Ones of any size, with the dtype and backend of this tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(3).new_ones(2)
    tensor([1, 1])
    """
    return new_full(self, _sizes(size), 1, dtype=dtype)


# --- data that is there already -------------------------------------------------------------------


@function()
def as_tensor(data: Any, *, dtype: DTypeLike | None = None, backend: str | Backend | None = None) -> Tensor:
    """A tensor as it is, anything else as a new one (a copy, other than PyTorch's: tensors do not change).

    >>> import tinygrad_cnn as tc
    >>> x = tc.ones(2)
    >>> tc.as_tensor(x) is x, tc.as_tensor([1, 2])
    (True, tensor([1, 2]))
    """
    if isinstance(data, Tensor):
        moved = data if backend is None else data.to(get_backend(backend))
        return moved if dtype is None else moved.to(as_dtype(dtype))
    return tensor(data, dtype=dtype, backend=backend)


@function()
def from_numpy(array: Any) -> Tensor:
    """A copy of a NumPy array, in its dtype (PyTorch's shares memory; here tensors do not change).

    >>> import numpy as np
    >>> import tinygrad_cnn as tc
    >>> tc.from_numpy(np.array([1.0, 2.0])).dtype
    tinygrad_cnn.float64
    """
    if not hasattr(array, "__array_interface__"):
        raise ArgumentTypeError(
            "this is no NumPy array",
            argument="array",
            expected="numpy.ndarray",
            got=type(array).__name__,
            hint="tc.tensor takes numbers and lists",
        )
    return tensor(array)


# --- ranges ---------------------------------------------------------------------------------------


@function()
def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """start, start + step, ... up to but without end; from 0 when only one number is given.

    int64 when all numbers are ints, float32 otherwise.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(1, 10, 3)
    tensor([1, 4, 7])
    """
    if end is None:
        start, end = 0, start
    _require_numbers(start=start, end=end, step=step)
    if step == 0:
        raise ArgumentError(
            "a range cannot step by 0", argument="step", expected="a non-zero number", got=step
        )
    n = max(0, math.ceil((end - start) / step))
    whole = all(isinstance(number, int) for number in (start, end, step))
    kind = as_dtype(dtype) if dtype is not None else (int64 if whole else float32)
    values = [start + i * step for i in range(n)]
    return tensor(values, dtype=kind, requires_grad=requires_grad, backend=backend)


@function()
def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: DTypeLike = float32,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """That many numbers from start to end, both included, evenly spaced.

    >>> import tinygrad_cnn as tc
    >>> tc.linspace(0, 1, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    _require_numbers(start=start, end=end)
    n = as_index(steps, argument="steps")
    if n < 0:
        raise ArgumentError("a number of steps", argument="steps", expected=">= 0", got=steps)
    gap = (end - start) / max(n - 1, 1)
    # From both ends inwards, so that the last number is exactly `end`.
    values = [start + i * gap if i < n / 2 else end - (n - 1 - i) * gap for i in range(n)]
    return tensor(values, dtype=dtype, requires_grad=requires_grad, backend=backend)


@function()
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DTypeLike = float32,
    requires_grad: bool = False,
    backend: str | Backend | None = None,
) -> Tensor:
    """The identity matrix, n × n (or n × m with ones on the diagonal).

    >>> import tinygrad_cnn as tc
    >>> tc.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    rows = as_index(n, argument="n")
    columns = rows if m is None else as_index(m, argument="m")
    as_shape((rows, columns))
    table = [[float(i == j) for j in range(columns)] for i in range(rows)]
    result = tensor(table, dtype=dtype, backend=backend).reshape(rows, columns)
    return result.requires_grad_() if requires_grad else result
