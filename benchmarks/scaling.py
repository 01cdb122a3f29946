"""How the time of a training step grows: with the batch, the depth, the width and the size of the image.

One quantity is stretched at a time, the rest stays in the middle: 4 convolutions of 32 channels on 32 images
of 24 × 24. The straight line through the points, both axes logarithmic, has the exponent p as its slope:
seconds ~ size^p. Arithmetic grows with the batch and the depth (p = 1), with the square of the width and of
the image's side (p = 2). An exponent well below says that at these sizes something else takes the time, such
as what every operation costs however small it is.
"""

from __future__ import annotations

import statistics
from math import log
from typing import Any

from networks import plain
from workloads import Workload

SIZES = {
    "batch": (4, 16, 64, 256),
    "depth": (1, 2, 4, 8, 16),
    "width": (8, 16, 32, 64),
    "image": (8, 16, 32, 64),
}
UNITS = {
    "batch": "images in a batch",
    "depth": "convolutions",
    "width": "channels",
    "image": "pixels along the side of an image",
}
MIDDLE = {"batch": 32, "depth": 4, "width": 32, "image": 24}


def workload(axis: str, size: int) -> Workload:
    """The middle of the road, stretched along one axis."""
    chosen = {**MIDDLE, axis: size}
    side = chosen["image"]
    network = plain(chosen["depth"], chosen["width"])
    return Workload(f"{axis}-{size}", f"{axis} {size}", network, (1, side, side), chosen["batch"], steps=2)


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The slope of the least-squares line through (log size, log seconds).

    >>> round(exponent([1, 2, 4], [3.0, 12.0, 48.0]), 6)
    2.0
    """
    return statistics.linear_regression([log(size) for size in sizes], [log(s) for s in seconds]).slope


def fits(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each axis and peer: sizes, median seconds per step, and the exponent.

    Args:
        points: of all measurements: axis, size, peer, seconds.
    """
    rows = []
    for axis, peer in dict.fromkeys((point["axis"], point["peer"]) for point in points):
        own = [point for point in points if (point["axis"], point["peer"]) == (axis, peer)]
        sizes, seconds = [point["size"] for point in own], [point["seconds"] for point in own]
        if len(own) > 1:
            slope = exponent(sizes, seconds)
            rows.append({"axis": axis, "peer": peer, "sizes": sizes, "seconds": seconds, "exponent": slope})
    return rows
