"""`gradcheck`: gradients compared with difference quotients, first and second order, and the mistake named.

The second order is the same test again, for the function that computes the first-order gradient.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import as_index, float64
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, GradientError
from tinygrad_cnn.testing._diagnosis import broken_walk, likely_mistake, wrong_rule
from tinygrad_cnn.testing._differences import Function, Measure, Mismatch, first_mismatch, gradient_of


def gradcheck(
    fn: Function,
    inputs: Tensor | Sequence[Tensor],
    *,
    order: int = 1,
    eps: float = 1e-5,
    atol: float = 1e-7,
    rtol: float = 1e-6,
    projections: int = 2,
    directions: int | None = None,
) -> bool:
    """Compare the gradients of `fn` with central differences.

    Args:
        fn: called with the inputs; returns a Tensor or several. Integer and bool outputs are left out.
        inputs: one tensor or several. Those that require a gradient are checked and must be float64.
        order: 2 also checks the gradient of the gradient.
        eps: how far an element is moved to each side.
        atol, rtol: how far a gradient may be from the difference quotient, absolutely and relatively.
        projections: how many random weighted sums of the outputs are differentiated, from a fixed seed.
        directions: None tries every element of every input. A number tries that many random directions in
            each input instead: a few evaluations however large it is, and as good at finding a mistake.

    Returns:
        True; so that it reads well in an assertion.

    Raises:
        GradientError: a gradient is wrong. Names the input and its element, what was expected and what came,
            the operation and the rule that is wrong, the line that called it, and the likely mistake.
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
      try:      every rule is right by itself; 0.5 times the right one everywhere: a factor is missing, or ...
    """
    points = _checked_inputs(inputs)
    if order not in (1, 2):
        raise ArgumentError("the first order and the second can be checked", argument="order", got=order)
    for name, number in (("projections", projections), ("directions", directions)):
        if number is not None and as_index(number, argument=name) < 1:
            raise ArgumentError(f"{name} is a number of tries", argument=name, expected=">= 1", got=number)
    measure = Measure(eps, atol, rtol, projections, directions)
    mismatch = first_mismatch(fn, points, measure)
    if mismatch is not None:
        name = _name(points, mismatch.position)
        raise _explained(fn, points, mismatch, 1, eps, f"the gradient of {name}")
    if order == 2:
        gradient, all_points = gradient_of(fn, points)
        mismatch = first_mismatch(gradient, all_points, measure)
        if mismatch is not None:
            name = _name(points, mismatch.position)
            raise _explained(gradient, all_points, mismatch, 2, eps, f"the second-order gradient of {name}")
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


def _name(points: Sequence[Tensor], position: int) -> str:
    """What to call an input; behind those of the function stand the gradients that a backward starts from."""
    if position >= len(points):
        return "the gradient to start from"
    name = points[position].name
    return f"input {position} ({name})" if name else f"input {position}"


def _explained(
    fn: Function, points: Sequence[Tensor], mismatch: Mismatch, order: int, eps: float, what: str
) -> GradientError:
    """The error that says where the gradient is wrong, which rule makes it so, and why."""
    suspect = wrong_rule(fn, points, order, eps)
    if suspect is not None:
        blamed, mistake = str(suspect), likely_mistake(suspect.mismatch, suspect)
    else:
        blamed = broken_walk(fn, points) or "every rule is right by itself"
        mistake = likely_mistake(mismatch)
    error = GradientError(
        f"{what} is wrong at element {mismatch.element}",
        argument=f"inputs[{mismatch.position}]",
        expected=f"{mismatch.expected:.10g}, by central differences",
        got=f"{mismatch.got:.10g}",
        hint=f"{blamed}; {mistake}" if mistake else blamed,
    )
    if suspect is not None:
        error.at(suspect.node.name, suspect.node.source)
    return error
