"""Convolution and pooling: a small window slides over an image.

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

from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn.dtypes import (
    DType,
    HasSpec,
    Shape,
    Spec,
    int32,
    same_floating,
    uint8,
    window_output_shape,
)
from tinygrad_cnn.errors import ArgumentError, ShapeError

Padding = Sequence[tuple[int, int]]

# --- convolution ----------------------------------------------------------------------------------


def _conv_shape(
    x: HasSpec, w: HasSpec, *, stride: Shape, padding: Padding, dilation: Shape, groups: int
) -> Spec:
    dtype = same_floating(x, w, names=("x", "w"))
    spatial = len(stride)
    for name, value, first in (("x", x, "(N, C"), ("w", w, "(O, C/groups")):
        if len(value.shape) != spatial + 2:
            raise ShapeError(
                f"{name} must have {spatial + 2} dimensions for {spatial} spatial ones",
                argument=name,
                expected=f"{first}{', *' * spatial})",
                got=value.shape,
                hint="a single image needs a batch dimension: x[None]" if name == "x" else None,
            )
    channels, filters = x.shape[1], w.shape[0]
    if groups < 1 or channels % groups or filters % groups:
        raise ArgumentError(
            f"{channels} input and {filters} output channels cannot be dealt into {groups} groups",
            argument="groups",
            expected="a positive divisor of both",
            got=groups,
        )
    if w.shape[1] * groups != channels:
        raise ShapeError(
            f"the kernel looks at {w.shape[1] * groups} channels, the image has {channels}",
            argument="w",
            expected=f"(O, {channels // groups}, *K) for groups={groups}",
            got=f"{w.shape} with x of shape {x.shape}",
            hint="is the image in NCHW order? x.permute(0, 3, 1, 2) makes it so",
        )
    out = window_output_shape(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return Spec((x.shape[0], filters, *out), dtype)


_WINDOWS: tuple[dict[str, Any], ...] = (
    {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1},
    {"stride": (2, 1), "padding": ((1, 0), (1, 2)), "dilation": (1, 2), "groups": 2},
)
_LINE: dict[str, Any] = {"stride": (2,), "padding": ((2, 1),), "dilation": (2,), "groups": 1}


@op(
    symbol="⋆",
    infer=_conv_shape,
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
    depth = channels // groups * _product(kernel)
    return B.xp.reshape(ordered, (groups, depth, n * _product(out))), out


def _product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


@conv.gradient("x", "∂L/∂x = g ∗ w, the full convolution: g ⋆ rot180(w) with zeros around g")
def _(g, node, w, **window):
    return conv_input_grad(g, w, size=node.spec("x").shape[2:], **window)


@conv.gradient("w", "∂L/∂w = x ⋆ g")
def _(g, node, x, **window):
    return conv_weight_grad(x, g, kernel_size=node.spec("w").shape[2:], **window)


@op(
    symbol="⋆ᵀ",
    infer=lambda grad, w, *, size, groups, **_: Spec((grad.shape[0], w.shape[1] * groups, *size), grad.dtype),
    public=False,
    samples=[
        Sample(reals(2, 3, 3, 3), reals(3, 2, 2, 3), size=(4, 5), **_WINDOWS[0]),
        Sample(reals(2, 4, 2, 5), reals(4, 2, 3, 2), size=(5, 4), **_WINDOWS[1]),
    ],
)
def conv_input_grad(B, grad, w, *, size, stride, padding, dilation, groups):
    """∂L/∂x of a convolution: slide the kernel, rotated by 180°, over the output gradient
    with zeros around it and between its cells.

    Also the forward pass of a transposed convolution.
    """
    xp = B.xp
    filters, inner, *kernel = w.shape
    out = grad.shape[2:]
    spread = _spread_out(B, grad, stride)
    frame = []
    for s, k, (before, _), d, o, st in zip(size, kernel, padding, dilation, out, stride, strict=True):
        reach = d * (k - 1)
        frame.append((reach - before, s + before - (o - 1) * st - 1))
    spread = _framed(B, spread, frame)
    rotated = xp.flip(w, axis=tuple(range(2, w.ndim)))
    swapped = xp.reshape(rotated, (groups, filters // groups, inner, *kernel))
    swapped = xp.reshape(xp.moveaxis(swapped, 2, 1), (groups * inner, filters // groups, *kernel))
    ones, none = (1,) * len(size), ((0, 0),) * len(size)
    return conv.kernel(B, spread, swapped, stride=ones, padding=none, dilation=dilation, groups=groups)


def _spread_out(B: Any, g: Any, stride: Shape) -> Any:
    """g with stride − 1 zeros between neighbours: the places a strided window skipped."""
    if all(step == 1 for step in stride):
        return g
    sizes = tuple(
        (size - 1) * step + 1 if size else 0 for size, step in zip(g.shape[2:], stride, strict=True)
    )
    spread = B.xp.zeros((*g.shape[:2], *sizes), dtype=g.dtype)
    spread[(slice(None), slice(None), *(slice(None, None, step) for step in stride))] = g
    return spread


def _framed(B: Any, x: Any, frame: Padding) -> Any:
    """x with zeros around it; a negative width cuts cells off (padding wider than the kernel's reach)."""
    widths = tuple((max(before, 0), max(after, 0)) for before, after in frame)
    x = B.pad(x, ((0, 0), (0, 0), *widths), 0.0)
    cuts = tuple(
        slice(max(-before, 0), size - max(-after, 0))
        for (before, after), size in zip(frame, x.shape[2:], strict=True)
    )
    return x[(slice(None), slice(None), *cuts)]


@conv_input_grad.gradient("grad", "∂L/∂grad = g ⋆ w")
def _(g, node, w, *, stride, padding, dilation, groups):
    return conv(g, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


@conv_input_grad.gradient("w", "∂L/∂w = g ⋆ grad")
def _(g, node, grad, *, stride, padding, dilation, groups):
    kernel_size = node.spec("w").shape[2:]
    return conv_weight_grad(
        g, grad, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@op(
    symbol="x⋆g",
    infer=lambda x, grad, *, kernel_size, groups, **_: Spec(
        (grad.shape[1], x.shape[1] // groups, *kernel_size), x.dtype
    ),
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), reals(2, 3, 3, 3), kernel_size=(2, 3), **_WINDOWS[0]),
        Sample(reals(2, 4, 5, 4), reals(2, 4, 2, 5), kernel_size=(3, 2), **_WINDOWS[1]),
        Sample(reals(0, 2, 4, 5), reals(0, 3, 3, 3), kernel_size=(2, 3), **_WINDOWS[0]),
    ],
)
def conv_weight_grad(B, x, grad, *, kernel_size, stride, padding, dilation, groups):
    """∂L/∂w of a convolution: every window of x times the gradient of the output it made, summed."""
    xp = B.xp
    filters = grad.shape[1]
    columns, _ = _columns(B, x, kernel_size, stride, padding, dilation, groups)
    gradients = xp.reshape(xp.moveaxis(grad, 1, 0), (groups, filters // groups, columns.shape[2]))
    products = xp.matmul(gradients, xp.moveaxis(columns, 1, 2))  # (groups, O/groups, C/groups · cells)
    return xp.reshape(products, (filters, x.shape[1] // groups, *kernel_size))


@conv_weight_grad.gradient("x", "∂L/∂x = grad ∗ g")
def _(g, node, grad, *, kernel_size, **window):
    return conv_input_grad(grad, g, size=node.spec("x").shape[2:], **window)


@conv_weight_grad.gradient("grad", "∂L/∂grad = x ⋆ g")
def _(g, node, x, *, kernel_size, **window):
    return conv(x, g, **window)


# --- max pooling ----------------------------------------------------------------------------------


def _pooled_shape(
    x: HasSpec,
    *,
    kernel_size: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    ceil_mode: bool,
) -> tuple[Spec, Spec]:
    _check_pool(x, kernel_size, padding)
    out = window_output_shape(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    return Spec((*x.shape[:2], *out), x.dtype), Spec((*x.shape[:2], *out), _winner_dtype(kernel_size))


def _winner_dtype(kernel_size: Shape) -> DType:
    """One byte tells the cells of any window up to 16 × 16 apart; pooling a whole image needs more."""
    return uint8 if _product(kernel_size) <= 256 else int32


def _check_pool(x: HasSpec, kernel_size: Shape, padding: Padding) -> None:
    if len(x.shape) != len(kernel_size) + 2:
        raise ShapeError(
            f"x must have {len(kernel_size) + 2} dimensions for {len(kernel_size)} spatial ones",
            argument="x",
            expected=f"(N, C{', *' * len(kernel_size)})",
            got=x.shape,
        )
    for (before, after), kernel in zip(padding, kernel_size, strict=True):
        if before > kernel // 2 or after > kernel // 2:
            raise ArgumentError(
                "padding wider than half the window would make windows of padding only",
                argument="padding",
                expected=f"at most {kernel // 2} for kernel_size {kernel}",
                got=(before, after),
            )


_POOLS: tuple[dict[str, Any], ...] = (
    {"kernel_size": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)},
)


@op(
    symbol="maxpool",
    infer=_pooled_shape,
    outputs=("out", "winner"),
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), **_POOLS[0], ceil_mode=False),
        Sample(reals(1, 2, 5, 6), **_POOLS[1], ceil_mode=True),
        Sample(
            reals(2, 1, 6), kernel_size=(3,), stride=(1,), padding=((0, 0),), dilation=(1,), ceil_mode=False
        ),
    ],
)
def max_pool(B, x, *, kernel_size, stride, padding, dilation, ceil_mode):
    """The largest element under each window, and where in the window it stood: (out, winner).

    The first of equals wins, NaN wins over everything, and padding never wins.
    """
    xp = B.xp
    out = window_output_shape(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    frame = _frame_for(x.shape[2:], out, kernel_size, stride, padding, dilation)
    image = B.pad(x, ((0, 0), (0, 0), *frame), -float("inf"))
    real = B.pad(xp.ones(x.shape[2:], dtype=xp.bool), frame, False)
    places = [_cell_places(k, out, kernel_size, stride, dilation) for k in range(_product(kernel_size))]
    cells = [image[place] for place in places]
    values = cells[0]
    for cell in cells[1:]:
        values = xp.maximum(values, cell)
    # From the last cell to the first, so that the first of equals has the last word.
    winner = xp.zeros(values.shape, dtype=getattr(xp, _winner_dtype(kernel_size).name))
    for k in reversed(range(len(cells))):
        wins = xp.logical_or(cells[k] == values, cells[k] != cells[k])  # NaN differs from itself
        wins = xp.logical_and(wins, real[places[k]])
        winner = xp.where(wins, xp.asarray(k, dtype=winner.dtype), winner)
    return values, winner


def _frame_for(
    spatial: Shape, out: Shape, kernel: Shape, stride: Shape, padding: Padding, dilation: Shape
) -> tuple[tuple[int, int], ...]:
    """How far the windows reach beyond the image: the padding, and what ceil_mode hangs over the end."""
    return tuple(
        (before, max((o - 1) * st + d * (k - 1) + 1 - s - before, after))
        for s, o, k, st, (before, after), d in zip(
            spatial, out, kernel, stride, padding, dilation, strict=True
        )
    )


@max_pool.gradient("x", "∂L/∂x = g at the place of each maximum, 0 elsewhere")
def _(g, node, winner, *, ceil_mode, **window):
    return max_pool_scatter(g, winner, size=node.spec("x").shape[2:], **window)


def _cell_places(k: int, out: Shape, kernel_size: Shape, stride: Shape, dilation: Shape) -> tuple[Any, ...]:
    """Where cell number k (row by row) of every window stands: one strided slice a dimension."""
    slices: list[slice] = []
    for size, kernel, step, spread in reversed(list(zip(out, kernel_size, stride, dilation, strict=True))):
        first = k % kernel * spread
        k //= kernel
        slices.insert(0, slice(first, first + (size - 1) * step + 1, step))
    return (..., *slices)


_WINNERS = integers(2, 2, 2, 2, high=4)


@op(
    symbol="unpool",
    infer=lambda grad, winner, *, size, **_: Spec((*grad.shape[:2], *size), grad.dtype),
    nondifferentiable=("winner",),
    public=False,
    samples=[Sample(reals(2, 2, 2, 2), _WINNERS, size=(4, 5), **_POOLS[0])],
)
def max_pool_scatter(B, grad, winner, *, size, kernel_size, stride, padding, dilation):
    """Zeros of the image's size, with each gradient added at the place of its window's winner."""
    out = grad.shape[2:]
    frame = _frame_for(size, out, kernel_size, stride, padding, dilation)
    framed = tuple(s + before + after for s, (before, after) in zip(size, frame, strict=True))
    image = B.xp.zeros((*grad.shape[:2], *framed), dtype=grad.dtype)
    for k in range(_product(kernel_size)):
        places = _cell_places(k, out, kernel_size, stride, dilation)
        image[places] += B.xp.where(winner == k, grad, B.xp.zeros_like(grad))
    inside = tuple(slice(before, before + s) for s, (before, _) in zip(size, frame, strict=True))
    return image[(slice(None), slice(None), *inside)]


@max_pool_scatter.gradient("grad", "∂L/∂grad = g at the winners")
def _(g, node, winner, *, size, **window):
    return max_pool_gather(g, winner, **window)


@op(
    symbol="at winners",
    infer=lambda x, winner, **_: Spec(winner.shape, x.dtype),
    nondifferentiable=("winner",),
    public=False,
    samples=[Sample(reals(2, 2, 4, 5), _WINNERS, **_POOLS[0])],
)
def max_pool_gather(B, x, winner, *, kernel_size, stride, padding, dilation):
    """The elements of x at the winners of an earlier max pooling."""
    out = winner.shape[2:]
    frame = _frame_for(x.shape[2:], out, kernel_size, stride, padding, dilation)
    image = B.pad(x, ((0, 0), (0, 0), *frame), 0.0)
    values = B.xp.zeros(winner.shape, dtype=x.dtype)
    for k in range(_product(kernel_size)):
        places = _cell_places(k, out, kernel_size, stride, dilation)
        values = B.xp.where(winner == k, image[places], values)
    return values


@max_pool_gather.gradient("x", "∂L/∂x = g at the winners, 0 elsewhere")
def _(g, node, winner, **window):
    return max_pool_scatter(g, winner, size=node.spec("x").shape[2:], **window)


# --- sum pooling (average pooling is a sum and a division) ----------------------------------------


def _summed_shape(
    x: HasSpec, *, kernel_size: Shape, stride: Shape, padding: Padding, ceil_mode: bool
) -> Spec:
    _check_pool(x, kernel_size, padding)
    ones = (1,) * len(kernel_size)
    out = window_output_shape(x.shape[2:], kernel_size, stride, padding, ones, ceil_mode)
    return Spec((*x.shape[:2], *out), x.dtype)


@op(
    symbol="sumpool",
    infer=_summed_shape,
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), kernel_size=(2, 2), stride=(2, 2), padding=((0, 0),) * 2, ceil_mode=False),
        Sample(
            reals(1, 2, 5, 4), kernel_size=(3, 2), stride=(2, 1), padding=((1, 1), (0, 1)), ceil_mode=True
        ),
    ],
)
def sum_pool(B, x, *, kernel_size, stride, padding, ceil_mode):
    """The sum under each window, zeros outside the image."""
    ones = (1,) * len(kernel_size)
    out = window_output_shape(x.shape[2:], kernel_size, stride, padding, ones, ceil_mode)
    frame = _frame_for(x.shape[2:], out, kernel_size, stride, padding, ones)
    windows = B.windows(B.pad(x, ((0, 0), (0, 0), *frame), 0.0), kernel_size, stride, ones)
    return B.xp.sum(windows, axis=tuple(range(-len(kernel_size), 0)))


@sum_pool.gradient("x", "∂L/∂x = g under every window that saw x, summed")
def _(g, node, *, kernel_size, stride, padding, ceil_mode):
    return sum_pool_input_grad(
        g,
        size=node.spec("x").shape[2:],
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
    )


@op(
    symbol="sumpoolᵀ",
    infer=lambda grad, *, size, **_: Spec((*grad.shape[:2], *size), grad.dtype),
    public=False,
    samples=[
        Sample(
            reals(2, 2, 2, 2),
            size=(4, 5),
            kernel_size=(2, 2),
            stride=(2, 2),
            padding=((0, 0),) * 2,
            ceil_mode=False,
        )
    ],
)
def sum_pool_input_grad(B, grad, *, size, kernel_size, stride, padding, ceil_mode):
    """∂L/∂x of sum pooling: each gradient is handed to every cell of its window."""
    n, channels, *out = grad.shape
    # A convolution's input gradient with a kernel of ones, every channel by itself.
    alone = B.xp.reshape(grad, (n * channels, 1, *out))
    ones = B.xp.ones((1, 1, *kernel_size), dtype=grad.dtype)
    dilation = (1,) * len(size)
    spread = conv_input_grad.kernel(
        B, alone, ones, size=size, stride=stride, padding=padding, dilation=dilation, groups=1
    )
    return B.xp.reshape(spread, (n, channels, *size))


@sum_pool_input_grad.gradient("grad", "∂L/∂grad = the sum of g under each window")
def _(g, node, *, kernel_size, stride, padding, ceil_mode):
    return sum_pool(g, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode)
