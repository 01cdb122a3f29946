"""Operations that are one function of NumPy's, which writes where it is told to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

UFUNCS: Mapping[str, np.ufunc] = {
    "abs": np.abs,
    "add": np.add,
    "div": np.divide,
    "eq": np.equal,
    "exp": np.exp,
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "log": np.log,
    "lt": np.less,
    "matmul": np.matmul,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "reciprocal": np.reciprocal,
    "sqrt": np.sqrt,
    "square": np.square,
    "sub": np.subtract,
    "tanh": np.tanh,
}
