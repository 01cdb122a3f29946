"""A frame around an image (or any tensor)."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops.joining import pad_constant

__all__ = ["pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float = 0.0) -> Tensor:
    """Put cells of one value around the last dimensions.

    Args:
        input: any shape.
        pad: numbers of cells, counted from the last dimension: (left, right) for the last one,
            (left, right, top, bottom) for the last two, and so on.
        mode: "constant" is the only one.
        value: of the new cells.

    Raises:
        ArgumentError: an odd number of numbers, a negative one, or another mode.
        ShapeError: more pairs than dimensions.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.pad(tc.ones(1, 2), (1, 0, 0, 1))
    tensor([[0., 1., 1.],
            [0., 0., 0.]])
    """
    if mode != "constant":
        raise ArgumentError(
            "this way of padding does not exist here", argument="mode", expected='"constant"', got=repr(mode)
        ).at("pad")
    cells = [as_index(number, argument="pad") for number in pad]
    if len(cells) % 2 or any(number < 0 for number in cells):
        raise ArgumentError(
            "padding comes in pairs of numbers that are not negative",
            argument="pad",
            expected="(left, right), (left, right, top, bottom), ...",
            got=tuple(pad),
        ).at("pad")
    pairs = list(zip(cells[::2], cells[1::2], strict=True))
    if len(pairs) > input.ndim:
        raise ShapeError(
            "there are more pairs than dimensions",
            argument="pad",
            expected=f"at most {input.ndim} pairs",
            got=tuple(pad),
        ).at("pad")
    untouched = [(0, 0)] * (input.ndim - len(pairs))
    result: Tensor = pad_constant(input, padding=(*untouched, *reversed(pairs)), value=value)
    return result
