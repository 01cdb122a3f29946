"""Layers that enlarge images with nothing to learn: `functional.interpolate` as modules."""

from __future__ import annotations

import tinygrad_cnn.functional as F
from tinygrad_cnn.functional._spatial import Size
from tinygrad_cnn.functional.resampling import Scale
from tinygrad_cnn.nn._function import FunctionModule

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]


class Upsample(FunctionModule):
    """Lines, images or volumes in another size; arguments as for `functional.interpolate`.

    Shapes:
        (N, C, *S) → (N, C, *S').

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.Upsample(scale_factor=2, mode="bilinear")
    >>> layer, layer(tc.zeros(1, 3, 8, 8)).shape
    (Upsample(scale_factor=2.0, mode='bilinear'), (1, 3, 16, 16))
    """

    function = F.interpolate

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: Scale | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        if isinstance(scale_factor, (tuple, list)):
            scale_factor = tuple(float(factor) for factor in scale_factor)
        elif isinstance(scale_factor, int):
            scale_factor = float(scale_factor)
        super().__init__()
        self._keep(
            size=size,
            scale_factor=scale_factor,
            mode=mode,
            align_corners=align_corners,
            recompute_scale_factor=recompute_scale_factor,
        )
        self.shown = ("size" if scale_factor is None else "scale_factor", "mode")


class UpsamplingNearest2d(Upsample):
    """Images enlarged by repeating pixels; the same as `Upsample` with mode "nearest".

    >>> import tinygrad_cnn as tc
    >>> tc.nn.UpsamplingNearest2d(scale_factor=2)(tc.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Images enlarged with their corners kept; `Upsample` with mode "bilinear" and `align_corners`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.UpsamplingBilinear2d(size=(1, 3))(tc.tensor([[[[0.0, 4.0]]]]))
    tensor([[[[0., 2., 4.]]]])
    """

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
