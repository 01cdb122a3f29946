"""The conformance kit on a real GPU: `pytest -m gpu`.

Without a GPU the tests are skipped, with the reason; TINYGRAD_CNN_REQUIRE_GPU=1 makes failures of them, for
machines that are meant to have one.
"""

from __future__ import annotations

import os

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn_backends.cupy import probe

problem = probe.find_problem()
if problem is not None and os.environ.get("TINYGRAD_CNN_REQUIRE_GPU") != "1":
    pytest.skip(f"{problem.reason}; {problem.hint}", allow_module_level=True)

# Only now: a module that is skipped half-way should not hold tests that want what comes below.
from tinygrad_cnn.testing.conformance import *  # noqa: E402, F403

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def backend():
    return tc.get_backend("cupy")


def test_the_gpu_is_idle_when_synchronized(backend):
    x = tc.ones(1000, 1000, backend=backend)
    x @ x
    backend.synchronize()
    assert backend.cupy.cuda.get_current_stream().done


def test_the_same_sums_every_time(backend):
    """Thousands of threads add to ten places: in one order, so always with the same last digits."""
    values = tc.rand(100_000, backend=backend)
    places = tc.arange(100_000, backend=backend) % 10
    first, *others = [tc.scatter_add(tc.zeros(10, backend=backend), 0, places, values) for _ in range(5)]
    assert all(bool((other == first).all()) for other in others)


# --- what stand-ins cannot show -------------------------------------------------------------------

LAYERS = [  # images, filters, stride, padding: of the networks in benchmarks/gpu.py
    ((128, 1, 28, 28), (6, 1, 5, 5), 1, 2),
    ((128, 6, 14, 14), (16, 6, 5, 5), 1, 0),
    ((32, 3, 32, 32), (64, 3, 3, 3), 1, 1),
    ((32, 64, 32, 32), (128, 64, 3, 3), 2, 1),
    ((32, 64, 32, 32), (128, 64, 1, 1), 2, 0),
    ((32, 512, 4, 4), (512, 512, 3, 3), 1, 1),
]


def conv_and_gradients(backend, dtype, images, filters, stride, padding):
    """out, ∂L/∂x and ∂L/∂w on the host, of numbers that float32 holds exactly."""
    rng = np.random.default_rng(0)
    x, w = (rng.integers(-8, 9, shape).astype(dtype) / 8 for shape in (images, filters))
    x, w = (tc.tensor(value, backend=backend, requires_grad=True) for value in (x, w))
    out = tc.functional.conv2d(x, w, stride=stride, padding=padding)
    out.backward(tc.tensor(rng.integers(-8, 9, out.shape).astype(dtype) / 8, backend=backend))
    return [value.numpy().astype(np.float64) for value in (out, x.grad, w.grad)]


@pytest.mark.parametrize("tf32", [False, True], ids=["float32", "tf32"])
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_convolutions_are_those_of_float64_numpy(layer, tf32):
    found = conv_and_gradients(tc.get_backend("cupy", tf32=tf32), np.float32, *layer)
    right = conv_and_gradients(tc.get_backend("numpy"), np.float64, *layer)
    for mine, expected in zip(found, right, strict=True):
        # TF32 holds these numbers exactly too, so what is left is the rounding of sums.
        assert np.abs(mine - expected).max() <= 1e-5 * np.abs(expected).max()


def test_convolutions_and_products_go_where_they_should(backend):
    info = backend.info()
    assert "cuDNN" in info["convolutions"]
    assert info["matrix products"].startswith("cuBLAS")


class Residual(tc.nn.Module):
    """A bit of everything."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = tc.nn.Conv2d(3, 16, 3, padding=1), tc.nn.BatchNorm2d(16)
        self.conv2, self.norm2 = tc.nn.Conv2d(16, 16, 3, padding=1), tc.nn.BatchNorm2d(16)
        self.dropout, self.fc = tc.nn.Dropout(0.2), tc.nn.Linear(16 * 4 * 4, 10)

    def forward(self, x):
        x = self.norm1(self.conv1(x)).relu()
        x = (x + self.norm2(self.conv2(x))).relu()
        return self.fc(self.dropout(tc.functional.max_pool2d(x, 2).reshape(len(x), -1)))


def losses(backend, wrap, steps, *, disturb=None, dtype=None):
    tc.manual_seed(0)
    rng = np.random.default_rng(0)
    with tc.use_backend(backend):
        model = Residual()
        optimizer = tc.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        schedule = tc.optim.ExponentialLR(optimizer, 0.99)

        def step(x, y):
            optimizer.zero_grad()
            with tc.amp.autocast(dtype or "bfloat16", enabled=dtype is not None):
                loss = tc.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        run, found = wrap(step), []
        for _ in range(steps):
            x = tc.tensor(rng.standard_normal((32, 3, 8, 8)).astype(np.float32))
            found.append(run(x, tc.tensor(rng.integers(10, size=32))))
            schedule.step()
            if disturb is not None:
                disturb(rng)
        return np.array([loss.item() for loss in found]), run


@pytest.mark.parametrize("tf32", [False, True], ids=["float32", "tf32"])
def test_a_captured_step_is_one_graph_and_does_what_the_step_does(tf32):
    backend = tc.get_backend("cupy", tf32=tf32)
    eager, _ = losses(backend, lambda step: step, 20)
    replayed, step = losses(backend, tc.capture, 20)
    assert step.plan.graph is not None, step.plan.refusal
    np.testing.assert_allclose(replayed, eager, rtol=1e-2 if tf32 else 1e-3)


def test_a_thousand_replays_while_others_take_and_give_back_memory(backend):
    def disturb(rng):
        sizes = rng.integers(1, 1 << 20, size=4)
        for size in sizes:
            tc.full((int(size),), float("nan"), backend=backend)

    quiet, _ = losses(backend, tc.capture, 1000)
    disturbed, step = losses(backend, tc.capture, 1000, disturb=disturb)
    assert step.plan.graph is not None, step.plan.refusal
    np.testing.assert_array_equal(disturbed, quiet)  # also: the same seed, the same bits


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_sixteen_bits_learn_as_on_numpy(backend, dtype):
    found, step = losses(backend, tc.capture, 10, dtype=dtype)
    assert step.plan.graph is not None, step.plan.refusal
    right, _ = losses(tc.get_backend("numpy"), lambda step: step, 10, dtype=dtype)
    np.testing.assert_allclose(found, right, rtol=0.05)


def test_a_nan_is_found_by_a_trainer_that_runs_ahead(backend):
    images = np.zeros((640, 3, 8, 8), np.float32)
    images[500:] = np.inf
    loader = tc.data.DataLoader(tc.data.ArrayDataset(images, np.zeros(640, np.int64)), batch_size=32)
    with tc.use_backend(backend):
        model = Residual()
        trainer = tc.Trainer(model, tc.optim.SGD(model.parameters(), lr=0.01), progress=False)
        with pytest.raises(tc.errors.NonFiniteError, match="in epoch 1, step 16"):
            trainer.fit(loader, epochs=1)
    assert all(np.isfinite(parameter.numpy()).all() for parameter in model.parameters())
