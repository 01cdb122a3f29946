"""The scalar backend: a tensor is an array of numbers that each remember how they were computed.

The same operations run on it as on any backend, from the same source, and on the way they build the graph of
single numbers that a tensor expression stands for:

    >>> import tinygrad_cnn as tc
    >>> with tc.use_backend("scalar"):
    ...     x, w = tc.tensor([[1.0, 2.0]]), tc.tensor([[3.0], [4.0]])
    ...     out = (x @ w).array[0, 0]
    >>> out, out.symbol, [parent.symbol for parent, _ in out.parents]
    (Scalar(11), '+', ['·', '·'])
    >>> out.backward()
    >>> [number.grad for number in x.array.flat]                    # ∂out/∂x = w
    [3.0, 4.0]

So every tensor gradient can be checked against the plain chain rule: this backend is the specification that
the others are tested against. It is slow, and exact: each number is a Python float, which is float64,
whatever dtype the tensor was given.

    scalar      Scalar, the engine: read this first
    namespace   NumPy's functions for arrays of Scalars
    ieee        1 / 0 = ∞, where Python would raise
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.backend import Kernel
from tinygrad_cnn.dtypes import DType, Shape, float64

from ..numpy import NumpyBackend
from . import namespace
from .scalar import Scalar

if TYPE_CHECKING:
    from tinygrad_cnn._op import Op

__all__ = ["Scalar", "ScalarBackend", "chain_rule"]

Array = NDArray[Any]


class ScalarBackend(NumpyBackend):
    """Arrays of floats hold Scalars; arrays of integers and bools are NumPy's."""

    name = "scalar"
    xp: ModuleType = namespace

    def __init__(self) -> None:
        super().__init__(overrides=False)  # the operations' own kernels, which are what is specified

    def asarray(self, data: object, dtype: DType | None = None) -> Array:
        array = np.array(data)
        if array.dtype == object:
            array = namespace.values(array)  # a copy begins a history of its own
        if (
            dtype.is_floating
            if dtype is not None
            else array.dtype.kind == "f" or array.dtype.name == "bfloat16"
        ):
            return namespace.scalars(array)
        return super().asarray(array, dtype)

    def to_numpy(self, array: Array) -> Array:
        return namespace.values(array) if namespace.is_scalars(array) else super().to_numpy(array)

    def dtype_of(self, array: Array) -> DType:
        return float64 if namespace.is_scalars(array) else super().dtype_of(array)

    def full(self, shape: Shape, value: float, dtype: DType) -> Array:
        return namespace.full(shape, value) if dtype.is_floating else super().full(shape, value, dtype)

    def assign(self, target: Array, value: Array) -> None:
        # New numbers without a history: otherwise a weight would remember the whole training.
        target[...] = namespace.scalars(self.to_numpy(value)) if namespace.is_scalars(value) else value

    def array_dtype(self, dtype: DType) -> Any:
        return getattr(namespace, dtype.name)

    def widens(self, op: Op) -> bool:
        """Every float is a Scalar, whatever the tensor calls it."""
        return False

    def pad(self, x: Array, padding: tuple[tuple[int, int], ...], value: float) -> Array:
        padded = super().pad(x, padding, value)
        return namespace.scalars(padded) if namespace.is_scalars(x) else padded

    def erf(self, x: Array) -> Array:
        return np.asarray(np.frompyfunc(Scalar.erf, 1, 1)(x), dtype=object)

    def run(self, kernel: Kernel, arrays: list[Array], params: Mapping[str, Any]) -> Any:
        # Python's arithmetic leaves flags of the processor set, which NumPy would take for its own.
        with np.errstate(all="ignore"):
            return kernel(self, *arrays, **params)

    def info(self) -> dict[str, str]:
        return {"computes": "with one Python object for every number"}


def chain_rule(outputs: Array, cotangents: Array, inputs: Iterable[Array]) -> list[NDArray[np.float64]]:
    """The gradients of Σ cotangents · outputs with respect to arrays of Scalars, number by number.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0, 3.0], backend="scalar")
    >>> chain_rule((x * x).array, np.array([1.0, 10.0, 100.0]), [x.array])
    [array([  2.,  40., 600.])]
    """
    arrays = list(inputs)
    total = Scalar(0.0)
    for output, cotangent in zip(np.ravel(outputs), np.ravel(cotangents), strict=True):
        total = total + output * float(cotangent)
    for array in arrays:
        for number in array.flat:
            number.grad = 0.0  # those that the total does not depend on stay so
    total.backward()
    return [
        np.array([number.grad for number in array.flat], dtype=np.float64).reshape(array.shape)
        for array in arrays
    ]
