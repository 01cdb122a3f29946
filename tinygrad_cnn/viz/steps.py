"""The backward walk as a lesson: one step an event, each with the sentence that a teacher would say.

    ∂L/∂w gets g · x = −0.187 · 0.2 = −0.0374 from this edge; w has one more consumer, so it is not finished.

`steps` turns the events of a graph into such steps, for the players in the terminal and in the browser. It
reads the data of the graph alone, so a trace from a file is as good as a graph computed here.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tinygrad_cnn._digest import Digest
from tinygrad_cnn._formula import spelled_out
from tinygrad_cnn._graph_data import GraphEdge, GraphEvent, GraphNode
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.wording import added, called, in_words, is_large, listed, more, times

# A name in a formula, but not the x of x̂, which is another number.
_NAME = re.compile(r"(?<![A-Za-z_])[A-Za-z_][A-Za-z_0-9]*(?!\u0302)")
_WORDY = re.compile(r",| [a-z]{2,} ")  # "g where x > 0, else 0": nothing that an equals sign could follow


@dataclass(frozen=True)
class Step:
    """One event of a backward walk, and everything a player shows of it.

    Attributes:
        number: its place in `Graph.events`.
        event: what happens.
        node: where it happens; of a contribution the node that receives it.
        name: what the node is called: the end of its name that no other node shares, "conv1.weight".
        edge, consumer: of a contribution: the edge that it takes, and the operation that sends it.
        incoming: of a contribution: the gradient g of that operation.
        formula: of a contribution: the rule in the names of this graph, "g · x".
        terms: the contributions that the node has received so far.
        total: what its gradient stands at after this step.
        coming: the edges on which further contributions will arrive.
        sentence: what a teacher would say.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> step = steps(tc.Graph.of(a * 5))[1]
    >>> step.name, step.formula, step.total.item(), step.coming
    ('a', 'g · 5', 5.0, ())
    """

    number: int
    event: GraphEvent
    node: GraphNode
    name: str
    edge: GraphEdge | None
    consumer: GraphNode | None
    incoming: Tensor | Digest | None
    formula: str
    terms: tuple[Tensor | Digest, ...]
    total: Tensor | Digest
    coming: tuple[GraphEdge, ...]
    sentence: str

    @property
    def finished(self) -> bool:
        """Whether the node's gradient is complete after this step."""
        waits_for_its_sum = self.event.kind == "contribution" and len(self.terms) > 1
        return not self.coming and not waits_for_its_sum


def steps(graph: Graph) -> tuple[Step, ...]:
    """Every step of the backward walk of a graph; walks first if that has not been done.

    Raises:
        GradientError: the graph cannot be walked, or is a trace that was written before its walk.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(1.0, requires_grad=True, name="a")
    >>> b = a + a
    >>> b.name = "b"
    >>> for step in steps(tc.Graph.of(b))[1:]:
    ...     print(step.sentence)
    ∂L/∂a gets g = 1 from this edge; a is used once more, so it is not finished.
    ∂L/∂a gets g = 1 from this edge; it is the last of 2, and they add up.
    ∂L/∂a = 1 + 1 = 2: at a fan-out the contributions add up. All have come, so it is finished.
    ∂L/∂a = 2 is finished. a is a leaf, so this is the gradient that was wanted.
    """
    events = graph.events or graph.backward()
    known = _KNOWN.get(graph)
    if known is None or known[0] is not events:
        known = _KNOWN[graph] = events, tuple(_Walk(graph).steps())
    return known[1]


# Players ask for one step after another, so the steps of a graph are worked out once.
_KNOWN: WeakKeyDictionary[Graph, tuple[list[GraphEvent], tuple[Step, ...]]] = WeakKeyDictionary()


def sentence(graph: Graph, number_of_event: int) -> str:
    """What a teacher would say of an event of `graph.events`.

    >>> import tinygrad_cnn as tc
    >>> a = tc.tensor(3.0, requires_grad=True, name="a")
    >>> graph = tc.Graph.of(a * 5)
    >>> _ = graph.backward()
    >>> sentence(graph, 1)
    '∂L/∂a gets g · 5 = 1 · 5 = 5 from this edge; a has no other consumer, so it is finished.'
    """
    return steps(graph)[number_of_event].sentence


# --- walking --------------------------------------------------------------------------------------


class _Walk:
    """Goes through the events of a graph and remembers what has arrived where."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names = called(graph)
        self.made_with = {node.id: node.op for node in graph.backward_nodes}
        self.totals: dict[int, Tensor | Digest] = {}
        self.terms: dict[int, list[Tensor | Digest]] = defaultdict(list)
        self.senders: dict[int, set[int]] = defaultdict(set)  # the consumers that have sent already
        self.coming: dict[int, list[GraphEdge]] = defaultdict(list)  # last first
        self.receivers: dict[int, list[int]] = defaultdict(list)  # last first
        self.arguments: dict[int, dict[str, str]] = defaultdict(dict)  # what stands for them, by operation
        for edge in graph.edges:
            self.arguments[edge.target][edge.argument] = self.names[edge.source]
        for event in reversed(graph.events):
            if event.edge is not None:
                edge = graph.edges[event.edge]
                self.coming[event.node].append(edge)
                self.receivers[edge.target].append(event.node)

    def steps(self) -> list[Step]:
        """One for each event."""
        tell = {"visit": self.visit, "contribution": self.contribution, "sum": self.sum}
        return [tell[event.kind](place, event) for place, event in enumerate(self.graph.events)]

    def visit(self, place: int, event: GraphEvent) -> Step:
        self.totals[event.node] = event.value
        node, name, shown = self.graph.nodes[event.node], self.names[event.node], in_words(event.value)
        if node.kind == "output" and not self.terms[node.id]:
            return self.step(place, event, self.start(name, event.value))
        if is_large(shown):
            sentence = f"∂L/∂{name} is finished: {shown}."
        else:
            sentence = f"∂L/∂{name} = {shown} is finished."
        if node.is_leaf:
            sentence += f" {name} is a leaf, so this is the gradient that was wanted."
        elif self.receivers[node.id]:
            receivers = Counter(self.names[receiver] for receiver in reversed(self.receivers[node.id]))
            sentence += f" {name} now passes it on to {listed(receivers)}."
        return self.step(place, event, sentence)

    def start(self, name: str, gradient: Tensor | Digest) -> str:
        """Where the walk begins: at the loss, which changes as fast as itself, or with what it was given."""
        begin = f"∂L/∂{name} = {in_words(gradient)}."
        if gradient.shape or len(self.graph.outputs) > 1:
            return f"The walk starts at {name}, with {begin}"
        return f"The walk starts at {name}. {'' if name == 'L' else f'L is {name} itself, so '}{begin}"

    def contribution(self, place: int, event: GraphEvent) -> Step:
        assert event.edge is not None
        edge, name = self.graph.edges[event.edge], self.names[event.node]
        self.start_of_its_own(place, event)
        terms = self.terms[event.node]
        terms.append(event.value)
        self.totals.setdefault(event.node, event.value)
        self.senders[event.node].add(edge.target)
        self.coming[event.node].pop()
        if self.coming[event.node]:
            status = self.waiting(event.node)
        elif len(terms) > 1:
            status = f"it is the last of {len(terms)}, and they add up"
        else:
            status = f"{name} has no other consumer, so it is finished"
        formula = self.formula(edge, event)
        sentence = f"{_gets(name, formula, event)}; {status}."
        return self.step(place, event, sentence, edge=edge, formula=formula)

    def sum(self, place: int, event: GraphEvent) -> Step:
        self.totals[event.node] = event.value
        result = f"∂L/∂{self.names[event.node]} = {added(self.terms[event.node], event.value)}"
        if self.coming[event.node]:
            sentence = f"{result} so far; {self.waiting(event.node)}."
        else:
            sentence = f"{result}: at a fan-out the contributions add up. All have come, so it is finished."
        return self.step(place, event, sentence)

    def step(
        self,
        place: int,
        event: GraphEvent,
        sentence: str,
        *,
        edge: GraphEdge | None = None,
        formula: str = "",
    ) -> Step:
        return Step(
            number=place,
            event=event,
            node=self.graph.nodes[event.node],
            name=self.names[event.node],
            edge=edge,
            consumer=None if edge is None else self.graph.nodes[edge.target],
            incoming=None if edge is None else self.totals.get(edge.target),
            formula=formula,
            terms=tuple(self.terms[event.node]),
            total=self.totals[event.node],
            coming=tuple(reversed(self.coming[event.node])),
            sentence=sentence,
        )

    def formula(self, edge: GraphEdge, event: GraphEvent) -> str:
        """The right side of the rule, with the names of this graph in the place of the declaration's."""
        names = {"out": self.names[edge.target], **self.arguments[edge.target]}
        right = spelled_out(event.formula).partition(" = ")[2]
        shown = _NAME.sub(lambda match: names.get(match[0], match[0]), right)
        if any(self.made_with.get(place) == "sum_to" for place in event.nodes):
            shown += ", summed over what it was broadcast to"
        return shown

    def waiting(self, node: int) -> str:
        """Why a gradient is not finished."""
        consumers = [edge.target for edge in self.coming[node]]
        name, several = self.names[node], len(consumers)
        if len(set(consumers)) == several and self.senders[node].isdisjoint(consumers):
            plural = "s" if several > 1 else ""
            return f"{name} has {more(several)} consumer{plural}, so it is not finished"
        return f"{name} is used {times(several)} more, so it is not finished"

    def start_of_its_own(self, place: int, event: GraphEvent) -> None:
        """An output that others consume has begun with a gradient of its own, seen only in the first sum."""
        after = self.graph.events[place + 1 : place + 2]
        if self.terms[event.node] or not after or (after[0].kind, after[0].node) != ("sum", event.node):
            return
        total, sent = after[0].value, event.value
        if isinstance(total, Tensor) and isinstance(sent, Tensor):
            own = (total - sent).detach()
            self.terms[event.node].append(own)
            self.totals[event.node] = own


def _gets(name: str, formula: str, event: GraphEvent) -> str:
    """Such as "∂L/∂w gets g · x = −0.187 · 0.2 = −0.0374 from this edge"."""
    if _WORDY.search(formula):
        return f"From this edge ∂L/∂{name} gets {formula}, here {in_words(event.value)}"
    shown = event.numbers or in_words(event.value)
    if is_large(shown):
        return f"∂L/∂{name} gets {formula} from this edge, {shown}"
    return f"∂L/∂{name} gets {formula if formula == shown else f'{formula} = {shown}'} from this edge"
