"""Convolutions on the GPU: by cuDNN where it is installed, by matrix products where it is not.

cuDNN is NVIDIA's library for convolutions. CuPy 14 has no door to it any more, so we go through NVIDIA's own,
`nvidia-cudnn-frontend`, whose module is called `cudnn`. To follow a convolution from here on, read

    keys.py        what a plan is made for, and in which order of memory images are handed over
    graphs.py      the convolution described as cuDNN wants it, and which plans are not acceptable
    plans.py       one handle, plans built once, and runs of them
    choice.py      choosing plans by the clock, and remembering the choice in a file
    path.py        whether there is a plan at all, and telling people if there is none
    operations.py  the operations themselves: arrays laid out as plans expect them
    fallback.py    without cuDNN: windows as rows of a matrix

What comes out lies with the channels last wherever tensor cores compute (TF32, floats of 16 bits), and row by
row where they do not; without cuDNN always with the channels last. Whatever follows a convolution takes
both. Gradients of filters lie as filters do.

Lines (N, C, L) are images of height 1. Volumes go to cuDNN as they are; without it the readable kernel of
`ops/window.py` computes them, as it does whatever has no element.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_cnn.backend import Kernel

from .operations import conv, conv_bias, conv_input_grad, conv_weight_grad
from .path import Convolutions

__all__ = ["FUSED", "KERNELS", "Convolutions"]

KERNELS: Mapping[str, Kernel] = {
    kernel.__name__: kernel for kernel in (conv, conv_input_grad, conv_weight_grad)
}
FUSED: Mapping[str, Kernel] = {"conv_bias": conv_bias}
