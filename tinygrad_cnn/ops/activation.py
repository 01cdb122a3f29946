"""Activations: the bends between the layers of a network, without which they would be one linear map.

Any shape. Integers become float32, other than in `relu` and `clamp`, which keep them.
"""

from __future__ import annotations

from tinygrad_cnn._op import function, op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import HasSpec, Spec
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError
from tinygrad_cnn.ops._infer import UNARY, unary
from tinygrad_cnn.ops.arithmetic import mul, neg, sub
from tinygrad_cnn.ops.comparison import ge, gt, le, where
from tinygrad_cnn.ops.elementwise import square


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
    xp = B.xp
    small = xp.exp(-xp.abs(x))  # never overflows: the exponent is at most 0
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


@sigmoid.gradient("x", "∂L/∂x = g · σ(x) · (1 − σ(x))")
def _(g, node, out):
    return mul(g, mul(out, sub(1, out)))


@op(symbol="softplus", infer=unary, promotes="floating", samples=UNARY)
def softplus(B, x):
    """ln(1 + eˣ), a smooth ReLU.

    >>> import tinygrad_cnn as tc
    >>> tc.softplus(tc.tensor([0.0, 20.0]))  # ln 2, and almost 20
    tensor([ 0.6931, 20.    ])
    """
    xp = B.xp
    return xp.maximum(x, 0) + xp.log1p(xp.exp(-xp.abs(x)))


@softplus.gradient("x", "∂L/∂x = g · σ(x)")
def _(g, node, x):
    return mul(g, sigmoid(x))


@function()
def logsigmoid(x: Tensor) -> Tensor:
    """ln σ(x) = −softplus(−x), without overflow.

    >>> import tinygrad_cnn as tc
    >>> tc.logsigmoid(tc.tensor([-20.0, 0.0]))
    tensor([-20.    ,  -0.6931])
    """
    return neg(softplus(neg(x)))


@op(symbol="ReLU", infer=unary, method=True, samples=UNARY)
def relu(B, x):
    """max(x, 0); its slope at 0 is taken as 0.

    Source: Nair and Hinton, ICML 2010.

    >>> import tinygrad_cnn as tc
    >>> tc.relu(tc.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return B.xp.maximum(x, 0)


@relu.gradient("x", "∂L/∂x = g where x > 0, else 0")
def _(g, node, out):
    return where(gt(out, 0), g, 0)


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
        if bound is not None and not isinstance(bound, (int, float)):
            raise ArgumentTypeError(
                "a bound is a number", argument=name, expected="a number", got=repr(bound)
            )
    return Spec(x.shape, x.dtype)


@op(
    symbol="clamp",
    infer=_clamp_shape,
    method=True,
    samples=[Sample(reals(2, 3), min=-1.0, max=1.0), Sample(reals(3), min=0.1), Sample(reals(3), max=0.1)],
)
def clamp(B, x, *, min=None, max=None):
    """x held between min and max; the bounds themselves pass the gradient.

    Raises:
        ArgumentError: neither bound is given.
        ArgumentTypeError: a bound that is not a number.

    >>> import tinygrad_cnn as tc
    >>> tc.clamp(tc.tensor([-3.0, 0.5, 3.0]), min=-1, max=1)
    tensor([-1. ,  0.5,  1. ])
    """
    if min is not None:
        x = B.xp.maximum(x, B.xp.asarray(min, dtype=x.dtype))
    return x if max is None else B.xp.minimum(x, B.xp.asarray(max, dtype=x.dtype))


@clamp.gradient("x", "∂L/∂x = g where min ≤ x ≤ max, else 0")
def _(g, node, x, *, min, max):
    if min is not None:
        g = where(ge(x, min), g, 0)
    return g if max is None else where(le(x, max), g, 0)
