"""Padding layers: `functional.pad` as modules, one for each way of padding and number of dimensions.

    ZeroPad           0 0 | 1 2 3 4 | 0 0          ReflectionPad     3 2 | 1 2 3 4 | 3 2
    ConstantPad       7 7 | 1 2 3 4 | 7 7          ReplicationPad    1 1 | 1 2 3 4 | 4 4
                                                   CircularPad       3 4 | 1 2 3 4 | 1 2

A padding is one number for all sides, or (left, right), (left, right, top, bottom), or (left, right, top,
bottom, front, back); negative numbers cut cells off. Lines are (N, C, L) or (C, L), and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.nn.module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "CircularPad3d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ConstantPad3d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReflectionPad3d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ReplicationPad3d",
    "ZeroPad1d",
    "ZeroPad2d",
    "ZeroPad3d",
]


class _Pad(Module):
    """What all of them share: how many sides there are, and how to pad."""

    spatial: ClassVar[int]
    mode: ClassVar[str]
    value: float | None = None

    def __init__(self, padding: Size) -> None:
        super().__init__()
        sides = 2 * self.spatial
        numbers: Sequence[Any] = padding if isinstance(padding, (tuple, list)) else (padding,) * sides
        if len(numbers) != sides:
            raise ArgumentError(
                f"{type(self).__name__} needs one number, or one for each side",
                argument="padding",
                expected=f"{sides} numbers",
                got=padding,
            )
        self.padding = tuple(as_index(number, argument="padding") for number in numbers)

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


# --- one value ------------------------------------------------------------------------------------


class ConstantPad1d(_Pad):
    """Cells of one value around lines.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ConstantPad1d((2, 1), 7.0)(tc.tensor([[1.0, 2.0]]))
    tensor([[7., 7., 1., 2., 7.]])
    """

    spatial, mode = 1, "constant"

    def __init__(self, padding: Size, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad2d(ConstantPad1d):
    """Cells of one value around images.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ConstantPad2d((1, 0, 0, 1), 7.0)(tc.tensor([[[1.0, 2.0]]]))
    tensor([[[7., 1., 2.],
             [7., 7., 7.]]])
    """

    spatial = 2


class ConstantPad3d(ConstantPad1d):
    """Cells of one value around volumes.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ConstantPad3d(1, 7.0)(tc.zeros(1, 1, 2, 3, 4)).shape
    (1, 1, 4, 5, 6)
    """

    spatial = 3


class ZeroPad1d(_Pad):
    """Zeros around lines.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ZeroPad1d(2)(tc.tensor([[1.0, 2.0]]))
    tensor([[0., 0., 1., 2., 0., 0.]])
    """

    spatial, mode = 1, "constant"


class ZeroPad2d(_Pad):
    """Zeros around images.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ZeroPad2d((1, 0, 0, 1))(tc.tensor([[[1.0, 2.0]]]))
    tensor([[[0., 1., 2.],
             [0., 0., 0.]]])
    """

    spatial, mode = 2, "constant"


class ZeroPad3d(_Pad):
    """Zeros around volumes.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ZeroPad3d(1)(tc.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    spatial, mode = 3, "constant"


# --- the image's own cells ------------------------------------------------------------------------


class ReflectionPad1d(_Pad):
    """Lines mirrored at their outermost cell, which is not repeated.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReflectionPad1d(2)(tc.tensor([[1.0, 2.0, 3.0, 4.0]]))
    tensor([[3., 2., 1., 2., 3., 4., 3., 2.]])
    """

    spatial, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Images mirrored at their outermost pixels, which are not repeated.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReflectionPad2d((1, 0, 1, 0))(tc.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[4., 3., 4.],
             [2., 1., 2.],
             [4., 3., 4.]]])
    """

    spatial, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Volumes mirrored at their outermost cells, which are not repeated.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReflectionPad3d(1)(tc.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    spatial, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Lines whose outermost cell is repeated.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReplicationPad1d((1, 2))(tc.tensor([[1.0, 2.0]]))
    tensor([[1., 1., 2., 2., 2.]])
    """

    spatial, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Images whose outermost pixels are repeated.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReplicationPad2d((1, 0, 0, 1))(tc.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[1., 1., 2.],
             [3., 3., 4.],
             [3., 3., 4.]]])
    """

    spatial, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Volumes whose outermost cells are repeated.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.ReplicationPad3d(1)(tc.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    spatial, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Lines that start again where they end.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.CircularPad1d((1, 2))(tc.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1., 2.]])
    """

    spatial, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Images that start again where they end, like a tiled floor.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.CircularPad2d((1, 0, 0, 1))(tc.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 1., 2.],
             [4., 3., 4.],
             [2., 1., 2.]]])
    """

    spatial, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Volumes that start again where they end.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.CircularPad3d(1)(tc.ones(1, 2, 3, 4)).shape
    (1, 4, 5, 6)
    """

    spatial, mode = 3, "circular"
