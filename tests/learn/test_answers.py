"""Comparing answers: what passes, and what is said about what does not."""

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.learn.answers import is_blank, oddity, same

RIGHT = np.array([[1.5, -2.0], [0.25, 4.0]])


@pytest.mark.parametrize(
    "answer",
    [
        RIGHT,
        RIGHT.tolist(),
        RIGHT[None, None],
        RIGHT * 1.009,
        tc.tensor(RIGHT),
        tc.tensor(RIGHT, requires_grad=True),
        tc.tensor(RIGHT, backend="scalar"),
    ],
)
def test_what_passes(answer):
    assert same(answer, RIGHT, 0.01)


@pytest.mark.parametrize(
    "answer", [RIGHT * 1.02, RIGHT.T, RIGHT.ravel(), RIGHT[:1], "1.5", [[1.5], [2.0, 1.0]], {"a": 1}, len]
)
def test_what_does_not_pass(answer):
    assert not same(answer, RIGHT, 0.01)


def test_integers_are_exact():
    assert same(19_353_600, 19_353_600, 0.01)
    assert same(19_353_600.0, 19_353_600, 0.01)
    assert not same(19_353_601, 19_353_600, 0.01)
    assert not same(tc.tensor([1, 2]), tc.tensor([1, 3]), 0.5)


def test_not_a_number_and_infinity():
    assert same([np.nan, np.inf], [np.nan, np.inf], 0.01)
    assert not same([0.0, 1e300], [np.nan, np.inf], 0.01)


def test_zeros_among_large_numbers_may_be_off_by_rounding():
    assert same([1e-7, 1.0], [0.0, 1.0], 0.01)
    assert not same([1e-3, 1.0], [0.0, 1.0], 0.01)


def test_words():
    assert same("  Cross-Correlation", "cross-correlation", 0)
    assert not same("convolution", "cross-correlation", 0)
    assert not same(3, "three", 0)


def test_parts():
    right = (26, 26, 10)
    assert same([26, 26, 10], right, 0)
    assert same(np.array(right), right, 0)
    assert not same((26, 26), right, 0)
    assert not same(26, right, 0)
    assert same((RIGHT, [1.0]), (RIGHT, np.ones(1)), 0.01)


@pytest.mark.parametrize("answer", [..., None, "", "  ", [], [1.0, ...], (..., ...)])
def test_blanks(answer):
    assert is_blank(answer)


@pytest.mark.parametrize("answer", [0, 0.0, False, "0", [0], np.zeros(3), tc.zeros(2)])
def test_no_blanks(answer):
    assert not is_blank(answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (-RIGHT, "The size is right, the sign is not."),
        (RIGHT.T, "Rows and columns are swapped."),
        (3 * RIGHT, "All numbers are 3 times as large as they should be."),
        (RIGHT / 4, "All numbers are 0.25 times as large as they should be."),
        (np.add(RIGHT, [[1, 0], [0, 0]]), "3 of 4 numbers are right."),
        (RIGHT[0], "Expected numbers of shape (2, 2); got numbers of shape (2,)."),
        (1.5, "Expected numbers of shape (2, 2); got one number."),
        ("1.5", "Expected numbers; this is text; remove the quotes."),
        (len, "Expected numbers; this is a function."),
        ({}, "Expected numbers; this is of the type dict."),
        ([[1.5], [2.0, 1.0]], "Expected numbers; this cannot be read as numbers in rows and columns."),
    ],
)
def test_what_is_odd(answer, words):
    assert oddity(answer, RIGHT, 0.01) == words


def test_what_is_odd_about_other_answers():
    assert oddity(2.0, 1.0, 0.01) == ""
    assert oddity(3, "three", 0.01) == "Expected a word in quotes; this is a number."
    assert oddity("two", "three", 0.01) == ""
    assert oddity((26, 26), (26, 26, 10), 0.01) == "Expected 3 parts, as in (…, …, …); got 2."
    assert oddity(26, (26, 26, 10), 0.01) == "Expected 3 parts, as in (…, …, …); got none."
    assert oddity((RIGHT, -RIGHT), (RIGHT, RIGHT), 0.01) == (
        "Part 2 of 2 is wrong: The size is right, the sign is not."
    )
    assert oddity((1, 2), (3, 4), 0.01) == "2 of 2 parts are wrong."
    assert oddity(((1, 2), 3), ((1, 5), 3), 0.01) == "Part 1 of 2 is wrong."
    assert oddity(65500, 65536, 0.01) == "Close, but here the number has to be exact."


@pytest.mark.parametrize(
    ("answer", "passes"),
    [(0.19, True), (0.187, True), (0.1871, True), (0.18, False), (0.2, False), (0.192, False)],
)
def test_people_round(answer, passes):
    """Two digits are enough if they are the right ones."""
    assert same(answer, 0.18709, 0.01) is passes
