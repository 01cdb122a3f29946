"""The optimizers' steps on the NumPy backend against the readable rules, bit by bit."""

from __future__ import annotations

import importlib
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import floats, normal, orders, seeds

from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn_backends.numpy import NumpyBackend
from tinygrad_cnn_backends.numpy.kernels import PREPARE, blocks
from tinygrad_cnn_backends.numpy.kernels.memory import Arena

importlib.import_module("tinygrad_cnn.optim")  # declares the update rules

B = NumpyBackend()
RULES = {"gradient_descent": 2, "momentum_descent": 3, "adam_step": 4, "amsgrad_step": 5}  # large arrays
rates = st.floats(0, 1).map(np.array)
fractions = st.sampled_from([0.0, 0.1, 0.9, 0.999])


@st.composite
def options(draw, name):
    every = {"weight_decay": draw(st.sampled_from([0.0, 0.01])), "maximize": draw(st.booleans())}
    if name == "gradient_descent":
        return every
    if name == "momentum_descent":
        return every | {"dampening": draw(fractions), "nesterov": draw(st.booleans())}
    eps = draw(st.sampled_from([1e-8, 1e-3]))
    return every | {"eps": eps, "decoupled_weight_decay": draw(st.booleans())}


@st.composite
def moving(draw, name):
    """What schedules move: momentum or betas, and the learning rate."""
    own = {"gradient_descent": [], "momentum_descent": [np.array(draw(fractions))]}
    betas = [np.array([draw(fractions), draw(fractions)])]
    return [*own.get(name, betas), draw(rates)]


@st.composite
def updates(draw, name):
    shape = draw(st.lists(st.integers(0, 5), max_size=4).map(tuple))
    dtype, seed, same = draw(floats), draw(seeds), draw(st.booleans())
    order = draw(orders) if shape else "contiguous"
    count = RULES[name]
    arrays = [
        normal(seed + number, shape, dtype, order if same or not shape else draw(orders))
        for number in range(count)
    ]
    if count > 3:
        for array in arrays[3:]:
            np.square(array, out=array)
        arrays.insert(2, np.array(draw(st.integers(0, 50))))
    return [*arrays, *draw(moving(name))], draw(options(name))


def by_the_rule(name, arrays, params):
    """The new weight and the new state."""
    result = REGISTRY[name].kernel(B, *arrays, **params)
    return tuple(np.asarray(new) for new in (result if isinstance(result, tuple) else (result,)))


def prepared(name, arrays, outputs, params):
    arena = Arena()
    arena.begin()
    return PREPARE[name](B, arena, *arrays, *outputs, **params)


@pytest.mark.parametrize("name", RULES)
@given(data=st.data(), block=st.sampled_from([1, 7, blocks.FLAT_NUMBERS]))
@settings(max_examples=60, deadline=None)
def test_steps_equal_the_readable_rule_bit_by_bit(name, data, block):
    arrays, params = data.draw(updates(name))
    expected = by_the_rule(name, arrays, params)
    outputs = tuple(np.full_like(new, 99) for new in expected)
    with mock.patch.object(blocks, "FLAT_NUMBERS", block):
        prepared(name, arrays, outputs, params)()
    for one, other in zip(outputs, expected, strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("name", RULES)
@given(data=st.data(), block=st.sampled_from([1, 7, blocks.FLAT_NUMBERS]))
@settings(max_examples=60, deadline=None)
def test_steps_in_place_equal_steps_into_new_memory(name, data, block):
    """The weights and the state are overwritten; two steps, the second at another learning rate."""
    arrays, params = data.draw(updates(name))
    replaced = [number for number in range(RULES[name] + (RULES[name] > 3)) if number != 1]
    expected = [array.copy() for array in arrays]
    with mock.patch.object(blocks, "FLAT_NUMBERS", block):
        work = prepared(name, arrays, [arrays[number] for number in replaced], params)
    for rate in (arrays[-1].copy(), arrays[-1] / 2):
        arrays[-1][...] = expected[-1][...] = rate
        for number, new in zip(replaced, by_the_rule(name, expected, params), strict=True):
            expected[number] = new
        work()
        for one, other in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_learning_rate_meets_the_corrections_in_full_precision():
    """lr · decay and lr / (1 − β₁ᵗ) are computed in float64, whatever the weights are."""
    w, g, zero = (np.full(3, value, np.float32) for value in (1.0, 0.5, 0.0))
    betas = np.array([0.9, 0.999])
    params = {"eps": 1e-8, "weight_decay": 0.1, "maximize": False}
    params["decoupled_weight_decay"] = True
    for lr in np.random.default_rng(0).random(50):
        arrays = w, g, np.array(7), zero, zero, betas, np.array(lr)
        outputs = [np.empty_like(array) for array in (w, np.array(7), zero, zero)]
        prepared("adam_step", arrays, outputs, params)()
        np.testing.assert_array_equal(outputs[0], by_the_rule("adam_step", arrays, params)[0])
