"""The meta backend: tensors that have a shape and a dtype and nothing else.

No kernel is ever run: the shape rules of the operations say everything. `tc.summary` uses it to walk
through a network in milliseconds, however large its weights are.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import DType, Shape, as_dtype, bool_, float32, int64
from tinygrad_cnn.errors import ArgumentTypeError, DataDependentShape


class MetaArray(NamedTuple):
    """What stands where other backends have memory."""

    shape: Shape
    dtype: DType


class MetaBackend(Backend):
    """Shapes and dtypes only; asking for a value is an error."""

    name = "meta"
    executes = False

    @property
    def xp(self) -> ModuleType:  # type: ignore[override]
        return self._no_values("array functions")

    def asarray(self, data: object, dtype: DType | None = None) -> MetaArray:
        if isinstance(data, MetaArray):
            return MetaArray(data.shape, dtype or data.dtype)
        found = getattr(data, "dtype", None)
        if found is not None:
            return MetaArray(tuple(data.shape), dtype or as_dtype(found))  # type: ignore[attr-defined]
        return MetaArray(_nested_shape(data), dtype or _number_dtype(data))

    def dtype_of(self, array: MetaArray) -> DType:
        return array.dtype

    def full(self, shape: Shape, value: float, dtype: DType) -> MetaArray:
        return MetaArray(shape, dtype)

    def assign(self, target: MetaArray, value: MetaArray) -> None:
        """Nothing to write: shapes and dtypes were checked before."""

    def info(self) -> dict[str, str]:
        return {"computes": "nothing: shapes and dtypes only"}

    def _no_values(self, what: str) -> NoReturn:
        raise DataDependentShape(
            f"the meta backend has no values, and so no {what}",
            expected="a backend that computes",
            hint="move the tensor, or compute under tc.use_backend('numpy')",
        )

    def to_numpy(self, array: MetaArray) -> NoReturn:
        self._no_values("numbers to show")

    def windows(self, *args: Any) -> NoReturn:
        self._no_values("windows")

    def scatter_add(self, *args: Any) -> NoReturn:
        self._no_values("scatter")

    def pad(self, *args: Any) -> NoReturn:
        self._no_values("padding")

    def erf(self, *args: Any) -> NoReturn:
        self._no_values("error function")

    def random_bits(self, *args: Any) -> NoReturn:
        self._no_values("random bits")


def _nested_shape(data: object) -> Shape:
    """The shape of nested lists, which must all be equally long."""
    if not isinstance(data, (list, tuple)):
        return ()
    shapes = {_nested_shape(item) for item in data}
    if len(shapes) > 1:
        raise ArgumentTypeError(
            "this data does not make a tensor", argument="data", expected="nested lists of equal length"
        )
    return (len(data), *(shapes.pop() if shapes else ()))


def _number_dtype(data: object) -> DType:
    """float32 if there is a float anywhere, int64 for ints, bool for bools."""
    if isinstance(data, (list, tuple)):
        found = [_number_dtype(item) for item in data]
        return max(found, key=(bool_, int64, float32).index, default=float32)
    if isinstance(data, bool):
        return bool_
    return int64 if isinstance(data, int) else float32
