"""Slopes without any gradient rule: the difference quotient, and the first place where a gradient leaves it.

A gradient rule says how much the output changes when an input does. So change the input a little and look:

    ∂L/∂xᵢ ≈ (L(x + ε·eᵢ) − L(x − ε·eᵢ)) / 2ε

An output with many elements becomes one number L by a random projection: a weighted sum with unlike weights
of both signs, so that no two mistakes cancel. The weights come from a fixed seed: a failure repeats.

Every element of every input costs two evaluations. For a large input a random direction u serves instead of
eᵢ: a wrong gradient agrees with the slope along u by accident only. If it does not agree, halving the
direction again and again leads to a wrong element.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.autodiff import grad
from tinygrad_cnn.errors import GradientError

Function: TypeAlias = Callable[..., Any]
Numbers: TypeAlias = NDArray[np.float64]


class Measure(NamedTuple):
    """How to compare: steps, tolerances, and through how many projections (see `gradcheck`)."""

    eps: float = 1e-5
    atol: float = 1e-7
    rtol: float = 1e-6
    projections: int = 2
    directions: int | None = None

    def agree(self, got: Numbers, expected: Numbers) -> NDArray[np.bool_]:
        return np.isclose(got, expected, rtol=self.rtol, atol=self.atol)


class Mismatch(NamedTuple):
    """A gradient that is not the difference quotient.

    Attributes:
        position: which input.
        element: its first wrong element.
        expected, got: the difference quotient and the gradient there.
        kink: whether the slopes on the two sides of the point differ.
        weights: the projection that showed it.
        all_expected, all_got: both at every element; None where only directions were tried.
    """

    position: int
    element: tuple[int, ...]
    expected: float
    got: float
    kink: bool
    weights: Numbers
    all_expected: Numbers | None = None
    all_got: Numbers | None = None


class Probe:
    """A function at a point, seen through projections of its outputs into one number each.

    Args:
        fn: called with the points; its integer and bool outputs are left out.
        points: float64 tensors; those that require a gradient are moved.
        weights: one row a projection, one column an element of all outputs together; drawn if not given.
    """

    def __init__(
        self, fn: Function, points: Sequence[Tensor], measure: Measure, weights: Numbers | None = None
    ) -> None:
        self.fn, self.points, self.measure = fn, points, measure
        values = _flat(floating_outputs(fn, points))
        self.weights = _projections(measure.projections, values.size) if weights is None else weights
        self.here = self._project(values)

    def gradients(self) -> dict[int, Numbers]:
        """What the backward walk says: for each input that requires a gradient, one array a projection."""
        outputs = floating_outputs(self.fn, self.points)
        wanted = {position: value for position, value in enumerate(self.points) if value.requires_grad}
        rows = [_backward(outputs, row, list(wanted.values())) for row in self.weights]
        return {position: np.stack(found) for position, *found in zip(wanted, *rows, strict=True)}

    def moved(self, position: int, step: Numbers) -> Numbers:
        """The projections with one input moved by a step."""
        old = self.points[position]
        points = list(self.points)
        points[position] = tensor(
            old.numpy() + step, requires_grad=old.requires_grad, backend=old.backend, dtype=old.dtype
        )
        return self._project(_flat(floating_outputs(self.fn, points)))

    def slope(self, position: int, direction: Numbers) -> Numbers:
        """How fast each projection changes when one input moves along a direction."""
        step = self.measure.eps * direction
        change: Numbers = self.moved(position, step) - self.moved(position, -step)
        return change / (2 * self.measure.eps)

    def slopes(self, position: int) -> Numbers:
        """The difference quotient at every element of one input, one array a projection."""
        shape = self.points[position].shape
        found = np.zeros((len(self.weights), *shape))
        for index in np.ndindex(*shape):
            found[(slice(None), *index)] = self.slope(position, _unit(shape, index))
        return found

    def has_kink(self, position: int, index: tuple[int, ...]) -> bool:
        """Whether the slope ahead of the point is another than the one behind it."""
        step = self.measure.eps * _unit(self.points[position].shape, index)
        ahead = (self.moved(position, step) - self.here) / self.measure.eps
        behind = (self.here - self.moved(position, -step)) / self.measure.eps
        return bool((abs(ahead - behind) > 0.01 * abs(ahead) + 0.01).any())

    def require_repeatable(self) -> None:
        again = self._project(_flat(floating_outputs(self.fn, self.points)))
        if not np.array_equal(self.here, again, equal_nan=True):
            raise GradientError(
                "fn gives another result when it is called again",
                argument="fn",
                expected=self.here[0],
                got=again[0],
                hint="does it draw random numbers? Draw them once, outside",
            )

    def _project(self, values: Numbers) -> Numbers:
        with np.errstate(invalid="ignore"):  # an infinite output makes NaN, which agrees with nothing
            projected: Numbers = self.weights @ values
        return projected


def first_mismatch(fn: Function, points: Sequence[Tensor], measure: Measure) -> Mismatch | None:
    """The first gradient of `fn` that is not the difference quotient; None when all are."""
    probe = Probe(fn, points, measure)
    probe.require_repeatable()
    for position, got in probe.gradients().items():
        if measure.directions is None:
            found = _among_elements(probe, position, got)
        else:
            found = _along_directions(probe, position, got, measure.directions)
        if found is not None:
            return found
    return None


def _among_elements(probe: Probe, position: int, got: Numbers) -> Mismatch | None:
    expected = probe.slopes(position)
    wrong = np.argwhere(~probe.measure.agree(got, expected))
    if not len(wrong):
        return None
    row, *place = wrong[0].tolist()
    element = tuple(place)
    return Mismatch(
        position,
        element,
        float(expected[row][element]),
        float(got[row][element]),
        probe.has_kink(position, element),
        probe.weights[row],
        expected[row],
        got[row],
    )


def _along_directions(probe: Probe, position: int, got: Numbers, count: int) -> Mismatch | None:
    shape = probe.points[position].shape

    def differing(direction: Numbers) -> NDArray[np.bool_]:
        """Which projections' gradients do not tell the slope along a direction."""
        told = np.array([np.vdot(row, direction) for row in got])
        return ~probe.measure.agree(told, probe.slope(position, direction))

    for direction in _directions(count, shape):
        wrong = differing(direction)
        if wrong.any():
            row = int(np.argmax(wrong))
            element = _culprit(differing, row, direction)
            return Mismatch(
                position,
                element,
                float(probe.slope(position, _unit(shape, element))[row]),
                float(got[row][element]),
                probe.has_kink(position, element),
                probe.weights[row],
            )
    return None


def _culprit(
    differing: Callable[[Numbers], NDArray[np.bool_]], row: int, direction: Numbers
) -> tuple[int, ...]:
    """An element that a projection's difference comes from: if not one of the first half, of the second."""
    places = np.arange(direction.size)
    while len(places) > 1:
        first, second = np.array_split(places, 2)
        part = np.zeros_like(direction)
        part.flat[first] = direction.flat[first]
        places = first if differing(part)[row] else second
    return tuple(int(i) for i in np.unravel_index(places[0], direction.shape))


# --- the gradient as a function -------------------------------------------------------------------


def gradient_of(
    fn: Function, points: Sequence[Tensor], target: int | None = None
) -> tuple[Function, tuple[Tensor, ...]]:
    """The gradient of `fn` as a function of its inputs and of the gradient it starts from.

    Args:
        target: the position of the input whose gradient is meant; None means all of them together.

    Returns:
        The function, and its points: those of `fn`, then one starting gradient for each output.
    """
    outputs = [output for output in floating_outputs(fn, points) if output.requires_grad]
    size = sum(output.numel() for output in outputs)
    starts = [part.requires_grad_() for part in _cut(_projections(1, size)[0], outputs)]

    def gradient(*values: Tensor) -> list[Tensor]:
        inner, cotangents = values[: len(points)], values[len(points) :]
        results = [output for output in floating_outputs(fn, inner) if output.requires_grad]
        wanted = [
            value
            for position, value in enumerate(inner)
            if value.requires_grad and target in (None, position)
        ]
        found = grad(results, wanted, cotangents, create_graph=True) if results else ()
        return [value for value in found if value is not None]

    return gradient, (*points, *starts)


def floating_outputs(fn: Function, points: Sequence[Tensor]) -> list[Tensor]:
    """The outputs of `fn` that can have a gradient."""
    results = fn(*points)
    several = results if isinstance(results, (tuple, list)) else (results,)
    return [result for result in several if result.dtype.is_floating]


def _backward(outputs: Sequence[Tensor], weights: Numbers, wanted: Sequence[Tensor]) -> list[Numbers]:
    """The gradients of one projection; zeros where nothing arrives."""
    pairs = [
        (output, start)
        for output, start in zip(outputs, _cut(weights, outputs), strict=True)
        if output.requires_grad
    ]
    if not pairs:
        return [np.zeros(value.shape) for value in wanted]
    found = grad([output for output, _ in pairs], wanted, [start for _, start in pairs], retain_graph=True)
    return [
        np.zeros(value.shape) if gradient is None else gradient.numpy()
        for value, gradient in zip(wanted, found, strict=True)
    ]


# --- numbers in a row -----------------------------------------------------------------------------


def _flat(outputs: Sequence[Tensor]) -> Numbers:
    return np.concatenate([np.zeros(0), *[output.numpy().ravel() for output in outputs]])


def _cut(weights: Numbers, outputs: Sequence[Tensor]) -> Iterator[Tensor]:
    """One row of weights in the shapes of the outputs."""
    start = 0
    for output in outputs:
        end = start + output.numel()
        part = weights[start:end].reshape(output.shape)
        yield tensor(part, dtype=output.dtype, backend=output.backend)
        start = end


def _projections(count: int, size: int) -> Numbers:
    """Rows of numbers between ½ and 2 with both signs, no two alike."""
    generator = np.random.default_rng(0)
    rows: Numbers = generator.uniform(0.5, 2.0, (count, size)) * generator.choice([-1.0, 1.0], (count, size))
    return rows


def _directions(count: int, shape: tuple[int, ...]) -> Iterator[Numbers]:
    """Random directions of length 1."""
    generator = np.random.default_rng(1)
    for _ in range(count):
        direction = generator.standard_normal(shape)
        yield direction / max(float(np.linalg.norm(direction)), 1e-300)


def _unit(shape: tuple[int, ...], index: tuple[int, ...]) -> Numbers:
    """The direction of one element."""
    unit = np.zeros(shape)
    unit[index] = 1.0
    return unit
