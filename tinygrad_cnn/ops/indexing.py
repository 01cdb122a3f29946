"""Picking elements by position: by slices, and by arrays of indices. x[...] (`subscript`) is made of these.

Picking and putting are each other's gradient. Where one element was picked twice, its gradient is the sum
of both: `put_add` adds, it does not overwrite.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn._op import op
from tinygrad_cnn._sample import Sample, integers, reals
from tinygrad_cnn.dtypes import (
    HasSpec,
    Shape,
    Spec,
    broadcast,
    require_integer,
)
from tinygrad_cnn.errors import (
    IndexingError,
)

# --- basic indexing: ints, slices, None; always a view --------------------------------------------


def _sliced_shape(shape: Shape, key: tuple[Any, ...]) -> Shape:
    sizes, dim = [], 0
    for entry in key:
        if entry is None:
            sizes.append(1)
        elif isinstance(entry, int):
            if not -shape[dim] <= entry < shape[dim]:
                raise IndexingError.outside(entry, shape[dim], dim)
            dim += 1
        else:
            sizes.append(len(range(*slice(*entry).indices(shape[dim]))))
            dim += 1
    return (*sizes, *shape[dim:])


def _native(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key as Python writes it; slices travel as (start, stop, step) because they must be hashable."""
    return tuple(slice(*entry) if isinstance(entry, tuple) else entry for entry in key)


_KEYS = (
    (3, (0, 2, None)),
    ((None, None, -1), None, 1),
    (0,),
    ((4, 0, -2), (1, 1, None)),
)


@op(
    symbol="[ ]",
    infer=lambda x, *, key: Spec(_sliced_shape(x.shape, key), x.dtype),
    view=True,
    public=False,
    samples=[Sample(reals(5, 3, 2), key=key) for key in _KEYS],
)
def slice_view(B, x, *, key):
    """A part of x chosen by ints, slices and new dimensions."""
    return x[_native(key)]


@slice_view.gradient("x", "∂L/∂x = g at the places taken, 0 elsewhere")
def _(g, node, *, key):
    return slice_put(g, key=key, shape=node.spec("x").shape)


@op(
    symbol="put",
    infer=lambda x, *, key, shape: Spec(shape, x.dtype),
    public=False,
    samples=[Sample(reals(2, 2), key=(3, (0, 2, None)), shape=(5, 3, 2))],
)
def slice_put(B, x, *, key, shape):
    """Zeros of a shape, with x at the places that a slice takes."""
    out = B.xp.zeros(shape, dtype=x.dtype)
    out[_native(key)] = x  # memory of our own, not yet anybody's value
    return out


@slice_put.gradient("x", "∂L/∂x = g at those places")
def _(g, node, *, key):
    return slice_view(g, key=key)


# --- integer arrays: take and put -----------------------------------------------------------------

PICK = "pick"  # in a key, stands for the next index tensor


def _filled(key: tuple[Any, ...], indices: Any) -> tuple[Any, ...]:
    remaining = iter(indices)
    return tuple(next(remaining) if entry == PICK else entry for entry in _native(key))


def _taken_shape(shape: Shape, key: tuple[Any, ...], picks: Shape) -> Shape:
    """NumPy's rule: picked dimensions stand where the first one was, or in front if they were apart."""
    positions = [position for position, entry in enumerate(key) if entry == PICK]
    together = positions[-1] - positions[0] == len(positions) - 1
    sizes: list[int] = [] if together else list(picks)
    dim = 0
    for position, entry in enumerate(key):
        if entry is None:
            sizes.append(1)
            continue
        if entry == PICK:
            if together and position == positions[0]:
                sizes.extend(picks)
        else:
            sizes.append(len(range(*slice(*entry).indices(shape[dim]))))
        dim += 1
    return (*sizes, *shape[dim:])


def _take_shape(x: HasSpec, *indices: HasSpec, key: tuple[Any, ...]) -> Spec:
    for number, index in enumerate(indices):
        require_integer(index, f"indices[{number}]")
    picks = broadcast(*[index.shape for index in indices])
    return Spec(_taken_shape(x.shape, key, picks), x.dtype)


def check_places(B: Any, index: Any, size: int, dim: int, *, from_the_end: bool = False) -> None:
    """Refuse places that a dimension of this size does not have; −1 is one if counted from its end."""
    first = -size if from_the_end else 0
    B.check(
        lambda: (index < first) | (index >= size),
        lambda outside: IndexingError.outside(int(B.to_numpy(index[outside]).flat[0]), size, dim),
    )


def _check_range(B: Any, shape: Shape, key: tuple[Any, ...], indices: Any) -> None:
    remaining, dim = iter(indices), 0
    for entry in key:
        if entry == PICK:
            check_places(B, next(remaining), shape[dim], dim, from_the_end=True)
        if entry is not None:
            dim += 1


@op(
    symbol="[ ]",
    infer=_take_shape,
    nondifferentiable=("indices",),
    public=False,
    samples=[
        Sample(reals(4, 3), integers(5, high=4), key=(PICK,)),
        Sample(
            reals(4, 3, 5), integers(2, 1, high=4), integers(3, high=5), key=(PICK, (None, None, None), PICK)
        ),
        Sample(reals(4, 3), integers(2, low=-3, high=3), key=((1, 3, None), None, PICK)),
    ],
)
def take(B, x, *indices, key):
    """Elements of x picked by arrays of indices."""
    _check_range(B, x.shape, key, indices)
    return x[_filled(key, indices)]


@take.gradient("x", "∂L/∂x = g added up at the places taken")
def _(g, node, indices, *, key):
    return put_add(g, *indices, key=key, shape=node.spec("x").shape)


@op(
    symbol="put +",
    infer=lambda x, *indices, key, shape: Spec(shape, x.dtype),
    nondifferentiable=("indices",),
    public=False,
    samples=[Sample(reals(5, 3), integers(5, high=4), key=(PICK,), shape=(4, 3))],
)
def put_add(B, x, *indices, key, shape):
    """Zeros of a shape, with x added at picked places; a place named twice receives both."""
    return B.scatter_add(B.xp.zeros(shape, dtype=x.dtype), _filled(key, indices), x)


@put_add.gradient("x", "∂L/∂x = g at those places")
def _(g, node, indices, *, key):
    return take(g, *indices, key=key)
