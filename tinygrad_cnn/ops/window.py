"""Convolution: a small window slides over an image.

How a convolution learns. Forward, each output is the sum of a window times the kernel:

    out[n, o, p] = Σ_c Σ_k  x[n, c, p·stride + k·dilation] · w[o, c, k]

That sum is linear in x and linear in w, so L changes by g · w when x changes and by g · x when w changes.
Collecting the terms gives two more convolutions: ∂L/∂w slides g over x, and ∂L/∂x slides the kernel,
rotated by 180°, over g with zeros around it. The three operations below are three faces of one formula,
⟨g, conv(x, w)⟩, and each one's gradient rules are the other two.

Everything works for any number of spatial dimensions: *S stands for (L), (H, W) or (D, H, W), and
`padding` is a pair (before, after) for each of them. The deep-learning field says convolution and
computes cross-correlation; so do we.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.dtypes import HasSpec, Shape, Spec, same_floating
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops._windows import Padding, add_windows
from tinygrad_cnn.windows import window_output_shape


def _conv_shape(
    x: HasSpec,
    w: HasSpec,
    *,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
    argument: str = "x",
) -> Spec:
    dtype = same_floating(x, w, names=("x", "w"))
    check_layout(x, len(stride), "x", "(N, C", hint="a single image needs a batch dimension: x[None]")
    check_layout(w, len(stride), "w", "(O, C/groups")
    channels, filters = x.shape[1], w.shape[0]
    check_groups(groups, channels, filters)
    if w.shape[1] * groups != channels:
        raise ShapeError(
            f"the kernel looks at {w.shape[1] * groups} channels, the image has {channels}",
            argument="w",
            expected=f"(O, {channels // groups}, *K) for groups={groups}",
            got=f"{w.shape} with x of shape {x.shape}",
            hint=_layout_hint(x, w.shape[1] * groups),
        )
    out = window_output_shape(x.shape[2:], w.shape[2:], stride, padding, dilation, argument=argument)
    return Spec((x.shape[0], filters, *out), dtype)


def check_layout(value: HasSpec, spatial: int, name: str, layout: str, *, hint: str | None = None) -> None:
    """Two dimensions as `layout` names them, then the spatial ones."""
    if len(value.shape) != spatial + 2:
        raise ShapeError(
            f"{name} must have {spatial + 2} dimensions for {spatial} spatial ones",
            argument=name,
            expected=f"{layout}{', *' * spatial})",
            got=value.shape,
            hint=hint,
        )


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Every group gets as many input channels as the others, and as many output channels."""
    if groups < 1 or channels % groups or filters % groups:
        raise ArgumentError(
            f"{channels} input and {filters} output channels cannot be dealt into {groups} groups",
            argument="groups",
            expected="a positive divisor of both",
            got=groups,
        )


_WINDOWS: tuple[dict[str, Any], ...] = (
    {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1},
    {"stride": (2, 1), "padding": ((1, 0), (1, 2)), "dilation": (1, 2), "groups": 2},
)
_LINE: dict[str, Any] = {"stride": (2,), "padding": ((2, 1),), "dilation": (2,), "groups": 1}


def _layout_hint(x: HasSpec, channels: int) -> str | None:
    """A likely reason for a wrong number of channels, if the shape gives one away."""
    if x.shape[-1] == channels:
        order = (0, len(x.shape) - 1, *range(1, len(x.shape) - 1))
        return f"are the channels last? x.permute{order} puts them second"
    if channels == 1 and x.shape[0] == 1:  # an unbatched image arrives here with a batch of one
        return "are these several grey images? x[:, None] gives each its one channel"
    return None


@op(
    symbol="⋆",
    infer=_conv_shape,
    autocast="narrow",
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), reals(3, 2, 2, 3), **_WINDOWS[0]),
        Sample(reals(2, 4, 5, 4), reals(4, 2, 3, 2), **_WINDOWS[1]),
        Sample(reals(2, 1, 7), reals(2, 1, 3), **_LINE),
        Sample(reals(0, 2, 4, 5), reals(3, 2, 2, 3), **_WINDOWS[0]),
    ],
)
def conv(B, x, w, *, stride, padding, dilation, groups):
    """Slide w (O, C/groups, *K) over x (N, C, *S): out (N, O, *S'), sums of products under the window."""
    xp = B.xp
    filters = w.shape[0]
    columns, out = _columns(B, x, w.shape[2:], stride, padding, dilation, groups)
    weights = xp.reshape(w, (groups, filters // groups, -1))
    result = xp.matmul(weights, columns)  # (groups, O/groups, N · places)
    return xp.moveaxis(xp.reshape(result, (filters, x.shape[0], *out)), 0, 1)


def _columns(
    B: Any, x: Any, kernel: Shape, stride: Shape, padding: Padding, dilation: Shape, groups: int
) -> tuple[Any, Shape]:
    """Every window of the images as one column (im2col): (groups, C/groups · cells, N · places).

    So laid out, a convolution is a matrix product, which every library does at full speed.
    """
    spatial = len(kernel)
    windows = B.windows(B.pad(x, ((0, 0), (0, 0), *padding), 0.0), tuple(kernel), stride, dilation)
    n, channels = x.shape[:2]
    out = windows.shape[2 : 2 + spatial]
    # (N, C, *places, *cells) -> (C, *cells, N, *places)
    cells, places = range(2 + spatial, 2 + 2 * spatial), range(2, 2 + spatial)
    ordered = B.xp.permute_dims(windows, (1, *cells, 0, *places))
    depth = channels // groups * math.prod(kernel)
    return B.xp.reshape(ordered, (groups, depth, n * math.prod(out))), out


@conv.gradient("x", "∂L/∂x = g ∗ w, the full convolution: g ⋆ rot180(w) with zeros around g")
def _(g, node, w, **window):
    return conv_input_grad(g, w, size=node.spec("x").shape[2:], **window)


@conv.gradient("w", "∂L/∂w = x ⋆ g")
def _(g, node, x, **window):
    return conv_weight_grad(x, g, kernel_size=node.spec("w").shape[2:], **window)


def _input_grad_shape(grad: HasSpec, w: HasSpec, *, size: Shape, groups: int, **window: Any) -> Spec:
    dtype = same_floating(grad, w, names=("grad", "w"))
    spatial = len(window["stride"])
    check_layout(grad, spatial, "grad", "(N, O")
    check_layout(w, spatial, "w", "(O, C/groups")
    if len(size) != spatial:
        raise ShapeError(
            "an image has one size for each spatial dimension", argument="size", expected=spatial, got=size
        )
    image = Spec((grad.shape[0], w.shape[1] * groups, *size), dtype)
    _check_output(grad, _conv_shape(image, w, groups=groups, argument="size", **window))
    return image


def _check_output(grad: HasSpec, output: Spec) -> None:
    """A gradient has the shape of what it is the gradient of."""
    if grad.shape != output.shape:
        raise ShapeError(
            "these windows make an output of another shape than the gradient's",
            argument="grad",
            expected=output.shape,
            got=grad.shape,
        )


@op(
    symbol="⋆ᵀ",
    infer=_input_grad_shape,
    autocast="narrow",
    public=False,
    samples=[
        Sample(reals(2, 3, 3, 3), reals(3, 2, 2, 3), size=(4, 5), **_WINDOWS[0]),
        Sample(reals(2, 4, 2, 5), reals(4, 2, 3, 2), size=(5, 4), **_WINDOWS[1]),
        Sample(reals(2, 2, 4), reals(2, 1, 3), size=(8,), **_LINE),
        Sample(reals(0, 3, 3, 3), reals(3, 2, 2, 3), size=(4, 5), **_WINDOWS[0]),
    ],
)
def conv_input_grad(B, grad, w, *, size, stride, padding, dilation, groups):
    """∂L/∂x of a convolution: each output hands its gradient back to the cells its window looked at.

    What arrives at a cell is the full convolution: the kernel, rotated by 180°, slid over the output gradient
    with zeros around it. Also the forward pass of a transposed convolution.
    """
    xp = B.xp
    inner, *kernel = w.shape[1:]
    n, filters, *out = grad.shape
    weights = xp.reshape(w, (groups, filters // groups, inner * math.prod(kernel)))
    columns = xp.matmul(xp.moveaxis(weights, 1, 2), _rows(B, grad, groups))
    cells = xp.reshape(columns, (groups * inner, math.prod(kernel), n, *out))
    image = add_windows(B, xp.moveaxis(cells, 1, 0), size, kernel, stride, padding, dilation)
    return xp.moveaxis(image, 0, 1)


def _rows(B: Any, grad: Any, groups: int) -> Any:
    """The output gradient with one row a filter: (groups, O/groups, N · places)."""
    n, filters, *out = grad.shape
    return B.xp.reshape(B.xp.moveaxis(grad, 1, 0), (groups, filters // groups, n * math.prod(out)))


@conv_input_grad.gradient("grad", "∂L/∂grad = g ⋆ w")
def _(g, node, w, *, stride, padding, dilation, groups):
    return conv(g, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_input_grad.gradient("w", "∂L/∂w = g ⋆ grad")
def _(g, node, grad, *, stride, padding, dilation, groups):
    kernel_size = node.spec("w").shape[2:]
    return conv_weight_grad(
        g, grad, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


def _weight_grad_shape(x: HasSpec, grad: HasSpec, *, kernel_size: Shape, groups: int, **window: Any) -> Spec:
    dtype = same_floating(x, grad, names=("x", "grad"))
    spatial = len(window["stride"])
    check_layout(x, spatial, "x", "(N, C")
    check_layout(grad, spatial, "grad", "(N, O")
    check_groups(groups, x.shape[1], grad.shape[1])
    if len(kernel_size) != spatial:
        raise ShapeError(
            "a kernel has one size for each spatial dimension",
            argument="kernel_size",
            expected=spatial,
            got=kernel_size,
        )
    kernel = Spec((grad.shape[1], x.shape[1] // groups, *kernel_size), dtype)
    _check_output(grad, _conv_shape(x, kernel, groups=groups, **window))
    return kernel


@op(
    symbol="x⋆g",
    infer=_weight_grad_shape,
    autocast="narrow",
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), reals(2, 3, 3, 3), kernel_size=(2, 3), **_WINDOWS[0]),
        Sample(reals(2, 4, 5, 4), reals(2, 4, 2, 5), kernel_size=(3, 2), **_WINDOWS[1]),
        Sample(reals(2, 1, 7), reals(2, 2, 3), kernel_size=(3,), **_LINE),
        Sample(reals(0, 2, 4, 5), reals(0, 3, 3, 3), kernel_size=(2, 3), **_WINDOWS[0]),
    ],
)
def conv_weight_grad(B, x, grad, *, kernel_size, stride, padding, dilation, groups):
    """∂L/∂w of a convolution: every window of x times the gradient of the output it made, summed."""
    xp = B.xp
    columns, _ = _columns(B, x, kernel_size, stride, padding, dilation, groups)
    products = xp.matmul(_rows(B, grad, groups), xp.moveaxis(columns, 1, 2))  # (groups, O/groups, depth)
    return xp.reshape(products, (grad.shape[1], x.shape[1] // groups, *kernel_size))


@conv_weight_grad.gradient("x", "∂L/∂x = grad ∗ g")
def _(g, node, grad, *, kernel_size, **window):
    return conv_input_grad(grad, g, size=node.spec("x").shape[2:], **window)


@conv_weight_grad.gradient("grad", "∂L/∂grad = x ⋆ g")
def _(g, node, x, *, kernel_size, **window):
    return conv(x, g, **window)
