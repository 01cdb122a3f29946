"""Rules about dtypes and shapes, with no array in sight.

Everything an operation can know *before* it computes is decided here: which dtype two operands meet in,
which shape they broadcast to, which dimensions `dim=-1` means. The `infer` function of an operation is
written with these helpers, so errors come with both shapes in the message and nothing has been computed when
they are raised.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeAlias

from tinygrad_cnn.errors import ArgumentTypeError, DimensionError, DTypeError, ShapeError

Shape: TypeAlias = tuple[int, ...]
Dims: TypeAlias = "int | Sequence[int] | None"


class DType:
    """The type of a tensor's elements: `float32`, `int64`, `bool`, ...

    There is one object per dtype; compare with `is` or `==`.

    >>> float32.itemsize, float32.is_floating
    (4, True)
    """

    __slots__ = ("is_floating", "is_narrow", "itemsize", "kind", "name", "rank")

    def __init__(self, name: str, kind: str, itemsize: int, rank: int) -> None:
        self.name = name
        self.kind = kind  # "bool" < "integer" < "floating": a higher kind wins a promotion
        self.itemsize = itemsize  # bytes
        self.rank = rank  # within a kind, the higher rank wins
        self.is_floating = kind == "floating"
        self.is_narrow = self.is_floating and itemsize == 2  # for memory; arithmetic is done in float32

    def __repr__(self) -> str:
        return f"tinygrad_cnn.{self.name}"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name


bool_ = DType("bool", "bool", 1, 0)
uint8 = DType("uint8", "integer", 1, 0)
int8 = DType("int8", "integer", 1, 1)
int16 = DType("int16", "integer", 2, 2)
int32 = DType("int32", "integer", 4, 3)
int64 = DType("int64", "integer", 8, 4)
bfloat16 = DType("bfloat16", "floating", 2, 0)
float16 = DType("float16", "floating", 2, 0)
float32 = DType("float32", "floating", 4, 1)
float64 = DType("float64", "floating", 8, 2)

DTYPES: dict[str, DType] = {
    dtype.name: dtype
    for dtype in (bool_, uint8, int8, int16, int32, int64, bfloat16, float16, float32, float64)
}
# Of these pairs neither holds the other's values; the dtype beside them holds both.
_WIDER = {frozenset((uint8, int8)): int16, frozenset((bfloat16, float16)): float32}
_KIND_RANK = {"bool": 0, "integer": 1, "floating": 2}
_PYTHON_TYPES: dict[type, DType] = {bool: bool_, int: int64, float: float64}

DTypeLike: TypeAlias = "DType | str | type | Any"


def as_dtype(value: DTypeLike, *, argument: str = "dtype") -> DType:
    """The `DType` for a DType, a name, a Python type or an array library's dtype.

    >>> as_dtype("float32"), as_dtype(bool)
    (tinygrad_cnn.float32, tinygrad_cnn.bool)
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, type) and value in _PYTHON_TYPES:
        return _PYTHON_TYPES[value]
    name = value if isinstance(value, str) else getattr(value, "name", getattr(value, "__name__", None))
    if name in DTYPES:
        return DTYPES[name]
    raise DTypeError(
        f"{value!r} is not a dtype this library computes with",
        argument=argument,
        expected=f"one of {', '.join(DTYPES)}",
        got=value,
    )


class Spec(NamedTuple):
    """What is known of a tensor without its values: shape and dtype.

    >>> Spec((2, 3), float32).ndim
    2
    """

    shape: Shape
    dtype: DType

    @property
    def ndim(self) -> int:
        return len(self.shape)


class HasSpec(Protocol):
    """Anything with a shape and a dtype: a `Spec`, or a Tensor itself (`infer` reads nothing else)."""

    @property
    def shape(self) -> Shape: ...
    @property
    def dtype(self) -> DType: ...


# --- dtypes meeting -------------------------------------------------------------------------------


def promote(*operands: HasSpec) -> DType:
    """The dtype in which the operands of an elementwise operation meet.

    As in PyTorch: bool < integer < floating; within a kind the wider wins; a 0-d tensor counts only when
    its kind is higher than that of every tensor with dimensions. (Python numbers never arrive here with
    a dtype of their own: they take the dtype of the tensor they meet.)

    >>> promote(Spec((2,), float32), Spec((), float64))
    tinygrad_cnn.float32
    >>> promote(Spec((2,), int64), Spec((3, 1), float32))
    tinygrad_cnn.float32
    >>> promote(Spec((2,), bfloat16), Spec((2,), float16))
    tinygrad_cnn.float32
    """
    strongest = (-1, False)
    meeting: list[DType] = []
    for operand in operands:
        strength = (_KIND_RANK[operand.dtype.kind], len(operand.shape) > 0)
        if strength > strongest:
            strongest, meeting = strength, []
        if strength == strongest:
            meeting.append(operand.dtype)
    widest = max(meeting, key=attrgetter("rank"))
    return _WIDER.get(frozenset(meeting), widest) if len(meeting) > 1 else widest


def same_floating(*operands: HasSpec, names: Sequence[str]) -> DType:
    """The one floating dtype shared by all operands; matmul, conv and the losses never mix.

    Raises:
        DTypeError: two dtypes, or one that is not floating-point.

    >>> same_floating(Spec((2,), float32), Spec((3,), float32), names=("x", "y"))
    tinygrad_cnn.float32
    """
    for name, operand in zip(names, operands, strict=True):
        require_floating(operand, name)
    dtypes = [operand.dtype for operand in operands]
    if all(dtype is dtypes[0] for dtype in dtypes):
        return dtypes[0]
    # float32 is the library's own; whatever differs from it was probably brought in by accident.
    usual = float32 if float32 in dtypes else dtypes[0]
    odd = next(name for name, dtype in zip(names, dtypes, strict=True) if dtype is not usual)
    raise DTypeError(
        "this operation does not mix dtypes",
        argument=odd,
        expected=usual,
        got=", ".join(f"{name} {dtype}" for name, dtype in zip(names, dtypes, strict=True)),
        hint=f"{odd}.to({str(usual)!r})",
    )


def require_floating(operand: HasSpec, name: str) -> None:
    """Refuse integers and bools with a DTypeError that names the argument, and what is no tensor.

    >>> require_floating(Spec((2,), float32), "x")
    """
    try:
        is_floating = operand.dtype.is_floating
    except AttributeError:  # an array or a list; asking every operand what it is would cost more
        raise ArgumentTypeError(
            f"{name} is not a tensor",
            argument=name,
            expected="Tensor",
            got=type(operand).__name__,
            hint=f"tc.tensor({name})",
        ) from None
    if not is_floating:
        raise DTypeError(
            f"{name} must hold floating-point numbers",
            argument=name,
            expected="float32 or float64",
            got=operand.dtype,
            hint=f"{name}.to('float32'); bytes of an image also want scaling: / 255",
        )


def require_integer(operand: HasSpec, name: str) -> None:
    """Refuse everything but integers with a DTypeError that names the argument.

    >>> require_integer(Spec((2,), int64), "labels")
    """
    if operand.dtype.kind != "integer":
        raise DTypeError(
            f"{name} must hold integers",
            argument=name,
            expected="an integer dtype",
            got=operand.dtype,
            hint=f"{name}.to('int64')",
        )


# --- shapes ---------------------------------------------------------------------------------------


def broadcast(*shapes: Shape, names: Sequence[str] | None = None) -> Shape:
    """The shape to which all the shapes stretch, aligned from the right (NumPy's rule).

    >>> broadcast((3, 1), (4,))
    (3, 4)
    """
    first = shapes[0]
    if all(shape == first or not shape for shape in shapes):  # equal shapes and scalars: nothing to compare
        return first
    ndim = max(len(shape) for shape in shapes)
    result = [1] * ndim
    for shape in shapes:
        for position, size in enumerate(shape, start=ndim - len(shape)):
            if size != 1 and result[position] != 1 and result[position] != size:
                names = names or [f"operand {number}" for number in range(1, len(shapes) + 1)]
                raise ShapeError(
                    f"sizes {result[position]} and {size} cannot be stretched to each other "
                    f"in dimension {position - ndim}",
                    argument=" and ".join(names),
                    expected="equal sizes, or 1, counted from the right",
                    got=" and ".join(str(shape) for shape in shapes),
                    hint="insert a dimension of size 1 where one is missing: x[:, None] or x.reshape(...)",
                )
            if size != 1:
                result[position] = size
    return tuple(result)


def as_index(value: object, *, argument: str) -> int:
    """A Python int out of anything that is exactly an integer (never a float, never a bool).

    Anything else is an ArgumentTypeError that names the argument.

    >>> as_index(3, argument="n")
    3
    """
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise ArgumentTypeError(
        f"{argument} must be an integer", argument=argument, expected="int", got=repr(value)
    )


def as_shape(value: object, *, argument: str = "shape") -> Shape:
    """A tuple of non-negative sizes out of an int or a sequence of ints.

    >>> as_shape(3), as_shape([2, 3])
    ((3,), (2, 3))
    """
    sizes = value if isinstance(value, (tuple, list)) else (value,)
    shape = tuple(as_index(size, argument=argument) for size in sizes)
    if any(size < 0 for size in shape):
        raise ShapeError("a size cannot be negative", argument=argument, expected="sizes >= 0", got=shape)
    return shape


def normalize_dim(dim: object, ndim: int, *, argument: str = "dim") -> int:
    """`dim` counted from the front; -1 is the last one.

    >>> normalize_dim(-1, 3)
    2
    """
    number = as_index(dim, argument=argument)
    end = ndim or 1  # a 0-d tensor takes dim 0 and -1, as PyTorch's does
    if not -end <= number < end:
        raise DimensionError(
            f"dimension {number} of a tensor with {ndim} dimension{'s' if ndim != 1 else ''}",
            argument=argument,
            expected=f"{-ndim} .. {ndim - 1}" if ndim else "0 or -1",
            got=number,
        )
    return number % end


def normalize_dims(dim: Dims, ndim: int, *, argument: str = "dim") -> tuple[int, ...]:
    """Every dimension named by `dim` (None means all), sorted and without repetition.

    >>> normalize_dims(None, 3), normalize_dims((-1, 0), 3)
    ((0, 1, 2), (0, 2))
    """
    if dim is None:
        return tuple(range(ndim))
    named = dim if isinstance(dim, (tuple, list)) else (dim,)
    dims = [normalize_dim(one, ndim, argument=argument) for one in named]
    if len(set(dims)) != len(dims):
        raise DimensionError(
            "a dimension is named twice", argument=argument, expected="distinct dimensions", got=tuple(named)
        )
    return tuple(sorted(dims)) if ndim else ()


def reduced_shape(shape: Shape, dim: Dims, keepdim: bool) -> Shape:
    """The shape after reducing over `dim`: size 1 where kept, gone otherwise.

    >>> reduced_shape((2, 3, 4), (0, -1), False)
    (3,)
    """
    dims = normalize_dims(dim, len(shape))
    if keepdim:
        return tuple(1 if axis in dims else size for axis, size in enumerate(shape))
    return tuple(size for axis, size in enumerate(shape) if axis not in dims)


def count(shape: Shape) -> int:
    """How many elements a shape holds.

    >>> count((2, 3))
    6
    """
    return math.prod(shape)
