"""The steps of a page: what is computed forward, what happens backward, and what a learner is asked.

    z = w · x = 0.2 · 0.65 = 0.13.
    The walk starts at z. L is z itself, so ∂L/∂z = 1.
    ∂L/∂w gets g · x = 1 · 0.65 = 0.65 from this edge; w has no other consumer, so it is finished.

The sentences of the backward walk are those of `viz.steps`, which all players say. Here the operations come
before them, in the order in which they were computed, and a question is put beside each sentence that a
learner could have found the numbers for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_cnn._formula import with_numbers
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.graph import Graph, GraphEdge, GraphNode
from tinygrad_cnn.viz.steps import Step, steps
from tinygrad_cnn.viz.wording import called, in_words, is_large

_INFIX = frozenset("+−·/@⋆=≠<≤>≥")  # symbols that stand between two names
_MOST_NAMED = 4  # of the inputs of one operation


@dataclass(frozen=True)
class Scene:
    """One thing to look at.

    Attributes:
        kind: "forward", or the kind of the event: "visit", "contribution", "sum".
        node: id of the node it happens at; of a contribution, the node that receives it.
        event: its place in `Graph.events`; None of a forward step.
        edge: of a contribution, the place of the edge in `Graph.edges`.
        formula: of a contribution, the rule in the names of the graph.
        title: a few words, for a list of all scenes.
        sentence: what a teacher says.
        question: the same without the result, where a learner can find it; otherwise empty.
    """

    kind: str
    node: int
    event: int | None
    edge: int | None
    formula: str
    title: str
    sentence: str
    question: str


def tell(graph: Graph) -> list[Scene]:
    """Every scene of a graph, first forward, then, if it has been walked, backward.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(3.0, requires_grad=True, name="w")
    >>> with tc.record():
    ...     y = w * 2
    >>> graph = tc.Graph.of(y)
    >>> _ = graph.backward()
    >>> for scene in tell(graph):
    ...     print(scene.sentence)
    mul = w · 2 = 3 · 2 = 6.
    The walk starts at mul. L is mul itself, so ∂L/∂mul = 1.
    ∂L/∂w gets g · 2 = 1 · 2 = 2 from this edge; w has no other consumer, so it is finished.
    ∂L/∂w = 2 is finished. w is a leaf, so this is the gradient that was wanted.
    """
    names = called(graph)
    walk = steps(graph) if graph.events else ()
    return [*_forward(graph, names), *(_backward(step, names) for step in walk)]


# --- forward --------------------------------------------------------------------------------------


def _forward(graph: Graph, names: dict[int, str]) -> list[Scene]:
    incoming: dict[int, list[GraphEdge]] = {}
    for edge in graph.edges:
        incoming.setdefault(edge.target, []).append(edge)
    return [
        Scene(
            kind="forward",
            node=node.id,
            event=None,
            edge=None,
            formula="",
            title=names[node.id],
            sentence=_computed(graph, node, incoming.get(node.id, []), names),
            question="",
        )
        for node in graph.nodes
        if not node.is_leaf
    ]


def _computed(graph: Graph, node: GraphNode, edges: Sequence[GraphEdge], names: dict[int, str]) -> str:
    """How an operation's result comes from its inputs: "z = w · x = 0.2 · 0.65 = 0.13."."""
    equation = f"{names[node.id]} = {_expression(node, [names[edge.source] for edge in edges])}"
    values = [graph.nodes[edge.source].values[edge.output] for edge in edges]
    if all(_is_single(value) for value in [*values, node.value]) and len(values) <= _MOST_NAMED:
        inputs = {f"x{place}": float(value.item()) for place, value in enumerate(values)}
        formula = f"out = {_expression(node, list(inputs))}"
        return f"{equation} = {with_numbers(formula, inputs, float(node.value.item()))}."
    if node.value is None:
        return f"{equation}."
    result = in_words(node.value)
    return f"{equation}, {result}." if is_large(result) else f"{equation} = {result}."


def _expression(node: GraphNode, names: Sequence[str]) -> str:
    if len(names) == 2 and node.symbol in _INFIX:
        return f"{names[0]} {node.symbol} {names[1]}"
    shown = [*names[:_MOST_NAMED], "…"] if len(names) > _MOST_NAMED else names
    return f"{node.op}({', '.join(shown)})"


def _is_single(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.shape and value.backend.executes


# --- backward -------------------------------------------------------------------------------------


def _backward(step: Step, names: dict[int, str]) -> Scene:
    title, question = f"∂L/∂{step.name}", ""
    if step.event.kind == "contribution":
        assert step.consumer is not None
        title = f"{step.name} ← {names[step.consumer.id]}"
        question = f"From this edge ∂L/∂{step.name} gets {step.formula}. How much is that?"
    elif step.event.kind == "sum":
        title = f"{step.name}: sum"
        question = f"A further contribution has arrived at {step.name}."
    elif not step.terms and not step.total.shape:
        is_l = "" if step.name == "L" else ", which is L"
        question = f"The walk starts at {step.name}{is_l}. What is ∂L/∂{step.name}?"
    elif len(step.terms) > 1:
        every = "Both" if len(step.terms) == 2 else f"All {len(step.terms)}"
        question = f"{every} contributions have arrived at {step.name}. What is ∂L/∂{step.name}?"
    return Scene(
        kind=step.event.kind,
        node=step.node.id,
        event=step.number,
        edge=step.event.edge,
        formula=f"∂L/∂{step.name} = {step.formula}" if step.formula else "",
        title=title,
        sentence=step.sentence,
        question=question,
    )
