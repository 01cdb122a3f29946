"""What is wrong with a gradient that is wrong: which rule, and the likely mistake in it.

Two questions, answered by looking and not by guessing. Which rule? Every operation of the recorded graph is
tried by itself, on the very inputs it was recorded with: the gradient of each input against the difference
quotient of that operation alone. Which mistake? The wrong numbers are compared with what the usual mistakes
would give: with the right ones negated, scaled, transposed or turned round; with those for a flipped kernel
or a transposed weight; with those of a single place, where the sum over all places is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_cnn._create import tensor
from tinygrad_cnn._node import Node
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn._walk import Contribution, Event, Visit, walk
from tinygrad_cnn.autodiff import seeds
from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.errors import TinygradCNNError
from tinygrad_cnn.graph import record
from tinygrad_cnn.testing._differences import (
    Function,
    Measure,
    Mismatch,
    Numbers,
    Probe,
    first_mismatch,
    floating_outputs,
    gradient_of,
)

ELEMENTS_TRIED_ONE_BY_ONE = 1000  # in a larger input, random directions show which rule is wrong


class Suspect(NamedTuple):
    """An operation of the graph whose gradient rule is wrong by itself.

    Attributes:
        node: the operation as it was recorded.
        position: the input whose rule it is.
        order: 1 when the rule's numbers are wrong, 2 when only their own gradient is.
        mismatch: where, and how, on that operation alone.
        function, points: the operation as a function of its recorded inputs.
    """

    node: Node
    position: int
    order: int
    mismatch: Mismatch
    function: Function
    points: tuple[Tensor, ...]

    def __str__(self) -> str:
        argument = self.node.argument(self.position)
        assert self.node.op is not None
        formula = self.node.op.rules[argument].formula
        which = "the gradient of the rule" if self.order == 2 else "the rule"
        return f"{which} of {self.node.name} for {argument} ({formula})"


def wrong_rule(fn: Function, points: Sequence[Tensor], order: int, eps: float) -> Suspect | None:
    """The first operation in the graph of `fn` whose rule is wrong by itself; None when all are right."""
    with record() as recording:
        fn(*points)
    kink = None
    for tried in range(1, order + 1):
        for node in recording:
            for suspect in _suspects(node, tried, eps):
                if not suspect.mismatch.kink:
                    return suspect
                kink = kink or suspect
    return kink


def _suspects(node: Node, order: int, eps: float) -> Iterator[Suspect]:
    """The wrong rules of one recorded operation."""
    op = node.op
    if op is None or not op.rules or not node.requires_grad or not _was_recorded(node):
        return
    points = tuple(_recorded_inputs(node))
    wanted = [position for position, value in enumerate(points) if value.requires_grad]
    large = max([points[position].numel() for position in wanted], default=0) > ELEMENTS_TRIED_ONE_BY_ONE
    # Looser than the check itself, so that rounding in a harmless operation does not draw the blame.
    measure = Measure(eps, atol=1e-6, rtol=1e-4, directions=4 if large else None)

    def alone(*inputs: Tensor) -> Tensor:
        results = op(*inputs, **node.params)
        first: Tensor = results[0] if isinstance(results, tuple) else results
        return first

    if order == 1:
        found = first_mismatch(alone, points, measure)
        if found is not None:
            yield Suspect(node, found.position, 1, found, alone, points)
        return
    for position in wanted:
        found = first_mismatch(*gradient_of(alone, points, position), measure)
        if found is not None:
            yield Suspect(node, position, 2, found, alone, points)


def _was_recorded(node: Node) -> bool:
    """Whether all its inputs are known; not if one was computed before the recording began."""
    return all(parent.values is not None for parent, _ in node.inputs)


def _recorded_inputs(node: Node) -> Iterator[Tensor]:
    """The inputs of a recorded operation, as leaves of their own."""
    for position, (parent, index) in enumerate(node.inputs):
        assert node.op is not None
        assert parent.values is not None
        value = parent.values[index]
        differentiable = parent.requires_grad and index == 0 and node.op.rule(position) is not None
        yield tensor(
            value,
            dtype=value.dtype,
            requires_grad=differentiable and value.dtype is float64,
            backend=value.backend,
        )


def broken_walk(fn: Function, points: Sequence[Tensor]) -> str | None:
    """What happens to a gradient between the rules: a hook that changes it, contributions not added up."""
    outputs = [output for output in floating_outputs(fn, points) if output.requires_grad]
    ones = [tensor(np.ones(output.shape), dtype=output.dtype, backend=output.backend) for output in outputs]
    with points[0].backend.step():
        return _seen_on_the_way(walk(outputs, seeds(outputs, ones), retain_graph=True))


def _seen_on_the_way(events: Iterable[Event]) -> str | None:
    arrived: dict[Node, list[Numbers]] = {}
    for event in events:
        if isinstance(event, Contribution):
            arrived.setdefault(event.edge.parent, []).append(event.value.numpy())
        elif isinstance(event, Visit):
            name = event.node.name or "an input"
            if event.node.hooks:
                return f"a hook on {name} changes the gradient on its way"
            parts = arrived.get(event.node, [])
            if len(parts) > 1 and not np.allclose(np.sum(parts, axis=0), event.cotangent.numpy()):
                return f"{len(parts)} contributions meet at {name}: a missing sum at a fan-out"
    return None


# --- the likely mistake ---------------------------------------------------------------------------


def likely_mistake(mismatch: Mismatch, suspect: Suspect | None = None) -> str | None:
    """What the pattern of wrong numbers tells; of a suspected rule more than of a whole function."""
    if not np.isfinite(mismatch.got):
        return "not finite: does it divide by 0 or take the logarithm of 0?"
    if mismatch.kink:
        return "a kink, with another slope on each side: choose inputs away from it"
    if mismatch.all_got is None or mismatch.all_expected is None:
        return None
    expected, got = mismatch.all_expected, mismatch.all_got
    mistake = _same_everywhere(expected, got)
    if mistake is None and suspect is not None and suspect.order == 1:
        mistake = _of_another_place(suspect, got) or _of_another_input(suspect, got)
    return mistake or _moved(expected, got) or _few_elements(expected, got)


def _same_everywhere(expected: Numbers, got: Numbers) -> str | None:
    if not got.any():
        return "zero everywhere: is the value detached, or a contribution dropped?"
    if np.allclose(got, -expected):
        return "the sign is flipped"
    factor = float(np.vdot(expected, got) / max(float(np.vdot(expected, expected)), 1e-300))
    if expected.size > 1 and np.allclose(got, factor * expected):
        return (
            f"{factor:.4g} times the right one everywhere: a factor is missing, or a contribution at a "
            "fan-out is missing or counts twice"
        )
    return None


def _of_another_place(suspect: Suspect, got: Numbers) -> str | None:
    """Whether the gradient counts a single place of the result, where all of them must be added up."""
    shape = suspect.node.outputs[0].shape
    places = [(axis, place) for axis, size in enumerate(shape) if size > 1 for place in (0, size - 1)]
    if not places:
        return None
    weights = [_only_at(suspect.mismatch.weights.reshape(shape), *place) for place in places]
    for (axis, place), slopes in zip(
        places, _slopes(suspect, suspect.points, np.stack(weights)), strict=True
    ):
        if np.allclose(got, slopes):
            return (
                f"only the {'last' if place else 'first'} of {shape[axis]} places along dimension {axis} of "
                "the result counts: a missing sum, as over a batch or after a broadcast (missing unbroadcast)"
            )
    return None


def _only_at(weights: Numbers, axis: int, place: int) -> Numbers:
    """A projection that sees one place of the result only, in a row."""
    only = np.zeros_like(weights)
    chosen = (slice(None),) * axis + (place,)
    only[chosen] = weights[chosen]
    return only.ravel()


def _of_another_input(suspect: Suspect, got: Numbers) -> str | None:
    """Whether the gradient is right for another input turned round or transposed."""
    for other, value in enumerate(suspect.points):
        if other == suspect.position or not value.dtype.is_floating:
            continue
        name = suspect.node.argument(other)
        for changed, mistake in _TURNED.items():
            turned = changed(value.numpy())
            if turned is None or turned.shape != value.shape or np.allclose(turned, value.numpy()):
                continue
            points = list(suspect.points)
            points[other] = tensor(turned, requires_grad=value.requires_grad, backend=value.backend)
            try:
                (right_for_turned,) = _slopes(suspect, points, suspect.mismatch.weights[None])
            except TinygradCNNError:  # the operation does not take such an input
                continue
            if np.allclose(got, right_for_turned):
                return f"right for {name} {mistake}"
    return None


def _slopes(suspect: Suspect, points: Sequence[Tensor], weights: Numbers) -> Numbers:
    """The difference quotients of the operation alone, for other inputs or other projections."""
    return Probe(suspect.function, points, Measure(), weights).slopes(suspect.position)


def _spatially_flipped(numbers: Numbers) -> Numbers | None:
    return np.flip(numbers, axis=tuple(range(2, numbers.ndim))) if numbers.ndim > 2 else None


def _transposed(numbers: Numbers) -> Numbers | None:
    return np.swapaxes(numbers, -2, -1) if numbers.ndim > 1 else None


_TURNED: dict[Callable[[Numbers], Numbers | None], str] = {
    _spatially_flipped: "rotated by 180°: an unrotated kernel (or one rotated that must not be)?",
    _transposed: "transposed: a transposed weight (or one that must be)?",
}


def _moved(expected: Numbers, got: Numbers) -> str | None:
    """Whether the right numbers stand in the wrong places."""
    for changed, mistake in (
        (_transposed, "the right numbers, transposed"),
        (_spatially_flipped, "the right numbers, rotated by 180°"),
        (np.flip, "the right numbers in reversed order"),
    ):
        moved = changed(got)
        if moved is not None and moved.shape == expected.shape and np.allclose(moved, expected):
            return mistake
    if np.allclose(np.sort(got, axis=None), np.sort(expected, axis=None)):
        return "the right numbers in the wrong places: shifted, permuted, or the wrong winner?"
    return None


def _few_elements(expected: Numbers, got: Numbers) -> str | None:
    wrong = int((~np.isclose(got, expected, rtol=1e-4, atol=1e-6)).sum())
    if 0 < 2 * wrong < got.size:
        return f"only {wrong} of {got.size} elements are wrong: look at borders and repeated indices"
    return None
