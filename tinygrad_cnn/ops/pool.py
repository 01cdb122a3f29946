"""Pooling: each window of an image becomes one number.

Max pooling keeps the largest element and remembers where it stood; the gradient goes back to that place and
nowhere else. Sum pooling adds (average pooling is a sum and a division); its gradient is handed to every
cell alike. Scattering to the winners and gathering from them are each other's gradient.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn.dtypes import DType, HasSpec, Shape, Spec, int32, require_floating, require_integer, uint8
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops._windows import Padding, cell_places, frame_for, framed, inside
from tinygrad_cnn.windows import window_output_shape, window_output_size

# --- what a window may be -------------------------------------------------------------------------


class _Window(NamedTuple):
    kernel_size: Shape
    stride: Shape
    padding: Padding
    dilation: Shape


def _pooled_size(x: HasSpec, window: _Window, ceil_mode: bool, argument: str = "x") -> Shape:
    """How many windows fit along each dimension of images x; all that a window can be is checked here."""
    spatial = len(window.kernel_size)
    if len(x.shape) != spatial + 2:
        raise ShapeError(
            f"{argument} must have {spatial + 2} dimensions for {spatial} spatial ones",
            argument=argument,
            expected=f"(N, C{', *' * spatial})",
            got=x.shape,
        )
    for name, values in window._asdict().items():
        if len(values) != spatial:
            raise ArgumentError(
                f"{name} needs one entry for each spatial dimension",
                argument=name,
                expected=f"{spatial} entries",
                got=values,
            )
    out = window_output_shape(x.shape[2:], *window, ceil_mode, argument=argument)
    for sides, kernel in zip(window.padding, window.kernel_size, strict=True):
        if max(sides) > kernel // 2:
            raise ArgumentError(
                "padding wider than half the window would make windows of padding only",
                argument="padding",
                expected=f"at most {kernel // 2} for kernel_size {kernel}",
                got=sides,
            )
    return out


def _check_sweep(
    pooled: HasSpec, size: Shape, window: _Window, ceil_modes: tuple[bool, ...], argument: str
) -> None:
    """`pooled` must hold one number for each window over images of that size."""
    images = Spec((*pooled.shape[:2], *size), pooled.dtype)
    _pooled_size(images, window, ceil_modes[-1], argument="size")
    each = list(zip(size, *window, strict=True))
    fitting = [tuple(window_output_size(*one, mode) for one in each) for mode in ceil_modes]
    if len(pooled.shape) != len(images.shape) or pooled.shape[2:] not in fitting:
        raise ShapeError(
            f"{argument} needs one number for each window over images of size {size}",
            argument=argument,
            expected=" or ".join(f"(N, C, {', '.join(map(str, out))})" for out in dict.fromkeys(fitting)),
            got=pooled.shape,
        )


def _check_winner(winner: HasSpec, shape: Shape, of: str) -> None:
    require_integer(winner, "winner")
    if winner.shape != shape:
        raise ShapeError(
            f"winner needs one number for each {of}", argument="winner", expected=shape, got=winner.shape
        )


# --- max pooling ----------------------------------------------------------------------------------


def _winner_dtype(kernel_size: Shape) -> DType:
    """One byte tells the cells of any window up to 16 × 16 apart; pooling a whole image needs more."""
    return uint8 if math.prod(kernel_size) <= 256 else int32


def _max_pooled(x: HasSpec, *, ceil_mode: bool, **window: Any) -> tuple[Spec, Spec]:
    require_floating(x, "x")
    shape = (*x.shape[:2], *_pooled_size(x, _Window(**window), ceil_mode))
    return Spec(shape, x.dtype), Spec(shape, _winner_dtype(window["kernel_size"]))


_POOLS: tuple[dict[str, Any], ...] = (
    {"kernel_size": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)},
)
_LINE: dict[str, Any] = {"kernel_size": (3,), "stride": (1,), "padding": ((0, 0),), "dilation": (1,)}


@op(
    symbol="maxpool",
    infer=_max_pooled,
    outputs=("out", "winner"),
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), **_POOLS[0], ceil_mode=False),
        Sample(reals(1, 2, 5, 6), **_POOLS[1], ceil_mode=True),
        Sample(reals(2, 1, 6), **_LINE, ceil_mode=False),
    ],
)
def max_pool(B, x, *, kernel_size, stride, padding, dilation, ceil_mode):
    """The largest element under each window, and where in the window it stood: (out, winner).

    The first of equals wins, NaN wins over everything, and padding never wins (a dilated window that meets
    nothing but padding gives −∞).
    """
    xp = B.xp
    out = window_output_shape(x.shape[2:], kernel_size, stride, padding, dilation, ceil_mode)
    frame = frame_for(x.shape[2:], out, kernel_size, stride, padding, dilation)
    image = B.pad(x, ((0, 0), (0, 0), *frame), 0.0)
    real = B.pad(xp.ones(x.shape[2:], dtype=xp.bool), frame, False)
    values = xp.full((*x.shape[:2], *out), -math.inf, dtype=x.dtype)
    winner = xp.zeros(values.shape, dtype=getattr(xp, _winner_dtype(kernel_size).name))
    met = xp.zeros(out, dtype=xp.bool)  # which windows have met a real cell by now
    for k in range(math.prod(kernel_size)):
        places = cell_places(k, out, kernel_size, stride, dilation)
        cell, is_real = image[places], real[places]
        larger = (cell > values) | ((cell != cell) & (values == values))  # only NaN differs from itself
        better = is_real & (larger | ~met)
        values = xp.where(better, cell, values)
        winner = xp.where(better, xp.asarray(k, dtype=winner.dtype), winner)
        met = met | is_real
    return values, winner


@max_pool.gradient("x", "∂L/∂x = g at the place of each maximum, 0 elsewhere")
def _(g, node, winner, *, ceil_mode, **window):
    return max_pool_scatter(g, winner, size=node.spec("x").shape[2:], **window)


_WINNERS = (integers(2, 2, 2, 2, high=4), integers(1, 2, 3, 5, high=6))


_ROUNDED_EITHER_WAY = (False, True)  # the shape of a result tells whether it was made with ceil_mode


def _scattered(grad: HasSpec, winner: HasSpec, *, size: Shape, **window: Any) -> Spec:
    _check_sweep(grad, size, _Window(**window), _ROUNDED_EITHER_WAY, argument="grad")
    _check_winner(winner, grad.shape, "gradient")
    return Spec((*grad.shape[:2], *size), grad.dtype)


@op(
    symbol="unpool",
    infer=_scattered,
    nondifferentiable=("winner",),
    public=False,
    samples=[
        Sample(reals(2, 2, 2, 2), _WINNERS[0], size=(4, 5), **_POOLS[0]),
        Sample(reals(1, 2, 3, 5), _WINNERS[1], size=(5, 6), **_POOLS[1]),
    ],
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


def _gathered(x: HasSpec, winner: HasSpec, **window: Any) -> Spec:
    _check_sweep(winner, x.shape[2:], _Window(**window), _ROUNDED_EITHER_WAY, argument="winner")
    _check_winner(winner, (*x.shape[:2], *winner.shape[2:]), "window of x")
    return Spec(winner.shape, x.dtype)


@op(
    symbol="at winners",
    infer=_gathered,
    nondifferentiable=("winner",),
    public=False,
    samples=[
        Sample(reals(2, 2, 4, 5), _WINNERS[0], **_POOLS[0]),
        Sample(reals(1, 2, 5, 6), _WINNERS[1], **_POOLS[1]),
    ],
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


def _dense(kernel_size: Shape, stride: Shape, padding: Padding) -> _Window:
    return _Window(kernel_size, stride, padding, dilation=(1,) * len(kernel_size))


def _summed(x: HasSpec, *, ceil_mode: bool, **window: Any) -> Spec:
    require_floating(x, "x")
    return Spec((*x.shape[:2], *_pooled_size(x, _dense(**window), ceil_mode)), x.dtype)


def _spread(grad: HasSpec, *, size: Shape, ceil_mode: bool, **window: Any) -> Spec:
    _check_sweep(grad, size, _dense(**window), (ceil_mode,), argument="grad")
    return Spec((*grad.shape[:2], *size), grad.dtype)


_SUMS: tuple[dict[str, Any], ...] = (
    {"kernel_size": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "ceil_mode": False},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": ((1, 1), (0, 1)), "ceil_mode": True},
)


@op(
    symbol="sumpool",
    infer=_summed,
    public=False,
    samples=[Sample(reals(2, 2, 4, 5), **_SUMS[0]), Sample(reals(1, 2, 5, 4), **_SUMS[1])],
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
def _(g, node, **window):
    return sum_pool_input_grad(g, size=node.spec("x").shape[2:], **window)


@op(
    symbol="sumpoolᵀ",
    infer=_spread,
    public=False,
    samples=[
        Sample(reals(2, 2, 2, 2), size=(4, 5), **_SUMS[0]),
        Sample(reals(1, 2, 3, 4), size=(5, 4), **_SUMS[1]),
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
def _(g, node, *, size, **window):
    return sum_pool(g, **window)
