"""The `Windows` of windows.cuh, which kernels of pooling and convolution take."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_cnn.dtypes import Shape

from .launch import struct

WINDOWS = (
    *("images", "channels", "height", "width", "out_height", "out_width"),
    *("kernel_height", "kernel_width", "stride_height", "stride_width", "padding_top", "padding_left"),
    *("dilation_height", "dilation_width", "channels_last"),
)


def windows_struct(
    image: Shape,
    out: Shape,
    channels_last: bool,
    kind: str,
    kernel_size: Shape,
    stride: Shape,
    padding: Any,
    dilation: Shape,
) -> np.ndarray[Any, Any]:
    """Windows over images of one shape, with an output of the other; the result of the kernel lies as told.

    Only the padding before an image counts; the one after it shows in the sizes.
    """
    before = (side[0] for side in padding)
    values = (*image, *out[2:], *kernel_size, *stride, *before, *dilation, channels_last)
    return struct(WINDOWS, values, kind)
