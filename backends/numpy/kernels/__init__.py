"""Kernels of the NumPy backend that replace the readable ones: same results, several times the speed.

Each is a plain function, looked up by the name of the operation it replaces. To see what an operation
*means*, read its readable kernel in `tinygrad_cnn/ops`; to see how a processor likes to compute it, read

    memory.py       the order of the numbers in memory, on which everything else rests: start here
    blocks.py       all steps on a few numbers before looking at the next few
    cells.py        a loop over the cells of a window instead of over the windows
    pool.py         max pooling, with tournament.py for 2×2 windows, and sum_pool.py
    conv.py         convolution as matrix products, in four ways: im2col.py is the first to read
    descent.py      the steps of SGD, and adam.py those of Adam, without new memory
    normalize.py    batch normalisation in two phases, so that parts of a batch can share their statistics
    elementwise.py  deciding without a branch
    loss.py         labels and cross-entropy in few calls
    random.py       the mask of dropout
    threads.py      how many threads compute; workers.py the threads themselves
    eager.py        a large operation in parts, one for each thread

A kernel comes in two halves. `prepare_conv(B, arena, x, w, out, stride=..., ...)` looks at shapes and
addresses once, and returns the work: a function without arguments that reads the numbers in x and w and
writes those of out, as often as it is called. A captured step (`tc.capture`) prepares every kernel once and
then only works; `conv(B, x, w, stride=..., ...)` makes memory for the result, prepares and works at once.

`tc.use_backend("numpy", overrides=False)` computes without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .adam import prepare_adam_step, prepare_amsgrad_step
from .conv import (
    conv,
    conv_input_grad,
    conv_weight_grad,
    prepare_conv,
    prepare_conv_input_grad,
    prepare_conv_weight_grad,
)
from .descent import prepare_gradient_descent, prepare_momentum_descent
from .eager import over_channels, over_images, summed_over_images
from .elementwise import all_finite, prepare_relu, relu, where
from .loss import prepare_one_hot, prepare_softmax_cross_entropy
from .memory import Work
from .normalize import batch_norm, batch_norm_grad
from .pool import (
    max_pool,
    max_pool_gather,
    max_pool_scatter,
    prepare_max_pool,
    prepare_max_pool_gather,
    prepare_max_pool_scatter,
)
from .random import prepare_random_mask
from .sum_pool import prepare_sum_pool, prepare_sum_pool_input_grad, sum_pool, sum_pool_input_grad

KERNELS: Mapping[str, Callable[..., Any]] = {
    kernel.__name__: kernel
    for kernel in (
        all_finite,
        over_channels(batch_norm),
        over_channels(batch_norm_grad),
        over_images(conv),
        over_images(conv_input_grad),
        summed_over_images(conv_weight_grad),
        max_pool,
        max_pool_gather,
        max_pool_scatter,
        relu,
        sum_pool,
        sum_pool_input_grad,
        where,
    )
}

PREPARE: Mapping[str, Callable[..., Work]] = {
    "adam_step": prepare_adam_step,
    "amsgrad_step": prepare_amsgrad_step,
    "conv": prepare_conv,
    "conv_input_grad": prepare_conv_input_grad,
    "conv_weight_grad": prepare_conv_weight_grad,
    "gradient_descent": prepare_gradient_descent,
    "max_pool": prepare_max_pool,
    "max_pool_gather": prepare_max_pool_gather,
    "max_pool_scatter": prepare_max_pool_scatter,
    "momentum_descent": prepare_momentum_descent,
    "one_hot": prepare_one_hot,
    "random_mask": prepare_random_mask,
    "relu": prepare_relu,
    "softmax_cross_entropy": prepare_softmax_cross_entropy,
    "sum_pool": prepare_sum_pool,
    "sum_pool_input_grad": prepare_sum_pool_input_grad,
}
