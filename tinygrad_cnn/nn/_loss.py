"""What all losses are as modules: a function of `functional`, and the arguments to call it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.nn.module import Module


class Loss(Module):
    """Keeps a function's options as attributes, which may be changed, and hands them over at each call.

    Called with the tensors that the function takes first: `criterion(input, target)`.
    """

    function: ClassVar[Callable[..., Tensor]]  # a staticmethod of every subclass

    def __init__(self, **options: Any) -> None:
        super().__init__()
        for name, value in options.items():
            if name in ("weight", "pos_weight"):
                self.register_buffer(name, value)  # travels and is saved with the module
            else:
                setattr(self, name, value)
        self._options = tuple(options)

    def forward(self, *tensors: Tensor, **named: Tensor) -> Tensor:
        options = {name: getattr(self, name) for name in self._options}
        return self.function(*tensors, **named, **options)
