"""What an operation can do to a gradient, and how one sees it in what the operation computed.

    zero          a dead ReLU, a factor of 0, a maximum that others won, a flat curve, one value normalized
    not finite    on the way forward an overflow or a logarithm of 0; on the way back an infinite slope

Each reason is a line of a table, by the operation's name, with a function that puts it into words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tinygrad_cnn._digest import Digest, digest
from tinygrad_cnn._formula import number
from tinygrad_cnn._graph_data import GraphEdge, GraphNode
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.dtypes import count
from tinygrad_cnn.graph import Graph


@dataclass(frozen=True)
class Passage:
    """A gradient on its way through one operation, to one of its inputs.

    Attributes:
        graph: where it happens.
        edge: the edge it leaves on, against the flow.
        incoming, sent: the gradient before, and after.
    """

    graph: Graph
    edge: GraphEdge
    incoming: Digest
    sent: Digest

    @property
    def node(self) -> GraphNode:
        """The operation."""
        return self.graph.nodes[self.edge.target]

    @property
    def source(self) -> GraphNode:
        """What it was computed from and the gradient goes to."""
        return self.graph.nodes[self.edge.source]

    @property
    def x(self) -> Digest | None:
        """The value of that input, where it was kept."""
        return summary_or_none(self.source.values[self.edge.output])

    @property
    def out(self) -> Digest | None:
        """The operation's result, where it was kept."""
        return summary_or_none(self.node.value)

    @property
    def others(self) -> list[GraphNode]:
        """The operation's other inputs."""
        return [
            self.graph.nodes[edge.source]
            for edge in self.graph.edges
            if edge.target == self.edge.target and edge.position != self.edge.position
        ]


def summary(value: Tensor | Digest) -> Digest:
    """A value in short, also one that was read from a file as such."""
    return value if isinstance(value, Digest) else digest(value)


def summary_or_none(value: Any) -> Digest | None:
    return None if value is None else summary(value)


def is_bad(value: Digest | None) -> bool:
    """Whether there is a NaN or an infinity in it."""
    return value is not None and value.nan + value.infinite > 0


def largest(value: Digest) -> float:
    """How far its finite elements go from 0."""
    return max(abs(value.minimum), abs(value.maximum)) if value.minimum <= value.maximum else 0.0


# --- zero -----------------------------------------------------------------------------------------


def why_zero(passage: Passage) -> str:
    """Why some or all elements became 0 here."""
    reason = _ZERO.get(passage.node.op, _cancels)
    return f"at {passage.node.name} {reason(passage) or _cancels(passage)}"


def why_small(passage: Passage) -> str | None:
    """Why it became small here; None when it is not known."""
    return _ZERO[passage.node.op](passage) if passage.node.op in _FLAT else None


Reason = Callable[[Passage], str | None]


def _dead(passage: Passage) -> str | None:
    if passage.out is None:
        return None
    dead, size = passage.out.zeros, count(passage.out.shape)
    if dead == size:
        return f"none of the {size:,} inputs is positive, so nothing passes (a dead ReLU)"
    return f"nothing passes where the input is not positive, in {dead:,} of {size:,} places"


def _saturated(passage: Passage) -> str | None:
    if passage.x is None:
        return None
    x, far = passage.x, 4.0  # where a sigmoid's slope is below 0.02
    low, high = number(x.minimum), number(x.maximum)
    reach = f"the inputs are {low}" if low == high else f"the inputs lie in {low} … {high}"
    if -far < x.minimum and x.maximum < far:
        return f"{reach}; the curve is nowhere steep, and every one on the way makes the gradient smaller"
    return f"{reach}, where the curve is flat (saturated)"


def _factor_of_zero(passage: Passage) -> str | None:
    for other in passage.others:
        value = summary_or_none(other.value)
        if value is None or not value.zeros:
            continue
        if other.kind == "constant":
            return "it is multiplied by 0"
        what = "the dropout mask" if _is_mask(passage.graph, other) else _origin(passage.graph, other).name
        size = count(value.shape)
        where = "everywhere" if value.zeros == size else f"in {value.zeros:,} of {size:,} places"
        return f"it is multiplied by {what}, which is 0 {where}"
    return None


def _origin(graph: Graph, node: GraphNode) -> GraphNode:
    """What a node is only another arrangement of: the weight behind its transpose."""
    while node.op in _ARRANGEMENTS:
        node = graph.nodes[next(edge.source for edge in graph.edges if edge.target == node.id)]
    return node


def _is_mask(graph: Graph, node: GraphNode) -> bool:
    """Whether a node was made from a random mask, by operations that no gradient takes."""
    made_from = {node.id}
    for edge in reversed(graph.edges):
        if edge.target in made_from and not graph.nodes[edge.target].requires_grad:
            made_from.add(edge.source)
    return any(graph.nodes[place].op == "random_mask" for place in made_from)


def _constant_result(passage: Passage) -> str | None:
    """Normalizing one value, or equal ones, gives 0 whatever the value is."""
    if passage.node.op == "standardize":
        dims = passage.node.params["dims"]
        together = count(tuple(passage.edge.spec.shape[dim] for dim in dims))
    else:
        together = count(passage.edge.spec.shape) // max(passage.edge.spec.shape[1], 1)
    if together == 1:
        return "only one value is normalized at a time, and the result is 0 whatever it is"
    if together == 2:
        return "two values are normalized at a time, and the result is 1 and −1 whatever they are"
    return None


def _flat_at_zero(passage: Passage) -> str | None:
    return "the input is 0, where the slope is 0" if passage.x is not None and passage.x.zeros else None


def _solved(passage: Passage) -> str | None:
    if passage.out is not None and passage.out.zeros:
        return "the loss is 0 already: the prediction could not be better"
    return None


def _cancels(passage: Passage) -> str:
    if is_bad(passage.x):
        return "the input is infinite, and the slope there 0"
    return "what comes in is not zero, what is sent on is: it cancels out or is too small for its dtype"


def _says(text: str) -> Reason:
    return lambda passage: text


_ARRANGEMENTS = frozenset({"permute", "reshape", "cast", "expand", "alias", "clone", "flip"})
_FLAT = ("sigmoid", "tanh", "softplus", "erf", "exp", "standardize", "batch_norm")
_ZERO: dict[str, Reason] = {
    "relu": _dead,
    **dict.fromkeys(("sigmoid", "tanh", "softplus", "erf", "exp"), _saturated),
    **dict.fromkeys(("mul", "matmul", "conv", "einsum", "div", "prod_along"), _factor_of_zero),
    **dict.fromkeys(("standardize", "batch_norm"), _constant_result),
    **dict.fromkeys(("abs", "square", "pow", "euclidean_norm"), _flat_at_zero),
    **dict.fromkeys(("softmax_cross_entropy", "binary_cross_entropy"), _solved),
    "max_pool": _says("only the largest element of each window gets a gradient"),
    **dict.fromkeys(("amax", "max_along"), _says("only the largest element gets a gradient")),
    **dict.fromkeys(("amin", "min_along"), _says("only the smallest element gets a gradient")),
    "maximum": _says("the other one was larger, and only the winner gets a gradient"),
    "minimum": _says("the other one was smaller, and only the winner gets a gradient"),
    "where": _says("the condition chose the other branch"),
    "clamp": _says("the inputs lie outside of the bounds, where the result does not change"),
    **dict.fromkeys(
        ("slice_view", "take", "gather", "embedding"), _says("only what was taken gets a gradient")
    ),
    "ratio_of_sums": _says("all weights are 0: every label is ignored"),
    "sign": _says("there is no slope: the result jumps or stays"),
}


# --- not finite -----------------------------------------------------------------------------------


def why_bad(passage: Passage) -> str:
    """Why NaN or ∞ appeared here: mostly because of a value on the way forward."""
    culprit = _first_bad_value(passage)
    if culprit is not None:
        return _forward_reason(passage.graph, culprit)
    slope = _INFINITE_SLOPE.get(passage.node.op, "the slope is infinite")
    if passage.sent.nan and passage.incoming.zeros:
        slope += ", and 0 · ∞ is NaN; a tc.where around it gives that 0, so guard the argument with another"
    return f"at {passage.node.name} {slope}"


def _first_bad_value(passage: Passage) -> GraphNode | None:
    """The first value that is not finite, among what the operation was computed from, and its own."""
    behind = {passage.edge.target}
    for edge in reversed(passage.graph.edges):
        if edge.target in behind:
            behind.add(edge.source)
    for place in sorted(behind):
        node = passage.graph.nodes[place]
        if is_bad(summary_or_none(node.value)):
            return node
    return None


def _forward_reason(graph: Graph, node: GraphNode) -> str:
    value = summary(node.value)
    what = "NaN" if value.nan else "infinite"
    if node.is_leaf:
        return f"{node.name} itself is {what}, before anything is computed"
    details = [_BAD_VALUE.get(node.op, "" if value.nan else "the result is too large for its dtype")]
    for edge in graph.edges:
        source = graph.nodes[edge.source]
        x = summary_or_none(source.values[edge.output])
        if edge.target == node.id and x is not None and source.kind != "constant":
            details.append(f"{source.name} lies in {number(x.minimum)} … {number(x.maximum)}")
    said = "; ".join(filter(None, details))
    return f"on the way forward {node.name} is {what}" + (f": {said}" if said else "")


_BAD_VALUE = {
    "exp": "an exponential overflows",
    "expm1": "an exponential overflows",
    **dict.fromkeys(("log", "log2", "log10", "log1p"), "the logarithm of 0 is −∞, and of less than 0 NaN"),
    **dict.fromkeys(("div", "reciprocal", "rsqrt"), "it divides by 0"),
    "sqrt": "a number below 0 has no root",
    "pow": "a negative base, or 0 to a negative power",
}
_INFINITE_SLOPE = {
    "sqrt": "a root is infinitely steep at 0",
    "pow": "a power below 1 is infinitely steep at 0",
    "euclidean_norm": "a norm has no slope at 0",
    "std": "a standard deviation is infinitely steep at 0",
    **dict.fromkeys(("asin", "acos"), "the curve is infinitely steep at ±1"),
}
