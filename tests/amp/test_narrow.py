"""Floats of 16 bits on NumPy: stored in 16 bits, computed in float32, rounded once."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_cnn as tc
import tinygrad_cnn.functional as F
from tinygrad_cnn._op import REGISTRY
from tinygrad_cnn.testing.conformance import OF_NETWORKS
from tinygrad_cnn.testing.samples import cases, tensors
from tinygrad_cnn.viz.plots.plot import to_array

NARROW = [tc.bfloat16, tc.float16]
each_dtype = pytest.mark.parametrize("dtype", NARROW, ids=str)
BACKENDS = [tc.get_backend("numpy"), tc.get_backend("numpy", overrides=False)]
each_backend = pytest.mark.parametrize("backend", BACKENDS, ids=str)


def called(case, inputs):
    results = case.op(*inputs, **case.sample.params)
    return results if isinstance(results, tuple) else (results,)


@each_dtype
@each_backend
@pytest.mark.parametrize("case", cases(*[REGISTRY[name] for name in OF_NETWORKS]), ids=str)
def test_results_are_those_of_float32_rounded_once(case, backend, dtype):
    inputs = tensors(case, backend, dtype=dtype, requires_grad=False)
    wide = [value.to(tc.float32) if value.dtype is dtype else value for value in inputs]
    for found, expected in zip(called(case, inputs), called(case, wide), strict=True):
        if expected.dtype is tc.float32:
            assert found.dtype is dtype
            assert backend.dtype_of(found.array) is dtype
            expected = expected.to(dtype)
        np.testing.assert_array_equal(
            found.numpy().astype(np.float64), expected.numpy().astype(np.float64), strict=True
        )


@each_dtype
@each_backend
def test_long_sums_are_not_rounded_in_between(dtype, backend):
    x = tc.ones(1, 2304, dtype=dtype, backend=backend)  # more than the integers that 11 bits can hold
    image = x.reshape(1, 1, 48, 48)
    found = [x.sum(), (x @ x.T), F.conv2d(image, image), F.avg_pool2d(image, 48) * 2304]
    assert [one.item() for one in found] == [2304.0] * 4
    assert x.mean().item() == 1


def test_views_share_their_memory():
    x = tc.ones(2, 3, dtype=tc.bfloat16)
    y = x.T[1:]
    x.assign(x * 3)
    assert y.tolist() == [[3.0, 3.0], [3.0, 3.0]]


@each_dtype
def test_numbers_come_out_as_python_knows_them(dtype):
    x = tc.tensor([[1.0, -2.5], [0.5, 1000.0]], dtype=dtype)
    assert x.tolist() == [[1.0, -2.5], [0.5, 1000.0]]
    assert type(x[0, 1].item()) is float
    assert repr(x[0]) == f"tensor([ 1. , -2.5], dtype={dtype})"
    assert tc.tensor(x.numpy()).dtype is dtype


@each_dtype
def test_tensors_travel(dtype):
    x = tc.tensor([1.0, -2.5], dtype=dtype, requires_grad=True, name="x")
    for same in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert (same.dtype, same.requires_grad, same.name) == (dtype, True, "x")
        assert same.tolist() == [1.0, -2.5]


@each_dtype
def test_random_numbers_fill_what_the_dtype_holds(dtype):
    tc.manual_seed(0)
    x = tc.rand(20_000, dtype=dtype).numpy().astype(np.float64)
    digits = 8 if dtype is tc.bfloat16 else 11
    assert 0 == x.min() < x.max() == 1 - 2.0**-digits
    assert len(np.unique(x)) == 2**digits
    y = tc.randn(20_000, dtype=dtype).numpy().astype(np.float64)
    assert abs(y.mean()) < 0.03
    assert abs(y.std() - 1) < 0.03


@each_dtype
def test_a_whole_network_in_16_bits(dtype):
    tc.manual_seed(0)
    model = tc.nn.Sequential(
        tc.nn.Conv2d(1, 4, 3), tc.nn.BatchNorm2d(4), tc.nn.ReLU(), tc.nn.Flatten(), tc.nn.Linear(144, 3)
    )
    for value in (*model.parameters(), *model.buffers()):
        value.assign(value.round())  # nothing is lost by the cast
    low = getattr(copy.deepcopy(model), "half" if dtype is tc.float16 else "bfloat16")()
    x = tc.rand(8, 1, 8, 8, dtype=dtype)
    y, expected = low(x), model(x.to(tc.float32))
    assert y.dtype is dtype
    F.cross_entropy(y, tc.arange(8) % 3).backward()
    assert {parameter.grad.dtype for parameter in low.parameters()} == {dtype}
    np.testing.assert_allclose(y.to(tc.float32).numpy(), expected.detach().numpy(), rtol=0.1, atol=0.1)


@each_dtype
def test_they_can_be_measured_and_drawn(dtype):
    scores = tc.tensor([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3]], dtype=dtype)
    right = tc.tensor([1, 0, 1])
    assert tc.metrics.accuracy(scores, right) == pytest.approx(2 / 3)
    assert tc.metrics.top_k_accuracy(scores, right, k=2) == 1
    assert to_array(scores, "scores").dtype == np.float64


def test_a_captured_step_with_them_is_done_operation_by_operation():
    step = tc.capture(lambda x: (x * 3).exp())
    x = tc.tensor([0.1, 0.2], dtype=tc.bfloat16)
    np.testing.assert_array_equal(step(x).numpy(), (x * 3).exp().numpy())
    assert "2 operations in 2 tasks" in step.plan.describe()
