"""What layers without weights are: a function of `functional`, and the settings to call it with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_cnn.nn.module import Module


class FunctionModule(Module):
    """Keeps a function's settings as attributes, which may be changed, and hands them over at each call.

    A layer names its function, and keeps its settings under the names of the function's arguments:

        class ELU(FunctionModule):
            function = F.elu

            def __init__(self, alpha: float = 1.0) -> None:
                super().__init__()
                self._keep(alpha=alpha)

    Attributes:
        function: called with the tensors that the layer is called with, and the settings.
        shown: the names of the settings that `repr` shows; None for all of them.
    """

    function: ClassVar[Callable[..., Any]]
    shown: tuple[str, ...] | None = None
    _settings: tuple[str, ...] = ()

    def _keep(self, **settings: Any) -> None:
        for name, value in settings.items():
            setattr(self, name, value)
        self._settings = tuple(settings)

    def forward(self, *tensors: Any, **more: Any) -> Any:
        settings = {name: getattr(self, name) for name in self._settings}
        return type(self).function(*tensors, **settings, **more)

    def extra_repr(self) -> str:
        names = self._settings if self.shown is None else self.shown
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
