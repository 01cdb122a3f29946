"""Normalization that remembers: every channel gets mean 0 and variance 1, and averages of both are kept.

    batch_norm       over the whole batch and all places
    instance_norm    over the places of one image

While training, batch normalization uses the mean and variance of the batch. When the network is used, the
running averages take their place, so that an image's result does not depend on the images beside it. How it
is computed, and its gradient, stands in `ops/normalize.py`.
"""

from __future__ import annotations

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import DType, count, float32
from tinygrad_cnn.errors import ArgumentTypeError, ShapeError
from tinygrad_cnn.functional._affine import check_channels, check_eps, scaled_and_shifted
from tinygrad_cnn.ops.creation import ones, zeros
from tinygrad_cnn.ops.normalize import batch_norm as batch_norm_op
from tinygrad_cnn.ops.normalize import channel_shape, standardize

__all__ = ["batch_norm", "instance_norm"]


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(x − mean) / √(var + eps) · weight + bias, for every channel.

    Args:
        input: (N, C) or (N, C, *S), floating.
        running_mean, running_var: (C,), updated while training unless None; used instead of the batch's
            statistics otherwise.
        weight, bias: (C,), scale and shift; None for 1 and 0. They and the running statistics have the
            input's dtype; beside an input of 16-bit floats they may be float32.
        training: normalise by the batch's own statistics, with its biased variance, and update the running
            ones: running ← (1 − momentum) · running + momentum · new, where the new variance is unbiased.
        momentum: the weight of the new.
        eps: added to the variance, so that a constant channel does not divide by 0.

    Raises:
        ShapeError: only one value a channel while training: it is its own mean, and its variance is 0.
        ArgumentError: eps is negative, or 0 while training.
        ArgumentTypeError: neither training nor running statistics, or one of the two without the other.
        DTypeError: the dtypes differ.

    Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.

    >>> import tinygrad_cnn as tc
    >>> mean, var = tc.zeros(1), tc.ones(1)
    >>> tc.functional.batch_norm(tc.tensor([[1.0], [3.0]]), mean, var, training=True)
    tensor([[-1.],
            [ 1.]])
    >>> mean, var
    (tensor([0.2]), tensor([1.1]))
    """
    check_eps(eps, "batch_norm", positive=training)
    check_channels(input, "batch_norm", weight, bias, running_mean, running_var, mixed=True)
    channels, dtype = input.shape[1:2], _dtype_beside(input, weight, bias, running_mean)
    weight = ones(channels, dtype=dtype, backend=input.backend) if weight is None else weight
    bias = zeros(channels, dtype=dtype, backend=input.backend) if bias is None else bias
    if not training:
        return _by_running_statistics(input, running_mean, running_var, weight, bias, eps, "batch_norm")
    values = input.shape[0] * count(input.shape[2:])
    if values == 1:
        raise ShapeError(
            "training batch normalization needs more than one value a channel: one alone has no variance",
            argument="input",
            expected="a batch, or places, of at least 2",
            got=input.shape,
            hint="use larger batches, drop the last incomplete one, or call model.eval()",
        ).at("batch_norm")
    output, mean, var = batch_norm_op(input, weight, bias, eps=eps)
    if values > 0:  # an empty batch says nothing about the statistics
        _update(running_mean, mean, momentum)
        _update(running_var, var * (values / (values - 1)), momentum)
    result: Tensor = output
    return result


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Every channel of every image by itself: (x − mean) / √(var + eps) · weight + bias.

    It takes an image's contrast away and keeps its content, which is why style transfer uses it.

    Args:
        input: (N, C, *S), floating.
        running_mean, running_var: (C,), or None. Updated by the average over the batch of every image's own
            mean and unbiased variance.
        weight, bias: (C,), scale and shift; None for 1 and 0.
        use_input_stats: False normalises by the running statistics instead.
        momentum: the weight of the new in the running statistics.
        eps: added to the variance.

    Raises:
        ShapeError: an image of one place, which is its own mean; or a vector that is not (C,).
        ArgumentError: eps is negative.
        ArgumentTypeError: running statistics are missing where they are needed, or one of the two.
        DTypeError: the dtypes differ.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", arXiv:1607.08022.

    >>> import tinygrad_cnn as tc
    >>> dark_and_bright = tc.tensor([[[1.0, 3.0]], [[100.0, 300.0]]])
    >>> tc.functional.instance_norm(dark_and_bright)
    tensor([[[-1.,  1.]],
    <BLANKLINE>
            [[-1.,  1.]]])
    """
    check_eps(eps, "instance_norm")
    check_channels(input, "instance_norm", weight, bias, running_mean, running_var, mixed=True)
    if not use_input_stats:
        return _by_running_statistics(input, running_mean, running_var, weight, bias, eps, "instance_norm")
    values = count(input.shape[2:])
    if values == 1:
        raise ShapeError(
            "an image of one place has no variance",
            argument="input",
            expected="(N, C, *S) with more than one place",
            got=input.shape,
        ).at("instance_norm")
    wide = input.to(_dtype_beside(input, weight, bias, running_mean))
    output, mean, var = standardize(wide, dims=tuple(range(2, input.ndim)), eps=eps)
    if values > 0 and input.shape[0] > 0:
        _update(running_mean, mean.mean(0).reshape(-1), momentum)
        _update(running_var, var.mean(0).reshape(-1) * (values / (values - 1)), momentum)
    return scaled_and_shifted(output, weight, bias, channel_shape(input.ndim)).to(input.dtype)


def _dtype_beside(x: Tensor, *vectors: Tensor | None) -> DType:
    """The dtype of the vectors that come with x; without any, one that keeps the statistics of x."""
    given = [vector.dtype for vector in vectors if vector is not None]
    return given[0] if given else float32 if x.dtype.is_narrow else x.dtype


def _update(running: Tensor | None, new: Tensor, momentum: float | Tensor) -> None:
    if running is not None:
        with no_grad():
            running.assign(running * (1 - momentum) + new * momentum)


def _by_running_statistics(
    x: Tensor,
    mean: Tensor | None,
    var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    op: str,
) -> Tensor:
    """With constant statistics it is a scale and a shift: x · w/√(var + ε) + (b − mean · w/√(var + ε))."""
    if mean is None or var is None:
        raise ArgumentTypeError(
            "without running statistics only a training batch can be normalised",
            argument="running_mean",
            expected="a tensor (C,), or the input's own statistics",
            got=None,
        ).at(op)
    scale = (var + eps).rsqrt()
    scale = scale if weight is None else weight * scale
    shift = -mean * scale if bias is None else bias - mean * scale
    return scaled_and_shifted(x, scale, shift, channel_shape(x.ndim)).to(x.dtype)
