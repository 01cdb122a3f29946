"""Losses for numbers: how far predictions are from what was measured.

    mse_loss            z²                                   errors count more, the larger they are
    l1_loss             |z|                                  errors count as they are
    huber_loss          z²/2 near 0, δ · (|z| − δ/2) beyond   the first near 0, the second far away
    smooth_l1_loss      the same, divided by δ
    poisson_nll_loss    for counts: −ln of their Poisson probability
    gaussian_nll_loss   for numbers with an uncertainty: −ln of their normal density

where z = input − target. Input and target have one shape and one dtype: nothing is broadcast, because
(N, 1) against (N,) would compare everything with everything.
"""

from __future__ import annotations

import math

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError, ShapeError
from tinygrad_cnn.functional._reduction import check_reduction, reduce_losses
from tinygrad_cnn.functional._targets import check_floating, check_same, side_by_side
from tinygrad_cnn.ops.activation import clamp
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.probability import within

__all__ = [
    "gaussian_nll_loss",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
]


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """(x − y)², the squared error.

    Args:
        input, target: of one shape and dtype.
        reduction: "mean" over all elements, by their weights; "sum" or "none".
        weight: of the same shape, how much each element counts; None for 1.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: the dtypes differ, or are not floating.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.mse_loss(tc.tensor([1.0, 5.0]), tc.tensor([1.0, 2.0]))
    tensor(4.5)
    """
    errors = _differences(input, target, reduction, weight, "mse_loss").square()
    return _weighted_mean(errors, weight, reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """|x − y|, the absolute error; arguments and errors as for `mse_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.l1_loss(tc.tensor([1.0, 5.0]), tc.tensor([1.0, 2.0]))
    tensor(1.5)
    """
    errors = _differences(input, target, reduction, weight, "l1_loss").abs()
    return _weighted_mean(errors, weight, reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """z²/2 for |z| ≤ δ and δ · (|z| − δ/2) beyond, where z = x − y: outliers do not pull harder than δ.

    Args:
        input, target, weight: as for `mse_loss`.
        reduction: "mean" over all elements (also with weights, as in PyTorch), "sum" or "none".
        delta: δ > 0.

    Raises:
        ArgumentError: delta is not above 0.
        ShapeError, DTypeError: as for `mse_loss`.

    Source: Huber, Annals of Mathematical Statistics 35 (1964).

    >>> import tinygrad_cnn as tc
    >>> tc.functional.huber_loss(tc.tensor([0.5, 4.0]), tc.zeros(2), reduction="none")
    tensor([0.125, 3.5  ])
    """
    if not delta > 0:
        raise ArgumentError("the square ends at delta", argument="delta", expected="delta > 0", got=delta).at(
            "huber_loss"
        )
    losses = _huber(_differences(input, target, reduction, weight, "huber_loss"), delta)
    return reduce_losses(losses if weight is None else losses * weight, reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """`huber_loss` with δ = β, divided by β: its slope far away is 1, as that of `l1_loss`, which β = 0 is.

    Args:
        input, target, reduction: as for `mse_loss`.
        beta: β ≥ 0.

    Raises:
        ArgumentError: beta is negative.
        ShapeError, DTypeError: as for `mse_loss`.

    Source: Girshick, Fast R-CNN, arXiv:1504.08083, equation 3.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.smooth_l1_loss(tc.tensor([0.5, 4.0]), tc.zeros(2), reduction="none", beta=2.0)
    tensor([0.0625, 3.    ])
    """
    if not beta >= 0:
        raise ArgumentError("the square ends at beta", argument="beta", expected="beta >= 0", got=beta).at(
            "smooth_l1_loss"
        )
    z = _differences(input, target, reduction, None, "smooth_l1_loss")
    return reduce_losses(_huber(z, beta) / beta if beta else z.abs(), reduction)


def _huber(z: Tensor, delta: float) -> Tensor:
    """c · (z − c/2), where c is z held between −δ and δ: z²/2 inside, δ · (|z| − δ/2) outside.

    No branch that is not taken, hence no 0 · ∞ in the gradient of an infinite z.
    """
    held = clamp(z, min=-delta, max=delta)
    return held * (z - held / 2)


def _differences(input: Tensor, target: object, reduction: str, weight: Tensor | None, loss: str) -> Tensor:
    input, target = side_by_side(input, target)
    check_reduction(reduction, loss)
    check_same(input, target, loss)
    if weight is not None:
        check_same(input, weight, loss, ("input", "weight"))
    return input - target


def _weighted_mean(losses: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    return reduce_losses(losses if weight is None else losses * weight, reduction, weight)


# --- the likelihood of numbers --------------------------------------------------------------------


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """λ − y · ln λ: minus the log-probability that y things are counted where λ are expected.

    Args:
        input: ln λ, or λ itself when log_input is False; any shape.
        target: the counts y, of the same shape and dtype.
        log_input: whether the input is ln λ, which may be any number.
        full: add Stirling's approximation of ln y!, y ln y − y + ln(2πy)/2, where y > 1.
        eps: added to λ before its logarithm is taken.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ShapeError, DTypeError: input and target are not of one shape and dtype.

    >>> import tinygrad_cnn as tc
    >>> expected, counted = tc.tensor([2.0, 3.0]), tc.tensor([1.0, 3.0])
    >>> tc.functional.poisson_nll_loss(expected, counted, log_input=False, reduction="none")
    tensor([ 1.3069, -0.2958])
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "poisson_nll_loss")
    check_same(input, target, "poisson_nll_loss")
    losses = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        large = target > 1
        y = where(large, target, 1)  # ln 0 is not taken: the branch not chosen has a gradient too
        losses = losses + where(large, y * y.log() - y + 0.5 * (2 * math.pi * y).log(), 0)
    return reduce_losses(losses, reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(ln v + (x − y)²/v) / 2: minus the log-density of y under a normal distribution (x, v).

    A network that predicts x and v learns how sure it may be of itself.

    Args:
        input: means x, any shape.
        target: y, of the same shape and dtype.
        var: variances v ≥ 0: of the same shape, or without its last dimension or with size 1 in one of them
            (one variance for several numbers), or one number for all.
        full: add the constant ln(2π)/2.
        eps: variances below are taken to be eps; their gradient is that at eps.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ArgumentError: a negative variance.
        ShapeError, DTypeError: shapes that do not fit, or two dtypes.

    Source: Nix and Weigend, Estimating the mean and variance of the target probability distribution, 1994.

    >>> import tinygrad_cnn as tc
    >>> sure, unsure = tc.tensor([0.1]), tc.tensor([4.0])
    >>> tc.functional.gaussian_nll_loss(tc.zeros(1), tc.ones(1), sure)
    tensor(3.8487)
    >>> tc.functional.gaussian_nll_loss(tc.zeros(1), tc.ones(1), unsure)
    tensor(0.8181)
    """
    input, target = side_by_side(input, target)
    check_reduction(reduction, "gaussian_nll_loss")
    check_same(input, target, "gaussian_nll_loss")
    v = _variances(var, input)
    v = within(v, low=0.0, high=math.inf, argument="var", loss="gaussian_nll_loss")
    # Raised by a constant, so that the gradient passes also where v < eps.
    v = v + (clamp(v.detach(), min=eps) - v.detach())
    losses = 0.5 * (v.log() + (input - target).square() / v)
    return reduce_losses(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction)


def _variances(var: Tensor | float, input: Tensor) -> Tensor:
    """The variances as a tensor that stretches to the input's shape, in one dimension at most."""
    if isinstance(var, (int, float)):
        return tensor(var, dtype=input.dtype, backend=input.backend)
    check_floating("gaussian_nll_loss", input=input, var=var)
    if var.shape == input.shape:
        return var
    if var.shape == input.shape[:-1]:
        return var.unsqueeze(-1)
    if var.ndim == input.ndim:
        unlike = [v for v, size in zip(var.shape, input.shape, strict=True) if v != size]
        if unlike == [1]:
            return var
    raise ShapeError(
        "each number needs a variance, or shares it with the others along one dimension",
        argument="var",
        expected=f"{input.shape}, {input.shape[:-1]}, or a size of 1 in one dimension",
        got=var.shape,
    ).at("gaussian_nll_loss")
