"""Gradients compared with central differences.

A gradient rule says how much the output changes when an input does. So change each input a little and look:

    ∂L/∂xᵢ ≈ (L(x + ε·eᵢ) − L(x − ε·eᵢ)) / 2ε

The error of that is of order ε²; in float64 with ε = 10⁻⁵ ten digits are right, far more than a wrong
rule gets by accident. An output with many elements is turned into one number L by a fixed projection with
unlike weights, so that no two mistakes can cancel.

The second order is the same test again, for the function that computes the first-order gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.autodiff import grad
from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, GradientError

Function: TypeAlias = Callable[..., Any]
Numbers: TypeAlias = NDArray[np.float64]


def gradcheck(
    fn: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    order: int = 1,
    eps: float = 1e-5,
    atol: float = 1e-7,
    rtol: float = 1e-6,
) -> bool:
    """Compare the gradients of `fn` with central differences, at every element of every input.

    Args:
        fn: called with the inputs; returns a Tensor or several. Integer and bool outputs are left out.
        inputs: one tensor or several. Those that require a gradient are checked and must be float64.
        order: 2 also checks the gradient of the gradient.
        eps: how far an element is moved to each side.
        atol, rtol: how far a gradient may be from the difference quotient, absolutely and relatively.

    Returns:
        True; so that it reads well in an assertion.

    Raises:
        GradientError: a gradient is wrong. Names the input and its element, says what was expected, what
            came, and the likely cause.
        DTypeError: an input to be checked is not float64.

    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.testing import gradcheck
    >>> x = tc.tensor([0.5, -1.5], dtype="float64", requires_grad=True)
    >>> gradcheck(lambda x: (x * x).exp(), x, order=2)
    True
    >>> gradcheck(lambda x: x * x.detach(), x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tinygrad_cnn.errors.GradientError: the gradient of input 0 is wrong at element (0,)
      argument: inputs[0]
      expected: -1.455442531, by central differences
      got:      -0.7277212655
      at:       ...
      try:      it is 0.5 times the right one everywhere: a factor or a contribution at a fan-out is ...
    """
    points = _checked_inputs(inputs)
    if order not in (1, 2):
        raise ArgumentError("the first order and the second can be checked", argument="order", got=order)
    _check(fn, points, eps, atol, rtol, "gradient")
    if order == 2:
        gradient, points = _gradient_of(fn, points)
        _check(gradient, points, eps, atol, rtol, "second-order gradient")
    return True


def _checked_inputs(inputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    points = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    for number, value in enumerate(points):
        if not isinstance(value, Tensor):
            raise ArgumentTypeError(
                "gradients are taken with respect to tensors",
                argument=f"inputs[{number}]",
                expected="Tensor",
                got=type(value).__name__,
            )
        if value.requires_grad and value.dtype is not float64:
            raise DTypeError(
                f"differences of {value.dtype} numbers have too few digits to judge a gradient by",
                argument=f"inputs[{number}]",
                expected="float64",
                got=value.dtype,
                hint="tc.tensor(..., dtype='float64', requires_grad=True)",
            )
    if not any(value.requires_grad for value in points):
        raise GradientError(
            "none of the inputs requires a gradient", argument="inputs", hint="requires_grad=True"
        )
    return points


# --- the gradient that is tested ------------------------------------------------------------------


def _outputs(fn: Function, points: Sequence[Tensor]) -> list[Tensor]:
    results = fn(*points)
    several = results if isinstance(results, (tuple, list)) else (results,)
    return [result for result in several if result.dtype.is_floating]


def _weights(outputs: Sequence[Tensor]) -> list[Numbers]:
    """Fixed numbers between ½ and 2 with both signs, no two alike: the projection of the outputs."""
    generator = np.random.default_rng(0)
    return [
        generator.uniform(0.5, 2.0, output.shape) * generator.choice([-1.0, 1.0], output.shape)
        for output in outputs
    ]


def _computed(fn: Function, points: Sequence[Tensor], weights: Sequence[Numbers]) -> list[Numbers]:
    """What the backward walk says, for every input that requires a gradient; zeros where nothing arrives."""
    wanted = [value for value in points if value.requires_grad]
    pairs = [
        (output, tensor(weight, dtype=output.dtype, backend=output.backend))
        for output, weight in zip(_outputs(fn, points), weights, strict=True)
        if output.requires_grad
    ]
    if not pairs:
        return [np.zeros(value.shape) for value in wanted]
    gradients = grad([output for output, _ in pairs], wanted, [weight for _, weight in pairs])
    return [
        np.zeros(value.shape) if gradient is None else gradient.numpy()
        for value, gradient in zip(wanted, gradients, strict=True)
    ]


def _gradient_of(fn: Function, points: Sequence[Tensor]) -> tuple[Function, tuple[Tensor, ...]]:
    """The first-order gradient as a function of the inputs and of the gradient it starts from."""
    outputs = [output for output in _outputs(fn, points) if output.requires_grad]
    seeds = [
        tensor(weight, dtype=output.dtype, requires_grad=True, backend=output.backend)
        for output, weight in zip(outputs, _weights(outputs), strict=True)
    ]

    def gradient(*values: Tensor) -> list[Tensor]:
        inner, cotangents = values[: len(points)], values[len(points) :]
        results = [output for output in _outputs(fn, inner) if output.requires_grad]
        wanted = [value for value in inner if value.requires_grad]
        found = grad(results, wanted, cotangents, create_graph=True) if results else ()
        return [value for value in found if value is not None]

    return gradient, (*points, *seeds)


# --- the difference quotient ----------------------------------------------------------------------


def _check(fn: Function, points: Sequence[Tensor], eps: float, atol: float, rtol: float, what: str) -> None:
    outputs = _outputs(fn, points)
    weights = _weights(outputs)

    def projected(position: int, array: Numbers) -> float:
        """L with one input replaced."""
        moved = list(points)
        old = points[position]
        moved[position] = tensor(array, requires_grad=old.requires_grad, backend=old.backend)
        values = _outputs(fn, moved)
        return sum(
            float(np.vdot(weight, value.numpy())) for weight, value in zip(weights, values, strict=True)
        )

    computed = iter(_computed(fn, points, weights))
    for position, value in enumerate(points):
        if not value.requires_grad:
            continue
        got, start = next(computed), value.numpy()
        here = projected(position, start)
        _require_repeatable(here, projected(position, start))
        expected = np.zeros(value.shape)
        for index in np.ndindex(*value.shape):
            expected[index] = (
                _at(projected, position, start, index, eps) - _at(projected, position, start, index, -eps)
            ) / (2 * eps)
        wrong = ~np.isclose(got, expected, rtol=rtol, atol=atol)
        if wrong.any():
            index = tuple(np.argwhere(wrong)[0].tolist())
            ahead = (_at(projected, position, start, index, eps) - here) / eps
            behind = (here - _at(projected, position, start, index, -eps)) / eps
            raise GradientError(
                f"the {what} of input {position}{_named(value)} is wrong at element {index}",
                argument=f"inputs[{position}]",
                expected=f"{expected[index]:.10g}, by central differences",
                got=f"{got[index]:.10g}",
                hint=_likely_cause(expected, got, wrong, kink=abs(ahead - behind) > 0.01 * abs(ahead) + 0.01),
            )


def _at(
    projected: Callable[[int, Numbers], float],
    position: int,
    start: Numbers,
    index: tuple[int, ...],
    step: float,
) -> float:
    moved = start.copy()
    moved[index] += step
    return projected(position, moved)


def _named(value: Tensor) -> str:
    return f" ({value.name})" if value.name else ""


def _require_repeatable(first: float, second: float) -> None:
    if first != second and not (np.isnan(first) and np.isnan(second)):
        raise GradientError(
            "fn gives another result when it is called again",
            argument="fn",
            expected=first,
            got=second,
            hint="does it draw random numbers? Draw them once, outside",
        )


def _likely_cause(expected: Numbers, got: Numbers, wrong: NDArray[np.bool_], *, kink: bool) -> str | None:
    """What the pattern of a wrong gradient tells about the mistake behind it."""
    if not np.isfinite(got).all():
        return "it is not finite: does the rule divide by 0 or take the logarithm of 0?"
    if kink:
        return "fn has a kink there, with another slope on each side: choose inputs away from it"
    if not got.any():
        return "it is zero everywhere: is the value detached, or a contribution dropped?"
    if np.allclose(got, -expected):
        return "the sign is flipped"
    factor = float(np.vdot(expected, got) / max(float(np.vdot(expected, expected)), 1e-300))
    if np.allclose(got, factor * expected):
        return (
            f"it is {factor:.4g} times the right one everywhere: a factor or a contribution at a fan-out is "
            "missing, or one counts twice"
        )
    if np.allclose(np.sort(got, axis=None), np.sort(expected, axis=None)):
        return "the right numbers are in the wrong places: transposed, flipped, or an unrotated kernel?"
    if 2 * wrong.sum() < wrong.size:
        return f"only {wrong.sum()} of {wrong.size} elements are wrong: look at borders and repeated indices"
    return None
