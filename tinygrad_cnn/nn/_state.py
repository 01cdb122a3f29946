"""Putting saved values into a module, and moving a module's tensors elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import DTYPES, DTypeLike, as_dtype
from tinygrad_cnn.errors import ArgumentTypeError, DTypeError, StateDictError, TinygradCNNError


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict(strict=False)` left alone."""

    missing_keys: tuple[str, ...]
    unexpected_keys: tuple[str, ...]


def load(own: Mapping[str, Tensor], saved: Mapping[str, Any], strict: bool, module: str) -> IncompatibleKeys:
    """Assign saved values to a module's tensors, all of them or none."""
    if not isinstance(saved, Mapping):
        raise ArgumentTypeError(
            "saved values come by name",
            argument="state_dict",
            expected="a mapping of names to tensors",
            got=type(saved).__name__,
            hint="model.load_state_dict(tc.load(path)) reads a file",
        )
    missing = tuple(name for name in own if name not in saved)
    unexpected = tuple(name for name in saved if name not in own)
    complaints = []
    if strict:
        complaints += [f"missing: {name}" for name in missing]
        complaints += [f"unexpected: {name}" for name in unexpected]
    values = {}
    for name, target in own.items():
        if name not in saved:
            continue
        try:
            value = tensor(saved[name], backend=target.backend)
        except TinygradCNNError as error:
            complaints.append(f"{name}: {error.problem}")
            continue
        if (value.shape, value.dtype) == (target.shape, target.dtype):
            values[target] = value
        else:
            complaints.append(f"{name}: {value.dtype} {value.shape} instead of {target.dtype} {target.shape}")
    if complaints:
        raise StateDictError(
            f"these saved values do not fit {module}; nothing was loaded",
            argument="state_dict",
            expected=f"the {len(own)} entries of {module}.state_dict()",
            got="\n            ".join(complaints),
            hint="strict=False leaves missing and unexpected entries alone"
            if missing or unexpected
            else None,
        )
    with no_grad():
        for target, value in values.items():
            target.assign(value)
    return IncompatibleKeys(missing, unexpected)


def move(value: Tensor, target: DTypeLike | Backend) -> None:
    """Let a module's tensor live elsewhere: the same object, with another array."""
    if not isinstance(target, Backend) and (not isinstance(target, str) or target in DTYPES):
        dtype = as_dtype(target)
        if not dtype.is_floating:
            raise DTypeError(
                "a network computes with floating-point numbers",
                argument="target",
                expected="float32 or float64",
                got=dtype,
            )
        if not value.dtype.is_floating:
            return  # counters stay integers
    with no_grad():
        moved = value.detach().to(target)
    if moved.array is value.array:
        return
    value.array, value.dtype, value.backend, value.storage = (
        moved.array,
        moved.dtype,
        moved.backend,
        moved.storage,
    )
    value.grad = None
    value._node = None  # graphs made before keep the old value
