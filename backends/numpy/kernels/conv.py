"""Convolution and its two adjoints: the doors to four ways of computing them.

What a convolution means, and that each of the three operations is the gradient of the others, is told in
`tinygrad_cnn/ops/window.py`. All ways leave the work to BLAS, the library of matrix products under NumPy,
which comes close to the most that a processor can do. They differ in how they make matrices of images:

    im2col.py        every window becomes a column; the simplest, and the one to read first
    shared_rows.py   the columns of neighbouring rows share memory: less to write, for few filters
    winograd.py      a quarter of the multiplications, for 3×3 kernels and many channels
    col2im.py        im2col backwards, for the gradient of the input when the stride is not 1

`conv_choice.py` estimates from the shapes which one is fastest. What they have in common is in `sliding.py`
(where the window goes) and `conv_steps.py` (cutting out, summing up, finishing).

None of them loops over groups or channels in Python: a stack of matrices, one for each group, is one call.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from tinygrad_cnn.windows import window_output_size

from . import conv_choice as choice
from .blocks import channels_first, replay
from .conv_steps import Epilogue, Steps
from .memory import Arena, Array, Ints, Padding, Work, empty_batch_last, local_arena
from .sliding import Sliding


def conv(
    B: object, x: Array, w: Array, *, stride: Ints, padding: Padding, dilation: Ints, groups: int
) -> Array:
    """Cross-correlate x (N, C, *S) with w (O, C/groups, *K) -> (N, O, *S')."""
    size = map(window_output_size, x.shape[2:], w.shape[2:], stride, padding, dilation)
    out = empty_batch_last((x.shape[0], w.shape[0], *size), x.dtype)
    prepare_conv(
        B, local_arena(), x, w, out, stride=stride, padding=padding, dilation=dilation, groups=groups
    )()
    return out


def prepare_conv(
    B: object,
    arena: Arena,
    x: Array,
    w: Array,
    out: Array,
    *,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
    bias: Array | None = None,
    relu: bool = False,
) -> Work:
    """`conv` into `out`, which lies batch-last.

    A bias (O,) is added to each block, and a ReLU taken, while the block is in the cache.
    """
    problem = _problem(B, x.shape, w, out.shape, stride, padding, dilation, groups)
    epilogue = Epilogue(None if bias is None else bias.reshape(groups, -1), relu)
    arrays = _image(x, groups), _kernel(w, groups), _image(out, groups)
    if not x.size or not w.size:
        return replay(_sums_of_nothing(arrays[2], epilogue))
    return replay(choice.way_forward(problem).forward(arena, *arrays, problem.sliding, epilogue))


def conv_input_grad(
    B: object,
    grad: Array,
    w: Array,
    *,
    size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> Array:
    """The adjoint in x: grad (N, O, *S'), w (O, C/groups, *K) -> (N, C, *size)."""
    out = empty_batch_last((grad.shape[0], w.shape[1] * groups, *size), grad.dtype)
    prepare_conv_input_grad(
        B,
        local_arena(),
        grad,
        w,
        out,
        size=size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )()
    return out


def prepare_conv_input_grad(
    B: object,
    arena: Arena,
    grad: Array,
    w: Array,
    out: Array,
    *,
    size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> Work:
    """`conv_input_grad` into `out`."""
    problem = _problem(B, out.shape, w, grad.shape, stride, padding, dilation, groups)
    arrays = _image(grad, groups), _kernel(w, groups), _image(out, groups)
    if not grad.size or not w.size:
        return replay(_sums_of_nothing(arrays[2]))
    return replay(choice.way_to_input_grad(problem).input_grad(arena, *arrays, problem.sliding))


def conv_weight_grad(
    B: object,
    x: Array,
    grad: Array,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> Array:
    """The adjoint in w: x (N, C, *S), grad (N, O, *S') -> (O, C/groups, *K)."""
    out: Array = np.empty((grad.shape[1], x.shape[1] // groups, *kernel_size), x.dtype)
    prepare_conv_weight_grad(
        B,
        local_arena(),
        x,
        grad,
        out,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )()
    return out


def prepare_conv_weight_grad(
    B: object,
    arena: Arena,
    x: Array,
    grad: Array,
    out: Array,
    *,
    kernel_size: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> Work:
    """`conv_weight_grad` into `out`."""
    problem = _problem(B, x.shape, out, grad.shape, stride, padding, dilation, groups)
    arrays = _image(x, groups), _image(grad, groups), _kernel(out, groups)
    if not x.size or not grad.size:
        return replay(_sums_of_nothing(arrays[2]))
    return replay(choice.way_to_weight_grad(problem).weight_grad(arena, *arrays, problem.sliding))


def _problem(
    B: object,
    x_shape: Ints,
    w: Array,
    out_shape: Ints,
    stride: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int,
) -> choice.Problem:
    start = tuple(-before for before, _ in padding)
    sliding = Sliding(x_shape[2:], out_shape[2:], w.shape[2:], tuple(stride), tuple(dilation), start)
    filters, channels = w.shape[0] // groups, w.shape[1]
    exact = getattr(B, "exact", False)
    return choice.Problem(sliding, groups, channels, filters, x_shape[0], w.dtype, exact)


def _sums_of_nothing(out: Array, epilogue: Epilogue | None = None) -> Steps:
    """Zeros: there are no images, no channels or no filters."""
    steps: Steps = [partial(out.fill, 0)]
    if epilogue:
        epilogue.finish(steps, out.reshape(*out.shape[:2], math.prod(out.shape[2:])))
    return steps


def _image(x: Array, groups: int) -> Array:
    """(N, C, *S) -> (G, C/G, *S, N), a view."""
    x = channels_first(x)
    return x.reshape(groups, x.shape[0] // groups, *x.shape[1:])


def _kernel(w: Array, groups: int) -> Array:
    """(O, C/G, *K) -> (G, O/G, C/G, *K), a view."""
    return w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
