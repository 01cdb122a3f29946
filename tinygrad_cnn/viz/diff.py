"""What differs between two graphs: train against eval, with and without batch-norm.

The operations of both are read like the lines of two texts, scope by scope in the order they were computed
in, and matched as `diff` matches lines. What has no partner was added or removed; partners that differ in
their parameters or shapes were changed.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path

from tinygrad_cnn.graph import Graph, GraphNode
from tinygrad_cnn.viz.drawing import Drawing
from tinygrad_cnn.viz.fold import Fold
from tinygrad_cnn.viz.forward import Annotations, forward
from tinygrad_cnn.viz.picture import SIGNS, Arrow, Mark, Picture, Shape
from tinygrad_cnn.viz.theme import shape_text
from tinygrad_cnn.viz.views import folded


@dataclass(frozen=True)
class Change:
    """Two nodes that are partners and differ.

    Attributes:
        before, after: the node in the first graph and in the second.
        facts: what differs, "p: 0.5 → 0.1".
    """

    before: GraphNode
    after: GraphNode
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Diff:
    """What differs between two graphs.

    Attributes:
        removed: nodes that only the first graph has.
        added: nodes that only the second graph has.
        changed: partners that differ.
        picture: both graphs in one picture.

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> print(tc.Graph.of(x.exp().sum()).diff(tc.Graph.of((x + 1).exp().sum(keepdim=True))))
    2 added, 0 removed, 1 changed
      outside of all scopes: + 1, add  ~ sum (keepdim: False → True, scalar → (1,))
    """

    removed: tuple[GraphNode, ...]
    added: tuple[GraphNode, ...]
    changed: tuple[Change, ...]
    picture: Picture

    def __str__(self) -> str:
        return "\n".join([self._counts(), *(f"  {line}" for line in self._lines())])

    def __repr__(self) -> str:
        return f"<Diff: {self._counts()}>"

    def _counts(self) -> str:
        return f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"

    def _lines(self) -> Iterator[str]:
        """One line for each scope, and one for all scopes in which the same happened."""
        scopes: dict[str, list[str]] = defaultdict(list)
        for sign, nodes in ((SIGNS["removed"], self.removed), (SIGNS["added"], self.added)):
            for scope in dict.fromkeys(node.scope for node in nodes):
                names = Counter(node.label or node.op or node.name for node in nodes if node.scope == scope)
                listed = (f"{times} × {name}" if times > 1 else name for name, times in names.items())
                scopes[scope].append(f"{sign} {', '.join(listed)}")
        for one in self.changed:
            name = one.after.label or one.after.op or one.after.name
            scopes[one.after.scope].append(f"{SIGNS['changed']} {name} ({', '.join(one.facts)})")
        same: dict[str, list[str]] = defaultdict(list)
        for scope, happened in scopes.items():
            same["  ".join(happened)].append(scope or "outside of all scopes")
        for what, where in same.items():
            others = f" and {len(where) - 1} more" if len(where) > 1 else ""
            yield f"{where[0]}{others}: {what}"

    def draw(self, *, fold: Fold | None = None, theme: str = "light") -> Drawing:
        """Both graphs in one drawing: what was added marked with +, what was removed with −.

        Args:
            fold: as for `Graph.draw`; a closed scope is marked when something in it is.
            theme: "light" or "dark".
        """
        return Drawing(folded(self.picture, fold, repeats=False), theme)

    def render(self, path: str | os.PathLike[str], *, fold: Fold | None = None, theme: str = "light") -> Path:
        """Draw the comparison into a file; formats and errors as for `Graph.render`."""
        return self.draw(fold=fold, theme=theme).render(path)

    def _repr_svg_(self) -> str:
        return self.draw()._repr_svg_()


def diff(graph: Graph, other: Graph) -> Diff:
    """Compare this graph with another one.

    Args:
        other: the graph to compare with; what only it has was "added".

    >>> import tinygrad_cnn as tc
    >>> x = tc.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> difference = tc.Graph.of(x.exp()).diff(tc.Graph.of(x.relu().exp()))
    >>> [node.name for node in difference.added]
    ['relu']
    """
    partners = _partners(graph, other)  # by the id in the other graph
    partnered = set(partners.values())
    removed = tuple(node for node in graph.nodes if node.id not in partnered)
    added = tuple(node for node in other.nodes if node.id not in partners)
    changed = []
    for after, before in sorted(partners.items()):
        facts = tuple(_changes(graph.nodes[before], other.nodes[after]))
        if facts:
            changed.append(Change(graph.nodes[before], other.nodes[after], facts))
    picture = _both(graph, other, partners, {change.after.id for change in changed})
    return Diff(removed, added, tuple(changed), picture)


# --- who is whose partner -------------------------------------------------------------------------


def _partners(graph: Graph, other: Graph) -> dict[int, int]:
    """For nodes of the other graph, the node of this one that it corresponds to."""
    partners: dict[int, int] = {}
    ours, theirs = _by_scope(graph), _by_scope(other)
    for scope in ours.keys() & theirs.keys():
        before, after = ours[scope], theirs[scope]
        matcher = SequenceMatcher(None, [_word(n) for n in before], [_word(n) for n in after], autojunk=False)
        for start, other_start, size in matcher.get_matching_blocks():
            for step in range(size):
                partners[after[other_start + step].id] = before[start + step].id
    return partners


def _by_scope(graph: Graph) -> Mapping[tuple[str, bool], Sequence[GraphNode]]:
    """Leaves and operations of each scope, apart: a leaf stands where its first consumer happens to be."""
    scopes: dict[tuple[str, bool], list[GraphNode]] = defaultdict(list)
    for node in graph.nodes:
        scopes[node.scope, node.is_leaf].append(node)
    return scopes


def _word(node: GraphNode) -> tuple[str, str]:
    """What makes two nodes partners: the name of a leaf, the operation otherwise."""
    return (node.kind, node.label) if node.is_leaf else ("op", node.op)


def _changes(one: GraphNode, two: GraphNode) -> Iterator[str]:
    """What differs between two partners, a fact each."""
    for name in {**one.params, **two.params}:
        was, now = one.params.get(name), two.params.get(name)
        if str(was) != str(now):
            yield f"{name}: {was} → {now}"
    shapes = [", ".join(shape_text(spec.shape) for spec in node.outputs) for node in (one, two)]
    if shapes[0] != shapes[1]:
        yield f"{shapes[0]} → {shapes[1]}"
    if one.requires_grad != two.requires_grad:
        yield "gets a gradient" if two.requires_grad else "gets no gradient any more"


# --- both in one picture --------------------------------------------------------------------------


def _both(graph: Graph, other: Graph, partners: Mapping[int, int], changed: set[int]) -> Picture:
    """The second graph, with what only the first has put between, and everything marked."""
    plain = Annotations()
    old, new = forward(graph, plain), forward(other, plain)
    keys = {f"n{before}": f"n{after}" for after, before in partners.items()}
    moved = {shape.key: keys.get(shape.key, f"r{shape.key}") for shape in old.shapes}
    shapes: list[Shape] = []
    marks: dict[int, Mark] = {node.id: "" if node.id in partners else "added" for node in other.nodes}
    marks |= dict.fromkeys(changed, "changed")
    waiting = list(old.shapes)
    for node, shape in zip(other.nodes, new.shapes, strict=True):
        if node.id in partners:  # what was removed before it comes before it
            while waiting and moved[waiting[0].key] != shape.key:
                earlier = waiting.pop(0)
                if moved[earlier.key].startswith("r"):
                    shapes.append(_removed(earlier, moved))
            waiting = waiting[1:]
        shapes.append(replace(shape, mark=marks[node.id]))
    shapes += [_removed(shape, moved) for shape in waiting if moved[shape.key].startswith("r")]
    return Picture(tuple(shapes), tuple(_arrows(old, new, moved)))


def _removed(shape: Shape, moved: Mapping[str, str]) -> Shape:
    return replace(shape, key=moved[shape.key], mark="removed")


def _arrows(old: Picture, new: Picture, moved: Mapping[str, str]) -> Iterator[Arrow]:
    """The arrows of both, those that both have once."""
    before = defaultdict(list)
    for arrow in old.arrows:
        before[moved[arrow.start], moved[arrow.end]].append(arrow)
    for arrow in new.arrows:
        same = before[arrow.start, arrow.end]
        yield replace(arrow, mark="" if same else "added")
        del same[:1]
    for (start, end), arrows in before.items():
        for arrow in arrows:
            yield replace(arrow, key=f"r{arrow.key}", start=start, end=end, mark="removed")
