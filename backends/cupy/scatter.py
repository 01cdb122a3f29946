"""Adding at places that may be named more than once, the same way every time.

Thousands of threads add at once. Where two of them mean the same place, the usual remedy is an *atomic*
addition: one waits until the other has finished. Nothing says which of them waits, and in floating point
(a + b) + c is not a + (b + c): from run to run the last digits differ, and after some steps of training the
losses do.

`in_order` gives every sum one order instead. It sorts the values by their place, so that what belongs
together stands together, and then adds neighbours in rounds: after the first every value holds the sum of up
to 2 values of its place, after the second of up to 4, ... (a segmented scan: Hillis and Steele, "Data
parallel algorithms", Communications of the ACM 29, 1986). The last value of a place then holds its total.

    place   0  0  0  2  2         place   0  0  0  2  2         place   0  0  0  2  2
    value   a  b  c  d  e    1→   value   a ab bc  d de    2→   value   a ab abc d de
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array


def in_order(xp: Any, target: Array, index: Any, value: Array) -> Array:
    """A copy of `target` with `value` added at `index`, bitwise repeatable.

    >>> import numpy
    >>> in_order(numpy, numpy.ones(3), (numpy.array([0, 2, 0]),), numpy.array([1.0, 2.0, 4.0])).tolist()
    [6.0, 1.0, 3.0]
    """
    every = xp.arange(target.size)
    # The same index picks from the numbers of the places, so these say where everything goes.
    places = xp.reshape(every, target.shape)[index]
    values = xp.reshape(xp.astype(xp.broadcast_to(value, places.shape), target.dtype), (-1,))
    places = xp.reshape(places, (-1,))
    if not values.size:
        return target.copy()
    order = xp.argsort(places, stable=True)
    places, values = places[order], _sums_so_far(xp, places[order], values[order])
    last = xp.searchsorted(places, every, side="right") - 1
    is_named = (last >= 0) & (places[last] == every)
    totals = xp.where(is_named, values[last], xp.zeros_like(values[last]))
    return target + xp.reshape(totals, target.shape)


def _sums_so_far(xp: Any, places: Array, values: Array) -> Array:
    """For sorted places: the sum of the values of its own place up to each value."""
    distance = 1
    while distance < values.size:
        is_same = places[distance:] == places[:-distance]
        earlier = xp.where(is_same, values[:-distance], xp.zeros_like(values[distance:]))
        values = xp.concat([values[:distance], values[distance:] + earlier])
        distance *= 2
    return values
