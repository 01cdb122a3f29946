"""What losses are compared with, and whether it fits: labels, weights, numbers of the same shape.

Nothing is broadcast and no dtype is changed on the quiet: (N, 1) against (N,) would compare everything with
everything, and the result would look like a loss.
"""

from __future__ import annotations

from tinygrad_cnn._autocast import in_float32
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, broadcast, require_floating, same_floating
from tinygrad_cnn.errors import DTypeError, ShapeError
from tinygrad_cnn.ops.loss import one_hot_op


def side_by_side(input: Tensor, target: object) -> tuple[Tensor, Tensor]:
    """Input and target as a loss compares them, under autocast in float32.

    Targets that are NumPy arrays, lists or numbers become constants where the input is.
    """
    if not isinstance(target, Tensor):
        require_floating(input, "input")
        target = tensor(target, backend=input.backend)
    return in_float32(input, target)


def check_floating(loss: str, **tensors: Tensor) -> None:
    """One floating dtype for all tensors; the error names the one that differs."""
    try:
        same_floating(*tensors.values(), names=tuple(tensors))
    except DTypeError as error:
        raise error.at(loss) from error.__cause__


def check_same(
    input: Tensor, target: Tensor, loss: str, names: tuple[str, str] = ("input", "target")
) -> None:
    """Two tensors of one shape and one floating dtype."""
    check_floating(loss, **dict(zip(names, (input, target), strict=True)))
    check_same_shape(input, target, loss, names)


def check_same_shape(
    input: Tensor, target: Tensor, loss: str, names: tuple[str, str] = ("input", "target")
) -> None:
    if input.shape != target.shape:
        first, second = names
        raise ShapeError(
            f"{second} and {first} are compared element by element; a loss does not broadcast",
            argument=second,
            expected=input.shape,
            got=target.shape,
            hint=f"reshape one of them: {second}.reshape({first}.shape)",
        ).at(loss)


def check_signs(target: Tensor, input: Tensor, shape: Shape, loss: str) -> None:
    """Targets 1 and −1, one for each number or sample: of integers, or of the input's own dtype."""
    counted = {} if target.dtype.kind == "integer" else {"target": target}
    check_floating(loss, input=input, **counted)
    if target.shape != shape:
        raise ShapeError(
            "each loss needs one target, 1 or −1; a loss does not broadcast",
            argument="target",
            expected=shape,
            got=target.shape,
        ).at(loss)


def check_stretches(weight: Tensor, input: Tensor, loss: str, name: str = "weight") -> None:
    """Weights may have fewer dimensions than what they weigh, or sizes of 1, but not more."""
    check_floating(loss, input=input, **{name: weight})
    if broadcast(input.shape, weight.shape, names=("input", name)) != input.shape:
        raise ShapeError(
            "weights stretch to the input, not the input to the weights",
            argument=name,
            expected=f"a shape that broadcasts to {input.shape}",
            got=weight.shape,
        ).at(loss)


# --- classes --------------------------------------------------------------------------------------


def class_dim(input: Tensor, loss: str) -> int:
    """Where the classes are: dimension 1 of a batch (N, C, *), dimension 0 of a single sample (C,)."""
    check_floating(loss, input=input)
    dim = 1 if input.ndim > 1 else 0
    if not input.ndim or not input.shape[dim]:
        raise ShapeError(
            "there are no classes", argument="input", expected="(N, C, *) or (C,)", got=input.shape
        ).at(loss)
    return dim


def one_hot_like(input: Tensor, target: Tensor, loss: str, ignore_index: int | None = None) -> Tensor:
    """Labels (N, *) as numbers of the input's shape (N, C, *) and dtype: 1 at the right class, 0 at the
    others, and nothing but 0 for the ignored label.
    """
    dim = class_dim(input, loss)
    expected: Shape = (*input.shape[:dim], *input.shape[dim + 1 :])
    if target.dtype.kind != "integer":
        raise DTypeError(
            "classes are counted with integers",
            argument="target",
            expected=f"an integer dtype (or probabilities in {input.dtype}, for cross_entropy)",
            got=target.dtype,
            hint="target.to('int64')",
        ).at(loss)
    if target.shape != expected:
        raise ShapeError(
            "each sample needs one label",
            argument="target",
            expected=f"{expected} for an input of shape {input.shape}",
            got=target.shape,
        ).at(loss)
    hot: Tensor = one_hot_op(
        target, num_classes=input.shape[dim], dim=dim, ignore_index=ignore_index, dtype=input.dtype
    )
    return hot


def class_weights(weight: Tensor, input: Tensor, loss: str) -> Tensor:
    """The weights of the classes (C,), shaped to line up with the classes of the input."""
    check_floating(loss, input=input, weight=weight)
    dim = class_dim(input, loss)
    classes = input.shape[dim]
    if weight.shape != (classes,):
        raise ShapeError(
            "each class needs one weight", argument="weight", expected=(classes,), got=weight.shape
        ).at(loss)
    return weight.reshape(-1, *(1,) * (input.ndim - dim - 1))
