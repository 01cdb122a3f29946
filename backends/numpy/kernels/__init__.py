"""Kernels of the NumPy backend that replace the readable ones: same results, several times the speed.

Each is a plain function, looked up by the name of the operation it replaces. To see what an operation
*means*, read its readable kernel in `tinygrad_cnn/ops`; to see how a processor likes to compute it, read

    memory.py       the order of the numbers in memory, on which everything else rests: start here
    pool.py         a loop over the cells of a window instead of over the windows
    conv.py         convolution as matrix products
    normalize.py    batch normalisation in blocks that fit into the cache
    elementwise.py  deciding without a branch
    threads.py      how many threads compute

`tc.use_backend("numpy", overrides=False)` computes without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .conv import conv, conv_input_grad, conv_weight_grad
from .elementwise import relu, where
from .normalize import batch_norm, batch_norm_grad
from .pool import max_pool, max_pool_gather, max_pool_scatter, sum_pool, sum_pool_input_grad

KERNELS: Mapping[str, Callable[..., Any]] = {
    kernel.__name__: kernel
    for kernel in (
        batch_norm,
        batch_norm_grad,
        conv,
        conv_input_grad,
        conv_weight_grad,
        max_pool,
        max_pool_gather,
        max_pool_scatter,
        relu,
        sum_pool,
        sum_pool_input_grad,
        where,
    )
}
