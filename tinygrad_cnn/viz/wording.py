"""How nodes, numbers and arrays are spoken of inside a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from tinygrad_cnn._digest import Digest, digest
from tinygrad_cnn._formula import number
from tinygrad_cnn._graph_data import GraphNode
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.theme import shape_text

_SHOWN_WHOLE = 9  # elements of an array that a sentence writes out
_SHOWN_TERMS = 6  # of a sum
_TIMES = {1: "once", 2: "twice"}
_COUNTS = {1: "one more", 2: "two more", 3: "three more"}


def called(graph: Graph) -> dict[int, str]:
    """What each node is called in sentences: the shortest end of its name that no other node shares.

    >>> import tinygrad_cnn as tc
    >>> with tc.name_scope("conv1"):
    ...     y = tc.tensor(2.0, requires_grad=True, name="weight") * 3
    >>> called(tc.Graph.of(y))
    {0: 'weight', 1: '3', 2: 'mul'}
    """
    ends = {node.id: _ends(node) for node in graph.nodes}
    shared = Counter(end for own in ends.values() for end in own)
    return {place: next((end for end in own if shared[end] == 1), own[-1]) for place, own in ends.items()}


def _ends(node: GraphNode) -> list[str]:
    """Such as "weight", "conv1.weight" and "LeNet5.conv1.weight"."""
    scopes = node.scope.split("/") if node.scope else []
    own = (node.name[len(node.scope) + 1 :] if scopes else node.name).replace("\n", " ")
    return [".".join([*scopes[len(scopes) - depth :], own]) for depth in range(len(scopes) + 1)]


def in_words(value: Tensor | Digest) -> str:
    """A value inside a sentence: a number, a small array, or what can be said of a large one.

    >>> import tinygrad_cnn as tc
    >>> in_words(tc.tensor(-0.5)), in_words(tc.tensor([[1.0, 2.0]])), in_words(tc.arange(100.0))
    ('−0.5', '[1, 2]', 'numbers of shape (100,) from 0 to 99')
    """
    if isinstance(value, Tensor):
        if not value.backend.executes:
            return f"numbers of shape {shape_text(value.shape)}"
        if value.numel() <= _SHOWN_WHOLE:
            return _nested(np.asarray(value.numpy()).squeeze().tolist())
        value = digest(value)
    said = f"numbers of shape {shape_text(value.shape)}"
    if value.minimum == value.maximum == 0:
        said += ", all of them 0"
    elif value.minimum <= value.maximum:
        said += f" from {number(value.minimum)} to {number(value.maximum)}"
    for count, what in ((value.nan, "NaN"), (value.infinite, "infinite")):
        said += f", {count:,} of them {what}" if count else ""
    return said


def is_large(shown: str) -> bool:
    """Whether `in_words` has summed an array up, so that it is no term that an equals sign may follow."""
    return shown.startswith("numbers")


def _nested(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_nested, value))}]"
    return number(float(value))  # type: ignore[arg-type]


def times(count: int) -> str:
    """Such as "once" or "5 times"."""
    return _TIMES.get(count, f"{count} times")


def more(count: int) -> str:
    """Such as "one more" or "12 more"."""
    return _COUNTS.get(count, f"{count} more")


def listed(names: Mapping[str, int]) -> str:
    """Names, and how often each where that is more than once.

    >>> listed({"w": 1, "x": 1, "b": 2})
    'w, x and b (twice)'
    """
    parts = [f"{name} ({times(count)})" if count > 1 else name for name, count in names.items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def added(terms: Sequence[Tensor | Digest], total: Tensor | Digest) -> str:
    """A sum with its terms; of large arrays only the result.

    >>> import tinygrad_cnn as tc
    >>> added([tc.tensor(1.0), tc.tensor(-3.0)], tc.tensor(-2.0))
    '1 − 3 = −2'
    """
    shown = [in_words(term) for term in terms]
    if any(map(is_large, shown)):
        return f"the sum of {len(terms)}, {in_words(total)}"
    if len(shown) > _SHOWN_TERMS:
        shown = [*shown[:2], "…", shown[-1]]
    return f"{' + '.join(shown).replace('+ −', '− ')} = {in_words(total)}"
