"""Steps of the optimizers by the kernels of optimizer.cu, run on the CPU, against the rules of optim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import floats, normal, orders, seeds

import tinygrad_cnn as tc
from tinygrad_cnn.optim import adam, sgd
from tinygrad_cnn_backends.cupy.kernels import KERNELS, optimizer

NUMPY = tc.get_backend("numpy", overrides=False)
shapes = st.sampled_from([(), (0,), (1,), (7, 3), (300,), (2, 3, 4, 5)])
rates = st.sampled_from([0.0, 1e-3, 0.1])
decays = st.sampled_from([0.0, 0.05])


def check(actual, expected, dtype):
    """Equal up to the last bits: a compiler may fuse a product and a sum."""
    for one, other in zip(actual, expected, strict=True):
        assert (one.shape, one.dtype) == (np.shape(other), np.asarray(other).dtype)
        np.testing.assert_allclose(one, other, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


@given(shapes, floats, orders, seeds, rates, decays, st.booleans())
@settings(deadline=None)
def test_gradient_descent(gpu, shape, dtype, order, seed, lr, weight_decay, maximize):
    w, g = normal(seed, shape, dtype), normal(seed + 1, shape, dtype, order)
    options = {"weight_decay": weight_decay, "maximize": maximize}
    w_new = KERNELS["gradient_descent"](gpu, w, g, np.array(lr), **options)
    check([w_new], [sgd.gradient_descent.kernel(NUMPY, w, g, np.array(lr), **options)], dtype)


@given(
    *(shapes, floats, orders, seeds, rates, decays),
    st.sampled_from([0.0, 0.1]),
    st.booleans(),
    st.booleans(),
)
@settings(deadline=None)
def test_momentum_descent(gpu, shape, dtype, order, seed, lr, weight_decay, dampening, nesterov, maximize):
    w, v = (normal(seed + i, shape, dtype) for i in range(2))
    arrays = (w, normal(seed + 2, shape, dtype, order), v, np.array(0.9), np.array(lr))
    options = {
        "dampening": dampening,
        "weight_decay": weight_decay,
        "nesterov": nesterov,
        "maximize": maximize,
    }
    new = KERNELS["momentum_descent"](gpu, *arrays, **options)
    check(new, sgd.momentum_descent.kernel(NUMPY, *arrays, **options), dtype)


@given(
    *(shapes, floats, orders, seeds, rates, decays),
    st.sampled_from([0, 1, 1000, 10**9]),
    *(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
@settings(deadline=None)
def test_adam(gpu, shape, dtype, order, seed, lr, weight_decay, t, decoupled, maximize, amsgrad, descending):
    w, m = (normal(seed + i, shape, dtype) for i in range(2))
    averages = [m, *(np.asarray(normal(seed + 2 + i, shape, dtype) ** 2) for i in range(1 + amsgrad))]
    arrays = (w, normal(seed + 5, shape, dtype, order), np.array(t), *averages)
    moving = (np.array([0.9, 0.999]), np.array(lr))
    options = {
        "eps": 1e-8,
        "weight_decay": weight_decay,
        "decoupled_weight_decay": decoupled,
        "maximize": maximize,
    }
    name, rule = ("amsgrad_step", adam.amsgrad_step) if amsgrad else ("adam_step", adam.adam_step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu.xp, "descending", descending)
        new = KERNELS[name](gpu, *arrays, *moving, **options)
    check(new, rule.kernel(NUMPY, *arrays, *moving, **options), dtype)


def test_few_threads_serve_many_weights(gpu, monkeypatch):
    monkeypatch.setattr(optimizer, "MOST_BLOCKS", 2)
    w, g = (normal(seed, (5000,), np.float32) for seed in (0, 1))
    options = {"weight_decay": 0.0, "maximize": False}
    w_new = KERNELS["gradient_descent"](gpu, w, g, np.array(0.1), **options)
    check([w_new], [sgd.gradient_descent.kernel(NUMPY, w, g, np.array(0.1), **options)], np.float32)


def test_amsgrad_lets_nan_through(gpu):
    """In the largest square so far, and in the newest."""
    w, g, m, v, v_max = np.ones((5, 3), np.float32)
    v_max[0], g[1] = np.nan, np.nan
    options = {"eps": 1e-8, "weight_decay": 0.0, "decoupled_weight_decay": False, "maximize": False}
    arrays = (w, g, np.array(3), m, v, v_max, np.array([0.9, 0.999]), np.array(0.1))
    new = KERNELS["amsgrad_step"](gpu, *arrays, **options)
    np.testing.assert_array_equal(np.isnan(new[-1]), [True, True, False])


# --- all parameters at once

MANY = [(7, 3), (), (300,), (0,), (2, 3, 4, 5), *[(number,) for number in range(1, 45)]]
OPTIONS = {
    "gradient_descent": {"weight_decay": 0.05, "maximize": True},
    "momentum_descent": {"dampening": 0.1, "weight_decay": 0.05, "nesterov": True, "maximize": False},
    "adam_step": {"eps": 1e-8, "weight_decay": 0.05, "decoupled_weight_decay": True, "maximize": False},
}
OPTIONS["amsgrad_step"] = OPTIONS["adam_step"]
MOVING = {"gradient_descent": [], "momentum_descent": [np.array(0.9)]}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("shapes", [MANY, MANY[:3], []], ids=len)
def test_a_step_of_many_parameters_over_their_memory(gpu, name, shapes, dtype):
    """As the rule's own kernel does it for each; more parameters than a launch takes, and empty ones."""
    rule = optimizer.RULES[name]

    def parameter(seed, shape):
        state = [np.array(np.abs(normal(seed + 2 + i, shape, dtype))) for i in range(rule.states)]
        steps = [np.array(seed)] if rule.counts else []  # how many each has taken is its own affair
        return [normal(seed, shape, dtype), normal(seed + 1, shape, dtype), *steps, *state]

    parameters = [parameter(seed, shape) for seed, shape in enumerate(shapes)]
    moving = [*MOVING.get(name, [np.array([0.9, 0.999])]), np.array(0.1)]
    expected = [KERNELS[name](gpu, *arrays, *moving, **OPTIONS[name]) for arrays in parameters]
    gradients = [arrays[1].copy() for arrays in parameters]
    optimizer.update_in_place(gpu, name, parameters, *moving, **OPTIONS[name])
    for (w, g, *state), new, before in zip(parameters, expected, gradients, strict=True):
        for one, other in zip((w, *state), new if isinstance(new, tuple) else (new,), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(g, before)


@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("name", OPTIONS)
def test_a_guard_that_is_false_leaves_everything_as_it_is(gpu, name, guard):
    """Also where the gradients are not finite, which is what guards are for."""
    rule = optimizer.RULES[name]

    def parameters():
        g = np.full((300,), 1.0 if guard else np.nan)
        steps = [np.array(7)] if rule.counts else []
        return [[np.ones(300), g, *steps, *np.ones((rule.states, 300))] for _ in range(3)]

    guarded, free = parameters(), parameters()
    moving = [*MOVING.get(name, [np.array([0.9, 0.999])]), np.array(0.1)]
    optimizer.update_in_place(gpu, name, guarded, *moving, guard=np.array(guard), **OPTIONS[name])
    if guard:
        optimizer.update_in_place(gpu, name, free, *moving, **OPTIONS[name])
    for one, other in zip(guarded, free, strict=True):
        for found, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_launch_takes_as_many_parameters_as_its_arguments_can_name(gpu, monkeypatch):
    started = []
    start = optimizer.launch
    monkeypatch.setattr(optimizer, "launch", lambda *a: (started.append(a[1]), start(*a))[1])
    count = optimizer.MOST_ARRAYS
    for many, launches in ((count, 1), (count + 1, 2)):
        started.clear()
        parameters = [[np.ones(3), np.ones(3)] for _ in range(many)]
        optimizer.update_in_place(
            gpu, "gradient_descent", parameters, np.array(0.5), weight_decay=0.0, maximize=False
        )
        assert len(started) == launches
        assert all((w == 0.5).all() for w, _ in parameters)
    assert optimizer.TABLE.itemsize <= 4096 - 64  # 4 KiB, less what else a kernel takes
