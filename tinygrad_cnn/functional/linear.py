"""The linear (fully connected) layer as a function, its relative for pairs, and flattening images for it."""

from __future__ import annotations

from tinygrad_cnn._autocast import narrowed
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Shape, count, require_floating
from tinygrad_cnn.errors import ShapeError
from tinygrad_cnn.functional._affine import check_dtypes
from tinygrad_cnn.ops.linalg import matmul
from tinygrad_cnn.ops.movement import flatten, transpose

__all__ = ["bilinear", "flatten", "linear"]


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
    require_floating(input, "input")  # also says what None is, the result of a forward without `return`
    input, weight, bias = narrowed(input, weight, bias)
    check_dtypes(input=input, weight=weight, bias=bias)
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


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """yₖ = x₁ᵀ Wₖ x₂ + bₖ: every output is a weighted sum of all products of a feature of x₁ and one of x₂.

    Args:
        input1: (*, in1_features), floating.
        input2: (*, in2_features), with the same sizes before.
        weight: (out_features, in1_features, in2_features).
        bias: (out_features,), or None.

    Returns:
        (*, out_features).

    Raises:
        ShapeError: the features, or the sizes before them, do not fit.
        DTypeError: the dtypes differ.

    >>> import tinygrad_cnn as tc
    >>> dot_product = tc.eye(2).reshape(1, 2, 2)
    >>> tc.functional.bilinear(tc.tensor([1.0, 2.0]), tc.tensor([10.0, 20.0]), dot_product)
    tensor([50.])
    """
    input1, input2, weight, bias = narrowed(input1, input2, weight, bias)
    check_dtypes(input1=input1, input2=input2, weight=weight, bias=bias)
    if weight.ndim != 3:
        raise ShapeError(
            "there is a matrix for each output",
            argument="weight",
            expected="(out_features, in1_features, in2_features)",
            got=weight.shape,
        ).at("bilinear")
    out_features, in1_features, in2_features = weight.shape
    _check_features("input1", input1, (*input2.shape[:-1], in1_features))
    _check_features("input2", input2, (*input1.shape[:-1], in2_features))
    # One matrix product for each output, of all rows at once: (N, I) @ (K, I, J) → (K, N, J).
    first = matmul(input1.reshape(count(input1.shape[:-1]), in1_features), weight)
    products = first * input2.reshape(count(input2.shape[:-1]), in2_features)
    (sums,) = narrowed(products.sum(-1))
    output = transpose(sums, 0, 1).reshape(*input1.shape[:-1], out_features)
    if bias is None:
        return output
    check_bias(bias, out_features, "bilinear")
    return output + bias


def _check_features(name: str, x: Tensor, expected: Shape) -> None:
    if x.shape != expected:
        raise ShapeError(
            f"{name} needs its features last, and as many rows as the other input",
            argument=name,
            expected=expected,
            got=x.shape,
        ).at("bilinear")


def check_bias(bias: Tensor, outputs: int, op: str) -> None:
    """A bias of another size would be broadcast, or broadcast the output."""
    if bias.shape != (outputs,):
        raise ShapeError(
            "the bias needs one number for each output", argument="bias", expected=(outputs,), got=bias.shape
        ).at(op)
