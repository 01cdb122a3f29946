"""What a function gives that finds elements and tells where they stood."""

from __future__ import annotations

from typing import NamedTuple

from tinygrad_cnn._tensor import Tensor


class ValuesAndIndices(NamedTuple):
    """The elements that were chosen, and their places: `t.max(dim=1).indices`, or `values, indices = ...`."""

    values: Tensor
    indices: Tensor
