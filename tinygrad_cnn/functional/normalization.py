"""Normalization of every image, or every place, by itself: nothing depends on the rest of the batch.

    layer_norm       all features of one place or image get mean 0 and variance 1
    group_norm       so does a group of channels of an image
    rms_norm         like layer_norm, without taking the mean off
    local_response_norm    every number by its neighbours in other channels (AlexNet)

(Normalization over the batch: `batchnorm.py`.) How it is computed, and its gradient, stands in
`ops/normalize.py`.
"""

from __future__ import annotations

from tinygrad_cnn._autocast import in_float32
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import (
    Shape,
    as_index,
    as_shape,
    bfloat16,
    count,
    float16,
    float32,
    float64,
    require_floating,
)
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._affine import check_channels, check_dtypes, check_eps, scaled_and_shifted
from tinygrad_cnn.functional.padding import pad
from tinygrad_cnn.functional.pooling import avg_pool2d
from tinygrad_cnn.ops.normalize import channel_shape, standardize

__all__ = ["group_norm", "layer_norm", "local_response_norm", "rms_norm"]


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Groups of channels of every image: (x − mean) / √(var + eps) · weight + bias.

    One group normalises the whole image, C groups each channel by itself (`instance_norm`).

    Args:
        input: (N, C, *S), floating.
        num_groups: into how many groups of C / num_groups neighbouring channels.
        weight, bias: (C,), scale and shift; None for 1 and 0.
        eps: added to the variance.

    Raises:
        ArgumentError: the channels cannot be dealt into so many groups, or eps is negative.
        ShapeError: one single value in a group, or a vector that is not (C,).
        DTypeError: the dtypes differ.

    Source: Wu and He, "Group Normalization", ECCV 2018, arXiv:1803.08494.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.group_norm(tc.tensor([[1.0, 3.0, 10.0, 30.0]]), 2)
    tensor([[-1.,  1., -1.,  1.]])
    """
    input, weight, bias = in_float32(input, weight, bias)
    check_eps(eps, "group_norm")
    check_channels(input, "group_norm", weight, bias)
    batch, channels, *size = input.shape
    groups = check_groups(num_groups, channels, "group_norm")
    if batch * (channels // groups) * count(tuple(size)) == 1:
        raise ShapeError(
            "one value alone has no variance",
            argument="input",
            expected="groups of more than one value",
            got=input.shape,
        ).at("group_norm")
    grouped = input.reshape(batch, groups, channels // groups * count(tuple(size)))
    output = standardize(grouped, dims=(2,), eps=eps)[0].reshape(*input.shape)
    return scaled_and_shifted(output, weight, bias, channel_shape(input.ndim))


def layer_norm(
    input: Tensor,
    normalized_shape: int | Shape,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """The last dimensions together: (x − mean) / √(var + eps) · weight + bias.

    Args:
        input: (*, *normalized_shape), floating.
        normalized_shape: the sizes of the last dimensions, over which mean and variance are taken.
        weight, bias: of `normalized_shape`, scale and shift; None for 1 and 0.
        eps: added to the variance: a constant row becomes 0, with a finite gradient.

    Raises:
        ShapeError: the input does not end in `normalized_shape`, or weight or bias differ from it.
        ArgumentError: eps is negative.
        DTypeError: the dtypes differ.

    Source: Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.layer_norm(tc.tensor([[1.0, 3.0], [10.0, 30.0]]), 2)
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    input, weight, bias = in_float32(input, weight, bias)
    check_eps(eps, "layer_norm")
    dims = _last_dims(input, normalized_shape, "layer_norm", weight=weight, bias=bias)
    return scaled_and_shifted(standardize(input, dims=dims, eps=eps)[0], weight, bias)


def rms_norm(
    input: Tensor, normalized_shape: int | Shape, weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """x / √(mean(x²) + eps) · weight over the last dimensions: layer normalization that leaves the mean in.

    Args:
        input: (*, *normalized_shape), floating.
        normalized_shape: the sizes of the last dimensions, over which the mean is taken.
        weight: of `normalized_shape`; None for 1.
        eps: None for the distance from 1 to the next number of the input's dtype.

    Raises:
        ShapeError: the input does not end in `normalized_shape`, or weight differs from it.
        ArgumentError: eps is negative.
        DTypeError: the dtypes differ.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019, arXiv:1910.07467.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.rms_norm(tc.tensor([1.0, 7.0]), 2)
    tensor([0.2, 1.4])
    """
    input, weight = in_float32(input, weight)
    dims = _last_dims(input, normalized_shape, "rms_norm", weight=weight)
    if eps is None:
        eps = _SPACING_AT_1[input.dtype]
    check_eps(eps, "rms_norm")
    scale = ((input * input).mean(dims, True) + eps).rsqrt()
    return scaled_and_shifted(input * scale, weight, None)


_SPACING_AT_1 = {bfloat16: 2.0**-7, float16: 2.0**-10, float32: 2.0**-23, float64: 2.0**-52}


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """x / (k + alpha / size · Σ x²)ᵝ, where the sum goes over `size` neighbouring channels.

    A strong answer makes its neighbours at the same place weaker. Channels beyond the first and the last
    count as 0.

    The paper does not divide by `size`: its α = 10⁻⁴, β = 0.75, k = 2, n = 5 are
    `local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)` here, as in PyTorch.

    Args:
        input: (N, C, *S), floating, with at least one spatial dimension.
        size: how many channels; with an even one, one more lies before than behind.
        alpha, beta, k: see the formula.

    Raises:
        ShapeError: fewer than three dimensions.
        ArgumentError: size is below 1.
        DTypeError: the input is not floating-point.

    Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NeurIPS 2012, section 3.3.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1)
    >>> tc.functional.local_response_norm(x, 3, alpha=3.0, beta=1.0).flatten()  # by 1+5, 1+14, 1+13
    tensor([0.1667, 0.1333, 0.2143])
    """
    require_floating(input, "input")
    if input.ndim < 3:
        raise ShapeError(
            "the input needs a batch, a channel and a spatial dimension",
            argument="input",
            expected="(N, C, *S)",
            got=input.shape,
        ).at("local_response_norm")
    if as_index(size, argument="size") < 1:
        raise ArgumentError("at least one channel is a neighbour", argument="size", expected=">= 1", got=size)
    if 0 in input.shape:
        return input
    planes = input.reshape(input.shape[0], 1, input.shape[1], count(input.shape[2:]))
    framed = pad(planes * planes, (0, 0, size // 2, (size - 1) // 2))
    power = avg_pool2d(framed, (size, 1), stride=1).reshape(*input.shape)
    result: Tensor = input / (power * alpha + k) ** beta
    return result


# --- checks ---------------------------------------------------------------------------------------


def check_groups(num_groups: int, channels: int, op: str) -> int:
    """The number of groups, if the channels can be dealt into as many.

    >>> check_groups(2, 6, "group_norm")
    2
    """
    groups = as_index(num_groups, argument="num_groups")
    if groups < 1 or channels % groups:
        raise ArgumentError(
            f"{channels} channels cannot be dealt into {groups} groups",
            argument="num_groups",
            expected=f"a divisor of {channels}",
            got=groups,
        ).at(op)
    return groups


def _last_dims(
    x: Tensor, normalized_shape: int | Shape, op: str, **factors: Tensor | None
) -> tuple[int, ...]:
    """The dimensions that `normalized_shape` describes, checked: x ends in it, and the factors have it."""
    shape = as_shape(normalized_shape, argument="normalized_shape")
    if not shape:
        raise ArgumentError(
            "at least one dimension is normalised",
            argument="normalized_shape",
            expected="the sizes of the last dimensions",
            got=shape,
        ).at(op)
    check_dtypes(input=x, **factors)
    if x.shape[-len(shape) :] != shape:
        raise ShapeError(
            "the input does not end in normalized_shape",
            argument="input",
            expected=f"(*, {', '.join(map(str, shape))})",
            got=x.shape,
        ).at(op)
    for name, factor in factors.items():
        if factor is not None and factor.shape != shape:
            raise ShapeError(
                f"{name} scales or shifts every normalised element",
                argument=name,
                expected=shape,
                got=factor.shape,
            ).at(op)
    return tuple(range(x.ndim - len(shape), x.ndim))
