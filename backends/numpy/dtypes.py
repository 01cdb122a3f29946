"""NumPy's dtype for each of the library's.

NumPy has no bfloat16; the package ml_dtypes teaches it one. It is imported when somebody asks for bfloat16.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_cnn.dtypes import DTYPES, DType, bfloat16
from tinygrad_cnn.errors import OptionalDependencyError


class _Dtypes(dict[DType, np.dtype[Any]]):
    """A table that looks for what it does not have yet."""

    def __missing__(self, dtype: DType) -> np.dtype[Any]:
        try:
            ml_dtypes = import_module("ml_dtypes")
        except ImportError as error:
            raise OptionalDependencyError(
                f"NumPy has no {dtype}; the package ml_dtypes, which brings it, is not installed",
                argument="dtype",
                expected="float16, which NumPy has, or an installed ml_dtypes",
                got=dtype,
                hint="pip install 'tinygrad-cnn[amp]'",
            ) from error
        self[dtype] = np.dtype(getattr(ml_dtypes, dtype.name))
        return self[dtype]


NUMPY_DTYPES = _Dtypes({dtype: np.dtype(name) for name, dtype in DTYPES.items() if dtype is not bfloat16})
