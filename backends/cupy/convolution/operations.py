"""The operations: each finds its plan, lays its arrays out as the plan expects them, and makes the result.

Arrays come in any order of memory: transposed, cut out of larger ones, from kernels that prefer another. One
that does not lie as the plan says is copied first. Within a network that happens at its entrance only, as the
result of every kernel lies as its input did.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

from tinygrad_cnn.backend import Array, Kernel
from tinygrad_cnn.dtypes import Shape

from ..kernels.bias import add_bias
from ..kernels.launch import address
from ..kernels.layout import empty_images
from . import fallback
from .graphs import DTYPES
from .keys import Padding, PlanKey
from .plans import Plan

ALIGNMENT = 16  # bytes: cuDNN reads so many at once, from addresses that are multiples of it
_SPATIAL = (2, 3)  # dimensions of images and of volumes, which cuDNN has plans for

_ONE_MORE: Mapping[str, Any] = {
    **dict.fromkeys(("stride", "dilation", "size", "kernel_size"), (1,)),
    "padding": ((0, 0),),
}


def _also_for_lines(kernel: Kernel) -> Kernel:
    """Take lines (N, C, L) too, as images of height 1."""

    @wraps(kernel)
    def computed(B: Any, first: Array, second: Array, *bias: Array, **params: Any) -> Array:
        if first.ndim != 3:
            return kernel(B, first, second, *bias, **params)
        taller = {name: (*_ONE_MORE[name], *value) for name, value in params.items() if name in _ONE_MORE}
        return kernel(B, first[:, :, None], second[:, :, None], *bias, **{**params, **taller})[:, :, 0]

    return computed


@_also_for_lines
def conv(
    B: Any, x: Array, w: Array, *, stride: Shape, padding: Padding, dilation: Shape, groups: int
) -> Array:
    """Slide w (O, C/groups, *K) over x (N, C, *S): out (N, O, *S')."""
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    plan = _plan(B, "conv", x, x.shape, w.shape, window)
    if plan is None:
        return fallback.conv(B, x, w, groups=groups, **window)
    return _run(B, plan, (_image(B, plan, x), _in_rows(w)), plan.key.output)


@_also_for_lines
def conv_bias(
    B: Any,
    x: Array,
    w: Array,
    bias: Array,
    *,
    relu: bool,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
) -> Array:
    """conv plus bias (O,), and where `relu` is set 0 for what is negative: one pass over the output."""
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    plan = _plan(B, "conv_bias", x, x.shape, w.shape, window, relu=relu)
    if plan is None:  # there may be one without the bias
        out = conv(B, x, w, groups=groups, **window)
        return add_bias(B, out, bias, dim=1, relu=relu, out=out)
    return _run(B, plan, (_image(B, plan, x), _in_rows(w), _in_rows(bias)), plan.key.output)


@_also_for_lines
def conv_input_grad(
    B: Any,
    grad: Array,
    w: Array,
    *,
    size: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
) -> Array:
    """∂L/∂x (N, C, *size) of a convolution whose output has this gradient."""
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    image = (grad.shape[0], w.shape[1] * groups, *size)
    plan = _plan(B, "conv_input_grad", grad, image, w.shape, window)
    if plan is None:
        return fallback.conv_input_grad(B, grad, w, size=size, groups=groups, **window)
    return _run(B, plan, (_image(B, plan, grad), _in_rows(w)), image)


@_also_for_lines
def conv_weight_grad(
    B: Any,
    x: Array,
    grad: Array,
    *,
    kernel_size: Shape,
    stride: Shape,
    padding: Padding,
    dilation: Shape,
    groups: int,
) -> Array:
    """∂L/∂w (O, C/groups, *kernel_size) of a convolution whose output has this gradient."""
    window = {"stride": stride, "padding": padding, "dilation": dilation}
    filters = (grad.shape[1], x.shape[1] // groups, *kernel_size)
    plan = _plan(B, "conv_weight_grad", x, x.shape, filters, window)
    if plan is None:
        return fallback.conv_weight_grad(B, x, grad, kernel_size=kernel_size, groups=groups, **window)
    images = (_image(B, plan, x), _image(B, plan, grad))
    return B.convolutions.run(plan, images, B.xp.empty(filters, dtype=x.dtype))


# --- laying out -----------------------------------------------------------------------------------


def _plan(
    B: Any, operation: str, first: Array, image: Shape, filters: Shape, window: Mapping[str, Any], **more: Any
) -> Plan | None:
    """cuDNN's plan, where it may have one: for images and volumes of floats that have elements."""
    dtype = first.dtype.name
    if dtype not in DTYPES or len(filters) - 2 not in _SPATIAL or 0 in (*image, *filters):
        return None
    tf32 = B.convolutions.tf32 and dtype == "float32"
    key = PlanKey(
        operation,
        dtype,
        image,
        filters,
        **window,
        tf32=tf32,
        deterministic=B.convolutions.deterministic,
        **more,
    )
    plan: Plan | None = B.convolutions.plan(key)
    return plan


def _run(B: Any, plan: Plan, inputs: tuple[Array, ...], shape: Shape) -> Array:
    """Images of that shape, computed by a plan."""
    out = empty_images(B.xp, shape, inputs[0].dtype, plan.key.channels_last)
    return B.convolutions.run(plan, inputs, out)


def _image(B: Any, plan: Plan, x: Array) -> Array:
    """Images as the plan expects them."""
    if not plan.key.channels_last:
        return _in_rows(x)
    return B.xp.moveaxis(_in_rows(B.xp.moveaxis(x, 1, -1)), -1, 1)


def _in_rows(x: Array) -> Array:
    """x without gaps, its last dimension innermost, at an address that cuDNN can read from."""
    suits = x.flags.c_contiguous and address(x) % ALIGNMENT == 0
    return x if suits else x.copy(order="C")
