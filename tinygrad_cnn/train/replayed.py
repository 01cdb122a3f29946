"""A step of the training loop, captured where that is possible."""

from __future__ import annotations

import warnings
from collections.abc import Callable

from tinygrad_cnn._capture import CaptureWarning, capture
from tinygrad_cnn._source import user_stacklevel
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import CaptureError


class Replayed:
    """A step that is captured if it can be, and says so once if it cannot."""

    def __init__(self, step: Callable[..., tuple[Tensor, Tensor]], captured: bool | None) -> None:
        self._eagerly = step
        self._step = step if captured is False else capture(step)
        self._must = captured is True

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        try:
            return self._step(x, y)
        except CaptureError as error:
            if self._must:
                raise
            warnings.warn(
                f"training runs eagerly, because a step cannot be recorded and replayed:\n{error}\n"
                "Trainer(capture=False) says that this is as it should be.",
                CaptureWarning,
                stacklevel=user_stacklevel(),  # the line that called `fit`
            )
            self._step = self._eagerly
            return self._step(x, y)
