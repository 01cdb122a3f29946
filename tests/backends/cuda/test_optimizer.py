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
