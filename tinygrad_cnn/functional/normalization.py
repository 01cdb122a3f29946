"""Batch normalization: every channel of a batch gets mean 0 and variance 1, then a learned scale and shift.

While training, mean and variance are those of the batch, and running averages of them are kept. When the
network is used, the running averages take their place, so that an image's result does not depend on the
images beside it.

Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.
"""

from __future__ import annotations

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, count
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError
from tinygrad_cnn.ops.creation import ones, zeros
from tinygrad_cnn.ops.normalize import batch_norm as batch_norm_op
from tinygrad_cnn.ops.normalize import channel_shape

__all__ = ["batch_norm"]


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
        weight, bias: (C,), scale and shift; None for 1 and 0.
        training: normalise by the batch's own statistics, with its biased variance, and update the running
            ones: running ← (1 − momentum) · running + momentum · new, where the new variance is unbiased.
        momentum: the weight of the new.
        eps: added to the variance, so that a constant channel does not divide by 0.

    Raises:
        ShapeError: only one value a channel while training: it is its own mean, and its variance is 0.
        ArgumentError: eps is not positive.
        ArgumentTypeError: neither training nor running statistics.

    >>> import tinygrad_cnn as tc
    >>> mean, var = tc.zeros(1), tc.ones(1)
    >>> tc.functional.batch_norm(tc.tensor([[1.0], [3.0]]), mean, var, training=True)
    tensor([[-1.],
            [ 1.]])
    >>> mean, var
    (tensor([0.2]), tensor([1.1]))
    """
    if not eps > 0:
        raise ArgumentError("eps keeps a division from failing", argument="eps", expected="> 0", got=eps)
    _check_channels(input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    channels = input.shape[1:2]
    weight = ones(channels, dtype=input.dtype, backend=input.backend) if weight is None else weight
    bias = zeros(channels, dtype=input.dtype, backend=input.backend) if bias is None else bias
    if not training:
        return _by_running_statistics(input, running_mean, running_var, weight, bias, eps)
    values = _values_per_channel(input.shape)
    output, mean, var = batch_norm_op(input, weight, bias, eps=eps)
    if values > 0:  # an empty batch says nothing about the statistics
        with no_grad():
            if running_mean is not None:
                _move(running_mean, mean, momentum)
            if running_var is not None:
                _move(running_var, var * (values / (values - 1)), momentum)
    result: Tensor = output
    return result


def _check_channels(x: Tensor, **vectors: Tensor | None) -> None:
    """Before anything is computed or updated: every vector has one number a channel."""
    if x.ndim < 2:
        raise ShapeError(
            "the input needs a batch and a channel dimension",
            argument="input",
            expected="(N, C) or (N, C, *S)",
            got=x.shape,
        ).at("batch_norm")
    for name, vector in vectors.items():
        if vector is not None and vector.shape != x.shape[1:2]:
            raise ShapeError(
                f"{name} needs one number a channel", argument=name, expected=x.shape[1:2], got=vector.shape
            ).at("batch_norm")


def _values_per_channel(shape: Shape) -> int:
    values = shape[0] * count(shape[2:])
    if values == 1:
        raise ShapeError(
            "training batch normalization needs more than one value a channel: one alone has no variance",
            argument="input",
            expected="a batch, or places, of at least 2",
            got=shape,
            hint="use larger batches, drop the last incomplete one, or call model.eval()",
        ).at("batch_norm")
    return values


def _move(running: Tensor, new: Tensor, momentum: float | Tensor) -> None:
    running.assign(running * (1 - momentum) + new * momentum)


def _by_running_statistics(
    x: Tensor, mean: Tensor | None, var: Tensor | None, weight: Tensor, bias: Tensor, eps: float
) -> Tensor:
    """With constant statistics it is a scale and a shift: x · w/√(var + ε) + (b − mean · w/√(var + ε))."""
    if mean is None or var is None:
        raise ArgumentTypeError(
            "without running statistics only a training batch can be normalised",
            argument="running_mean" if mean is None else "running_var",
            expected="a tensor (C,), or training=True",
            got=None,
        ).at("batch_norm")
    scale = weight * (var + eps).rsqrt()
    shift = bias - mean * scale
    shape = channel_shape(x.ndim)
    return x * scale.reshape(shape) + shift.reshape(shape)
