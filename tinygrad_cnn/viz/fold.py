"""Folding: a scope becomes one box, and a row of equal boxes becomes one with "× N".

A folded box says what a reader needs from outside: its name, the shape of what comes out, how many numbers
it learns. Boxes with the same operations inside have the same pale colour.

Blocks count as repeated when they are siblings, look alike inside, and follow one another (each takes its
data from the one before) or stand side by side (all take the same data).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tinygrad_cnn.errors import ArgumentTypeError, UnknownName
from tinygrad_cnn.viz.picture import Arrow, Line, Mark, Picture, Shape, ancestry, byte_text

Fold = int | str | Sequence[str]
Groups = dict[str, tuple[str, ...]]  # for each closed scope the ones it is drawn with, itself included


def fold(picture: Picture, what: Fold, *, repeats: bool = True) -> Picture:
    """The picture with scopes closed.

    Args:
        what: how many levels of scopes stay open, or which scopes to close: paths ("LeNet5/conv1") or
            last names ("conv1", which closes every scope of that name).
        repeats: whether repeated blocks become one.

    Raises:
        UnknownName: there is no such scope; names the nearest.
        ArgumentTypeError: neither a number nor names.
    """
    closed = _closed(picture, what)
    groups: Groups = {path: (path,) for path in closed}
    return _Folding(picture, _joined(picture, groups) if repeats else groups).picture()


def scopes(picture: Picture) -> list[str]:
    """The paths of all scopes, in the order of their first shapes."""
    return list(dict.fromkeys(path for shape in picture.shapes for path in ancestry(shape.scope)))


def _closed(picture: Picture, what: Fold) -> list[str]:
    """The scopes to close; of nested ones the outer."""
    paths = scopes(picture)
    if isinstance(what, int) and not isinstance(what, bool) and what >= 0:
        return [path for path in paths if path.count("/") == what]
    names = [what] if isinstance(what, str) else what
    if not isinstance(names, Iterable) or not all(isinstance(name, str) for name in names):
        raise ArgumentTypeError(
            "what to fold is a depth, or the names of scopes",
            argument="fold",
            expected="a number from 0 on, a name, or a list of names",
            got=repr(what),
        )
    chosen: set[str] = set()
    for name in names:
        found = [path for path in paths if path == name or path.endswith(f"/{name}")]
        if not found:
            raise UnknownName.among(name, paths, kind="scope", argument="fold")
        chosen.update(found)
    return [path for path in paths if path in chosen and not chosen & set(ancestry(path)[:-1])]


# --- repeated blocks ------------------------------------------------------------------------------


def _joined(picture: Picture, groups: Groups) -> Groups:
    """The closed scopes, repeated ones in one group."""
    closed, groups = list(groups), dict(groups)
    inside = _inside(picture, closed)
    looks = _looks(picture, closed, inside)
    fed = _fed(picture, closed, inside)
    for before, after in pairwise(closed):
        row = groups[before]
        siblings = before.rpartition("/")[0] == after.rpartition("/")[0]
        follows = fed[after] <= {before} or fed[after] == fed[before]
        if siblings and looks[before] == looks[after] and follows:
            row = (*row, after)
            groups.update(dict.fromkeys(row, row))
    return groups


def _inside(picture: Picture, closed: Sequence[str]) -> dict[str, str]:
    """The closed scope that each shape is in, by its key."""
    wanted = set(closed)
    homes = {}
    for shape in picture.shapes:
        for path in ancestry(shape.scope):
            if path in wanted:
                homes[shape.key] = path
    return homes


def _looks(picture: Picture, closed: Sequence[str], inside: dict[str, str]) -> dict[str, Hashable]:
    """What distinguishes a closed scope from another one: its shapes and how they are joined."""
    shapes: dict[str, list[Hashable]] = {path: [] for path in closed}
    places: dict[str, int] = {}
    for shape in picture.shapes:
        if shape.key in inside:
            path = inside[shape.key]
            places[shape.key] = len(shapes[path])
            shapes[path].append((shape.scope.removeprefix(path), shape.structure, shape.gradient))
    joins: dict[str, list[Hashable]] = {path: [] for path in closed}
    for arrow in picture.arrows:
        home = inside.get(arrow.end)
        if home is not None and inside.get(arrow.start) == home:
            joins[home].append((places[arrow.start], places[arrow.end], arrow.flow))
    return {path: (tuple(shapes[path]), tuple(joins[path])) for path in closed}


def _fed(picture: Picture, closed: Sequence[str], inside: dict[str, str]) -> dict[str, set[str]]:
    """Where each closed scope takes its data from: keys of shapes outside, paths of other closed scopes."""
    flow = "value" if any(arrow.flow == "value" for arrow in picture.arrows) else "gradient"
    fed: dict[str, set[str]] = {path: set() for path in closed}
    for arrow in picture.arrows:
        home, origin = inside.get(arrow.end), inside.get(arrow.start, arrow.start)
        if home is not None and origin != home and arrow.flow == flow:
            fed[home].add(origin)
    return fed


# --- drawing closed scopes ------------------------------------------------------------------------


@dataclass
class _Folding:
    """A picture on its way to a smaller one."""

    picture_: Picture
    groups: Groups

    def __post_init__(self) -> None:
        inside = _inside(self.picture_, list(self.groups))
        self.members: dict[str, list[Shape]] = defaultdict(list)  # by the key of the box
        self.new_keys: dict[str, str] = {}
        keys: dict[tuple[tuple[str, ...], bool], str] = {}
        self.rows: dict[str, tuple[str, ...]] = {}
        for shape in self.picture_.shapes:
            if shape.key in inside:
                row = self.groups[inside[shape.key]]
                is_gradient = shape.gradient or shape.role == "saved"
                key = keys.setdefault((row, is_gradient), f"f{shape.key}")
                self.members[key].append(shape)
                self.rows[key] = row
                self.new_keys[shape.key] = key

    def picture(self) -> Picture:
        results = self._results()
        shapes: dict[str, Shape] = {}
        first = self._first()
        for shape in self.picture_.shapes:
            if shape.key not in self.new_keys:
                shapes[shape.key] = shape
            elif shape.key in first:
                key = first[shape.key]
                shapes[key] = self._box(key, results[key])
        places = {key: place for place, key in enumerate(shapes)}
        arrows = sorted(self._arrows(), key=lambda arrow: places[arrow.end])
        pairs = dict.fromkeys((self._now(one), self._now(other)) for one, other in self.picture_.twins)
        return replace(self.picture_, shapes=tuple(shapes.values()), arrows=tuple(arrows), twins=tuple(pairs))

    def _first(self) -> dict[str, str]:
        """The key of each box, by its first member that takes something in: that says when it is computed.

        What a box has of its own, parameters and what is made of them alone, may be much older.
        """
        entered = {
            arrow.end for arrow in self.picture_.arrows if self._now(arrow.start) != self._now(arrow.end)
        }
        return {
            next((shape.key for shape in members if shape.key in entered), members[0].key): key
            for key, members in self.members.items()
        }

    def _now(self, key: str) -> str:
        return self.new_keys.get(key, key)

    def _box(self, key: str, result: str) -> Shape:
        row, members = self.rows[key], self.members[key]
        names = [path.rpartition("/")[2] for path in row]
        title = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        parameters = sum(shape.parameters for shape in members) // len(row)
        kept = sum(shape.kept for shape in members)
        is_gradient = any(shape.gradient for shape in members)
        lines = [Line(result, "gradient" if is_gradient else "muted")] if result else []
        if parameters:
            share = " each" if len(row) > 1 else ""
            lines.append(Line(f"{parameters:,} parameter{'s' if parameters > 1 else ''}{share}", "muted"))
        if kept:
            lines.append(Line(f"saved {byte_text(kept)}", "saved"))
        return Shape(
            key=key,
            role="fold",
            title=f"{'∂ ' if is_gradient else ''}{title}",
            subtitle=f"× {len(row)}" if len(row) > 1 else "",
            scope=row[0].rpartition("/")[0],
            blocks=tuple(lines),
            facts=(*row, _contents(members)),
            result=result,
            parameters=parameters * len(row),
            structure=_contents(members).partition(": ")[2],
            gradient=is_gradient,
            final=any(shape.role == "output" and not shape.gradient for shape in members),
            mark=_mark(members),
        )

    def _results(self) -> dict[str, str]:
        """What comes out of each box: the shape that leaves it, of several the last."""
        results: dict[str, str] = {key: members[-1].result for key, members in self.members.items()}
        known = {shape.key: shape for shape in self.picture_.shapes}
        for arrow in self.picture_.arrows:
            start, end = self._now(arrow.start), self._now(arrow.end)
            if start in results and start != end and arrow.flow != "saved":
                results[start] = known[arrow.start].result
        return results

    def _arrows(self) -> list[Arrow]:
        """The arrows between what is left, those of one kind between the same two joined into one."""
        joined: dict[tuple[str, str, str], list[Arrow]] = defaultdict(list)
        kept = []
        for arrow in self.picture_.arrows:
            start, end = self._now(arrow.start), self._now(arrow.end)
            moved = replace(arrow, start=start, end=end)
            if start == end and start in self.rows:
                continue
            if start not in self.rows and end not in self.rows:
                kept.append(moved)
            else:
                joined[start, end, arrow.flow].append(moved)
        return kept + [_bundle(arrows) for arrows in joined.values()]


def _bundle(arrows: Sequence[Arrow]) -> Arrow:
    """Several arrows as one."""
    first, total = arrows[0], sum(arrow.kept for arrow in arrows)
    if len(arrows) == 1:
        return first
    blocks = first.blocks
    if first.flow == "saved":
        blocks = (Line(byte_text(total), "saved"),)
    elif any(arrow.blocks != first.blocks for arrow in arrows):
        blocks = (Line(f"{len(arrows)} tensors", "muted"),)
    facts = tuple(dict.fromkeys(fact for arrow in arrows for fact in arrow.facts))
    mark: Mark = next((arrow.mark for arrow in arrows if arrow.mark), "")
    return replace(first, blocks=blocks, facts=facts, kept=total, mark=mark)


def _mark(members: Sequence[Shape]) -> Mark:
    """What a comparison says of a box: in part added or removed is changed."""
    marks = {shape.mark for shape in members}
    if len(marks) == 1:
        return marks.pop()
    return "path" if "path" in marks else "changed"


def _contents(members: Sequence[Shape]) -> str:
    """The operations of a box in words, the most frequent first: "5 operations: 2 conv, 2 batch_norm"."""
    counted = Counter(shape.title for shape in members if not shape.is_leaf)
    several = sum(counted.values())
    listed = ", ".join(f"{times} {name}" for name, times in counted.most_common())
    return f"{several} operation{'s' if several != 1 else ''}: {listed}"
