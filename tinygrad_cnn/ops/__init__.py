"""The operations, one file a family, each declared once.

    arithmetic    sums, products, what is left over, the larger of two
    rounding      step functions, and what they cut off
    elementwise   powers, exponentials, logarithms, roots
    trigonometry  sine, cosine and their kin
    numbers       small functions of numbers: lerp, logaddexp, isclose ...
    bitwise       and, or, xor, not, bit by bit
    comparison    comparisons, logic, where
    activation    ReLU, sigmoid, tanh, clamp ...
    cast          another dtype, another backend
    reduce        sums, means, variances, products along dimensions
    extremes      the largest and the smallest, and where they stand
    scan          cumulative sums, products, extremes
    sorting       sort, top k, unique
    statistics    median, quantiles, counts
    norms         how long a vector is
    movement      clone, reshape, permute
    stretching    expand, and the sum that undoes it
    rearrange     dimensions moved, other shapes
    mirror        flip, roll
    repeating     copies: repeat, tile, grids
    joining       cat, stack, split, pad
    stacking      joining and cutting by NumPy's names
    indexing      elements picked by slices and by indices
    subscript     x[...]
    selection     indexing by name: select, narrow, masks
    gather        reading and writing by index
    triangle      diagonals and triangles of matrices
    linalg        matrix products
    einsum        products and sums told by letters
    window        convolution, and how its gradients are convolutions again
    patches       windows as columns (im2col), and back
    pool          max and sum pooling
    normalize     standardizing, batch normalization
    embedding     rows of a table, looked up by number
    loss          softmax and cross-entropy
    probability   binary cross-entropy, and whether a number is a probability
    checks        whether all numbers are finite
    random        numbers from a seed and a counter
    sampling      integers, permutations, coin tosses
    creation      zeros, ones, ranges
    state         assign, the only operation that changes memory

Importing this package attaches the methods to Tensor. Everything announced with `@op(...)` or
`@function()` is a public name of this package, read from the registry.
"""

from tinygrad_cnn._op import FUNCTIONS
from tinygrad_cnn.ops import (
    activation,
    arithmetic,
    bitwise,
    cast,
    checks,
    comparison,
    creation,
    einsum,
    elementwise,
    embedding,
    extremes,
    gather,
    indexing,
    joining,
    linalg,
    loss,
    mirror,
    movement,
    normalize,
    norms,
    numbers,
    patches,
    pool,
    probability,
    random,
    rearrange,
    reduce,
    repeating,
    rounding,
    sampling,
    scan,
    selection,
    sorting,
    stacking,
    state,
    statistics,
    stretching,
    subscript,
    triangle,
    trigonometry,
    window,
)

globals().update(FUNCTIONS)
__all__ = sorted(FUNCTIONS)
