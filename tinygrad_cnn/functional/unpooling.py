"""Unpooling: back to the size from before max pooling, every maximum where it stood, zeros elsewhere.

    max_pool:    [1 5 | 2 0]  →  [5 2], at places [1 2]
    max_unpool:  [5 2], at places [1 2]  →  [0 5 | 2 0]

Decoders that draw a mask as large as the image take the places from the encoder's pooling, so that edges
come back where they were. Source: M. D. Zeiler, R. Fergus, "Visualizing and understanding convolutional
networks", ECCV 2014; V. Badrinarayanan, A. Kendall, R. Cipolla, "SegNet", TPAMI 2017.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, count, require_integer
from tinygrad_cnn.errors import ArgumentError, IndexingError, ShapeError
from tinygrad_cnn.functional._spatial import Size, pool_window
from tinygrad_cnn.ops.creation import zeros
from tinygrad_cnn.windows import per_dimension

__all__ = ["max_unpool1d", "max_unpool2d", "max_unpool3d"]


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Size | None = None,
) -> Tensor:
    """Put pooled lines (N, C, L) back to where they stood; the rest as for `max_unpool2d`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[1.0, 5.0, 2.0, 0.0]]])
    >>> pooled, indices = tc.functional.max_pool1d(x, 2, return_indices=True)
    >>> tc.functional.max_unpool1d(pooled, indices, 2)
    tensor([[[0., 5., 2., 0.]]])
    """
    return _max_unpool(input, indices, kernel_size, stride, padding, output_size, spatial=1)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Size | None = None,
) -> Tensor:
    """Put the results of `max_pool2d` back to where they stood in the image, zeros elsewhere.

    Where indices meet (windows that overlap may have the same winner), the last number stays and gets the
    gradient. PyTorch hands it to each of them, which counts it several times.

    Args:
        input: pooled images (N, C, H, W), or one (C, H, W).
        indices: where each number goes, as `max_pool2d(..., return_indices=True)` says; its shape is
            the input's.
        kernel_size, stride, padding: of the pooling.
        output_size: of the images before pooling, H' and W' or the whole shape (N, C, H', W'), because
            images of several sizes are pooled to the same one. By default the smallest that the windows
            cover: H' = (H − 1) · stride − 2 · padding + kernel_size.

    Returns:
        (N, C, H', W'), or (C, H', W') for one image.

    Raises:
        IndexingError: an index outside the image.
        ShapeError: indices in another shape than the input, or an output_size that is not pooled to it.
        ArgumentError: a size or stride below 1, or a negative padding.
        DTypeError: indices that are no integers.

    >>> import tinygrad_cnn as tc
    >>> pooled, indices = tc.tensor([[[6.0, 8.0]]]), tc.tensor([[[4, 2]]])
    >>> tc.functional.max_unpool2d(pooled, indices, 2)
    tensor([[[0., 0., 8., 0.],
             [6., 0., 0., 0.]]])
    """
    return _max_unpool(input, indices, kernel_size, stride, padding, output_size, spatial=2)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Size | None = None,
) -> Tensor:
    """Put pooled volumes (N, C, D, H, W) back to where they stood; the rest as for `max_unpool2d`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.arange(64.0).reshape(1, 1, 4, 4, 4)
    >>> pooled, indices = tc.functional.max_pool3d(x, 2, return_indices=True)
    >>> tc.functional.max_unpool3d(pooled, indices, 2).shape
    (1, 1, 4, 4, 4)
    """
    return _max_unpool(input, indices, kernel_size, stride, padding, output_size, spatial=3)


def _max_unpool(
    x: Tensor,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Size | None,
    *,
    spatial: int,
) -> Tensor:
    _check_pooled(x, indices, spatial)
    size = _unpooled_size(x.shape[-spatial:], kernel_size, stride, padding, output_size)
    front = x.shape[:-spatial]
    numbers = x.reshape(*front, count(x.shape[-spatial:]))
    places = indices.reshape(numbers.shape)
    empty = zeros(*front, count(size), dtype=x.dtype, backend=x.backend)
    try:
        return empty.scatter(-1, places, numbers).reshape(*front, *size)
    except IndexingError as error:
        raise IndexingError(
            f"an index points outside images of size {size}",
            argument="indices",
            expected=f"0 .. {count(size) - 1}",
            got=error.got,
            hint="are kernel_size, stride and padding those of the pooling? then tell it the output_size",
        ).at("max_unpool") from None


def _check_pooled(x: Tensor, indices: Tensor, spatial: int) -> None:
    if x.ndim not in (spatial + 1, spatial + 2):
        raise ShapeError(
            f"input must have {spatial + 2} dimensions, or {spatial + 1} without a batch",
            argument="input",
            expected=f"(N, C{', *' * spatial}) or (C{', *' * spatial})",
            got=x.shape,
        ).at("max_unpool")
    if indices.shape != x.shape:
        raise ShapeError(
            "there must be one index for each number",
            argument="indices",
            expected=x.shape,
            got=indices.shape,
        ).at("max_unpool")
    require_integer(indices, "indices")


def _unpooled_size(
    pooled: Shape, kernel_size: Size, stride: Size | None, padding: Size, output_size: Size | None
) -> Shape:
    """The size of the images before pooling: the smallest possible one, or the one asked for."""
    spatial = len(pooled)
    kernel, steps = pool_window(kernel_size, stride, spatial)
    margin = per_dimension(padding, spatial, argument="padding")
    for name, values, least in (("kernel_size", kernel, 1), ("stride", steps, 1), ("padding", margin, 0)):
        if min(values) < least:
            raise ArgumentError(
                f"{name} must be at least {least}", argument=name, expected=f">= {least}", got=values
            ).at("max_unpool")
    smallest = tuple(
        (n - 1) * s + k - 2 * m for n, k, s, m in zip(pooled, kernel, steps, margin, strict=True)
    )
    if output_size is None:
        return smallest
    if isinstance(output_size, (tuple, list)) and len(output_size) == spatial + 2:
        output_size = output_size[2:]
    size = per_dimension(output_size, spatial, argument="output_size")
    if any(abs(wanted - least) >= s for wanted, least, s in zip(size, smallest, steps, strict=True)):
        raise ShapeError(
            "images of this size are not pooled to the input's",
            argument="output_size",
            expected=" × ".join(f"{n - s + 1} .. {n + s - 1}" for n, s in zip(smallest, steps, strict=True)),
            got=output_size,
        ).at("max_unpool")
    return size
