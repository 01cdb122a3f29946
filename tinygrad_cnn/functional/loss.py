"""Losses: one number that says how wrong a network is.

    cross_entropy(logits, target)     for classes: −ln of the probability given to the right one
    nll_loss(log_softmax(z), target)  the second half of it
    mse_loss, l1_loss                 for numbers: squared and absolute differences

Every loss takes `reduction`: "mean" (the default), "sum", or "none" for one loss a sample. Classes are
dimension 1 of the logits (N, C, *), or dimension 0 of a single sample (C,).
"""

from __future__ import annotations

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, bool_, same_floating
from tinygrad_cnn.errors import ArgumentError, DTypeError, ShapeError, UnknownName
from tinygrad_cnn.ops.comparison import where
from tinygrad_cnn.ops.loss import one_hot, one_hot_op, ratio_of_sums, softmax_cross_entropy

__all__ = ["cross_entropy", "l1_loss", "mse_loss", "nll_loss", "one_hot"]

NOTHING_IGNORED = -100  # PyTorch's default for ignore_index: a label that no data set uses


def _on_backend(target: object, beside: Tensor) -> Tensor:
    """Targets may come as NumPy arrays or lists: constants where the predictions are."""
    return target if isinstance(target, Tensor) else tensor(target, backend=beside.backend)


# --- classes --------------------------------------------------------------------------------------


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = NOTHING_IGNORED,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−Σ q · ln softmax(z), where q is 1 at the right class and 0 elsewhere, or given as probabilities.

    Args:
        input: logits z, (N, C, *) or (C,): any numbers, the higher the likelier. No softmax before it.
        target: the right classes, integers (N, *) or (), 0 ... C − 1; or probabilities of the input's shape
            and dtype.
        weight: (C,), how much each class counts; None for 1.
        ignore_index: samples with this label count nothing (integer targets only).
        reduction: "mean": over the samples that count, by their weights; "sum"; or "none".
        label_smoothing: ε in 0 ... 1: q becomes (1 − ε) · q + ε/C, so that no class is ever certain.

    Returns:
        A scalar, or (N, *) with reduction "none". The mean over no samples at all is NaN, with gradient 0.

    Raises:
        LabelError: a label that is neither a class nor ignored; names it and where it stands.
        ShapeError: target and input do not fit.
        DTypeError: targets of another dtype than integers or the input's.
        ArgumentError: label_smoothing outside 0 ... 1, or ignore_index with probabilities.

    Source of label smoothing: Szegedy et al., arXiv:1512.00567, section 7.

    >>> import tinygrad_cnn as tc
    >>> logits = tc.tensor([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]])
    >>> tc.functional.cross_entropy(logits, tc.tensor([0, 2]))
    tensor(0.4076)
    """
    target = _on_backend(target, input)
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(
            "label_smoothing is a share of the probability",
            argument="label_smoothing",
            expected="0 <= label_smoothing <= 1",
            got=label_smoothing,
        ).at("cross_entropy")
    _check_reduction(reduction, "cross_entropy")
    dim = _class_dim(input, "cross_entropy")
    weights = None if weight is None else _class_weights(weight, input, dim, "cross_entropy")
    if target.dtype.is_floating:
        _check_probabilities(input, target, ignore_index)
        counted = None
        wanted = target
    else:
        wanted = _one_hot(input, target, ignore_index, dim, "cross_entropy")
        counted = wanted if weights is None else wanted * weights
    if label_smoothing:
        even = label_smoothing / input.shape[dim]
        # An ignored sample has no class at all and must not get even shares of them.
        share = even if counted is None else wanted.sum(dim, keepdim=True) * even
        wanted = wanted * (1 - label_smoothing) + share
    if weights is not None:
        wanted = wanted * weights
    losses: Tensor = softmax_cross_entropy(input, wanted, dim=dim)
    return _reduced_by_counted(losses, counted, reduction)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    ignore_index: int = NOTHING_IGNORED,
    reduction: str = "mean",
) -> Tensor:
    """Minus the log-probability of the right class ("negative log-likelihood").

    Args:
        input: log-probabilities (N, C, *) or (C,), such as `log_softmax` gives.
        target: the right classes, integers (N, *) or ().
        weight, ignore_index, reduction: as for `cross_entropy`.

    Raises:
        LabelError, ShapeError, DTypeError: as for `cross_entropy`.

    >>> import tinygrad_cnn as tc
    >>> p = tc.tensor([[0.5, 0.25, 0.25]])
    >>> tc.functional.nll_loss(p.log(), tc.tensor([0]))
    tensor(0.6931)
    """
    target = _on_backend(target, input)
    _check_reduction(reduction, "nll_loss")
    dim = _class_dim(input, "nll_loss")
    hot = _one_hot(input, target, ignore_index, dim, "nll_loss")
    weights = None if weight is None else _class_weights(weight, input, dim, "nll_loss")
    counted = hot if weights is None else hot * weights
    # Chosen, not multiplied: 0 · −∞ of an impossible class would be NaN.
    right = where(hot.to(bool_), input if weights is None else input * weights, 0.0)
    return _reduced_by_counted(-right.sum(dim), counted, reduction)


def _class_dim(x: Tensor, loss: str) -> int:
    if not x.ndim:
        raise ShapeError(
            "there are no classes", argument="input", expected="(N, C, *) or (C,)", got=x.shape
        ).at(loss)
    return 1 if x.ndim > 1 else 0


def _one_hot(x: Tensor, target: Tensor, ignore_index: int, dim: int, loss: str) -> Tensor:
    """Labels as numbers of x's shape and dtype: 1 at the right class, 0 at the others and if ignored."""
    expected: Shape = (*x.shape[:dim], *x.shape[dim + 1 :])
    if target.dtype.kind != "integer":
        raise DTypeError(
            "classes are counted with integers",
            argument="target",
            expected=f"an integer dtype (or probabilities in {x.dtype}, for cross_entropy)",
            got=target.dtype,
            hint="target.to('int64')",
        ).at(loss)
    if target.shape != expected:
        raise ShapeError(
            "each sample needs one label",
            argument="target",
            expected=f"{expected} for an input of shape {x.shape}",
            got=target.shape,
        ).at(loss)
    hot: Tensor = one_hot_op(
        target, num_classes=x.shape[dim], dim=dim, ignore_index=ignore_index, dtype=x.dtype
    )
    return hot


def _check_probabilities(x: Tensor, target: Tensor, ignore_index: int) -> None:
    same_floating(x, target, names=("input", "target"))
    if target.shape != x.shape:
        raise ShapeError(
            "class probabilities need the shape of the logits",
            argument="target",
            expected=x.shape,
            got=target.shape,
            hint="are these class labels? Then target.to('int64')",
        ).at("cross_entropy")
    if ignore_index != NOTHING_IGNORED:
        raise ArgumentError(
            "probabilities have no label that could be ignored",
            argument="ignore_index",
            expected="integer targets",
            got=f"ignore_index={ignore_index} and targets of {target.dtype}",
        ).at("cross_entropy")


def _class_weights(weight: Tensor, x: Tensor, dim: int, loss: str) -> Tensor:
    """The weights, shaped to line up with the classes of x."""
    if weight.shape != (x.shape[dim],):
        raise ShapeError(
            "each class needs one weight", argument="weight", expected=(x.shape[dim],), got=weight.shape
        ).at(loss)
    same_floating(x, weight, names=("input", "weight"))
    return weight.reshape(-1, *(1,) * (x.ndim - dim - 1))


# --- numbers --------------------------------------------------------------------------------------


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """(x − y)², the squared error.

    Args:
        input, target: of one shape; nothing is broadcast, because (N, 1) against (N,) would silently
            compare everything with everything.
        reduction: "mean" over all elements, "sum" or "none".

    Raises:
        ShapeError: the shapes differ.
        DTypeError: the dtypes differ, or are not floating.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.mse_loss(tc.tensor([1.0, 5.0]), tc.tensor([1.0, 2.0]))
    tensor(4.5)
    """
    target = _on_backend(target, input)
    _check_pair(input, target, reduction, "mse_loss")
    return _reduced((input - target).square(), reduction)


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    """|x − y|, the absolute error; arguments and errors as for `mse_loss`.

    >>> import tinygrad_cnn as tc
    >>> tc.functional.l1_loss(tc.tensor([1.0, 5.0]), tc.tensor([1.0, 2.0]))
    tensor(1.5)
    """
    target = _on_backend(target, input)
    _check_pair(input, target, reduction, "l1_loss")
    return _reduced((input - target).abs(), reduction)


def _check_pair(x: Tensor, target: Tensor, reduction: str, loss: str) -> None:
    _check_reduction(reduction, loss)
    same_floating(x, target, names=("input", "target"))
    if x.shape != target.shape:
        raise ShapeError(
            "a difference is taken between equal shapes; a loss does not broadcast",
            argument="target",
            expected=x.shape,
            got=target.shape,
            hint="reshape one of them: target.reshape(input.shape)",
        ).at(loss)


# --- many losses into one -------------------------------------------------------------------------


def _check_reduction(reduction: str, loss: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        error = UnknownName.among(
            str(reduction), ("mean", "sum", "none"), kind="reduction", argument="reduction"
        )
        raise error.at(loss)


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


def _reduced_by_counted(losses: Tensor, counted: Tensor | None, reduction: str) -> Tensor:
    """The mean divides by the weights that were counted, where there are labels to count."""
    if counted is None or reduction != "mean":
        return _reduced(losses, reduction)
    mean: Tensor = ratio_of_sums(losses, counted)
    return mean
