"""Hypothesis strategies for what operations are given: shapes, arrays, broadcastable pairs, windows, dims.

For people who test an operation or a backend of their own. Everything drawn is small, so that a reference
written with plain loops keeps up, and shrinks to the smallest example that still fails.

>>> import hypothesis
>>> @hypothesis.given(broadcastable_shapes(2))
... def adding_broadcasts(pair):
...     import numpy as np
...     import tinygrad_cnn as tc
...     x, y = (np.ones(shape) for shape in pair)
...     assert (tc.tensor(x) + tc.tensor(y)).shape == (x + y).shape
>>> adding_broadcasts()
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from numpy.typing import NDArray

from tinygrad_cnn.dtypes import DTYPES, DTypeLike, Shape, as_dtype
from tinygrad_cnn.windows import window_output_size


def shapes(
    *, min_dims: int = 0, max_dims: int = 4, min_size: int = 0, max_size: int = 4
) -> SearchStrategy[Shape]:
    """Shapes of tensors; sizes of 0 and 1 are among them, because that is where mistakes sit."""
    return st.lists(st.integers(min_size, max_size), min_size=min_dims, max_size=max_dims).map(tuple)


def dtypes(kind: str | None = None) -> SearchStrategy[str]:
    """Names of dtypes: of one kind ("bool", "integer", "floating"), or of all of them."""
    return st.sampled_from([name for name, dtype in DTYPES.items() if kind in (None, dtype.kind)])


@st.composite
def arrays(draw: DrawFn, shape: Shape, dtype: DTypeLike = "float64") -> NDArray[Any]:
    """An array of a shape. Real numbers are all different, a quarter apart and never 0: no ties, no kinks."""
    kind, total = as_dtype(dtype), int(np.prod(shape))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    numbers: NDArray[Any]
    if kind.is_floating:
        numbers = (generator.permutation(total) - total // 2) / 4 + 0.1
    elif kind.kind == "bool":
        numbers = generator.integers(0, 2, total)
    else:
        numbers = generator.integers(0, 10, total)
    return np.asarray(numbers.reshape(shape).astype(kind.name))


@st.composite
def broadcastable_shapes(draw: DrawFn, count: int = 2, *, max_dims: int = 3) -> tuple[Shape, ...]:
    """Several shapes that stretch to a common one: dimensions missing in front, or of size 1."""
    common = draw(shapes(max_dims=max_dims))

    def one() -> Shape:
        kept = draw(st.integers(0, len(common)))
        tail = common[len(common) - kept :]
        return tuple(1 if draw(st.booleans()) else size for size in tail)

    return tuple(one() for _ in range(count))


def dims(ndim: int) -> SearchStrategy[int | tuple[int, ...] | None]:
    """What `dim=` of a reduction takes: None, one dimension, or several; also counted from the back."""
    if not ndim:
        return st.none()
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, min_size=1, max_size=ndim, unique_by=lambda dim: dim % ndim).map(tuple)
    return st.none() | one | several


@dataclass(frozen=True)
class Window:
    """A window that slides over an image with any number of spatial dimensions.

    Attributes:
        size: the image's spatial sizes.
        kernel_size, stride, dilation: one number a dimension.
        padding: (before, after) for each dimension.
        groups: how many groups the channels are dealt into.
    """

    size: Shape
    kernel_size: Shape
    stride: Shape
    padding: tuple[tuple[int, int], ...]
    dilation: Shape
    groups: int

    @property
    def output_size(self) -> Shape:
        """How many windows fit along each dimension."""
        each = zip(self.size, self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        return tuple(window_output_size(*one) for one in each)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of a convolution."""
        return {
            "stride": self.stride,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }


@st.composite
def windows(draw: DrawFn, *, max_spatial: int = 3, for_pooling: bool = False) -> Window:
    """Windows that fit at least once, in 1 to 3 spatial dimensions.

    Strides larger than the kernel and padding larger than the kernel's reach are among them, except
    `for_pooling`, where at most half a kernel may be padded and nothing is dilated or grouped.
    """
    spatial = draw(st.integers(1, max_spatial))
    largest = {1: 9, 2: 6, 3: 4}[spatial]
    rows = [draw(_one_dimension(largest, for_pooling)) for _ in range(spatial)]
    size, kernel, stride, padding, dilation = (tuple(column) for column in zip(*rows, strict=True))
    groups = 1 if for_pooling else draw(st.integers(1, 2))
    return Window(size, kernel, stride, padding, dilation, groups)


@st.composite
def _one_dimension(
    draw: DrawFn, largest: int, for_pooling: bool
) -> tuple[int, int, int, tuple[int, int], int]:
    kernel = draw(st.integers(1, 3))
    dilation = 1 if for_pooling else draw(st.integers(1, 2))
    pad = st.integers(0, kernel // 2 if for_pooling else 3)
    padding = (draw(pad), draw(pad))
    reach = dilation * (kernel - 1) + 1
    size = draw(st.integers(max(1, reach - sum(padding)), max(largest, reach)))
    return size, kernel, draw(st.integers(1, 3)), padding, dilation
