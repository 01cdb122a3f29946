"""Where gradients lie that can be read after a captured step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from tinygrad_cnn._program import Value
from tinygrad_cnn.backend import Array
from tinygrad_cnn.dtypes import count

from ..kernels import upkeep
from ..kernels.optimizer import WEIGHTS


class FlatGradients:
    """Memory for what can be read after the step: an array for each dtype, and a view of it for each value.

    Gradients are given to the parameters as `.grad`, which somebody may keep longer than the plan. So they
    lie in ordinary memory, always in the same place; and side by side, so that machines that share a batch
    can add them up in one go.
    """

    def __init__(self, B: Any, values: Sequence[Value]) -> None:
        self._B = B
        self.views: dict[int, Array] = {}
        for dtype in dict.fromkeys(value.dtype for value in values):
            alike = [value for value in values if value.dtype is dtype]
            flat = B.full((sum(count(value.shape) for value in alike),), 0, dtype)
            start = 0
            for value in alike:
                stop = start + count(value.shape)
                self.views[value.number] = B.xp.reshape(flat[start:stop], value.shape)
                start = stop

    def bring(self, numbers: Sequence[int], arrays: Sequence[Array]) -> None:
        """Copy these values to where they can be read."""
        B = self._B
        by_dtype: dict[str, list[tuple[Array, Array]]] = defaultdict(list)
        for number, array in zip(numbers, arrays, strict=True):
            target = self.views[number]
            by_dtype[target.dtype.name if B.kernels else ""].append((array, target))
        for name, pairs in by_dtype.items():
            if name in WEIGHTS:
                upkeep.copy_arrays(*zip(*pairs, strict=True))
            else:
                for array, target in pairs:
                    B.assign(target, array)
