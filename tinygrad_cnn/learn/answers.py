"""Comparing an answer with the right one, and saying what is odd about a wrong one.

Answers are numbers, arrays, shapes, words, or tuples of these. Integers must be exact; other numbers may be
rounded as people round them on paper. Axes of length 1 do not matter: nobody fails for a batch axis.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.viz.theme import shape_text

Array = NDArray[np.float64]


class Unusable(Exception):
    """An answer of another kind than was asked for; says so in a sentence."""


def is_blank(answer: Any) -> bool:
    """Whether nobody has answered yet: the dots still stand there.

    >>> is_blank(...), is_blank(0.0)
    (True, False)
    """
    if isinstance(answer, (list, tuple)):
        return not answer or any(is_blank(each) for each in answer)
    return answer is ... or answer is None or (isinstance(answer, str) and not answer.strip())


def same(answer: Any, right: Any, tolerance: float) -> bool:
    """Whether an answer passes for the right one.

    >>> same([0.81, 0.19], [0.8129, 0.1871], tolerance=0.01)
    True
    >>> same(279, 280, tolerance=0.01), same("Valid ", "valid", tolerance=0)
    (False, True)
    """
    if isinstance(right, str):
        return isinstance(answer, str) and _word(answer) == _word(right)
    if isinstance(right, tuple):
        parts = _parts(answer)
        return len(parts) == len(right) and all(
            same(one, other, tolerance) for one, other in zip(parts, right, strict=True)
        )
    try:
        got, expected = numbers(answer), numbers(right)
    except Unusable:
        return False
    if _significant(got.shape) != _significant(expected.shape):
        return False
    got, expected = got.reshape(-1), expected.reshape(-1)
    if _exact(right):
        return bool(np.array_equal(got, expected))
    scale = float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0))
    close = np.isclose(got, expected, rtol=tolerance, atol=1e-6 * scale, equal_nan=True)
    return bool(np.all(close | np.isclose(got, _in_two_digits(expected), rtol=1e-6, atol=0)))


def _in_two_digits(values: Array) -> Array:
    """As people round: 0.1871 to 0.19, which is off by more than a percent."""
    return np.array([float(f"{value:.2g}") for value in values])


def numbers(answer: Any) -> Array:
    """The numbers of an answer, as an array of float64.

    Raises:
        Unusable: there are none in it.
    """
    if isinstance(answer, Tensor):
        answer = answer.tolist()
    if callable(answer) or isinstance(answer, (str, bytes, dict, set)):
        raise Unusable(f"Expected numbers; this is {_kind(answer)}.")
    try:
        return np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise Unusable("Expected numbers; this cannot be read as numbers in rows and columns.") from None


def oddity(answer: Any, right: Any, tolerance: float) -> str:
    """What is odd about a wrong answer, in a sentence: its shape, a sign, a factor, how much of it is right.

    >>> oddity([1.0, 2.0], [-1.0, -2.0], tolerance=0.01)
    'The size is right, the sign is not.'
    >>> oddity([[1, 2], [3, 4]], [[1, 3], [2, 4]], tolerance=0.01)
    'Rows and columns are swapped.'
    """
    if isinstance(right, str):
        return "" if isinstance(answer, str) else f"Expected a word in quotes; this is {_kind(answer)}."
    if isinstance(right, tuple):
        return _oddity_of_parts(_parts(answer), right, tolerance)
    try:
        got, expected = numbers(answer), numbers(right)
    except Unusable as unusable:
        return str(unusable)
    if _significant(got.shape) != _significant(expected.shape):
        return f"Expected {_form(expected)}; got {_form(got)}."
    if _exact(right) and same(got, expected, tolerance=0.02):
        return "Close, but here the number has to be exact."
    for describe in (_sign, _transposed, _factor, _share):
        if words := describe(got, expected, tolerance):
            return words
    return ""


def shown(value: Any, most: int = 60) -> str:
    """A value in a sentence, shortened.

    >>> shown([1.0, 2.0]), shown(np.zeros((9, 9))), shown("x" * 99, most=8)
    ('[1.0, 2.0]', 'numbers of shape (9, 9)', "'xxxx …")
    """
    if isinstance(value, (np.ndarray, Tensor)):
        array = numbers(value)
        value = array.round(6).tolist() if array.size <= most // 4 else _form(array)
        return str(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return f"{value:.6g}"
    text = repr(value)
    return text if len(text) <= most else f"{text[: most - 3]} …"


def _kind(answer: Any) -> str:
    """What an answer is, for people."""
    if isinstance(answer, str):
        return "text; remove the quotes"
    if callable(answer):
        return "a function"
    if isinstance(answer, (bool, int, float)):
        return "a number"
    return f"of the type {type(answer).__name__}"


def _parts(answer: Any) -> list[Any]:
    """What an answer that should have several parts consists of."""
    if isinstance(answer, (np.ndarray, Tensor)):
        return list(answer) if answer.ndim else []
    return list(answer) if isinstance(answer, (tuple, list)) else []


def _oddity_of_parts(parts: list[Any], right: tuple[Any, ...], tolerance: float) -> str:
    if len(parts) != len(right):
        form = ", ".join("…" * len(right))
        return f"Expected {len(right)} parts, as in ({form}); got {len(parts) or 'none'}."
    wrong = [place for place, part in enumerate(parts) if not same(part, right[place], tolerance)]
    if len(wrong) > 1:
        return f"{len(wrong)} of {len(right)} parts are wrong."
    (place,) = wrong
    words = "" if isinstance(right[place], tuple) else oddity(parts[place], right[place], tolerance)
    return f"Part {place + 1} of {len(right)} is wrong{f': {words}' if words else '.'}"


def _sign(got: Array, expected: Array, tolerance: float) -> str:
    return "The size is right, the sign is not." if same(-got, expected, tolerance) else ""


def _transposed(got: Array, expected: Array, tolerance: float) -> str:
    swapped = got.ndim >= 2 and same(got.swapaxes(-1, -2), expected, tolerance)
    return "Rows and columns are swapped." if swapped else ""


def _factor(got: Array, expected: Array, tolerance: float) -> str:
    """Several numbers that are all off by the same factor."""
    if got.size < 2 or not np.any(expected) or not np.all(np.isfinite(got)):
        return ""
    factor = float(np.vdot(expected, got.reshape(expected.shape)) / np.vdot(expected, expected))
    if factor == 0 or not same(got / factor, expected, tolerance):
        return ""
    return f"All numbers are {factor:.3g} times as large as they should be."


def _share(got: Array, expected: Array, tolerance: float) -> str:
    if got.size < 2:
        return ""
    pairs = zip(got.reshape(-1), expected.reshape(-1), strict=True)
    right = sum(same(one, other, tolerance) for one, other in pairs)
    return f"{right} of {got.size} numbers are right."


def _form(value: Array) -> str:
    return "one number" if value.ndim == 0 else f"numbers of shape {shape_text(value.shape)}"


def _significant(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)


def _exact(right: Any) -> bool:
    """Whether the right answer consists of integers: counts, shapes, places."""
    if isinstance(right, Tensor):
        return not right.dtype.is_floating
    return np.asarray(right).dtype.kind in "biu"


def _word(text: str) -> str:
    return " ".join(text.casefold().split())
