"""What functions with a learned weight and bias share: the scale and shift at the end, the checks before."""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, float32, same_floating
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError


def scaled_and_shifted(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Shape | None = None
) -> Tensor:
    """x · weight + bias, each lined up with x by reshaping it to `shape`."""
    if weight is not None:
        x = x * (weight if shape is None else weight.reshape(shape))
    if bias is not None:
        x = x + (bias if shape is None else bias.reshape(shape))
    return x


def check_dtypes(**tensors: Tensor | None) -> None:
    """All that are given have one floating dtype; names are those of the arguments, None is left out."""
    given = {name: value for name, value in tensors.items() if value is not None}
    same_floating(*given.values(), names=tuple(given))


def check_eps(eps: float, op: str, *, positive: bool = False) -> None:
    """A negative eps could make a variance negative; with `positive`, 0 is refused too."""
    if not (eps > 0 or (eps == 0 and not positive)):
        raise ArgumentError(
            "eps keeps a division from failing",
            argument="eps",
            expected="> 0" if positive else ">= 0",
            got=eps,
        ).at(op)


def check_channels(
    x: Tensor,
    op: str,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    *,
    mixed: bool = False,
) -> None:
    """Before anything is computed or updated: every vector has one number a channel, in the input's dtype.

    With `mixed`, the vectors may also be in float32 beside an input of 16-bit floats.
    """
    if (running_mean is None) != (running_var is None):
        raise ArgumentTypeError(
            "running mean and running variance go together",
            argument="running_mean" if running_mean is None else "running_var",
            expected="both, or None for both",
            got=None,
        ).at(op)
    if x.ndim < 2:
        raise ShapeError(
            "the input needs a batch and a channel dimension",
            argument="input",
            expected="(N, C) or (N, C, *S)",
            got=x.shape,
        ).at(op)
    vectors = {"weight": weight, "bias": bias, "running_mean": running_mean, "running_var": running_var}
    are_float32 = all(vector is None or vector.dtype is float32 for vector in vectors.values())
    if not (mixed and x.dtype.is_narrow and are_float32):
        check_dtypes(input=x, **vectors)
    for name, vector in vectors.items():
        if vector is not None and vector.shape != x.shape[1:2]:
            raise ShapeError(
                f"{name} needs one number a channel", argument=name, expected=x.shape[1:2], got=vector.shape
            ).at(op)
