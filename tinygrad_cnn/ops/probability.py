"""Probabilities: whether they are such, and the surprise at a yes or a no.

    within                  a ≤ x ≤ b, or an error that says where not
    binary_cross_entropy    −y · ln p − (1 − y) · ln(1 − p)

Any shape; floating-point numbers.
"""

from __future__ import annotations

import math

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, reals
from tinygrad_cnn.dtypes import HasSpec, Spec, same_floating
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.ops.activation import clamp
from tinygrad_cnn.ops.arithmetic import div, mul, neg, sub
from tinygrad_cnn.ops.elementwise import log, log1p
from tinygrad_cnn.ops.loss import first_place


@op(
    symbol="∈",
    infer=lambda x, *, low, high, argument, loss: Spec(x.shape, x.dtype),
    view=True,
    public=False,
    samples=[Sample(reals(2, 3), low=-3.0, high=3.0, argument="x", loss="a loss")],
)
def within(B, x, *, low, high, argument, loss):
    """x itself, once it is known that each of its elements lies in low ... high.

    NaN passes: it turns the loss into NaN, and training then names the operation that made it.
    """

    def problem(outside):
        place = first_place(B, outside)
        number = float(B.to_numpy(x)[place])
        return ArgumentError(
            f"{number:g} at index {place} is out of range",
            argument=argument,
            expected=f"{low:g} <= {argument} <= {high:g}",
            got=number,
            hint="are these logits? Then sigmoid or softmax them first" if (low, high) == (0, 1) else None,
        ).at(loss)

    B.check(lambda: B.xp.logical_or(x < low, x > high), problem)
    return x


@within.gradient("x", "∂L/∂x = g")
def _(g, node):
    return g


def _pair(p: HasSpec, target: HasSpec) -> Spec:
    if p.shape != target.shape:
        raise ShapeError(
            "each probability needs one target", argument="target", expected=p.shape, got=target.shape
        )
    return Spec(p.shape, same_floating(p, target, names=("input", "target")))


@op(
    name="binary_cross_entropy",
    symbol="binary CE",
    infer=_pair,
    autocast="float32",
    public=False,
    samples=[
        Sample(reals(2, 3, low=0.1, high=0.9), reals(2, 3, low=0.1, high=0.9)),
        Sample(reals(low=0.2, high=0.8), reals(low=0.3, high=0.4)),
    ],
)
def binary_cross_entropy_op(B, p, target):
    """−target · ln p − (1 − target) · ln(1 − p), where no logarithm falls below −100."""
    xp = B.xp
    never, always = p <= math.exp(-100), p == 1
    log_hit = xp.where(never, -100, xp.log(xp.where(never, 1, p)))
    log_miss = xp.where(always, -100, xp.log1p(-xp.where(always, 0, p)))
    # Subtracted from 0, because −0 would be shown as the loss of a perfect guess.
    return 0 - (target * log_hit + (1 - target) * log_miss)


@binary_cross_entropy_op.gradient("p", "∂L/∂p = g · (p − target) / (p · (1 − p)), the divisor at least 10⁻¹²")
def _(g, node, p, target):
    return div(mul(g, sub(p, target)), clamp(mul(p, sub(1, p)), min=1e-12))


@binary_cross_entropy_op.gradient("target", "∂L/∂target = g · (ln(1 − p) − ln p)")
def _(g, node, p):
    return mul(g, sub(log1p(neg(p)), log(p)))
