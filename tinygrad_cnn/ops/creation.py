"""Tensors out of nothing: zeros, ones, ranges, the identity.

They are constants, not operations: nothing flows into them, so they have no gradient rule.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._op import function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTypeLike, as_dtype, as_index, as_shape, float32, int64
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
    dtype: DTypeLike = float32,
    requires_grad: bool = False,
    name: str | None = None,
    backend: str | Backend | None = None,
) -> Tensor:
    """A tensor filled with one value.

    >>> import tinygrad_cnn as tc
    >>> tc.full((2, 2), 7.0)
    tensor([[7., 7.],
            [7., 7.]])
    """
    target, kind, sizes = get_backend(backend), as_dtype(dtype), as_shape(shape)
    _require_numbers(fill_value=fill_value)
    result = Tensor(target.full(sizes, fill_value, kind), sizes, kind, target)
    result.name = name
    return result.requires_grad_() if requires_grad else result


@function()
def zeros(*shape: Any, **options: Any) -> Tensor:
    """A tensor of zeros; options as for `full`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).shape
    (2, 3)
    """
    return full(_sizes(shape), 0, **options)


@function()
def ones(*shape: Any, **options: Any) -> Tensor:
    """A tensor of ones; options as for `full`.

    >>> import tinygrad_cnn as tc
    >>> tc.ones(2)
    tensor([1., 1.])
    """
    return full(_sizes(shape), 1, **options)


@function()
def zeros_like(x: Tensor) -> Tensor:
    """Zeros in the shape and dtype of x, on its backend.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros_like(tc.tensor([[1, 2], [3, 4]]))
    tensor([[0, 0],
            [0, 0]])
    """
    return full(x.shape, 0, dtype=x.dtype, backend=x.backend)


@function()
def ones_like(x: Tensor) -> Tensor:
    """Ones in the shape and dtype of x, on its backend.

    >>> import tinygrad_cnn as tc
    >>> tc.ones_like(tc.tensor([[1, 2], [3, 4]]))
    tensor([[1, 1],
            [1, 1]])
    """
    return full(x.shape, 1, dtype=x.dtype, backend=x.backend)


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
    n = max(0, int(-(-(end - start) // step)))
    whole = all(isinstance(number, int) for number in (start, end, step))
    kind = as_dtype(dtype) if dtype is not None else (int64 if whole else float32)
    values = [start + i * step for i in range(n)]
    return tensor(values, dtype=kind, requires_grad=requires_grad, backend=backend)


@function()
def eye(
    n: int, m: int | None = None, *, dtype: DTypeLike = float32, backend: str | Backend | None = None
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
    return tensor(
        [[float(i == j) for j in range(columns)] for i in range(rows)], dtype=dtype, backend=backend
    ).reshape(rows, columns)
