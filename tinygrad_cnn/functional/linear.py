"""The linear (fully connected) layer as a function, and flattening images for it."""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.ops.linalg import matmul
from tinygrad_cnn.ops.movement import flatten, transpose

__all__ = ["flatten", "linear"]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y = x Wᵀ + b: every output is a weighted sum of all inputs.

    Args:
        input: (*, in_features), floating.
        weight: (out_features, in_features), of the input's dtype.
        bias: (out_features,), or None.

    Returns:
        (*, out_features).

    Raises:
        ShapeError: the features of input and weight differ, or the bias does not have one number an output.
        DTypeError: the dtypes differ.

    >>> import tinygrad_cnn as tc
    >>> W = tc.tensor([[1.0, 2.0], [0.0, -1.0], [1.0, 1.0]])
    >>> tc.functional.linear(tc.tensor([[3.0, 4.0]]), W, tc.tensor([0.0, 0.0, 10.0]))
    tensor([[11., -4., 17.]])
    """
    if weight.ndim != 2:
        raise ShapeError(
            "a weight matrix has two dimensions",
            argument="weight",
            expected="(out_features, in_features)",
            got=weight.shape,
        ).at("linear")
    out_features, in_features = weight.shape
    if input.shape[-1:] != (in_features,):
        raise ShapeError(
            f"the layer takes {in_features} features",
            argument="input",
            expected=f"(*, {in_features})",
            got=input.shape,
            hint="flatten the images before the first linear layer: x.flatten(1)" if input.ndim > 2 else None,
        ).at("linear")
    output: Tensor = matmul(input, transpose(weight, 0, 1))
    if bias is None:
        return output
    check_bias(bias, out_features, "linear")
    return output + bias


def check_bias(bias: Tensor, outputs: int, op: str) -> None:
    """A bias of another size would be broadcast, or broadcast the output."""
    if bias.shape != (outputs,):
        raise ShapeError(
            "the bias needs one number for each output", argument="bias", expected=(outputs,), got=bias.shape
        ).at(op)
