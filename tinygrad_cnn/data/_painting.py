"""What a landscape is painted with: colours, shapes and texture, as numbers for every place."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.data._random import PICTURE, generator

Field = NDArray[np.float64]  # a number for every place; of a colour three


def rgb(code: str) -> Field:
    """A colour such as "9fc3dd", ready to be multiplied with a field."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)]).reshape(3, 1, 1)


def mix(one: Field, other: Field, share: Field | float) -> Field:
    """From one colour to another, as the share goes from 0 to 1."""
    mixed: Field = one + (other - one) * np.clip(share, 0, 1)
    return mixed


def rise(value: Field, low: float, high: float) -> Field:
    """A smooth step: 0 below `low`, 1 above `high`."""
    share: Field = ((value - low) / (high - low)).clip(0, 1)
    return share * share * (3 - 2 * share)


def inside(x: Field, y: Field, *corners: tuple[float, float]) -> NDArray[np.bool_]:
    """The places inside a shape with straight sides and no dents; its corners run as a clock does."""
    within = np.ones(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        within &= (x1 - x0) * (y - y0) >= (y1 - y0) * (x - x0)
    return within


@cache
def lattice() -> Field:
    """The same random numbers for every picture, (256, 256), from 0 to 1."""
    return generator(0, 0, PICTURE).random((256, 256))


def noise(x: Field, y: Field, octaves: int = 4) -> Field:
    """Texture around 0: random numbers on a grid, smoothly joined; each octave half as large and as strong.

    (Value noise, after K. Perlin, "An image synthesizer", 1985.)
    """
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    for octave in range(octaves):
        u, v = x * 2**octave + 17.3 * octave, y * 2**octave + 31.7 * octave
        column, row = np.floor(u).astype(int), np.floor(v).astype(int)
        across, down = rise(u - column, 0, 1), rise(v - row, 0, 1)
        corners = [lattice()[(row + i) % 256, (column + j) % 256] for i in (0, 1) for j in (0, 1)]
        upper = corners[0] + (corners[1] - corners[0]) * across
        lower = corners[2] + (corners[3] - corners[2]) * across
        total += (upper + (lower - upper) * down - 0.5) / 2**octave
    return total
