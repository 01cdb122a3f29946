"""Kernels of our own for what neither cuDNN's Python interface nor cuBLAS has, in CUDA C++.

Each `.cu` file is one family. A Python file beside it (`normalize.py` beside `batch_norm.cu`) says how many
threads take part and makes memory for the results. To learn how a GPU works, read them in this order:

    common.cuh         what a GPU is: threads, blocks, warps, and why neighbours should read neighbours
    dropout.cu         random words: threads that have nothing to do with each other
    bias.cu            a bias and a ReLU behind a product, in one pass over memory
    pool.cu            windows over images: gathering instead of scattering
    batch.cu           images out of the data set, moved and standardized
    checks.cu          many arrays in one launch: is every number finite?
    optimizer.cu       one pass over all weights; shared memory for what all threads need
    upkeep.cu          small things that every layer needs in every step
    cross_entropy.cu   a warp for each row: shuffles
    batch_norm.cu      sums over many blocks: trees, and kernels that follow each other

    launch.py          compiling and starting
    layout.py          the order of numbers in memory
    choice.py          when the readable kernels compute instead

Each function of `KERNELS` takes and returns what the operation of its name does. Those of `FUSED` do what the
engine does by several operations, for a plan that recognizes these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .batch import gather_images
from .bias import add_bias, matmul_bias, relu_grad
from .checks import all_finite, any_non_finite
from .cross_entropy import (
    cross_entropy_of_labels,
    cross_entropy_of_labels_grad,
    softmax_cross_entropy,
    softmax_cross_entropy_grad,
)
from .dropout import random_mask, random_words
from .normalize import batch_norm, batch_norm_grad, batch_norm_relu, batch_norm_relu_grad
from .optimizer import adam_step, amsgrad_step, gradient_descent, momentum_descent
from .pool import max_pool, max_pool_gather, max_pool_scatter, sum_pool, sum_pool_input_grad

KERNELS: Mapping[str, Callable[..., Any]] = {
    kernel.__name__: kernel
    for kernel in (
        adam_step,
        all_finite,
        amsgrad_step,
        any_non_finite,
        batch_norm,
        batch_norm_grad,
        gather_images,
        gradient_descent,
        max_pool,
        max_pool_gather,
        max_pool_scatter,
        momentum_descent,
        random_mask,
        softmax_cross_entropy,
        sum_pool,
        sum_pool_input_grad,
    )
}

FUSED: Mapping[str, Callable[..., Any]] = {
    kernel.__name__: kernel
    for kernel in (
        add_bias,
        batch_norm_relu,
        batch_norm_relu_grad,
        cross_entropy_of_labels,
        cross_entropy_of_labels_grad,
        matmul_bias,
        relu_grad,
        softmax_cross_entropy_grad,
    )
}
