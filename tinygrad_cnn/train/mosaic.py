"""Many small arrays in one picture, as pixels: filters and images for TensorBoard, made in milliseconds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.viz.theme import DIVERGING

TILE = 64  # pixels of a tile's longer side, at least
GAP = 4  # pixels between tiles
MOST_TILES = 256

Pixels = NDArray[np.uint8]  # (height, width, 3)


def filters_mosaic(weights: NDArray[Any]) -> Pixels:
    """The kernels of a convolution: blue is negative, white zero, red positive, on one scale for all.

    Args:
        weights: (O, C, H, W); the channels of a filter stand side by side.

    >>> filters_mosaic(np.ones((6, 1, 5, 5))).shape
    (134, 203, 3)
    """
    _, channels, height, width = weights.shape
    kernels = weights[: max(1, MOST_TILES // channels)]
    tiles = np.where(np.isfinite(kernels), kernels, 0).astype(np.float64).reshape(-1, height, width)
    limit = float(np.abs(tiles).max()) or 1.0
    colours = np.array([_rgb(colour) for colour in DIVERGING])
    places = np.linspace(-limit, limit, len(colours))
    painted = [np.interp(tiles, places, colours[:, channel]) for channel in range(3)]
    filters_in_a_row = math.ceil(math.sqrt(len(kernels) / channels))
    return _mosaic(np.stack(painted, axis=-1), channels * filters_in_a_row)


def images_mosaic(images: NDArray[Any], most: int = 16) -> Pixels:
    """The first images of a batch: the smallest number black, the largest white.

    Args:
        images: (N, C, H, W); red, green and blue if C is 3, otherwise the first channel.

    >>> images_mosaic(np.ones((64, 1, 28, 28))).shape
    (348, 348, 3)
    """
    shown = images[:most, :3].astype(np.float64)
    shown[~np.isfinite(shown)] = 0
    if shown.shape[1] != 3:
        shown = shown[:, :1].repeat(3, axis=1)
    low, high = shown.min(), shown.max()
    grey = (shown - low) * (255 / ((high - low) or 1.0))
    return _mosaic(grey.transpose(0, 2, 3, 1), math.ceil(math.sqrt(len(shown))))


def _mosaic(tiles: NDArray[np.float64], columns: int) -> Pixels:
    """Tiles (n, height, width, 3) in rows on white, each pixel enlarged to a square."""
    scale = math.ceil(TILE / max(tiles.shape[1:3]))
    large = tiles.round().astype(np.uint8).repeat(scale, axis=1).repeat(scale, axis=2)
    count, height, width, _ = large.shape
    rows = math.ceil(count / columns)
    across, down = width + GAP, height + GAP
    picture = np.full((rows * down - GAP, columns * across - GAP, 3), 255, np.uint8)
    for place, tile in enumerate(large):
        top, left = place // columns * down, place % columns * across
        picture[top : top + height, left : left + width] = tile
    return picture


def _rgb(colour: str) -> tuple[int, ...]:
    """The three numbers of "#0072B2"."""
    return tuple(bytes.fromhex(colour.removeprefix("#")))
