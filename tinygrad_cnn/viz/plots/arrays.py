"""`plot_arrays`: small arrays side by side, with their numbers, as they stand on a blackboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, IndexingError, UnknownName
from tinygrad_cnn.viz.plots.cells import (
    CELL,
    FAMILIES,
    NUMBERS_UP_TO,
    Kind,
    Mask,
    Panel,
    include,
    lay_out,
    numbers,
    room_for,
    wrapped,
)
from tinygrad_cnn.viz.plots.plot import Array, Plot, to_plane
from tinygrad_cnn.viz.theme import shape_text
from tinygrad_cnn.viz.values import Scales

_IMAGE_SIDE, _THINNEST = 2.2, 0.3  # inches, of an array without numbers


def plot_arrays(
    arrays: Mapping[str, Any],
    *,
    kind: Kind | Mapping[str, Kind] = "data",
    mark: Mapping[str, Any] | None = None,
    signs: Sequence[str] | None = None,
    scale: Literal["each", "shared"] = "each",
) -> Plot:
    """Arrays side by side, as cells with their numbers (or as images, above 8 × 8), each under its name.

    Data runs from grey (the smallest) to yellow (the largest number). Weights and gradients are blue below
    zero, white at zero, red above it.

    Args:
        arrays: tensors or arrays by name; each with one or two dimensions, after leading dimensions of size 1
            (a batch of one, one channel) are dropped.
        kind: "data", "weights" or "gradient", for all, or by name (the others are data).
        mark: which cells to point at, by name: an index of the array as it is drawn, such as `(0, 1)` or
            `(slice(0, 2), slice(1, 3))`, or a list of several.
        signs: what to write between the arrays, one sign less than there are arrays.
        scale: "each" array has its own scale of colours, or one is "shared" by all of a kind and printed
            underneath.

    Raises:
        ShapeError: an array that is empty or has more dimensions.
        DTypeError: something else than real numbers.
        UnknownName: a kind or mark for an array that is not there.
        ArgumentError: no arrays, another kind or scale, or not one sign between every two arrays.
        IndexingError: a mark outside its array.
        OptionalDependencyError: matplotlib is not installed.

    >>> from tinygrad_cnn import viz
    >>> viz.plot_arrays(
    ...     {"X": [[0, 1, 2], [3, 4, 5], [6, 7, 8]], "F": [[0, 1], [2, 3]], "O": [[19, 25], [37, 43]]},
    ...     kind={"F": "weights"},
    ...     mark={"X": (slice(0, 2), slice(1, 3)), "O": (0, 1)},
    ...     signs=["⋆", "="],
    ... )
    <Plot of X (3, 3), F (2, 2), O (2, 2)>
    """
    planes = _checked(arrays, signs, scale)
    kinds = _kinds(kind, planes)
    masks = _masks(mark or {}, planes)
    shared = Scales()
    for name, plane in planes.items():
        include(shared, plane, kinds[name])
    row: list[Panel | str] = []
    for name, plane in planes.items():
        own = shared if scale == "shared" else include(Scales(), plane, kinds[name])
        panel = _panel(name, plane, kinds[name], own)
        panel.mark = masks.get(name)
        if panel.texts is None:  # the numbers themselves say it otherwise
            panel.caption = shape_text(plane.shape) + ("" if scale == "shared" else f"\n{own.caption()}")
        if row and signs:
            row.append(signs[len(row) // 2])
        row.append(panel)
    what = ", ".join(f"{name} {shape_text(plane.shape)}" for name, plane in planes.items())
    return lay_out(what, wrapped(row), shared.caption() if scale == "shared" else "")


def _panel(name: str, plane: Array, kind: Kind, scales: Scales) -> Panel:
    table = np.atleast_2d(plane)
    if max(table.shape) <= NUMBERS_UP_TO:
        texts = numbers(table)
        cell = (room_for(texts.flat), CELL)
        return Panel(name=name, table=table, kind=kind, scales=scales, texts=texts, cell=cell)
    rows, columns = table.shape
    side = _IMAGE_SIDE / max(rows, columns)
    cell = (max(side, _THINNEST / columns), max(side, _THINNEST / rows))  # a row can be seen, and a column
    return Panel(name=name, table=table, kind=kind, scales=scales, cell=cell)


# --- what was asked for ---------------------------------------------------------------------------


def _checked(arrays: Mapping[str, Any], signs: Sequence[str] | None, scale: str) -> dict[str, Array]:
    if not isinstance(arrays, Mapping):
        raise ArgumentTypeError(
            "arrays are drawn under their names",
            argument="arrays",
            expected="a dict of arrays",
            got=type(arrays).__name__,
            hint='plot_arrays({"x": x})',
        )
    if not arrays:
        raise ArgumentError(
            "there is nothing to draw", argument="arrays", expected="at least one array", got="none"
        )
    if scale not in ("each", "shared"):
        raise ArgumentError(
            "this scale has no meaning", argument="scale", expected='"each" or "shared"', got=repr(scale)
        )
    if signs is not None and len(signs) != len(arrays) - 1:
        raise ArgumentError(
            "signs stand between arrays",
            argument="signs",
            expected=f"{len(arrays) - 1} for {len(arrays)} arrays",
            got=f"{len(signs)}",
        )
    return {name: to_plane(array, name) for name, array in arrays.items()}


def _kinds(kind: Kind | Mapping[str, Kind], planes: Mapping[str, Array]) -> dict[str, Kind]:
    by_name: Mapping[str, Kind] = kind if isinstance(kind, Mapping) else dict.fromkeys(planes, kind)
    for name, word in by_name.items():
        _check_name(name, planes, "kind")
        if word not in FAMILIES:
            raise ArgumentError(
                f"{name} cannot be of this kind",
                argument="kind",
                expected=f"one of {', '.join(FAMILIES)}",
                got=repr(word),
            )
    return {name: by_name.get(name, "data") for name in planes}


def _masks(marks: Mapping[str, Any], planes: Mapping[str, Array]) -> dict[str, Mask]:
    """Which cells are marked, in rows and columns."""
    masks = {}
    for name, indices in marks.items():
        _check_name(name, planes, "mark")
        mask = np.zeros(planes[name].shape, bool)
        for index in indices if isinstance(indices, list) else [indices]:
            try:
                mask[index] = True
            except IndexError as error:
                raise IndexingError(
                    "this mark is outside its array",
                    argument=f"mark[{name!r}]",
                    expected=f"an index into {shape_text(mask.shape)}",
                    got=repr(index),
                ) from error
        masks[name] = np.atleast_2d(mask)
    return masks


def _check_name(name: str, planes: Mapping[str, Array], argument: str) -> None:
    if name not in planes:
        raise UnknownName.among(name, planes, kind="array", argument=argument)
