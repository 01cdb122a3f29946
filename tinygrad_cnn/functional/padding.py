"""A frame around an image: of one value, or of the image's own pixels.

    [1, 2, 3, 4], two cells on both sides

    constant    0 0 | 1 2 3 4 | 0 0         one value
    reflect     3 2 | 1 2 3 4 | 3 2         mirrored at the outermost pixel, which is not repeated
    replicate   1 1 | 1 2 3 4 | 4 4         the outermost pixel again and again
    circular    3 4 | 1 2 3 4 | 1 2         once around

The last three copy: each cell of the result names the cell it is a copy of, one dimension after the other.
Backward, a cell that was copied adds up the gradients of its copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, int64
from tinygrad_cnn.errors import ArgumentError, ShapeError, TinygradCNNError
from tinygrad_cnn.ops.joining import pad_constant

__all__ = ["pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Put cells around the last dimensions, or take some away.

    Args:
        input: any shape for "constant"; for the other modes (N, C, *S) or one image (C, *S), where `pad`
            speaks of all of *S.
        pad: numbers of cells, counted from the last dimension: (left, right) for the last one,
            (left, right, top, bottom) for the last two, and so on. A negative number cuts cells off.
        mode: "constant", "reflect", "replicate" or "circular".
        value: of the new cells, 0 by default; for "constant" only.

    Raises:
        ArgumentError: an odd number of numbers, an unknown mode, or a value for a mode that takes none.
        ShapeError: more pairs than dimensions, more cells cut off than there are, a "reflect" of as many
            cells as there are or more, a "circular" that would go around more than once, or nothing to copy.
        DTypeError: a value that the input's dtype does not hold.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.pad(tc.ones(1, 2), (1, 0, 0, 1))
    tensor([[0., 1., 1.],
            [0., 0., 0.]])
    >>> tc.functional.pad(tc.tensor([[1.0, 2.0, 3.0, 4.0]]), (2, -1), mode="reflect")
    tensor([[3., 2., 1., 2., 3.]])
    """
    pairs = _pairs(pad)
    if mode == "constant":
        return _constant(input, pairs, 0.0 if value is None else value)
    if mode not in _COPIES:
        raise ArgumentError(
            "there is no such way of padding",
            argument="mode",
            expected=f"constant, {', '.join(_COPIES)}",
            got=repr(mode),
        ).at("pad")
    if value:
        raise ArgumentError(
            f"{mode} copies cells and takes no value", argument="value", expected=None, got=value
        ).at("pad")
    spatial = len(pairs)
    if not 1 <= spatial <= 3 or input.ndim - spatial not in (1, 2):
        raise ShapeError(
            f"{mode} pads all the spatial dimensions of images",
            argument="pad",
            expected="a pair for each of *S in (N, C, *S) or (C, *S), at most three",
            got=f"{spatial} pairs for shape {input.shape}",
        ).at("pad")
    for distance, (before, after) in enumerate(pairs, start=1):
        if before or after:
            dim = input.ndim - distance
            sources = _COPIES[mode](before, after, input.shape[dim])
            index = tensor(sources, dtype=int64, backend=input.backend)
            input = input[(slice(None),) * dim + (index,)]
    return input


def _pairs(pad: Sequence[int]) -> list[tuple[int, int]]:
    """(before, after) for the last dimension, then for the one before it, and so on."""
    cells = [as_index(number, argument="pad") for number in pad]
    if len(cells) % 2:
        raise ArgumentError(
            "padding comes in pairs",
            argument="pad",
            expected="(left, right), (left, right, top, bottom), ...",
            got=tuple(pad),
        ).at("pad")
    return list(zip(cells[::2], cells[1::2], strict=True))


def _places(before: int, after: int, size: int) -> range:
    """The cells of the result, counted so that 0 is the first one of the input."""
    if size + before + after < 0:
        raise ShapeError(
            "more cells are cut off than there are",
            argument="pad",
            expected=f"at most {size} cells less",
            got=(before, after),
        ).at("pad")
    return range(-before, size + after)


def _kept(before: int, after: int, size: int) -> range:
    """The cells of the input that negative numbers do not cut off."""
    return _places(min(before, 0), min(after, 0), size)


# --- one value ------------------------------------------------------------------------------------


def _constant(x: Tensor, pairs: list[tuple[int, int]], value: float) -> Tensor:
    if len(pairs) > x.ndim:
        raise ShapeError(
            "there are more pairs than dimensions",
            argument="pad",
            expected=f"at most {x.ndim} pairs",
            got=f"{len(pairs)} pairs for shape {x.shape}",
        ).at("pad")
    every_dim = [(0, 0)] * (x.ndim - len(pairs)) + pairs[::-1]
    if any(before < 0 or after < 0 for before, after in every_dim):
        kept = [_kept(*pair, size) for pair, size in zip(every_dim, x.shape, strict=True)]
        x = x[tuple(slice(cells.start, cells.stop) for cells in kept)]
    frame = tuple((max(before, 0), max(after, 0)) for before, after in every_dim)
    result: Tensor = pad_constant(x, padding=frame, value=value)
    return result


# --- copies ---------------------------------------------------------------------------------------


def _reflected(before: int, after: int, size: int) -> list[int]:
    """From which cell of the input each cell of the result is copied."""
    if max(before, after) >= size:
        raise _too_wide("a mirror shows at most the cells behind the outermost one", size - 1, before, after)
    last = size - 1
    return [last - abs(last - abs(place)) for place in _places(before, after, size)]


def _replicated(before: int, after: int, size: int) -> list[int]:
    if not size:
        raise _too_wide("there is no cell to copy", 0, before, after)
    return [min(max(place, 0), size - 1) for place in _places(before, after, size)]


def _circled(before: int, after: int, size: int) -> list[int]:
    kept = _kept(before, after, size)
    if max(before, after) > len(kept):
        raise _too_wide("the cells go around only once", len(kept), before, after)
    return [kept[(place - kept.start) % len(kept)] for place in _places(before, after, size)]


_COPIES: dict[str, Callable[[int, int, int], list[int]]] = {
    "reflect": _reflected,
    "replicate": _replicated,
    "circular": _circled,
}


def _too_wide(problem: str, limit: int, before: int, after: int) -> TinygradCNNError:
    return ShapeError(
        problem, argument="pad", expected=f"at most {limit} cells on a side", got=(before, after)
    ).at("pad")
