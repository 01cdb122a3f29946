"""`landscape`: a picture of a coast, made by a program, for lessons that filter images.

It is painted from back to front, one layer over the other: sky, sea, a sailing boat, a headland with a house
and a lighthouse, a jetty in the foreground. Each is a function of the place, x to the right and y down, both
from 0 to 1, so that the picture is the same at every size. The sun stands low on the left.

What filters look for is all there: smooth areas (the sky), sharp edges in many directions (roof, sail,
planks), stripes (the tower), fine texture (grass, rock, wood), light and shadow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.data._painting import Field, inside, lattice, mix, noise, rgb, rise
from tinygrad_cnn.data._random import check_integer

Strokes = Iterator[tuple[NDArray[np.bool_], Field]]  # where, and in which colours

_FINER = 3  # places along each side of a pixel, so that edges are smooth
_HORIZON = 0.58
_LUMA = (0.299, 0.587, 0.114)


def landscape(size: int = 128, *, gray: bool = False) -> NDArray[np.float32]:
    """A lighthouse on a rocky coast: a picture like a photograph, for everybody to use.

    Args:
        size: pixels along each side.
        gray: only how bright it is: Y′ = 0.299 R′ + 0.587 G′ + 0.114 B′ (ITU-R BT.601).

    Returns:
        Red, green and blue (3, size, size), or (1, size, size); float32 from 0 to 1, in steps of 1/255 as
        cameras have them.

    Raises:
        ArgumentError: a size below 1.
        ArgumentTypeError: a size that is no integer.

    >>> from tinygrad_cnn import data
    >>> data.landscape(32).shape, data.landscape(32, gray=True).shape
    ((3, 32, 32), (1, 32, 32))
    """
    count = check_integer(size, "size", at_least=1) * _FINER
    places = (np.arange(count) + 0.5) / count
    x, y = np.meshgrid(places, places)
    picture = np.zeros((3, count, count))
    for (left, right, top, bottom), paint in _SCENE:
        rows = slice(int(top * count), round(bottom * count))
        columns = slice(int(left * count), round(right * count))
        part = picture[:, rows, columns]
        for where, colours in paint(x[rows, columns], y[rows, columns]):
            np.copyto(part, colours, where=where)
    pixels = picture.clip(0, 1).reshape(3, size, _FINER, size, _FINER).mean(axis=(2, 4))
    if gray:
        pixels = np.einsum("c,chw->hw", _LUMA, pixels)[np.newaxis]
    return np.asarray((pixels * 255).round() / 255, np.float32)


# --- the scene, from back to front ----------------------------------------------------------------


def _sky(x: Field, y: Field) -> Strokes:
    color = mix(rgb("2f5f9e"), rgb("a6c8df"), 1.15 * (y / _HORIZON) ** 0.8)
    color = mix(color, rgb("f6dfbd"), 0.85 * rise(y, 0.32, 0.61))
    color = mix(color, rgb("fff1cf"), 0.75 * np.exp(-6 * (x - 0.13) ** 2 - 18 * (y - 0.43) ** 2))
    distance = 1 / (_HORIZON - y + 0.12)
    across, ahead = 1.3 * (x - 0.4) * distance + 5, 0.9 * distance + 10
    cloud = noise(across, ahead, 5)
    light = 0.6 + 1.5 * (cloud - noise(across + 0.08, ahead - 0.04, 5))
    cover = rise(cloud, -0.05, 0.25) * rise(_HORIZON - y, 0.01, 0.12)
    yield y <= _HORIZON, mix(color, mix(rgb("8f9cb2"), rgb("fffaf0"), light), 0.92 * cover)


def _sea(x: Field, y: Field) -> Strokes:
    near = (y - _HORIZON).clip(0) + 0.04
    waves = noise(4 * (x - 0.3) / near**0.7, 22 * np.log(near), 3)
    color = mix(rgb("a7bfc4"), rgb("1d5068"), rise(near, 0.04, 0.34) ** 0.7)
    color = mix(color, rgb("0f3446"), 0.7 * rise(-waves, 0, 0.6))
    color = mix(color, rgb("8fbcc4"), 0.7 * rise(waves, 0.05, 0.7))
    glitter = np.exp(-(((x - 0.13) / (0.02 + 0.35 * near)) ** 2))
    yield y > _HORIZON, mix(color, rgb("fff0cc"), glitter * (0.2 + rise(waves, 0, 0.25)))


def _boat(x: Field, y: Field) -> Strokes:
    yield inside(x, y, (0.343, 0.501), (0.343, 0.594), (0.305, 0.594)), rgb("fffdf6")
    yield inside(x, y, (0.348, 0.514), (0.379, 0.592), (0.348, 0.592)), rgb("e3dccb")
    yield (abs(x - 0.345) < 0.0018) & (abs(y - 0.55) < 0.054), rgb("4b3a2c")
    yield inside(x, y, (0.299, 0.597), (0.391, 0.597), (0.375, 0.614), (0.311, 0.614)), rgb("7a2f27")
    yield inside(x, y, (0.299, 0.597), (0.391, 0.597), (0.388, 0.601), (0.301, 0.601)), rgb("f0e6d2")


def _headland(x: Field, y: Field) -> Strokes:
    line = x[:1]  # what depends on x alone
    top = 0.69 - 0.17 * rise(line, 0.38, 0.58) - 0.02 * rise(line, 0.75, 1) + 0.03 * noise(11 * line, line, 5)
    shore = 0.68 + 0.13 * (line - 0.4) + 0.035 * noise(9 * line, line + 3.3)
    spray = noise(22 * x, 60 * y) - 18 * abs(y - shore - 0.006)
    yield (spray > -0.12) & (x > 0.39), mix(rgb("c9d6d8"), rgb("ffffff"), 1.2 + 2 * spray)

    def height(x: Field, y: Field) -> Field:
        return abs(noise(9 * x + 3 * y, 13 * y - 4 * x, 6))

    light = 0.8 + 5.5 * (height(x - 0.004, y - 0.004) - height(x + 0.004, y + 0.004))
    rock = mix(rgb("6d6257"), rgb("a89a86"), 0.5 + noise(4 * x, 14 * y))
    land = (y > top) & (y < shore)
    yield land, rock * light.clip(0.28, 1.35) * (1 - 0.45 * rise(y - shore, -0.05, 0))
    grass = mix(rgb("55702f"), rgb("9aa552"), 0.5 + noise(60 * x, 120 * y, 3))
    shadows = inside(x, y, (0.69, 0.535), (0.87, 0.552), (0.87, 0.56), (0.69, 0.552))
    lawn = land & (y - top < 0.032 + 0.05 * noise(14 * line, line + 1.1))
    yield lawn, grass * (0.85 + 0.5 * noise(7 * x, 20 * y, 3)) * (1 - 0.4 * shadows)


def _tower(x: Field, y: Field) -> Strokes:
    across = (x - 0.685) / (0.028 + 0.0515 * (y - 0.215))
    depth = np.sqrt((1 - across**2).clip(0))  # how far a place of the round wall stands out
    stripe = np.floor((y - 0.203 - 0.01 * depth) / 0.0665) % 2 == 0
    light = 0.42 + 0.68 * (0.62 * depth - 0.62 * across).clip(0, 1)
    wall = np.where(stripe, rgb("c8342b"), rgb("f4efe4")) * light * (1 + 0.06 * noise(90 * x, 25 * y, 3))
    yield (abs(across) < 1) & (y > 0.215) & (y < 0.545 + 0.006 * depth), wall
    for middle in (0.3, 0.43):
        yield (abs(x - 0.679) < 0.0065) & (abs(y - middle) < 0.014), rgb("26333d")


def _lantern(x: Field, y: Field) -> Strokes:
    across = x - 0.685
    dome = (across / 0.027) ** 2 + ((y - 0.158) / 0.038) ** 2 < 1
    light = (0.7 - 26 * across).clip(0, 1)
    yield dome & (y < 0.158), rgb("b02a25") * (0.45 + 0.7 * light)
    yield (abs(across) < 0.0022) & (abs(y - 0.114) < 0.016), rgb("333333")
    glass = (abs(across) < 0.021) & (abs(y - 0.178) < 0.02)
    lamp = 1.2 * np.exp(-((across / 0.01) ** 2) - ((y - 0.18) / 0.014) ** 2)
    yield glass, mix(rgb("5d7886"), rgb("ffe9a8"), lamp)
    bars = (abs((across + 0.0035) % 0.014 - 0.0035) < 0.0011) | (abs(y - 0.178) < 0.0011)
    yield glass & bars, rgb("3a2b28")
    railing = (abs(across % 0.0082 - 0.0041) < 0.0009) | (y < 0.1855)
    yield railing & (abs(across) < 0.041) & (abs(y - 0.193) < 0.01), rgb("2b2b2b")
    yield (abs(across) < 0.042) & (abs(y - 0.21) < 0.007), rgb("e9e2d4") * (0.55 + 0.5 * light)


def _house(x: Field, y: Field) -> Strokes:
    grain = 1 + 0.1 * noise(70 * x, 70 * y, 3)
    tiles = 0.8 + 0.22 * (120 * y % 1 > 0.25) + 0.2 * noise(80 * x, 80 * y, 3)
    yield inside(x, y, (0.895, 0.375), (0.915, 0.375), (0.915, 0.44), (0.895, 0.44)), rgb("8c4a3c") * grain
    gable = (0.829, 0.395), (0.868, 0.462), (0.868, 0.54), (0.79, 0.54), (0.79, 0.462)
    yield inside(x, y, *gable), rgb("fbf5e6") * grain
    yield inside(x, y, (0.868, 0.46), (0.985, 0.46), (0.985, 0.535), (0.868, 0.54)), rgb("a9a59d") * grain
    yield inside(x, y, (0.829, 0.39), (0.95, 0.39), (0.993, 0.468), (0.873, 0.468)), rgb("8b3f30") * tiles
    yield inside(x, y, (0.829, 0.386), (0.836, 0.39), (0.794, 0.47), (0.784, 0.468)), rgb("5e2c24")
    for middle, level in ((0.829, 0.478), (0.903, 0.495), (0.945, 0.495)):
        yield (abs(x - middle) < 0.01) & (abs(y - level) < 0.014), rgb("2a3a46")
    yield (abs(x - 0.829) < 0.011) & (abs(y - 0.522) < 0.018), rgb("2f5f57")


def _jetty(x: Field, y: Field) -> Strokes:
    size = (y - 0.6).clip(0.02) / 0.42  # of things as they come nearer, 1 at the lower edge
    left, right = 0.335 - 0.46 * size, 0.335 + 0.06 * size
    across = (x - left) / (right - left)
    along = 10 / size
    tone = lattice()[np.floor(along).astype(int) % 256, 7]  # each plank has its own
    wood = mix(rgb("7c6a55"), rgb("b9a283"), tone + 0.9 * noise(2.2 * across + 9 * tone, 3 * along))
    wood = wood * np.where(along % 1 < 0.13, 0.28, 1)
    yield (
        (y > 0.7) & (abs(x - right) < 0.03 * size + 0.004),
        rgb("3d3128") * (1 + 0.4 * noise(40 * x, 140 * y)),
    )
    yield (y > 0.7) & (abs(across - 0.5) <= 0.5), wood
    for scale in (0.25, 0.4, 0.62, 0.98):
        for foot in (0.335 - 0.46 * scale, 0.335 + 0.06 * scale):
            post = (x - foot) / (0.02 * scale + 0.002)
            down = (y - 0.6) / scale - 0.42  # 0 where the post meets the deck
            shade = 0.45 + 0.5 * post + 0.5 * noise(90 * x, 14 * y, 3)
            yield (abs(post) < 1) & (abs(down + 0.075) < 0.125), mix(rgb("9c8468"), rgb("2f261e"), shade)
            yield (abs(post) < 1) & (abs(down + 0.191) < 0.009), rgb("c9b596")


_SCENE: tuple[tuple[tuple[float, float, float, float], Callable[[Field, Field], Strokes]], ...] = (
    ((0, 1, 0, 0.6), _sky),  # left, right, top, bottom: nothing is painted outside of that
    ((0, 1, 0.56, 1), _sea),
    ((0.29, 0.4, 0.49, 0.62), _boat),
    ((0.36, 1, 0.46, 0.82), _headland),
    ((0.77, 1, 0.36, 0.55), _house),
    ((0.63, 0.74, 0.2, 0.56), _tower),
    ((0.63, 0.74, 0.08, 0.23), _lantern),
    ((0, 0.45, 0.6, 1), _jetty),
)
