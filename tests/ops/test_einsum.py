"""einsum: against sums written out, its gradients, and what it says of equations that do not fit."""

from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError
from tinygrad_cnn.testing import gradcheck

SIZES = dict(zip("abcde", (2, 3, 1, 4, 2), strict=True))


def leaf(shape, seed=0):
    return tc.tensor(np.random.default_rng([*shape, seed]).standard_normal(shape), requires_grad=True)


@st.composite
def equations(draw):
    """One to three operands of up to three letters each, repeated or not, and any order of the result."""
    groups = draw(st.lists(st.text("abcde", max_size=3), min_size=1, max_size=3))
    known = sorted(set("".join(groups)))
    result = "".join(draw(st.permutations(known)))[: draw(st.integers(0, len(known)))]
    return f"{','.join(groups)}->{result}"


def written_out(equation, arrays):
    """For every value of every letter, one product, added where the result's letters say."""
    inputs, result = equation.split("->")
    letters = sorted(set(inputs) - {","})
    total = np.zeros([SIZES[letter] for letter in result])
    for values in np.ndindex(*[SIZES[letter] for letter in letters]):
        at = dict(zip(letters, values, strict=True))
        product = 1.0
        for group, array in zip(inputs.split(","), arrays, strict=True):
            product *= array[tuple(at[letter] for letter in group)]
        total[tuple(at[letter] for letter in result)] += product
    return total


@settings(deadline=None, max_examples=150)
@given(equations())
def test_it_is_the_sum_of_products(equation):
    groups = equation.split("->")[0].split(",")
    operands = [leaf([SIZES[letter] for letter in group], number) for number, group in enumerate(groups)]
    got = tc.einsum(equation, *operands)
    np.testing.assert_allclose(
        got.numpy(), written_out(equation, [x.numpy() for x in operands]), rtol=1e-10, atol=1e-12
    )


@settings(deadline=None, max_examples=15)
@given(equations())
def test_gradients(equation):
    groups = equation.split("->")[0].split(",")
    operands = [leaf([SIZES[letter] for letter in group], number) for number, group in enumerate(groups)]
    assert gradcheck(lambda *tensors: tc.einsum(equation, *tensors), operands, order=2)


def test_its_gradient_is_an_einsum_that_the_letters_tell():
    x, y, g = leaf((2, 3)), leaf((3, 4)), leaf((2, 4)).detach()
    tc.einsum("ik,kj->ij", x, y).backward(g)
    np.testing.assert_allclose(x.grad.numpy(), tc.einsum("ij,kj->ik", g, y).numpy())
    np.testing.assert_allclose(y.grad.numpy(), tc.einsum("ik,ij->kj", x, g).numpy())


def test_two_operands_are_one_node():
    assert tc.einsum("ik,kj->ij", leaf((2, 3)), leaf((3, 4))).node.name == "einsum"
    assert tc.einsum("...ij,...jk->...ki", leaf((5, 2, 3)), leaf((5, 3, 4))).node.name == "einsum"


def test_without_an_arrow_letters_that_occur_once_in_alphabetical_order():
    x = leaf((2, 3)).detach()
    assert tc.einsum("ba", x).shape == (3, 2)
    assert tc.einsum("ij,jk", x, leaf((3, 4))).shape == (2, 4)
    assert tc.einsum("...a,Ba", leaf((5, 3)), leaf((2, 3))).shape == (5, 2)
    assert tc.einsum("ii", leaf((3, 3))).shape == ()


def test_dots_broadcast_and_may_be_summed_over():
    x, y = leaf((5, 1, 2)), leaf((4, 2))
    np.testing.assert_allclose(
        tc.einsum("...i,...i->...", x, y).numpy(), (x.numpy() * y.numpy()).sum(-1), rtol=1e-12
    )
    np.testing.assert_allclose(tc.einsum("...i->i", x).numpy(), x.numpy().sum((0, 1)), rtol=1e-12)


def test_more_dimensions_than_letters():
    with pytest.raises(ArgumentError, match="more dimensions than letters"):
        tc.einsum("..." + string.ascii_letters[:50], tc.zeros((1,) * 54))


X, Y = tc.zeros(2, 3), tc.zeros(4, 5)
REFUSED = [
    ("ij,jk->ik", (X, Y), ShapeError, "operands[1]", "letter 'j' is 3 long, and 4 in operand 1"),
    ("ii", (X,), ShapeError, "operands[0]", "letter 'i' is 2 long, and 3 in operand 0"),
    ("ii->i", (tc.zeros(1, 3),), ShapeError, "operands[0]", "letter 'i' is 1 long, and 3 in operand 0"),
    ("ijk", (X,), ShapeError, "operands[0]", "3 letters for 2 dimensions"),
    ("i", (X,), ShapeError, "operands[0]", "1 letters for 2 dimensions"),
    ("i...jk", (X,), ShapeError, "operands[0]", "letters for 2 dimensions"),
    ("ij,kl", (X,), ArgumentError, "equation", "every operand needs its letters"),
    ("ij->ik", (X,), ArgumentError, "equation", "the result's letter 'k' is in no operand"),
    ("ij->ii", (X,), ArgumentError, "equation", "twice"),
    ("i1", (X,), ArgumentError, "equation", "only letters"),
    ("i..", (X,), ArgumentError, "equation", "only letters"),
    ("ij->i->j", (X,), ArgumentError, "equation", "only letters"),
    ("ij,jk", (X, np.zeros((3, 2))), ArgumentTypeError, "operands[1]", "of tensors"),
    ("ij,jk", (X, tc.zeros(3, 4, dtype="float64")), DTypeError, "y", "does not mix"),
]


@pytest.mark.parametrize(("equation", "operands", "kind", "argument", "problem"), REFUSED)
def test_equations_that_do_not_fit(equation, operands, kind, argument, problem):
    with pytest.raises(kind, match=problem.replace("(", r"\(")) as caught:
        tc.einsum(equation, *operands)
    assert caught.value.argument == argument
    assert str(caught.value.where).startswith("test_einsum.py:")


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((4,), 0),
        ((4, 5), 1),
        ((3, 4, 5), 2),
        ((2, 3, 4), 3),
        ((3, 2), ([1], [0])),
        ((5, 4, 2), ([0, -1], [2, 1])),
    ],
)
def test_tensordot_is_numpys(shape, dims):
    x, y = leaf((2, 3, 4)), leaf(shape, 1)
    got = tc.tensordot(x, y, dims)
    np.testing.assert_allclose(got.numpy(), np.tensordot(x.numpy(), y.numpy(), dims), rtol=1e-12)
    assert gradcheck(lambda x, y: tc.tensordot(x, y, dims), [x, y])


@pytest.mark.parametrize(
    ("dims", "kind"),
    [
        (1, ShapeError),
        (4, tc.errors.DimensionError),
        (([0], [0, 1]), ArgumentError),
        (1.5, ArgumentTypeError),
    ],
)
def test_tensordot_refuses(dims, kind):
    with pytest.raises(kind):
        tc.tensordot(tc.zeros(2, 3), tc.zeros(4, 5), dims)
