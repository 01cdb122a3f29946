"""Images in another size: `interpolate`.

Every place of the result lies somewhere between the cells of the input, and is made of those around it:

    nearest, nearest-exact               the cell it falls into
    linear, bilinear, trilinear          the two around it, the nearer one counts more (in each dimension)
    bicubic                              four: a smooth curve through them
    area                                 the average of all that it covers (adaptive average pooling)

    [0, 8] to twice the size     nearest → [0, 0, 8, 8]     linear → [0, 2, 6, 8]

One dimension is done after the other, so all there is to know is, for each place along a line, which cells it
is made of and how much each of them counts: `_nearest`, `_between` and `_covering` below say so. The rest is
picking cells and adding them up, and the gradient (each cell gets back what it gave) comes by itself.

Where is a place? Cells are squares, and the middle of cell i lies at i + ½. With `align_corners` they are
points, and the first and the last point of input and result lie on each other.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, as_index, float64, int64, require_floating
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.functional.adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
)

__all__ = ["interpolate"]

Scale: TypeAlias = "float | Sequence[float]"
Parts: TypeAlias = "list[tuple[int, float]]"  # (cell, how much it counts), for one place of the result

_NEAREST = {"nearest": 0.0, "nearest-exact": 0.5}  # which point of a place is looked at
_WEIGHED = {"linear": (1,), "bilinear": (2,), "bicubic": (2,), "trilinear": (3,)}  # for how many dimensions
_MODES = {**dict.fromkeys((*_NEAREST, "area"), (1, 2, 3)), **_WEIGHED}
_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def interpolate(
    input: Tensor,
    size: Size | None = None,
    scale_factor: Scale | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Images, lines or volumes in another size.

    Args:
        input: (N, C, *S) with one to three spatial dimensions, of floats ("nearest" takes any dtype).
        size: of the result, one number or one for each of *S; or
        scale_factor: how many times the input's size (rounded down), likewise.
        mode: "nearest", "nearest-exact", "area"; "linear" for lines, "bilinear" or "bicubic" for images,
            "trilinear" for volumes. ("nearest" rounds down where "nearest-exact" takes the middle.)
        align_corners: the corners of input and result are the same points, instead of corners of the same
            square; for the modes that weigh cells.
        recompute_scale_factor: go by the ratio of the sizes, although it is not quite `scale_factor` where
            the size was rounded.
        antialias: when images shrink, weigh all the cells that a place covers, so that no fine pattern turns
            into a coarse one; for "bilinear" and "bicubic".

    Returns:
        (N, C, *S').

    Raises:
        ArgumentError: both or neither of size and scale_factor, an unknown mode, an option that the mode does
            not have, or a size below 1.
        ShapeError: an input with other dimensions than the mode has, or without cells.
        DTypeError: integers, where cells are weighed.

    Source: R. Keys, "Cubic convolution interpolation for digital image processing" (1981), for "bicubic"
    (a = −¾; with antialias −½).

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[0.0, 8.0]]])
    >>> tc.functional.interpolate(x, scale_factor=2)
    tensor([[[0., 0., 8., 8.]]])
    >>> tc.functional.interpolate(x, size=4, mode="linear")
    tensor([[[0., 2., 6., 8.]]])
    >>> tc.functional.interpolate(x, size=5, mode="linear", align_corners=True)
    tensor([[[0., 2., 4., 6., 8.]]])
    """
    _check_mode(input, mode, align_corners, antialias)
    sizes, steps = _sizes_and_steps(input.shape[2:], size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return _AREA[len(sizes)](input, sizes)
    if mode not in _NEAREST:
        require_floating(input, "input")
    for dim, (new, step) in enumerate(zip(sizes, steps, strict=True), start=2):
        old = input.shape[dim]
        if align_corners:
            step = (old - 1) / (new - 1) if new > 1 else 0.0
        if mode in _NEAREST:
            parts = _nearest(old, new, step, _NEAREST[mode], in_double=input.dtype is float64)
        elif antialias:
            parts = _covering(old, new, step, mode)
        else:
            parts = _between(old, new, step, mode, bool(align_corners))
        input = _mixed(input, dim, parts)
    return input


def _mixed(x: Tensor, dim: int, parts: list[Parts]) -> Tensor:
    """Σ cell · weight along `dim`: first the first parts of all places, then the second parts, and so on."""
    terms = []
    for nth in zip(*parts, strict=True):
        cells, weights = zip(*nth, strict=True)
        picked = x[(slice(None),) * dim + (tensor(cells, dtype=int64, backend=x.backend),)]
        if any(weight != 1 for weight in weights):
            column = tensor(weights, dtype=x.dtype, backend=x.backend)
            picked = picked * column.reshape(-1, *(1,) * (x.ndim - dim - 1))
        terms.append(picked)
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


# --- which cells a place is made of ---------------------------------------------------------------


def _nearest(old: int, new: int, step: float, shift: float, *, in_double: bool) -> list[Parts]:
    """The cell that a place falls into; `shift` is 0 for its left edge, ½ for its middle.

    A place may fall exactly between two cells, and then rounding decides. PyTorch rounds positions to single
    precision, and for all but double-precision images the step before; to pick the same cells, so do we.
    """
    step = step if in_double else _single(step)
    return [[(min(math.floor(_single((place + shift) * step)), old - 1), 1.0)] for place in range(new)]


def _single(number: float) -> float:
    """The nearest number that 32 bits hold."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def _between(old: int, new: int, step: float, mode: str, align_corners: bool) -> list[Parts]:
    """The cells on both sides of a place, weighed by their distance; beyond the edge stands the last cell."""
    if old == new and mode != "bicubic":
        return [[(place, 1.0)] for place in range(new)]
    weigh, reach = (_cubic(-0.75), 2) if mode == "bicubic" else (_linear, 1)
    parts = []
    for place in range(new):
        position = place * step if align_corners else (place + 0.5) * step - 0.5
        cells = [math.floor(position) + offset for offset in range(1 - reach, reach + 1)]
        parts.append([(min(max(cell, 0), old - 1), weigh(cell - position)) for cell in cells])
    return parts


def _covering(old: int, new: int, step: float, mode: str) -> list[Parts]:
    """All the cells that a place covers: like `_between`, with weights as wide as the step is long."""
    weigh, reach = (_cubic(-0.5), 2) if mode == "bicubic" else (_linear, 1)
    width = max(step, 1.0)
    parts = []
    for place in range(new):
        middle = (place + 0.5) * step
        first = max(int(middle - reach * width + 0.5), 0)
        cells = range(first, min(int(middle + reach * width + 0.5), old))
        weights = [weigh((cell + 0.5 - middle) / width) for cell in cells]
        total = math.fsum(weights)
        parts.append([(cell, weight / total) for cell, weight in zip(cells, weights, strict=True)])
    longest = max(len(cells) for cells in parts)
    return [_divided(cells, longest) for cells in parts]


def _divided(parts: Parts, length: int) -> Parts:
    """The same sum of `length` parts: the last one comes in several pieces."""
    cell, weight = parts[-1]
    pieces = length - len(parts) + 1
    return parts[:-1] + [(cell, weight / pieces)] * pieces


def _linear(distance: float) -> float:
    return max(1 - abs(distance), 0.0)


def _cubic(a: float) -> Callable[[float], float]:
    """Keys's curve: 1 at its own cell, 0 at all others, smooth between; `a` is its slope at distance 1."""

    def weigh(distance: float) -> float:
        x = abs(distance)
        if x <= 1:
            return ((a + 2) * x - (a + 3)) * x * x + 1
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0

    return weigh


# --- what was asked for ---------------------------------------------------------------------------


def _check_mode(x: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    spatial = x.ndim - 2
    if mode not in _MODES:
        raise ArgumentError(
            "there is no such way of interpolating",
            argument="mode",
            expected=", ".join(_MODES),
            got=repr(mode),
        ).at("interpolate")
    if spatial not in _MODES[mode]:
        raise ShapeError(
            f"{mode} does not take this input",
            argument="input",
            expected=" or ".join(f"(N, C{', *' * dims})" for dims in _MODES[mode]),
            got=x.shape,
            hint="one image needs a batch dimension: x[None]",
        ).at("interpolate")
    if 0 in x.shape[1:]:
        raise ShapeError(
            "there are no cells to interpolate between", argument="input", expected="sizes >= 1", got=x.shape
        ).at("interpolate")
    if align_corners is not None and mode not in _WEIGHED:
        raise ArgumentError(
            f"{mode} has no corners to align",
            argument="align_corners",
            expected=f"None, or mode {', '.join(_WEIGHED)}",
            got=align_corners,
        ).at("interpolate")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError(
            f"{mode} cannot be antialiased", argument="antialias", expected="bilinear or bicubic", got=mode
        ).at("interpolate")


def _sizes_and_steps(
    old: Shape, size: Size | None, scale_factor: Scale | None, recompute: bool | None
) -> tuple[Shape, tuple[float, ...]]:
    """The new sizes, and how far apart in the input two neighbours of the result lie, in each dimension."""
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            "the new size is given by size or by scale_factor",
            argument="size",
            expected="one of the two",
            got="neither" if size is None else "both",
        ).at("interpolate")
    if size is not None:
        if recompute:
            raise ArgumentError(
                "there is no scale_factor to recompute",
                argument="recompute_scale_factor",
                expected="None with a size",
                got=recompute,
            ).at("interpolate")
        new = tuple(as_index(one, argument="size") for one in _one_each(size, len(old), "size"))
        factors: Sequence[float] | None = None
    else:
        factors = [_positive(one) for one in _one_each(scale_factor, len(old), "scale_factor")]
        new = tuple(math.floor(one * factor) for one, factor in zip(old, factors, strict=True))
    if any(one < 1 for one in new):
        raise ArgumentError(
            "nothing is left of the image",
            argument="size" if scale_factor is None else "scale_factor",
            expected="sizes of at least 1",
            got=new,
        ).at("interpolate")
    if factors is None or recompute:
        return new, tuple(before / after for before, after in zip(old, new, strict=True))
    return new, tuple(1 / factor for factor in factors)


def _one_each(value: Any, spatial: int, argument: str) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * spatial
    if len(values) != spatial:
        raise ArgumentError(
            f"{argument} is one number, or one for each spatial dimension",
            argument=argument,
            expected=f"{spatial} numbers",
            got=value,
        ).at("interpolate")
    return values


def _positive(factor: Any) -> float:
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise ArgumentTypeError(
            "scale_factor is a number", argument="scale_factor", expected="int or float", got=repr(factor)
        ).at("interpolate")
    if not 0 < factor < math.inf:
        raise ArgumentError(
            "scale_factor must be positive", argument="scale_factor", expected="> 0", got=factor
        ).at("interpolate")
    return float(factor)
