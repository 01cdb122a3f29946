"""What all losses are as modules: `criterion = nn.MSELoss()`, then `loss = criterion(input, target)`."""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.nn._function import FunctionModule


class Loss(FunctionModule):
    """A function that is called with the tensors to compare; weights of classes travel with the module."""

    shown = ()

    def _keep(self, **settings: Any) -> None:
        for name in ("weight", "pos_weight"):
            if name in settings:
                self.register_buffer(name, settings[name])
        super()._keep(**settings)
