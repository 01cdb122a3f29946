"""Tools for the parameters of a network: gradient clipping, and all weights as one vector.

    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()

Where a loss has a cliff, one gradient can be a thousand times longer than the others and throw the weights
far away. Clipping by norm keeps its direction and cuts its length; clipping by value cuts every element on
its own.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
arXiv:1211.5063, algorithm 1. Names and results are torch.nn.utils'.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import promote
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, NonFiniteError, ShapeError
from tinygrad_cnn.ops.joining import cat, stack

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]

Parameters = Tensor | Iterable[Tensor]


# --- clipping gradients ---------------------------------------------------------------------------


def clip_grad_norm_(
    parameters: Parameters, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Shorten all gradients by one factor, so that together they are no longer than max_norm.

    Args:
        parameters: a tensor or several; those without a gradient are passed over.
        max_norm: the largest length; infinity only measures.
        norm_type: p of the p-norm; infinity takes the largest element.
        error_if_nonfinite: raise rather than scale by NaN or infinity.

    Returns:
        The norm of all gradients, seen as one vector, before they were clipped: 0-d.

    Raises:
        NonFiniteError: asked for with error_if_nonfinite; no gradient was changed.
        ArgumentError: a negative max_norm.

    >>> import tinygrad_cnn as tc
    >>> x, y = tc.tensor(3.0, requires_grad=True), tc.tensor(4.0, requires_grad=True)
    >>> ((x * x + y * y) / 2).backward()
    >>> tc.nn.utils.clip_grad_norm_([x, y], max_norm=1.0)
    tensor(5.)
    >>> round(x.grad.item(), 3), round(y.grad.item(), 3)
    (0.6, 0.8)
    """
    several = _several(parameters)
    gradients = [parameter.grad for parameter in several if parameter.grad is not None]
    total_norm = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(several, max_norm, total_norm)
    return total_norm


def get_total_norm(tensors: Parameters, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Tensor:
    """The norm of several tensors, seen as one vector.

    Args:
        tensors: a tensor or several, such as gradients.
        norm_type: p of the p-norm; infinity takes the largest element.
        error_if_nonfinite: raise rather than return NaN or infinity.

    Returns:
        A 0-d tensor; 0 for no tensors.

    Raises:
        NonFiniteError: asked for with error_if_nonfinite.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.utils.get_total_norm([tc.tensor([3.0, 0.0]), tc.tensor([[4.0]])])
    tensor(5.)
    """
    values, p = _several(tensors), float(norm_type)
    if not values:
        return tensor(0.0)
    with no_grad(), values[0].backend.step():
        norms = [_norm(value, p) for value in values]
        total = _norm(stack([norm.to(promote(*norms)) for norm in norms]), p)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise NonFiniteError(
            f"the norm of all gradients is {total.item()}, so nothing can be scaled by it",
            argument="parameters",
            expected="finite gradients",
            hint="tc.detect_anomaly() names the operation that made the first NaN or infinity",
        )
    return total


def clip_grads_with_norm_(parameters: Parameters, max_norm: float, total_norm: Tensor) -> None:
    """Multiply all gradients by max_norm / total_norm, if that is less than 1.

    Args:
        parameters: a tensor or several; those without a gradient are passed over.
        max_norm: how long they may be together.
        total_norm: how long they are, as `get_total_norm` says.

    Raises:
        ArgumentError: a negative max_norm.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor(1.0, requires_grad=True)
    >>> (8 * x).backward()
    >>> tc.nn.utils.clip_grads_with_norm_(x, max_norm=2.0, total_norm=tc.tensor(8.0))
    >>> round(x.grad.item(), 3)
    2.0
    """
    limit = _limit("max_norm", max_norm)
    with no_grad(), total_norm.backend.step():
        # A tensor, not `if total_norm > max_norm`: a recorded step must go the same way each time.
        factor = (limit / (total_norm + 1e-6)).clamp(max=1.0)
        for parameter in _several(parameters):
            if parameter.grad is not None:
                parameter.grad = parameter.grad * factor.to(parameter.dtype)


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Cut every element of all gradients off at ±clip_value.

    Args:
        parameters: a tensor or several; those without a gradient are passed over.
        clip_value: the largest size of an element.

    Raises:
        ArgumentError: a negative clip_value.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 1.0], requires_grad=True)
    >>> (x * tc.tensor([0.5, -30.0])).sum().backward()
    >>> tc.nn.utils.clip_grad_value_([x], clip_value=1.0)
    >>> x.grad
    tensor([ 0.5, -1. ])
    """
    limit = _limit("clip_value", clip_value)
    with no_grad():
        for parameter in _several(parameters):
            if parameter.grad is not None:
                parameter.grad = parameter.grad.clamp(-limit, limit)


def _norm(x: Tensor, p: float) -> Tensor:
    """(Σ |x|ᵖ)^(1/p), and what becomes of it as p goes to ±∞ and 0."""
    sizes = x.abs()
    if p == 2:
        return (x * x).sum().sqrt()
    if math.isinf(p):
        return sizes.amax() if p > 0 else sizes.amin()
    if p == 0:
        return (sizes != 0).sum().to(x.dtype)
    return (sizes**p).sum() ** (1 / p)


def _several(tensors: Parameters) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _limit(name: str, value: float) -> float:
    limit = float(value)
    if not limit >= 0:
        raise ArgumentError(
            f"{name} is a length", argument=name, expected="a number >= 0, infinity too", got=value
        )
    return limit


# --- all parameters as one vector -----------------------------------------------------------------


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of several tensors in one row; differentiable.

    >>> import tinygrad_cnn as tc
    >>> tc.nn.utils.parameters_to_vector([tc.ones(2, 2), tc.zeros(1)])
    tensor([1., 1., 1., 1., 0.])
    """
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Write a row of numbers back into the tensors that `parameters_to_vector` takes.

    Everything is checked before anything is written.

    Args:
        vec: as many elements as all parameters have together, in their dtype.
        parameters: leaves; they are overwritten.

    Raises:
        ArgumentTypeError: vec is not a tensor.
        ShapeError: vec has too many elements or too few.
        DTypeError: vec has another dtype than a parameter.

    >>> import tinygrad_cnn as tc
    >>> w, b = tc.zeros(2, 2), tc.zeros(1)
    >>> tc.nn.utils.vector_to_parameters(tc.tensor([1.0, 2.0, 3.0, 4.0, 5.0]), [w, b])
    >>> w.tolist(), b.tolist()
    ([[1.0, 2.0], [3.0, 4.0]], [5.0])
    """
    if not isinstance(vec, Tensor):
        raise ArgumentTypeError(
            "only a tensor can be taken apart", argument="vec", expected="Tensor", got=type(vec).__name__
        )
    targets = list(parameters)
    wanted = sum(target.numel() for target in targets)
    if vec.shape != (wanted,):
        raise ShapeError(
            "the vector does not fit the parameters", argument="vec", expected=(wanted,), got=vec.shape
        )
    for number, target in enumerate(targets):
        if target.dtype is not vec.dtype:
            raise DTypeError(
                "a value of another dtype is not converted silently",
                argument=f"parameters[{number}]",
                expected=vec.dtype,
                got=target.dtype,
            )
    start = 0
    with no_grad():
        for target in targets:
            end = start + target.numel()
            target.assign(vec[start:end].reshape(target.shape))
            start = end
