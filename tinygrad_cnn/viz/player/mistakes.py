"""The answers that learners give when they have understood almost everything.

In exercise mode the player asks for a gradient before it shows it. A wrong answer teaches most when it is
recognised: whoever sends the gradient of a max pooling to the wrong place should hear that, and not just
"wrong". So for each question the answers of the typical mistakes are computed here, and the page only has to
compare:

    sum         took one contribution where several add up
    broadcast   did not sum over what had been copied on the way forward
    transpose   multiplied by a matrix that should have been transposed
    rotation    slid the kernel over the gradient without rotating it by 180°
    winner      sent the gradient of a maximum to another place than the winner's
    sign        lost a minus

Each `_..._answers` function gives the wrong answers to one question; none where that mistake is impossible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._create import tensor
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.graph import Graph, GraphEdge, GraphEvent, GraphNode
from tinygrad_cnn.ops.window import conv, conv_input_grad
from tinygrad_cnn.viz.player.story import Scene

TOLERANCE = 0.01  # relative: people round to two or three digits on the way
MOST_ASKED = 64  # numbers in one question

Array = NDArray[np.float64]
Places = NDArray[np.intp]

WORDS = {
    "sum": "This is one contribution. Several arrive here, and contributions add up.",
    "broadcast": "On the way forward each number was used in several places: it was broadcast. "
    "So on the way back the gradient is summed over those places.",
    "transpose": "A transpose is missing: for y = x W the rules are ∂L/∂x = g Wᵀ and ∂L/∂W = xᵀ g.",
    "rotation": "The kernel has to be rotated by 180° before it slides over the gradient.",
    "winner": "Only the place that won the maximum changed the result, so only that place gets the gradient.",
    "sign": "The size is right, the sign is not.",
}


@dataclass(frozen=True)
class Mistake:
    """One typical mistake at one question.

    Attributes:
        kind: "sum", "broadcast", "transpose", "rotation", "winner" or "sign".
        answers: what it leads to, row by row; some mistakes can be made in several ways.
    """

    kind: str
    answers: tuple[tuple[float, ...], ...]


def is_asked(graph: Graph, scene: Scene) -> bool:
    """Whether a learner is asked for the result of a scene: there is a question, and few enough numbers."""
    if not scene.question or scene.event is None or scene.kind == "sum":  # asked for when it is complete
        return False
    value = graph.events[scene.event].value
    return isinstance(value, Tensor) and 0 < value.numel() <= MOST_ASKED


def typical_mistakes(graph: Graph, scene: Scene) -> list[Mistake]:
    """The mistakes that can be made at a scene, each with the wrong answers that it leads to.

    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.viz.player.story import tell
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> graph = tc.Graph.of(a * a)
    >>> _ = graph.backward()
    >>> typical_mistakes(graph, tell(graph)[-1])
    [Mistake(kind='sum', answers=((3.0,),)), Mistake(kind='sign', answers=((-6.0,),))]
    """
    assert scene.event is not None
    right = _array(graph.events[scene.event].value)
    found = []
    for kind, wrong_answers in _KINDS.items():
        different = [wrong for wrong in wrong_answers(graph, scene.event) if not _same(wrong, right)]
        if different:
            each_once = dict.fromkeys(tuple(wrong.ravel().tolist()) for wrong in different)
            found.append(Mistake(kind, tuple(each_once)))
    return found


def _same(answer: Array, right: Array) -> bool:
    """Whether an answer passes for the right one."""
    scale = float(np.abs(right[np.isfinite(right)]).max(initial=0.0))
    return bool(np.allclose(answer.ravel(), right.ravel(), rtol=TOLERANCE, atol=1e-6 * scale, equal_nan=True))


# --- the step, taken apart ------------------------------------------------------------------------


def _array(value: Tensor) -> Array:
    return np.asarray(value.numpy(), dtype=np.float64)


@dataclass(frozen=True)
class _Sent:
    """A contribution: what `g` became on its way along an edge, and which operation sent it.

    Attributes:
        inputs: of the operation, by argument; those whose values are known.
    """

    edge: GraphEdge
    operation: GraphNode
    g: Array
    inputs: dict[str, Array]
    value: Array


def _sent(graph: Graph, place: int) -> _Sent | None:
    """The contribution of an event; None of other events, and where a needed value was not kept."""
    event = graph.events[place]
    if event.kind != "contribution" or event.edge is None:
        return None
    edge = graph.edges[event.edge]
    cotangent = _gradient_before(graph, place, edge.target)
    if not isinstance(cotangent, Tensor):
        return None
    inputs = {}
    for other in graph.edges:
        if other.target == edge.target:
            value = graph.nodes[other.source].values[other.output]
            if isinstance(value, Tensor):
                inputs[other.argument] = _array(value)
    return _Sent(edge, graph.nodes[edge.target], _array(cotangent), inputs, _array(event.value))


def _gradient_before(graph: Graph, place: int, node: int) -> object:
    """The gradient that a node had been visited with when an event happened."""
    visits = (event for event in reversed(graph.events[:place]) if event.kind == "visit")
    return next((event.value for event in visits if event.node == node), None)


# --- sum ------------------------------------------------------------------------------------------


def _sum_answers(graph: Graph, place: int) -> Iterator[Array]:
    """Each contribution alone."""
    visited = graph.events[place]
    if visited.kind != "visit":
        return
    for event in graph.events[:place]:
        if event.kind == "contribution" and event.node == visited.node and isinstance(event.value, Tensor):
            yield _array(event.value)


# --- broadcast ------------------------------------------------------------------------------------


def _broadcast_answers(graph: Graph, place: int) -> Iterator[Array]:
    """One of the copies instead of the sum over all, or their mean."""
    event = graph.events[place]
    copies = _before_sum(graph, event)
    if copies is None:
        return
    shape = event.value.shape
    lined_up = (1,) * (copies.ndim - len(shape)) + shape
    summed = [axis for axis, size in enumerate(lined_up) if size == 1 and copies.shape[axis] > 1]
    stack = np.moveaxis(copies, summed, range(len(summed)))
    stack = stack.reshape(-1, *shape)
    yield from stack
    yield stack.mean(axis=0)


def _before_sum(graph: Graph, event: GraphEvent) -> Array | None:
    """What a contribution was before it was summed to the shape of the node that gets it."""
    first = len(graph.nodes)
    if event.result is None or event.result < first:
        return None
    if graph.backward_nodes[event.result - first].op != "sum_to":
        return None
    edge = next(edge for edge in graph.backward_edges if edge.target == event.result)
    every_node = [*graph.nodes, *graph.backward_nodes]
    value = every_node[edge.source].values[edge.output]
    return _array(value) if isinstance(value, Tensor) else None


# --- transpose ------------------------------------------------------------------------------------


def _transpose_answers(graph: Graph, place: int) -> Iterator[Array]:
    """The product with a factor as it is, and the right product lying on its side."""
    sent = _sent(graph, place)
    if sent is None or sent.operation.op not in ("matmul", "permute") or sent.value.ndim < 2:
        return
    if sent.operation.op == "permute":
        yield sent.g
        return
    yield np.swapaxes(sent.value, -1, -2)
    x, y = sent.inputs.get("x"), sent.inputs.get("y")
    first, second = (sent.g, y) if sent.edge.argument == "x" else (x, sent.g)
    if first is None or second is None or not first.ndim == second.ndim == 2:
        return
    if first.shape[1] == second.shape[0] and (first.shape[0], second.shape[1]) == sent.value.shape:
        yield first @ second


# --- rotation -------------------------------------------------------------------------------------


def _rotation_answers(graph: Graph, place: int) -> Iterator[Array]:
    """The right rule with the kernel the other way round."""
    sent = _sent(graph, place)
    if sent is None or "w" not in sent.inputs:
        return
    kernel = sent.inputs["w"]
    rotated = tensor(np.flip(kernel, axis=tuple(range(2, kernel.ndim))))
    window = {
        name: _as_tuples(sent.operation.params[name])
        for name in ("stride", "padding", "dilation", "groups")
        if name in sent.operation.params
    }
    if (sent.operation.op, sent.edge.argument) == ("conv", "x"):
        size = sent.inputs.get("x", sent.value).shape[2:]
        yield _array(conv_input_grad(tensor(sent.g), rotated, size=size, **window))
    elif (sent.operation.op, sent.edge.argument) == ("conv_input_grad", "grad"):
        yield _array(conv(tensor(sent.g), rotated, **window))


def _as_tuples(value: object) -> object:
    """A parameter that has been in a JSON file, where tuples become lists."""
    return tuple(map(_as_tuples, value)) if isinstance(value, (list, tuple)) else value


# --- winner ---------------------------------------------------------------------------------------

# Where else the gradient might be sent: each picks places from the numbers that a maximum was taken of.
_WRONG_WINNERS: tuple[Callable[[Array], Places], ...] = (
    lambda numbers: np.argsort(numbers, kind="stable")[-2:-1],  # the runner-up
    lambda numbers: np.argsort(numbers, kind="stable")[:1],  # the smallest
    lambda numbers: np.argsort(numbers, kind="stable")[-1:],  # of several equal ones the last
    lambda numbers: np.arange(len(numbers)),  # all of them
)


def _winner_answers(graph: Graph, place: int) -> Iterator[Array]:
    """The gradient sent to a place that did not win."""
    sent = _sent(graph, place)
    if sent is None:
        return
    operation, g = sent.operation.op, sent.g
    if operation in ("maximum", "minimum") and g.shape == sent.value.shape:
        yield g - sent.value
    elif operation == "relu":  # the maximum of x and 0
        yield g - sent.value
        yield g
    elif operation in ("max_pool", "amax", "max_along", "amin", "min_along") and "x" in sent.inputs:
        x = sent.inputs["x"]
        sign = -1 if operation.endswith(("min", "min_along")) else 1
        for wrong_winner in _WRONG_WINNERS:
            wrong = np.zeros(x.size)
            for places, gradient in zip(_competitors(sent.operation, x.shape), g.ravel(), strict=True):
                wrong[places[wrong_winner(sign * x.ravel()[places])]] += gradient
            yield wrong


def _competitors(operation: GraphNode, shape: tuple[int, ...]) -> Iterator[Places]:
    """For each maximum that an operation took, the places in x that it was taken of."""
    places = np.arange(np.prod(shape)).reshape(shape)
    if operation.op != "max_pool":
        dim = operation.params["dim"]
        dims = range(len(shape)) if dim is None else np.atleast_1d(dim)
        axes = [axis % len(shape) for axis in dims]
        kept = np.moveaxis(places, axes, range(-len(axes), 0))
        yield from kept.reshape(-1, np.prod([shape[axis] for axis in axes], dtype=int))
        return
    kernel, stride, dilation = (operation.params[name] for name in ("kernel_size", "stride", "dilation"))
    out = operation.outputs[0].shape[2:]
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    frame = [(0, 0), (0, 0)]
    for axis, (before, _) in enumerate(operation.params["padding"]):
        end = (out[axis] - 1) * stride[axis] + reach[axis]  # where the last window ends, even past the edge
        frame.append((before, max(0, end - before - shape[2 + axis])))
    framed = np.pad(places, frame, constant_values=-1)
    windows = np.lib.stride_tricks.sliding_window_view(framed, reach, axis=tuple(range(2, framed.ndim)))
    starts = (slice(0, size * step, step) for size, step in zip(out, stride, strict=True))
    cells = (slice(None, None, step) for step in dilation)
    for window in windows[(slice(None), slice(None), *starts, *cells)].reshape(-1, np.prod(kernel)):
        yield window[window >= 0]


# --- sign -----------------------------------------------------------------------------------------


def _sign_answers(graph: Graph, place: int) -> Iterator[Array]:
    yield -_array(graph.events[place].value)


_KINDS: dict[str, Callable[[Graph, int], Iterator[Array]]] = {
    "sum": _sum_answers,
    "broadcast": _broadcast_answers,
    "transpose": _transpose_answers,
    "rotation": _rotation_answers,
    "winner": _winner_answers,
    "sign": _sign_answers,
}
