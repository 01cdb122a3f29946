"""The operations, one file a family, each declared once.

    arithmetic    sums, products, the larger of two, rounding
    elementwise   powers, exponentials, logarithms, roots, waves
    comparison    comparisons, logic, where
    activation    ReLU, sigmoid, tanh, clamp ...
    cast          another dtype, another backend
    reduce        sums, means, variances, products along dimensions
    extremes      the largest and the smallest, and where they stand
    movement      reshape, permute, expand
    joining       cat, stack, split, pad
    indexing      slices, integer arrays, masks
    gather        gather, scatter, sort, top k
    linalg        matrix products, norms
    window        convolution, and how its gradients are convolutions again
    pool          max and sum pooling
    normalize     batch normalization
    loss          softmax and cross-entropy
    random        numbers from a seed and a counter
    creation      zeros, ones, ranges
    state         assign, the only operation that changes memory

Importing this package attaches the methods to Tensor. Everything announced with `@op(...)` or
`@function()` is a public name of this package, read from the registry.
"""

from tinygrad_cnn._op import FUNCTIONS
from tinygrad_cnn.ops import (
    activation,
    arithmetic,
    cast,
    comparison,
    creation,
    elementwise,
    extremes,
    gather,
    indexing,
    joining,
    linalg,
    loss,
    movement,
    normalize,
    pool,
    random,
    reduce,
    state,
    window,
)

globals().update(FUNCTIONS)
__all__ = sorted(FUNCTIONS)
