"""Standardizing: bring numbers to mean 0 and variance 1, over whichever dimensions you like.

    x̂ = (x − mean) / √(var + eps)

    x (N, C, *S)     over N and *S    batch normalization: every channel of the batch
                     over *S          instance normalization: every channel of every image
                     over C and *S    layer normalization: every image
                     over a part      group normalization: some channels of every image

Mean and variance depend on x, so its gradient has three parts. They gather into one line, in which the
averages are taken over the same dimensions:

    ∂L/∂x = (g − average(g) − x̂ · average(g · x̂)) / √(var + eps)

The part −average(g) says: adding the same to all changes nothing. The part with x̂ says: neither does
scaling them. Batch normalization has an operation of its own, with its scale and shift inside, because most
of a convolutional network's time outside convolutions is spent there.

Sources: Ioffe and Szegedy, "Batch Normalization", ICML 2015, arXiv:1502.03167; Wu and He, "Group
Normalization", ECCV 2018, arXiv:1803.08494 (its figure 2 shows the four).
"""

from __future__ import annotations

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.dtypes import (
    HasSpec,
    Shape,
    Spec,
    count,
    float32,
    normalize_dims,
    reduced_shape,
    require_floating,
    same_floating,
)
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops.arithmetic import add, mul, sub
from tinygrad_cnn.ops.elementwise import rsqrt
from tinygrad_cnn.ops.movement import reshape
from tinygrad_cnn.ops.reduce import mean as mean_over


def _standardized_shape(x: HasSpec, *, dims: tuple[int, ...], eps: float) -> tuple[Spec, Spec, Spec]:
    require_floating(x, "x")
    statistic = Spec(reduced_shape(x.shape, dims, keepdim=True), x.dtype)
    return Spec(x.shape, x.dtype), statistic, statistic


@op(
    symbol="(x−μ)/σ",
    infer=_standardized_shape,
    outputs=("out", "mean", "var"),
    public=False,
    samples=[
        Sample(reals(3, 4), dims=(1,), eps=1e-5),
        Sample(reals(2, 3, 2, 2), dims=(-2, -1), eps=1e-3),
        Sample(reals(4, 2, 3), dims=(0, 2), eps=1e-5),
    ],
)
def standardize(B, x, *, dims, eps):
    """x with mean 0 and variance 1 over `dims`: (out, mean, biased variance), the statistics with size 1.

    The mean is taken twice, because rounding leaves some of it in the differences: so equal numbers become
    0, however large they are. The variance is computed from the differences: accurate also where mean² ≫ var.
    """
    xp = B.xp
    axes = normalize_dims(dims, x.ndim)
    n = max(count(tuple(x.shape[axis] for axis in axes)), 1)
    mean = xp.sum(x, axis=axes, keepdims=True) / n
    centred = x - mean
    rest = xp.sum(centred, axis=axes, keepdims=True) / n
    centred = centred - rest
    var = xp.sum(centred * centred, axis=axes, keepdims=True) / n
    return centred * (1 / xp.sqrt(var + eps)), mean + rest, var


@standardize.gradient("x", "∂L/∂x = (g − avg(g) − x̂ · avg(g·x̂)) / √(var + ε)")
def _(g, node, out, var, *, dims, eps):
    slope = sub(sub(g, mean_over(g, dims, True)), mul(out, mean_over(mul(g, out), dims, True)))
    return mul(slope, rsqrt(add(var, eps)))


@standardize.as_composite
def _(x, *, dims, eps):
    centred = sub(x, mean_over(x, dims, True))
    variance = mean_over(mul(centred, centred), dims, True)
    return mul(centred, rsqrt(add(variance, eps)))


# --- batch normalization --------------------------------------------------------------------------


def channel_shape(ndim: int) -> Shape:
    """The shape that lines a per-channel vector up with x (N, C, *S): (1, C, 1, ...)."""
    return (1, -1, *(1,) * (ndim - 2))


def _batch_axes(ndim: int) -> tuple[int, ...]:
    return (0, *range(2, ndim))


def _normalized_shape(x: HasSpec, weight: HasSpec, bias: HasSpec, *, eps: float) -> tuple[Spec, Spec, Spec]:
    dtype = same_floating(weight, bias, names=("weight", "bias"))
    if not (x.dtype.is_narrow and dtype is float32):
        same_floating(x, weight, bias, names=("x", "weight", "bias"))
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
    return Spec(x.shape, x.dtype), Spec((channels,), dtype), Spec((channels,), dtype)


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
    """Every channel standardized over batch and places, scaled and shifted: (out, mean, biased variance).

    Images of 16-bit floats may come with weight and bias in float32; then the statistics are float32 too.
    """
    xp = B.xp
    shape = channel_shape(x.ndim)
    out, mean, var = standardize.kernel(B, x, dims=_batch_axes(x.ndim), eps=eps)
    out = out * xp.reshape(weight, shape) + xp.reshape(bias, shape)
    return out, xp.reshape(mean, weight.shape), xp.reshape(var, weight.shape)


@batch_norm.gradient(
    "x",
    "weight",
    "bias",
    "∂L/∂x = weight/√(var+ε) · (g − avg(g) − x̂ · avg(g·x̂)); ∂L/∂weight = Σ g·x̂; ∂L/∂bias = Σ g",
)
def _(g, node, x, weight, mean, var, *, eps):
    return batch_norm_grad(g, x, weight, mean, var, eps=eps)


@batch_norm.as_composite
def _(x, weight, bias, *, eps):
    shape = channel_shape(x.ndim)
    out, _, _ = standardize(x.to(weight.dtype), dims=_batch_axes(x.ndim), eps=eps)
    return add(mul(out, reshape(weight, shape=shape)), reshape(bias, shape=shape)).to(x.dtype)


@op(
    symbol="BNᵀ",
    infer=lambda g, x, weight, mean, var, *, eps: (
        Spec(x.shape, x.dtype),
        Spec(weight.shape, weight.dtype),
        Spec(weight.shape, weight.dtype),
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
