"""Drawing and making tensors: ranges, repeatability, rough frequencies, dtypes."""

from __future__ import annotations

import numpy as np
import pytest
from ops.refused import assert_refused, each_refusal

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, DTypeError, ShapeError

DRAWS = {
    "rand_like": lambda: tc.rand_like(tc.zeros(50)),
    "randn_like": lambda: tc.randn_like(tc.zeros(50, dtype="float64")),
    "randint": lambda: tc.randint(0, 1000, (50,)),
    "randperm": lambda: tc.randperm(50),
    "bernoulli": lambda: tc.bernoulli(tc.full((50,), 0.5)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_one_seed_one_draw(name):
    tc.manual_seed(3)
    first, second = DRAWS[name](), DRAWS[name]()
    tc.manual_seed(3)
    again = DRAWS[name]()
    np.testing.assert_array_equal(first.numpy(), again.numpy())
    assert (first.numpy() != second.numpy()).any()


def test_integers_are_evenly_spread():
    tc.manual_seed(0)
    draws = tc.randint(-2, 3, (5000,))
    values, counts = np.unique(draws.numpy(), return_counts=True)
    assert values.tolist() == [-2, -1, 0, 1, 2]
    assert np.abs(counts / 1000 - 1).max() < 0.15
    assert draws.dtype is tc.int64
    assert tc.randint(4, (2, 3)).shape == (2, 3)
    assert tc.randint(10, (2,), dtype="float32").dtype is tc.float32
    assert set(tc.randint(7, 8, (4,)).tolist()) == {7}


def test_every_permutation_comes_up():
    tc.manual_seed(0)
    seen = {tuple(tc.randperm(3).tolist()) for _ in range(60)}
    assert len(seen) == 6
    assert tc.randperm(0).shape == (0,)


def test_coins_fall_as_they_are_loaded():
    tc.manual_seed(0)
    p = tc.tensor([0.0, 0.2, 0.8, 1.0], dtype="float64").expand(4000, 4)
    means = tc.bernoulli(p).mean(0).numpy()
    assert means[0] == 0
    assert means[3] == 1
    assert np.abs(means - [0, 0.2, 0.8, 1]).max() < 0.03
    assert tc.bernoulli(p).dtype is tc.float64


def test_like_another():
    x = tc.zeros(2, 3, dtype="float64")
    assert tc.rand_like(x).dtype is tc.float64
    assert tc.randn_like(x, dtype="float32", requires_grad=True).requires_grad
    assert tc.full_like(x, 7).tolist() == [[7.0] * 3] * 2
    assert tc.ones_like(x, dtype="int64").dtype is tc.int64
    assert tc.zeros_like(tc.zeros(2, backend="meta")).backend.name == "meta"
    assert x.new_zeros(4).dtype is tc.float64


def test_a_value_decides_the_dtype():
    assert tc.full((2,), 1).dtype is tc.int64
    assert tc.full((2,), True).dtype is tc.bool
    assert tc.full((2,), 1.0).dtype is tc.float32
    assert tc.full((2,), 1, dtype="float64").dtype is tc.float64
    assert tc.zeros(2).dtype is tc.float32


def test_linspace_ends_where_it_should():
    x = tc.linspace(0.1, 0.7, 7, dtype="float64")
    assert x.tolist()[0] == 0.1
    assert x.tolist()[-1] == 0.7
    np.testing.assert_allclose(np.diff(x.numpy()), 0.1)
    assert tc.linspace(3, 9, 1).tolist() == [3.0]
    assert tc.linspace(3, 9, 0).shape == (0,)


def test_data_that_is_there_already_is_copied():
    array = np.array([1.0, 2.0])
    for made in (tc.from_numpy(array), tc.as_tensor(array)):
        array[0] = 9.0
        assert made.tolist() == [1.0, 2.0]
        assert made.dtype is tc.float64
        array[0] = 1.0
    x = tc.ones(2)
    assert tc.as_tensor(x) is x
    assert tc.as_tensor(x, dtype="int64").tolist() == [1, 1]


def test_short_names_of_dtypes():
    x = tc.tensor([1.9, -1.9, 0.0], requires_grad=True)
    assert x.long().tolist() == [1, -1, 0]
    assert x.int().dtype is tc.int32
    assert x.bool().tolist() == [True, True, False]
    assert x.float() is x
    assert not x.long().requires_grad
    x.double().sum().backward()
    assert x.grad.dtype is tc.float32
    assert x.contiguous() is x


REFUSED = {
    "randint": (lambda: tc.randint(3, 3, (2,)), ArgumentError, "high"),
    "randint without size": (lambda: tc.randint(3), ArgumentTypeError, "size"),
    "randint of fractions": (lambda: tc.randint(0, 1.5, (2,)), ArgumentTypeError, "high"),
    "randperm": (lambda: tc.randperm(-1), ShapeError, "n"),
    "bernoulli": (lambda: tc.bernoulli(tc.tensor([1.5])), ArgumentError, "x"),
    "bernoulli of NaN": (lambda: tc.bernoulli(tc.tensor([float("nan")])), ArgumentError, "x"),
    "bernoulli of integers": (lambda: tc.bernoulli(tc.tensor([1])), DTypeError, "x"),
    "linspace": (lambda: tc.linspace(0, 1, -1), ArgumentError, "steps"),
    "linspace by text": (lambda: tc.linspace("0", 1, 2), ArgumentTypeError, "start"),
    "from_numpy": (lambda: tc.from_numpy([1.0]), ArgumentTypeError, "array"),
    "rand_like of integers": (lambda: tc.rand_like(tc.arange(3)), DTypeError, "dtype"),
}


@each_refusal(REFUSED)
def test_refused(call, kind, argument):
    assert_refused(call, kind, argument)
