"""Another dtype, another backend: `t.to("float64")`, `t.to("cupy")`."""

from __future__ import annotations

from tinygrad_cnn._op import attach, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, get_backend
from tinygrad_cnn.dtypes import DTYPES, DTypeLike, Spec, as_dtype
from tinygrad_cnn.errors import GradientError


@op(
    symbol="cast",
    infer=lambda x, *, dtype: Spec(x.shape, dtype),
    public=False,
    samples=[Sample(reals(2, 3), dtype=DTYPES["float64"]), Sample(reals(2), dtype=DTYPES["int64"])],
)
def cast(B, x, *, dtype):
    """The same numbers in another dtype; towards zero when they become integers."""
    return B.xp.astype(x, getattr(B.xp, dtype.name), copy=True)


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
