"""Parameter: a tensor that a module learns."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.ops.creation import zeros_like

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that says of itself: train me.

    Assigned to an attribute of a `Module`, it is found by `module.parameters()`, saved by `state_dict()` and
    changed by optimizers. In every other way it is a tensor; what is computed with it are plain ones.

    Args:
        data: a tensor, whose memory is shared, or anything `tc.tensor` takes.
        requires_grad: False freezes it.

    Raises:
        DTypeError: integers cannot require a gradient.

    >>> import tinygrad_cnn as tc
    >>> w = tc.nn.Parameter(tc.zeros(2))
    >>> w, (w * 1)
    (tensor([0., 0.], requires_grad=True), tensor([0., 0.], from=mul))
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        value = data if isinstance(data, Tensor) else tensor(data)
        super().__init__(value.array, value.shape, value.dtype, value.backend, value.storage)
        self.name = value.name
        self.requires_grad_(requires_grad)


def forget_gradient(parameter: Tensor, set_to_none: bool) -> None:
    """No gradient any more, or one of zeros."""
    gradient = parameter.grad
    parameter.grad = None if set_to_none or gradient is None else zeros_like(gradient)
