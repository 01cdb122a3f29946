"""NumPy for arrays of Scalars: the names that kernels use, where NumPy's own would not do.

A tensor of floats is, on this backend, an array of Python objects, one Scalar an element. Most of NumPy
works on such arrays as it is: `x + y` adds the Scalars, `np.exp(x)` calls their `exp`, `np.matmul` multiplies
and adds them, `np.reshape` moves them. Integers and bools are ordinary arrays. Here is the rest:

    out of nothing    zeros, ones ... are made of Scalars
    reductions        an empty sum is the number 0, a full one a bare element; here always an array of Scalars
    the largest       chosen by value; equal ones share the gradient
    by value only     signs, roundings, orders, tests: they have no derivative

Any other name is NumPy's.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scalar import Scalar, shared

Array = NDArray[Any]

OBJECT = np.dtype(object)
bfloat16 = float16 = float32 = float64 = OBJECT  # every float is a Scalar, whatever the tensor calls it


def __getattr__(name: str) -> Any:
    return getattr(np, name)


# --- numbers and Scalars --------------------------------------------------------------------------


def is_scalars(x: Any) -> bool:
    """Whether x is a Scalar or an array of them (and not an array of integers or bools)."""
    return isinstance(x, Scalar) or getattr(x, "dtype", None) == OBJECT


_lift = np.frompyfunc(lambda number: number if type(number) is Scalar else Scalar(float(number)), 1, 1)


def scalars(x: Any) -> Array:
    """An array of Scalars: those that are there, and constants for plain numbers."""
    return np.asarray(_lift(np.asarray(x, dtype=object)), dtype=object)


def values(x: Any) -> Array:
    """The values of Scalars as an array of float64."""
    return np.asarray(x, dtype=object).astype(np.float64)


# --- out of nothing -------------------------------------------------------------------------------


def full(shape: Any, fill_value: Any, dtype: Any = OBJECT) -> Array:
    if dtype != OBJECT:
        return np.full(shape, fill_value, dtype=dtype)
    count = math.prod(shape) if isinstance(shape, tuple) else int(shape)
    return scalars([fill_value] * count).reshape(shape)


def zeros(shape: Any, dtype: Any = OBJECT) -> Array:
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = OBJECT) -> Array:
    return full(shape, 1, dtype)


def full_like(x: Array, fill_value: Any, dtype: Any = None) -> Array:
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


def zeros_like(x: Array, dtype: Any = None) -> Array:
    return full_like(x, 0, dtype)


def ones_like(x: Array, dtype: Any = None) -> Array:
    return full_like(x, 1, dtype)


def asarray(x: Any, dtype: Any = None, copy: bool | None = None) -> Array:
    if dtype == OBJECT or (dtype is None and is_scalars(x)):
        array = scalars(x)
        return array.copy() if copy else array
    return np.asarray(x, dtype=dtype, copy=copy)


def astype(x: Any, dtype: Any, copy: bool = True) -> Array:
    if dtype == OBJECT:
        return scalars(x)
    return (values(x) if is_scalars(x) else np.asarray(x)).astype(dtype)


# --- choosing and moving --------------------------------------------------------------------------


def where(condition: Any, x: Any, y: Any) -> Array:
    if is_scalars(x) or is_scalars(y):
        x, y = scalars(x), scalars(y)
    return np.asarray(np.where(condition, x, y))


def _made_of_scalars(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, whose result on Scalars may hold plain numbers, or be a bare one."""

    def lifted(x: Any, *args: Any, **options: Any) -> Any:
        result = function(x, *args, **options)
        return scalars(result) if is_scalars(x) else result

    return lifted


sum = _made_of_scalars(np.sum)
prod = _made_of_scalars(np.prod)
cumulative_sum = _made_of_scalars(np.cumulative_sum)
cumulative_prod = _made_of_scalars(np.cumulative_prod)
matmul = _made_of_scalars(np.matmul)
tensordot = _made_of_scalars(np.tensordot)
tril = _made_of_scalars(np.tril)
triu = _made_of_scalars(np.triu)


# --- the largest and the smallest -----------------------------------------------------------------


def _extreme(name: str, found: Callable[..., Any]) -> Callable[[list[Scalar]], Scalar]:
    """max or min of a list of Scalars, by value; NaN wins, and those that are equal share the gradient."""

    def extreme(candidates: list[Scalar]) -> Scalar:
        nans = [candidate for candidate in candidates if math.isnan(candidate.value)]
        if nans:
            return shared(name, nans, math.nan)
        best = found(candidate.value for candidate in candidates)
        winners = [candidate for candidate in candidates if candidate.value == best]
        return shared(name, winners, best)

    return extreme


def _elementwise(name: str, found: Callable[..., Any], ufunc: Callable[..., Any]) -> Callable[..., Any]:
    extreme = _extreme(name, found)

    def larger_or_smaller(x: Scalar, y: Scalar) -> Scalar:
        if math.isnan(x.value) or math.isnan(y.value):  # has no winner, and no loser
            return Scalar(math.nan, ((x, 1.0), (y, 1.0)), name)
        return extreme([x, y])

    of_two = np.frompyfunc(larger_or_smaller, 2, 1)

    def function(x: Any, y: Any) -> Any:
        if is_scalars(x) or is_scalars(y):
            return of_two(scalars(x), scalars(y))
        return ufunc(x, y)

    return function


def _reduction(name: str, found: Callable[..., Any], ufunc: Callable[..., Any]) -> Callable[..., Any]:
    extreme = _extreme(name, found)

    def function(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        if not is_scalars(x):
            return ufunc(x, axis=axis, keepdims=keepdims)
        x = scalars(x)
        every = axis is None or not x.ndim  # NumPy takes axis 0 of a single number
        axes = tuple(range(x.ndim)) if every else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(a % x.ndim for a in axes)
        kept = tuple(a for a in range(x.ndim) if a not in axes)
        width = math.prod(x.shape[a] for a in axes)
        rows = np.transpose(x, kept + axes).reshape(*(x.shape[a] for a in kept), width)
        out = np.empty(rows.shape[:-1], dtype=object)
        for place in np.ndindex(*out.shape):
            out[place] = extreme(list(rows[place]))
        return np.expand_dims(out, axes) if keepdims else out

    return function


maximum = _elementwise("max", builtins.max, np.maximum)
minimum = _elementwise("min", builtins.min, np.minimum)
max = _reduction("max", builtins.max, np.max)
min = _reduction("min", builtins.min, np.min)


# --- by value only --------------------------------------------------------------------------------


def _by_value(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function of the values; where it gives floats, they are constants."""

    def of_values(x: Any, *args: Any, **options: Any) -> Any:
        if not is_scalars(x):
            return function(x, *args, **options)
        result = np.asarray(function(values(x), *args, **options))
        return scalars(result) if result.dtype.kind == "f" else result

    return of_values


sign = _by_value(np.sign)
floor = _by_value(np.floor)
ceil = _by_value(np.ceil)
trunc = _by_value(np.trunc)
round = _by_value(np.round)
isfinite = _by_value(np.isfinite)
isinf = _by_value(np.isinf)
isnan = _by_value(np.isnan)
argmax = _by_value(np.argmax)
argmin = _by_value(np.argmin)
argsort = _by_value(np.argsort)
nonzero = _by_value(np.nonzero)
