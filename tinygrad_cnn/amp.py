"""Mixed precision: most of a network in 16 bits, and what would suffer from it in 32.

    with tc.amp.autocast(tc.bfloat16):
        loss = F.cross_entropy(model(x), y)     # convolutions and matrix products in bfloat16
    loss.backward()                             # weights, gradients and the optimizer's state in float32
    optimizer.step()

A GPU multiplies 16-bit floats many times as fast as float32, and they take half the memory. A floating-point
number is ± fraction · 2^exponent, and 16 bits can be dealt to the two in different ways:

    dtype       exponent   fraction   smallest   largest    1 and the next number are apart by
    float32       8 bits    23 bits    1.2e-38    3.4e38     0.00000012
    bfloat16      8 bits     7 bits    1.2e-38    3.4e38     0.0078
    float16       5 bits    10 bits    6.1e-05    65504      0.00098      (in smaller steps down to 6.0e-08)

Three things go wrong when everything is just cast, and each has its remedy:

    w − lr · g is w again   A step changes a weight by perhaps a thousandth of it, less than bfloat16 can
                            tell. So weights stay in float32 ("master weights"), and are cast to 16 bits anew
                            in every forward pass. The cast is an operation of the graph, so the gradient
                            comes back through it, to float32. That is what `autocast` does.
    256 + 1 is 256          In bfloat16. So sums are kept in float32 and rounded at their end; losses, powers,
                            logarithms and statistics are computed in float32 altogether.
    gradients become 0      Many are below 6e-8, the smallest number that float16 has. The loss is multiplied
                            by a large number, and with it, by the chain rule, every gradient; before the
                            step they are divided by it. That is what `GradScaler` does. bfloat16 has the
                            exponents of float32 and needs none of it.

On a processor nothing gets faster, because it computes in float32 all the same; but the numbers are those
that a GPU would round to.

Sources: Micikevicius et al., "Mixed Precision Training", ICLR 2018, arXiv:1710.03740; Kalamkar et al., "A
Study of BFLOAT16 for Deep Learning Training", 2019, arXiv:1905.12322.
"""

from __future__ import annotations

import inspect
from contextlib import ContextDecorator
from contextvars import Token
from typing import Any

from tinygrad_cnn import _context
from tinygrad_cnn._advice import DEVICES
from tinygrad_cnn._context import Context
from tinygrad_cnn._grad_scaler import GradScaler
from tinygrad_cnn._signature import Explaining
from tinygrad_cnn.dtypes import DType, DTypeLike, as_dtype, bfloat16
from tinygrad_cnn.errors import DTypeError
from tinygrad_cnn.optim.options import switch

__all__ = ["GradScaler", "autocast"]


class autocast(ContextDecorator, metaclass=Explaining):  # noqa: N801 - the field's name for it
    """Compute in 16 bits in this block what suffers little from it (also a decorator).

    Convolutions, matrix products and what is made of them cast their inputs to `dtype`. Powers, exponentials,
    logarithms, sums, norms and losses cast 16-bit inputs to float32. All other operations take what comes,
    and of several dtypes the widest. Batch normalization takes 16-bit images with float32 weights and
    statistics. float64 is left alone.

    Only forward passes belong into the block. `backward()` computes in the dtypes of the forward pass, inside
    of the block and outside.

    Args:
        dtype: `tc.bfloat16` or `tc.float16`.
        enabled: False computes in this block as if there were no autocast around it.

    Raises:
        DTypeError: a dtype that has not 16 bits.
        ArgumentTypeError: `enabled` is neither True nor False.

    >>> import tinygrad_cnn as tc
    >>> layer, x = tc.nn.Linear(2, 3), tc.ones(4, 2)
    >>> with tc.amp.autocast(tc.float16):
    ...     y = layer(x)
    >>> loss = y.float().sum()
    >>> loss.backward()
    >>> y.dtype, layer.weight.dtype, layer.weight.grad.dtype
    (tinygrad_cnn.float16, tinygrad_cnn.float32, tinygrad_cnn.float32)
    """

    advice = dict.fromkeys(DEVICES, "it computes where the tensors are: autocast(tc.float16)")

    def __init__(self, dtype: DTypeLike = bfloat16, enabled: bool = True) -> None:
        self.dtype = self._narrow(dtype)
        self.enabled = switch("enabled", enabled)
        self._tokens: list[Token[Context]] = []

    def _narrow(self, dtype: Any) -> DType:
        try:
            found = as_dtype(dtype)
            if found.is_narrow:
                return found
        except DTypeError:
            found = dtype  # something else altogether
        is_function = inspect.isroutine(dtype)
        raise DTypeError(
            "autocast computes in floats of 16 bits",
            argument="dtype",
            expected="bfloat16 or float16",
            got=f"the function {dtype.__name__}" if is_function else found,
            hint="brackets make it a decorator: @autocast()" if is_function else self.advice.get(str(dtype)),
        )

    def __enter__(self) -> None:
        context = _context.current()._replace(autocast=self.dtype if self.enabled else None)
        self._tokens.append(_context.enter(context))

    def __exit__(self, *exception: object) -> None:
        _context.leave(self._tokens.pop())

    def _recreate_cm(self) -> autocast:
        return autocast(self.dtype, self.enabled)  # a decorated function may run in several threads at once
