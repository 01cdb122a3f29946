"""Normalization layers that may remember the mean and variance of what they saw in training.

BatchNorm looks over the whole batch and all places, InstanceNorm over the places of one image.
"""

from __future__ import annotations

from typing import ClassVar

import tinygrad_cnn.functional as F
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DTypeLike, float32, int64
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.nn import init
from tinygrad_cnn.nn._weights import positive, reset_affine
from tinygrad_cnn.nn.module import Module
from tinygrad_cnn.nn.parameter import Parameter
from tinygrad_cnn.ops.creation import zeros

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "InstanceNorm3d",
]


class _ChannelStatistics(Module):
    """What batch and instance normalization share: for every channel a scale, a shift and statistics."""

    shapes: ClassVar[tuple[str, ...]]  # accepted inputs, for people

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        dtype: DTypeLike,
    ) -> None:
        super().__init__()
        (self.num_features,) = positive(num_features=num_features)
        self.eps, self.momentum = eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = Parameter(zeros(num_features, dtype=dtype)) if affine else None
        self.bias = Parameter(zeros(num_features, dtype=dtype)) if affine and bias else None
        track = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track else None)
        self.register_buffer("running_var", zeros(num_features, dtype=dtype) if track else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=int64) if track else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Begin anew: scale 1, shift 0, and nothing seen."""
        self.reset_running_stats()
        reset_affine(self.weight, self.bias)

    def reset_running_stats(self) -> None:
        """Forget what was seen in training: mean 0 and variance 1, of no batches."""
        for buffer in (self.running_mean, self.num_batches_tracked):
            if buffer is not None:
                init.zeros_(buffer)
        if self.running_var is not None:
            init.ones_(self.running_var)

    def _check(self, x: Tensor, channel_axis: int, ndims: tuple[int, ...]) -> None:
        if x.ndim not in ndims or x.shape[channel_axis] != self.num_features:
            shapes = " or ".join(self.shapes).replace("C", str(self.num_features))
            raise ShapeError(
                f"{type(self).__name__}({self.num_features}) does not take this input",
                argument="x",
                expected=shapes,
                got=x.shape,
            )

    def extra_repr(self) -> str:
        facts = f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}"
        return f"{facts}, bias={self.bias is not None}, track_running_stats={self.track_running_stats}"


# --- over the batch --------------------------------------------------------------------------------


class _BatchNorm(_ChannelStatistics):
    """What batch normalization of every number of dimensions shares."""

    ndims: ClassVar[tuple[int, ...]]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        self._check(x, 1, self.ndims)
        if not self.training or self.num_batches_tracked is None:
            return self._normalized(x, self.momentum or 0.0)
        batches = self.num_batches_tracked + 1
        # Without a momentum, the n-th batch counts 1/n: the plain average over all of them.
        momentum = 1 / batches.to(x.dtype) if self.momentum is None else self.momentum
        output = self._normalized(x, momentum)
        self.num_batches_tracked.assign(batches)
        return output

    def _normalized(self, x: Tensor, momentum: float | Tensor) -> Tensor:
        return F.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or self.running_mean is None,
            momentum=momentum,
            eps=self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalization of rows (N, C) or lines (N, C, L); arguments as for `BatchNorm2d`.

    >>> import tinygrad_cnn as tc
    >>> rows = tc.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> tc.nn.BatchNorm1d(2)(rows).detach()
    tensor([[-1., -1.],
            [ 1.,  1.]])
    """

    shapes = ("(N, C)", "(N, C, L)")
    ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Every channel gets mean 0 and variance 1 over batch and places, then a learned scale and shift.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance before its root is taken.
        momentum: the weight of a new batch in the running statistics; None for the plain average over all.
        affine: False leaves scale and shift out.
        track_running_stats: False keeps no statistics and always uses the batch's own.
        bias: False leaves out the shift alone.
        dtype: of parameters and statistics.

    Shapes:
        (N, C, H, W) → the same.

    Parameters and buffers:
        weight, bias: (C,), 1 and 0 at first.
        running_mean, running_var: (C,), 0 and 1 at first; used after `eval()`.
        num_batches_tracked: 0-d int64.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.BatchNorm2d(3)
    >>> y = layer(tc.rand(8, 3, 4, 4))
    >>> layer.num_batches_tracked.item()
    1
    """

    shapes = ("(N, C, H, W)",)
    ndims = (4,)


class BatchNorm3d(_BatchNorm):
    """Batch normalization of volumes (N, C, D, H, W); arguments as for `BatchNorm2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.BatchNorm3d(2)(tc.ones(4, 2, 3, 3, 3)).shape
    (4, 2, 3, 3, 3)
    """

    shapes = ("(N, C, D, H, W)",)
    ndims = (5,)


# --- every channel of every image by itself -------------------------------------------------------


class _InstanceNorm(_ChannelStatistics):
    """What instance normalization of every number of dimensions shares."""

    spatial: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        bias: bool = True,
        dtype: DTypeLike = float32,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, bias, dtype)

    def forward(self, x: Tensor) -> Tensor:
        alone = self.spatial + 1  # the dimensions of an image without a batch
        self._check(x, -alone, (alone, alone + 1))
        images = x.unsqueeze(0) if x.ndim == alone else x
        output = F.instance_norm(
            images,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            use_input_stats=self.training or not self.track_running_stats,
            momentum=self.momentum or 0.0,
            eps=self.eps,
        )
        return output.squeeze(0) if images is not x else output


class InstanceNorm1d(_InstanceNorm):
    """Instance normalization of lines (N, C, L), or one line (C, L); arguments as for `InstanceNorm2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.InstanceNorm1d(2)(tc.tensor([[1.0, 3.0], [10.0, 30.0]]))
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """

    shapes = ("(N, C, L)", "(C, L)")
    spatial = 1


class InstanceNorm2d(_InstanceNorm):
    """Every channel of every image gets mean 0 and variance 1.

    Args:
        num_features: C, the number of channels.
        eps: added to the variance before its root is taken.
        momentum: the weight of a new batch in the running statistics; None leaves them as they are.
        affine: True adds a learned scale and shift.
        track_running_stats: True keeps running statistics, which take the image's place after `eval()`.
        bias: False leaves out the shift alone.
        dtype: of parameters and statistics.

    Shapes:
        (N, C, H, W), or one image (C, H, W) → the same.

    Parameters and buffers:
        weight, bias: (C,), 1 and 0 at first; with `affine`.
        running_mean, running_var: (C,), 0 and 1 at first; with `track_running_stats`.
        num_batches_tracked: 0-d int64; stays 0, as PyTorch's does.

    >>> import tinygrad_cnn as tc
    >>> layer = tc.nn.InstanceNorm2d(3)
    >>> layer(tc.rand(8, 3, 4, 4)).shape, list(layer.state_dict())
    ((8, 3, 4, 4), [])
    """

    shapes = ("(N, C, H, W)", "(C, H, W)")
    spatial = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalization of volumes (N, C, D, H, W) or (C, D, H, W); arguments as for `InstanceNorm2d`.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.InstanceNorm3d(2, affine=True)(tc.rand(4, 2, 3, 3, 3)).shape
    (4, 2, 3, 3, 3)
    """

    shapes = ("(N, C, D, H, W)", "(C, D, H, W)")
    spatial = 3
