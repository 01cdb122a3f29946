"""Initial weights with a pattern: the identity, a right angle everywhere, mostly zeros.

`tinygrad_cnn.nn.init` offers them beside those that differ in size alone.
"""

from __future__ import annotations

import math

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, count
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.nn import _draw
from tinygrad_cnn.nn._draw import filled
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.creation import arange, eye
from tinygrad_cnn.ops.joining import cat


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, 0 elsewhere: a linear layer that hands its input through.

    Raises:
        ShapeError: not a matrix.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.init.eye_(tc.zeros(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    _require_matrix(tensor)
    return filled(tensor, lambda: eye(*tensor.shape, dtype=tensor.dtype, backend=tensor.backend))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A 1 in the middle of each channel's own kernel: a convolution that hands its input through.

    Args:
        tensor: a weight (O, I, *K) with one to three dimensions K.
        groups: of the convolution; each group's channels are handed through.

    Raises:
        ShapeError: not such a weight.
        ArgumentError: the output channels cannot be divided into so many groups.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.init.dirac_(tc.zeros(2, 2, 3)).tolist()
    [[[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    if tensor.ndim not in (3, 4, 5):
        raise ShapeError(
            "a kernel has one, two or three dimensions",
            argument="tensor",
            expected="a weight (O, I, *K)",
            got=tensor.shape,
        )
    outputs, inputs, *kernel = tensor.shape
    if as_index(groups, argument="groups") < 1 or outputs % groups:
        raise ArgumentError(
            "every group has as many output channels as the others",
            argument="groups",
            expected=f"a divisor of {outputs}",
            got=groups,
        )

    def impulses() -> Tensor:
        same = eye(outputs // groups, inputs, dtype=tensor.dtype, backend=tensor.backend)
        weight = cat([same] * groups).reshape(outputs, inputs, *[1] * len(kernel))
        for axis, size in enumerate(kernel):
            middle = arange(size, backend=tensor.backend) == size // 2
            weight = weight * middle.reshape([size if i == axis else 1 for i in range(len(kernel))])
        return weight

    return filled(tensor, impulses)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01) -> Tensor:
    """Normal numbers, of which some in each column are 0: every input reaches only some of the units.

    Args:
        tensor: a matrix (O, I).
        sparsity: the share of zeros in each column, 0 ... 1; their number is rounded up.
        std: the standard deviation of the others.

    Raises:
        ShapeError: not a matrix.
        ArgumentError: sparsity is no share.

    Source: Martens, "Deep learning via Hessian-free optimization", ICML 2010, section 5.

    >>> import tinygrad_cnn as tc
    >>> (tc.nn.init.sparse_(tc.ones(10, 3), sparsity=0.25) == 0).sum(0)
    tensor([3, 3, 3])
    """
    _require_matrix(tensor)
    if not 0 <= sparsity <= 1:
        raise ArgumentError(
            "sparsity is the share of zeros", argument="sparsity", expected="0 <= sparsity <= 1", got=sparsity
        )
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    return filled(
        tensor,
        lambda: where(
            _draw.scattered(rows, columns, zeros),
            0.0,
            _draw.normal(rows, columns, dtype=tensor.dtype) * std,
        ),
    )


def orthogonal_(tensor: Tensor, gain: float = 1.0) -> Tensor:
    """A random matrix that keeps lengths and angles, times gain; numbers neither grow nor fade through it.

    Args:
        tensor: a weight (O, ...), which is filled as a matrix of O rows: they are orthonormal if there are
            no more of them than columns, otherwise the columns are.
        gain: the length of the rows or columns.

    Raises:
        ShapeError: fewer than two dimensions.

    Source: Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014, arXiv:1312.6120.

    >>> import tinygrad_cnn as tc
    >>> w = tc.nn.init.orthogonal_(tc.zeros(2, 3))
    >>> (w @ w.T - tc.eye(2)).abs().max().item() < 1e-6
    True
    """
    if tensor.ndim < 2:
        raise ShapeError(
            "a vector is not orthogonal to anything",
            argument="tensor",
            expected="at least two dimensions",
            got=tensor.shape,
        )
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.shape[0], count(tensor.shape[1:])
    return filled(
        tensor,
        lambda: _draw.orthogonal(rows, columns, dtype=tensor.dtype).reshape(tensor.shape) * gain,
    )


def _require_matrix(tensor: Tensor) -> None:
    if tensor.ndim != 2:
        raise ShapeError("a matrix is needed", argument="tensor", expected="(O, I)", got=tensor.shape)
