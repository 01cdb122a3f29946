"""The error function, which NumPy does not have.

    erf(x) = 2/√π · ∫₀ˣ e^(−t²) dt

Near 0 it is almost a straight line, and a ratio of two polynomials in x² follows it to the last digits.
Further out erf is nearly 1; what is missing, erfc(x) = 1 − erf(x), falls like e^(−x²), so the ratio describes
what is left when that factor is taken out. From 6 on nothing is missing that a float64 could show.

Source of both ratios: W. J. Cody, "Rational Chebyshev Approximations for the Error Function", Mathematics of
Computation 23 (1969), and his program CALERF in the collection SPECFUN.
"""

from __future__ import annotations

import numpy as np

from .kernels.blocks import elementwise_blocks
from .kernels.memory import Array

NEAR = 0.477  # up to here the first ratio: Cody stops at 0.46875, but erf is below a half till here
NOTHING_MISSING = 6.0  # erfc(6) is 2·10⁻¹⁷, less than half of the last digit of 1

# Coefficients of x⁰, x², x⁴, ...
_NEAR_ABOVE = (
    3.20937758913846947e03,
    3.77485237685302021e02,
    1.13864154151050156e02,
    3.16112374387056560e00,
    1.85777706184603153e-1,
)
_NEAR_BELOW = (
    2.84423683343917062e03,
    1.28261652607737228e03,
    2.44024637934444173e02,
    2.36012909523441209e01,
    1.0,
)
# Coefficients of x⁰, x¹, x², ...
_FAR_ABOVE = (
    1.23033935479799725e03,
    2.05107837782607147e03,
    1.71204761263407058e03,
    8.81952221241769090e02,
    2.98635138197400131e02,
    6.61191906371416295e01,
    8.88314979438837594e00,
    5.64188496988670089e-1,
    2.15311535474403846e-8,
)
_FAR_BELOW = (
    1.23033935480374942e03,
    3.43936767414372164e03,
    4.36261909014324716e03,
    3.29079923573345963e03,
    1.62138957456669019e03,
    5.37181101862009858e02,
    1.17693950891312499e02,
    1.57449261107098347e01,
    1.0,
)


def erf(x: Array) -> Array:
    """The error function of every number, computed in float64, in the dtype of x.

    >>> erf(np.array([0.0, 1.0, np.inf])).round(6).tolist()
    [0.0, 0.842701, 1.0]
    """
    out = np.empty_like(x)
    for source, target in elementwise_blocks(x, out):
        target[...] = _erf(source.astype(np.float64))
    return out


def _erf(x: Array) -> Array:
    size = np.minimum(np.abs(x), NOTHING_MISSING)
    near = size <= NEAR
    result = np.empty_like(x)
    result[near] = _near(size[near])
    result[~near] = (0.5 - _missing(size[~near])) + 0.5  # 1 − erfc, with a smaller rounding error
    return np.copysign(result, x)


def _near(x: Array) -> Array:
    square = x * x
    value: Array = x * (_polynomial(square, _NEAR_ABOVE) / _polynomial(square, _NEAR_BELOW))
    return value


def _missing(x: Array) -> Array:
    """erfc(x) = e^(−x²) · ratio(x).

    Rounding x² to float64 would shift the exponential by many of its last digits where x is large. So x is
    split into sixteenths, whose square is exact, and a small rest: x² = coarse² + (x − coarse)(x + coarse).
    """
    coarse = np.trunc(16 * x) / 16
    exponential: Array = np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse))
    exponential *= _polynomial(x, _FAR_ABOVE) / _polynomial(x, _FAR_BELOW)
    return exponential


def _polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """By Horner's rule: c₀ + x·(c₁ + x·(c₂ + ...))."""
    *others, last = coefficients
    value = np.full_like(x, last)
    for coefficient in reversed(others):
        value *= x
        value += coefficient
    return value
