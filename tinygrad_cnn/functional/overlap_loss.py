"""Losses for segmentation: how well a predicted region covers the true one.

With p the predicted probabilities and g the true mask (0 and 1), sums over the pixels give soft counts: p · g
is what was found, Σp − Σp·g what was found too much, Σg − Σp·g what was missed. Of these are made

    Dice       2 Σp·g / (Σp + Σg)                    F-score of the pixels
    Jaccard    Σp·g / (Σp + Σg − Σp·g)               intersection over union
    Tversky    Σp·g / (Σp·g + α · too much + β · missed)

and the loss is 1 − index: 0 for a perfect cover. Unlike cross-entropy they do not drown a small organ in its
background. `smooth` is added above and below; so two empty masks agree, and none of them divides by 0.
The Lovász loss replaces the soft count of the Jaccard index by its convex surrogate.

Inputs are probabilities (N, C, *): softmax or sigmoid the logits first.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import count, int64
from tinygrad_cnn.errors import ArgumentError, ShapeError, UnknownName
from tinygrad_cnn.functional._reduction import check_reduction, reduce_losses
from tinygrad_cnn.functional._targets import check_floating, check_same_shape, one_hot_like, side_by_side
from tinygrad_cnn.functional.loss import NOTHING_IGNORED
from tinygrad_cnn.ops.activation import clamp
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.gather import gather
from tinygrad_cnn.ops.loss import one_hot_op
from tinygrad_cnn.ops.probability import within
from tinygrad_cnn.ops.scan import cumsum
from tinygrad_cnn.ops.sorting import sort

__all__ = ["lovasz_softmax_loss", "soft_dice_loss", "soft_jaccard_loss", "soft_tversky_loss"]


def soft_dice_loss(
    input: Tensor,
    target: Tensor,
    smooth: float = 1.0,
    squared: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """1 − (2 Σp·g + s) / (Σp + Σg + s), for each sample and class.

    Args:
        input: probabilities p, (N, C, *); C = 1 for one region against its background.
        target: g: labels (N, *), integers 0 ... C − 1 (0 and 1 for C = 1); or masks of the input's shape, of
            bools, integers or the input's dtype, with numbers 0 ... 1.
        smooth: s ≥ 0. Without it, two empty masks are given the loss 0.
        squared: divide by Σp² + Σg², as the source does.
        reduction: "mean" over samples and classes, "sum", or "none": (N, C).

    Raises:
        ArgumentError: a probability below 0 or above 1, or a negative `smooth`.
        LabelError: a label that names no class.
        ShapeError, DTypeError: input and target do not fit.

    Source: Milletari, Navab and Ahmadi, V-Net, arXiv:1606.04797, section 3.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[[0.9, 0.9, 0.1, 0.1]]])
    >>> g = tc.tensor([[[1, 1, 0, 0]]])
    >>> tc.functional.soft_dice_loss(p, g, smooth=0)  # 1 − 2 · 1.8 / (2 + 2)
    tensor(0.1)
    """
    p, g = _masks(input, target, smooth, reduction, "soft_dice_loss")
    sizes = _pixels(p.square() + g.square()) if squared else _pixels(p + g)
    return _lack(2 * _pixels(p * g), sizes, smooth, reduction)


def soft_jaccard_loss(input: Tensor, target: Tensor, smooth: float = 1.0, reduction: str = "mean") -> Tensor:
    """1 − (Σp·g + s) / (Σp + Σg − Σp·g + s): one minus intersection over union, for each sample and class.

    Arguments and errors as for `soft_dice_loss`.

    Source: Rahman and Wang, Optimizing intersection-over-union in deep neural networks, ISVC 2016.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[[0.9, 0.9, 0.1, 0.1]]])
    >>> g = tc.tensor([[[1, 1, 0, 0]]])
    >>> tc.functional.soft_jaccard_loss(p, g, smooth=0)  # 1 − 1.8 / (2 + 2 − 1.8)
    tensor(0.1818)
    """
    p, g = _masks(input, target, smooth, reduction, "soft_jaccard_loss")
    found = _pixels(p * g)
    return _lack(found, _pixels(p + g) - found, smooth, reduction)


def soft_tversky_loss(
    input: Tensor,
    target: Tensor,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 1.0,
    reduction: str = "mean",
) -> Tensor:
    """1 − (Σp·g + s) / (Σp·g + α · Σp·(1 − g) + β · Σ(1 − p)·g + s), for each sample and class.

    α = β = 1/2 is Dice (with s/2), α = β = 1 Jaccard; β > α punishes what was missed more than what was
    found too much.

    Args:
        alpha: α ≥ 0, what a pixel found too much costs.
        beta: β ≥ 0, what a missed pixel costs.
        input, target, smooth, reduction: as for `soft_dice_loss`.

    Raises:
        ArgumentError: a negative α or β, and as for `soft_dice_loss`.
        LabelError, ShapeError, DTypeError: as for `soft_dice_loss`.

    Source: Salehi, Erdogmus and Gholipour, arXiv:1706.05721.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[[0.9, 0.9, 0.1, 0.1]]])
    >>> g = tc.tensor([[[1, 1, 0, 0]]])
    >>> tc.functional.soft_tversky_loss(p, g, alpha=0.3, beta=0.7, smooth=0)  # all errors are 0.2
    tensor(0.1)
    """
    for name, value in (("alpha", alpha), ("beta", beta)):
        _check_not_negative(name, value, "soft_tversky_loss")
    p, g = _masks(input, target, smooth, reduction, "soft_tversky_loss")
    found = _pixels(p * g)
    too_much, missed = _pixels(p * (1 - g)), _pixels((1 - p) * g)
    return _lack(found, found + alpha * too_much + beta * missed, smooth, reduction)


def _masks(input: Tensor, target: object, smooth: float, reduction: str, loss: str) -> tuple[Tensor, Tensor]:
    """Predicted and true masks (N, C, *), after all arguments were looked at."""
    input, g = side_by_side(input, target)
    check_reduction(reduction, loss)
    _check_not_negative("smooth", smooth, loss)
    p = _probabilities(input, loss)
    if g.ndim == p.ndim - 1 and not g.dtype.is_floating:
        return p, _masks_of_labels(p, g, loss)
    check_same_shape(p, g, loss)
    if not g.dtype.is_floating:
        g = g.to(p.dtype)
    check_floating(loss, input=p, target=g)
    return p, within(g, low=0, high=1, argument="target", loss=loss)


def _masks_of_labels(p: Tensor, labels: Tensor, loss: str) -> Tensor:
    """Labels (N, *) as masks (N, C, *); for a single region 1 is inside, 0 is background."""
    if p.shape[1] != 1:
        return one_hot_like(p, labels, loss)
    check_same_shape(p, labels.unsqueeze(1), loss)
    both = one_hot_op(labels.to(int64), num_classes=2, dim=1, ignore_index=None, dtype=p.dtype)
    region: Tensor = both[:, 1:]
    return region


def _probabilities(input: Tensor, loss: str) -> Tensor:
    check_floating(loss, input=input)
    if input.ndim < 2:
        raise ShapeError(
            "masks are given for each sample and class",
            argument="input",
            expected="(N, C, *), with C = 1 for one region",
            got=input.shape,
        ).at(loss)
    probabilities: Tensor = within(input, low=0, high=1, argument="input", loss=loss)
    return probabilities


def _check_not_negative(name: str, value: float, loss: str) -> None:
    if not value >= 0:
        raise ArgumentError(f"{name} is negative", argument=name, expected=f"{name} >= 0", got=value).at(loss)


def _pixels(x: Tensor) -> Tensor:
    """The sum over the pixels, (N, C, *) → (N, C)."""
    return x.sum(tuple(range(2, x.ndim)))


def _lack(shared: Tensor, whole: Tensor, smooth: float, reduction: str) -> Tensor:
    """1 − (shared + s) / (whole + s), and 0 for two empty masks."""
    divisor = whole + smooth
    empty = divisor == 0
    losses = where(empty, 0, 1 - (shared + smooth) / where(empty, 1, divisor))
    return reduce_losses(losses, reduction)


# --- Lovász ---------------------------------------------------------------------------------------


def lovasz_softmax_loss(
    input: Tensor,
    target: Tensor,
    classes: str = "present",
    per_image: bool = False,
    ignore_index: int = NOTHING_IGNORED,
) -> Tensor:
    """The convex surrogate of one minus the Jaccard index, averaged over the classes.

    For one class, each pixel has an error m: 1 − p inside the true region, p outside. One minus the Jaccard
    index, as a function Δ of the set of wrong pixels, has a linear extension to errors between 0 and 1: sort
    them from the largest to the smallest, and weigh each by how much Δ grows as its pixel joins those before
    it. Where all errors are 0 or 1 that is Δ itself.

    Args:
        input: probabilities (N, C, *), such as `softmax` over dimension 1 gives.
        target: labels (N, *), integers 0 ... C − 1.
        classes: "present" averages over the classes that occur in the target, "all" over all.
        per_image: average the losses of the single images, instead of taking the batch as one image.
        ignore_index: pixels with this label count nothing.

    Returns:
        A scalar; 0 where no pixel counts.

    Raises:
        LabelError: a label that is neither a class nor ignored.
        ArgumentError: a probability below 0 or above 1.
        ShapeError, DTypeError, UnknownName: arguments that do not fit.

    Source: Berman, Triki and Blaschko, arXiv:1705.08790, algorithm 1.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[[0.8, 0.4, 0.3], [0.2, 0.6, 0.7]]])
    >>> tc.functional.lovasz_softmax_loss(p, tc.tensor([[0, 0, 1]]))
    tensor(0.4333)
    """
    loss = "lovasz_softmax_loss"
    input, target = side_by_side(input, target)
    if classes not in ("present", "all"):
        raise UnknownName.among(str(classes), ("present", "all"), kind="choice", argument="classes").at(loss)
    p = _probabilities(input, loss)
    g = one_hot_like(p, target, loss, ignore_index)
    errors = where(g == 1, 1 - p, p)
    # An ignored pixel has no class. Its error of −1 sorts it behind all others, where it is left out.
    errors = where(g.sum(1, keepdim=True) == 1, errors, -1)

    errors, order = sort(_by_class(errors, per_image), -1, descending=True)
    g = gather(_by_class(g, per_image), -1, order)
    losses: Tensor = where(errors < 0, 0, errors * _jaccard_steps(g)).sum(-1)
    if classes == "all":
        return losses.mean()
    present = (g.sum(-1) > 0).to(p.dtype)
    return ((losses * present).sum(-1) / clamp(present.sum(-1), min=1)).mean()


def _by_class(x: Tensor, per_image: bool) -> Tensor:
    """(N, C, *) → (images, C, pixels), where the batch may count as one large image."""
    images, classes, pixels = x.shape[0], x.shape[1], count(x.shape[2:])
    x = x.reshape(images, classes, pixels)
    return x if per_image else x.transpose(0, 1).reshape(1, classes, images * pixels)


def _jaccard_steps(g: Tensor) -> Tensor:
    """By how much 1 − intersection / union grows with each pixel, the worst first.

    A wrong pixel of the region leaves the intersection: a step of 1/U. Any other enters the union:
    I/(U − 1) − I/U = I / (U · (U − 1)). Taking the difference of two indices instead would lose the digits
    that large images need.
    """
    region = g.to(int64)
    total = region.sum(-1, keepdim=True)
    intersection = (total - cumsum(region, -1)).to(g.dtype)
    union = (total + cumsum(1 - region, -1)).to(g.dtype)
    others = where(union == 1, 1, union - 1)
    # A union of one pixel is that pixel, wrong as it is: a step from 0 to 1, also without any region.
    steps: Tensor = where(union == 1, 1, where(g == 1, 1 / union, intersection / (union * others)))
    return steps
