"""Transposed convolution: from a small image to a larger one, with a kernel that learns.

A convolution looks at a window of cells and writes one number. Its transpose reads one number and writes a
window of cells: the kernel times that number. Windows that overlap are added up:

    [1, 2] with kernel [1, 1, 1] and stride 2   →   [1, 1, 1, ·, ·]
                                                  + [·, ·, 2, 2, 2]   =   [1, 1, 3, 2, 2]

It is what the gradient of a convolution does on its way back from the output to the input (written as
matrices, one is the other's transpose), so it is computed by the same operation, `conv_input_grad` in
`ops/window.py`. It does not undo a convolution, though older papers call it a deconvolution.

Sizes: (W − 1)·S − 2P + D(K − 1) + `output_padding` + 1. A convolution with a stride gives the same size for
several input sizes; `output_padding` says which of them is meant.

Sources: Zeiler et al., "Deconvolutional Networks" (CVPR 2010); Dumoulin and Visin, "A guide to convolution
arithmetic for deep learning" (2016).
"""

from __future__ import annotations

from tinygrad_cnn._autocast import narrowed
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, as_index
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._spatial import Size, add_bias, batched
from tinygrad_cnn.ops.joining import pad_constant
from tinygrad_cnn.ops.window import check_groups, check_layout, conv_input_grad
from tinygrad_cnn.windows import per_dimension

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Lay kernels (C, O/groups, K) over lines (N, C, L); arguments and errors as for `conv_transpose2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.conv_transpose1d(tc.tensor([[[1.0, 2.0]]]), tc.ones(1, 1, 3), stride=2)
    tensor([[[1., 1., 3., 2., 2.]]])
    """
    return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, spatial=1)


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Lay O kernels, times the numbers of the images, side by side; add where they overlap, and add a bias.

    Args:
        input: images (N, C, H, W), or one image (C, H, W).
        weight: kernels (C, O/groups, KH, KW), of the input's dtype. (A convolution's would be (O, C/groups,
            KH, KW): seen from it, input and output have changed places.)
        bias: (O,), or None.
        stride: by how many cells two kernels lie apart: one number, or one a dimension.
        padding: cells that are cut off on all sides.
        output_padding: cells more at the end of each dimension; less than the stride or the dilation.
        groups: deal the channels into groups that do not see each other.
        dilation: the distance between the kernel's cells.

    Returns:
        (N, O, H', W') with H' = (H − 1)·stride − 2·padding + dilation·(KH − 1) + output_padding + 1.

    Raises:
        ShapeError: the channels do not match, or nothing would be left after cutting.
        ArgumentError: a negative padding, a stride of 0, an output_padding that is not less than the stride
            or the dilation, or groups that do not divide the channels.
        DTypeError: the dtypes differ.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> tc.functional.conv_transpose2d(x, tc.ones(1, 1, 2, 2), stride=2)
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.],
              [3., 3., 4., 4.],
              [3., 3., 4., 4.]]]])
    """
    return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, spatial=2)


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Tensor:
    """Lay kernels (C, O/groups, KD, KH, KW) over volumes (N, C, D, H, W); the rest as for `conv_transpose2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.conv_transpose3d(tc.ones(1, 2, 3, 4, 5), tc.ones(2, 6, 2, 2, 2), stride=2).shape
    (1, 6, 6, 8, 10)
    """
    return _conv_transpose(input, weight, bias, stride, padding, output_padding, groups, dilation, spatial=3)


def _conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
    *,
    spatial: int,
) -> Tensor:
    x, weight, bias = narrowed(x, weight, bias)
    steps = per_dimension(stride, spatial, argument="stride")
    cut = per_dimension(padding, spatial, argument="padding")
    spread = per_dimension(dilation, spatial, argument="dilation")
    extra = per_dimension(output_padding, spatial, argument="output_padding")
    parts = as_index(groups, argument="groups")
    _check_output_padding(extra, steps, spread)

    def transpose(images: Tensor) -> Tensor:
        _check_operands(images, weight, parts, spatial)
        size = transposed_size(images.shape[2:], weight.shape[2:], steps, cut, extra, spread)
        _check_output(images.shape[2:], size)
        # Cells asked for at the end are not cut off there. Of those that no kernel reaches, a stride leaves
        # room for a few behind the last kernel; only a dilation can ask for more.
        frame = tuple((before, max(before - more, 0)) for before, more in zip(cut, extra, strict=True))
        beyond = [max(more - before - s + 1, 0) for more, before, s in zip(extra, cut, steps, strict=True)]
        reached = tuple(one - more for one, more in zip(size, beyond, strict=True))
        output = conv_input_grad(
            images, weight, size=reached, stride=steps, padding=frame, dilation=spread, groups=parts
        )
        if any(beyond):
            output = pad_constant(output, padding=((0, 0), (0, 0), *((0, more) for more in beyond)))
        return add_bias(output, bias, "conv_transpose")

    return batched(transpose, x, spatial)


def _check_output_padding(extra: Shape, stride: Shape, dilation: Shape) -> None:
    limits = tuple(max(s, d) for s, d in zip(stride, dilation, strict=True))
    if any(not 0 <= cells < limit for cells, limit in zip(extra, limits, strict=True)):
        raise ArgumentError(
            "output_padding must be less than the stride or the dilation",
            argument="output_padding",
            expected=f"0 .. {', 0 .. '.join(str(limit - 1) for limit in limits)}",
            got=extra,
        ).at("conv_transpose")


def _check_operands(images: Tensor, weight: Tensor, groups: int, spatial: int) -> None:
    """What `conv_input_grad` would find too, in the words of who calls it forward."""
    check_layout(images, spatial, "input", "(N, C", hint="a batch is optional: (C, *S) is one image")
    check_layout(weight, spatial, "weight", "(C, O/groups")
    channels = images.shape[1]
    check_groups(groups, channels, weight.shape[1] * groups)
    if weight.shape[0] != channels:
        raise ShapeError(
            f"there are kernels for {weight.shape[0]} channels, the image has {channels}",
            argument="weight",
            expected=f"({channels}, O/groups, *K)",
            got=weight.shape,
            hint="input channels come first here, unlike in conv2d's weight",
        )


def _check_output(size: Shape, output_size: Shape) -> None:
    if 0 in size or any(cells < 1 for cells in output_size):
        raise ShapeError(
            "nothing is left of the output",
            argument="input",
            expected="an output size of at least 1",
            got=f"{size}, which becomes {output_size}",
            hint="less padding, or a larger kernel",
        )


def transposed_size(
    size: Shape, kernel_size: Shape, stride: Shape, padding: Shape, extra: Shape, dilation: Shape
) -> Shape:
    """How large the output of a transposed convolution is, in each spatial dimension.

    >>> transposed_size((14,), (3,), stride=(2,), padding=(1,), extra=(1,), dilation=(1,))
    (28,)
    """
    return tuple(
        (w - 1) * s - 2 * p + d * (k - 1) + more + 1
        for w, k, s, p, more, d in zip(size, kernel_size, stride, padding, extra, dilation, strict=True)
    )
