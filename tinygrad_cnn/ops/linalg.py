"""Matrix products.

    out[i, j] = Σₖ x[i, k] · y[k, j]        ∂L/∂x = g yᵀ        ∂L/∂y = xᵀ g

Follow the indices: g is (i, j), y is (k, j); the only product of the two with x's indices (i, k) is g yᵀ.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import attach_operator, function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Dims, HasSpec, Shape, Spec, broadcast, normalize_dims, same_floating
from tinygrad_cnn.errors import ArgumentTypeError, ShapeError
from tinygrad_cnn.ops._infer import ALONG, reduced_floating
from tinygrad_cnn.ops.arithmetic import abs as absolute
from tinygrad_cnn.ops.arithmetic import div, mul
from tinygrad_cnn.ops.comparison import eq, where
from tinygrad_cnn.ops.extremes import amax, amin
from tinygrad_cnn.ops.movement import reshape, sum_to, transpose
from tinygrad_cnn.ops.reduce import restore
from tinygrad_cnn.ops.reduce import sum as sum_over


def _matmul_shape(x: HasSpec, y: HasSpec) -> Spec:
    if x.dtype is not y.dtype:
        same_floating(x, y, names=("x", "y"))
    if not x.shape or not y.shape:
        raise ShapeError(
            "a matrix product needs at least one dimension on each side",
            argument="x" if not x.shape else "y",
            expected="vectors, matrices or stacks of matrices",
            got=f"{x.shape} @ {y.shape}",
            hint="use * to multiply by a scalar",
        )
    rows, inner = _as_matrix(x.shape, left=True)[-2:]
    inner_y, columns = _as_matrix(y.shape, left=False)[-2:]
    if inner != inner_y:
        raise ShapeError(
            f"rows of length {inner} meet columns of length {inner_y}",
            argument="y",
            expected=f"a second-to-last size of {inner}" if len(y.shape) > 1 else f"length {inner}",
            got=f"{x.shape} @ {y.shape}",
            hint="transpose one of them? x @ y.T",
        )
    stacked = broadcast(x.shape[:-2], y.shape[:-2], names=("x (stack of matrices)", "y (stack of matrices)"))
    kept = (rows,) * (len(x.shape) > 1) + (columns,) * (len(y.shape) > 1)
    return Spec((*stacked, *kept), x.dtype)


def _as_matrix(shape: Shape, *, left: bool) -> Shape:
    """A vector is a row on the left of a product and a column on its right."""
    if len(shape) > 1:
        return shape
    return (1, *shape) if left else (*shape, 1)


@op(
    symbol="@",
    infer=_matmul_shape,
    method=True,
    samples=[
        Sample(reals(2, 3), reals(3, 4)),
        Sample(reals(3), reals(3)),
        Sample(reals(3), reals(3, 2)),
        Sample(reals(2, 3), reals(3)),
        Sample(reals(3), reals(2, 3, 4)),
        Sample(reals(2, 1, 3, 2), reals(4, 2, 3)),
        Sample(reals(0, 3), reals(3, 2)),
    ],
)
def matmul(B, x, y):
    """The matrix product, also written x @ y: vectors, matrices, and stacks of matrices that broadcast.

    (n, k) @ (k, m) → (n, m); dimensions before the last two are stacks: (*, n, k) @ (*, k, m) → (*, n, m).

    Raises:
        ShapeError: rows and columns of different lengths, or a 0-d operand.
        DTypeError: two dtypes; a matrix product does not mix them.

    >>> import tinygrad_cnn as tc
    >>> W = tc.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tc.matmul(W, tc.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    return B.xp.matmul(x, y)


def _lifted(g: Tensor, x: HasSpec, y: HasSpec) -> Tensor:
    """g with the row or column dimension that a vector operand does not have."""
    shape = _matmul_shape(
        Spec(_as_matrix(x.shape, left=True), x.dtype), Spec(_as_matrix(y.shape, left=False), y.dtype)
    ).shape
    return g if g.shape == shape else reshape(g, shape=shape)


@matmul.gradient("x", "∂L/∂x = g yᵀ")
def _(g, node, y):
    x = node.spec("x")
    columns = reshape(y, shape=_as_matrix(y.shape, left=False)) if y.ndim == 1 else y
    full = matmul(_lifted(g, x, y), transpose(columns, -2, -1))
    return _back_to(full, x.shape, left=True)


@matmul.gradient("y", "∂L/∂y = xᵀ g")
def _(g, node, x):
    y = node.spec("y")
    rows = reshape(x, shape=_as_matrix(x.shape, left=True)) if x.ndim == 1 else x
    full = matmul(transpose(rows, -2, -1), _lifted(g, x, y))
    return _back_to(full, y.shape, left=False)


def _back_to(full: Tensor, shape: Shape, *, left: bool) -> Tensor:
    """Sum over broadcast stacks, and drop the dimension a vector was lent."""
    matrix = _as_matrix(shape, left=left)
    summed = full if full.shape == matrix else sum_to(full, shape=matrix)
    return summed if summed.shape == shape else reshape(summed, shape=shape)


attach_operator("matmul", matmul)


@function(method=True)
def outer(x: Tensor, y: Tensor) -> Tensor:
    """The table of all products of two vectors: out[i, j] = x[i] · y[j].

    >>> import tinygrad_cnn as tc
    >>> tc.outer(tc.tensor([1.0, 2.0]), tc.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    for name, vector in (("x", x), ("y", y)):
        if vector.ndim != 1:
            raise ShapeError(
                "outer takes two vectors", argument=name, expected="1 dimension", got=vector.shape
            )
    return mul(reshape(x, shape=(-1, 1)), y)


# --- norms ----------------------------------------------------------------------------------------


@op(symbol="‖x‖", infer=reduced_floating, public=False, samples=ALONG[:3])
def euclidean_norm(B, x, *, dim=None, keepdim=False):
    """The square root of the sum of squares; its slope at 0 is taken as 0."""
    return B.xp.sqrt(B.xp.sum(x * x, axis=normalize_dims(dim, x.ndim), keepdims=keepdim))


@euclidean_norm.gradient("x", "∂L/∂x = g · x / ‖x‖, and 0 where ‖x‖ = 0")
def _(g, node, x, out, *, dim, keepdim):
    zero = eq(out, 0)
    return mul(restore(where(zero, 0, div(g, where(zero, 1, out))), x.shape, dim, keepdim), x)


@function(method=True)
def norm(x: Tensor, p: float = 2.0, dim: Dims = None, keepdim: bool = False) -> Tensor:
    """The p-norm (Σ |x|ᵖ)^(1/p) over `dim`; p may be 1, 2, any positive number or ±infinity.

    >>> import tinygrad_cnn as tc
    >>> tc.norm(tc.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if not isinstance(p, (int, float)) or p == 0:
        raise ArgumentTypeError("p must be a non-zero number", argument="p", expected="2, 1, inf, ...", got=p)
    if p == 2:
        return euclidean_norm(x, dim, keepdim)
    magnitude = absolute(x)
    if p in (math.inf, -math.inf):
        return (amax if p > 0 else amin)(magnitude, dim, keepdim)
    if p == 1:
        return sum_over(magnitude, dim, keepdim)
    return sum_over(magnitude**p, dim, keepdim) ** (1 / p)
