"""Another dtype, another backend: `t.to("float64")`, `t.to("cupy")`; and PyTorch's short names for it."""

from __future__ import annotations

import builtins

from tinygrad_cnn import dtypes
from tinygrad_cnn._op import attach, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import (
    DTYPES,
    DTypeLike,
    Spec,
    as_dtype,
    bool_,
    float16,
    float32,
    float64,
    int32,
    int64,
)
from tinygrad_cnn.errors import GradientError


@op(
    symbol="cast",
    infer=lambda x, *, dtype: Spec(x.shape, dtype),
    public=False,
    samples=[Sample(reals(2, 3), dtype=DTYPES["float64"]), Sample(reals(2), dtype=DTYPES["int64"])],
)
def cast(B, x, *, dtype):
    """The same numbers in another dtype; towards zero when they become integers."""
    return B.xp.astype(x, B.array_dtype(dtype), copy=True)


@cast.gradient("x", "∂L/∂x = g, in the dtype of x")
def _(g, node):
    return cast(g, dtype=node.spec("x").dtype)


@attach
def to(self: Tensor, target: DTypeLike | Backend) -> Tensor:
    """Another dtype (`t.to("float64")`, `t.to(tc.int64)`) or another backend (`t.to("cupy")`).

    A change of dtype is differentiable. Only leaves move between backends: a moved parameter is a new leaf.

    Raises:
        UnknownName, BackendUnavailable: no such dtype or backend, or one that cannot run here.
        GradientError: a result of operations was to move between backends.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([1.7, -1.7]).to("int64")
    tensor([ 1, -1])
    """
    if isinstance(target, Backend) or (isinstance(target, str) and target not in DTYPES):
        return _to_backend(self, target)
    dtype = as_dtype(target)
    if dtype is self.dtype:
        return self
    result = cast(self, dtype=dtype)
    return result if dtype.is_floating else result.detach()


def _to_backend(self: Tensor, name: str | Backend) -> Tensor:
    target = get_backend(name)
    if target is self.backend:
        return self
    if not self.is_leaf and self.requires_grad:
        raise GradientError(
            "only leaves move between backends",
            got=f"the result of {self.node.name}",
            hint="t.detach().to(...)",
        )
    if target.executes:  # a tensor without values says so here
        array = target.asarray(self.numpy(), self.dtype)
    else:
        array = target.full(self.shape, 0, self.dtype)
    moved = Tensor(array, self.shape, self.dtype, target)
    moved.name = self.name
    return moved.requires_grad_(self.requires_grad)


# --- short names ----------------------------------------------------------------------------------


@attach
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """In the dtype of another tensor.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(3).type_as(tc.zeros(1))
    tensor([0., 1., 2.])
    """
    return to(self, other.dtype)


@attach
def contiguous(self: Tensor) -> Tensor:
    """The tensor itself: how a backend lays numbers out in memory never shows.

    >>> import tinygrad_cnn as tc
    >>> x = tc.zeros(2, 3)
    >>> x.contiguous() is x
    True
    """
    return self


@attach
def dim(self: Tensor) -> builtins.int:
    """The number of dimensions, as `ndim`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).dim()
    2
    """
    return self.ndim


@attach
def nelement(self: Tensor) -> builtins.int:
    """How many elements it holds, as `numel()`.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2, 3).nelement()
    6
    """
    return self.numel()


@attach
def is_floating_point(self: Tensor) -> builtins.bool:
    """Whether its elements are floating-point numbers.

    >>> import tinygrad_cnn as tc
    >>> tc.zeros(2).is_floating_point(), tc.arange(2).is_floating_point()
    (True, False)
    """
    return self.dtype.is_floating


@attach
def half(self: Tensor) -> Tensor:
    """In float16.

    >>> import tinygrad_cnn as tc
    >>> tc.ones(2).half().dtype
    tinygrad_cnn.float16
    """
    return to(self, float16)


@attach
def bfloat16(self: Tensor) -> Tensor:
    """In bfloat16.

    >>> import tinygrad_cnn as tc
    >>> tc.ones(2, backend="meta").bfloat16().dtype
    tinygrad_cnn.bfloat16
    """
    return to(self, dtypes.bfloat16)


@attach
def float(self: Tensor) -> Tensor:
    """In float32.

    >>> import tinygrad_cnn as tc
    >>> tc.arange(3).float()
    tensor([0., 1., 2.])
    """
    return to(self, float32)


@attach
def double(self: Tensor) -> Tensor:
    """In float64.

    >>> import tinygrad_cnn as tc
    >>> tc.ones(2).double().dtype
    tinygrad_cnn.float64
    """
    return to(self, float64)


@attach
def int(self: Tensor) -> Tensor:
    """In int32, towards zero.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([1.7, -1.7]).int().tolist()
    [1, -1]
    """
    return to(self, int32)


@attach
def long(self: Tensor) -> Tensor:
    """In int64, towards zero: the dtype of labels and indices.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([1.7, -1.7]).long()
    tensor([ 1, -1])
    """
    return to(self, int64)


@attach
def bool(self: Tensor) -> Tensor:
    """True where it is not 0.

    >>> import tinygrad_cnn as tc
    >>> tc.tensor([0.0, 0.5]).bool()
    tensor([False,  True])
    """
    return to(self, bool_)
