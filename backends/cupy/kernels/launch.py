"""Starting a kernel: compiled when first asked for, with its arguments as C++ wants them.

    launch("pool.cu", "max_pool", ("float", "unsigned char", "int"), grid, block, x, strides, ...)

A kernel gets its arguments as raw bytes, and nobody checks that they are what it declares: a Python int has
to arrive as `long long`, a float as `double`, a bool as `bool`, an array as the address of its first element,
a `struct` as its fields in their order. Those conversions stand here; the tests hold every kernel to them.

CuPy compiles by NVRTC, NVIDIA's compiler in a library, and keeps what it made on disk. A template is compiled
for those types only that are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

import numpy as np

from tinygrad_cnn.backend import Array

THREADS = 256  # in a block; THREADS in batch_norm.cu
# Without fmad=false the compiler makes a · b + c one rounding instead of two, where it likes. A replayed step
# and an eager one, or a GPU and NumPy, would differ in their last digits for no reason that shows.
OPTIONS = ("--std=c++17", "--fmad=false")
C_TYPES = {
    "bfloat16": "bfloat16",  # this and float16 are structs of common.cuh
    "float16": "float16",
    "float32": "float",
    "float64": "double",
    "uint8": "unsigned char",
    "int32": "int",
    "int64": "long long",
}


def launch(
    source: str, kernel: str, types: Sequence[str], grid: tuple[int, ...], block: tuple[int, ...], *args: Any
) -> None:
    """Run a kernel in `grid` blocks of `block` threads each, on the stream in force; does not wait for it.

    Args:
        source: the file it stands in.
        kernel: its name.
        types: what its template's parameters are, in C++.
        grid, block: sizes along x, y and z. An empty grid is nothing to do.
        args: its arguments; None is a null pointer.
    """
    if 0 in grid:
        return
    name = f"{kernel}<{', '.join(types)}>" if types else kernel
    _compiled(source, name)(grid, block, tuple(map(_as_argument, args)))


@cache
def _compiled(source: str, name: str) -> Any:
    cupy = import_module("cupy")  # only now: the backend can be looked at without it

    module = cupy.RawModule(code=read_source(source), options=OPTIONS, name_expressions=[name])
    return module.get_function(name)


def read_source(name: str) -> str:
    """The text of a source file, with what it includes in place: so nothing has to lie in a folder."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return re.sub(r'^#include "(.+)"$', lambda include: read_source(include[1]), text, flags=re.MULTILINE)


def _as_argument(value: Any) -> Any:
    """A Python number with the size that C++ expects of it; anything else as it is."""
    kind = {bool: np.bool_, int: np.int64, float: np.float64}.get(type(value))
    return value if kind is None else kind(value)


def struct(fields: Sequence[str], values: Iterable[int], kind: str) -> np.ndarray[Any, Any]:
    """A C++ struct of numbers of one type; CuPy passes arrays of one element by value."""
    dtype = {"int": np.int32, "long long": np.int64}[kind]
    return np.array(tuple(values), dtype=[(field, dtype) for field in fields])


def c_type(array: Array) -> str:
    """What C++ calls the type of its elements."""
    return C_TYPES[array.dtype.name]


def computed_in(array: Array) -> str:
    """The name of the dtype that kernels compute in, Math<Stored> in C++: float32 for 16-bit floats."""
    name: str = array.dtype.name
    return {"bfloat16": "float32", "float16": "float32"}.get(name, name)


def address(array: Array) -> int:
    """Where its first element lies on the device."""
    return int(array.data.ptr)


def blocks_for(n: int, threads: int = THREADS) -> tuple[int]:
    """As many blocks as give n threads; the last may have some to spare."""
    return (-(-n // threads),)
