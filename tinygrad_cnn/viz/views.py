"""Which picture of a graph: the views, and what can be asked of them.

    view="forward"     what was computed from what
    view="backward"    the backward pass's own operations, from right to left
    view="twin"        each node beside its gradient

A picture that nobody could read is refused, with the fold that would make it readable.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal, TypedDict

from tinygrad_cnn._graph_paths import Paths
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz.backward import backward
from tinygrad_cnn.viz.fold import Fold, fold, scopes
from tinygrad_cnn.viz.forward import Annotations, forward, highlighted
from tinygrad_cnn.viz.picture import DIRECTIONS, Direction, Picture
from tinygrad_cnn.viz.twin import twin

MOST_SHAPES = 20_000  # beyond, nobody can read the result, and no viewer opens it
_GOOD_NUMBER = 200  # of shapes in a picture that a fold is suggested for

View = Literal["forward", "backward", "twin"]
VIEWS: tuple[View, ...] = ("forward", "backward", "twin")


class Options(TypedDict, total=False):
    """What can be asked of a drawing; `Graph.draw` says what each means."""

    view: View
    fold: Fold | None
    repeats: bool
    values: bool
    gradients: bool
    highlight: Paths | Collection[int]
    direction: Direction | None
    theme: str


def picture(
    graph: Graph,
    *,
    view: View,
    fold: Fold | None,
    repeats: bool,
    values: bool,
    gradients: bool,
    highlight: Paths | Collection[int],
    direction: Direction | None,
) -> Picture:
    """The picture of a graph; `Graph.draw` says what the arguments mean."""
    if view not in VIEWS:
        raise UnknownName.among(view, VIEWS, kind="view", argument="view")
    if direction is not None and direction not in DIRECTIONS:
        raise UnknownName.among(direction, DIRECTIONS, kind="direction", argument="direction")
    marked, derivatives = highlighted(highlight)
    _check_edges(graph, marked)
    notes = Annotations(values, gradients, marked, derivatives)
    if view == "backward":
        whole = backward(graph, values=values)
    elif view == "twin":
        whole = twin(graph, notes)
    else:
        whole = forward(graph, notes)
    return replace(folded(whole, fold, repeats), direction=direction)


def folded(whole: Picture, what: Fold | None, repeats: bool) -> Picture:
    """The picture with the scopes closed that were asked for, if it is small enough to be drawn.

    Raises:
        ArgumentError: it is not; says how many shapes it has and which fold would do.
    """
    shown = whole if what is None else fold(whole, what, repeats=repeats)
    if len(shown.shapes) > MOST_SHAPES:
        raise ArgumentError(
            f"this drawing has {len(shown.shapes):,} nodes",
            argument="fold",
            expected=f"at most {MOST_SHAPES:,} nodes",
            hint=_smaller(whole),
        )
    return shown


def _smaller(whole: Picture) -> str:
    """The deepest fold that a reader could still take in, in words."""
    deepest = max((path.count("/") for path in scopes(whole)), default=-1)
    for depth in range(deepest, -1, -1):
        shapes = len(fold(whole, depth).shapes)
        if shapes <= _GOOD_NUMBER or (depth == 0 and shapes <= MOST_SHAPES):
            return f"close its scopes: fold={depth} draws {shapes:,} nodes"
    return "draw a part of it: graph.zoom(a scope), or tc.Graph.of(an intermediate result)"


def _check_edges(graph: Graph, marked: Collection[int]) -> None:
    unknown = sorted(place for place in marked if not 0 <= place < len(graph.edges))
    if unknown:
        raise ArgumentError(
            f"there is no edge {unknown[0]}",
            argument="highlight",
            expected=f"places in graph.edges, from 0 to {len(graph.edges) - 1}",
            got=unknown,
        )
