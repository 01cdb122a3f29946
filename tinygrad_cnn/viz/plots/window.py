"""`plot_window`: what a convolution does at one position, product by product.

    input with the window   ⊙   kernel   =   products   Σ →   output so far

The output is what the library's own `conv2d` returns; the products under the window are written out beside
it, and their sum is seen to be the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_cnn._create import tensor
from tinygrad_cnn.errors import ArgumentError, IndexingError, ShapeError
from tinygrad_cnn.functional import conv2d
from tinygrad_cnn.functional._spatial import window_frame
from tinygrad_cnn.viz.plots.cells import (
    CELL,
    Kind,
    Mask,
    Panel,
    Texts,
    include,
    lay_out,
    numbers,
    room_for,
    wrapped,
)
from tinygrad_cnn.viz.plots.plot import SMALL, Array, Plot, number_text, to_plane
from tinygrad_cnn.viz.theme import shape_text
from tinygrad_cnn.viz.values import Scales
from tinygrad_cnn.windows import per_dimension

Position = tuple[int, int]

_MOST_CELLS = 12  # along a side of the padded input
_MOST_PRODUCTS = 7  # along a side of the kernel
_TALL = 0.56  # inches: a cell with two lines


def plot_window(
    x: Any,
    kernel: Any,
    at: Position | Sequence[Position],
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    names: tuple[str, str, str] = ("input", "kernel", "output"),
    kinds: tuple[Kind, Kind, Kind] = ("data", "weights", "data"),
) -> Plot:
    """A convolution at one position: the window, the kernel, the products, their sum, the output so far.

    The kernel lies on the outlined cells of the input. Each of them is multiplied by the number of the kernel
    that lies on it, and the sum of the products is the outlined cell of the output. Dashed cells around the
    input are padding; those of the output come later.

    Args:
        x: an image (H, W); dimensions of size 1 in front of that (one image, one channel) are dropped.
        kernel: (KH, KW), likewise.
        at: which cell of the output, (row, column); or several of them, drawn one below the other.
        stride: by how many cells the kernel moves; as for `conv2d`.
        padding: cells of zeros around the image, "same" or "valid"; as for `conv2d`.
        dilation: the distance between the kernel's cells; as for `conv2d`.
        names: of the three; in a backward pass, what slides over what is called otherwise.
        kinds: of the three, for their colours: "data", "weights" or "gradient".

    Raises:
        ShapeError: several images or channels, or a kernel larger than the padded image.
        ArgumentError: more cells than can be read, or a stride, padding or dilation that `conv2d` refuses.
        IndexingError: a position outside the output.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_window([[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 1], [2, 3]], (0, 1))
    <Plot of a (2, 2) kernel on (3, 3), output[0, 1] = 25>
    """
    slide = _slide(_image(x, "x"), _image(kernel, "kernel"), stride, padding, dilation)
    positions = _checked(at, slide.output)
    product_width = max(room_for(slide.factors(place).flat, SMALL) for place in positions)
    rows: list[list[Panel | str]] = []
    for place in positions:
        input, kernel_panel, products, output = panels = _panels(slide, place, product_width, names, kinds)
        if rows:  # the names stand above the first row
            for panel in panels:
                panel.name = ""
        rows += wrapped([input, "⊙", kernel_panel, "=", products, "Σ →", output])
    what = f"a {shape_text(slide.kernel.shape)} kernel on {shape_text(slide.image.shape)}"
    results = [_result(names[2], slide, place) for place in positions]
    return lay_out(", ".join([what, *results]), rows)


@dataclass(frozen=True)
class _Slide:
    """A kernel, what it slides over, and what comes out.

    Attributes:
        padded: the image with zeros around it.
        is_padding: which of its cells those are.
    """

    image: Array
    padded: Array
    is_padding: Mask
    kernel: Array
    output: Array
    stride: tuple[int, ...]
    dilation: tuple[int, ...]

    def window(self, at: Position) -> tuple[slice, ...]:
        """The cells of the padded image on which the kernel lies."""
        sides = zip(at, self.stride, self.dilation, self.kernel.shape, strict=True)
        return tuple(slice(i * step, i * step + d * (k - 1) + 1, d) for i, step, d, k in sides)

    def factors(self, at: Position) -> Texts:
        """What is multiplied with what, in words: "3·(−2)"."""
        texts = [
            f"{number_text(one)}·{f'({number_text(other)})' if other < 0 else number_text(other)}"
            for one, other in zip(self.padded[self.window(at)].flat, self.kernel.flat, strict=True)
        ]
        return np.array(texts).reshape(self.kernel.shape)


def _image(value: Any, argument: str) -> Array:
    plane = to_plane(value, argument)
    if plane.ndim != 2:
        raise ShapeError(
            "a window slides over rows and columns", argument=argument, expected="(H, W)", got=plane.shape
        )
    return plane


def _slide(image: Array, kernel: Array, stride: Any, padding: Any, dilation: Any) -> _Slide:
    """Have the library convolve, and find out where the padding is."""
    output = conv2d(tensor(image[None]), tensor(kernel[None, None]), None, stride, padding, dilation)
    steps = per_dimension(stride, 2, argument="stride")
    spread = per_dimension(dilation, 2, argument="dilation")
    border = window_frame(padding, kernel.shape, steps, spread)
    padded = np.pad(image, border)
    for argument, cells, most in (("x", padded, _MOST_CELLS), ("kernel", kernel, _MOST_PRODUCTS)):
        if max(cells.shape) > most:
            raise ArgumentError(
                "these are more cells than can be read",
                argument=argument,
                expected=f"at most {most} a side{', with its padding' if argument == 'x' else ''}",
                got=cells.shape,
                hint=f"draw a part of it: {argument}[..., :{most // 2}, :{most // 2}]",
            )
    is_padding = np.pad(np.zeros(image.shape, bool), border, constant_values=True)
    return _Slide(image, padded, is_padding, kernel, _exact(output.numpy()[0]), steps, spread)


def _checked(at: Any, output: Array) -> list[Position]:
    """Positions, one or several, as a list."""
    positions = np.asarray(at)
    if (
        positions.dtype.kind not in "iu"
        or positions.shape[-1:] != (2,)
        or positions.ndim > 2
        or not positions.size
    ):
        raise ArgumentError(
            "this is no position",
            argument="at",
            expected="(row, column) of the output, or a list of such pairs",
            got=repr(at),
        )
    places = [(int(row), int(column)) for row, column in np.atleast_2d(positions)]
    for place in places:
        if not all(0 <= i < size for i, size in zip(place, output.shape, strict=True)):
            raise IndexingError(
                "this position is outside the output",
                argument="at",
                expected=f"(row, column) in an output of {shape_text(output.shape)}",
                got=place,
            )
    return places


def _panels(
    slide: _Slide,
    at: Position,
    product_width: float,
    names: tuple[str, str, str],
    kinds: tuple[Kind, Kind, Kind],
) -> tuple[Panel, Panel, Panel, Panel]:
    """Input, kernel, products and output at one position."""
    looked_at = np.zeros(slide.padded.shape, bool)
    looked_at[slide.window(at)] = True
    products = _exact(slide.padded[slide.window(at)] * slide.kernel)
    order = np.arange(slide.output.size).reshape(slide.output.shape)
    known = order <= order[at]
    return (
        Panel(
            name=names[0],
            kind=kinds[0],
            table=slide.padded,
            texts=numbers(slide.padded),
            cell=_cell(slide.padded),
            scales=include(Scales(), slide.image, kinds[0]),
            mark=looked_at,
            padding=slide.is_padding,
        ),
        Panel(
            name=names[1],
            kind=kinds[1],
            table=slide.kernel,
            texts=numbers(slide.kernel),
            cell=_cell(slide.kernel),
            scales=include(Scales(), slide.kernel, kinds[1]),
        ),
        Panel(
            name="products",
            table=products,
            texts=numbers(products),
            above=slide.factors(at),
            cell=(product_width, _TALL),
            plain=True,
            caption=f"sum = {number_text(_exact(products.sum()))}",
        ),
        Panel(
            name=names[2],
            kind=kinds[2],
            table=slide.output,
            texts=np.where(known, numbers(slide.output), ""),
            cell=_cell(slide.output),
            scales=include(Scales(), slide.output, kinds[2]),
            mark=order == order[at],
            missing=~known,
            caption=_result(names[2], slide, at),
        ),
    )


def _exact(numbers: Any) -> Any:
    """Without the last digits, in which computers err: what cancels is 0."""
    return np.round(numbers, 12)


def _cell(table: Array) -> tuple[float, float]:
    return room_for(numbers(table).flat), CELL


def _result(name: str, slide: _Slide, at: Position) -> str:
    return f"{name}[{at[0]}, {at[1]}] = {number_text(slide.output[at])}"
