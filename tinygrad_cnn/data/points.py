"""Points in the plane for a first classifier: small enough to look at each of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.data._random import POINTS, check_integer, generator
from tinygrad_cnn.errors import ArgumentError

_DECIMALS = 6  # more than a float32 keeps of them; the last digits of a sine differ between machines


def two_moons(
    n: int = 200, *, noise: float = 0.1, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Two half circles that reach into each other: no straight line separates them, a small network does.

    The upper moon, class 0, is half a circle of radius 1 around the origin; the lower one, class 1, is the
    same turned around, its middle one to the right and half a unit up. (As scikit-learn's `make_moons`.)

    Args:
        n: how many points; half of them in each class, and the odd one in class 0.
        noise: the standard deviation of what is added to both coordinates.
        seed: another one gives other noise, and another order.

    Returns:
        The points (n, 2), float32, and their classes (n,), int64; in random order, the same on every machine.

    Raises:
        ArgumentError: fewer than two points, or a noise that is negative or not finite.
        ArgumentTypeError: n or seed is no integer.

    >>> from tinygrad_cnn import data
    >>> points, labels = data.two_moons(4, noise=0)
    >>> points.tolist(), labels.tolist()
    ([[0.0, 0.5], [-1.0, 0.0], [1.0, 0.0], [2.0, 0.5]], [1, 0, 0, 1])
    """
    count = check_integer(n, "n", at_least=2)
    if not 0 <= noise < math.inf:
        raise ArgumentError(
            "noise is a standard deviation", argument="noise", expected="a number of at least 0", got=noise
        )
    random = generator(check_integer(seed, "seed"), 0, POINTS)
    upper, lower = np.linspace(0, np.pi, count - count // 2), np.linspace(0, np.pi, count // 2)
    x = np.concatenate([np.cos(upper), 1 - np.cos(lower)])
    y = np.concatenate([np.sin(upper), 0.5 - np.sin(lower)])
    points = np.stack([x, y], axis=1) + noise * random.standard_normal((count, 2))
    labels = np.repeat([0, 1], [len(upper), len(lower)])
    order = random.permutation(count)
    return points[order].round(_DECIMALS).astype(np.float32), labels[order]
