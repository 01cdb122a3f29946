"""Activations: the bends between the layers of a network, without which they would be one linear map.

Any shape. Integers become float32, other than in `relu` and `clamp`, which keep them. Here are those with a
gradient rule of their own; the others are put together from these in `functional/activation.py`.
"""

from __future__ import annotations

import math
import operator
from numbers import Integral, Real

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec, float32
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn.ops._infer import UNARY, numeric, unary
from tinygrad_cnn.ops.arithmetic import add, mul, neg, sub
from tinygrad_cnn.ops.comparison import ge, gt, le, lt, ne, where
from tinygrad_cnn.ops.elementwise import square

# --- smooth ---------------------------------------------------------------------------------------


@op(symbol="tanh", infer=unary, promotes="floating", method=True, samples=UNARY)
def tanh(B, x):
    """The hyperbolic tangent, an S between −1 and 1.

    >>> import tinygrad_cnn as tc
    >>> tc.tanh(tc.tensor([-100.0, 0.0, 100.0]))
    tensor([-1.,  0.,  1.])
    """
    return B.xp.tanh(x)


@tanh.gradient("x", "∂L/∂x = g · (1 − tanh²x)")
def _(g, node, out):
    return mul(g, sub(1, square(out)))


@op(symbol="σ", infer=unary, promotes="floating", method=True, samples=UNARY)
def sigmoid(B, x):
    """1 / (1 + e⁻ˣ), an S between 0 and 1.

    >>> import tinygrad_cnn as tc
    >>> tc.sigmoid(tc.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0. , 0.5, 1. ])
    """
    small = B.xp.exp(_minus_magnitude(B, x))  # never overflows: the exponent is at most 0
    return B.xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


@sigmoid.gradient("x", "∂L/∂x = g · σ(x) · (1 − σ(x))")
def _(g, node, out):
    return mul(g, mul(out, sub(1, out)))


def _softplus_shape(x: HasSpec, *, beta: float, threshold: float) -> Spec:
    if beta == 0:
        raise ArgumentError("softplus divides by beta", argument="beta", expected="not 0", got=beta)
    return Spec(x.shape, x.dtype)


@op(
    symbol="softplus",
    infer=_softplus_shape,
    promotes="floating",
    autocast="float32",
    samples=[*UNARY, Sample(reals(2, 3), beta=2.0, threshold=1.0)],
)
def softplus(B, x, *, beta=1.0, threshold=20.0):
    """ln(1 + e^(βx)) / β, a smooth ReLU; x itself where βx > threshold, which differs by less than e⁻²⁰/β.

    Raises:
        ArgumentError: beta is 0.

    >>> import tinygrad_cnn as tc
    >>> tc.softplus(tc.tensor([0.0, 30.0]))  # ln 2, and 30
    tensor([ 0.6931, 30.    ])
    """
    xp = B.xp
    scaled = x * beta
    tail = xp.log1p(xp.exp(_minus_magnitude(B, scaled)))
    return xp.where(scaled > threshold, x, xp.where(scaled >= 0, scaled + tail, tail) / beta)


@softplus.gradient("x", "∂L/∂x = g · σ(βx), and g where βx > threshold")
def _(g, node, x, *, beta, threshold):
    scaled = mul(x, beta)
    return where(gt(scaled, threshold), g, mul(g, sigmoid(scaled)))


@function()
def logsigmoid(x: Tensor) -> Tensor:
    """ln σ(x) = −softplus(−x), without overflow.

    >>> import tinygrad_cnn as tc
    >>> tc.logsigmoid(tc.tensor([-20.0, 0.0]))
    tensor([-20.    ,  -0.6931])
    """
    return neg(softplus(neg(x), threshold=math.inf))


def _minus_magnitude(B, x):
    """−|x|, chosen rather than computed: at 0 it has the slope of the branch x ≥ 0, as its users do there."""
    return B.xp.where(x >= 0, -x, x)


# --- with a kink ----------------------------------------------------------------------------------


@op(symbol="ReLU", infer=numeric, method=True, samples=UNARY)
def relu(B, x):
    """max(x, 0); its slope at 0 is taken as 0.

    Raises:
        DTypeError: x holds bools.

    Source: Nair and Hinton, ICML 2010.

    >>> import tinygrad_cnn as tc
    >>> tc.relu(tc.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return B.xp.where(x <= 0, 0, x)


@relu.gradient("x", "∂L/∂x = g where x > 0, else 0")
def _(g, node, out):
    return where(ne(out, 0), g, 0)  # out is 0 wherever x ≤ 0; a NaN is not, and lets NaN through


@op(
    symbol="LeakyReLU",
    infer=lambda x, *, negative_slope: Spec(x.shape, x.dtype),
    promotes="floating",
    samples=[*UNARY, Sample(reals(3), negative_slope=0.3)],
)
def leaky_relu(B, x, *, negative_slope=0.01):
    """x where x > 0, negative_slope · x elsewhere.

    Source: Maas, Hannun and Ng, ICML 2013.

    >>> import tinygrad_cnn as tc
    >>> tc.leaky_relu(tc.tensor([-10.0, 2.0]), negative_slope=0.1)
    tensor([-1.,  2.])
    """
    return B.xp.where(x > 0, x, x * negative_slope)


@leaky_relu.gradient("x", "∂L/∂x = g where x > 0, else negative_slope · g")
def _(g, node, x, *, negative_slope):
    return where(gt(x, 0), g, mul(g, negative_slope))


def _clamp_shape(x: HasSpec, *, min: float | None, max: float | None) -> Spec:
    if min is None and max is None:
        raise ArgumentError("clamp needs a bound", argument="min", expected="min, max or both", got="neither")
    for name, bound in (("min", min), ("max", max)):
        if bound is not None and not isinstance(bound, Real):
            raise ArgumentTypeError(
                "a bound is a number or a tensor", argument=name, expected="a number", got=repr(bound)
            )
    return numeric(x)


@op(
    name="clamp",
    symbol="clamp",
    infer=_clamp_shape,
    public=False,
    samples=[Sample(reals(2, 3), min=-1.0, max=1.0), Sample(reals(3), min=0.1), Sample(reals(3), max=0.1)],
)
def clamp_op(B, x, *, min=None, max=None):
    """x held between two numbers."""
    for bound, outside in ((min, operator.lt), (max, operator.gt)):
        if bound is not None:
            limit = B.xp.asarray(bound, dtype=x.dtype)
            x = B.xp.where(outside(x, limit) | (bound != bound), limit, x)  # a bound of NaN gives NaN
    return x


@clamp_op.gradient("x", "∂L/∂x = g where min ≤ x ≤ max, else 0")
def _(g, node, x, *, min, max):
    if min is not None:
        g = where(ge(x, min), g, 0)
    return g if max is None else where(le(x, max), g, 0)


@function(method=True)
def clamp(x: Tensor, min: Tensor | float | None = None, max: Tensor | float | None = None) -> Tensor:
    """x held between min and max; the bounds themselves pass the gradient.

    Args:
        x: any shape; integers stay integers unless a bound is a float.
        min, max: numbers, or tensors that broadcast against x. A tensor that is a bound gets the gradient
            of every element that it replaces. Where min > max, the result is max.

    Raises:
        ArgumentError: neither bound is given.
        ArgumentTypeError: a bound that is neither a number nor a tensor.
        DTypeError: x holds bools.

    >>> import tinygrad_cnn as tc
    >>> tc.clamp(tc.tensor([-3.0, 0.5, 3.0]), min=-1, max=1)
    tensor([-1. ,  0.5,  1. ])
    >>> tc.clamp(tc.tensor([1.0, 2.0, 3.0]), max=tc.tensor([3.0, 2.0, 1.0]))
    tensor([1., 2., 1.])
    """
    if not isinstance(min, Tensor) and not isinstance(max, Tensor):
        fraction = any(isinstance(bound, Real) and not isinstance(bound, Integral) for bound in (min, max))
        return clamp_op(x.to(float32) if fraction and not x.dtype.is_floating else x, min=min, max=max)
    # At a tie x gets the whole gradient (`maximum` would share it). What compares with nothing is NaN.
    if min is not None:
        x = where(ge(x, min), x, where(lt(x, min), min, add(x, min).detach()))
    if max is not None:
        x = where(le(x, max), x, where(gt(x, max), max, add(x, max).detach()))
    return x
