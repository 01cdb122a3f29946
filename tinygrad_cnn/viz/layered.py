"""A layout for pictures with thousands of shapes, where Graphviz's own would take minutes.

Sugiyama's method ("Methods for Visual Understanding of Hierarchical System Structures", IEEE Transactions on
Systems, Man, and Cybernetics, 1981) in its plainest form: each shape goes into the column after its latest
source; in its column it is sorted by where its neighbours stand, sweeping forth and back a few times; then
columns are spread evenly. It takes time in proportion to the number of arrows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tinygrad_cnn.viz.picture import Line, Picture, Shape

Point = tuple[float, float]


class Spot(NamedTuple):
    """The middle of a shape, and about how wide and high it is, in points; y runs upwards."""

    x: float
    y: float
    width: float
    height: float


_SWEEPS = 6
_GAP, _ROW = 100.0, 60.0  # points from a column to the next, from the middle of a row to that of the next
_LETTER, _LINE = 8.0, 17.0  # points: generous sizes of a letter and of a line of text


def place(picture: Picture) -> dict[str, Spot]:
    """Where each shape goes."""
    columns = _columns(picture)
    before, after = _neighbours(picture)
    heights: dict[str, float] = {}
    for column in columns:
        _spread(column, {key: float(row) for row, key in enumerate(column)}, heights)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for column in columns if forth else reversed(columns):
            neighbours = before if forth else after
            wished = {key: _middle(neighbours[key], heights, heights[key]) for key in column}
            column.sort(key=wished.__getitem__)
            _spread(column, wished, heights)
    sizes = {shape.key: _size(shape) for shape in picture.shapes}
    spots: dict[str, Spot] = {}
    left = 0.0
    for column in columns:
        width = max(sizes[key][0] for key in column)
        spots |= {key: Spot(left + width / 2, -_ROW * heights[key], *sizes[key]) for key in column}
        left += width + _GAP
    return spots


def straight(start: Spot, end: Spot) -> tuple[Point, Point]:
    """The line between two shapes, from outline to outline."""
    return _outline(start, end), _outline(end, start)


def _outline(spot: Spot, other: Spot) -> Point:
    """Where the line from the middle of a shape to that of another leaves it, as if it were an ellipse."""
    across, up = other.x - spot.x, other.y - spot.y
    share = 1 / (math.hypot(across / (spot.width / 2), up / (spot.height / 2)) or 1)
    return spot.x + share * across, spot.y + share * up


def _size(shape: Shape) -> tuple[float, float]:
    lines = [shape.title, *filter(None, [shape.subtitle])]
    lines += [block.text for block in shape.blocks if isinstance(block, Line)]
    width, height = max(map(len, lines)) * _LETTER + 20, len(lines) * _LINE + 10
    round_ = 1 if shape.is_leaf else math.sqrt(2)  # an ellipse around a box
    return max(54.0, width * round_), max(36.0, height * round_)


def _columns(picture: Picture) -> list[list[str]]:
    """The shapes, column by column; what is needed late stands late, next to its first consumer."""
    order = {shape.key: place for place, shape in enumerate(picture.shapes)}
    forward = [arrow for arrow in picture.arrows if order[arrow.start] < order[arrow.end]]
    column = dict.fromkeys(order, 0)
    for arrow in sorted(forward, key=lambda arrow: order[arrow.end]):
        column[arrow.end] = max(column[arrow.end], column[arrow.start] + 1)
    latest: dict[str, int] = {}
    for arrow in sorted(forward, key=lambda arrow: order[arrow.start], reverse=True):
        goal = latest.get(arrow.end, column[arrow.end]) - 1
        latest[arrow.start] = min(latest.get(arrow.start, goal), goal)
    by_column: dict[int, list[str]] = defaultdict(list)
    for key in order:
        by_column[latest.get(key, column[key])].append(key)
    return [by_column[number] for number in sorted(by_column)]


def _neighbours(picture: Picture) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    for arrow in picture.arrows:
        before[arrow.end].append(arrow.start)
        after[arrow.start].append(arrow.end)
    return before, after


def _middle(neighbours: Sequence[str], heights: Mapping[str, float], own: float) -> float:
    return sum(heights[key] for key in neighbours) / len(neighbours) if neighbours else own


def _spread(column: Sequence[str], wished: Mapping[str, float], heights: dict[str, float]) -> None:
    """Put a sorted column as near to the wished heights as it goes with a row between any two.

    Neighbours that wish for the same place form a block around the mean of their wishes; a block that runs
    into the one before joins it ("pool adjacent violators").
    """
    blocks: list[tuple[float, int]] = []  # the sum of where its first shape wishes to be, how many
    for row, key in enumerate(column):
        total, several = wished[key] - row, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / several:
            earlier = blocks.pop()
            total, several = total + earlier[0], several + earlier[1]
        blocks.append((total, several))
    row = 0
    for total, several in blocks:
        for _ in range(several):
            heights[column[row]] = total / several + row
            row += 1
