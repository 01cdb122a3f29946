"""Where things go in a picture, as far as we tell Graphviz.

Left alone, Graphviz puts a parameter above the operation it joins, which pushes the stream of data aside at
every layer: a deep network becomes a staircase. Four rules make it a column that can be read:

    rows      parameters stand beside the operation they join, the first to its left, the second to its right
    twins     a gradient stands beside what it is the gradient of
    titles    where the stream enters a box, room is kept for the title of the box, which an arrow would cross
    copies    a parameter with very many consumers is drawn beside each of them
"""

from __future__ import annotations

from collections import Counter, defaultdict

from tinygrad_cnn.viz.picture import Arrow, Block, Line, Picture, ancestry

_DEEP = 12  # a longer chain of operations runs from top to bottom
_MOST_ARROWS = 8  # from one parameter or constant; with more it is drawn several times


class Layout:
    """The decisions for one picture.

    Attributes:
        deep: from top to bottom, and with rows where it is a long column; otherwise from left to right.
        copied: keys of the leaves that are drawn beside each of their consumers.
        rows: by scope, pairs of names that stand side by side, the left one first.
        titles: the title to keep clear of, by the key of the shape where the stream enters the box.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.shapes = {shape.key: shape for shape in picture.shapes}
        in_boxes = any(shape.scope for shape in picture.shapes)  # where Graphviz mixes up twins in columns
        is_long = picture.direction != "right" and depth(picture) > _DEEP
        is_column = is_long or bool(picture.twins and in_boxes)
        self.deep = is_column or runs_down(picture)
        self._consumers = Counter((arrow.start, arrow.flow) for arrow in picture.arrows)
        self._stream = _reached_by_data(picture)
        self._twins = dict(picture.twins)
        self.copied = {
            shape.key
            for shape in picture.shapes
            if shape.role in ("parameter", "constant")
            and self._consumers[shape.key, "value"] > _MOST_ARROWS
            and shape.key not in self._twins
        }
        self.rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self.titles: dict[str, str] = {}
        beside = self._align() if is_column else set()
        for one, other in picture.twins:
            if one not in beside:
                self.rows[self.shapes[one].scope].append((one, other))
        self._joined = {
            pair
            for arrow in picture.arrows
            for pair in ((self.start(arrow), arrow.end), (arrow.end, self.start(arrow)))
        }
        self._neighbours = {pair for row in self.rows.values() for pair in row}

    def in_stream(self, key: str) -> bool:
        """Whether data comes through it: such shapes are kept in line."""
        return key in self._stream

    def start(self, arrow: Arrow) -> str:
        """The name of the shape where the arrow is drawn to start."""
        return f"{arrow.start}_{arrow.key}" if arrow.start in self.copied else arrow.start

    def runs_back(self, arrow: Arrow) -> bool:
        """Whether it runs against the reading direction, so that its end comes first."""
        if self.is_flat(arrow):
            return (arrow.end, self.start(arrow)) in self._neighbours
        return arrow.against

    def is_flat(self, arrow: Arrow) -> bool:
        """Whether it joins two neighbours of a row."""
        start = self.start(arrow)
        return (start, arrow.end) in self._neighbours or (arrow.end, start) in self._neighbours

    def is_between(self, arrow: Arrow) -> bool:
        """Whether it stands in a row of twins, where there is little room."""
        return bool(self._twins) and self.is_flat(arrow)

    def room_for(self, arrow: Arrow) -> tuple[Block, ...]:
        """What can be written on it: everything, but in a row of twins no table."""
        if not self.is_between(arrow):
            return arrow.blocks
        return tuple(block for block in arrow.blocks if isinstance(block, Line))[:1]

    def is_joined(self, left: str, right: str) -> bool:
        """Whether an arrow runs between two shapes, in either direction."""
        return (left, right) in self._joined

    def _align(self) -> set[str]:
        """Fill rows and titles; returns the keys of the shapes that stand beside an operation."""
        joined: Counter[str] = Counter()
        beside = set()
        outermost: dict[str, str] = {}  # between twins is no room: all parameters stand to the left
        for arrow in self.picture.arrows:
            if self._joins_from_the_side(arrow) and joined[arrow.end] < 2:
                beside.add(arrow.start)
                joined[arrow.end] += 1
                row = self.rows[self.shapes[arrow.end].scope]
                if arrow.end in self._twins:
                    nearest = outermost.get(arrow.end, arrow.end)
                    outermost[arrow.end] = arrow.start
                    row.append((arrow.start, nearest))
                    row.append((self._twins[nearest], self._twins[arrow.start]))
                elif joined[arrow.end] == 1:
                    row.append((self.start(arrow), arrow.end))
                else:
                    row.append((arrow.end, self.start(arrow)))
        for arrow in self.picture.arrows:
            source, target = self.shapes[arrow.start], self.shapes[arrow.end]
            entered = _scopes_entered(source.scope, target.scope)
            comes_in = arrow.flow == "value" and arrow.start in self._stream
            if entered and comes_in and not joined[arrow.end]:
                self.titles[arrow.end] = max(entered, key=len)
        return beside

    def _joins_from_the_side(self, arrow: Arrow) -> bool:
        source, target = self.shapes[arrow.start], self.shapes[arrow.end]
        if arrow.start in self.copied:
            return True
        return (
            arrow.flow == "value"
            and arrow.start not in self._stream
            and self._consumers[arrow.start, arrow.flow] == 1
            and source.scope == target.scope
            and (arrow.start in self._twins) == (arrow.end in self._twins)
        )


def runs_down(picture: Picture) -> bool:
    """Whether a picture reads from top to bottom, because that was asked for or because it is deep."""
    return picture.direction == "down" or (picture.direction is None and depth(picture) > _DEEP)


def depth(picture: Picture) -> int:
    """The number of operations on the longest way through the picture."""
    places = {shape.key: place for place, shape in enumerate(picture.shapes)}
    depths = dict.fromkeys(places, 0)
    # Shapes come in the order they were computed in; a folded box may be left and entered again.
    for arrow in sorted(picture.arrows, key=lambda arrow: places[arrow.end]):
        if places[arrow.start] < places[arrow.end] and not arrow.against:
            depths[arrow.end] = max(depths[arrow.end], depths[arrow.start] + 1)
    return max(depths.values(), default=0)


def _reached_by_data(picture: Picture) -> set[str]:
    """Keys of the inputs and of everything computed from them.

    A formula of parameters alone has no inputs: then everything but the leaves counts.
    """
    reached = {shape.key for shape in picture.shapes if shape.role == "input"}
    if not reached:
        return {shape.key for shape in picture.shapes if not shape.is_leaf}
    for arrow in picture.arrows:
        if arrow.start in reached and arrow.flow != "saved" and not arrow.against:
            reached.add(arrow.end)
    return reached


def _scopes_entered(source: str, target: str) -> list[str]:
    """The names of the boxes around the target that are not around the source.

    >>> _scopes_entered("net/conv1", "net/block/conv2")
    ['block', 'conv2']
    """
    outside = ancestry(source)
    return [path.rpartition("/")[2] for path in ancestry(target) if path not in outside]
