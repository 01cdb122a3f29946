"""Autocast: in which floats an operation computes under `tc.amp.autocast`.

An operation says in its declaration what is good for it:

    @op(..., autocast="narrow")      many products, added up in float32 anyway: convolutions, matrix products
    @op(..., autocast="float32")     powers, logarithms, long sums: 16 bits would overflow or lose too much
    @op(..., autocast="widest")      only moves numbers: any float will do, if it is the same for all
    @op(...)                         takes what comes; arithmetic promotes several dtypes to the widest

and `apply` casts its inputs. Functions made of several operations, whose steps in between should not be
rounded either, do the same at their beginning with `narrowed`, `in_float32` and `in_the_widest`.

float64 is never cast: who chose it wants it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVarTuple

from tinygrad_cnn._context import current
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DType, float32, float64, promote

Autocast = Literal["narrow", "float32", "widest"]
Tensors = TypeVarTuple("Tensors")  # each is a Tensor or None


def cast_inputs(args: Sequence[Any], policy: Autocast, narrow: DType) -> list[Any]:
    """The inputs of an operation with its policy; the casts are Nodes of the graph."""
    target = _target(args, policy, narrow)
    return [value.to(target) if _is_cast(value) else value for value in args]


def narrowed(*tensors: *Tensors) -> tuple[*Tensors]:
    """Under autocast, these tensors in its dtype; as they are otherwise. None stays None.

    >>> import tinygrad_cnn as tc
    >>> x, _ = narrowed(tc.ones(2), None)
    >>> with tc.amp.autocast(tc.float16):
    ...     y, _ = narrowed(tc.ones(2), None)
    >>> x.dtype, y.dtype
    (tinygrad_cnn.float32, tinygrad_cnn.float16)
    """
    cast: tuple[*Tensors] = _all_cast(tensors, "narrow")
    return cast


def in_float32(*tensors: *Tensors) -> tuple[*Tensors]:
    """Under autocast, those of these tensors that have 16 bits in float32; as they are otherwise.

    >>> import tinygrad_cnn as tc
    >>> with tc.amp.autocast(tc.float16):
    ...     (x,) = in_float32(tc.ones(2, dtype=tc.float16))
    >>> x.dtype
    tinygrad_cnn.float32
    """
    cast: tuple[*Tensors] = _all_cast(tensors, "float32")
    return cast


def in_the_widest(*tensors: *Tensors) -> tuple[*Tensors]:
    """Under autocast, all of these tensors in the widest of their floats; as they are otherwise.

    >>> import tinygrad_cnn as tc
    >>> with tc.amp.autocast(tc.float16):
    ...     x, y = in_the_widest(tc.ones(2, dtype=tc.float16), tc.ones(2))
    >>> x.dtype, y.dtype
    (tinygrad_cnn.float32, tinygrad_cnn.float32)
    """
    cast: tuple[*Tensors] = _all_cast(tensors, "widest")
    return cast


def _all_cast(tensors: Any, policy: Autocast) -> Any:
    narrow = current().autocast
    return tensors if narrow is None else tuple(cast_inputs(tensors, policy, narrow))


def _target(args: Sequence[Any], policy: Autocast, narrow: DType) -> DType:
    """The dtype that inputs are cast to."""
    if policy == "widest":
        floats = [value for value in args if isinstance(value, Tensor) and value.dtype.is_floating]
        return promote(*floats) if floats else narrow
    return narrow if policy == "narrow" else float32


def _is_cast(value: Any) -> bool:
    """Whether it is a tensor of floats, and not of those that are left alone."""
    return isinstance(value, Tensor) and value.dtype.is_floating and value.dtype is not float64
