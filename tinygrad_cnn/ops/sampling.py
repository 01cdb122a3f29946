"""Drawing: integers, permutations, coin tosses, all made of the uniform numbers of `rand`.

So they follow `manual_seed`, and one seed gives the same draws on every backend.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import function
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import DTypeLike, as_index, as_shape, float64, int64, require_floating
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn.ops.comparison import le, logical_and, lt
from tinygrad_cnn.ops.random import rand, randn
from tinygrad_cnn.ops.reduce import all as all_over
from tinygrad_cnn.ops.sorting import argsort


@function()
def rand_like(x: Tensor, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Numbers uniform in [0, 1), in the shape of x, with its dtype if no other is named.

    >>> import tinygrad_cnn as tc
    >>> tc.rand_like(tc.zeros(2, 3)).shape
    (2, 3)
    """
    return rand(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, backend=x.backend)


@function()
def randn_like(x: Tensor, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Numbers from the standard normal distribution, in the shape of x, with its dtype if no other is named.

    >>> import tinygrad_cnn as tc
    >>> tc.randn_like(tc.zeros(2, 3)).shape
    (2, 3)
    """
    return randn(x.shape, dtype=dtype or x.dtype, requires_grad=requires_grad, backend=x.backend)


@function()
def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: DTypeLike = int64,
    backend: str | Backend | None = None,
) -> Tensor:
    """Integers low .. high − 1, each as likely as any other: `randint(low, high, size)`.

    `randint(high, size)` begins at 0.

    Raises:
        ArgumentError: no integer lies between low and high.

    >>> import tinygrad_cnn as tc
    >>> dice = tc.randint(1, 7, (100,))
    >>> bool(((dice >= 1) & (dice <= 6)).all())
    True
    """
    if size is None and isinstance(high, (tuple, list)):
        low, high, size = 0, low, high
    if size is None:
        raise ArgumentTypeError("how many integers?", argument="size", expected="a shape", got=size)
    first, end = as_index(low, argument="low"), as_index(high, argument="high")
    if not first < end:
        raise ArgumentError("no integer lies between", argument="high", expected=f"> {first}", got=end)
    uniform = rand(as_shape(size, argument="size"), dtype=float64, backend=backend)
    return ((uniform * (end - first)).floor() + first).to(dtype)


@function()
def randperm(n: int, *, dtype: DTypeLike = int64, backend: str | Backend | None = None) -> Tensor:
    """The integers 0 .. n − 1 in random order.

    >>> import tinygrad_cnn as tc
    >>> sorted(tc.randperm(5).tolist())
    [0, 1, 2, 3, 4]
    """
    return argsort(rand(as_shape(n, argument="n"), dtype=float64, backend=backend), 0).to(dtype)


@function()
def bernoulli(x: Tensor) -> Tensor:
    """1 with the probability that x gives for each element, else 0; a constant, in the dtype of x.

    Raises:
        ArgumentError: something that is no probability.

    >>> import tinygrad_cnn as tc
    >>> tc.bernoulli(tc.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    require_floating(x, "x")
    p = x.detach()
    if p.backend.executes and not bool(all_over(logical_and(le(0, p), le(p, 1)))):
        raise ArgumentError("a probability lies between 0 and 1", argument="x", expected="0 .. 1")
    return lt(rand_like(p, dtype=float64), p).to(x.dtype)
