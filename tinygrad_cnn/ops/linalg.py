"""Matrix products.

    out[i, j] = Σₖ x[i, k] · y[k, j]        ∂L/∂x = g yᵀ        ∂L/∂y = xᵀ g

Follow the indices: g is (i, j), y is (k, j); the only product of the two with x's indices (i, k) is g yᵀ.
"""

from __future__ import annotations

from string import ascii_letters
from typing import Any

from tinygrad_cnn._autocast import narrowed
from tinygrad_cnn._op import attach_operator, function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Shape, Spec, as_index, broadcast, normalize_dims, same_floating
from tinygrad_cnn.errors import ArgumentError, DimensionError, ShapeError
from tinygrad_cnn.ops.arithmetic import add, mul
from tinygrad_cnn.ops.einsum import contract
from tinygrad_cnn.ops.movement import reshape, transposed
from tinygrad_cnn.ops.stretching import sum_to


def _matmul_shape(x: HasSpec, y: HasSpec) -> Spec:
    if x.dtype is not y.dtype:
        same_floating(x, y, names=("x", "y"))
    if len(x.shape) == 2 == len(y.shape) and x.shape[1] == y.shape[0]:  # the commonest case, and quickly told
        return Spec((x.shape[0], y.shape[1]), x.dtype)
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
    autocast="narrow",
    method=True,
    samples=[
        Sample(reals(2, 3), reals(3, 4)),
        Sample(reals(3, 3), reals(3, 3)),
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
    if len(x.shape) > 1 and len(y.shape) > 1:
        return g
    shape = _matmul_shape(
        Spec(_as_matrix(x.shape, left=True), x.dtype), Spec(_as_matrix(y.shape, left=False), y.dtype)
    ).shape
    return g if g.shape == shape else reshape(g, shape=shape)


@matmul.gradient("x", "∂L/∂x = g yᵀ")
def _(g, node, y):
    x = node.spec("x")
    columns = reshape(y, shape=_as_matrix(y.shape, left=False)) if y.ndim == 1 else y
    full = matmul(_lifted(g, x, y), transposed(columns))
    return _back_to(full, x.shape, left=True)


@matmul.gradient("y", "∂L/∂y = xᵀ g")
def _(g, node, x):
    y = node.spec("y")
    rows = reshape(x, shape=_as_matrix(x.shape, left=True)) if x.ndim == 1 else x
    full = matmul(transposed(rows), _lifted(g, x, y))
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


@function()
def tensordot(x: Tensor, y: Tensor, dims: Any = 2) -> Tensor:
    """The sum of products over the last `dims` dimensions of x and the first of y, or over pairs of lists.

    Args:
        x, y: of one dtype; the dimensions that are summed over have equal sizes.
        dims: how many dimensions, or two lists of equal length: those of x and those of y.

    >>> import tinygrad_cnn as tc
    >>> images, filters = tc.ones(2, 3, 4, 4), tc.ones(5, 3, 4, 4)
    >>> tc.tensordot(images, filters, dims=([1, 2, 3], [1, 2, 3])).shape
    (2, 5)
    """
    if isinstance(dims, (list, tuple)):
        of_x, of_y = ([one] if isinstance(one, int) else list(one) for one in dims)
    else:
        n = as_index(dims, argument="dims")
        if not 0 <= n <= min(x.ndim, y.ndim):
            raise DimensionError(
                f"{n} dimensions of {x.shape} and {y.shape}",
                argument="dims",
                expected=f"0 .. {min(x.ndim, y.ndim)}",
                got=n,
            )
        of_x, of_y = list(range(x.ndim - n, x.ndim)), list(range(n))
    if len(of_x) != len(of_y):
        raise ArgumentError(
            "every dimension of x meets one of y",
            argument="dims",
            expected="two lists of one length",
            got=dims,
        )
    normalize_dims(of_x, x.ndim, argument="dims")
    normalize_dims(of_y, y.ndim, argument="dims")
    letters = ascii_letters[: x.ndim + y.ndim]
    left, right = list(letters[: x.ndim]), list(letters[x.ndim :])
    for mine, other in zip(of_x, of_y, strict=True):
        right[other] = left[mine]
    result = [c for c in left + right if (c in left) != (c in right)]
    return contract(x, y, equation=f"{''.join(left)},{''.join(right)}->{''.join(result)}")


@function(method=True)
def kron(x: Tensor, y: Tensor) -> Tensor:
    """Kronecker's product: every element of x times the whole of y, block by block.

    >>> import tinygrad_cnn as tc
    >>> tc.kron(tc.eye(2), tc.tensor([[1.0, 2.0]]))
    tensor([[1., 2., 0., 0.],
            [0., 0., 1., 2.]])
    """
    ndim = max(x.ndim, y.ndim)
    left, right = ((1,) * (ndim - t.ndim) + t.shape for t in (x, y))
    spread_x = reshape(x, [size for one in left for size in (one, 1)])
    spread_y = reshape(y, [size for one in right for size in (1, one)])
    return reshape(mul(spread_x, spread_y), [a * b for a, b in zip(left, right, strict=True)])


# --- matmul for operands of fixed dimensions ------------------------------------------------------


def _require_ndim(ndims: tuple[int, int], **operands: Tensor) -> None:
    kinds = {1: "a vector", 2: "a matrix", 3: "a stack of matrices"}
    for ndim, (name, operand) in zip(ndims, operands.items(), strict=True):
        if operand.ndim != ndim:
            raise ShapeError(
                f"{name} must be {kinds[ndim]}",
                argument=name,
                expected=f"{ndim} dimension{'s' if ndim > 1 else ''}",
                got=operand.shape,
                hint="x @ y takes operands of any dimensions",
            )


@function(method=True)
def dot(x: Tensor, y: Tensor) -> Tensor:
    """The sum of products of two vectors.

    >>> import tinygrad_cnn as tc
    >>> tc.dot(tc.tensor([1.0, 2.0]), tc.tensor([3.0, 4.0]))
    tensor(11.)
    """
    _require_ndim((1, 1), x=x, y=y)
    return matmul(x, y)


@function(method=True)
def mv(x: Tensor, vec: Tensor) -> Tensor:
    """A matrix times a vector: (n, m), (m) → (n).

    >>> import tinygrad_cnn as tc
    >>> tc.mv(tc.tensor([[1.0, 2.0], [3.0, 4.0]]), tc.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    _require_ndim((2, 1), x=x, vec=vec)
    return matmul(x, vec)


@function(method=True)
def mm(x: Tensor, mat2: Tensor) -> Tensor:
    """A matrix times a matrix: (n, k), (k, m) → (n, m).

    >>> import tinygrad_cnn as tc
    >>> tc.mm(tc.ones(2, 3), tc.ones(3, 4)).shape
    (2, 4)
    """
    _require_ndim((2, 2), x=x, mat2=mat2)
    return matmul(x, mat2)


@function(method=True)
def bmm(x: Tensor, mat2: Tensor) -> Tensor:
    """Matrix by matrix through two stacks of one length: (b, n, k), (b, k, m) → (b, n, m).

    >>> import tinygrad_cnn as tc
    >>> tc.bmm(tc.ones(5, 2, 3), tc.ones(5, 3, 4)).shape
    (5, 2, 4)
    """
    _require_ndim((3, 3), x=x, mat2=mat2)
    if x.shape[0] != mat2.shape[0]:
        raise ShapeError(
            "the stacks differ in length",
            argument="mat2",
            expected=f"{x.shape[0]} matrices",
            got=f"{mat2.shape[0]}",
            hint="x @ mat2 broadcasts stacks",
        )
    return matmul(x, mat2)


@function(method=True)
def addmm(x: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta · x + alpha · (mat1 @ mat2): what a linear layer computes.

    >>> import tinygrad_cnn as tc
    >>> tc.addmm(tc.tensor([10.0, 20.0]), tc.ones(2, 3), tc.ones(3, 2))
    tensor([[13., 23.],
            [13., 23.]])
    """
    x, mat1, mat2 = narrowed(x, mat1, mat2)
    product = mul(mm(mat1, mat2), alpha)
    # With beta = 0, x is ignored: not even its NaNs come through.
    return add(mul(x, beta), product) if beta else product
