"""Batch normalization: centre every channel of a batch and scale it to variance 1.

    out = (x − mean) / √(var + eps) · weight + bias        mean and var over the batch and all places

The mean and the variance depend on x, so its gradient has three parts. With x̂ = (x − mean) / √(var + eps)
and the average taken over batch and places, they gather into one line:

    ∂L/∂x = weight / √(var + eps) · (g − average(g) − x̂ · average(g · x̂))

Source: Ioffe and Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167.
"""

from __future__ import annotations

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.dtypes import HasSpec, Shape, Spec, same_floating
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops.arithmetic import add, mul, sub
from tinygrad_cnn.ops.elementwise import rsqrt
from tinygrad_cnn.ops.movement import reshape
from tinygrad_cnn.ops.reduce import mean as mean_over


def channel_shape(ndim: int) -> Shape:
    """The shape that lines a per-channel vector up with x (N, C, *S): (1, C, 1, ...)."""
    return (1, -1, *(1,) * (ndim - 2))


def _batch_axes(ndim: int) -> tuple[int, ...]:
    return (0, *range(2, ndim))


def _normalized_shape(x: HasSpec, weight: HasSpec, bias: HasSpec, *, eps: float) -> tuple[Spec, Spec, Spec]:
    dtype = same_floating(x, weight, bias, names=("x", "weight", "bias"))
    if len(x.shape) < 2:
        raise ShapeError(
            "x needs a batch and a channel dimension", argument="x", expected="(N, C, *)", got=x.shape
        )
    channels = x.shape[1]
    for name, vector in (("weight", weight), ("bias", bias)):
        if vector.shape != (channels,):
            raise ShapeError(
                f"{name} needs one number a channel", argument=name, expected=(channels,), got=vector.shape
            )
    return Spec(x.shape, dtype), Spec((channels,), dtype), Spec((channels,), dtype)


@op(
    symbol="BN",
    infer=_normalized_shape,
    outputs=("out", "mean", "var"),
    public=False,
    samples=[
        Sample(reals(4, 3), reals(3), reals(3), eps=1e-5),
        Sample(reals(2, 3, 2, 2), reals(3), reals(3), eps=1e-3),
    ],
)
def batch_norm(B, x, weight, bias, *, eps):
    """Every channel normalised by its mean and (biased) variance in this batch: (out, mean, var).

    The variance is computed in a second pass over x − mean: accurate also where mean² ≫ var.
    """
    xp = B.xp
    axes, shape = _batch_axes(x.ndim), channel_shape(x.ndim)
    n = max(x.size // max(x.shape[1], 1), 1)
    average = xp.sum(x, axis=axes, keepdims=True) * (1 / n)
    centred = x - average
    variance = xp.sum(centred * centred, axis=axes, keepdims=True) * (1 / n)
    scale = xp.reshape(weight, shape) / xp.sqrt(variance + eps)
    out = centred * scale + xp.reshape(bias, shape)
    return out, xp.reshape(average, weight.shape), xp.reshape(variance, weight.shape)


@batch_norm.gradient(
    "x", "weight", "bias", "∂L/∂x = w/√(var+ε) · (g − avg(g) − x̂ · avg(g·x̂)); ∂L/∂w = Σ g·x̂; ∂L/∂b = Σ g"
)
def _(g, node, x, weight, mean, var, *, eps):
    return batch_norm_grad(g, x, weight, mean, var, eps=eps)


@batch_norm.as_composite
def _(x, weight, bias, *, eps):
    axes, shape = _batch_axes(x.ndim), channel_shape(x.ndim)
    centred = sub(x, mean_over(x, axes, True))
    variance = mean_over(mul(centred, centred), axes, True)
    scaled = mul(centred, mul(rsqrt(add(variance, eps)), reshape(weight, shape=shape)))
    return add(scaled, reshape(bias, shape=shape))


@op(
    symbol="BNᵀ",
    infer=lambda g, x, weight, mean, var, *, eps: (
        Spec(x.shape, x.dtype),
        Spec(weight.shape, x.dtype),
        Spec(weight.shape, x.dtype),
    ),
    outputs=("x_grad", "weight_grad", "bias_grad"),
    public=False,
    samples=[
        Sample(reals(4, 3), reals(4, 3), reals(3), reals(3), reals(3, low=0.5, high=2.0), eps=1e-5),
    ],
)
def batch_norm_grad(B, g, x, weight, mean, var, *, eps):
    """The three gradients of batch normalization, which share their sums."""
    xp = B.xp
    axes, shape = _batch_axes(x.ndim), channel_shape(x.ndim)
    n = max(x.size // max(x.shape[1], 1), 1)
    inverse = 1 / xp.sqrt(xp.reshape(var, shape) + eps)
    normalized = (x - xp.reshape(mean, shape)) * inverse
    bias_grad = xp.sum(g, axis=axes, keepdims=True)
    weight_grad = xp.sum(g * normalized, axis=axes, keepdims=True)
    inner = g - bias_grad * (1 / n) - normalized * (weight_grad * (1 / n))
    x_grad = xp.reshape(weight, shape) * inverse * inner
    return x_grad, xp.reshape(weight_grad, weight.shape), xp.reshape(bias_grad, weight.shape)
