"""Operations on single elements."""

from __future__ import annotations

import math

from tinygrad_cnn.testing.references._loops import common_shape, number, stretched, table


def elementwise(function):
    def reference(*operands, **params):
        shape = common_shape(*[operand.shape for operand in operands])
        return table(
            shape,
            lambda index: function(
                *[number(operand, stretched(operand.shape, index)) for operand in operands], **params
            ),
        )

    return reference


def sign(x):
    return math.copysign(1.0, x) if x else 0.0


def half_to_even(x):
    below = math.floor(x)
    if x - below == 0.5:
        return below if below % 2 == 0 else below + 1
    return below if x - below < 0.5 else below + 1


FORMULAS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": lambda x, y: math.pow(x, y),
    "floor_divide": lambda x, y: math.floor(x / y),
    "remainder": lambda x, y: x - math.floor(x / y) * y,
    "maximum": lambda x, y: x if x > y else y,
    "minimum": lambda x, y: x if x < y else y,
    "abs": lambda x: -x if x < 0 else x,
    "sign": sign,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "log2": math.log2,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
    "sin": math.sin,
    "cos": math.cos,
    "tan": lambda x: math.sin(x) / math.cos(x),
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "atan2": math.atan2,
    "sinh": lambda x: (math.exp(x) - math.exp(-x)) / 2,
    "cosh": lambda x: (math.exp(x) + math.exp(-x)) / 2,
    "asinh": lambda x: math.log(x + math.sqrt(x * x + 1)),
    "acosh": lambda x: math.log(x + math.sqrt(x * x - 1)),
    "atanh": lambda x: math.log((1 + x) / (1 - x)) / 2,
    "logaddexp": lambda x, y: math.log(math.exp(x) + math.exp(y)),
    "erf": math.erf,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": half_to_even,
    "trunc": lambda x: math.floor(x) if x > 0 else math.ceil(x),
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "bitwise_xor": lambda x, y: x ^ y,
    "bitwise_not": lambda x: not x if isinstance(x, bool) else -x - 1,
    "logical_and": lambda x, y: x != 0 and y != 0,
    "logical_or": lambda x, y: x != 0 or y != 0,
    "logical_xor": lambda x, y: (x != 0) != (y != 0),
    "logical_not": lambda x: x == 0,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
    "where": lambda condition, x, y: x if condition else y,
    "alias": lambda x: x,
    "clone": lambda x: x,
    "cast": lambda x, *, dtype: x if dtype.is_floating else int(x),
}

REFERENCES = {name: elementwise(formula) for name, formula in FORMULAS.items()}
