"""How many windows of a convolution or a pooling fit into an image, and whether they do.

    padded size 7, kernel 3, stride 2:    [0 1 2] 3 4 5 6
                                           0 1 [2 3 4] 5 6
                                           0 1 2 3 [4 5 6]      three windows

A window with gaps (dilation 2) reaches over more cells than it looks at: 0 · 2 · 4. Layers and shape rules
are written with these helpers, so that a kernel too large is refused before anything is computed.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn.dtypes import Shape, as_index
from tinygrad_cnn.errors import ArgumentError, ShapeError


def per_dimension(value: object, ndim: int, *, argument: str) -> tuple[int, ...]:
    """One int for each spatial dimension, out of one number or one a dimension.

    >>> per_dimension(2, 3, argument="stride")
    (2, 2, 2)
    """
    if not isinstance(value, (tuple, list)):
        return (as_index(value, argument=argument),) * ndim
    numbers = tuple(as_index(one, argument=argument) for one in value)
    if len(numbers) == 1:
        return numbers * ndim
    if len(numbers) != ndim:
        raise ArgumentError(
            f"{argument} needs one number, or one a spatial dimension",
            argument=argument,
            expected=f"{ndim} numbers",
            got=value,
        )
    return numbers


def window_output_size(
    size: int,
    kernel: int,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    """How many windows fit along one dimension: ⌊(size + padding − dilation·(kernel − 1) − 1) / stride⌋ + 1.

    With `ceil_mode` the last window may hang over the end, but must start inside the input or its left
    padding (PyTorch's rule).

    >>> window_output_size(28, 5, padding=(2, 2)), window_output_size(28, 2, stride=2)
    (28, 14)
    """
    room = size + sum(padding) - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    windows = -(-room // stride) + 1
    return windows - 1 if (windows - 1) * stride >= size + padding[0] else windows


def window_output_shape(
    spatial: Shape,
    kernel: Shape,
    stride: Shape,
    padding: Sequence[tuple[int, int]],
    dilation: Shape,
    ceil_mode: bool = False,
    *,
    argument: str = "x",
) -> Shape:
    """`window_output_size` for every spatial dimension, checked: each window must fit at least once.

    Raises:
        ArgumentError: a size below 1.
        ShapeError: a window larger than what it moves over.

    >>> window_output_shape((28, 28), (5, 5), (1, 1), [(2, 2), (0, 0)], (1, 1))
    (28, 24)
    """
    for name, values, least in (("kernel_size", kernel, 1), ("stride", stride, 1), ("dilation", dilation, 1)):
        if any(value < least for value in values):
            raise ArgumentError(
                f"{name} must be at least {least}", argument=name, expected=f">= {least}", got=values
            )
    if any(before < 0 or after < 0 for before, after in padding):
        raise ArgumentError(
            "padding cannot be negative", argument="padding", expected=">= 0", got=tuple(padding)
        )
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    padded = tuple(s + before + after for s, (before, after) in zip(spatial, padding, strict=True))
    out = tuple(
        window_output_size(s, k, st, p, d, ceil_mode)
        for s, k, st, p, d in zip(spatial, kernel, stride, padding, dilation, strict=True)
    )
    if any(size < 1 for size in out):
        raise ShapeError(
            f"the kernel reaches over {reach} cells, the padded input has only {padded}",
            argument=argument,
            expected=f"spatial sizes (with padding) of at least {reach}",
            got=f"{spatial} with padding {tuple(padding)}",
            hint="use a smaller kernel, a smaller dilation or more padding",
        )
    return out
