"""What tests of the NumPy backend's kernels draw: windows, arrays in every memory order, special numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

TOLERANCE = {np.float32: 2e-5, np.float64: 1e-13}
SPECIAL = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5]

# --- windows --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Windows:
    """A window moving over images, and the loops that say where it goes."""

    batch: int
    size: tuple[int, ...]
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    ceil_mode: bool = False

    @property
    def output_size(self) -> tuple[int, ...]:
        return tuple(map(self._windows_along, range(len(self.size))))

    def _windows_along(self, axis: int) -> int:
        """Count the windows by moving one until it leaves."""
        before, after = self.padding[axis]
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
        count = 0
        while True:
            first = count * self.stride[axis] - before
            more = first + reach < self.size[axis] + after
            if (
                self.ceil_mode
            ):  # it may hang over if the last one left pixels; it must not start on the padding
                more = first - self.stride[axis] + reach < self.size[axis] + after - 1
                more = (count == 0 or more) and first < self.size[axis]
            if not more:
                return count
            count += 1

    def places(self):
        """(window, cell, pixel) index tuples; pixel is None on the padding."""
        cells = list(itertools.product(*map(range, self.kernel_size)))
        for window in itertools.product(*map(range, self.output_size)):
            for cell in cells:
                pixel = tuple(
                    o * s - before + k * d
                    for o, s, (before, _), k, d in zip(
                        window, self.stride, self.padding, cell, self.dilation, strict=True
                    )
                )
                inside = all(0 <= p < size for p, size in zip(pixel, self.size, strict=True))
                yield window, cell, pixel if inside else None

    def number(self, cell: tuple[int, ...]) -> int:
        return int(np.ravel_multi_index(cell, self.kernel_size))

    @property
    def sliding(self) -> dict[str, tuple]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}


@st.composite
def windows(draw, *, pooling: bool = False) -> Windows:
    ndim = draw(st.integers(1, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(ndim))

    kernel_size, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    most = 1 if pooling else 3
    padding = tuple(zip(each(0, most), each(0, most), strict=True))
    room = each(0, 4 if ndim < 3 else 2)
    size = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + r
        for d, k, p, r in zip(dilation, kernel_size, padding, room, strict=True)
    )
    batch = draw(st.sampled_from([0, 1, 2, 5, 40]))  # 40: long rows
    return Windows(batch, size, kernel_size, stride, padding, dilation, pooling and draw(st.booleans()))


# --- arrays ---------------------------------------------------------------------------------------


def relaid(x: np.ndarray, order: str) -> np.ndarray:
    """The same numbers, lying in memory in another way."""
    if not x.ndim:
        return x.copy()
    if order == "reversed":
        return x[..., ::-1].copy()[..., ::-1]
    if order == "batch last":
        return np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0)
    if order == "fortran":
        return np.asfortranarray(x)
    if order == "strided":
        return np.repeat(x, 2, axis=-1)[..., ::2]
    return x.copy()


orders = st.sampled_from(["contiguous", "reversed", "batch last", "fortran", "strided"])
seeds = st.integers(0, 2**32 - 1)
floats = st.sampled_from([np.float32, np.float64])


def normal(seed: int, shape: tuple[int, ...], dtype: type, order: str = "contiguous") -> np.ndarray:
    return relaid(np.random.default_rng(seed).standard_normal(shape).astype(dtype), order)


def assert_close(actual: np.ndarray, expected: np.ndarray, dtype: type) -> None:
    """Equal shapes and dtypes, and differences small beside the largest number."""
    assert actual.dtype == dtype
    assert actual.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=TOLERANCE[dtype])
