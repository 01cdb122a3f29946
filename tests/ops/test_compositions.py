"""Functions that are compositions run wherever operations run: on single numbers, and on shapes alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn_backends.scalar import chain_rule

X = np.random.default_rng(0).standard_normal((3, 4))


def indices(*numbers, like):
    return tc.tensor(numbers, backend=like.backend)


DIFFERENTIABLE = {
    "einsum": lambda x: tc.einsum("ij,kj,kl->il", x, x, x),
    "tensordot": lambda x: tc.tensordot(x, x, ([0], [0])),
    "kron": lambda x: tc.kron(x[:2], x),
    "addmm": lambda x: tc.addmm(x[0, :3], x[:3, :3], x[:3, :3]),
    "diagonal": lambda x: tc.diagonal(x, 1),
    "diag_embed": tc.diag_embed,
    "triu": tc.triu,
    "cumprod": lambda x: tc.cumprod(x, 1),
    "logcumsumexp": lambda x: tc.logcumsumexp(x, 1),
    "median": lambda x: tc.median(x, 1).values,
    "quantile": lambda x: tc.quantile(x, 0.3, 1),
    "kthvalue": lambda x: tc.kthvalue(x, 2).values,
    "sort": lambda x: x.sort(0, descending=True).values,
    "norm 3": lambda x: tc.norm(x, 3, 0),
    "norm 1/2": lambda x: tc.norm(x, 0.5),
    "norm of the largest": lambda x: tc.norm(x, math.inf, 1),
    "fmod": lambda x: tc.fmod(x, 0.7),
    "frac": tc.frac,
    "lerp": lambda x: tc.lerp(x, x * x, 0.3),
    "exp2": tc.exp2,
    "logaddexp": lambda x: tc.logaddexp(x, x * 2),
    "atan2": lambda x: tc.atan2(x, x.flip(0)),
    "nan_to_num": tc.nan_to_num,
    "roll": lambda x: tc.roll(x, (1, -1), (1, 0)),
    "tile": lambda x: x.tile(2, 2),
    "repeat_interleave": lambda x: tc.repeat_interleave(x, 2, 1),
    "scatter": lambda x: tc.scatter(x, 1, indices([0, 2], [1, 1], like=x), x[:2, :2] * 3),
    "index_add": lambda x: tc.index_add(x, 0, indices(1, 1, like=x), x[:2] * 3),
    "masked_fill": lambda x: x.masked_fill(x > 0, 2.0),
    "std_mean": lambda x: tc.std_mean(x, 0)[0],
}
WITHOUT_GRADIENT = {
    "norm 0": lambda x: tc.norm(x, 0),
    "isclose": lambda x: tc.isclose(x, x + 1e-9),
    "count_nonzero": tc.count_nonzero,
    "long": lambda x: x.round().long(),
    "argsort": tc.argsort,
}
BY_VALUE = {  # how large the result is depends on the numbers
    "unique": tc.unique,
    "masked_select": lambda x: x.masked_select(x > 0),
    "nonzero": tc.nonzero,
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_equal_the_chain_rule_of_single_numbers(name):
    function = DIFFERENTIABLE[name]
    x, numbers = tc.tensor(X, requires_grad=True), tc.tensor(X, backend="scalar")
    got, expected = function(x), function(numbers)
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-12, atol=1e-13)
    seed = np.cos(np.arange(float(got.numel()))).reshape(got.shape)
    got.backward(tc.tensor(seed))
    (gradient,) = chain_rule(expected.array, seed, [numbers.array])
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", [*WITHOUT_GRADIENT, *BY_VALUE])
def test_values_are_those_of_single_numbers(name):
    function = {**WITHOUT_GRADIENT, **BY_VALUE}[name]
    got, expected = function(tc.tensor(X)), function(tc.tensor(X, backend="scalar"))
    np.testing.assert_allclose(got.numpy(), expected.numpy(), rtol=1e-12)
    assert got.dtype is expected.dtype


@pytest.mark.parametrize("name", [*DIFFERENTIABLE, *WITHOUT_GRADIENT])
def test_shapes_are_known_without_values(name):
    function = {**DIFFERENTIABLE, **WITHOUT_GRADIENT}[name]
    got, expected = function(tc.zeros(3, 4, backend="meta")), function(tc.zeros(3, 4))
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)


@pytest.mark.parametrize("name", BY_VALUE)
def test_without_values_there_is_no_telling(name):
    with pytest.raises(tc.errors.DataDependentShape):
        BY_VALUE[name](tc.zeros(3, 4, backend="meta"))
