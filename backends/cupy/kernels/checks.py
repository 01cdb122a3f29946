"""One look at many arrays, by the kernel of `checks.cu`: is every number finite?

Once as a check, which raises, and once as an answer to compute with: mixed precision leaves a step out where
gradients have overflowed. Both take floats of any width, also mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_cnn._narrow import takes_narrow
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.errors import NonFiniteError
from tinygrad_cnn.ops import checks as ops

from .choice import has_narrow
from .launch import THREADS, address, blocks_for, c_type, launch
from .layout import in_rows, is_dense

MOST_ARRAYS = 64  # in a launch; in checks.cu too
MOST_BLOCKS = 64  # for each array: with others beside it, enough to keep a GPU busy
TABLE = np.dtype([("addresses", np.uint64, MOST_ARRAYS), ("sizes", np.uint64, MOST_ARRAYS)])


@takes_narrow
def all_finite(B: Backend, *values: Array) -> Array:
    """True, once it is known (see `Backend.check`) that there is no NaN and no infinity anywhere."""
    answer = _look(B, values, if_found=False)
    B.check(lambda: ~answer, lambda _: _first_problem(B, values))
    return answer


@takes_narrow
def any_non_finite(B: Backend, *values: Array) -> Array:
    """Whether there is a NaN or an infinity anywhere."""
    return _look(B, values, if_found=True)


def _look(B: Backend, values: Sequence[Array], *, if_found: bool) -> Array:
    """A 0-d bool: `if_found` where some number is not finite, the opposite where all are."""
    answer = B.xp.full((), not if_found, dtype=B.xp.bool)
    # Kept in a list, because a copy has to live until its kernel has been started.
    dense = [value if is_dense(value) else in_rows(value) for value in values if value.size]
    for some in _in_launches(dense):
        blocks = min(blocks_for(max(value.size for value in some))[0], MOST_BLOCKS)
        grid, types = (blocks, len(some)), (c_type(some[0]),)
        launch("checks.cu", "look_for_non_finite", types, grid, (THREADS,), _table(some), if_found, answer)
    return answer


def _in_launches(values: Sequence[Array]) -> Iterator[Sequence[Array]]:
    """The arrays, those of one dtype together and never too many."""
    for name in dict.fromkeys(value.dtype.name for value in values):
        alike = [value for value in values if value.dtype.name == name]
        for first in range(0, len(alike), MOST_ARRAYS):
            yield alike[first : first + MOST_ARRAYS]


def _table(values: Sequence[Array]) -> np.ndarray[Any, Any]:
    """The `Arrays` of checks.cu."""
    table = np.zeros((), TABLE)
    table["addresses"][: len(values)] = [address(value) for value in values]
    table["sizes"][: len(values)] = [value.size for value in values]
    return table


def _first_problem(B: Backend, values: Sequence[Array]) -> NonFiniteError:
    xp = B.xp
    wide = (xp.astype(value, xp.float32) if has_narrow(value) else value for value in values)
    masks = (~xp.isfinite(value) for value in wide)
    return next(
        ops.not_finite_error(B, number, mask) for number, mask in enumerate(masks) if bool(xp.any(mask))
    )
