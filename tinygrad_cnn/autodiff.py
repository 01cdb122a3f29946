"""The backward walk: reverse-mode differentiation as a stream of events.

There is one backward pass, and people can watch it. `walk` goes through the recorded Nodes from the
outputs to the leaves and tells what it does, one event at a time:

    Visit(node, cotangent)       the gradient of this node's output is complete
    Contribution(edge, value)    what one consumer sends to one of its inputs
    Sum(node, value)             a second contribution arrived at a fan-out and was added

`grad` and `backward` drain the stream; the step player and the drawings read it.

    loss = f(w)        cotangent(loss) = 1
    each rule          contribution to input = cotangent · ∂output/∂input
    at a fan-out       cotangent = sum of the contributions
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple, TypeAlias

from tinygrad_cnn import _context
from tinygrad_cnn._context import Context
from tinygrad_cnn._node import Edge, Node
from tinygrad_cnn._op import Rule, attach
from tinygrad_cnn._saved import recall
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import (
    ArgumentTypeError,
    GradientError,
    ReleasedGraphError,
    TinygradCNNError,
)
from tinygrad_cnn.ops.arithmetic import add
from tinygrad_cnn.ops.movement import alias, sum_to


class Visit(NamedTuple):
    """The gradient of `node`'s output is complete: all its consumers have contributed."""

    node: Node
    cotangent: Tensor


class Contribution(NamedTuple):
    """What one consumer sends along one edge."""

    edge: Edge
    value: Tensor


class Sum(NamedTuple):
    """A further contribution arrived at `node`; `value` is the sum so far."""

    node: Node
    value: Tensor


Event: TypeAlias = Visit | Contribution | Sum


def walk(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    *,
    inputs: Sequence[Tensor] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> Iterator[Event]:
    """Walk backward from `outputs`, yielding every event in order.

    Args:
        outputs: where to start.
        cotangents: the gradient of the final scalar with respect to each output.
        inputs: walk only what leads to these; None walks to every leaf.
        retain_graph: keep saved values and edges for another walk.
        create_graph: record the walk itself, so that it can be differentiated again.
    """
    order = _topological_order([output.node for output in outputs])
    if inputs is not None:
        order = _leading_to({value.node for value in inputs}, order)
    needed = set(order)
    pending: dict[Node, Tensor] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        node = output.node
        if node in needed:
            pending[node] = _sum(pending[node], cotangent, create_graph) if node in pending else cotangent

    for node in reversed(order):
        if node not in pending:
            continue
        cotangent = pending.pop(node)
        if node.hooks:
            cotangent = _run_hooks(node, cotangent)
        yield Visit(node, cotangent)
        if node.op is None:
            continue
        for edge, value in contributions(node, cotangent, needed, create_graph):
            parent = edge.parent
            yield Contribution(edge, value)
            if parent in pending:
                value = pending[parent] = _sum(pending[parent], value, create_graph)
                yield Sum(parent, value)
            else:
                pending[parent] = value
        if not retain_graph:
            node.release()


def _topological_order(roots: Iterable[Node]) -> list[Node]:
    """Every Node that requires a gradient and is reachable from the roots, parents before consumers.

    A stack instead of recursion: a graph may be 100,000 nodes deep.
    """
    reached = {root for root in roots if root.requires_grad}
    stack = list(reached)
    while stack:
        node = stack.pop()
        if node.released:
            raise ReleasedGraphError(
                "this graph was already walked backward, and its saved values were released",
                expected="a graph with its saved values",
                got=f"{node!r} of a released graph",
                hint="backward(retain_graph=True) keeps it, tc.record() keeps everything; or compute again",
            ).at(node.name, node.source)
        for parent, index in node.inputs:
            if parent.requires_grad and index == 0 and parent not in reached:
                reached.add(parent)
                stack.append(parent)
    return sorted(reached, key=attrgetter("serial"))


def _leading_to(targets: set[Node], order: list[Node]) -> list[Node]:
    """The part of `order` from which a target can be reached."""
    needed: set[Node] = set()
    for node in order:
        if node in targets or any(parent in needed and index == 0 for parent, index in node.inputs):
            needed.add(node)
    return [node for node in order if node in needed]


def contributions(
    node: Node, cotangent: Tensor, needed: set[Node], create_graph: bool
) -> Iterator[tuple[Edge, Tensor]]:
    """What `node` sends to each input that needs it."""
    op = node.op
    assert op is not None
    if create_graph and op.composite is not None:
        yield from _through_composite(node, cotangent, _needed_positions(node, needed))
        return
    done: list[Rule] = []
    for position in _needed_positions(node, needed):
        rule = op.rule(position)
        assert rule is not None
        if len(rule.targets) == 1:
            yield _checked(node, position, _run_rule(rule, node, cotangent, (), position, create_graph))
        elif rule not in done:
            done.append(rule)
            needs = tuple(op.input_name(other) for other in _needed_positions(node, needed))
            values = _run_rule(rule, node, cotangent, needs, position, create_graph)
            for name, value in zip(rule.targets, values, strict=True):
                if name in needs:
                    yield _checked(node, op.input_names.index(name), value)


def _needed_positions(node: Node, needed: set[Node]) -> list[int]:
    """The inputs that a gradient is wanted for and can be given to."""
    op = node.op
    assert op is not None
    return [
        position
        for position, (parent, index) in enumerate(node.inputs)
        if index == 0 and parent in needed and op.rule(position) is not None
    ]


def _run_rule(
    rule: Rule, node: Node, cotangent: Tensor, needs: tuple[str, ...], position: int, create_graph: bool
) -> Tensor:
    token = _context.enter(_rule_context(node, position, create_graph))
    try:
        value: Tensor = rule(cotangent, node, needs, position)
        if node.op is not None and node.op.broadcasts:
            parent, index = node.inputs[position]
            shape = parent.outputs[index].shape
            if value.shape != shape:
                value = sum_to(value, shape=shape)
        return value
    except TinygradCNNError as error:
        raise error.at(f"{node.name} (backward)", node.source, node.scope) from error.__cause__
    finally:
        _context.leave(token)


def _rule_context(node: Node, position: int, create_graph: bool) -> Context:
    """What a rule runs under: recorded only on request, in the scope of its forward operation."""
    context = _context.current()
    if not (create_graph or context.anomaly or context.recording is not None):
        return _without_grad(context) if context.grad else context
    return context._replace(grad=create_graph, scope=node.scope, origin=Edge(node, position))


@lru_cache(maxsize=16)
def _without_grad(context: Context) -> Context:
    """The same for every rule of a walk, so it is made once."""
    return context._replace(grad=False)


def _checked(node: Node, position: int, value: Tensor) -> tuple[Edge, Tensor]:
    """A contribution looks like the input it belongs to; anything else is a mistake in the rule."""
    parent, index = node.inputs[position]
    shape, dtype = parent.outputs[index]
    edge = Edge(node, position)
    if value.shape != shape or value.dtype is not dtype:
        raise GradientError(
            f"the gradient rule for {edge.argument} returned something of another shape or dtype",
            argument=edge.argument,
            expected=f"shape {shape}, {dtype}",
            got=f"shape {value.shape}, {value.dtype}",
            hint="does the operation broadcast? @op(..., broadcasts=True) has the gradient summed back"
            if value.dtype is dtype and value.ndim >= len(shape)
            else None,
        ).at(node.name, node.source)
    return edge, value


def _through_composite(
    node: Node, cotangent: Tensor, positions: Sequence[int]
) -> Iterator[tuple[Edge, Tensor]]:
    """Differentiate a fused operation as what it is made of (saved statistics are not constants)."""
    op = node.op
    assert op is not None
    assert op.composite is not None
    token = _context.enter(_rule_context(node, positions[0], True))
    try:
        # An alias of each input stops the inner walk there, also when one input depends on another.
        inputs = [alias(recall(node, name)) for name in op.input_names]
        result = op.composite(*inputs, **node.params)
        wanted = [inputs[position] for position in positions]
        gradients = grad(result, wanted, cotangent, create_graph=True)
    finally:
        _context.leave(token)
    for position, value in zip(positions, gradients, strict=True):
        if value is not None:
            yield _checked(node, position, value)


def _sum(first: Tensor, second: Tensor, create_graph: bool) -> Tensor:
    with _context.changed(grad=create_graph):
        result: Tensor = add(first, second)
    return result


def _run_hooks(node: Node, cotangent: Tensor) -> Tensor:
    for hook in tuple((node.hooks or {}).values()):
        replaced = hook(cotangent)
        if replaced is None:
            continue
        if not isinstance(replaced, Tensor) or Spec(replaced.shape, replaced.dtype) != node.outputs[0]:
            raise GradientError(
                "a hook must return a gradient of the same shape and dtype, or None",
                expected=node.outputs[0],
                got=replaced if not isinstance(replaced, Tensor) else Spec(replaced.shape, replaced.dtype),
            ).at(node.name, node.source)
        cotangent = replaced
    return cotangent


# --- what people call -----------------------------------------------------------------------------


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of (the sum of) `outputs` with respect to `inputs`, without touching any `.grad`.

    Args:
        outputs: one tensor or several; each a scalar unless it has its own `grad_outputs`.
        inputs: the tensors to differentiate by; leaves or intermediate results.
        grad_outputs: the gradient to start from, one for each output, of its shape; None for scalars.
        retain_graph: keep the graph for another walk; by default only with `create_graph`.
        create_graph: make the gradients themselves differentiable.

    Returns:
        A tuple with a Tensor for each input, None where the output does not depend on it.

    Raises:
        GradientError: an output that requires no gradient, or a non-scalar one without a gradient.
        ReleasedGraphError: the graph was walked before without `retain_graph`.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor(3.0, requires_grad=True)
    >>> (slope,) = tc.grad(x * x, x, create_graph=True)
    >>> (curvature,) = tc.grad(slope, x)
    >>> slope, curvature
    (tensor(6., from=add), tensor(2.))
    """
    outputs = _as_tensors(outputs, "outputs")
    inputs = _as_tensors(inputs, "inputs")
    for number, value in enumerate(inputs):
        if not value.requires_grad:
            raise GradientError(
                f"input {number} does not require a gradient",
                argument="inputs",
                expected="tensors with requires_grad=True",
                got=repr(value.name or value.shape),
                hint="tc.tensor(..., requires_grad=True), before computing with it",
            )
    starts = seeds(outputs, grad_outputs)
    results: dict[Node, Tensor] = {value.node: None for value in inputs}  # type: ignore[misc]
    recording = _context.current().recording is not None
    retain = (create_graph or recording) if retain_graph is None else retain_graph
    with outputs[0].backend.step():
        for event in walk(outputs, starts, inputs=inputs, retain_graph=retain, create_graph=create_graph):
            if isinstance(event, Visit) and event.node in results:
                results[event.node] = event.cotangent
    return tuple(results[value.node] for value in inputs)


@attach
def backward(self: Tensor, gradient: Tensor | None = None, *, retain_graph: bool = False) -> None:
    """Walk backward from this tensor and add the gradients to `.grad` of the leaves.

    Args:
        gradient: where to start: the gradient of some scalar with respect to this tensor, of its shape.
            A scalar tensor starts from 1.
        retain_graph: keep saved values and edges for another walk.

    Raises:
        GradientError: not a scalar and no gradient given, or nothing here requires a gradient.
        ReleasedGraphError: a second walk without `retain_graph`.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True)
    >>> b = a + a
    >>> c = b + b
    >>> c.backward()
    >>> a.grad
    tensor(4.)
    """
    starts = seeds((self,), gradient)
    # Memory that this walk made and gave to nobody yet may be kept as it is; anything else is copied, so
    # that no gradient ever shares memory with another tensor.
    started = Tensor(None, (), self.dtype, self.backend).storage.serial
    taken: set[int] = set()
    recording = _context.current().recording is not None
    with self.backend.step():
        for event in walk((self,), starts, retain_graph=retain_graph or recording):
            if isinstance(event, Visit) and (event.node.is_leaf or event.node.retains):
                leaf = event.node.tensor
                if leaf is not None:
                    _accumulate(leaf, event.cotangent, started, taken)


def _accumulate(leaf: Tensor, cotangent: Tensor, started: int, taken: set[int]) -> None:
    if leaf.grad is not None:
        leaf.grad = _sum(leaf.grad, cotangent, False).detach()
        return
    serial = cotangent.storage.serial
    if serial < started or serial in taken:
        backend = cotangent.backend
        array = backend.asarray(cotangent.array, cotangent.dtype) if backend.executes else cotangent.array
        leaf.grad = Tensor(array, cotangent.shape, cotangent.dtype, backend)
    else:
        taken.add(serial)
        leaf.grad = cotangent.detach()


def _as_tensors(value: Tensor | Sequence[Tensor], argument: str) -> tuple[Tensor, ...]:
    tensors = (value,) if isinstance(value, Tensor) else tuple(value)
    if not tensors or not all(isinstance(one, Tensor) for one in tensors):
        raise ArgumentTypeError(
            "gradients are taken of tensors, with respect to tensors",
            argument=argument,
            expected="a Tensor or a non-empty sequence of them",
            got=repr(value)[:80],
        )
    return tensors


def seeds(
    outputs: Sequence[Tensor], gradients: Tensor | Sequence[Tensor | None] | None
) -> tuple[Tensor, ...]:
    """The cotangent that each output starts from, checked; 1 for a scalar."""
    if gradients is None or isinstance(gradients, Tensor) or not isinstance(gradients, (list, tuple)):
        given: Sequence[Tensor | None] = (gradients,) * len(outputs)  # type: ignore[assignment]
    else:
        given = gradients
    if len(given) != len(outputs):
        raise GradientError(
            "each output needs its own starting gradient",
            argument="grad_outputs",
            expected=f"{len(outputs)} gradients",
            got=len(given),
        )
    return tuple(_seed(output, gradient) for output, gradient in zip(outputs, given, strict=True))


def _seed(output: Tensor, gradient: Tensor | None) -> Tensor:
    if not output.requires_grad:
        raise GradientError(
            "this tensor was not computed from anything that requires a gradient",
            expected="requires_grad=True on an input, and no tc.no_grad() around the computation",
            got=repr(output.name or f"a tensor of shape {output.shape}"),
            hint="tc.tensor(..., requires_grad=True)",
        )
    backend = output.backend
    if gradient is None:
        if output.shape:
            raise GradientError(
                "only a scalar has one obvious gradient to start from",
                argument="gradient",
                expected="a scalar, or a gradient of the output's shape",
                got=f"shape {output.shape}",
                hint="reduce it first: loss.mean().backward(); or pass gradient=tc.ones(...)",
            )
        return Tensor(backend.full((), 1, output.dtype), (), output.dtype, backend)
    if not isinstance(gradient, Tensor):
        raise ArgumentTypeError(
            "a starting gradient must be a tensor", argument="gradient", expected="Tensor", got=type(gradient)
        )
    if gradient.shape != output.shape or gradient.dtype is not output.dtype:
        raise GradientError(
            "a starting gradient looks like its output",
            argument="gradient",
            expected=f"shape {output.shape}, {output.dtype}",
            got=f"shape {gradient.shape}, {gradient.dtype}",
        )
    return gradient
