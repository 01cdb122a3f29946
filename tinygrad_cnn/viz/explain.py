"""Why is this gradient zero, NaN, tiny, huge?

A gradient that looks wrong at a weight went wrong somewhere on its way from the loss. `explain` goes the same
way as the walk, from the loss to the weight, and names the first operation that received a sound gradient and
sent on a bad one. What that operation computed tells why: a ReLU whose inputs are all negative, a sigmoid far
out on its arms, a maximum that another element won, a logarithm of 0. Those reasons stand in `reasons`.

It reads the data of a graph alone, so it explains a trace from a file as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tinygrad_cnn._digest import Digest
from tinygrad_cnn._formula import number
from tinygrad_cnn._graph_data import GraphNode
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import count
from tinygrad_cnn.errors import UnknownName
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.reasons import Passage, is_bad, largest, summary, why_bad, why_small, why_zero

HUGE, TINY = 1e3, 1e-7  # gradients beyond these deserve a look
Verdict = Literal["missing", "zero", "partly zero", "NaN", "infinite", "tiny", "huge", "fine"]


@dataclass(frozen=True)
class Explanation:
    """What is the matter with a gradient, and where it began.

    Attributes:
        verdict: "missing" (none arrives), "zero", "partly zero" (some elements), "NaN", "infinite", "tiny"
            (all elements below 10⁻⁷), "huge" (one above 1,000), or "fine".
        sentence: what a teacher would say.
        culprit: id of the node where it began, or None.
        source: the user's line of that node, or empty.

    >>> str(Explanation("fine", "The gradient of w reaches up to 2."))
    'The gradient of w reaches up to 2.'
    """

    verdict: Verdict
    sentence: str
    culprit: int | None = None
    source: str = ""

    def __str__(self) -> str:
        return f"{self.sentence}\n  at: {self.source}" if self.source else self.sentence


def explain(graph: Graph, name: str | Tensor) -> Explanation:
    """Say why the gradient of a node is zero, NaN, tiny or huge, and which operation made it so.

    Compute inside `with tc.record():`, which keeps the values that the reasons are read from. Walks backward
    first if that has not been done.

    Args:
        name: of a node, such as "LeNet5/conv1/weight"; or its tensor, such as `model.conv1.weight`.

    Raises:
        UnknownName, GradientError: no such node; the result was not computed from it.
        GradientError: the graph cannot be walked.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([-1.0, -2.0], requires_grad=True, name="w")
    >>> with tc.record():
    ...     loss = (w * tc.tensor([3.0, 4.0])).relu().sum()
    >>> print(tc.Graph.of(loss).explain("w").sentence)
    The gradient of w is zero: at relu none of the 2 inputs is positive, so nothing passes (a dead ReLU).
    """
    try:
        node = graph.node(name)
    except UnknownName as error:
        error.hint = " ".join(filter(None, (error.hint, _where_it_went(graph, str(name)))))
        raise
    if not graph.events:
        graph.backward()
    return _Search(graph, node).explanation()


def _where_it_went(graph: Graph, name: str) -> str:
    own = name.rpartition("/")[2]
    others = ", ".join(node.name for node in graph.nodes if node.label == own)
    there_is = f"Of that name there is {others}. " if others else ""
    return f"{there_is}Or is it detached on the way to the result? Then it is not in the graph."


class _Search:
    """The ways from the output to one node, and what the gradient went through on them."""

    def __init__(self, graph: Graph, node: GraphNode) -> None:
        self.graph = graph
        self.node = node
        self.gradients = {event.node: summary(event.value) for event in graph.events if event.kind == "visit"}

    def explanation(self) -> Explanation:
        gradient = self.gradients.get(self.node.id)
        if gradient is None:
            return self._missing()
        size = count(gradient.shape)
        if is_bad(gradient):
            return self._bad(gradient)
        if size and gradient.zeros == size:
            return self._zero()
        if largest(gradient) > HUGE:
            return self._scaled("huge", gradient, max)
        if largest(gradient) < TINY and size:
            return self._scaled("tiny", gradient, min)
        if gradient.zeros:
            return self._partly_zero(gradient)
        return Explanation(
            "fine", f"The gradient of {self.node.name} reaches up to {number(largest(gradient))}."
        )

    def _missing(self) -> Explanation:
        if not self.node.requires_grad:
            why = "it does not require one: it is data, frozen, detached, or computed under tc.no_grad()"
            return Explanation(
                "missing", f"{self.node.name} gets no gradient: {why}.", self.node.id, self.node.source
            )
        for edge in self.graph.edges:
            consumer = self.graph.nodes[edge.target]
            if edge.source == self.node.id and not consumer.requires_grad:
                op = REGISTRY.get(consumer.op)
                why = "it was computed under tc.no_grad()" if op and op.rules else "it has no slope"
                said = f"No gradient arrives at {self.node.name}: {consumer.name} gives none back: {why}."
                return Explanation("missing", said, consumer.id, consumer.source)
        return Explanation("missing", f"No gradient arrives at {self.node.name}: no way leads to the result.")

    def _zero(self) -> Explanation:
        for passage in self._passages():
            if _all_zero(passage.sent) and not _all_zero(passage.incoming):
                return self._blame("zero", "is zero", passage, why_zero(passage))
        for passage in self._passages():
            here = passage.source
            if not _all_zero(passage.sent) and _all_zero(self.gradients[here.id]):
                said = f"The gradient of {self.node.name} is zero: {_cancel(here)}."
                return Explanation("zero", said, here.id, here.source)
        return self._from_the_start("zero", f"The gradient of {self.node.name} is zero")

    def _bad(self, gradient: Digest) -> Explanation:
        verdict: Verdict = "NaN" if gradient.nan else "infinite"
        for passage in self._passages():
            if is_bad(passage.sent) and not is_bad(passage.incoming):
                return self._blame(verdict, f"is {verdict}", passage, why_bad(passage))
        return self._from_the_start(verdict, f"The gradient of {self.node.name} is {verdict}")

    def _scaled(self, verdict: Verdict, gradient: Digest, extreme: Callable[..., Passage]) -> Explanation:
        """The operation that multiplied the gradient by most, or by least."""
        is_so = f"The gradient of {self.node.name} is {verdict}, at most {number(largest(gradient))}"
        passages = [passage for passage in self._passages() if largest(passage.sent) > 0]
        if not passages:
            return self._from_the_start(verdict, is_so)
        passage = extreme(passages, key=lambda passage: _ratio(passage.sent, passage.incoming))
        factor = _ratio(passage.sent, passage.incoming)
        lost = min(passages, key=lambda passage: _ratio(self.gradients[passage.source.id], passage.sent))
        if verdict == "tiny" and _ratio(self.gradients[lost.source.id], lost.sent) < factor:
            return Explanation(
                verdict, f"{is_so}: {_cancel(lost.source)}.", lost.source.id, lost.source.source
            )
        node = passage.node
        said = f"its largest element is multiplied by {number(float(f'{factor:.3g}'))} at {node.name}"
        others = len({p.node.id for p in passages if p.node.op == node.op}) - 1
        said += f", and {others} more {node.op} lie on the way" if others else ""
        why = why_small(passage) if verdict == "tiny" else None
        return Explanation(verdict, f"{is_so}: {'; '.join(filter(None, (said, why)))}.", node.id, node.source)

    def _partly_zero(self, gradient: Digest) -> Explanation:
        """The operation at which the share of zeros grew most."""
        share = f"{gradient.zeros:,} of {count(gradient.shape):,} elements"
        passage = max(self._passages(), key=lambda p: _zeros(p.sent) - _zeros(p.incoming), default=None)
        if passage is None or _zeros(passage.sent) <= _zeros(passage.incoming):
            return Explanation("partly zero", f"The gradient of {self.node.name} is zero in {share}.")
        return self._blame("partly zero", f"is zero in {share}", passage, why_zero(passage))

    def _blame(self, verdict: Verdict, is_so: str, passage: Passage, why: str) -> Explanation:
        return Explanation(
            verdict, f"The gradient of {self.node.name} {is_so}: {why}.", passage.node.id, passage.node.source
        )

    def _from_the_start(self, verdict: Verdict, is_so: str) -> Explanation:
        return Explanation(verdict, f"{is_so}: so is the gradient that the walk started with.")

    def _passages(self) -> Iterator[Passage]:
        """Every edge on a way between the output and the node, in the order of the walk."""
        above = {self.node.id}  # the operations that the node's gradient comes through
        for edge in self.graph.edges:
            if edge.source in above:
                above.add(edge.target)
        for event in self.graph.events:
            if event.edge is None or event.node not in above & self.gradients.keys():
                continue
            edge = self.graph.edges[event.edge]
            if edge.target in self.gradients:
                yield Passage(self.graph, edge, self.gradients[edge.target], summary(event.value))


def _cancel(node: GraphNode) -> str:
    return f"the contributions that arrive at {node.name} cancel each other out"


def _ratio(after: Digest, before: Digest) -> float:
    return largest(after) / max(largest(before), 1e-300)


def _all_zero(value: Digest) -> bool:
    return value.zeros == count(value.shape) > 0


def _zeros(value: Digest) -> float:
    return value.zeros / max(count(value.shape), 1)
