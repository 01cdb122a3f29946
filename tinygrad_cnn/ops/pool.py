"""Pooling: each window of an image becomes one number.

Max pooling keeps the largest element and remembers where it stood; the gradient goes back to that place and
nowhere else. Sum pooling adds (average pooling is a sum and a division); its gradient is handed to every
cell alike. Scattering to the winners and gathering from them are each other's gradient.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn.dtypes import DType, HasSpec, Shape, Spec, int32, uint8, window_output_shape
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops._windows import Padding, cell_places, frame_for, framed, inside

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
    return uint8 if math.prod(kernel_size) <= 256 else int32


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
    frame = frame_for(x.shape[2:], out, kernel_size, stride, padding, dilation)
    image = B.pad(x, ((0, 0), (0, 0), *frame), -float("inf"))
    real = B.pad(xp.ones(x.shape[2:], dtype=xp.bool), frame, False)
    places = [cell_places(k, out, kernel_size, stride, dilation) for k in range(math.prod(kernel_size))]
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


@max_pool.gradient("x", "∂L/∂x = g at the place of each maximum, 0 elsewhere")
def _(g, node, winner, *, ceil_mode, **window):
    return max_pool_scatter(g, winner, size=node.spec("x").shape[2:], **window)


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
    frame = frame_for(size, out, kernel_size, stride, padding, dilation)
    image = B.xp.zeros((*grad.shape[:2], *framed(size, frame)), dtype=grad.dtype)
    for k in range(math.prod(kernel_size)):
        places = cell_places(k, out, kernel_size, stride, dilation)
        image[places] += B.xp.where(winner == k, grad, B.xp.zeros_like(grad))
    return image[inside(size, frame)]


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
    frame = frame_for(x.shape[2:], out, kernel_size, stride, padding, dilation)
    image = B.pad(x, ((0, 0), (0, 0), *frame), 0.0)
    values = B.xp.zeros(winner.shape, dtype=x.dtype)
    for k in range(math.prod(kernel_size)):
        places = cell_places(k, out, kernel_size, stride, dilation)
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
    frame = frame_for(x.shape[2:], out, kernel_size, stride, padding, ones)
    image = B.pad(x, ((0, 0), (0, 0), *frame), 0.0)
    total = B.xp.zeros((*x.shape[:2], *out), dtype=x.dtype)
    for k in range(math.prod(kernel_size)):
        total = total + image[cell_places(k, out, kernel_size, stride, ones)]
    return total


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
    out, ones = grad.shape[2:], (1,) * len(size)
    frame = frame_for(size, out, kernel_size, stride, padding, ones)
    image = B.xp.zeros((*grad.shape[:2], *framed(size, frame)), dtype=grad.dtype)
    for k in range(math.prod(kernel_size)):
        image[cell_places(k, out, kernel_size, stride, ones)] += grad
    return image[inside(size, frame)]


@sum_pool_input_grad.gradient("grad", "∂L/∂grad = the sum of g under each window")
def _(g, node, *, kernel_size, stride, padding, ceil_mode):
    return sum_pool(g, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode)
