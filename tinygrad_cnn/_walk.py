"""The backward walk: reverse-mode differentiation as a stream of events.

There is one backward pass, and people can watch it. `walk` goes through the recorded Nodes from the
outputs to the leaves and tells what it does, one event at a time:

    Visit(node, cotangent)       the gradient of this node's output is complete
    Contribution(edge, value)    what one consumer sends to one of its inputs
    Sum(node, value)             a second contribution arrived at a fan-out and was added

`grad` and `backward` (in `autodiff`) drain the stream; the step player and the drawings read it.

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
from tinygrad_cnn._rule import Rule
from tinygrad_cnn._saved import recall
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import GradientError, ReleasedGraphError, TinygradCNNError
from tinygrad_cnn.ops.arithmetic import add
from tinygrad_cnn.ops.movement import alias
from tinygrad_cnn.ops.stretching import sum_to


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
            pending[node] = added(pending[node], cotangent, create_graph) if node in pending else cotangent

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
                value = pending[parent] = added(pending[parent], value, create_graph)
                yield Sum(parent, value)
            else:
                pending[parent] = value
        if not retain_graph and not node.values:  # what was recorded stays
            node.release()


def arriving(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    inputs: Sequence[Tensor],
    *,
    retain_graph: bool,
    create_graph: bool,
) -> tuple[Tensor | None, ...]:
    """What a walk brings to each of `inputs`; None where it does not come by."""
    arrived: dict[Node, Tensor] = {}
    wanted = {value.node for value in inputs}
    with _context.changed(grad=create_graph):  # once, so that it need not be for every rule
        events = walk(
            outputs, cotangents, inputs=inputs, retain_graph=retain_graph, create_graph=create_graph
        )
        for event in events:
            if isinstance(event, Visit) and event.node in wanted:
                arrived[event.node] = event.cotangent
    return tuple(arrived.get(value.node) for value in inputs)


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
    rules = [
        (position, rule)
        for position, (parent, index) in enumerate(node.inputs)
        if index == 0 and parent in needed and (rule := op.rule(position)) is not None
    ]
    if create_graph and op.composite is not None:
        yield from _through_composite(node, cotangent, [position for position, _ in rules])
        return
    done: list[Rule] = []
    for position, rule in rules:
        if len(rule.targets) == 1:
            yield _checked(node, position, _run_rule(rule, node, cotangent, (), position, create_graph))
        elif rule not in done:
            done.append(rule)
            needs = tuple(op.input_name(other) for other, _ in rules)
            values = _run_rule(rule, node, cotangent, needs, position, create_graph)
            for name, value in zip(rule.targets, values, strict=True):
                if name in needs:
                    yield _checked(node, op.input_names.index(name), value)


def _run_rule(
    rule: Rule, node: Node, cotangent: Tensor, needs: tuple[str, ...], position: int, create_graph: bool
) -> Tensor:
    context = _rule_context(node, position, create_graph)
    token = None if context is _context.current() else _context.enter(context)
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
        if token is not None:
            _context.leave(token)


def _rule_context(node: Node, position: int, create_graph: bool) -> Context:
    """What a rule runs under: recorded only on request, in the scope of its forward operation.

    It computes in the dtypes that the forward operation was given, whatever autocast there is around here.
    """
    context = _context.current()
    if not (create_graph or context.anomaly or context.recording is not None or context.tape is not None):
        return _without_grad(context) if context.grad or context.autocast is not None else context
    origin = Edge(node, position)
    return context._replace(grad=create_graph, scope=node.scope, origin=origin, autocast=None)


@lru_cache(maxsize=16)
def _without_grad(context: Context) -> Context:
    """The same for every rule of a walk, so it is made once."""
    return context._replace(grad=False, autocast=None)


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
        if not isinstance(result, Tensor) or not result.requires_grad:
            raise GradientError(
                f"the composite of {op.name} does not lead back to its inputs",
                expected="a tensor computed from them by operations",
                got=repr(result)[:80],
            ).at(op.name, node.source)
        wanted = [inputs[position] for position in positions]
        gradients = arriving((result,), (cotangent,), wanted, retain_graph=True, create_graph=True)
    finally:
        _context.leave(token)
    for position, value in zip(positions, gradients, strict=True):
        if value is not None:
            yield _checked(node, position, value)


def added(first: Tensor, second: Tensor, create_graph: bool) -> Tensor:
    """The sum of two contributions to one gradient."""
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
